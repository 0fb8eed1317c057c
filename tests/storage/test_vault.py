"""Data keys: one for all processes, rewrapped without touching what they seal."""

import asyncio
from uuid import uuid4

import pytest

from storage import vault
from storage.database import Database, count, driver
from storage.keyring import KeyRing, KeyRingError

COLUMN, ROW = "leads.email", uuid4()


@pytest.fixture(scope="module")
def ring() -> KeyRing:
    return KeyRing.generate()


async def keys(database: Database) -> list[tuple[int, str, bytes]]:
    async with database.transaction() as db:
        rows = await (await driver(db)).fetch("SELECT * FROM data_keys ORDER BY id")
    return [(row["id"], row["master_id"], row["wrapped"]) for row in rows]


async def test_the_first_start_makes_one_key_and_the_second_uses_it(
    database: Database, ring: KeyRing
) -> None:
    sealed = (await vault.open_sealer(database, ring)).seal(COLUMN, ROW, "jane@example.com")
    again = await vault.open_sealer(database, ring)

    assert again.open(COLUMN, ROW, sealed) == "jane@example.com"
    assert [(key_id, master) for key_id, master, _ in await keys(database)] == [(1, ring.current)]


async def test_processes_that_start_together_agree_on_one_key(
    database: Database, ring: KeyRing
) -> None:
    processes = [Database(database.url) for _ in range(8)]
    try:
        sealers = await asyncio.gather(*(vault.open_sealer(p, ring) for p in processes))
    finally:
        for process in processes:
            await process.close()
    sealed = [sealer.seal(COLUMN, ROW, str(n)) for n, sealer in enumerate(sealers)]

    assert len(await keys(database)) == 1
    assert [sealers[0].open(COLUMN, ROW, blob) for blob in sealed] == [*map(str, range(8))]


async def test_a_new_data_key_seals_from_now_on_and_the_old_one_still_opens(
    database: Database, ring: KeyRing
) -> None:
    old = await vault.open_sealer(database, ring)
    sealed = old.seal(COLUMN, ROW, "jane")
    assert await vault.new_data_key(database, ring) == 2
    new = await vault.open_sealer(database, ring)

    assert new.open(COLUMN, ROW, sealed) == "jane"
    assert new.needs_reseal(sealed)
    assert new.blind("email", "jane") == old.blind("email", "jane")


async def test_rotating_the_master_rewraps_the_keys_and_nothing_else(
    database: Database, ring: KeyRing
) -> None:
    sealed = (await vault.open_sealer(database, ring)).seal(COLUMN, ROW, "jane")
    await vault.new_data_key(database, ring)
    before = await keys(database)
    new_ring = ring.with_new_master("master-2")

    assert await vault.rotate_master(database, ring, new_ring) == 2
    assert await vault.rotate_master(database, ring, new_ring) == 0

    after = await keys(database)
    assert [master for _, master, _ in after] == ["master-2"] * 2
    assert {wrapped for *_, wrapped in before}.isdisjoint(wrapped for *_, wrapped in after)
    assert (await vault.open_sealer(database, new_ring)).open(COLUMN, ROW, sealed) == "jane"
    with pytest.raises(KeyRingError, match="master-2"):
        await vault.open_sealer(database, ring)


async def test_the_old_master_is_not_needed_after_the_rotation(
    database: Database, ring: KeyRing
) -> None:
    sealed = (await vault.open_sealer(database, ring)).seal(COLUMN, ROW, "jane")
    new_ring = ring.with_new_master("master-2")
    only_new = new_ring.model_copy(update={"masters": {"master-2": new_ring.masters["master-2"]}})
    await vault.rotate_master(database, ring, only_new)

    assert (await vault.open_sealer(database, only_new)).open(COLUMN, ROW, sealed) == "jane"


async def test_another_ring_opens_nothing_and_changes_nothing(
    database: Database, ring: KeyRing
) -> None:
    await vault.open_sealer(database, ring)
    before = await keys(database)
    stranger = KeyRing.generate()

    with pytest.raises(KeyRingError, match="another key ring"):
        await vault.open_sealer(database, stranger)
    with pytest.raises(KeyRingError):
        await vault.rotate_master(database, stranger, stranger.with_new_master("master-2"))
    assert await keys(database) == before


async def test_a_rotation_that_fails_half_way_changes_nothing(
    database: Database, ring: KeyRing
) -> None:
    await vault.open_sealer(database, ring)
    await vault.new_data_key(database, ring)
    async with database.transaction() as db:
        await (await driver(db)).execute("UPDATE data_keys SET wrapped = '\\x00' WHERE id = 2")
    before = await keys(database)

    with pytest.raises(KeyRingError, match="Data key 2"):
        await vault.rotate_master(database, ring, ring.with_new_master("master-2"))
    assert await keys(database) == before


async def test_the_database_holds_no_key_in_the_clear(database: Database, ring: KeyRing) -> None:
    await vault.open_sealer(database, ring)
    async with database.transaction() as db:
        connection = await driver(db)
        for secret in (*ring.masters.values(), ring.index_key):
            query = "SELECT count(*) FROM data_keys WHERE position($1::bytea IN wrapped) > 0"
            assert await count(connection, query, secret) == 0
