"""How what the sources told of a lead looks on the wire."""

from datetime import datetime
from typing import Self

from pydantic import Field, StrictBool

from policies.fact_rules import Known, strength
from policies.features import Value
from policies.lead import Fact
from serve.shapes.common import Asked, Told, example


class Wanted(Asked):
    """How a lead is to be enriched."""

    model_config = example({"refresh": True})

    refresh: StrictBool = Field(
        default=False, description="ask again for what is known but older than its interval"
    )


class EnrichmentQueued(Told):
    """Whether the lead was put into the queue; if not, it waits there already."""

    queued: bool


class FactOut(Told):
    """What one source says of one field."""

    source: str = Field(description="a vendor, or `record`, `title`, `email`… of the lead itself")
    value: Value
    confidence: float = Field(ge=0, le=1, description="when it was told")
    sure: float = Field(ge=0, le=1, description="by now: it halves with every half-life")
    cost_usd: float = Field(description="of the record that it came with; told once a record")
    observed_at: datetime
    age_days: int
    wins: bool = Field(description="whether this is the word that counts")

    @classmethod
    def of(cls, fact: Fact, known: Known, now: datetime) -> Self:
        """Show one."""
        winner = known.winners.get(fact.field)
        return cls(
            source=fact.source,
            value=fact.value,
            confidence=fact.confidence,
            sure=round(strength(fact, now), 4),
            cost_usd=fact.cost_micro / 1_000_000,
            observed_at=fact.observed_at,
            age_days=max(0, (now - fact.observed_at).days),
            wins=winner is not None and winner.source == fact.source,
        )


class FieldOut(Told):
    """One field: what counts, and all that was said."""

    field: str
    value: Value = Field(description="that counts; null if nobody says anything")
    due: bool = Field(description="whether a source would be asked again by now")
    told: list[FactOut]


class AskOut(Told):
    """What one source was asked about the lead."""

    source: str
    asked: int = Field(description="questions that it has answered")
    answered_at: datetime | None
    found: bool = Field(description="whether it knew the person the last time")
    under_way: bool


class LeadFacts(Told):
    """Everything that is told of a lead, and by whom."""

    items: list[FieldOut]
    asks: list[AskOut]
    spent_usd: float
