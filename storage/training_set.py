"""The leads to learn from, as columns, in the order they came in."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from policies.features import Columns, Value
from policies.lead import LeadId
from policies.lead_features import feature_values
from storage.database import Database, driver

BATCH = 2000
PLAIN = ("industry", "country", "title", "company", "source", "has_email", "has_phone")


@dataclass(frozen=True, slots=True)
class TrainingRows:
    """One entry a lead in every column.

    Attributes:
        values: columns by name, as `policies.lead_features` names and joins them.
        not_fetched: rows of a column that nobody has fetched; no entry means none.
        outcomes: whether it converted; None while open.
        created_at: aware UTC, ascending.
    """

    values: dict[str, list[Value]]
    not_fetched: dict[str, NDArray[np.bool_]]
    outcomes: list[bool | None]
    created_at: list[datetime]
    ids: list[LeadId]

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def columns(self) -> Columns:
        """The features, as fitting takes them."""
        return Columns(self.values, self.not_fetched)


async def read(
    database: Database,
    *,
    source: str | None = None,
    import_id: UUID | None = None,
    newest: int | None = None,
    only_known: bool = False,
) -> TrainingRows:
    """Read leads with their facts.

    Args:
        newest: how many at most, the newest of them; None reads all.
        only_known: whether to leave out those whose outcome is open.
    """
    reader = _Reader()
    async with database.reading() as db:
        connection = await driver(db)
        arguments = (source, import_id, newest, only_known)
        async for row in connection.cursor(_READ, *arguments, prefetch=BATCH):
            reader.add(row)
    return reader.result()


class _Reader:
    """Turns rows into columns; a value seen before is kept once."""

    def __init__(self) -> None:
        self.ids: list[LeadId] = []
        self.outcomes: list[bool | None] = []
        self.created_at: list[datetime] = []
        self.values: dict[str, list[Value]] = {}
        self.gaps: dict[str, list[int]] = {}
        self.texts: dict[str, str] = {}

    def add(self, row: Any) -> None:  # noqa: ANN401 (a driver's record)
        """Take one row."""
        place = len(self.ids)
        own = {name: row[name] for name in PLAIN}
        facts = row["facts"] or {}
        fields = feature_values(row["attributes"], own, facts, enriched=row["enriched"])
        for name, value in fields.items():
            column = self.values.get(name)
            if column is None:
                column = self.values[name] = []
            if len(column) < place:
                self.gaps.setdefault(name, []).extend(range(len(column), place))
                column.extend([None] * (place - len(column)))
            column.append(self.texts.setdefault(value, value) if isinstance(value, str) else value)
        self.ids.append(row["id"])
        self.outcomes.append(row["outcome"])
        self.created_at.append(row["created_at"])

    def result(self) -> TrainingRows:
        """Return what was read."""
        size = len(self.ids)
        masks: dict[str, NDArray[np.bool_]] = {}
        for name, column in self.values.items():
            gaps = self.gaps.get(name, []) + list(range(len(column), size))
            column.extend([None] * (size - len(column)))
            if gaps:
                masks[name] = np.zeros(size, bool)
                masks[name][gaps] = True
        return TrainingRows(self.values, masks, self.outcomes, self.created_at, self.ids)


_READ = """
SELECT l.id, l.created_at, l.outcome, l.attributes, l.industry, l.country,
  nullif(l.title, '') AS title, nullif(l.company, '') AS company,
  l.source, l.email IS NOT NULL AS has_email, l.phone IS NOT NULL AS has_phone, f.facts,
  l.status <> 'new' AS enriched
FROM (
  SELECT * FROM leads
  WHERE deleted_at IS NULL AND ($1::text IS NULL OR source = $1)
    AND ($2::uuid IS NULL OR import_id = $2) AND (NOT $4 OR outcome IS NOT NULL)
  ORDER BY created_at DESC, id DESC LIMIT $3::bigint) l
LEFT JOIN LATERAL (
  SELECT jsonb_object_agg(field, value ORDER BY confidence, observed_at) AS facts
  FROM lead_facts WHERE lead_id = l.id) f ON true
ORDER BY l.created_at, l.id
"""
