"""Bulk jobs of the CRM: what each carries, and the step that it has reached.

A job's row and the links that name it are the intent; each step is kept before the next is taken,
and taken by whoever finds the job where it was (`advance`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import asyncpg

from policies.lead import LeadId
from storage.crm_links import LEAD, Link, link_of
from storage.crm_tries import Try, lock
from storage.database import Connection, driver
from storage.errors import NotFound
from storage.ids import new_id


class Step(StrEnum):
    """How far a job has come; ``ended`` over there, ``done`` with its results kept here."""

    INTENDED = "intended"
    CREATED = "created"
    UPLOADED = "uploaded"
    CLOSED = "closed"
    ENDED = "ended"
    DONE = "done"
    FAILED = "failed"
    ABORTED = "aborted"


OVER = frozenset({Step.DONE, Step.FAILED, Step.ABORTED})


class JobNotFound(NotFound):
    """There is no such job."""

    def __init__(self, job_id: UUID) -> None:
        super().__init__(f"there is no job {job_id}")


@dataclass(frozen=True, slots=True)
class Job:
    """A bulk job.

    Attributes:
        crm_job_id: its id over there; None until it is known.
        records: that it carries.
        processed, failed: as the CRM told last.
        api_calls: that it took so far.
        upload_tried: whether its rows may have been handed over already.
        closed_at: when the CRM was told to begin.
        problem: why it failed or was given up, in words.
    """

    id: UUID
    sobject: str
    mapping_version: int
    crm_job_id: str | None
    step: Step
    records: int
    processed: int
    failed: int
    polls: int
    api_calls: int
    upload_tried: bool
    closed_at: datetime | None
    problem: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Progress:
    """What a step brought; None leaves a value as it is.

    Attributes:
        calls: that it took.
    """

    step: Step
    calls: int = 1
    crm_job_id: str | None = None
    processed: int | None = None
    failed: int | None = None
    problem: str | None = None


async def create(
    db: Connection,
    leads: Sequence[tuple[LeadId, int]],
    *,
    mapping_version: int,
    now: datetime,
    sobject: str = LEAD,
) -> Job:
    """Begin a job with the records of leads, each with its version.

    Those that another job carries meanwhile, or that are to be left alone, are left out.
    """
    job_id = new_id(now)
    connection = await driver(db)
    rows = sorted(leads)
    ids, versions = [lead_id for lead_id, _ in rows], [version for _, version in rows]
    await lock(db, ids, sobject=sobject)
    await connection.execute(_CREATE, job_id, sobject, mapping_version, 0, now)
    taken = await connection.fetch(_ASSIGN, ids, versions, sobject, job_id, now)
    await connection.execute("UPDATE crm_jobs SET records = $2 WHERE id = $1", job_id, len(taken))
    return await get(db, job_id)


async def get(db: Connection, job_id: UUID, *, lock: bool = False) -> Job:
    """Read a job.

    Raises:
        JobNotFound: if there is none.
    """
    row = await (await driver(db)).fetchrow(_LOCK if lock else _GET, job_id)
    if row is None:
        raise JobNotFound(job_id)
    return _job(row)


async def page(
    db: Connection, *, before: tuple[datetime, UUID] | None = None, limit: int = 50
) -> list[Job]:
    """Return jobs, the newest first.

    Args:
        before: ``(created_at, id)`` of the last one of the page before.
    """
    moment, job_id = before if before is not None else (None, None)
    return [_job(row) for row in await (await driver(db)).fetch(_PAGE, moment, job_id, limit)]


async def unfinished(db: Connection) -> list[Job]:
    """Return the jobs that are not over, the oldest first."""
    return [_job(row) for row in await (await driver(db)).fetch(_UNFINISHED)]


async def lost(db: Connection, *, before: datetime, now: datetime) -> list[UUID]:
    """Return jobs of which nothing was heard since ``before``, each once in that time."""
    rows = await (await driver(db)).fetch(_LOST, before, now)
    return [row["id"] for row in rows]


async def advance(db: Connection, job: Job, progress: Progress, *, now: datetime) -> bool:
    """Keep what a step brought; whether the job still stood where it was found."""
    row = await (await driver(db)).fetchval(
        _ADVANCE,
        job.id,
        job.step.value,
        progress.step.value,
        progress.calls,
        progress.crm_job_id,
        progress.processed,
        progress.failed,
        progress.problem,
        now,
        job.polls,
    )
    return bool(row)


async def links(db: Connection, job_id: UUID) -> list[Link]:
    """Return the links that a job carries, by lead."""
    rows = await (await driver(db)).fetch(
        "SELECT * FROM crm_links WHERE job_id = $1 ORDER BY lead_id", job_id
    )
    return [link_of(row) for row in rows]


async def handing_over(db: Connection, job_id: UUID, tries: Sequence[Try], now: datetime) -> None:
    """Write down what a job is about to be handed.

    If that was tried before, nobody knows which rows it got: what is another now is to be sent
    again when the job is over.
    """
    rows = sorted(tries, key=lambda each: each.lead_id)
    connection = await driver(db)
    await connection.execute(
        _TRY,
        [row.lead_id for row in rows],
        [row.hash for row in rows],
        [row.version for row in rows],
        job_id,
        now,
    )
    await connection.execute("UPDATE crm_jobs SET upload_tried = true WHERE id = $1", job_id)


async def release(
    db: Connection, job_id: UUID, ids: Sequence[UUID] | None, *, now: datetime
) -> list[LeadId]:
    """Take records off a job, all of them if ``ids`` is None; return whose."""
    rows = await (await driver(db)).fetch(_RELEASE, job_id, ids, now)
    return [LeadId(row["lead_id"]) for row in rows]


async def behind(db: Connection, ids: Sequence[UUID], *, sobject: str = LEAD) -> list[LeadId]:
    """Return the leads of ``ids`` that changed, or went, while their records were under way."""
    rows = await (await driver(db)).fetch(_BEHIND, ids, sobject)
    return [LeadId(row["lead_id"]) for row in rows]


def _job(row: asyncpg.Record) -> Job:
    values: dict[str, Any] = {name: row[name] for name in Job.__dataclass_fields__}
    values["step"] = Step(row["step"])
    return Job(**values)


_CREATE = """
INSERT INTO crm_jobs (id, sobject, mapping_version, step, records, created_at, updated_at)
VALUES ($1, $2, $3, 'intended', $4, $5, $5)
"""
_ASSIGN = """
INSERT INTO crm_links AS k (lead_id, sobject, state, attempt, job_id, queued_version, queued_at,
  created_at, updated_at)
SELECT u.lead_id, $3, 'pending', $4, $4, u.version, $5, $5, $5
FROM unnest($1::uuid[], $2::int[]) u(lead_id, version)
ON CONFLICT (lead_id, sobject) DO UPDATE SET state = 'pending', attempt = $4, job_id = $4,
  tried_hash = NULL, tried_version = NULL, queued_version = excluded.queued_version,
  queued_at = $5, updated_at = $5
WHERE k.state IN ('pending', 'synced', 'retry') AND k.job_id IS NULL
RETURNING lead_id
"""
_GET = "SELECT * FROM crm_jobs WHERE id = $1"
_LOCK = f"{_GET} FOR UPDATE"
_PAGE = """
SELECT * FROM crm_jobs WHERE $1::timestamptz IS NULL OR (created_at, id) < ($1, $2::uuid)
ORDER BY created_at DESC, id DESC LIMIT $3
"""
_UNFINISHED = """
SELECT * FROM crm_jobs WHERE step NOT IN ('done', 'failed', 'aborted') ORDER BY created_at, id
"""
_LOST = """
UPDATE crm_jobs SET updated_at = $2
WHERE step NOT IN ('done', 'failed', 'aborted') AND updated_at < $1 RETURNING id
"""
_ADVANCE = """
UPDATE crm_jobs SET step = $3, api_calls = api_calls + $4, crm_job_id = coalesce($5, crm_job_id),
  processed = coalesce($6, processed), failed = coalesce($7, failed),
  problem = coalesce($8, problem), updated_at = $9,
  polls = polls + CASE WHEN $2 = 'closed' AND $3 = 'closed' THEN 1 ELSE 0 END,
  closed_at = CASE WHEN $3 = 'closed' THEN coalesce(closed_at, $9) ELSE closed_at END
WHERE id = $1 AND step = $2 AND polls = $10 RETURNING true
"""
_TRY = """
UPDATE crm_links k SET updated_at = $5,
  tried_hash = CASE WHEN k.tried_hash IS NULL OR k.tried_hash = u.hash THEN u.hash ELSE '' END,
  tried_version = CASE WHEN k.tried_hash IS NULL OR k.tried_hash = u.hash THEN u.version ELSE 0 END
FROM unnest($1::uuid[], $2::bytea[], $3::int[]) u(lead_id, hash, version)
WHERE k.lead_id = u.lead_id AND k.job_id = $4
"""
_RELEASE = """
UPDATE crm_links SET job_id = NULL, queued_at = $3, updated_at = $3
WHERE job_id = $1 AND ($2::uuid[] IS NULL OR lead_id = ANY($2)) RETURNING lead_id
"""
_BEHIND = """
SELECT k.lead_id FROM crm_links k LEFT JOIN leads l ON l.id = k.lead_id AND l.deleted_at IS NULL
WHERE k.lead_id = ANY($1::uuid[]) AND k.sobject = $2
  AND k.state IN ('pending', 'synced', 'retry', 'converted', 'quarantined')
  AND (l.id IS NULL OR k.again OR (k.state = 'synced' AND l.version <> k.lead_version))
"""
