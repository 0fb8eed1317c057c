"""What must be true of the database at every moment: queries that return no row.

Each holds at any commit, also while agents work, for each is one statement and sees one moment.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from storage import decisions
from storage.database import Connection, driver

MOST_ROWS = 20
PATIENCE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Violation:
    """An invariant that does not hold.

    Attributes:
        name: a sentence that should be true.
        rows: where it is not, at most ``MOST_ROWS`` of them; ids and numbers, no personal data.
    """

    name: str
    rows: list[Mapping[str, Any]]


async def run(db: Connection) -> list[Violation]:
    """Check every invariant; return those that do not hold."""
    connection = await driver(db)
    patience = PATIENCE.total_seconds()
    await connection.fetchval(
        "SELECT set_config('statement_timeout', $1, true)", f"{patience * 1000:.0f}"
    )
    violations: list[Violation] = []
    for name, query in INVARIANTS.items():
        rows = await connection.fetch(f"{query} LIMIT {MOST_ROWS}", timeout=patience)
        if rows:
            violations.append(Violation(name, [dict(row) for row in rows]))
    broken = await decisions.verify(db)
    if broken:
        places = [asdict(place) for place in broken[:MOST_ROWS]]
        violations.append(Violation("the chains of decisions are whole", [*places]))
    return violations


INVARIANTS: Mapping[str, str] = {
    "no account holds and spends more than its limit": """
        SELECT id, limit_amount, held, spent FROM ledger_accounts
        WHERE held + spent > limit_amount""",
    "what an account holds and spent is the sum of its entries": """
        SELECT a.id, a.held, a.spent, s.held AS entries_held, s.spent AS entries_spent
        FROM ledger_accounts a LEFT JOIN (
          SELECT t.account,
            sum(t.amount) FILTER (WHERE e.state IN ('held', 'unknown')) AS held,
            sum(t.settled) FILTER (WHERE e.state IN ('committed', 'released')) AS spent
          FROM ledger_entries e,
            unnest(e.accounts, e.amounts, e.settled) t(account, amount, settled)
          GROUP BY t.account) s ON s.account = a.id
        WHERE a.held <> coalesce(s.held, 0) OR a.spent <> coalesce(s.spent, 0)""",
    "what a purchase cost is the records that it bought": """
        SELECT e.id, e.vendor, c.settled, count(r.record_id) AS records
        FROM ledger_entries e
        CROSS JOIN LATERAL unnest(e.accounts, e.settled) c(account, settled)
        LEFT JOIN vendor_records r ON r.entry_id = e.id
        WHERE e.state = 'committed' AND starts_with(c.account, 'credits:' || e.vendor || ':')
        GROUP BY e.id, e.vendor, c.settled HAVING c.settled <> count(r.record_id)""",
    "what a search cost is what its purchases cost": """
        SELECT s.search_id, s.cost, coalesce(e.cost, 0) AS ledger FROM (
          SELECT search_id, sum(cost_micro) AS cost FROM lead_search_sources
          GROUP BY search_id) s
        LEFT JOIN (
          SELECT reference, sum(settled[1]) AS cost FROM ledger_entries
          WHERE purpose = 'search' AND state = 'committed' GROUP BY reference) e
          ON e.reference = s.search_id
        WHERE s.cost <> coalesce(e.cost, 0)""",
    "a message is in one place": """
        SELECT id, count(*) AS places FROM (
          SELECT id FROM messages UNION ALL SELECT id FROM delayed_messages
          UNION ALL SELECT id FROM dead_letters) everywhere
        GROUP BY id HAVING count(*) > 1""",
    "a lead has its score from a scoring result": """
        SELECT l.id, l.score FROM leads l
        WHERE l.score IS NOT NULL AND l.deleted_at IS NULL AND NOT EXISTS (
          SELECT 1 FROM scoring_results r WHERE r.lead_id = l.id AND r.score = l.score)""",
    "a lead that counts as scored has a score": """
        SELECT id, status FROM leads
        WHERE deleted_at IS NULL AND status = 'scored'
          AND (score IS NULL OR scored_at IS NULL)""",
    "no lead was scored twice at one moment by one algorithm": """
        SELECT lead_id, algorithm_id, scored_at, count(*) AS times FROM scoring_results
        GROUP BY lead_id, algorithm_id, scored_at HAVING count(*) > 1""",
    "every scoring result has its decision": """
        SELECT r.lead_id, r.results, coalesce(d.decisions, 0) AS decisions
        FROM (SELECT lead_id, count(*) AS results FROM scoring_results GROUP BY lead_id) r
        LEFT JOIN (SELECT subject, count(*) AS decisions FROM decisions
          WHERE action = 'score' GROUP BY subject) d ON d.subject = r.lead_id
        WHERE coalesce(d.decisions, 0) < r.results""",
    "an import that is done accounts for every row": """
        SELECT id, rows_read, created, merged, failed FROM imports
        WHERE status = 'done' AND rows_read <> created + merged + failed""",
    "two leads never share an e-mail address": """
        SELECT email_key::text AS blind_index, count(*) AS leads FROM leads
        WHERE deleted_at IS NULL AND email_key IS NOT NULL
        GROUP BY email_key HAVING count(*) > 1""",
}
