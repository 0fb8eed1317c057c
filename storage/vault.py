"""The data keys that seal personal data, wrapped under the master keys of the ring."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import asyncpg
from sqlalchemy import text

from storage.database import Connection, Database, driver
from storage.keyring import KeyRing, WrappedKey
from storage.sealing import Sealer

VAULT_LOCK = 0x5EA1
"""Held by whoever makes or rewraps data keys."""


async def open_sealer(database: Database, ring: KeyRing) -> Sealer:
    """Unwrap every data key; where there is none yet, make the first.

    Processes that start together agree on one key. The newest seals from now on.

    Raises:
        KeyRingError: if the ring does not unwrap one of them.
    """
    async with database.transaction() as db:
        keys = await _wrapped(await driver(db))
    if not keys:
        keys = await _first(database, ring)
    data_keys = {key.id: ring.unwrap(key) for key in keys}
    return Sealer(data_keys, max(data_keys), ring.index_key)


async def new_data_key(database: Database, ring: KeyRing) -> int:
    """Make the data key that seals from the next start on; return its id."""
    async with _locked(database) as db:
        keys = await _wrapped(await driver(db))
        key = ring.new_data_key(max((key.id for key in keys), default=0) + 1)
        await _insert(db, key)
    return key.id


async def rotate_master(database: Database, ring: KeyRing, new_ring: KeyRing) -> int:
    """Rewrap every data key under the current master key of ``new_ring``; touch no lead.

    Save ``new_ring`` before, with the older master keys in it: a crash in between then leaves
    keys that either ring unwraps.

    Returns:
        How many keys were rewrapped; those under that master key already are left alone.

    Raises:
        KeyRingError: if ``ring`` does not unwrap one of them; then nothing is changed.
    """
    both = new_ring.model_copy(update={"masters": {**ring.masters, **new_ring.masters}})
    async with _locked(database) as db:
        connection = await driver(db)
        due = [key for key in await _wrapped(connection) if key.master_id != new_ring.current]
        for key in due:
            rewrapped = both.rewrap(key)
            await connection.execute(_REWRAP, key.id, rewrapped.master_id, rewrapped.wrapped)
    return len(due)


async def _first(database: Database, ring: KeyRing) -> list[WrappedKey]:
    async with _locked(database) as db:
        keys = await _wrapped(await driver(db))
        if keys:
            return keys
        key = ring.new_data_key(1)
        await _insert(db, key)
    return [key]


async def _wrapped(connection: asyncpg.Connection) -> list[WrappedKey]:
    rows = await connection.fetch("SELECT id, master_id, wrapped FROM data_keys ORDER BY id")
    return [WrappedKey(row["id"], row["master_id"], row["wrapped"]) for row in rows]


async def _insert(db: Connection, key: WrappedKey) -> None:
    await (await driver(db)).execute(_INSERT, key.id, key.master_id, key.wrapped)


@asynccontextmanager
async def _locked(database: Database) -> AsyncGenerator[Connection, None]:
    async with database.transaction() as db:
        await db.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": VAULT_LOCK})
        yield db


_INSERT = "INSERT INTO data_keys (id, master_id, wrapped) VALUES ($1, $2, $3)"
_REWRAP = "UPDATE data_keys SET master_id = $2, wrapped = $3 WHERE id = $1"
