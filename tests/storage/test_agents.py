"""What the database tells of the agents: pools, pauses, workers and what waits for whom."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta

import pytest

from storage import agents, mailbox
from storage.agents import AgentOverview, Bounds, NoSuchAgent
from storage.database import Database, driver
from storage.mailbox import Lane, Letter, Mailbox

NOW = datetime.now(UTC)  # noqa: TID251 - messages carry the database's own clock
HOUR = timedelta(hours=1)


@pytest.fixture
async def house(database: Database) -> Database:
    """Two roles."""
    async with database.transaction() as db:
        await agents.ensure(db, {"scorer": Bounds(1, 4), "enricher": Bounds(2, 2)})
    return database


@pytest.fixture
async def scorer(house: Database) -> AsyncGenerator[Mailbox, None]:
    box = Mailbox(house.url, "scorer", "scorer-1", virtual=True)
    await box.open(NOW)
    yield box
    await box.close()


async def post(database: Database, messages: int, **others: object) -> None:
    letters = [Letter("scorer", "test", {"n": n}, **others) for n in range(messages)]  # type: ignore[arg-type]
    async with database.transaction() as db:
        await mailbox.post(db, letters, now=NOW)


async def overview(database: Database, role: str = "scorer", now: datetime = NOW) -> AgentOverview:
    async with database.reading() as db:
        return {found.role: found for found in await agents.overview(db, now=now)}[role]


async def backlog(database: Database) -> dict[str, int]:
    async with database.reading() as db:
        return await agents.backlog(db)


async def test_roles_keep_their_pause_when_their_bounds_change(house: Database) -> None:
    async with house.transaction() as db:
        await agents.pause(db, "scorer", by="ada", reason="a check", now=NOW)
        await agents.ensure(db, {"scorer": Bounds(0, 9)})
        assert await agents.bounds(db) == {"scorer": Bounds(0, 9), "enricher": Bounds(2, 2)}

    found = await overview(house)
    assert (found.paused, found.paused_by, found.paused_reason) == (True, "ada", "a check")


async def test_all_roles_pause_and_resume_together(house: Database) -> None:
    async with house.transaction() as db:
        assert await agents.pause(db, None, by="ada", reason="budget", now=NOW) == 2
    assert (await overview(house, "enricher")).paused
    async with house.transaction() as db:
        assert await agents.resume(db, None, now=NOW) == 2
    found = await overview(house, "enricher")
    assert (found.paused, found.paused_by, found.paused_reason) == (False, None, None)


async def test_a_role_that_does_not_exist_cannot_be_paused(house: Database) -> None:
    async with house.transaction() as db:
        with pytest.raises(NoSuchAgent, match="'poet'"):
            await agents.pause(db, "poet", by="ada", reason="", now=NOW)


async def test_the_overview_counts_what_waits_what_comes_later_and_what_died(
    house: Database, scorer: Mailbox
) -> None:
    await post(house, 7)
    await post(house, 2, lane=Lane.BULK)
    await post(house, 3, due_at=NOW + HOUR)
    taken = await scorer.claim(4, now=NOW)
    await scorer.bury(taken[:1], "unreadable", now=NOW)

    found = await overview(house)

    assert (found.waiting, found.delayed, found.dead) == (5, 3, 1)
    assert found.bounds == Bounds(1, 4)
    assert (await overview(house, "enricher")).waiting == 0


async def test_the_oldest_message_tells_how_long_it_has_waited(
    house: Database, scorer: Mailbox
) -> None:
    assert (await overview(house)).oldest is None
    before = datetime.now(UTC)  # noqa: TID251 - messages carry the database's own clock
    await post(house, 2)
    after = datetime.now(UTC)  # noqa: TID251

    later = await overview(house, now=after + HOUR)

    assert later.oldest is not None
    assert HOUR <= later.oldest <= HOUR + (after - before)


async def test_workers_report_and_their_numbers_add_up(house: Database, scorer: Mailbox) -> None:
    second = Mailbox(house.url, "scorer", "scorer-2", virtual=True)
    await second.open(NOW)
    await scorer.beat({"done": 5, "failed": 1, "last_error": "VendorError"}, now=NOW + HOUR)
    await second.beat({"done": 7, "last_error": None}, now=NOW)
    await second.close()

    found = await overview(house)

    assert found.report == {"done": 12, "failed": 1}
    assert [(w.name, w.beat_at) for w in found.workers] == [
        ("scorer-1", NOW + HOUR),
        ("scorer-2", NOW),
    ]
    assert found.workers[0].report["last_error"] == "VendorError"


async def test_workers_that_stopped_reporting_are_forgotten(
    house: Database, scorer: Mailbox
) -> None:
    second = Mailbox(house.url, "scorer", "scorer-2", virtual=True)
    await second.open(NOW + HOUR)
    await second.close()
    async with house.transaction() as db:
        assert await agents.forget_dead_workers(db, before=NOW + HOUR) == 1
        assert [worker.name for worker in await agents.workers(db)] == ["scorer-2"]


async def test_the_backlog_counts_what_nobody_has_begun(house: Database, scorer: Mailbox) -> None:
    await post(house, 6)
    await scorer.claim(2, now=NOW)

    assert await backlog(house) == {"scorer": 4, "enricher": 0}


async def test_a_paused_role_has_no_backlog(house: Database) -> None:
    await post(house, 6)
    async with house.transaction() as db:
        await agents.pause(db, "scorer", by="ada", reason="", now=NOW)

    assert await backlog(house) == {"scorer": 0, "enricher": 0}


async def test_counting_stops_where_it_no_longer_matters(house: Database) -> None:
    async with house.transaction() as db:
        connection = await driver(db)
        await connection.execute(
            "INSERT INTO messages (recipient, lane, id, kind, body) "
            "SELECT 'scorer', 2, n, 'test', '{}' FROM generate_series(1, 100000) n"
        )

    assert (await backlog(house))["scorer"] == agents.MOST_COUNTED
    assert (await overview(house)).waiting == agents.MOST_COUNTED
    async with house.transaction() as db:
        plan = await (await driver(db)).fetch(
            "EXPLAIN (ANALYZE, BUFFERS) SELECT * FROM agents_backlog(10000)"
        )
    buffers = next(row[0] for row in plan if "hit=" in row[0])
    assert int(buffers.split("hit=")[1].split()[0]) < 4 * agents.MOST_COUNTED // 10
