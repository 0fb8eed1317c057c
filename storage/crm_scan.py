"""Which leads the CRM has to hear of: a walk through the leads in the order of their changes.

What the walk gives on is put on a queue of its own, so that it is not given on twice; what is
still on it after a while has been lost on the way, and is given on again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from policies.crm_document import Audience
from policies.lead import LeadId
from storage.crm_links import LEAD
from storage.crm_tries import lock
from storage.database import Connection, driver
from storage.lead_rows import plan_anew

LOST_AFTER = timedelta(hours=1)
LOOKED_AT = 20_000
"""Leads looked at in one statement."""


@dataclass(frozen=True, slots=True)
class Due:
    """A lead whose record is to be brought up to date, or deleted.

    Attributes:
        gone: the lead was deleted.
    """

    lead_id: LeadId
    version: int
    gone: bool


@dataclass(frozen=True, slots=True)
class Stretch:
    """What was found among the leads that were looked at.

    Attributes:
        reached: ``(updated_at, id)`` of the last lead looked at; None if there was none.
        more: whether there may be more behind it.
    """

    due: list[Due]
    reached: tuple[datetime, UUID] | None
    more: bool


async def stretch(
    db: Connection,
    audience: Audience,
    *,
    mapping_version: int,
    after: tuple[datetime, UUID] | None,
    now: datetime,
    looked_at: int = LOOKED_AT,
) -> Stretch:
    """Look at the leads that were changed after ``after``, the longest unchanged first."""
    connection = await driver(db)
    await plan_anew(connection)
    moment, lead_id = after if after is not None else (None, None)
    rows = await connection.fetch(
        _STRETCH,
        moment,
        lead_id,
        looked_at,
        LEAD,
        mapping_version,
        now - LOST_AFTER,
        audience.min_score,
        list(audience.tiers),
        [status.value for status in audience.statuses],
        list(audience.sources),
    )
    due = [Due(LeadId(row["id"]), row["version"], row["gone"]) for row in rows if row["due"]]
    last = rows[-1] if rows else None
    reached = (last["updated_at"], last["id"]) if last is not None else None
    return Stretch(due, reached, last is not None and last["looked_at"] >= looked_at)


async def orphans(db: Connection, *, now: datetime, limit: int = 1000) -> list[LeadId]:
    """Return leads that are gone for good although the CRM still has their records."""
    rows = await (await driver(db)).fetch(_ORPHANS, LEAD, now - LOST_AFTER, limit)
    return [LeadId(row["lead_id"]) for row in rows]


async def queue(db: Connection, due: Sequence[Due], *, now: datetime) -> None:
    """Put leads on the queue: those that are gone as to be deleted."""
    connection = await driver(db)
    await lock(db, [each.lead_id for each in due])
    alive = sorted((each.lead_id, each.version) for each in due if not each.gone)
    if alive:
        ids, versions = [lead_id for lead_id, _ in alive], [version for _, version in alive]
        await connection.execute(_QUEUE, ids, versions, LEAD, now)
    if gone := [each.lead_id for each in due if each.gone]:
        await connection.execute(_DELETING, gone, LEAD, now)


# The last row is that of the last lead looked at, due or not: it tells how far the walk came.
_STRETCH = """
WITH seen AS (
  SELECT id, version, updated_at, deleted_at IS NOT NULL AS gone, score, tier, status, source
  FROM leads WHERE $1::timestamptz IS NULL OR (updated_at, id) > ($1, $2::uuid)
  ORDER BY updated_at, id LIMIT $3),
told AS (
  SELECT s.id, s.version, s.updated_at, s.gone, count(*) OVER () AS looked_at,
    row_number() OVER (ORDER BY s.updated_at, s.id) AS place,
    CASE WHEN s.gone THEN
      k.lead_id IS NOT NULL AND k.state NOT IN ('deleted', 'gone') AND k.job_id IS NULL
      AND (k.state <> 'deleting' OR k.queued_at IS NULL OR k.queued_at < $6)
    ELSE
      ($7::int IS NULL OR s.score >= $7)
      AND ($8::text[] = '{}' OR s.tier = ANY($8))
      AND ($9::text[] = '{}' OR s.status = ANY($9))
      AND ($10::text[] = '{}' OR s.source = ANY($10))
      AND (k.lead_id IS NULL OR (
        k.state IN ('pending', 'synced', 'retry') AND k.job_id IS NULL
        AND (k.again OR k.state <> 'synced' OR k.lead_version IS DISTINCT FROM s.version
          OR k.mapping_version IS DISTINCT FROM $5)
        AND (k.queued_at IS NULL OR k.queued_version IS DISTINCT FROM s.version
          OR k.queued_at < $6)))
    END AS due
  FROM seen s LEFT JOIN crm_links k ON k.lead_id = s.id AND k.sobject = $4)
SELECT id, version, updated_at, gone, coalesce(due, false) AS due, looked_at FROM told
WHERE due OR place = looked_at ORDER BY updated_at, id
"""
_ORPHANS = """
SELECT k.lead_id FROM crm_links k WHERE k.sobject = $1 AND k.state NOT IN ('deleted', 'gone')
  AND k.job_id IS NULL AND (k.state <> 'deleting' OR k.queued_at IS NULL OR k.queued_at < $2)
  AND NOT EXISTS (SELECT FROM leads l WHERE l.id = k.lead_id)
ORDER BY k.lead_id LIMIT $3
"""
_QUEUE = """
INSERT INTO crm_links AS k
  (lead_id, sobject, state, queued_version, queued_at, created_at, updated_at)
SELECT u.lead_id, $3, 'pending', u.version, $4, $4, $4
FROM unnest($1::uuid[], $2::int[]) u(lead_id, version)
ON CONFLICT (lead_id, sobject) DO UPDATE SET queued_version = excluded.queued_version,
  queued_at = $4, updated_at = $4,
  state = CASE WHEN k.state = 'retry' THEN 'retry' ELSE 'pending' END
WHERE k.state IN ('pending', 'synced', 'retry')
"""
_DELETING = """
UPDATE crm_links SET state = 'deleting', queued_at = $3, updated_at = $3
WHERE lead_id = ANY($1::uuid[]) AND sobject = $2 AND job_id IS NULL
  AND state NOT IN ('deleted', 'gone')
"""
