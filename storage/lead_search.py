"""Finding leads: filters, search by name and company, pages that cost the same however deep.

A page goes on after the last lead of the page before (its place in the order, not its number), so
that it neither skips nor repeats a lead when others are added.

Words are searched in one of three ways, by how many leads PostgreSQL expects to have them
(`storage.lead_ways`): no single one stays fast with a million leads.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from policies.contact_points import normal_email
from policies.lead import Lead, LeadId, LeadStatus
from storage import lead_ways
from storage.database import Connection, count, driver
from storage.lead_bounds import Bounds
from storage.lead_conditions import Conditions
from storage.lead_rows import opened
from storage.lead_ways import Order
from storage.sealing import Sealer


class Sort(StrEnum):
    """In which order leads are listed."""

    NEWEST = "newest"
    BEST = "best"


@dataclass(frozen=True, slots=True)
class Cursor:
    """The lead after which a page goes on.

    Attributes:
        created_at: when it was made, in the order of the newest.
        score: in the order of the best; None where unscored leads have begun.
    """

    id: UUID
    created_at: datetime | None = None
    score: int | None = None


@dataclass(frozen=True, slots=True)
class LeadFilter:
    """Which leads; what is None does not narrow.

    Attributes:
        external_id: exact; of any source unless one is named.
        tag: one that the lead has, among others.
        min_score, max_score: both included, 0 to 100; unscored leads have none.
        q: beginnings of words of a person's names, the company or the title, in any order; all of
            them must be there. What has no word of two letters finds nothing.
        email, phone: exact, in any spelling of the address; the phone in E.164.
        algorithm_behind: leads that were not scored by this algorithm last, or never.
    """

    status: LeadStatus | None = None
    source: str | None = None
    external_id: str | None = None
    country: str | None = None
    industry: str | None = None
    tier: str | None = None
    tag: str | None = None
    min_score: int | None = None
    max_score: int | None = None
    outcome: bool | None = None
    import_id: UUID | None = None
    q: str | None = None
    email: str | None = None
    phone: str | None = None
    algorithm_behind: UUID | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Leads, and where the next page goes on; None on the last one."""

    items: list[Lead]
    next: Cursor | None


async def page(
    db: Connection,
    sealer: Sealer,
    wanted: LeadFilter,
    sort: Sort = Sort.NEWEST,
    *,
    after: Cursor | None = None,
    limit: int = 50,
    bounds: Bounds | None = None,
) -> Page:
    """Return one page of leads, their personal data opened.

    Args:
        bounds: what earlier searches of the same database learned, for the next ones.
    """
    connection, conditions = await driver(db), _conditions(sealer, wanted)
    order = Order(_PLACES[sort], _place(sort, after), limit + 1)
    rows = await lead_ways.find(connection, conditions, order, bounds or Bounds())
    items = [opened(sealer, row) for row in rows[:limit]]
    return Page(items, _cursor(sort, items[-1]) if len(rows) > limit else None)


async def count_up_to(db: Connection, sealer: Sealer, wanted: LeadFilter, *, most: int) -> int:
    """Count leads, ``most`` at most: a longer count would read them all."""
    conditions = _conditions(sealer, wanted).search(by_index=True)
    query = _COUNT.format(where=conditions.text, limit=most)
    return await count(await driver(db), query, *conditions.values)


async def ids(
    db: Connection, sealer: Sealer, wanted: LeadFilter, *, after: UUID | None = None, limit: int
) -> list[LeadId]:
    """Return ids in their own order, after the last one of the batch before."""
    connection = await driver(db)
    conditions = _conditions(sealer, wanted).search(by_index=True)
    if after is not None:
        conditions.add("id > $", after)
    query = _IDS.format(where=conditions.text, limit=limit)
    return [LeadId(row["id"]) for row in await connection.fetch(query, *conditions.values)]


def _conditions(sealer: Sealer, wanted: LeadFilter) -> Conditions:
    conditions = Conditions()
    for name in ("source", "external_id", "country", "industry", "tier", "outcome", "import_id"):
        conditions.equal(name, getattr(wanted, name))
    conditions.equal("status", wanted.status and wanted.status.value)
    if wanted.tag is not None:
        conditions.add("tags <> '{}' AND tags @> ARRAY[$]", wanted.tag)
    if wanted.min_score is not None:
        conditions.add("coalesce(score, -1) >= $", max(wanted.min_score, 0))
    if wanted.max_score is not None:
        conditions.add("coalesce(score, -1) BETWEEN 0 AND $", wanted.max_score)
    if wanted.email is not None:
        key = sealer.blind("email", normal_email(wanted.email))
        conditions.add("email_key = $", key or b"")
    if wanted.phone is not None:
        conditions.add("phone_key = $", sealer.blind("phone", wanted.phone))
    if wanted.algorithm_behind is not None:
        conditions.add(_BEHIND, wanted.algorithm_behind)
    if wanted.q is not None and wanted.q.strip():
        conditions.words = sealer.search_query(wanted.q)
        if not conditions.words:
            conditions.add("false")
    return conditions


def _place(sort: Sort, after: Cursor | None) -> tuple[object, UUID] | None:
    if after is None:
        return None
    if sort is Sort.BEST:
        return (-1 if after.score is None else after.score, after.id)
    return (after.created_at, after.id)


def _cursor(sort: Sort, last: Lead) -> Cursor:
    if sort is Sort.BEST:
        return Cursor(last.id, score=last.score)
    return Cursor(last.id, created_at=last.created_at)


_PLACES = {Sort.NEWEST: lead_ways.NEWEST, Sort.BEST: lead_ways.BEST}
_COUNT = "SELECT count(*) FROM (SELECT 1 FROM leads WHERE {where} LIMIT {limit}) found"
_IDS = "SELECT id FROM leads WHERE {where} ORDER BY id LIMIT {limit}"
_BEHIND = """
NOT EXISTS (SELECT 1 FROM scoring_results r WHERE r.lead_id = leads.id
  AND r.algorithm_id = $ AND r.scored_at >= leads.scored_at)
"""
