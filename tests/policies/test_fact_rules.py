"""Which word counts when sources differ, and when to ask again."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.fact_rules import (
    EMAIL_STATUS,
    PHONE_FOUND,
    REACHES,
    RULES,
    better_address,
    due,
    helps,
    known_of,
    strength,
    told_by,
    winner,
)
from policies.lead import Fact, Lead, LeadId, LeadStatus, Person
from policies.prospect import EmailStatus, Prospect

NOW = datetime(2026, 11, 24, tzinfo=UTC)
DAY = timedelta(days=1)


def fact(
    source: str, value: Any, confidence: float = 0.8, *, days: int = 0, field: str = "title"
) -> Fact:
    return Fact(field, source, value, confidence, NOW - days * DAY)


def lead(**more: Any) -> Lead:
    person = Person("Ann", "Lee", more.pop("email", None), more.pop("phone", None))
    made = Lead(
        *(LeadId(UUID(int=1)), "import", LeadStatus.NEW, person, None, "Acme", "acme.de"),
        *("", None, None, {}, None, None, None, None, (), 1, NOW, NOW),
    )
    return replace(made, **more)


def test_the_operators_record_beats_a_surer_vendor() -> None:
    told = [fact("record", "Buyer", 0.7), fact("uplead", "CEO", 0.95)]
    assert winner(told, NOW) == told[0]


def test_a_record_that_has_long_gone_stale_no_longer_does() -> None:
    told = [fact("record", "Buyer", 0.7, days=2000), fact("uplead", "CEO", 0.8)]
    assert winner(told, NOW) == told[1]


def test_of_two_vendors_the_surer_counts_and_age_wears_it_out() -> None:
    new, old = fact("uplead", "CEO", 0.8), fact("zoominfo", "CFO", 0.85)
    assert winner([new, old], NOW) == old
    assert winner([new, replace(old, observed_at=NOW - 400 * DAY)], NOW) == new


def test_of_equally_sure_words_the_newest_counts() -> None:
    told = [
        fact("a", "1", 0.8, field="x"),
        replace(fact("b", "2", 0.8, field="x"), observed_at=NOW + DAY),
    ]
    assert winner(told, NOW) == told[1]


def test_a_word_that_was_withdrawn_never_counts() -> None:
    assert winner([fact("uplead", None), fact("zoominfo", "CEO", 0.0)], NOW) is None


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0.01, 1), st.integers(0, 3000))))
def test_the_winner_is_one_of_them_whatever_their_order(told: list[Any]) -> None:
    facts = [fact(s, f"{s}{d}", c, days=d) for s, c, d in told]
    found = winner(facts, NOW)
    assert found == winner(facts[::-1], NOW) or _weight(found) == _weight(winner(facts[::-1], NOW))
    assert (found is None) == (not facts)
    assert found is None or found in facts


def _weight(one: Fact | None) -> object:
    return one and (strength(one, NOW), one.observed_at, one.source)


@given(st.floats(0, 1), st.integers(0, 5000), st.integers(1, 5000))
def test_nothing_grows_surer_with_age(confidence: float, days: int, more: int) -> None:
    young, old = fact("a", 1, confidence, days=days), fact("a", 1, confidence, days=days + more)
    assert strength(old, NOW) <= strength(young, NOW) <= confidence


def test_only_what_a_vendor_told_comes_due() -> None:
    told = [
        fact("uplead", "valid", field=EMAIL_STATUS, days=91),
        fact("uplead", "CEO", days=179),
        fact("record", "software", field="industry", days=5000),
        fact("title", "head", field="seniority", days=5000),
    ]
    assert due(told, NOW) == {EMAIL_STATUS}
    assert due(told, NOW + 2 * DAY) == {EMAIL_STATUS, "title"}


def test_every_interval_is_shorter_than_the_half_life() -> None:
    assert all(rule.again < rule.half_life for rule in RULES.values())


@pytest.mark.parametrize(
    ("email", "status", "sure"),
    [
        (None, None, 0.0),
        ("ann@acme.de", None, 0.95),
        ("ann@gmail.com", None, 0.7),
        ("ann@acme.de", "valid", 0.95),
        ("ann@acme.de", "catch_all", 0.6),
        ("ann@acme.de", "invalid", 0.0),
    ],
)
def test_how_surely_a_letter_arrives(email: str | None, status: str | None, sure: float) -> None:
    told = [] if status is None else [fact("uplead", status, field=EMAIL_STATUS)]
    known = known_of(lead(email=email), told, using={"uplead"}, now=NOW)
    assert known.sure[EMAIL_STATUS] == pytest.approx(sure)


def test_a_word_about_another_address_says_nothing_of_ours() -> None:
    told = [fact("zoominfo", "invalid", field=EMAIL_STATUS)]
    known = known_of(lead(email="ann@acme.de"), told, using={"uplead"}, now=NOW)
    assert known.sure[EMAIL_STATUS] == pytest.approx(0.95)


@pytest.mark.parametrize("told", [None, *EmailStatus])
@pytest.mark.parametrize("current", [None, *EmailStatus])
def test_an_address_is_replaced_only_by_one_that_arrives_more_surely(
    current: EmailStatus | None, told: EmailStatus | None
) -> None:
    replaced = better_address(lead(email="ann@acme.de"), current, told)
    if current is None or told is None:
        assert not replaced
    else:
        assert replaced == (REACHES[told] > REACHES[current] and told is not EmailStatus.INVALID)
    assert better_address(lead(), None, told) == (told not in {None, EmailStatus.INVALID})


def test_answers_become_facts_without_anything_personal() -> None:
    person = Person("Ann", "Lee", "ann@acme.de", "+4930901820")
    prospect = Prospect(
        "uplead",
        "r1",
        person,
        title="CEO\x00",
        email_status=EmailStatus.VALID,
        linkedin_url="https://linkedin.com/in/ann",
        facts={"company_size": "51-200"},
        observed_at=NOW - 40 * DAY,
    )
    told = told_by(prospect, cost_micro=580_000, now=NOW)
    assert {(f.field, f.value) for f in told} == {
        (EMAIL_STATUS, "valid"),
        (PHONE_FOUND, True),
        ("company_size", "51-200"),
    }
    assert [f.cost_micro for f in told] == [580_000, 0, 0]
    assert {f.observed_at for f in told} == {NOW - 40 * DAY}


@pytest.mark.parametrize("status", EmailStatus)
def test_only_a_valid_address_is_a_hit(status: EmailStatus) -> None:
    prospect = Prospect("uplead", "r1", Person(email="a@b.de"), email_status=status)
    assert helps(prospect, EMAIL_STATUS) == (status is EmailStatus.VALID)
