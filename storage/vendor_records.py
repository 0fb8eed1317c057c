"""The records that we have been billed for: a vendor bills each only the first time (ADR-0018)."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from storage.database import Connection, driver


async def owned(db: Connection, vendor: str, ids: Collection[str]) -> set[str]:
    """Return those of ``ids`` that ``vendor`` has billed already."""
    rows = await (await driver(db)).fetch(_OWNED, vendor, list(ids))
    return {row["record_id"] for row in rows}


async def own(
    db: Connection, vendor: str, ids: Collection[str], *, entry_id: UUID, now: datetime
) -> set[str]:
    """Keep ``ids`` as billed; return those that were not yet.

    Of transactions that keep the same record at once, one is told that it is new; the others
    wait until it is committed.

    Args:
        entry_id: the ledger entry that pays for the new ones.
    """
    rows = await (await driver(db)).fetch(_OWN, vendor, sorted(set(ids)), entry_id, now)
    return {row["record_id"] for row in rows}


async def bought(db: Connection, entry_id: UUID) -> set[str]:
    """Return the records that a ledger entry paid for."""
    rows = await (await driver(db)).fetch(_BOUGHT, entry_id)
    return {row["record_id"] for row in rows}


_OWNED = "SELECT record_id FROM vendor_records WHERE vendor = $1 AND record_id = ANY ($2::text[])"
_OWN = """
INSERT INTO vendor_records (vendor, record_id, entry_id, bought_at)
SELECT $1, u.id, $3, $4 FROM unnest($2::text[]) WITH ORDINALITY u(id, o) ORDER BY u.o
ON CONFLICT DO NOTHING RETURNING record_id
"""
_BOUGHT = "SELECT record_id FROM vendor_records WHERE entry_id = $1"
