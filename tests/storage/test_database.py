"""Transactions, connections and what survives the server's death."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from storage.database import Connection, Database, PoolOptions, count, driver
from storage.outage import is_outage

KEEP = "INSERT INTO vendor_states (vendor, state, updated_at) VALUES ('x', '{}', now())"
KEPT = "SELECT count(*) FROM vendor_states"


async def kept(database: Database) -> int:
    async with database.transaction() as db:
        return await count(await driver(db), KEPT)


class Boom(Exception):
    """What a test raises."""


async def fails_after(database: Database, work: Callable[[Connection], Awaitable[None]]) -> None:
    async def boom() -> None:
        async with database.transaction() as db:
            await work(db)
            raise Boom

    with pytest.raises(Boom):
        await boom()


async def test_a_transaction_commits_on_exit(database: Database) -> None:
    async with database.transaction() as db:
        await db.execute(text(KEEP))

    assert await kept(database) == 1


async def test_an_exception_rolls_back_what_either_way_of_writing_wrote(
    database: Database,
) -> None:
    async def work(db: Connection) -> None:
        await (await driver(db)).execute(KEEP)
        await db.execute(text("UPDATE vendor_states SET state = '[]'"))

    await fails_after(database, work)

    assert await kept(database) == 0


async def test_copy_as_the_very_first_call_rolls_back_too(database: Database) -> None:
    async def work(db: Connection) -> None:
        await (await driver(db)).copy_records_to_table(
            "message_keys", records=[("a", "b")], columns=["recipient", "key"]
        )

    await fails_after(database, work)

    async with database.transaction() as db:
        assert await count(await driver(db), "SELECT count(*) FROM message_keys") == 0


async def test_a_savepoint_undoes_its_part_only(database: Database) -> None:
    async with database.transaction() as db:
        savepoint = await db.begin_nested()
        await db.execute(text(KEEP))
        await savepoint.rollback()
        async with db.begin_nested():
            await db.execute(text(KEEP))

    assert await kept(database) == 1


async def test_a_failed_statement_inside_a_savepoint_leaves_the_transaction_usable(
    database: Database,
) -> None:
    async with database.transaction() as db:
        savepoint = await db.begin_nested()
        with pytest.raises(DBAPIError):
            await db.execute(text("SELECT 1/0"))
        await savepoint.rollback()
        await db.execute(text(KEEP))

    assert await kept(database) == 1


async def test_a_reader_cannot_write(database: Database) -> None:
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        async with database.reading() as db:
            await (await driver(db)).execute(KEEP)


async def test_the_driver_is_refused_once_the_transaction_is_over(database: Database) -> None:
    async with database.transaction() as db:
        await driver(db)
        left: Connection = db

    with pytest.raises(Exception, match="closed"):
        await driver(left)


async def test_a_cancelled_transaction_leaves_nothing_behind(database: Database) -> None:
    begun = asyncio.Event()

    async def slow() -> None:
        async with database.transaction() as db:
            await db.execute(text(KEEP))
            begun.set()
            await db.execute(text("SELECT pg_sleep(30)"))

    task = asyncio.create_task(slow())
    await begun.wait()
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert await kept(database) == 0
    async with database.transaction() as db:
        idle = "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction'"
        assert await count(await driver(db), idle) == 0


async def test_connections_killed_while_idle_are_replaced_unseen(database: Database) -> None:
    for _ in range(3):
        async with database.transaction() as db:
            killed = await count(await driver(db), "SELECT pg_backend_pid()")
        await kill(database.url, killed)

        assert await kept(database) == 0


async def test_a_connection_that_was_idle_for_long_is_asked_before_it_is_used(
    server_url: str,
) -> None:
    database = Database(server_url, options=PoolOptions(size=1))
    async with database.transaction() as db:
        first = await count(await driver(db), "SELECT pg_backend_pid()")
    await asyncio.sleep(1.1)
    async with database.transaction() as db:
        assert await count(await driver(db), "SELECT pg_backend_pid()") == first
    await database.close()


async def test_a_statement_that_takes_too_long_is_stopped(server_url: str) -> None:
    options = PoolOptions(size=1, statement_timeout=timedelta(milliseconds=50))
    database = Database(server_url, options=options)
    with pytest.raises(asyncpg.QueryCanceledError) as error:
        async with database.transaction() as db:
            await (await driver(db)).execute("SELECT pg_sleep(5)")
    assert is_outage(error.value)
    await database.close()


async def test_the_pool_gives_out_no_more_connections_than_it_has(server_url: str) -> None:
    database = Database(server_url, options=PoolOptions(size=2))
    async with database.transaction() as first, database.transaction() as second:
        pids = {await count(await driver(db), "SELECT pg_backend_pid()") for db in (first, second)}
        third = asyncio.create_task(kept(database))
        await asyncio.sleep(0.05)
        assert not third.done()
    await third
    assert len(pids) == 2
    await database.close()


async def test_sessions_carry_their_name_and_limits(server_url: str) -> None:
    database = Database(server_url, options=PoolOptions(name="scorer-1"))
    async with database.transaction() as db:
        connection = await driver(db)
        assert await connection.fetchval("SHOW application_name") == "scorer-1"
        assert await connection.fetchval("SHOW idle_in_transaction_session_timeout") == "1min"
        assert await connection.fetchval("SHOW statement_timeout") == "30s"
    await database.close()


async def test_without_session_settings_each_transaction_sets_its_limits(server_url: str) -> None:
    """As behind PgBouncer in transaction mode, which passes no settings on."""
    database = Database(server_url, options=PoolOptions(pgbouncer=True))
    async with database.transaction() as db:
        assert await (await driver(db)).fetchval("SHOW statement_timeout") == "30s"
        assert (await db.execute(text("SELECT :n + 1"), {"n": 1})).scalar() == 2
    await database.close()


async def kill(url: str, pid: int) -> None:
    other = Database(url, options=PoolOptions(size=1))
    async with other.transaction() as db:
        await (await driver(db)).fetchval("SELECT pg_terminate_backend($1, 5000)", pid)
    await other.close()
