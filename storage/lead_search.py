"""Finding leads: filters, search by name and company, pages that cost the same however deep.

A page goes on after the last lead of the page before (its place in the order, not its number), so
that it neither skips nor repeats a lead when others are added.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from policies.contact_points import normal_email
from policies.lead import Lead, LeadId, LeadStatus
from storage.database import Connection, count, driver
from storage.lead_rows import COLUMNS, opened
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
        tag: one that the lead has, among others.
        min_score, max_score: both included, 0 to 100; unscored leads have none.
        q: beginnings of a person's names, in any order, or words of company and title.
        email, phone: exact, in any spelling of the address; the phone in E.164.
        algorithm_behind: leads that were not scored by this algorithm last, or never.
    """

    status: LeadStatus | None = None
    source: str | None = None
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
) -> Page:
    """Return one page of leads, their personal data opened."""
    connection = await driver(db)
    query = _Query(sealer, wanted)
    query.after(sort, after)
    rows = await connection.fetch(query.select(COLUMNS, sort, limit + 1), *query.values)
    items = [opened(sealer, row) for row in rows[:limit]]
    return Page(items, _cursor(sort, items[-1]) if len(rows) > limit else None)


async def count_up_to(db: Connection, sealer: Sealer, wanted: LeadFilter, *, most: int) -> int:
    """Count leads, ``most`` at most: a longer count would read them all."""
    query = _Query(sealer, wanted)
    inner = query.select("1", None, most)
    return await count(
        await driver(db),
        f"SELECT count(*) FROM ({inner}) found",
        *query.values,
    )


async def ids(
    db: Connection, sealer: Sealer, wanted: LeadFilter, *, after: UUID | None = None, limit: int
) -> list[LeadId]:
    """Return ids in their own order, after the last one of the batch before."""
    connection = await driver(db)
    query = _Query(sealer, wanted)
    if after is not None:
        query.add("id > $", after)
    rows = await connection.fetch(query.select("id", "id", limit), *query.values)
    return [LeadId(row["id"]) for row in rows]


def _cursor(sort: Sort, last: Lead) -> Cursor:
    if sort is Sort.BEST:
        return Cursor(last.id, score=last.score)
    return Cursor(last.id, created_at=last.created_at)


class _Query:
    """Conditions with their values bound."""

    def __init__(self, sealer: Sealer, wanted: LeadFilter) -> None:
        self.conditions = ["deleted_at IS NULL"]
        self.values: list[object] = []
        for name in ("source", "country", "industry", "tier", "outcome", "import_id"):
            self._equal(name, getattr(wanted, name))
        self._equal("status", wanted.status and wanted.status.value)
        if wanted.tag is not None:
            self.add("tags @> ARRAY[$]", wanted.tag)
        if wanted.min_score is not None:
            self.add("score >= $", wanted.min_score)
        if wanted.max_score is not None:
            self.add("score <= $", wanted.max_score)
        if wanted.email is not None:
            self.add("email_key = $", sealer.blind("email", normal_email(wanted.email)) or b"")
        if wanted.phone is not None:
            self.add("phone_key = $", sealer.blind("phone", wanted.phone))
        if wanted.algorithm_behind is not None:
            self.add(_BEHIND, wanted.algorithm_behind)
        if wanted.q is not None and wanted.q.strip():
            self._search(sealer, wanted.q)

    def add(self, condition: str, *values: object) -> None:
        """Add a condition, each ``$`` in it standing for the next value."""
        for value in values:
            self.values.append(value)
            condition = condition.replace("$", f"\0{len(self.values)}", 1)
        self.conditions.append(condition.replace("\0", "$"))

    def after(self, sort: Sort, cursor: Cursor | None) -> None:
        """Go on after a lead."""
        if cursor is None:
            return
        if sort is Sort.NEWEST:
            self.add("(created_at, id) < ($, $)", cursor.created_at, cursor.id)
        elif cursor.score is None:
            self.add("score IS NULL AND id < $", cursor.id)
        else:
            self.add("(coalesce(score, -1), id) < ($, $)", cursor.score, cursor.id)

    def select(self, columns: str, order: str | None, limit: int) -> str:
        """Return the statement."""
        ordered = f"ORDER BY {_ORDERS[order]}" if order else ""
        where = " AND ".join(self.conditions)
        return f"SELECT {columns} FROM leads WHERE {where} {ordered} LIMIT {limit:d}"  # noqa: S608

    def _equal(self, name: str, value: object) -> None:
        if value is not None:
            self.add(f"{name} = $", value)

    def _search(self, sealer: Sealer, text: str) -> None:
        words = sealer.search_query(text)
        for word in words:
            self.add("search_tokens && $::bigint[]", list(word))
        if not words:
            self.conditions.append("false")


_ORDERS = {
    Sort.NEWEST: "created_at DESC, id DESC",
    Sort.BEST: "coalesce(score, -1) DESC, id DESC",
    "id": "id",
}
_BEHIND = """NOT EXISTS (SELECT 1 FROM scoring_results r WHERE r.lead_id = leads.id
  AND r.algorithm_id = $ AND r.scored_at >= leads.scored_at)"""
