"""What a scoring algorithm is: five kinds of definition, each plain JSON.

*weighted* is what a user writes, *template* what we know of an industry, *learned* and *trees*
what outcomes taught, *ensemble* one of the others with GPT-4's rubric as one more input. All but
the trees score by a scorecard; the trees carry one for explanation, confidence and as a stand-in.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from uuid import UUID

import numpy as np
from pydantic import AwareDatetime, Field, TypeAdapter, ValidationError

from policies.binned import Floats, PlainFeature
from policies.binned import StrictModel as _Model
from policies.scorecard import Calibration, Scorecard
from policies.templates import Industry, template
from policies.weighted import WeightedFeature, weighted_scorecard

RUBRIC_WEIGHT = 0.6
"""What a logit of the rubric counts until outcomes say otherwise; our judgement."""
MOST_RULES = 200


class DefinitionError(ValueError):
    """A definition that cannot be used; the text says where and why.

    Attributes:
        problems: one sentence for each fault, with the place in front.
    """

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class NotFitted(ValueError):
    """The algorithm has not learned anything yet: fit it first."""


class Settings(_Model):
    """What to learn from, and how.

    Attributes:
        exclude: columns that may not become features, because they leak or are not wanted.
        source: only leads of this source; None means all.
        import_id: only leads of this import; None means all.
        industry: whose template is the prior.
        newest: only this many of the newest outcomes; None means all.
        seed: of folds, masks and bootstrap samples; the same data and seed give the same model.
    """

    exclude: tuple[str, ...] = ()
    source: str | None = None
    import_id: UUID | None = None
    industry: Industry = Industry.GENERAL
    newest: int | None = Field(default=None, ge=1)
    seed: int = Field(default=1, ge=0, lt=2**31)


class Training(_Model):
    """Where a fitted model comes from.

    Attributes:
        rows: leads with a known outcome.
        positives: those that converted.
        since, until: when the first and last of them were created, where known.
        data_hash: SHA-256 over the coded features and outcomes.
        dropped: columns that did not become features, each with the reason.
        precision: of the normal prior around the template (1/variance), found by cross-validation.
    """

    rows: int = Field(ge=0)
    positives: int = Field(ge=0)
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    data_hash: str
    dropped: Mapping[str, str] = Field(default_factory=dict)
    precision: float = Field(gt=0)


class Weighted(_Model):
    """Weights that a user gives."""

    kind: Literal["weighted"] = "weighted"
    base_rate: float = Field(
        default=0.1, gt=0, lt=1, description="chance of a lead that no rule speaks of"
    )
    features: tuple[WeightedFeature, ...] = Field(min_length=1, max_length=MOST_RULES)


class Template(_Model):
    """An industry's template as it is."""

    kind: Literal["template"] = "template"
    industry: Industry = Industry.GENERAL
    base_rate: float | None = Field(
        default=None, gt=0, lt=1, description="your own conversion rate; none means the template's"
    )


class Learned(_Model):
    """A scorecard learned from outcomes; ``model`` is null until it was fitted."""

    kind: Literal["learned"] = "learned"
    settings: Settings = Settings()
    model: Scorecard | None = None
    training: Training | None = None


class TreeModel(_Model):
    """Gradient-boosted trees as text.

    Attributes:
        text: as LightGBM writes a model; never a pickle.
        features: how columns become numbers: numbers stay as they are, levels become codes.
        calibration: from the trees' raw logits to honest ones.
    """

    text: str
    features: tuple[PlainFeature, ...] = Field(min_length=1)
    calibration: Calibration = Calibration()


class Trees(_Model):
    """Trees learned from outcomes, beside the scorecard that was learned from the same."""

    kind: Literal["trees"] = "trees"
    settings: Settings = Settings()
    model: TreeModel | None = None
    scorecard: Scorecard | None = None
    training: Training | None = None


Base = Annotated[Weighted | Template | Learned, Field(discriminator="kind")]


class Rubric(_Model):
    """What GPT-4's evidence counts beside the scorecard.

    Attributes:
        weight: logits for one logit of the rubric; never negative.
        intercept: added wherever there is a judgement.
        fitted_on: outcomes from which both were fitted; 0 means our judgement.
    """

    weight: float = Field(default=RUBRIC_WEIGHT, ge=0, le=5)
    intercept: float = Field(default=0.0, ge=-5, le=5)
    fitted_on: int = Field(default=0, ge=0)


class Ensemble(_Model):
    """A scorecard with GPT-4's rubric beside it."""

    kind: Literal["ensemble"] = "ensemble"
    base: Base
    rubric: Rubric = Rubric()

    def logits(self, base: Floats, rubric: Floats) -> Floats:
        """Calibrated logits with the rubric's evidence added; NaN stands for no judgement."""
        added = self.rubric.weight * rubric + self.rubric.intercept
        return base + np.where(np.isnan(rubric), 0.0, added)


Definition = Annotated[
    Weighted | Template | Learned | Trees | Ensemble, Field(discriminator="kind")
]
_ADAPTER: TypeAdapter[Weighted | Template | Learned | Trees | Ensemble] = TypeAdapter(Definition)


def parse_definition(document: Mapping[str, Any]) -> Definition:
    """Read a definition.

    Raises:
        DefinitionError: if it is not one.
    """
    try:
        definition = _ADAPTER.validate_python(document)
    except ValidationError as error:
        raise DefinitionError(_problems(error)) from error
    if isinstance(base := _base(definition), Weighted):
        try:
            weighted_scorecard(base.features, base.base_rate)
        except ValueError as error:
            raise DefinitionError((f"features: {error}",)) from error
    return definition


def dump_definition(definition: Definition) -> dict[str, Any]:
    """The definition as JSON; `parse_definition` reads it back unchanged."""
    return definition.model_dump(mode="json")


def scorecard_of(definition: Definition) -> Scorecard:
    """The scorecard that a definition scores (or, for trees, explains) with.

    Raises:
        NotFitted: if it has to be learned first.
    """
    match _base(definition):
        case Weighted() as weighted:
            return weighted_scorecard(weighted.features, weighted.base_rate)
        case Template() as given:
            return template(given.industry, base_rate=given.base_rate)
        case Learned(model=card) | Trees(scorecard=card):
            if card is None:
                raise NotFitted("this algorithm has not been fitted yet: fit it, then activate it")
            return card


def describe(definition: Definition) -> str:
    """The definition in one line."""
    match definition:
        case Weighted(features=features):
            names = dict.fromkeys(rule.feature for rule in features)
            return f"weighted: {len(features)} rules on {', '.join(names)}"
        case Template(industry=industry):
            return f"the template for {industry.words}"
        case Learned(model=None) | Trees(model=None):
            return f"{definition.kind}, not fitted yet"
        case Learned(training=training, model=card):
            return f"learned{_from(training)}, {len(card.features) if card else 0} features"
        case Trees(training=training):
            return f"trees{_from(training)}"
        case Ensemble(base=base, rubric=rubric):
            return f"ensemble: {describe(base)}, with GPT-4's rubric at {rubric.weight:.2g}"


def _base(definition: Definition) -> Weighted | Template | Learned | Trees:
    return definition.base if isinstance(definition, Ensemble) else definition


def _from(training: Training | None) -> str:
    if training is None:
        return ""
    return f" from {training.rows:,} outcomes ({training.positives:,} conversions)"


def _problems(error: ValidationError) -> tuple[str, ...]:
    """Each fault with its place; the names of union branches are left out."""
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    lines: list[str] = []
    for fault in faults:
        if fault["type"] == "too_short" and len(faults) > 1:
            continue  # only says once more that an element failed
        place = ".".join(str(part) for part in fault["loc"] if part not in _BRANCHES)
        text = _TEXTS.get(fault["type"], fault["msg"].removeprefix("Value error, "))
        lines.append(f"{place}: {text}" if place else text)
    return tuple(dict.fromkeys(lines))


_TEXTS = {
    "union_tag_not_found": "give 'kind': weighted, template, learned, trees or ensemble",
    "extra_forbidden": "there is no such field",
    "missing": "this field is required",
}
_BRANCHES = frozenset(
    {"weighted", "template", "learned", "trees", "ensemble", "numeric", "categorical", "crossed"}
)
