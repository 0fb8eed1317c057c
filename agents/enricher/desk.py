"""One turn of buying: the leads on the desk, and what has come of them so far."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from agents.agent import Turn
from agents.enricher.cases import Files
from agents.enricher.sellers import Seller
from policies.hit_rates import Segment
from policies.lead import LeadId
from policies.prospect import PersonQuery
from policies.waterfall import Offer


@dataclass(frozen=True, slots=True)
class Bar:
    """Why a source cannot be asked about a lead in this turn.

    Attributes:
        until: when it may be tried again (aware); None if it is not worth trying again.
    """

    reason: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Call:
    """Questions for one call to one source.

    Attributes:
        id: its entry in the ledger.
        credits: the most that it can cost.
        again: whether it was begun before, and must be made just as it was.
    """

    id: UUID
    questions: Sequence[PersonQuery]
    credits: int
    again: bool


@dataclass(frozen=True, slots=True)
class Step:
    """What is asked next.

    Attributes:
        segments: of the leads that are asked about.
    """

    seller: Seller
    calls: Sequence[Call]
    segments: Mapping[UUID, Segment]


@dataclass(slots=True)
class Desk:
    """The leads of one turn.

    Attributes:
        asked: the lead of each message.
        again: leads of which old facts are to be told anew.
        bars: by lead and source.
        offers: what each source promised when it was last weighed.
        words: what was bought about each lead, in words.
        rounds: steps planned so far.
    """

    turn: Turn
    asked: Sequence[LeadId]
    again: Collection[LeadId]
    files: Files
    bars: dict[tuple[UUID, str], Bar] = field(default_factory=dict[tuple[UUID, str], Bar])
    offers: dict[LeadId, list[Offer]] = field(default_factory=dict[LeadId, list[Offer]])
    words: dict[LeadId, list[str]] = field(default_factory=dict[LeadId, list[str]])
    rounds: int = 0

    @property
    def ids(self) -> list[LeadId]:
        """The leads, each once."""
        return list(dict.fromkeys(self.asked))

    def bar(
        self, questions: Sequence[PersonQuery], source: str, reason: str, until: datetime | None
    ) -> None:
        """Leave a source out for the leads of some questions."""
        for question in questions:
            self.bars[question.key, source] = Bar(reason, until)

    def reason(self, lead_id: LeadId, source: str) -> str | None:
        """Why a source cannot be asked about a lead; None if it can."""
        bar = self.bars.get((lead_id, source))
        return None if bar is None else bar.reason
