"""What is asked about leads, what came back, and what it costs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from policies.rubric import RubricAnswer
from storage import ledger
from storage.database import Connection
from storage.ledger import OpenEntry


@dataclass(frozen=True, slots=True)
class Caps:
    """What the model may cost in a day (UTC).

    Attributes:
        usd_micro: micro-dollars.
        tokens: read and written.
    """

    usd_micro: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Question:
    """What the model is shown about one lead.

    Attributes:
        hash: of everything shown (`policies.rubric.content_hash`).
    """

    lead_id: UUID
    hash: str
    document: str
    instructions: str


@dataclass(slots=True)
class Answers:
    """What came back, by content hash, and what it costs.

    Attributes:
        given: good answers.
        absent: why there is none.
        costs: entries to settle, with micro-dollars and tokens.
        released: entries that surely cost nothing.
        in_doubt: whether an entry stays open, to be looked up later.
    """

    given: dict[str, RubricAnswer] = field(default_factory=dict[str, RubricAnswer])
    absent: dict[str, str] = field(default_factory=dict[str, str])
    costs: dict[UUID, tuple[int, int]] = field(default_factory=dict[UUID, tuple[int, int]])
    released: list[UUID] = field(default_factory=list[UUID])
    in_doubt: bool = False

    async def settle(self, db: Connection, now: datetime) -> None:
        """Book everything, in the transaction of what the answers are used for."""
        await ledger.settle(db, self.costs, now=now)
        await ledger.release(db, self.released, now=now)


def by_lead(entries: Sequence[OpenEntry]) -> Mapping[UUID, list[OpenEntry]]:
    """Interrupted calls by the lead that they are for."""
    grouped: dict[UUID, list[OpenEntry]] = {}
    for entry in entries:
        if entry.reference is not None:
            grouped.setdefault(entry.reference, []).append(entry)
    return grouped
