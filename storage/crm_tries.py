"""Records under way to the CRM: what is about to be sent, and what became of it.

A link under way carries the ``attempt`` that it is tried by. Whoever brings a result for another
attempt may have written after its successor: such a record is to be sent again (`settle`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from policies.lead import LeadId
from storage.crm_links import LEAD, LinkState
from storage.database import Connection, count, driver


@dataclass(frozen=True, slots=True)
class Try:
    """A record that is about to be sent.

    Attributes:
        version: of the lead that it is made from.
    """

    lead_id: LeadId
    hash: bytes
    version: int


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a try.

    Attributes:
        crm_id: None leaves the one that is known.
        due_at: when it is tried again; None if it is not.
    """

    lead_id: LeadId
    state: LinkState
    crm_id: str | None = None
    code: str | None = None
    problem: str | None = None
    fields: tuple[str, ...] = ()
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of a record over there.

    Attributes:
        state: that its link is in by now.
        crm_id: None forgets the record.
        again: whether it is to be sent whatever was sent before.
    """

    lead_id: LeadId
    state: LinkState
    crm_id: str | None
    status: str | None
    modified_at: datetime | None
    again: bool = False


async def lock(
    db: Connection, ids: Sequence[UUID], crm_ids: Sequence[str] = (), *, sobject: str = LEAD
) -> None:
    """Let nobody else change these links until the transaction ends; always in one order."""
    await (await driver(db)).execute(_LOCK, ids, crm_ids, sobject)


async def intend(
    db: Connection, tries: Sequence[Try], *, attempt: UUID, now: datetime, sobject: str = LEAD
) -> set[LeadId]:
    """Write down what is about to be sent; return whose records may be.

    Left out is what another bulk job carries, and what is to be left alone.
    """
    rows = sorted(tries, key=lambda each: each.lead_id)
    await lock(db, [row.lead_id for row in rows], sobject=sobject)
    found = await (await driver(db)).fetch(
        _INTEND,
        [row.lead_id for row in rows],
        [row.hash for row in rows],
        [row.version for row in rows],
        sobject,
        attempt,
        now,
    )
    return {LeadId(row["lead_id"]) for row in found}


async def settle(
    db: Connection,
    results: Sequence[Result],
    *,
    attempt: UUID,
    mapping_version: int,
    now: datetime,
    sobject: str = LEAD,
) -> set[LeadId]:
    """Keep what became of the tries of an attempt; return whose must be sent again.

    Those were tried by somebody else meanwhile, so that nobody knows who wrote last.
    """
    rows = sorted(results, key=lambda each: each.lead_id)
    connection = await driver(db)
    await lock(db, [row.lead_id for row in rows], sobject=sobject)
    mine = await connection.fetch(
        _SETTLE,
        [row.lead_id for row in rows],
        [row.state.value for row in rows],
        [row.crm_id for row in rows],
        [row.code for row in rows],
        [row.problem for row in rows],
        ["\n".join(row.fields) for row in rows],
        [row.due_at for row in rows],
        sobject,
        attempt,
        mapping_version,
        now,
    )
    rest = {row.lead_id for row in rows} - {LeadId(row["lead_id"]) for row in mine}
    known = {row.lead_id: row.crm_id for row in rows if row.lead_id in rest}
    crossed = await connection.fetch(_CROSSED, list(known), list(known.values()), sobject, now)
    return {LeadId(row["lead_id"]) for row in crossed}


async def waiting(
    db: Connection, *, now: datetime, limit: int, sobject: str = LEAD
) -> list[LeadId]:
    """Return leads whose records are due now, or were about to be sent when somebody died."""
    rows = await (await driver(db)).fetch(_WAITING, sobject, now, limit)
    return [LeadId(row["lead_id"]) for row in rows]


async def unchanged(
    db: Connection, versions: Sequence[tuple[LeadId, int]], *, mapping_version: int, now: datetime
) -> int:
    """Keep that the records of these versions of leads are as they were sent."""
    ids, numbers = [lead_id for lead_id, _ in versions], [version for _, version in versions]
    return await count(await driver(db), _UNCHANGED, ids, numbers, LEAD, mapping_version, now)


async def left_out(db: Connection, ids: Sequence[UUID], *, now: datetime) -> int:
    """Take leads off the queue that the CRM does not get; return how many were on it."""
    connection = await driver(db)
    gone = await count(connection, _FORGET, ids, LEAD)
    return gone + await count(connection, _LEFT_OUT, ids, LEAD, now)


async def removed(
    db: Connection, ids: Sequence[UUID], *, now: datetime, sobject: str = LEAD
) -> None:
    """Keep that the records of leads were deleted, or never were."""
    connection = await driver(db)
    await connection.execute(_REMOVED, ids, sobject, now)
    await connection.execute(_NO_DRIFT, ids, sobject)


async def not_removed(
    db: Connection, lead_id: UUID, code: str, *, due_at: datetime, now: datetime
) -> None:
    """Keep why a lead's record is still there, and when it is tried again."""
    await (await driver(db)).execute(_NOT_REMOVED, lead_id, LEAD, code, due_at, now)


async def see(db: Connection, rows: Sequence[Seen], *, now: datetime, sobject: str = LEAD) -> None:
    """Keep what was seen of records; what we are deleting, or have, stays so."""
    ordered = sorted(rows, key=lambda each: each.lead_id)
    await (await driver(db)).execute(
        _SEE,
        [row.lead_id for row in ordered],
        [row.state.value for row in ordered],
        [row.crm_id for row in ordered],
        [row.status for row in ordered],
        [row.modified_at for row in ordered],
        [row.again for row in ordered],
        sobject,
        now,
    )


async def adopt(
    db: Connection,
    records: Sequence[tuple[LeadId, str]],
    *,
    now: datetime,
    sobject: str = LEAD,
    state: LinkState = LinkState.SYNCED,
) -> None:
    """Link leads to records that somebody else made."""
    ids, crm_ids = [lead_id for lead_id, _ in records], [crm_id for _, crm_id in records]
    await (await driver(db)).execute(_ADOPT, ids, crm_ids, sobject, state.value, now)


_LOCK = """
SELECT FROM crm_links WHERE (lead_id = ANY($1::uuid[]) OR crm_id = ANY($2::text[]))
  AND sobject = $3 ORDER BY lead_id FOR UPDATE
"""
_INTEND = """
INSERT INTO crm_links AS k
  (lead_id, sobject, state, attempt, tried_hash, tried_version, created_at, updated_at)
SELECT u.lead_id, $4, 'pending', $5, u.hash, u.version, $6, $6
FROM unnest($1::uuid[], $2::bytea[], $3::int[]) u(lead_id, hash, version)
ON CONFLICT (lead_id, sobject) DO UPDATE SET state = 'pending', attempt = excluded.attempt,
  tried_hash = excluded.tried_hash, tried_version = excluded.tried_version, updated_at = $6
WHERE k.state IN ('pending', 'synced', 'retry') AND k.job_id IS NULL
RETURNING lead_id
"""
_SETTLE = """
UPDATE crm_links k SET state = u.state, crm_id = coalesce(u.crm_id, k.crm_id),
  sent_hash = CASE WHEN u.state = 'synced' THEN k.tried_hash ELSE k.sent_hash END,
  lead_version = CASE WHEN u.state = 'synced' THEN k.tried_version ELSE k.lead_version END,
  mapping_version = CASE WHEN u.state = 'synced' THEN $10 ELSE k.mapping_version END,
  synced_at = CASE WHEN u.state = 'synced' THEN $11 ELSE k.synced_at END,
  again = k.again AND u.state <> 'synced', job_id = NULL,
  attempts = CASE WHEN u.state = 'synced' THEN 0 ELSE k.attempts + 1 END,
  queued_version = CASE WHEN u.due_at IS NULL THEN NULL ELSE k.tried_version END,
  queued_at = u.due_at, code = u.code, problem = u.problem,
  problem_fields = string_to_array(u.fields, E'\\n'), updated_at = $11
FROM (SELECT lead_id, state, crm_id, code, problem, coalesce(fields, '') AS fields, due_at
  FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
    $7::timestamptz[]) u(lead_id, state, crm_id, code, problem, fields, due_at)) u
WHERE k.lead_id = u.lead_id AND k.sobject = $8 AND k.attempt = $9
  AND k.state IN ('pending', 'synced', 'retry')
RETURNING k.lead_id
"""
_CROSSED = """
UPDATE crm_links k SET again = true, attempt = gen_random_uuid(),
  crm_id = coalesce(k.crm_id, u.crm_id), updated_at = $4
FROM unnest($1::uuid[], $2::text[]) u(lead_id, crm_id)
WHERE k.lead_id = u.lead_id AND k.sobject = $3
  AND k.state IN ('pending', 'synced', 'retry', 'deleting')
RETURNING k.lead_id
"""
_WAITING = """
SELECT lead_id FROM crm_links WHERE sobject = $1 AND job_id IS NULL
  AND (state = 'pending' OR (state = 'retry' AND queued_at <= $2))
ORDER BY updated_at DESC, lead_id DESC LIMIT $3
"""
_UNCHANGED = """
WITH done AS (
  UPDATE crm_links k SET lead_version = u.version, mapping_version = $4, state = 'synced',
    queued_version = NULL, queued_at = NULL, updated_at = $5
  FROM unnest($1::uuid[], $2::int[]) u(lead_id, version)
  WHERE k.lead_id = u.lead_id AND k.sobject = $3 AND k.job_id IS NULL
    AND k.state IN ('pending', 'synced', 'retry')
  RETURNING 1)
SELECT count(*) FROM done
"""
_FORGET = """
WITH gone AS (
  DELETE FROM crm_links WHERE lead_id = ANY($1::uuid[]) AND sobject = $2 AND crm_id IS NULL
    AND attempt IS NULL AND job_id IS NULL RETURNING 1)
SELECT count(*) FROM gone
"""
_LEFT_OUT = """
WITH done AS (
  UPDATE crm_links SET queued_at = NULL, queued_version = NULL, updated_at = $3,
    state = CASE WHEN crm_id IS NULL THEN state ELSE 'synced' END
  WHERE lead_id = ANY($1::uuid[]) AND sobject = $2 AND job_id IS NULL
    AND queued_at IS NOT NULL AND state IN ('pending', 'retry', 'synced')
  RETURNING 1)
SELECT count(*) FROM done
"""
_REMOVED = """
UPDATE crm_links SET state = 'deleted', queued_at = NULL, job_id = NULL, sent_hash = NULL,
  tried_hash = NULL, crm_status = NULL, code = NULL, problem = NULL, problem_fields = '{}',
  updated_at = $3
WHERE lead_id = ANY($1::uuid[]) AND sobject = $2 AND state NOT IN ('deleted', 'gone')
"""
_SEE = """
UPDATE crm_links k SET state = u.state, crm_id = u.crm_id, crm_status = u.status,
  crm_modified_at = u.modified_at, again = k.again OR u.again,
  updated_at = CASE WHEN k.state = u.state THEN k.updated_at ELSE $8 END
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::boolean[])
  u(lead_id, state, crm_id, status, modified_at, again)
WHERE k.lead_id = u.lead_id AND k.sobject = $7 AND k.state NOT IN ('deleting', 'deleted')
"""
_NO_DRIFT = "DELETE FROM crm_drift WHERE lead_id = ANY($1::uuid[]) AND sobject = $2"
_NOT_REMOVED = """
UPDATE crm_links SET state = 'deleting', code = $3, queued_at = $4, attempts = attempts + 1,
  updated_at = $5
WHERE lead_id = $1 AND sobject = $2
"""
_ADOPT = """
INSERT INTO crm_links (lead_id, sobject, crm_id, state, created_at, updated_at)
SELECT u.lead_id, $3, u.crm_id, $4, $5, $5 FROM unnest($1::uuid[], $2::text[]) u(lead_id, crm_id)
ON CONFLICT (lead_id, sobject) DO UPDATE SET crm_id = excluded.crm_id, state = excluded.state,
  updated_at = $5
"""
