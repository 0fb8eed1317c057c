"""The agents as the database knows them: pools, pauses, workers, and what waits for whom."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from storage.database import Connection, count, driver

MOST_COUNTED = 10_000
"""Messages are counted up to here: a million more would not change what anyone does."""


class NoSuchAgent(LookupError):
    """There is no agent of that role."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many workers a role has, at least and at most."""

    least: int
    most: int


@dataclass(frozen=True, slots=True)
class WorkerInfo:
    """A worker that reports.

    Attributes:
        epoch: its number in the fences of its messages.
        report: what it did since it started, and does, by name.
    """

    epoch: int
    role: str
    name: str
    started_at: datetime
    beat_at: datetime
    report: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AgentOverview:
    """One role and how it is doing.

    Attributes:
        waiting: messages that nobody works on yet; up to ``MOST_COUNTED``.
        delayed: messages due later; up to ``MOST_COUNTED``.
        dead: messages put aside; up to ``MOST_COUNTED``.
        oldest: how long the first message in line has waited; None if none waits.
        report: numbers of all its workers' reports, summed by name.
    """

    role: str
    paused: bool
    paused_by: str | None
    paused_reason: str | None
    bounds: Bounds
    waiting: int
    delayed: int
    dead: int
    oldest: timedelta | None
    workers: list[WorkerInfo]
    report: Mapping[str, int]


async def ensure(db: Connection, roles: Mapping[str, Bounds]) -> None:
    """Make the roles known with their bounds; who is paused stays paused."""
    await (await driver(db)).execute(
        _ENSURE,
        list(roles),
        [bounds.least for bounds in roles.values()],
        [bounds.most for bounds in roles.values()],
    )


async def bounds(db: Connection) -> dict[str, Bounds]:
    """Return every role's bounds."""
    rows = await (await driver(db)).fetch("SELECT * FROM agents ORDER BY role")
    return {row["role"]: Bounds(row["min_workers"], row["max_workers"]) for row in rows}


async def overview(db: Connection, *, now: datetime) -> list[AgentOverview]:
    """Return every role, in alphabetical order."""
    rows = await (await driver(db)).fetch(_OVERVIEW, MOST_COUNTED)
    crew: dict[str, list[WorkerInfo]] = {}
    for worker in await workers(db):
        crew.setdefault(worker.role, []).append(worker)
    return [_overview(row, crew.get(row["role"], []), now) for row in rows]


async def backlog(db: Connection) -> dict[str, int]:
    """Return how many messages each role has not begun, up to ``MOST_COUNTED``; cheap.

    A paused role has none: more workers would not help it.
    """
    rows = await (await driver(db)).fetch(_BACKLOG, MOST_COUNTED)
    return {row["role"]: row["waiting"] for row in rows}


async def workers(db: Connection) -> list[WorkerInfo]:
    """Return every worker that registered, oldest first."""
    rows = await (await driver(db)).fetch("SELECT * FROM agent_workers ORDER BY role, epoch")
    return [
        WorkerInfo(
            row["epoch"],
            row["role"],
            row["name"],
            row["started_at"],
            row["beat_at"],
            row["report"],
        )
        for row in rows
    ]


async def pause(db: Connection, role: str | None, *, by: str, reason: str, now: datetime) -> int:
    """Stop a role (None: all) from claiming; return how many roles that concerned.

    Turns under way end as they would.

    Raises:
        NoSuchAgent: if there is no such role.
    """
    return await _switch(db, role, by, reason, now)


async def resume(db: Connection, role: str | None, *, now: datetime) -> int:
    """Let a role (None: all) claim again; return how many roles that concerned.

    Raises:
        NoSuchAgent: if there is no such role.
    """
    return await _switch(db, role, None, None, now)


async def forget_dead_workers(db: Connection, *, before: datetime) -> int:
    """Forget workers that last reported before ``before``; return how many.

    Messages that they held come back when the lease runs out, as they do anyway.
    """
    return await count(await driver(db), _FORGET, before)


async def _switch(
    db: Connection, role: str | None, by: str | None, reason: str | None, now: datetime
) -> int:
    changed = await count(await driver(db), _SWITCH, role, by, reason, now)
    if not changed and role is not None:
        raise NoSuchAgent(f"there is no agent {role!r}")
    return changed


def _overview(row: asyncpg.Record, crew: list[WorkerInfo], now: datetime) -> AgentOverview:
    first = row["first_created"]
    return AgentOverview(
        row["role"],
        row["paused"],
        row["paused_by"],
        row["paused_reason"],
        Bounds(row["min_workers"], row["max_workers"]),
        row["waiting"],
        row["delayed"],
        row["dead"],
        None if first is None else max(timedelta(), now - first),
        crew,
        _summed(crew),
    )


def _summed(crew: list[WorkerInfo]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for worker in crew:
        for name, value in worker.report.items():
            if isinstance(value, int):
                sums[name] = sums.get(name, 0) + value
    return sums


_ENSURE = """
INSERT INTO agents AS a (role, min_workers, max_workers)
SELECT * FROM unnest($1::text[], $2::smallint[], $3::smallint[]) u(r, l, m) ORDER BY r
ON CONFLICT (role) DO UPDATE
SET min_workers = excluded.min_workers, max_workers = excluded.max_workers,
  updated_at = clock_timestamp()
WHERE (a.min_workers, a.max_workers) <> (excluded.min_workers, excluded.max_workers)
"""
_BACKLOG = "SELECT role, waiting FROM agents_backlog($1)"
_OVERVIEW = "SELECT * FROM agents_overview($1) ORDER BY role"
_SWITCH = """
WITH switched AS (
  UPDATE agents SET paused = $2::text IS NOT NULL, paused_by = $2, paused_reason = $3,
    updated_at = $4
  WHERE $1::text IS NULL OR role = $1 RETURNING 1)
SELECT count(*) FROM switched
"""
_FORGET = """
WITH gone AS (
  DELETE FROM agent_workers WHERE epoch IN (
    SELECT epoch FROM agent_workers WHERE beat_at < $1 FOR UPDATE SKIP LOCKED)
  RETURNING 1)
SELECT count(*) FROM gone
"""
