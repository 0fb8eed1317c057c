"""What all workers together know of a vendor: its pace and its breaker."""

from datetime import datetime
from typing import Any

import orjson

from storage.database import Connection, driver


async def locked(db: Connection, vendor: str) -> dict[str, Any] | None:
    """Return the state of ``vendor``; until the commit, others who ask for it wait.

    They wait for the first state as well: None is said to one of them only.
    """
    connection = await driver(db)
    state = await connection.fetchval(_LOCK, vendor)
    if state is None:
        # There is no row to lock yet, so the name is locked instead, and looked up again.
        await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", vendor)
        state = await connection.fetchval(_LOCK, vendor)
    return state


async def of(db: Connection, vendor: str) -> dict[str, Any] | None:
    """Return the state of ``vendor`` as last committed, without keeping others from it."""
    return await (await driver(db)).fetchval(_OF, vendor)


async def put(db: Connection, vendor: str, state: dict[str, Any], *, now: datetime) -> None:
    """Keep the state of ``vendor``, in JSON values."""
    await (await driver(db)).execute(_PUT, vendor, orjson.dumps(state).decode(), now)


async def forget(db: Connection, vendor: str) -> bool:
    """Forget pace, breaker, pause and want of credit, as if it was never called; False if it is so.

    For an operator who knows better, such as one who has just bought credits.
    """
    gone = await (await driver(db)).fetchval(_FORGET, vendor)
    return gone is not None


async def all(db: Connection) -> dict[str, dict[str, Any]]:
    """Return the state of every vendor that was ever called."""
    rows = await (await driver(db)).fetch("SELECT vendor, state FROM vendor_states ORDER BY vendor")
    return {row["vendor"]: row["state"] for row in rows}


_OF = "SELECT state FROM vendor_states WHERE vendor = $1"
_LOCK = f"{_OF} FOR UPDATE"
_FORGET = "DELETE FROM vendor_states WHERE vendor = $1 RETURNING vendor"
_PUT = """
INSERT INTO vendor_states (vendor, state, updated_at) VALUES ($1, $2::jsonb, $3)
ON CONFLICT (vendor) DO UPDATE SET state = excluded.state, updated_at = excluded.updated_at
"""
