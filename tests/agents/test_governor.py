import asyncio
from datetime import timedelta
from itertools import pairwise

import pytest

from agents.errors import AnswerError, VendorError
from agents.governor import FLUSH_EVERY, Admitted, Closed, Governor
from policies.failure import THRESHOLD
from policies.llm import RateLimits, Usage
from policies.pacing import Allowance, Window
from storage import vendor_calls, vendor_states
from storage.database import Database
from storage.vendor_calls import VendorOverview
from tests.scripted import START, Clock

SECOND = timedelta(seconds=1)


def governor(database: Database, *, requests: float = 600) -> Governor:
    return Governor(database, "openai", requests_per_minute=requests, tokens_per_minute=1_000_000)


async def admit(
    who: Governor, database: Database, calls: int, *, after: timedelta = timedelta()
) -> Admitted | Closed:
    async with database.transaction() as db:
        return await who.admit(db, [100] * calls, START + after)


async def waits(
    who: Governor, database: Database, calls: int, *, after: timedelta = timedelta()
) -> list[timedelta]:
    admitted = await admit(who, database, calls, after=after)
    assert isinstance(admitted, Admitted)
    return list(admitted.waits)


async def test_workers_that_ask_together_never_share_a_slot(database: Database) -> None:
    workers = [governor(database) for _ in range(8)]

    asked = await asyncio.gather(*(waits(who, database, 5) for who in workers))

    slots = sorted(wait for given in asked for wait in given)
    gaps = [later - earlier for earlier, later in pairwise(slots)]
    assert len(slots) == 40
    assert min(gaps) >= timedelta(milliseconds=100)
    assert max(gaps) <= timedelta(milliseconds=102)


async def test_the_pace_outlives_the_worker_that_set_it(database: Database) -> None:
    await waits(governor(database), database, 20)

    (first,) = await waits(governor(database), database, 1)

    assert first >= 2 * SECOND


async def test_a_turned_away_call_slows_everybody_down_and_time_heals(database: Database) -> None:
    one, other = governor(database), governor(database)
    await one.throttled(3 * SECOND, START)

    first, second = await waits(other, database, 2)

    assert first == 3 * SECOND
    assert second - first > timedelta(milliseconds=140)
    for step in range(40):
        await one.succeeded([RateLimits(requests=600)], START + (10 + step) * SECOND)
    healed = await waits(other, database, 2, after=timedelta(minutes=5))
    assert healed[1] - healed[0] < timedelta(milliseconds=102)


async def test_what_the_vendor_announces_is_followed_below_the_ceiling(database: Database) -> None:
    who = governor(database, requests=60_000)
    await waits(who, database, 1)
    await who.succeeded([RateLimits(requests=60, tokens=1_000_000)], START)

    first, second = await waits(who, database, 2, after=timedelta(minutes=1))

    assert second - first >= SECOND


async def test_a_vendor_that_keeps_failing_is_left_alone_by_all(database: Database) -> None:
    one, other = governor(database), governor(database)
    for _ in range(THRESHOLD):
        await one.failed(None, START)

    closed = await admit(other, database, 1)

    assert isinstance(closed, Closed)
    assert closed.until > START
    assert one.is_closed(START)


async def test_after_the_pause_one_batch_probes_while_the_others_wait(database: Database) -> None:
    one, other = governor(database), governor(database)
    for _ in range(THRESHOLD):
        await one.failed(None, START)
    later = timedelta(minutes=1)

    assert isinstance(await admit(one, database, 3, after=later), Admitted)
    assert isinstance(await admit(other, database, 3, after=later), Closed)

    await one.succeeded([RateLimits()], START + later)
    assert isinstance(await admit(other, database, 3, after=later), Admitted)


async def test_nothing_is_written_while_all_is_well(database: Database) -> None:
    who = governor(database)
    await waits(who, database, 1)
    limits = RateLimits(requests=600, tokens=1_000_000)
    await who.succeeded([limits], START)
    await waits(who, database, 1, after=SECOND)
    before = await state(database)

    await who.succeeded([limits], START + SECOND)

    assert await state(database) == before


async def state(database: Database) -> object:
    async with database.transaction() as db:
        return (await db.exec_driver_sql("SELECT state, updated_at, xmin FROM vendor_states")).all()


@pytest.mark.parametrize("tokens", [[0], [10_000_000]])
async def test_odd_sizes_still_get_a_slot(database: Database, tokens: list[int]) -> None:
    async with database.transaction() as db:
        assert isinstance(await governor(database).admit(db, tokens, START), Admitted)


async def call(who: Governor, error: VendorError | None = None, *, what: str = "search") -> None:
    async with who.calling(what):
        if error is not None:
            raise error


async def failing(who: Governor, error: VendorError) -> None:
    with pytest.raises(VendorError):
        await call(who, error)


def timed(database: Database, clock: Clock, *, requests: float = 600) -> Governor:
    return Governor(database, "uplead", requests_per_minute=requests, clock=clock)


async def shown(database: Database, clock: Clock) -> VendorOverview:
    async with database.transaction() as db:
        return (await vendor_calls.overview(db, now=clock()))["uplead"]


AWAY = VendorError("uplead", "status 503", retry_after=10 * SECOND, in_doubt=True)
BUSY = VendorError("uplead", "status 429", retry_after=30 * SECOND, throttled=True)
BROKE = VendorError("uplead", "no credit", retry_after=timedelta(hours=1), out_of_credit=True)
ODD = AnswerError("uplead", "status 400", retry_after=None, usage=Usage())


async def test_the_breaker_opens_lets_one_probe_through_and_closes(database: Database) -> None:
    clock = Clock()
    one, other = timed(database, clock), timed(database, clock)
    for _ in range(THRESHOLD):
        assert isinstance(await one.enter(clock()), Admitted)
        await failing(one, AWAY)

    closed = await other.enter(clock())
    assert isinstance(closed, Closed)
    assert (await shown(database, clock)).open_until == closed.until

    clock.now = closed.until
    assert isinstance(await one.enter(clock()), Admitted)
    assert isinstance(await other.enter(clock()), Closed)
    await failing(one, AWAY)
    reopened = await other.enter(clock())
    assert isinstance(reopened, Closed)

    clock.now = reopened.until
    assert isinstance(await other.enter(clock()), Admitted)
    await call(other)
    assert isinstance(await one.enter(clock()), Admitted)
    assert isinstance(await other.enter(clock()), Admitted)
    assert (await shown(database, clock)).open_until is None


async def test_a_probe_whose_caller_dies_is_tried_again_by_another(database: Database) -> None:
    clock = Clock()
    one, other = timed(database, clock), timed(database, clock)
    for _ in range(THRESHOLD):
        await failing(one, AWAY)
    clock.pass_(timedelta(minutes=1))
    assert isinstance(await one.enter(clock()), Admitted)

    closed = await other.enter(clock())
    assert isinstance(closed, Closed)
    clock.now = closed.until
    assert isinstance(await other.enter(clock()), Admitted)


@pytest.mark.parametrize("error", [ODD, BROKE, BUSY])
async def test_what_is_not_the_vendors_failure_never_opens_the_breaker(
    database: Database, error: VendorError
) -> None:
    clock = Clock()
    who = timed(database, clock)
    for _ in range(2 * THRESHOLD):
        await failing(who, error)
        clock.pass_(30 * SECOND)

    assert isinstance(await who.enter(clock()), Admitted)


@pytest.mark.parametrize("error", [ODD, BROKE, BUSY])
async def test_a_probe_that_is_answered_badly_closes_the_breaker(
    database: Database, error: VendorError
) -> None:
    clock = Clock()
    who = timed(database, clock)
    for _ in range(THRESHOLD):
        await failing(who, AWAY)
    clock.pass_(timedelta(minutes=1))
    await who.enter(clock())
    await failing(who, error)

    assert (await shown(database, clock)).open_until is None
    clock.pass_(30 * SECOND)
    assert isinstance(await timed(database, clock).enter(clock()), Admitted)


async def test_a_throttled_call_makes_all_wait_as_long_as_asked(database: Database) -> None:
    clock = Clock()
    await failing(timed(database, clock), BUSY)

    assert await timed(database, clock).enter(clock()) == Closed(START + 30 * SECOND)
    async with database.transaction() as db:
        admitted = await timed(database, clock).admit(db, [0], clock())
    assert admitted == Admitted((30 * SECOND,))
    assert (await shown(database, clock)).throttled == 1


async def test_who_has_a_slot_already_does_not_call_a_vendor_that_asked_for_a_pause(
    database: Database,
) -> None:
    clock = Clock()
    one, other = timed(database, clock), timed(database, clock)
    for who in (one, other):
        assert isinstance(await who.enter(clock()), Admitted)
    await failing(one, BUSY)
    clock.pass_(10 * SECOND)

    with pytest.raises(VendorError) as caught:
        async with other.calling("search"):
            pytest.fail("it was called all the same")

    assert (caught.value.throttled, caught.value.retry_after) == (True, 20 * SECOND)
    assert (await shown(database, clock)).calls == 1
    clock.pass_(20 * SECOND)
    await call(other)


async def test_a_failure_that_names_a_pause_holds_everybody_back(database: Database) -> None:
    clock = Clock()
    who = timed(database, clock)
    who.heard(Allowance((Window(remaining=0, resets_in=50 * SECOND),)))
    await failing(who, AWAY)

    assert await timed(database, clock).enter(clock()) == Closed(START + 50 * SECOND)


async def test_a_used_up_window_holds_everybody_back_until_it_resets(database: Database) -> None:
    clock = Clock()
    one, other = timed(database, clock), timed(database, clock)
    async with one.calling("search"):
        one.heard(Allowance((Window(timedelta(minutes=1), 500, 0, 40 * SECOND),)))

    assert await other.enter(clock()) == Closed(START + 40 * SECOND)


async def test_a_window_of_a_second_sets_the_pace_and_that_of_a_day_does_not(
    database: Database,
) -> None:
    clock = Clock()
    who = timed(database, clock, requests=60_000)
    async with who.calling("search"):
        who.heard(
            Allowance(
                (Window(SECOND, 5, 4, None), Window(timedelta(days=1), 129_600, 90_000, None))
            )
        )

    async with database.transaction() as db:
        admitted = await who.admit(db, [0, 0, 0], clock())

    assert isinstance(admitted, Admitted)
    first, second, third = admitted.waits
    assert third - second == second - first
    assert timedelta(milliseconds=200) <= second - first <= timedelta(milliseconds=203)


async def test_while_all_is_well_the_state_is_left_alone(database: Database) -> None:
    clock = Clock()
    who = timed(database, clock)
    limits = Allowance((Window(timedelta(minutes=1), 500, 400, 10 * SECOND),))
    await who.enter(clock())
    for _ in range(2):
        async with who.calling("search"):
            who.heard(limits)
    before = await state(database)

    async with who.calling("search"):
        who.heard(limits)

    assert await state(database) == before


async def test_calls_are_counted_and_written_every_few_seconds(database: Database) -> None:
    clock = Clock()
    who = timed(database, clock)
    await who.enter(clock())
    async with who.calling("search"):
        clock.pass_(3 * SECOND)
    assert (await shown(database, clock)).calls == 1
    for _ in range(4):
        await call(who, what="enrich")
    assert (await shown(database, clock)).calls == 1
    clock.pass_(FLUSH_EVERY)
    await call(who)
    assert (await shown(database, clock)).calls == 6
    await call(who)
    await failing(who, AWAY)
    seen = await shown(database, clock)
    assert (seen.calls, seen.failures, seen.last_problem) == (8, 1, "uplead: status 503")
    await call(who)
    await who.close()
    assert (await shown(database, clock)).calls == 9


async def test_what_is_no_error_of_the_vendor_is_neither_counted_nor_told(
    database: Database,
) -> None:
    clock = Clock()
    who = timed(database, clock)
    await who.enter(clock())
    with pytest.raises(KeyError):
        async with who.calling("search"):
            raise KeyError("ours")
    await who.close()

    assert (await shown(database, clock)).calls == 0


async def test_figures_that_cannot_be_written_are_kept_for_later(database: Database) -> None:
    clock = Clock()
    who = timed(database, clock)
    await who.enter(clock())
    await call(who)
    async with database.transaction() as db:
        await db.exec_driver_sql("ALTER TABLE vendor_calls RENAME TO gone")
    try:
        clock.pass_(FLUSH_EVERY)
        with pytest.raises(Exception, match="vendor_calls"):
            await call(who)
    finally:
        async with database.transaction() as db:
            await db.exec_driver_sql("ALTER TABLE gone RENAME TO vendor_calls")
    await who.close()

    assert (await shown(database, clock)).calls == 2


async def test_what_an_operator_forgets_no_longer_holds_anybody_back(database: Database) -> None:
    clock = Clock()
    who = timed(database, clock)
    for error in (BROKE, BUSY):
        await failing(who, error)
        clock.pass_(SECOND)
    async with database.transaction() as db:
        assert await who.out_of_credit_until(db, clock()) is not None
        assert await vendor_states.forget(db, "uplead")
        assert not await vendor_states.forget(db, "uplead")
        assert await who.out_of_credit_until(db, clock()) is None

    assert await who.enter(clock()) == Admitted((timedelta(),))
    await call(who)


async def test_a_governor_without_a_clock_says_what_it_lacks(database: Database) -> None:
    with pytest.raises(ValueError, match="clock"):
        async with governor(database).calling("search"):
            pass
