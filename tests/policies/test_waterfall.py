"""What is worth asking, of whom first, and where it ends."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.fact_rules import BOUGHT, EMAIL_STATUS, OPTED_OUT, Known, known_of
from policies.hit_rates import Outcomes, Rates, Tally
from policies.lead import Fact, LeadStatus
from policies.waterfall import (
    Asked,
    Candidate,
    Case,
    Offer,
    Worth,
    anything_worth,
    best,
    choice,
    ended,
    weigh,
)
from tests.policies.test_fact_rules import NOW, fact, lead

CHEAP, DEAR = Candidate("cheap", 500_000), Candidate("dear", 800_000)
ONLY_EMAIL = Worth(
    phone_found=0, title=0, seniority=0, company_size=0, industry=0, country=0, effort=0
)


def case(**more: Any) -> Case:
    found = lead(**more)
    return Case(found, known_of(found, [], now=NOW), {})


def knowing(**rates: tuple[float, float]) -> Rates:
    """For each source how often it bills, and how often a billed answer helps, for certain."""
    tallies: Outcomes = {
        (name, field, case().segment(name).key): Tally(
            10**6, int(10**6 * bills * helps), int(10**6 * bills), int(10**6 * bills * helps)
        )
        for name, (bills, helps) in rates.items()
        for field in BOUGHT
    }
    return Rates(tallies, optimism=0.0)


def test_the_gain_is_what_is_missing_times_the_chance_and_the_cost_what_is_billed() -> None:
    [offer] = weigh(case(), [CHEAP], knowing(cheap=(0.5, 0.8)), ONLY_EMAIL, now=NOW)
    assert offer.gain == pytest.approx(0.4 * 2_500_000, rel=0.01)
    assert offer.cost == pytest.approx(0.5 * 500_000, rel=0.01)
    assert offer.chance == pytest.approx(0.4, rel=0.01)


def test_a_miss_that_is_not_billed_costs_nothing() -> None:
    [offer] = weigh(case(), [CHEAP], knowing(cheap=(0.01, 1.0)), ONLY_EMAIL, now=NOW)
    assert offer.worth_it
    assert offer.cost < 6_000


def test_who_bills_without_helping_is_not_asked() -> None:
    offers = weigh(case(), [CHEAP], knowing(cheap=(0.9, 0.1)), ONLY_EMAIL, now=NOW)
    assert best(offers) is None
    assert not anything_worth(offers)
    assert "not worth" in offers[0].in_words()


def test_what_is_known_is_not_bought() -> None:
    known = replace(case(), known=Known({}, dict.fromkeys(BOUGHT, 1.0)))
    assert best(weigh(known, [CHEAP], knowing(cheap=(0.5, 0.9)), Worth(), now=NOW)) is None


def test_what_is_known_but_wanted_anew_is() -> None:
    known = replace(
        case(), known=Known({}, dict.fromkeys(BOUGHT, 1.0)), refresh=frozenset({EMAIL_STATUS})
    )
    assert best(weigh(known, [CHEAP], knowing(cheap=(0.5, 0.9)), Worth(), now=NOW))


@pytest.mark.parametrize("more", [{}, {"title": "CEO", "industry": "software", "country": "DE"}])
def test_an_address_of_the_operators_own_is_not_checked_for_money(more: dict[str, str]) -> None:
    own, sources = case(email="ann@acme.de", **more), [Candidate("uplead", 580_000), DEAR]
    assert best(weigh(own, sources, Rates({}), Worth(), now=NOW)) is None


def test_the_cheapest_for_each_help_is_first_whatever_its_price() -> None:
    rates = knowing(cheap=(0.6, 0.5), dear=(0.3, 0.95))
    offer = best(weigh(case(), [CHEAP, DEAR], rates, ONLY_EMAIL, now=NOW))
    assert offer is not None
    assert offer.source == "dear"


shares = st.floats(0.02, 0.98)


@given(st.lists(st.tuples(shares, shares, st.integers(1, 2_400_000)), min_size=1, max_size=4))
def test_for_one_field_no_other_order_is_better(told: list[tuple[float, float, int]]) -> None:
    """Pandora's rule against every order that stops at the first help."""
    names = [f"s{n}" for n in range(len(told))]
    rates = knowing(**{n: (b, h) for n, (b, h, _) in zip(names, told, strict=True)})
    sources = [Candidate(n, price) for n, (_, _, price) in zip(names, told, strict=True)]
    offers = weigh(case(), sources, rates, ONLY_EMAIL, now=NOW)
    taken = [offer for offer in offers if offer.worth_it]
    orders = [o for n in range(len(offers) + 1) for o in permutations(offers, n)]
    assert _value(taken) >= max(map(_value, orders)) - 1.0


def _value(order: Any) -> float:
    """What an order comes to when the sources know people independently of one another."""
    value, missing = 0.0, 1.0
    for offer in order:
        value += missing * offer.net
        missing *= 1 - offer.chance
    return value


@given(shares, shares, st.integers(0, 10**7), st.integers(0, 10**7))
def test_more_worth_never_makes_an_offer_worse(b: float, h: float, worth: int, more: int) -> None:
    rates = knowing(cheap=(b, h))
    one, two = (
        weigh(case(), [CHEAP], rates, Worth(email_status=w), now=NOW)[0]
        for w in (worth, min(worth + more, 10**9))
    )
    assert two.net >= one.net


def asked(**more: Any) -> Case:
    before = replace(Asked(same=True, at=NOW - timedelta(days=30)), **more)
    return replace(case(), asked={"cheap": before})


@pytest.mark.parametrize(
    ("before", "again", "cannot"),
    [
        (asked(), False, True),
        (asked(at=NOW - timedelta(days=91)), False, False),
        (asked(same=False), False, False),
        (asked(same=False, found=True), False, True),
        (asked(), True, False),
        (asked(at=NOW - timedelta(minutes=5)), True, True),
        (asked(at=None), False, False),
    ],
)
def test_the_same_is_not_asked_again_too_soon(before: Case, again: bool, cannot: bool) -> None:
    [offer] = weigh(replace(before, again=again), [CHEAP], Rates({}), Worth(), now=NOW)
    assert (offer.cannot is not None) == cannot


def test_a_record_that_is_paid_for_costs_no_more_than_the_call() -> None:
    owned = asked(at=NOW - timedelta(days=100), found=True, record="r1", owned=True)
    [offer] = weigh(owned, [CHEAP], Rates({}), Worth(), now=NOW)
    assert offer.cost == Worth().effort


@pytest.mark.parametrize(
    "nameless",
    [
        {"domain": None, "company": ""},
        {"domain": None, "company": "", "email": "ann@gmail.com"},
        {"status": LeadStatus.DISQUALIFIED},
        {"status": LeadStatus.CONVERTED},
    ],
)
def test_some_leads_reach_no_source(nameless: dict[str, Any]) -> None:
    [offer] = weigh(case(**nameless), [CHEAP], Rates({}), Worth(), now=NOW)
    assert offer.cannot is not None
    assert not anything_worth([offer])


def test_who_objected_is_asked_about_no_more() -> None:
    told: list[Fact] = [fact("zoominfo", True, field=OPTED_OUT)]
    out = replace(case(), known=known_of(lead(), told, now=NOW))
    [offer] = weigh(out, [CHEAP], Rates({}), Worth(), now=NOW)
    assert offer.cannot == "the person objected to being sold"


def test_who_is_away_is_not_asked_now_but_worth_coming_back_for() -> None:
    away = replace(CHEAP, away="it does not answer now")
    offers = weigh(case(), [away], Rates({}), Worth(), now=NOW)
    assert best(offers) is None
    assert anything_worth(offers)
    assert offers[0].in_words() == "cheap is not asked: it does not answer now."


def test_a_server_that_takes_every_address_is_known_to_who_said_so() -> None:
    rates = knowing(cheap=(0.5, 0.9), dear=(0.5, 0.9))
    all_taken = replace(case(), takes_all=frozenset({"cheap"}))
    offers = {o.source: o for o in weigh(all_taken, [CHEAP, DEAR], rates, ONLY_EMAIL, now=NOW)}
    assert not offers["cheap"].worth_it
    assert offers["dear"].worth_it


def test_a_record_without_an_address_is_insisted_against_where_it_is_not_worth_its_price() -> None:
    poor, rich = Worth(), Worth(phone_found=900_000)
    assert weigh(case(), [DEAR], Rates({}), poor, now=NOW)[0].insist
    assert not weigh(case(), [DEAR], Rates({}), rich, now=NOW)[0].insist


def test_a_decision_says_why_this_source_and_why_not_the_others() -> None:
    offers = weigh(case(), [DEAR, CHEAP], knowing(cheap=(0.5, 0.9)), Worth(), now=NOW)
    made = choice(lead().id, "cheap", offers)
    assert made.verdict == "ask cheap"
    assert made.reasons[0].startswith("cheap is worth asking")
    assert len(made.reasons) == 2
    assert {each["source"] for each in made.inputs["offers"]} == {"cheap", "dear"}


def test_the_end_says_what_was_bought_and_whether_there_is_more_to_come() -> None:
    offer = Offer("cheap", 0, 0, 0, cannot="it is away")
    assert ended(lead().id, ["x told y."], [offer], later=None).verdict == "stop"
    assert ended(lead().id, [], [offer], later=NOW).verdict == "later"
    assert ended(lead().id, [], [], later=None).reasons == ("No source is left to ask.",)
