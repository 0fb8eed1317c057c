"""The book of decisions: who decided what, why, by which rules, in chains that show tampering.

Every decision's hash covers the one before it in its chain, and a digest of its inputs rather
than the inputs, so that erasing them by law leaves the chain whole. Whoever can write to the
database can still cut a chain's end together with its head: compare with a copy of the heads
kept elsewhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from policies.decision import Decision
from storage.database import Connection, count, driver

VERIFYING = timedelta(minutes=10)
MOST_BROKEN = 1000


@dataclass(frozen=True, slots=True)
class Place:
    """Where a decision stands in the book; the order is newest first."""

    made_at: datetime
    chain: int
    seq: int


@dataclass(frozen=True, slots=True)
class Recorded:
    """A decision as it is kept.

    Attributes:
        agent: who decided: a role, or the name of a key.
        decision: its inputs are None once they were erased.
        hash: 32 bytes, over this decision and all before it in its chain.
    """

    place: Place
    agent: str
    action: str
    subject: UUID | None
    verdict: str
    reasons: tuple[str, ...]
    policy: str
    inputs: dict[str, Any] | None
    correlation_id: str | None
    hash: bytes


@dataclass(frozen=True, slots=True)
class Filter:
    """Which decisions to show; None is all."""

    subject: UUID | None = None
    agent: str | None = None
    action: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Decisions, newest first, and where the next page begins (None: there is none)."""

    items: list[Recorded]
    next: Place | None


@dataclass(frozen=True, slots=True)
class Broken:
    """A place at which a chain does not hold, and what is wrong there."""

    chain: int
    seq: int
    problem: str


async def keep(
    db: Connection,
    agent: str,
    decisions: Sequence[Decision],
    *,
    correlation_id: str | None,
    now: datetime,
) -> None:
    """Write ``decisions`` into the book.

    Call it last in a transaction: until the commit, others who write to the same chain wait.
    """
    if not decisions:
        return
    rows = orjson.dumps([_row(agent, d, correlation_id) for d in decisions]).decode()
    # PostgreSQL keeps no NUL character; a model may well say one.
    rows = rows.replace("\\u0000", "\\ufffd")
    await count(await driver(db), "SELECT decisions_keep($1::jsonb, $2)", rows, now)


async def page(
    db: Connection, only: Filter | None = None, *, after: Place | None = None, limit: int = 50
) -> Page:
    """Return decisions, newest first, that stand after ``after``."""
    only = only or Filter()
    arguments = [only.subject, only.agent, only.action]
    start = [after.made_at, after.chain, after.seq] if after else []
    query = _PAGE_ON if after else _PAGE
    rows = await (await driver(db)).fetch(query, *arguments, limit + 1, *start)
    items = [_recorded(row) for row in rows[:limit]]
    return Page(items, items[-1].place if len(rows) > limit else None)


async def erase_inputs(db: Connection, subject: UUID) -> int:
    """Forget what the decisions about ``subject`` rested on; return how many there were."""
    return await count(await driver(db), _ERASE, subject)


async def verify(db: Connection) -> list[Broken]:
    """Recompute every chain; return what does not hold, at most ``MOST_BROKEN`` places."""
    connection = await driver(db)
    patience = VERIFYING.total_seconds()
    await connection.fetchval(
        "SELECT set_config('statement_timeout', $1, true)", f"{patience * 1000:.0f}"
    )
    rows = await connection.fetch(
        "SELECT * FROM decisions_broken() LIMIT $1", MOST_BROKEN, timeout=patience
    )
    return [Broken(row["chain"], row["seq"], row["problem"]) for row in rows]


def _row(agent: str, decision: Decision, correlation_id: str | None) -> dict[str, Any]:
    return {
        "agent": agent,
        "action": decision.action,
        "subject": decision.subject and str(decision.subject),
        "verdict": decision.verdict,
        "reasons": decision.reasons,
        "policy": decision.policy,
        "inputs": dict(decision.inputs),
        "correlation_id": correlation_id,
    }


def _recorded(row: asyncpg.Record) -> Recorded:
    return Recorded(
        Place(row["made_at"], row["chain"], row["seq"]),
        row["agent"],
        row["action"],
        row["subject"],
        row["verdict"],
        tuple(row["reasons"]),
        row["policy"],
        row["inputs"],
        row["correlation_id"],
        row["hash"],
    )


_MATCHES = """
SELECT * FROM decisions
WHERE ($1::uuid IS NULL OR subject = $1) AND ($2::text IS NULL OR agent = $2)
  AND ($3::text IS NULL OR action = $3)
"""
_NEWEST_FIRST = " ORDER BY made_at DESC, chain DESC, seq DESC LIMIT $4"
_PAGE = _MATCHES + _NEWEST_FIRST
_PAGE_ON = _MATCHES + " AND (made_at, chain, seq) < ($5, $6, $7)" + _NEWEST_FIRST
_ERASE = """
WITH erased AS (
  UPDATE decisions SET inputs = NULL WHERE subject = $1 AND inputs IS NOT NULL RETURNING 1)
SELECT count(*) FROM erased
"""
