"""Numbers at a glance, for the status screen and the metrics; cheap enough to ask every second."""

from dataclasses import dataclass
from datetime import datetime

from policies.lead import LeadStatus
from storage.database import Connection, driver


@dataclass(frozen=True, slots=True)
class Spending:
    """What one account stands at today.

    Attributes:
        account: its id.
        limit: None is without.
    """

    account: str
    unit: str
    limit: int | None
    held: int
    spent: int


@dataclass(frozen=True, slots=True)
class Counts:
    """How much there is of everything.

    Attributes:
        leads: by status.
        scored: leads that have a score.
        average_score: over those, 0 to 100; None if there is none.
        imports_open: uploads not yet worked off.
        unknown_calls: paid calls of which nobody knows whether they were charged.
        spending: the accounts of this day and of this month, and what they stand at.
    """

    leads: dict[LeadStatus, int]
    scored: int
    average_score: float | None
    imports_open: int
    unknown_calls: int
    spending: list[Spending]

    @property
    def total(self) -> int:
        """All leads."""
        return sum(self.leads.values())


async def counts(db: Connection, *, now: datetime) -> Counts:
    """Count everything."""
    connection = await driver(db)
    leads = await connection.fetch(_LEADS)
    rest = await connection.fetchrow(_REST)
    spending = await connection.fetch(_SPENDING, now)
    scored = sum(row["scored"] for row in leads)
    points = sum(row["points"] or 0 for row in leads)
    by_status = {LeadStatus(row["status"]): row["n"] for row in leads}
    return Counts(
        {status: by_status.get(status, 0) for status in LeadStatus},
        scored,
        points / scored if scored else None,
        rest["imports_open"] if rest else 0,
        rest["unknown_calls"] if rest else 0,
        [Spending(*row.values()) for row in spending],
    )


_LEADS = """
SELECT status, count(*) AS n, count(score) AS scored, sum(score)::bigint AS points
FROM leads WHERE deleted_at IS NULL GROUP BY status
"""
_REST = """
SELECT (SELECT count(*) FROM imports WHERE status IN ('receiving', 'queued', 'running'))
    AS imports_open,
  (SELECT count(*) FROM ledger_entries WHERE state = 'unknown') AS unknown_calls
"""
_SPENDING = """
SELECT id, unit, limit_amount, held, spent FROM ledger_accounts
WHERE right(id, 11) = ':' || to_char($1 AT TIME ZONE 'UTC', 'YYYY-MM-DD')
  OR right(id, 8) = ':' || to_char($1 AT TIME ZONE 'UTC', 'YYYY-MM') ORDER BY id
"""
