"""What is forgotten, when, and in what portions; and inbound events, kept once."""

from datetime import UTC, datetime, timedelta

from storage import inbound, purge
from storage.database import Database, count, driver
from storage.inbound import Event
from storage.purge import Purged
from storage.sealing import Sealer

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
SEALER = Sealer({1: bytes(32)}, 1, bytes(32))


async def fill(database: Database, age: timedelta, rows: int, name: str) -> None:
    """Add rows of each kind that are ``age`` past the moment when they may be forgotten."""
    async with database.transaction() as db:
        connection = await driver(db)
        await connection.execute(
            "INSERT INTO message_keys SELECT $1, n::text, $2 FROM generate_series(1, $3::int) n",
            name,
            NOW - purge.MESSAGE_KEYS_KEPT - age,
            rows,
        )
        await connection.execute(
            "INSERT INTO idempotency_keys (principal, key, request_digest, created_at) "
            "SELECT $1, n::text, '', $2 FROM generate_series(1, $3::int) n",
            name,
            NOW - purge.IDEMPOTENCY_KEYS_KEPT - age,
            rows,
        )
        await connection.execute(
            "INSERT INTO agent_workers (epoch, role, name, beat_at) "
            "VALUES (nextval('worker_epoch'), 'scorer', $1, $2)",
            name,
            NOW - purge.DEAD_WORKERS_KEPT - age,
        )


async def run(database: Database, batch: int = 100) -> Purged:
    async with database.transaction() as db:
        return await purge.purge(db, now=NOW, batch=batch)


async def left(database: Database) -> list[int]:
    async with database.transaction() as db:
        connection = await driver(db)
        tables = ("message_keys", "idempotency_keys", "agent_workers")
        return [await count(connection, f"SELECT count(*) FROM {table}") for table in tables]


async def test_only_what_is_old_enough_is_forgotten(database: Database) -> None:
    await fill(database, SECOND, 3, "old")
    await fill(database, -SECOND, 2, "young")

    assert await run(database) == Purged(3, 3, 1, more=False)
    assert await left(database) == [2, 2, 1]


async def test_it_goes_in_portions_until_there_is_no_more(database: Database) -> None:
    await fill(database, SECOND, 25, "old")
    portions: list[int] = []
    while True:
        purged = await run(database, batch=10)
        portions.append(purged.message_keys)
        if not purged.more:
            break

    assert portions == [10, 10, 5]
    assert await left(database) == [0, 0, 0]


async def test_two_that_purge_at_once_do_not_wait_for_each_other(database: Database) -> None:
    await fill(database, SECOND, 30, "old")
    async with database.transaction() as first, database.transaction() as second:
        purged = [await purge.purge(db, now=NOW, batch=20) for db in (first, second)]

    assert [found.message_keys for found in purged] == [20, 10]


async def test_an_inbound_event_is_kept_once_and_sealed(database: Database) -> None:
    events = [Event("form", "1", '{"email":"jane@example.com"}'), Event("form", "2", "two")]
    async with database.transaction() as db:
        assert await inbound.keep(db, SEALER, [*events, events[0]], now=NOW) == events
        repeated = [Event("form", "2", "changed"), Event("crm", "2", "three")]
        assert await inbound.keep(db, SEALER, repeated, now=NOW) == repeated[1:]
        assert await inbound.payload(db, SEALER, "form", "2") == "two"
        assert await inbound.payload(db, SEALER, "form", "3") is None
        plain = "SELECT count(*) FROM inbound_events WHERE position('jane'::bytea IN payload) > 0"
        assert await count(await driver(db), plain) == 0
