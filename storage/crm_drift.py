"""What differs between us and the CRM, as the last comparison found it. Values are not kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from storage.crm_links import LEAD, Link, link_of
from storage.database import Connection, driver


class Why(StrEnum):
    """Why something differs."""

    CHANGED_THERE = "changed_there"
    NOT_SENT_YET = "not_sent_yet"
    GONE_THERE = "gone_there"
    UNKNOWN_HERE = "unknown_here"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs.

    Attributes:
        lead_id: the external id of the record, where we know no such lead.
        field: of the CRM; empty for the record as a whole.
        seen_at: when it was last found; None before it is kept.
    """

    lead_id: UUID
    field: str
    why: Why
    seen_at: datetime | None = None
    sobject: str = LEAD


async def page(
    db: Connection,
    *,
    why: Why | None = None,
    after: tuple[UUID, str] | None = None,
    limit: int = 50,
    sobject: str = LEAD,
) -> list[Difference]:
    """Return differences by lead and field.

    Args:
        after: ``(lead_id, field)`` of the last one of the page before.
    """
    lead_id, field = after if after is not None else (None, None)
    rows = await (await driver(db)).fetch(_PAGE, sobject, why and why.value, lead_id, field, limit)
    return [
        Difference(row["lead_id"], row["field"], Why(row["why"]), row["seen_at"], row["sobject"])
        for row in rows
    ]


async def counts(db: Connection, *, sobject: str = LEAD) -> dict[Why, int]:
    """Return in how many records something differs, by reason; all reasons are named."""
    rows = await (await driver(db)).fetch(_COUNTS, sobject)
    found = {Why(row["why"]): row["n"] for row in rows}
    return {why: found.get(why, 0) for why in Why}


async def keep(
    db: Connection,
    between: tuple[UUID | None, UUID | None],
    found: Sequence[Difference],
    *,
    now: datetime,
    sobject: str = LEAD,
) -> None:
    """Write down what was found, in place of what was known of the leads in between.

    Args:
        between: after the first, up to and with the second; None is no bound.
    """
    await (await driver(db)).execute(_FORGET, *between, sobject)
    await note(db, found, now=now, sobject=sobject)


async def note(
    db: Connection, found: Sequence[Difference], *, now: datetime, sobject: str = LEAD
) -> None:
    """Write down what was found on the way."""
    rows = sorted(found, key=lambda each: (each.lead_id, each.field))
    await (await driver(db)).execute(
        _KEEP,
        [row.lead_id for row in rows],
        [row.field for row in rows],
        [row.why.value for row in rows],
        sobject,
        now,
    )


async def expected(
    db: Connection, between: tuple[UUID | None, UUID | None], *, sobject: str = LEAD
) -> dict[UUID, Link]:
    """Return the links of the leads in between."""
    rows = await (await driver(db)).fetch(_EXPECTED, *between, sobject)
    return {row["lead_id"]: link_of(row) for row in rows}


_PAGE = """
SELECT * FROM crm_drift WHERE sobject = $1 AND ($2::text IS NULL OR why = $2)
  AND ($3::uuid IS NULL OR (lead_id, field) > ($3, $4::text))
ORDER BY lead_id, field LIMIT $5
"""
_COUNTS = """
SELECT why, count(DISTINCT lead_id) AS n FROM crm_drift WHERE sobject = $1 GROUP BY why
"""
_FORGET = """
DELETE FROM crm_drift WHERE ($1::uuid IS NULL OR lead_id > $1)
  AND ($2::uuid IS NULL OR lead_id <= $2) AND sobject = $3
"""
_KEEP = """
INSERT INTO crm_drift (lead_id, sobject, field, why, seen_at)
SELECT u.lead_id, $4, u.field, u.why, $5
FROM unnest($1::uuid[], $2::text[], $3::text[]) u(lead_id, field, why)
ON CONFLICT (lead_id, sobject, field) DO UPDATE SET why = excluded.why, seen_at = $5
"""
_EXPECTED = """
SELECT * FROM crm_links WHERE ($1::uuid IS NULL OR lead_id > $1)
  AND ($2::uuid IS NULL OR lead_id <= $2) AND sobject = $3
"""
