"""Scorecards that a user writes: rules with weights, or points for each bin or level.

A weight is in logits: one more multiplies the odds by 2.7, so that +0.7 doubles and -0.7 halves
them. Rules on the same feature add up.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from math import log
from typing import Annotated, Self

from pydantic import Field, model_validator

from policies.binned import CategoricalFeature, NumericFeature, StrictModel
from policies.confidence import with_assumed_uncertainty
from policies.features import category
from policies.scorecard import Scorecard

Weight = Annotated[float, Field(ge=-10, le=10)]
Text = Annotated[str, Field(min_length=1, max_length=200)]
Level = bool | float | str
MOST_LEVELS = 200


class When(StrictModel):
    """The condition of a rule; exactly one of its fields.

    Attributes:
        equals: the value; texts without regard to case, yes and no for truth.
        any_of: one of these values.
        at_least: a number of at least this.
        below: a number below this.
        filled: true for any value, false for a field that was fetched and is empty.
    """

    equals: Level | None = None
    any_of: tuple[Level, ...] | None = Field(default=None, min_length=1, max_length=MOST_LEVELS)
    at_least: float | None = None
    below: float | None = None
    filled: bool | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        given = {name for name, value in self if value is not None}
        if given == {"at_least", "below"}:
            if (self.at_least or 0) < (self.below or 0):
                return self
            raise ValueError("'at_least' must be less than 'below'")
        if len(given) != 1:
            raise ValueError(
                "give exactly one of equals, any_of, at_least, below, filled "
                "(or at_least together with below)"
            )
        if self.levels is not None and None in map(category, self.levels):
            raise ValueError("an empty value is matched by {'filled': false}")
        return self

    @property
    def levels(self) -> tuple[Level, ...] | None:
        """The listed values; None for a condition on a number or on being filled."""
        return self.any_of if self.equals is None else (self.equals,)

    @property
    def edges(self) -> tuple[float, ...]:
        """Where a number passes from one side of the condition to the other."""
        return tuple(edge for edge in (self.at_least, self.below) if edge is not None)

    def holds(self, number: float) -> bool:
        """Whether a condition on numbers holds."""
        return not (
            (self.at_least is not None and number < self.at_least)
            or (self.below is not None and number >= self.below)
        )


class WeightedFeature(StrictModel):
    """One rule ("weight" and "when") or a feature's points ("levels", or "edges" and "points").

    Attributes:
        feature: the feature's name.
        weight: added when the condition holds.
        when: without it, the rule holds for a value that means yes (yes, true, 1).
        levels: logits by value; values that are not listed get ``other``.
        edges, points: one more point than edges; the first for numbers below the first edge.
        empty: logits when the field was fetched and is empty.
    """

    feature: Text
    weight: Weight | None = None
    when: When | None = None
    levels: Mapping[Text, Weight] | None = Field(default=None, min_length=1, max_length=MOST_LEVELS)
    other: Weight = 0.0
    edges: tuple[float, ...] | None = Field(default=None, min_length=1, max_length=MOST_LEVELS)
    points: tuple[Weight, ...] | None = None
    empty: Weight = 0.0

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        forms = {"weight", "levels", "edges", "points"}
        given = {name for name, value in self if name in forms and value is not None}
        if given not in ({"weight"}, {"levels"}, {"edges", "points"}):
            raise ValueError(f"{self.feature}: give 'weight', 'levels', or 'edges' with 'points'")
        if self.when is not None and self.weight is None:
            raise ValueError(f"{self.feature}: 'when' belongs to a 'weight'")
        if self.other and self.levels is None:
            raise ValueError(f"{self.feature}: 'other' belongs to 'levels'")
        if self.edges is not None and self.points is not None:
            NumericFeature(name=self.feature, edges=self.edges, points=self.points)
        return self


YES = When(any_of=(True, 1.0))


def weighted_scorecard(rules: Sequence[WeightedFeature], base_rate: float) -> Scorecard:
    """Add up the rules.

    Args:
        rules: in the user's order.
        base_rate: chance of a lead that no rule speaks of.

    Raises:
        ValueError: if one feature is treated as a number and as a list of values.
    """
    grouped: dict[str, list[WeightedFeature]] = {}
    for rule in rules:
        grouped.setdefault(rule.feature, []).append(rule)
    card = Scorecard(
        intercept=log(base_rate / (1 - base_rate)),
        features=tuple(_feature(name, group) for name, group in grouped.items()),
    )
    return with_assumed_uncertainty(card)


def _feature(name: str, rules: Sequence[WeightedFeature]) -> NumericFeature | CategoricalFeature:
    edges = {edge for rule in rules for edge in (*(rule.edges or ()), *_when(rule).edges)}
    listed = any(rule.levels or _when(rule).levels for rule in rules)
    if edges and listed:
        raise ValueError(f"{name} cannot be a number in one rule and a list of values in another")
    filled, empty = _filled(rules, wanted=True), _filled(rules, wanted=False)
    empty += sum(rule.empty for rule in rules)
    if edges:
        return _numeric(name, rules, sorted(edges), filled, empty)
    return _categorical(name, rules, filled, empty)


def _numeric(
    name: str, rules: Sequence[WeightedFeature], edges: list[float], filled: float, empty: float
) -> NumericFeature:
    points = [filled] * (len(edges) + 1)
    for position in range(len(points)):
        number = edges[position - 1] if position else -float("inf")
        for rule in rules:
            if rule.edges is not None and rule.points is not None:
                points[position] += rule.points[bisect_right(rule.edges, number)]
            elif _when(rule).edges and _when(rule).holds(number):
                points[position] += rule.weight or 0.0
    return NumericFeature(name=name, edges=tuple(edges), points=tuple(points), empty=empty)


def _categorical(
    name: str, rules: Sequence[WeightedFeature], filled: float, empty: float
) -> CategoricalFeature:
    other = filled + sum(rule.other for rule in rules)
    tables = [_by_level(rule) for rule in rules]
    levels = dict.fromkeys(level for table in tables for level in table)
    points = (
        filled
        + sum(table.get(level, rule.other) for rule, table in zip(rules, tables, strict=True))
        for level in levels
    )
    return CategoricalFeature(name=name, levels=tuple(levels), points=(other, *points), empty=empty)


def _by_level(rule: WeightedFeature) -> dict[str, float]:
    if rule.levels is not None:
        return {category(level) or level: points for level, points in rule.levels.items()}
    listed = map(category, _when(rule).levels or ())
    return {level: rule.weight or 0.0 for level in listed if level is not None}


def _filled(rules: Sequence[WeightedFeature], *, wanted: bool) -> float:
    return sum(rule.weight or 0.0 for rule in rules if _when(rule).filled is wanted)


def _when(rule: WeightedFeature) -> When:
    return rule.when or (YES if rule.weight is not None else _NEVER)


_NEVER = When.model_construct()
