"""How scores and requests for them look on the wire."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import Field

from policies.scoring import Score
from serve.shapes.common import Asked, Attributes, Told, example
from serve.shapes.selection import LeadCriteria
from storage.scoring import ScoringResult

MOST_IDS = 10_000


class TheseLeads(Asked):
    """Leads by id."""

    model_config = example({"lead_ids": ["01935f0e-7c1a-7b3e-8f21-9a4b5c6d7e8f"]})

    lead_ids: Annotated[list[UUID], Field(min_length=1, max_length=MOST_IDS)]


class LeadsWhere(Asked):
    """Leads by criteria."""

    model_config = example({"filter": {"status": "scored"}})

    filter: LeadCriteria


class Queued(Told):
    """How many leads will be scored again; those that wait for it already do not count."""

    queued: int


class Part(Told):
    """What one feature adds to the logit of a lead, against the average lead."""

    name: str
    state: str = Field(description="its bin or level in words")
    points: float = Field(description="positive speaks for the lead")


class ResultOut(Told):
    """One score of a lead, as it was given."""

    algorithm_id: UUID
    score: int = Field(ge=0, le=100)
    probability: float
    confidence: float = Field(ge=0, le=1, description="chance that the tier holds")
    low: int
    high: int
    tier: str
    judges: list[str] = Field(description="who spoke: scorecard, rubric")
    reasoning: str
    tags: list[str]
    follow_ups: list[str]
    parts: list[Part]
    scored_at: datetime

    @classmethod
    def of(cls, result: ScoringResult) -> Self:
        """Show a result."""
        detail = result.detail
        return cls(
            algorithm_id=result.algorithm_id,
            score=result.score,
            probability=result.probability,
            confidence=result.confidence,
            low=result.low,
            high=result.high,
            tier=result.tier,
            judges=list(result.judges),
            reasoning=str(detail.get("reasoning", "")),
            tags=_texts(detail.get("tags")),
            follow_ups=_texts(detail.get("follow_ups")),
            parts=[_part(each) for each in detail.get("parts") or ()],
            scored_at=result.scored_at,
        )


class ResultList(Told):
    """The scores of a lead, newest first."""

    items: list[ResultOut]


class Sample(Asked):
    """A lead to try an algorithm on."""

    features: Attributes = Field(
        description="by the name of the file's column or of the fact; null: looked for, not found"
    )


class ScoreOut(Told):
    """What an algorithm says of a sample."""

    score: int
    probability: float
    confidence: float
    low: int
    high: int
    tier: str
    judges: list[str]
    reasoning: str
    tags: list[str]
    follow_ups: list[str]
    parts: list[Part]

    @classmethod
    def of(cls, score: Score) -> Self:
        """Show a score."""
        return cls(
            score=score.score,
            probability=score.probability,
            confidence=score.confidence,
            low=score.low,
            high=score.high,
            tier=score.tier.value,
            judges=list(score.judges),
            reasoning=score.reasoning,
            tags=list(score.tags),
            follow_ups=list(score.follow_ups),
            parts=[Part(name=p.name, state=p.state, points=p.points) for p in score.parts],
        )


class ScoreList(Told):
    """What an algorithm says of each sample, in their order."""

    items: list[ScoreOut]


def _texts(values: Any) -> list[str]:  # noqa: ANN401
    return [str(value) for value in values or ()]


def _part(value: Any) -> Part:  # noqa: ANN401
    return Part(name=str(value["name"]), state=str(value["state"]), points=float(value["points"]))
