"""How scoring algorithms look on the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import Field

from policies.algorithm import (
    RUBRIC_WEIGHT,
    Definition,
    Settings,
    Template,
    Weighted,
    describe,
    parse_definition,
)
from policies.templates import Industry
from serve.shapes.common import Asked, Name, Reason, Told, example
from serve.shapes.scores import Sample
from storage.scoring import AlgorithmStatus, StoredAlgorithm


class NewLearned(Asked):
    """A scorecard to be learned from outcomes."""

    kind: Literal["learned"]
    settings: Settings = Settings()


class NewTrees(Asked):
    """Gradient-boosted trees to be learned from outcomes."""

    kind: Literal["trees"]
    settings: Settings = Settings()


class NewWeighted(Weighted):
    """Weights that a user gives."""

    kind: Literal["weighted"]  # pyright: ignore[reportGeneralTypeIssues] - required here


class NewTemplate(Template):
    """An industry's template as it is."""

    kind: Literal["template"]  # pyright: ignore[reportGeneralTypeIssues] - required here


NewBase = Annotated[NewWeighted | NewTemplate | NewLearned, Field(discriminator="kind")]


class NewRubric(Asked):
    """What GPT-4's evidence counts beside the scorecard."""

    weight: float = Field(default=RUBRIC_WEIGHT, ge=0, le=5)
    intercept: float = Field(default=0.0, ge=-5, le=5)


class NewEnsemble(Asked):
    """A scorecard with GPT-4's rubric beside it."""

    kind: Literal["ensemble"]
    base: NewBase
    rubric: NewRubric = NewRubric()


NewDefinition = Annotated[
    NewWeighted | NewTemplate | NewLearned | NewTrees | NewEnsemble, Field(discriminator="kind")
]


def definition_of(new: NewDefinition) -> Definition:
    """Return the definition that was sent; what fitting sets is empty.

    Raises:
        DefinitionError: if its rules contradict one another.
    """
    return parse_definition(new.model_dump(mode="json", exclude_unset=True))


class NewAlgorithm(Asked):
    """A new version of a scoring algorithm."""

    model_config = example(
        {
            "name": "fintech",
            "definition": {
                "kind": "weighted",
                "base_rate": 0.1,
                "features": [
                    {"feature": "seniority", "levels": {"c_level": 1.2, "director": 0.8}},
                    {"feature": "Total Visits", "weight": 0.5, "when": {"at_least": 3}},
                ],
            },
        }
    )

    name: Name = Field(description="versions of one name are numbered from 1")
    definition: NewDefinition
    parent_id: UUID | None = Field(default=None, description="the version it was made from")


class Activation(Asked):
    """Why an algorithm is to score from now on."""

    model_config = example({"reason": "Better on held-out leads"})

    reason: Reason
    force: bool = Field(
        default=False, strict=True, description="even if it did worse on outcomes it had not seen"
    )


class AlgorithmSummary(Told):
    """A version of a scoring algorithm, without its definition."""

    id: UUID
    name: str
    version: int
    kind: str
    status: AlgorithmStatus
    description: str
    problem: str | None = Field(description="why fitting failed")
    parent_id: UUID | None
    created_by: str
    created_at: datetime
    activated_at: datetime | None

    @classmethod
    def of(cls, stored: StoredAlgorithm) -> Self:
        """Show an algorithm."""
        return cls(**_summary(stored))


class AlgorithmOut(AlgorithmSummary):
    """A version of a scoring algorithm."""

    definition: Definition
    report: dict[str, Any] | None = Field(
        description="how it did on outcomes it had not seen; null until fitted"
    )

    @classmethod
    def of(cls, stored: StoredAlgorithm) -> Self:
        """Show an algorithm."""
        definition = parse_definition(stored.definition)
        report = None if stored.report is None else dict(stored.report)
        return cls(**_summary(stored), definition=definition, report=report)


class AlgorithmList(Told):
    """Every version of every algorithm, newest first."""

    items: list[AlgorithmSummary]


class Comparison(Told):
    """Two algorithms side by side, by outcomes that neither had seen."""

    challenger: AlgorithmSummary
    champion: AlgorithmSummary
    verdict: Literal["better", "no_worse", "objected", "unknown"]
    reasons: list[str]
    challenger_report: dict[str, Any] | None
    champion_report: dict[str, Any] | None


class Activated(Told):
    """What scores now, and what did before."""

    active: AlgorithmSummary
    former: AlgorithmSummary | None
    reasons: list[str]


class TestOfStored(Asked):
    """Try an algorithm that is kept."""

    __test__ = False

    algorithm_id: UUID
    leads: Annotated[list[Sample], Field(min_length=1, max_length=100)]


class TestOfNew(Asked):
    """Try a definition before it is kept."""

    __test__ = False
    model_config = example(
        {
            "definition": {"kind": "template", "industry": "software"},
            "leads": [{"features": {"seniority": "director", "has_phone": True}}],
        }
    )

    definition: NewDefinition
    leads: Annotated[list[Sample], Field(min_length=1, max_length=100)]


class TemplateFeature(Told):
    """A feature of a template."""

    name: str
    kind: str
    states: int = Field(description="bins or levels")


class TemplateOut(Told):
    """What we know of an industry before any outcome."""

    industry: Industry
    words: str = Field(examples=["retail and e-commerce"])
    base_rate: float
    features: list[TemplateFeature]


class TemplateList(Told):
    """The templates."""

    items: list[TemplateOut]


def _summary(stored: StoredAlgorithm) -> dict[str, Any]:
    return {
        "id": stored.id,
        "name": stored.name,
        "version": stored.version,
        "kind": stored.kind,
        "status": stored.status,
        "description": describe(parse_definition(stored.definition)),
        "problem": stored.problem,
        "parent_id": stored.parent_id,
        "created_by": stored.created_by,
        "created_at": stored.created_at,
        "activated_at": stored.activated_at,
    }
