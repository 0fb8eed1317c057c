"""Monthly partitions: made ahead, filled from the default, safe to make twice."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, date, datetime, timedelta

import asyncpg
import pytest

from policies.decision import Decision
from storage import activities, decisions, partitions
from storage.activities import Activity
from storage.database import Database, PoolOptions, count, driver

NOW = datetime(2031, 11, 24, 12, tzinfo=UTC)
MADE = """
SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent IN ('decisions'::regclass, 'activities'::regclass)
  AND c.relname NOT LIKE '%default' ORDER BY 1
"""


@pytest.fixture
async def bare(database: Database) -> AsyncGenerator[Database, None]:
    """Tables without monthly partitions, before and after."""
    await drop_all(database)
    yield database
    await drop_all(database)


async def drop_all(database: Database) -> None:
    async with database.transaction() as db:
        for name in await made(database):
            await (await driver(db)).execute(f"DROP TABLE {name}")


async def made(database: Database) -> list[str]:
    async with database.transaction() as db:
        return [row[0] for row in await (await driver(db)).fetch(MADE)]


async def keep(database: Database, now: datetime = NOW, ahead: int = 3) -> list[str]:
    async with database.transaction() as db:
        return await partitions.keep_partitions(db, now=now, ahead=ahead)


async def write(database: Database, at: datetime) -> None:
    async with database.transaction() as db:
        await activities.record(db, [Activity(at, None, "test", "me")])
        decision = Decision("test", None, "yes", (), "p@1", {})
        await decisions.keep(db, "me", [decision], correlation_id=None, now=at)


async def rows(database: Database, table: str) -> int:
    async with database.transaction() as db:
        return await count(await driver(db), f"SELECT count(*) FROM {table}")


async def test_this_month_and_the_next_ones_get_their_partition(bare: Database) -> None:
    months = ["2031_11", "2031_12", "2032_01"]
    expected = [f"{table}_{month}" for table in ("activities", "decisions") for month in months]

    assert sorted(await keep(bare, ahead=2)) == expected
    assert await made(bare) == expected
    assert await keep(bare, ahead=2) == []
    await write(bare, NOW)
    assert await rows(bare, "activities_2031_11") == await rows(bare, "decisions_2031_11") == 1
    assert await rows(bare, "activities_default") == await rows(bare, "decisions_default") == 0


async def test_rows_move_to_their_month_to_the_microsecond(bare: Database) -> None:
    start = datetime(2031, 12, 1, tzinfo=UTC)
    for at in (start - timedelta(microseconds=1), start, NOW):
        await write(bare, at)
    async with bare.reading() as db:
        before = await decisions.page(db)

    await keep(bare, ahead=1)

    assert await rows(bare, "activities_2031_11") == await rows(bare, "decisions_2031_11") == 2
    assert await rows(bare, "activities_2031_12") == await rows(bare, "decisions_2031_12") == 1
    assert await rows(bare, "decisions_default") == 0
    async with bare.reading() as db:
        assert await decisions.page(db) == before
    async with bare.transaction() as db:
        assert await decisions.verify(db) == []


async def test_rows_of_forgotten_months_get_theirs_too(bare: Database) -> None:
    await write(bare, datetime(2030, 2, 28, tzinfo=UTC))

    assert "decisions_2030_02" in await keep(bare)
    assert await rows(bare, "decisions_default") == 0


async def test_new_rows_are_numbered_on_after_the_move(bare: Database) -> None:
    for _ in range(3):
        await write(bare, NOW)
    await keep(bare)
    await write(bare, NOW)

    async with bare.transaction() as db:
        ids = await (await driver(db)).fetch("SELECT id FROM activities ORDER BY id")
    assert len({row["id"] for row in ids}) == 4


async def test_several_that_make_them_at_once_make_each_once(
    bare: Database, server_url: str
) -> None:
    many = Database(server_url, options=PoolOptions(size=4))
    try:
        found = await asyncio.gather(*(keep(many) for _ in range(4)))
    finally:
        await many.close()
    assert sorted(len(names) for names in found) == [0, 0, 0, 8]


async def test_writers_go_on_while_partitions_are_made(bare: Database, server_url: str) -> None:
    many = Database(server_url, options=PoolOptions(size=5))
    try:
        await asyncio.gather(*(write(many, NOW) for _ in range(60)), keep(many))
    finally:
        await many.close()
    assert await rows(bare, "decisions") == await rows(bare, "activities") == 60
    async with bare.transaction() as db:
        assert await decisions.verify(db) == []


async def test_a_long_reader_makes_it_give_up_instead_of_blocking_everyone(
    bare: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partitions, "PATIENCE", "100ms")
    async with bare.reading() as reader:
        await count(await driver(reader), "SELECT count(*) FROM decisions")
        with pytest.raises(asyncpg.LockNotAvailableError):
            await keep(bare)
    assert len(await keep(bare)) == 8


async def test_a_month_is_looked_up_in_its_own_partition_only(bare: Database) -> None:
    await keep(bare)
    async with bare.transaction() as db:
        plan = await (await driver(db)).fetch(
            "EXPLAIN SELECT * FROM decisions "
            "WHERE made_at >= '2031-11-02' AND made_at < '2031-11-03'"
        )
    text = " ".join(row[0] for row in plan)
    assert "decisions_2031_11" in text
    assert "decisions_2031_12" not in text
    assert "default" not in text


@pytest.mark.parametrize(
    ("months", "expected"),
    [(0, date(2031, 11, 1)), (1, date(2031, 12, 1)), (2, date(2032, 1, 1)), (14, date(2033, 1, 1))],
)
def test_months_are_counted_over_the_year(months: int, expected: date) -> None:
    assert partitions.month_after(date(2031, 11, 30), months) == expected
