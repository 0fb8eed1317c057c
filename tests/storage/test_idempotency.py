"""A request sent twice is done once, and the second gets the first one's answer."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from storage import idempotency
from storage.database import Connection, Database, PoolOptions, count, driver
from storage.idempotency import KeyInProgress, KeyMismatch, Stored
from storage.sealing import Sealer, SealError

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SEALER = Sealer({1: bytes(32)}, 1, bytes(32))
ANSWER = Stored(201, '{"email":"jane@example.com","é":1}'.encode(), {"Location": "/api/leads/1"})


async def begin(
    db: Connection,
    key: str = "k",
    *,
    digest: bytes = b"one",
    principal: str = "ada",
    now: datetime = NOW,
) -> Stored | None:
    return await idempotency.begin(db, SEALER, principal, key, digest, now=now)


async def complete(db: Connection, key: str = "k") -> None:
    await idempotency.complete(db, SEALER, "ada", key, ANSWER)


async def test_the_second_request_gets_the_firsts_answer(database: Database) -> None:
    async with database.transaction() as db:
        assert await begin(db) is None
        await complete(db)
    async with database.transaction() as db:
        assert await begin(db, now=NOW + timedelta(hours=1)) == ANSWER


async def test_another_request_under_the_same_key_is_refused(database: Database) -> None:
    async with database.transaction() as db:
        await begin(db)
        await complete(db)
    async with database.transaction() as db:
        with pytest.raises(KeyMismatch):
            await begin(db, digest=b"two")


async def test_keys_are_each_principals_own(database: Database) -> None:
    async with database.transaction() as db:
        await begin(db)
        await complete(db)
        assert await begin(db, principal="bob", digest=b"two") is None
        assert await begin(db, key="other", digest=b"two") is None


async def test_a_request_that_failed_may_be_sent_again(database: Database) -> None:
    async def fail() -> None:
        async with database.transaction() as db:
            await begin(db)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with database.transaction() as db:
        assert await begin(db) is None


async def test_while_the_first_is_in_its_transaction_the_second_is_told_so_at_once(
    database: Database,
) -> None:
    async with database.transaction() as first, database.transaction() as second:
        await begin(first)
        async with asyncio.timeout(2):
            with pytest.raises(KeyInProgress):
                await begin(second)


async def test_a_committed_beginning_is_in_progress_until_it_is_completed(
    database: Database,
) -> None:
    async with database.transaction() as db:
        await begin(db)
    async with database.transaction() as db:
        with pytest.raises(KeyInProgress):
            await begin(db, now=NOW + timedelta(seconds=119))
    async with database.transaction() as db:
        await complete(db)
        assert await begin(db) == ANSWER


async def test_what_a_dead_process_began_is_taken_over_after_two_minutes_by_one(
    server_url: str, database: Database
) -> None:
    async with database.transaction() as db:
        await begin(db)
    many = Database(server_url, options=PoolOptions(size=4))
    later = NOW + idempotency.ABANDONED

    async def take_over() -> bool:
        async with many.transaction() as db:
            return await begin(db, now=later) is None

    try:
        taken = await asyncio.gather(*(take_over() for _ in range(4)), return_exceptions=True)
    finally:
        await many.close()
    assert [took for took in taken if took is True] == [True]
    assert all(isinstance(took, KeyInProgress) for took in taken if took is not True)


async def test_only_the_first_to_complete_succeeds(database: Database) -> None:
    async with database.transaction() as db:
        await begin(db)
        await complete(db)
        with pytest.raises(KeyInProgress):
            await complete(db)


async def test_an_abandoned_request_may_be_sent_again_at_once(database: Database) -> None:
    async with database.transaction() as db:
        await begin(db)
    async with database.transaction() as db:
        await idempotency.abandon(db, "ada", "k")
        assert await begin(db, digest=b"two") is None
        await complete(db)
        await idempotency.abandon(db, "ada", "k")
        assert await begin(db, digest=b"two") == ANSWER


async def test_the_answer_is_sealed_and_bound_to_its_key(database: Database) -> None:
    async with database.transaction() as db:
        for key in ("k", "other"):
            await begin(db, key)
            await complete(db, key)
        connection = await driver(db)
        plain = (
            "SELECT count(*) FROM idempotency_keys WHERE position('jane'::bytea IN response) > 0"
        )
        assert await count(connection, plain) == 0
        await connection.execute(
            "UPDATE idempotency_keys SET response = "
            "(SELECT response FROM idempotency_keys WHERE key = 'other') WHERE key = 'k'"
        )
        with pytest.raises(SealError):
            await begin(db, "k")
