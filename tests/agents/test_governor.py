import asyncio
from datetime import timedelta
from itertools import pairwise

import pytest

from agents.governor import Admitted, Closed, Governor
from policies.failure import THRESHOLD
from policies.llm import RateLimits
from storage.database import Database
from tests.scripted import START

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
