"""What happened to a lead, as its timeline tells it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from storage.database import Connection, driver


@dataclass(frozen=True, slots=True)
class Activity:
    """Something that happened.

    Attributes:
        at: aware UTC.
        kind: such as ``"lead.created"`` or ``"lead.scored"``.
        actor: an agent's role, or the name of the key that asked.
        details: JSON values; no personal data.
    """

    at: datetime
    lead_id: UUID | None
    kind: str
    actor: str
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])
    correlation_id: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where an activity stands in a timeline; the order is newest first."""

    at: datetime
    id: int


@dataclass(frozen=True, slots=True)
class Page:
    """Activities, newest first, and where the next page begins (None: there is none)."""

    items: list[Activity]
    next: Place | None


async def record(db: Connection, activities: Sequence[Activity]) -> None:
    """Write ``activities`` down."""
    if not activities:
        return
    await (await driver(db)).execute(
        _RECORD,
        [activity.at for activity in activities],
        [activity.lead_id for activity in activities],
        [activity.kind for activity in activities],
        [activity.actor for activity in activities],
        [orjson.dumps(dict(activity.details)).decode() for activity in activities],
        [activity.correlation_id for activity in activities],
    )


async def record_for(db: Connection, lead_ids: Sequence[UUID], told: Activity) -> None:
    """Write down that the same happened to many leads; ``told.lead_id`` is not looked at."""
    if not lead_ids:
        return
    await (await driver(db)).execute(
        _RECORD_FOR,
        lead_ids,
        told.at,
        told.kind,
        told.actor,
        orjson.dumps(dict(told.details)).decode(),
        told.correlation_id,
    )


async def timeline(
    db: Connection, lead_id: UUID, *, after: Place | None = None, limit: int = 50
) -> Page:
    """Return what happened to a lead, newest first, that stands after ``after``."""
    start = [after.at, after.id] if after else []
    query = _TIMELINE_ON if after else _TIMELINE
    rows = await (await driver(db)).fetch(query, lead_id, limit + 1, *start)
    shown = rows[:limit]
    more = len(rows) > limit
    return Page(
        [_activity(row) for row in shown], Place(shown[-1]["at"], shown[-1]["id"]) if more else None
    )


def _activity(row: asyncpg.Record) -> Activity:
    return Activity(
        row["at"],
        row["lead_id"],
        row["kind"],
        row["actor"],
        row["details"],
        row["correlation_id"],
    )


_RECORD = """
INSERT INTO activities (at, lead_id, kind, actor, details, correlation_id)
SELECT a, l, k, w, d::jsonb, c FROM unnest($1::timestamptz[], $2::uuid[], $3::text[], $4::text[],
  $5::text[], $6::text[]) u(a, l, k, w, d, c)
"""
_RECORD_FOR = """
INSERT INTO activities (at, lead_id, kind, actor, details, correlation_id)
SELECT $2, l, $3, $4, $5::jsonb, $6 FROM unnest($1::uuid[]) u(l)
"""
_TIMELINE = """
SELECT * FROM activities WHERE lead_id = $1 ORDER BY at DESC, id DESC LIMIT $2
"""
_TIMELINE_ON = """
SELECT * FROM activities WHERE lead_id = $1 AND (at, id) < ($3, $4)
ORDER BY at DESC, id DESC LIMIT $2
"""
