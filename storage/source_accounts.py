"""What the prospector last heard of the sources that it is connected to.

The API knows no vendor; it reads here which are connected and what they said of our account.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from policies.prospect import UsageStats
from storage.database import Connection, driver


@dataclass(frozen=True, slots=True)
class Seen:
    """A source that is connected.

    Attributes:
        price_micro: micro-dollars of a record.
        reveals: whether a search shows addresses; None where people come by themselves.
    """

    source: str
    price_micro: int
    reveals: bool | None


@dataclass(frozen=True, slots=True)
class SourceAccount:
    """A source as it was last heard of.

    Attributes:
        credits_left, credits_used, limits: by its own account, as of ``asked_at``.
        last_problem: the last failure, in words without personal data.
        seen_at: when a prospector last had it (aware UTC).
    """

    source: str
    price_micro: int
    reveals: bool | None
    credits_left: int | None
    credits_used: int | None
    limits: Mapping[str, int]
    last_problem: str | None
    last_problem_at: datetime | None
    asked_at: datetime | None
    seen_at: datetime


async def seen(db: Connection, sources: Sequence[Seen], *, now: datetime) -> None:
    """Say which sources are connected."""
    rows = sorted(sources, key=lambda each: each.source)
    await (await driver(db)).execute(
        _SEEN,
        [row.source for row in rows],
        [row.price_micro for row in rows],
        [row.reveals for row in rows],
        now,
    )


async def told(db: Connection, source: str, usage: UsageStats, *, now: datetime) -> None:
    """Keep what a source says of our account."""
    limits = orjson.dumps(dict(usage.limits)).decode()
    await (await driver(db)).execute(
        _TOLD, source, usage.credits_left, usage.credits_used, limits, now
    )


async def failed(db: Connection, source: str, problem: str, *, now: datetime) -> None:
    """Keep the last failure of a source."""
    await (await driver(db)).execute(_FAILED, source, problem, now)


async def all(db: Connection) -> dict[str, SourceAccount]:
    """Return every source that was ever connected, by name."""
    rows = await (await driver(db)).fetch(f"SELECT {_COLUMNS} FROM lead_source_accounts")  # noqa: S608
    return {row["source"]: SourceAccount(**row) for row in rows}


async def bought_since(db: Connection, since: datetime) -> dict[str, int]:
    """Return how many records were paid for since then, by vendor."""
    rows = await (await driver(db)).fetch(_BOUGHT, since)
    return {row["vendor"]: row["n"] for row in rows}


async def position(db: Connection, source: str) -> dict[str, Any]:
    """Return how far a source's new responses were read; empty if they never were."""
    query = "SELECT position FROM lead_source_accounts WHERE source = $1"
    return await (await driver(db)).fetchval(query, source) or {}


async def move(db: Connection, source: str, place: Mapping[str, Any]) -> None:
    """Keep how far a source's new responses were read."""
    text = orjson.dumps(dict(place)).decode()
    query = "UPDATE lead_source_accounts SET position = $2::jsonb WHERE source = $1"
    await (await driver(db)).execute(query, source, text)


_COLUMNS = """
source, price_micro, reveals, credits_left, credits_used, limits, last_problem, last_problem_at,
asked_at, seen_at
"""
_SEEN = """
INSERT INTO lead_source_accounts (source, price_micro, reveals, seen_at)
SELECT u.source, u.price, u.reveals, $4
FROM unnest($1::text[], $2::bigint[], $3::boolean[]) u(source, price, reveals) ORDER BY 1
ON CONFLICT (source) DO UPDATE SET price_micro = excluded.price_micro,
  reveals = excluded.reveals, seen_at = excluded.seen_at
"""
_TOLD = """
UPDATE lead_source_accounts SET credits_left = $2, credits_used = $3, limits = $4::jsonb,
  asked_at = $5
WHERE source = $1
"""
_FAILED = """
UPDATE lead_source_accounts SET last_problem = $2, last_problem_at = $3 WHERE source = $1
"""
_BOUGHT = """
SELECT vendor, count(*) AS n FROM vendor_records WHERE bought_at >= $1 GROUP BY vendor
"""
