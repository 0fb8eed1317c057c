"""What each source says about a lead; of one source the newest word counts."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import orjson

from policies.features import Value
from policies.lead import Fact, LeadId
from storage.database import Connection, count, driver


async def keep(db: Connection, facts: Mapping[LeadId, Sequence[Fact]]) -> int:
    """Keep facts, each in place of what its source said before; return how many changed.

    Of several facts of one lead, field and source the newest is kept, and a fact that is older
    than the kept one is passed over.
    """
    rows: dict[tuple[UUID, str, str], Fact] = {}
    for lead_id, told in facts.items():
        for fact in sorted(told, key=lambda each: each.observed_at):
            rows[lead_id, fact.field, fact.source] = fact
    names, said = sorted(rows), [rows[name] for name in sorted(rows)]
    if not names:
        return 0
    return await count(
        await driver(db),
        _KEEP,
        [lead_id for lead_id, _, _ in names],
        [field for _, field, _ in names],
        [source for _, _, source in names],
        [orjson.dumps(fact.value).decode() for fact in said],
        [fact.confidence for fact in said],
        [fact.cost_micro for fact in said],
        [fact.observed_at for fact in said],
    )


async def of(db: Connection, ids: Sequence[UUID]) -> dict[LeadId, list[Fact]]:
    """Return the facts of leads, by field and source; a lead without facts has an empty list."""
    found: dict[LeadId, list[Fact]] = {LeadId(lead_id): [] for lead_id in ids}
    connection = await driver(db)
    for row in await connection.fetch(_OF, list(found)):
        value: Value = row["value"]
        found[LeadId(row["lead_id"])].append(
            Fact(
                row["field"],
                row["source"],
                value,
                row["confidence"],
                row["observed_at"],
                row["cost_micro"],
            )
        )
    return found


_KEEP = """
WITH kept AS (
  INSERT INTO lead_facts AS f
    (lead_id, field, source, value, confidence, cost_micro, observed_at)
  SELECT u.lead_id, u.field, u.source, u.value::jsonb, u.confidence, u.cost_micro, u.observed_at
  FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::float8[], $6::bigint[],
    $7::timestamptz[])
    u(lead_id, field, source, value, confidence, cost_micro, observed_at)
  ON CONFLICT (lead_id, field, source) DO UPDATE SET value = excluded.value,
    confidence = excluded.confidence, cost_micro = excluded.cost_micro,
    observed_at = excluded.observed_at
  WHERE f.observed_at <= excluded.observed_at AND (f.value, f.confidence, f.cost_micro)
    IS DISTINCT FROM (excluded.value, excluded.confidence, excluded.cost_micro)
  RETURNING 1)
SELECT count(*) FROM kept
"""
_OF = """
SELECT lead_id, field, source, value, confidence, cost_micro, observed_at FROM lead_facts
WHERE lead_id = ANY($1::uuid[]) ORDER BY lead_id, field, source
"""
