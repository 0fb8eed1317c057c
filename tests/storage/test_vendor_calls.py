"""How calls to vendors went: added up by hour and since ever, and told at a glance."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from storage import vendor_calls, vendor_states
from storage.database import Database
from storage.vendor_calls import (
    BUCKETS,
    KEPT,
    LONGEST_PROBLEM,
    CallOutcome,
    Tally,
    VendorOverview,
    hour_of,
)

NOW = datetime(2026, 11, 24, 12, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


def tally(*seconds: float, at: datetime = NOW, failed: int = 0, throttled: int = 0) -> Tally:
    counted = Tally()
    for each in seconds:
        counted.count(each * SECOND, at, CallOutcome.OK)
    for number in range(failed):
        counted.count(SECOND, at + number * SECOND, CallOutcome.FAILED, f"problem {number}")
    for _ in range(throttled):
        counted.count(SECOND, at, CallOutcome.THROTTLED, "busy")
    return counted


async def add(
    database: Database, told: Tally, *, at: datetime = NOW, operation: str = "search"
) -> None:
    async with database.transaction() as db:
        await vendor_calls.add(db, "uplead", {(operation, hour_of(at)): told})


async def overview(database: Database, *, now: datetime = NOW) -> dict[str, VendorOverview]:
    async with database.transaction() as db:
        return await vendor_calls.overview(db, now=now)


async def totals(database: Database) -> dict[tuple[str, str], Tally]:
    async with database.transaction() as db:
        return await vendor_calls.totals(db)


def test_a_call_falls_in_the_first_bucket_that_holds_it() -> None:
    counted = tally(0.0, BUCKETS[0], BUCKETS[0] + 0.001, 1000.0)
    counted.count(-SECOND, NOW, CallOutcome.OK)
    assert counted.buckets == [3, 1, *[0] * (len(BUCKETS) - 2), 1]
    assert counted.seconds == pytest.approx(1000.101)


def test_a_problem_is_kept_short() -> None:
    counted = Tally()
    counted.count(SECOND, NOW, CallOutcome.FAILED, "x" * 10_000)
    assert counted.last_problem == "x" * LONGEST_PROBLEM


async def test_calls_add_up_by_hour_and_since_ever(database: Database) -> None:
    await add(database, tally(0.2, 3, failed=2))
    await add(database, tally(0.2, throttled=1))
    await add(database, tally(70, at=NOW - 3 * HOUR), at=NOW - 3 * HOUR)

    ever = (await totals(database))["uplead", "search"]
    shown = (await overview(database))["uplead"]

    assert (ever.calls, ever.failures, ever.throttled) == (7, 2, 1)
    assert ever.seconds == pytest.approx(76.4)
    assert ever.buckets == [0, 0, 2, 0, 3, 0, 1, 0, 0, 0, 1]
    assert ever.by_outcome == {
        CallOutcome.OK: 4,
        CallOutcome.FAILED: 2,
        CallOutcome.THROTTLED: 1,
    }
    assert (shown.calls, shown.failures, shown.throttled) == (6, 2, 1)
    assert shown.seconds == pytest.approx(6.4 / 6)


async def test_the_last_success_and_the_last_problem_are_told_however_long_ago(
    database: Database,
) -> None:
    old = NOW - 30 * 24 * HOUR
    await add(database, tally(failed=2, at=old), at=old)
    await add(database, tally(1, at=old - HOUR), at=old - HOUR, operation="enrich")

    shown = (await overview(database))["uplead"]

    assert (shown.calls, shown.failures, shown.seconds) == (0, 0, None)
    assert shown.last_success_at == old - HOUR
    assert (shown.last_failure_at, shown.last_problem) == (old + SECOND, "problem 1")


async def test_a_problem_that_is_told_late_does_not_hide_a_newer_one(database: Database) -> None:
    await add(database, tally(failed=3))
    await add(database, tally(failed=1, at=NOW - timedelta(minutes=5)))

    assert (await overview(database))["uplead"].last_problem == "problem 2"


async def test_several_operations_of_two_hours_go_in_one_statement(database: Database) -> None:
    before = hour_of(NOW - HOUR)
    told = {
        (operation, hour): tally(1, at=hour)
        for operation in ("search", "enrich")
        for hour in (hour_of(NOW), before)
    }
    async with database.transaction() as db:
        await vendor_calls.add(db, "uplead", told)
        await vendor_calls.add(db, "uplead", {})

    ever = await totals(database)
    assert {key: each.calls for key, each in ever.items()} == {
        ("uplead", "enrich"): 2,
        ("uplead", "search"): 2,
    }
    assert (await overview(database))["uplead"].calls == 4


async def test_workers_that_add_at_once_lose_nothing(database: Database) -> None:
    told = [{(name, hour_of(NOW)): tally(1) for name in ("b", "a")} for _ in range(20)]

    async def one(each: dict[tuple[str, datetime], Tally]) -> None:
        async with database.transaction() as db:
            await vendor_calls.add(db, "uplead", each)

    await asyncio.gather(*map(one, told))

    assert [each.calls for each in (await totals(database)).values()] == [20, 20]


async def test_breaker_pace_and_credit_are_told_while_they_last(database: Database) -> None:
    state = {
        "pace": {"requests_per_minute": 500, "announced_requests": 300, "factor": 0.5},
        "breaker": {"failures": 5, "open_until": (NOW + HOUR).isoformat(), "trips": 1},
        "no_credit_until": (NOW + 2 * HOUR).isoformat(),
    }
    async with database.transaction() as db:
        await vendor_states.put(db, "uplead", state, now=NOW)
        await vendor_states.put(db, "odd", {"pace": "fast", "breaker": 7}, now=NOW)
    shown = await overview(database)

    assert shown["uplead"].requests_per_minute == 150
    assert shown["uplead"].open_until == NOW + HOUR
    assert shown["uplead"].out_of_credit_until == NOW + 2 * HOUR
    assert shown["odd"] == VendorOverview("odd")
    later = (await overview(database, now=NOW + 3 * HOUR))["uplead"]
    assert (later.open_until, later.out_of_credit_until) == (None, None)


async def test_old_hours_are_forgotten_but_not_what_they_add_up_to(database: Database) -> None:
    old = NOW - KEPT - 2 * HOUR
    await add(database, tally(1, at=old), at=old)
    await add(database, tally(1))

    async with database.transaction() as db:
        assert await vendor_calls.forget(db, now=NOW, batch=10) == 1
        assert await vendor_calls.forget(db, now=NOW, batch=10) == 0

    assert (await totals(database))["uplead", "search"].calls == 2
