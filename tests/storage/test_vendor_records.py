"""Records that we were billed for: each is new once, whoever keeps it first."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from storage import vendor_records
from storage.database import Database
from tests.scripted import START

ONE, OTHER = UUID(int=1), UUID(int=2)


async def own(database: Database, *ids: str, vendor: str = "uplead", entry: UUID = ONE) -> set[str]:
    async with database.transaction() as db:
        return await vendor_records.own(db, vendor, ids, entry_id=entry, now=START)


async def test_a_record_is_new_once_and_for_each_vendor(database: Database) -> None:
    assert await own(database, "a", "b", "b") == {"a", "b"}
    assert await own(database, "b", "c", entry=OTHER) == {"c"}
    assert await own(database, "a", vendor="zoominfo") == {"a"}
    assert await own(database) == set()

    async with database.transaction() as db:
        assert await vendor_records.owned(db, "uplead", ["a", "c", "d"]) == {"a", "c"}
        assert await vendor_records.owned(db, "uplead", []) == set()
        assert await vendor_records.bought(db, OTHER) == {"c"}


async def test_a_record_kept_twice_at_once_is_new_to_one(database: Database) -> None:
    rounds = [own(database, *[f"r{(n + k) % 30}" for k in range(20)]) for n in range(12)]

    async with asyncio.timeout(30):
        new = await asyncio.gather(*rounds)

    kept = [record for some in new for record in some]
    assert sorted(kept) == sorted({f"r{n}" for n in range(30)})


async def lost(database: Database) -> None:
    async with database.transaction() as db:
        later = START + timedelta(days=1)
        await vendor_records.own(db, "uplead", ["a"], entry_id=ONE, now=later)
        raise ConnectionError


async def test_what_was_rolled_back_is_not_owned(database: Database) -> None:
    with pytest.raises(ConnectionError):
        await lost(database)

    assert await own(database, "a") == {"a"}
