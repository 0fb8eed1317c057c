"""Searches for leads: what was asked for, how far each source was read, what it came to.

A search is ``running`` until it is ``done`` (everybody wanted is found), ``exhausted``,
``over_budget``, ``failed`` or ``cancelled``. Its answers are taken in one at a time: a question is
numbered and written down before it is asked (`ask`), and taken off by whoever keeps its answer
(`answered`), who alone finds the number unchanged.
"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from uuid import UUID

import asyncpg
import orjson

from policies.profiles import Profile
from storage.database import Connection, driver
from storage.ids import new_id
from storage.search_values import (
    Answered,
    Candidate,
    Counts,
    NewSource,
    Question,
    Search,
    SearchClosed,
    SearchNotFound,
    SearchStatus,
    SourceProgress,
    search_of,
    source_of,
)

__all__ = [
    "Answered",
    "Candidate",
    "Counts",
    "NewSource",
    "Question",
    "Search",
    "SearchClosed",
    "SearchNotFound",
    "SearchStatus",
    "SourceProgress",
    "answered",
    "ask",
    "begin",
    "cancel",
    "create",
    "finish",
    "get",
    "give_up",
    "history",
    "narrow",
    "page",
    "rest",
    "wait",
]


async def create(  # noqa: PLR0913 - what is asked for is told in words
    db: Connection,
    *,
    profile: str,
    definition: Profile,
    wanted: int,
    budget_micro: int | None,
    created_by: str,
    correlation_id: str | None,
    now: datetime,
) -> Search:
    """Begin a search."""
    search_id = new_id(now)
    text = definition.model_dump_json()
    values = (search_id, profile, text, wanted, budget_micro, correlation_id, created_by, now)
    await (await driver(db)).execute(_CREATE, *values)
    return await get(db, search_id)


async def get(db: Connection, search_id: UUID, *, lock: bool = False) -> Search:
    """Read a search with its sources.

    Args:
        lock: whether nobody else may change it until the transaction ends.

    Raises:
        SearchNotFound: if there is none.
    """
    row = await (await driver(db)).fetchrow(_LOCK if lock else _GET, search_id)
    if row is None:
        raise SearchNotFound(search_id)
    return (await _whole(db, [row]))[0]


async def page(
    db: Connection, *, before: tuple[datetime, UUID] | None = None, limit: int = 50
) -> list[Search]:
    """Return searches, the newest first.

    Args:
        before: ``(created_at, id)`` of the last one of the page before.
    """
    moment, search_id = before if before is not None else (None, None)
    rows = await (await driver(db)).fetch(_PAGE, moment, search_id, limit)
    return await _whole(db, rows)


async def begin(db: Connection, search_id: UUID, sources: Sequence[NewSource]) -> None:
    """Let sources take part; one that does already stays as it is."""
    rows = sorted(sources, key=lambda source: source.source)
    await (await driver(db)).execute(
        _BEGIN,
        search_id,
        [row.source for row in rows],
        [orjson.dumps(dict(row.criteria)).decode() for row in rows],
        [orjson.dumps(list(row.unexpressed)).decode() for row in rows],
        [row.impossible for row in rows],
        [row.price_micro for row in rows],
    )


async def ask(db: Connection, search_id: UUID, source: str, question: Question) -> None:
    """Write down what a source is about to be asked."""
    text = orjson.dumps(asdict(question)).decode()
    await (await driver(db)).execute(_ASK, search_id, source, text)


async def answered(
    db: Connection, search_id: UUID, source: str, answer: Answered, *, now: datetime
) -> None:
    """Add what an answer came to, and take its question off."""
    counts = answer.counts
    candidates = [asdict(candidate) for candidate in answer.candidates]
    connection = await driver(db)
    await connection.execute(
        _ANSWERED,
        search_id,
        source,
        answer.cursor,
        orjson.dumps(candidates).decode(),
        "exhausted" if answer.exhausted else "ready",
        answer.total,
        answer.out_of_credit_until,
        *asdict(counts).values(),
    )
    await connection.execute(_FOUND, search_id, counts.usable, now)


async def narrow(
    db: Connection,
    search_id: UUID,
    source: str,
    candidates: Sequence[Candidate],
    *,
    duplicates: int,
    suppressed: int,
) -> None:
    """Keep only these candidates: the others became leads, or must not, since they were found."""
    left = orjson.dumps([asdict(candidate) for candidate in candidates]).decode()
    await (await driver(db)).execute(_NARROW, search_id, source, left, duplicates, suppressed)


async def rest(  # noqa: PLR0913 - each is one fact about the pause
    db: Connection,
    search_id: UUID,
    source: str,
    *,
    until: datetime,
    problem: str,
    failed: bool,
    out_of_credit: bool = False,
    forget: bool = False,
    now: datetime,
) -> None:
    """Let a source rest until then.

    Args:
        failed: whether it failed, once more; else a limit of ours says so.
        out_of_credit: whether its account is used up.
        forget: whether the question under way surely came to nothing, and is not to be repeated.
    """
    await (await driver(db)).execute(
        _REST, search_id, source, until, problem, failed, out_of_credit, forget, now
    )


async def give_up(db: Connection, search_id: UUID, source: str, *, problem: str) -> None:
    """Ask a source nothing more in this search."""
    await (await driver(db)).execute(_GIVE_UP, search_id, source, problem)


async def wait(
    db: Connection, search_id: UUID, *, until: datetime, reason: str, now: datetime
) -> None:
    """Say what a search waits for."""
    await (await driver(db)).execute(_WAIT, search_id, until, reason, now)


async def finish(
    db: Connection, search_id: UUID, status: SearchStatus, *, reason: str, now: datetime
) -> None:
    """End a search, if it has not ended."""
    await (await driver(db)).execute(_FINISH, search_id, status.value, reason, now)


async def cancel(db: Connection, search_id: UUID, *, by: str, now: datetime) -> Search:
    """End a search because somebody says so; an answer under way is still kept.

    Raises:
        SearchNotFound: if there is none.
        SearchClosed: if it has ended.
    """
    found = await get(db, search_id, lock=True)
    if not found.running:
        raise SearchClosed(f"the search is {found.status} already")
    await finish(db, search_id, SearchStatus.CANCELLED, reason=f"cancelled by {by}", now=now)
    return await get(db, search_id)


async def history(db: Connection, profile: str, *, but: UUID) -> dict[str, tuple[int, int]]:
    """Return records billed and usable leads by source, of the other searches for a profile."""
    rows = await (await driver(db)).fetch(_HISTORY, profile, but)
    return {row["source"]: (row["billed"], row["usable"]) for row in rows}


async def _whole(db: Connection, rows: Sequence[asyncpg.Record]) -> list[Search]:
    ids = [row["id"] for row in rows]
    parts: dict[UUID, list[SourceProgress]] = {search_id: [] for search_id in ids}
    for row in await (await driver(db)).fetch(_SOURCES, ids):
        parts[row["search_id"]].append(source_of(row))
    return [search_of(row, tuple(parts[row["id"]])) for row in rows]


_CREATE = """
INSERT INTO lead_searches (id, profile, definition, wanted, budget_micro, status, correlation_id,
  created_by, created_at, updated_at)
VALUES ($1, $2, $3::jsonb, $4, $5, 'running', $6, $7, $8, $8)
"""
_GET = "SELECT * FROM lead_searches WHERE id = $1"
_LOCK = f"{_GET} FOR UPDATE"
_PAGE = """
SELECT * FROM lead_searches
WHERE $1::timestamptz IS NULL OR (created_at, id) < ($1::timestamptz, $2::uuid)
ORDER BY created_at DESC, id DESC LIMIT $3
"""
_SOURCES = "SELECT * FROM lead_search_sources WHERE search_id = ANY ($1::uuid[]) ORDER BY source"
_BEGIN = """
INSERT INTO lead_search_sources
  (search_id, source, criteria, unexpressed, state, last_problem, price_micro)
SELECT $1, u.source, u.criteria::jsonb,
  ARRAY(SELECT jsonb_array_elements_text(u.unexpressed::jsonb)),
  CASE WHEN u.impossible IS NULL THEN 'ready' ELSE 'impossible' END, u.impossible, u.price
FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[])
  u(source, criteria, unexpressed, impossible, price)
ON CONFLICT DO NOTHING
"""
_ASK = """
UPDATE lead_search_sources SET pending = $3::jsonb WHERE search_id = $1 AND source = $2
"""
_ANSWERED = """
UPDATE lead_search_sources SET cursor = $3, candidates = $4::jsonb, state = $5,
  total = coalesce($6, total), out_of_credit_until = $7, pending = NULL,
  questions = questions + 1, failures = 0, failing_since = NULL, rests_until = NULL,
  last_problem =
    CASE WHEN $7::timestamptz IS NOT NULL THEN 'the account is out of credit' END,
  seen = seen + $8, billed = billed + $9, usable = usable + $10, duplicates = duplicates + $11,
  unfit = unfit + $12, suppressed = suppressed + $13, null_results = null_results + $14,
  credits = credits + $15, cost_micro = cost_micro + $16
WHERE search_id = $1 AND source = $2
"""
_FOUND = """
UPDATE lead_searches SET found = found + $2, updated_at = $3, waits_until = NULL,
  reason = CASE WHEN status = 'running' THEN NULL ELSE reason END
WHERE id = $1
"""
_NARROW = """
UPDATE lead_search_sources SET candidates = $3::jsonb, duplicates = duplicates + $4,
  suppressed = suppressed + $5
WHERE search_id = $1 AND source = $2
"""
_REST = """
UPDATE lead_search_sources SET last_problem = $4,
  rests_until = CASE WHEN $6 THEN rests_until ELSE $3 END,
  out_of_credit_until = CASE WHEN $6 THEN $3 ELSE out_of_credit_until END,
  failures = failures + CASE WHEN $5 THEN 1 ELSE 0 END,
  failing_since = CASE WHEN $5 THEN coalesce(failing_since, $8) ELSE failing_since END,
  pending = CASE WHEN $7 THEN NULL ELSE pending END
WHERE search_id = $1 AND source = $2
"""
_GIVE_UP = """
UPDATE lead_search_sources SET state = 'failed', last_problem = $3, pending = NULL
WHERE search_id = $1 AND source = $2
"""
_WAIT = """
UPDATE lead_searches SET waits_until = $2, reason = $3, updated_at = $4
WHERE id = $1 AND status = 'running'
"""
_FINISH = """
UPDATE lead_searches SET status = $2, reason = $3, waits_until = NULL, updated_at = $4,
  finished_at = $4
WHERE id = $1 AND status = 'running'
"""
_HISTORY = """
SELECT p.source, sum(p.billed)::bigint AS billed, sum(p.usable)::bigint AS usable
FROM lead_search_sources p JOIN lead_searches s ON s.id = p.search_id
WHERE s.profile = $1 AND s.id <> $2 GROUP BY p.source
"""
