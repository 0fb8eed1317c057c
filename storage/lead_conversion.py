"""Leads that became customers elsewhere: their outcome, and their status where it may move."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from policies.lead import LeadId, LeadStatus, StatusError, advance
from storage.database import Connection, driver


async def convert(db: Connection, ids: Sequence[UUID], *, now: datetime) -> list[LeadId]:
    """Keep that leads converted; return those of which that was news.

    A lead that cannot become ``converted`` from where it stands keeps its status; its outcome is
    known all the same.
    """
    movable = [status.value for status in LeadStatus if _may_convert(status)]
    rows = await (await driver(db)).fetch(_CONVERT, ids, movable, now)
    return [LeadId(row["id"]) for row in rows]


def _may_convert(status: LeadStatus) -> bool:
    try:
        advance(status, LeadStatus.CONVERTED)
    except StatusError:
        return False
    return True


_CONVERT = """
WITH locked AS (
  SELECT id FROM leads WHERE id = ANY($1::uuid[]) AND deleted_at IS NULL ORDER BY id FOR UPDATE)
UPDATE leads l SET outcome = true, version = l.version + 1, updated_at = $3,
  status = CASE WHEN l.status = ANY($2::text[]) THEN 'converted' ELSE l.status END
FROM locked WHERE l.id = locked.id AND (l.outcome IS DISTINCT FROM true
  OR (l.status = ANY($2::text[]) AND l.status <> 'converted'))
RETURNING l.id
"""
