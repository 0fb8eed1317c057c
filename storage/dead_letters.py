"""Messages that no attempt could deal with, put aside for a person to read, replay or drop."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from storage.database import Connection, count, driver

AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message put aside.

    Attributes:
        id: of the message; it keeps it when it is replayed.
        attempts: deliveries that failed.
        reason: what happened at the last; no personal data.
    """

    id: int
    recipient: str
    kind: str
    body: dict[str, Any]
    lane: int
    attempts: int
    reason: str
    correlation_id: str | None
    created_at: datetime
    dead_at: datetime


@dataclass(frozen=True, slots=True)
class Page:
    """Dead letters, newest first, and where the next page begins (None: there is none)."""

    items: list[DeadLetter]
    next: int | None


async def page(
    db: Connection, *, recipient: str | None = None, after: int | None = None, limit: int = 50
) -> Page:
    """Return dead letters, the newest message first, that stand after ``after``."""
    rows = await (await driver(db)).fetch(_PAGE, recipient, after, limit + 1)
    items = [_dead_letter(row) for row in rows[:limit]]
    return Page(items, items[-1].id if len(rows) > limit else None)


async def get(db: Connection, letter_id: int) -> DeadLetter | None:
    """Return one dead letter; None if there is none of that id."""
    row = await (await driver(db)).fetchrow("SELECT * FROM dead_letters WHERE id = $1", letter_id)
    return None if row is None else _dead_letter(row)


async def replay(db: Connection, ids: Sequence[int]) -> list[str]:
    """Put letters back into their mailboxes, all attempts ahead of them.

    Returns:
        The recipient of each that was still there: whom to wake after the commit.
    """
    rows = await (await driver(db)).fetch("SELECT recipient FROM mailbox_replay($1)", list(ids))
    return [row["recipient"] for row in rows]


async def drop(db: Connection, ids: Sequence[int]) -> int:
    """Delete letters for good; return how many were still there."""
    return await count(await driver(db), _DROP, list(ids))


async def ids(db: Connection, recipient: str, *, limit: int = AT_ONCE) -> list[int]:
    """Return the ids of a recipient's letters, oldest first, to replay or drop them all."""
    rows = await (await driver(db)).fetch(_IDS, recipient, limit)
    return [row["id"] for row in rows]


def _dead_letter(row: asyncpg.Record) -> DeadLetter:
    return DeadLetter(
        row["id"],
        row["recipient"],
        row["kind"],
        row["body"],
        row["lane"],
        row["attempts"],
        row["reason"],
        row["correlation_id"],
        row["created_at"],
        row["dead_at"],
    )


_PAGE = """
SELECT * FROM dead_letters
WHERE ($1::text IS NULL OR recipient = $1) AND ($2::bigint IS NULL OR id < $2)
ORDER BY id DESC LIMIT $3
"""
_DROP = """
WITH gone AS (DELETE FROM dead_letters WHERE id = ANY ($1::bigint[]) RETURNING 1)
SELECT count(*) FROM gone
"""
_IDS = "SELECT id FROM dead_letters WHERE recipient = $1 ORDER BY id LIMIT $2"
