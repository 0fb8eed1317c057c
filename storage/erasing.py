"""Erasing the person of a lead at once: nothing that tells who they were stays in its row.

The row itself stays, deleted, until it is purged, so that what points to it still does.
Suppressions are written before (`suppressions.bar_lead`): the keys by which sources know the person
go as well.
"""

from datetime import datetime
from uuid import UUID

from storage.database import Connection, driver


async def erase(db: Connection, lead_id: UUID, *, now: datetime) -> bool:
    """Erase the person of a lead, deleted before or not; return whether there is such a lead."""
    connection = await driver(db)
    if not await connection.fetchval(_ERASE, lead_id, now):
        return False
    await connection.execute(_FORGET_KEYS, lead_id)
    return True


_ERASE = """
UPDATE leads SET first_name = NULL, last_name = NULL, email = NULL, phone = NULL, notes = NULL,
  email_key = NULL, phone_key = NULL, search_tokens = '{}', title = '', attributes = '{}',
  deleted_at = coalesce(deleted_at, $2), version = version + 1, updated_at = $2
WHERE id = $1 RETURNING true
"""
_FORGET_KEYS = """
UPDATE lead_sources SET name_key = NULL, company_key = NULL, linkedin_key = NULL
WHERE lead_id = $1
"""
