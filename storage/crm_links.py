"""What the CRM has of each lead: one link per lead and object, as it is shown and released."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import asyncpg

from policies.lead import LeadId
from storage.database import Connection, driver

LEAD = "Lead"
OPPORTUNITY = "Opportunity"


class LinkState(StrEnum):
    """Where a record stands.

    ``quarantined`` and ``dropped`` are left alone until a person says otherwise; ``gone`` was
    deleted over there by somebody else, ``deleted`` by us.
    """

    PENDING = "pending"
    SYNCED = "synced"
    RETRY = "retry"
    QUARANTINED = "quarantined"
    DROPPED = "dropped"
    CONVERTED = "converted"
    GONE = "gone"
    DELETING = "deleting"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Link:
    """What the CRM has of a lead.

    Attributes:
        crm_id: 18 characters; None until it is known.
        sent_hash: of what was sent last and taken.
        lead_version, mapping_version: what that was made from.
        again: send it even if it is the same.
        attempt: of the try that is under way, or was the last.
        job_id: our id of the bulk job that it is under way with.
        attempts: failed ones in a row.
        code, problem, problem_fields: of the last refusal, in the CRM's own words.
        crm_status: of the record, as last read.
    """

    lead_id: LeadId
    sobject: str
    state: LinkState
    crm_id: str | None
    sent_hash: bytes | None
    lead_version: int | None
    mapping_version: int | None
    again: bool
    attempt: UUID | None
    tried_hash: bytes | None
    job_id: UUID | None
    attempts: int
    code: str | None
    problem: str | None
    problem_fields: tuple[str, ...]
    crm_status: str | None
    crm_modified_at: datetime | None
    synced_at: datetime | None
    created_at: datetime
    updated_at: datetime


async def get_many(
    db: Connection, ids: Sequence[UUID], *, sobject: str = LEAD
) -> dict[LeadId, Link]:
    """Return the links of leads that have one."""
    rows = await (await driver(db)).fetch(_GET, ids, sobject)
    return {LeadId(row["lead_id"]): link_of(row) for row in rows}


async def of_lead(db: Connection, lead_id: UUID) -> list[Link]:
    """Return the links of one lead, one an object."""
    rows = await (await driver(db)).fetch(
        "SELECT * FROM crm_links WHERE lead_id = $1 ORDER BY sobject", lead_id
    )
    return [link_of(row) for row in rows]


async def by_records(
    db: Connection, crm_ids: Sequence[str], *, sobject: str = LEAD
) -> dict[str, Link]:
    """Return links by id of their record; of several the one that is alive."""
    rows = await (await driver(db)).fetch(_BY_RECORDS, crm_ids, sobject)
    return {row["crm_id"]: link_of(row) for row in rows}


async def page(
    db: Connection,
    *,
    states: Sequence[LinkState] = (),
    before: tuple[datetime, UUID] | None = None,
    limit: int = 50,
    sobject: str = LEAD,
) -> list[Link]:
    """Return links, those that changed last first.

    Args:
        states: those to show; none means all.
        before: ``(updated_at, lead_id)`` of the last one of the page before.
    """
    moment, lead_id = before if before is not None else (None, None)
    wanted = [state.value for state in states or LinkState]
    rows = await (await driver(db)).fetch(_PAGE, sobject, wanted, moment, lead_id, limit)
    return [link_of(row) for row in rows]


async def counts(db: Connection, *, sobject: str = LEAD) -> dict[LinkState, int]:
    """Return how many links are in each state; all states are named."""
    rows = await (await driver(db)).fetch(_COUNTS, sobject)
    found = {LinkState(row["state"]): row["n"] for row in rows}
    return {state: found.get(state, 0) for state in LinkState}


async def codes(
    db: Connection, *, state: LinkState = LinkState.QUARANTINED, sobject: str = LEAD
) -> dict[str, int]:
    """Return how many links of a state were refused with which code, the most frequent first."""
    rows = await (await driver(db)).fetch(_CODES, sobject, state.value)
    return {row["code"]: row["n"] for row in rows}


async def retry(
    db: Connection, ids: Sequence[UUID] | None, *, now: datetime, limit: int = 1000
) -> list[LeadId]:
    """Let what is quarantined, dropped or gone be tried again.

    A record that somebody deleted over there is made anew: who retries it wants that.

    Args:
        ids: None takes the ``limit`` that are quarantined longest, and nothing else.

    Returns:
        Whose that is, to post `SyncLead` for.
    """
    rows = await (await driver(db)).fetch(_RETRY, ids, now, limit)
    return [LeadId(row["lead_id"]) for row in rows]


async def drop(db: Connection, ids: Sequence[UUID], *, now: datetime) -> list[LeadId]:
    """Leave what is quarantined out of the CRM for good; return whose that was."""
    rows = await (await driver(db)).fetch(_DROP, ids, now)
    return [LeadId(row["lead_id"]) for row in rows]


async def earliest(db: Connection, *, sobject: str = LEAD) -> datetime | None:
    """Return when the first link was made; None if there is none."""
    return await (await driver(db)).fetchval(
        "SELECT min(created_at) FROM crm_links WHERE sobject = $1", sobject
    )


def link_of(row: asyncpg.Record) -> Link:
    """Return the link that a row holds."""
    return Link(
        LeadId(row["lead_id"]),
        row["sobject"],
        LinkState(row["state"]),
        row["crm_id"],
        row["sent_hash"],
        row["lead_version"],
        row["mapping_version"],
        row["again"],
        row["attempt"],
        row["tried_hash"],
        row["job_id"],
        row["attempts"],
        row["code"],
        row["problem"],
        tuple(row["problem_fields"]),
        row["crm_status"],
        row["crm_modified_at"],
        row["synced_at"],
        row["created_at"],
        row["updated_at"],
    )


_GET = "SELECT * FROM crm_links WHERE lead_id = ANY($1::uuid[]) AND sobject = $2"
_BY_RECORDS = """
SELECT * FROM crm_links WHERE crm_id = ANY($1::text[]) AND sobject = $2
ORDER BY state IN ('deleted', 'gone') DESC, updated_at
"""
_PAGE = """
SELECT * FROM crm_links WHERE sobject = $1 AND state = ANY($2::text[])
  AND ($3::timestamptz IS NULL OR (updated_at, lead_id) < ($3, $4::uuid))
ORDER BY updated_at DESC, lead_id DESC LIMIT $5
"""
_COUNTS = "SELECT state, count(*) AS n FROM crm_links WHERE sobject = $1 GROUP BY state"
_CODES = """
SELECT coalesce(code, '') AS code, count(*) AS n FROM crm_links
WHERE sobject = $1 AND state = $2 GROUP BY 1 ORDER BY 2 DESC, 1
"""
_RETRY = """
UPDATE crm_links SET state = 'retry', attempts = 0, again = true, queued_at = $2, updated_at = $2,
  crm_id = CASE WHEN state <> 'gone' THEN crm_id END
WHERE (lead_id, sobject) IN (
  SELECT lead_id, sobject FROM crm_links
  WHERE CASE WHEN $1::uuid[] IS NULL THEN state = 'quarantined'
    ELSE state IN ('quarantined', 'dropped', 'gone') AND lead_id = ANY($1) END
  ORDER BY updated_at, lead_id LIMIT $3 FOR UPDATE)
RETURNING lead_id
"""
_DROP = """
UPDATE crm_links SET state = 'dropped', updated_at = $2
WHERE state = 'quarantined' AND lead_id = ANY($1::uuid[]) RETURNING lead_id
"""
