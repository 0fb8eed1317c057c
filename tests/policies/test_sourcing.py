"""Which source is asked next, for how many, and when a search is over."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.sourcing import (
    SIZES,
    TRIAL,
    Ask,
    Evidence,
    Standing,
    Stop,
    Wait,
    expected_cost,
    expected_share,
    next_step,
    optimistic_share,
)

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
UPLEAD = Standing("uplead", 580_000, reveals=True, page_size=100, most_at_once=1)
ZOOMINFO = Standing("zoominfo", 800_000, reveals=False, page_size=100, most_at_once=25)


def step(*sources: Standing, missing: int = 100, left: int | None = None) -> Ask | Wait | Stop:
    return next_step(sources, missing=missing, left=left, now=NOW)


def test_of_two_unknown_sources_the_cheaper_one_is_tried_first() -> None:
    asked = step(UPLEAD, ZOOMINFO)

    assert asked == Ask("uplead", "search", TRIAL, expected_cost(UPLEAD))


def test_a_source_that_turns_out_useless_is_left_for_a_dearer_one() -> None:
    useless = replace(UPLEAD, now=Evidence(25, 1))

    asked = step(useless, ZOOMINFO)

    assert isinstance(asked, Ask)
    assert asked.source == "zoominfo"


def test_what_earlier_searches_came_to_counts_for_fifty_records() -> None:
    short = replace(UPLEAD, before=Evidence(50, 5))
    long = replace(UPLEAD, before=Evidence(50_000, 5_000))

    assert expected_share(short) == pytest.approx(expected_share(long))
    recovered = replace(long, now=Evidence(500, 450))
    assert expected_share(recovered) > 0.8


@given(st.integers(0, 500), st.integers(0, 500))
def test_optimism_shrinks_with_what_was_bought(usable: int, useless: int) -> None:
    few = replace(UPLEAD, now=Evidence(usable + useless, usable))
    many = replace(UPLEAD, now=Evidence(10 * (usable + useless), 10 * usable))

    assert 0 < expected_share(few) <= optimistic_share(few) <= 1
    bonus = optimistic_share(few) - expected_share(few)
    assert bonus < 0.2
    if usable + useless >= 50 and optimistic_share(few) < 1:
        assert optimistic_share(many) - expected_share(many) < bonus


@pytest.mark.parametrize("seed", range(5))
def test_a_wrong_start_costs_little_and_the_better_source_gets_nearly_everything(
    seed: int,
) -> None:
    shares, chance = {"uplead": 0.2, "zoominfo": 0.9}, Random(seed)
    sources = {"uplead": UPLEAD, "zoominfo": replace(ZOOMINFO, reveals=True)}
    missing, spent, bought = 300, 0, {"uplead": 0, "zoominfo": 0}
    while missing:
        asked = next_step([*sources.values()], missing=missing, left=None, now=NOW)
        assert isinstance(asked, Ask)
        source = sources[asked.source]
        usable = sum(chance.random() < shares[source.name] for _ in range(asked.most))
        told = Evidence(source.now.records + asked.most, source.now.usable + usable)
        sources[source.name] = replace(source, now=told)
        missing, spent = missing - usable, spent + asked.most * source.price
        bought[source.name] += asked.most

    assert bought["uplead"] <= 3 * TRIAL
    assert spent / 300 < 1.2 * 800_000 / 0.9


@given(st.integers(1, 400), st.integers(0, 10**8), st.integers(0, 60), st.integers(0, 500))
def test_no_question_asks_for_more_than_is_missing_or_can_be_paid(
    missing: int, left: int, candidates: int, records: int
) -> None:
    known = Evidence(records, records // 2)
    sources = [
        replace(UPLEAD, now=known),
        replace(ZOOMINFO, now=known, candidates=candidates, more=False),
    ]

    asked = next_step(sources, missing=missing, left=left, now=NOW)

    if isinstance(asked, Stop):
        assert left < 580_000
        return
    assert isinstance(asked, Ask)
    price = {"uplead": 580_000, "zoominfo": 800_000}[asked.source]
    assert 1 <= asked.most <= missing
    assert asked.most * price <= left
    if asked.how == "search":
        assert asked.most in SIZES
    else:
        assert asked.most <= min(25, candidates)


def test_a_free_page_is_whole_and_candidates_are_bought_before_more_are_looked_for() -> None:
    assert step(ZOOMINFO, missing=3) == Ask("zoominfo", "search", 100, expected_cost(ZOOMINFO))
    with_some = replace(ZOOMINFO, candidates=40)
    assert step(with_some, missing=3) == Ask("zoominfo", "buy", 3, expected_cost(ZOOMINFO))


def test_a_search_stops_when_everybody_is_found() -> None:
    assert step(UPLEAD, missing=0) == Stop("done", "everybody that was wanted is found")


def test_a_search_stops_when_no_record_can_be_paid() -> None:
    stopped = step(UPLEAD, ZOOMINFO, left=579_999)

    assert isinstance(stopped, Stop)
    assert stopped.status == "over_budget"


def test_the_cheaper_source_goes_on_when_the_dearer_cannot_be_paid() -> None:
    better = replace(ZOOMINFO, now=Evidence(100, 100), candidates=10)
    worse = replace(UPLEAD, now=Evidence(100, 30))

    asked = step(better, worse, left=700_000)

    assert isinstance(asked, Ask)
    assert (asked.source, asked.most) == ("uplead", 1)


def test_a_search_stops_when_no_source_has_anybody_left_and_says_who_failed() -> None:
    empty = replace(UPLEAD, more=False)
    assert step(empty) == Stop("exhausted", "the sources know nobody else who fits")
    stopped = step(empty, replace(ZOOMINFO, failed=True))
    assert isinstance(stopped, Stop)
    assert "zoominfo" in stopped.reason


def test_a_search_stops_when_every_account_is_out_of_credit() -> None:
    later = NOW + timedelta(hours=1)
    stopped = step(replace(UPLEAD, out_of_credit_until=later), replace(ZOOMINFO, more=False))

    assert stopped == Stop("exhausted", "the account is out of credit: uplead")


def test_who_rests_is_waited_for_only_if_nobody_else_can_be_asked() -> None:
    soon, later = NOW + timedelta(seconds=30), NOW + timedelta(minutes=5)
    resting = replace(UPLEAD, rests_until=soon)

    asked = step(resting, ZOOMINFO)

    assert isinstance(asked, Ask)
    assert asked.source == "zoominfo"
    assert step(resting, replace(ZOOMINFO, rests_until=later)) == Wait(soon)


def test_a_free_source_is_asked_first_and_needs_no_budget() -> None:
    free = replace(UPLEAD, name="ours", price=0)

    asked = step(ZOOMINFO, free, left=0)

    assert isinstance(asked, Ask)
    assert (asked.source, asked.most) == ("ours", 100)
