"""A scorecard: points in logits for every state of every feature, kept as plain JSON.

One form for what an expert writes, what a user weighs and what is learned from outcomes. A
feature's state is a small code: 0 not fetched, 1 fetched but empty, then its bins or levels.
Scoring one lead or a million is the same sum over a table of points, so that every score is
exact, explainable and fast; nothing is ever unpickled.

Sources:
    Confidence by bootstrap replicates and hot-deck donors: measured, ADR on scoring.
    Platt, J. (1999), Probabilistic outputs for support vector machines.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator
from scipy.special import expit

from policies.binned import (
    FIRST_BIN,
    NOT_FETCHED,
    Codes,
    CrossedFeature,
    Feature,
    Floats,
    StrictModel,
)
from policies.features import Columns, LeadFeatures

CHUNK = 2_048


class Calibration(StrictModel):
    """Platt's line from raw to honest logits."""

    slope: float = Field(default=1.0, gt=0)
    intercept: float = 0.0


class Uncertainty(StrictModel):
    """What the scorecard does not know, small enough to travel with it.

    Attributes:
        replicates: the intercept and then every feature's table, once for each bootstrap sample.
        donors: codes of real (or typical) leads, from which unfetched fields are filled in.
    """

    replicates: tuple[tuple[float, ...], ...] = Field(min_length=1)
    donors: tuple[tuple[int, ...], ...] = Field(min_length=1)

    @cached_property
    def intercepts(self) -> Floats:
        """One for each replicate."""
        return np.array([row[0] for row in self.replicates])

    @cached_property
    def points(self) -> Floats:
        """Points by code of all features (row) and replicate (column)."""
        return np.ascontiguousarray(np.array([row[1:] for row in self.replicates]).T)


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one feature adds to one lead's logit, against the average lead.

    Attributes:
        name: the feature.
        state: its bin or level in words, "empty" or "not fetched".
        points: logits after calibration; positive speaks for the lead.
    """

    name: str
    state: str
    points: float


@dataclass(frozen=True, slots=True)
class _Cross:
    """A crossed feature and where its two parts stand in the scorecard."""

    feature: CrossedFeature
    parts: tuple[int, int]


class Scorecard(StrictModel):
    """Features, their points, and the way from their sum to a probability."""

    schema_version: Literal[1] = 1
    intercept: float
    features: tuple[Feature, ...] = Field(min_length=1)
    calibration: Calibration = Calibration()
    uncertainty: Uncertainty | None = None

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        names = [feature.name for feature in self.features]
        if len(set(names)) != len(names):
            raise ValueError("a feature is listed twice")
        for position, feature in enumerate(self.features):
            if isinstance(feature, CrossedFeature):
                self._check_cross(feature, names[:position])
        if self.uncertainty:
            self._check_draws(self.uncertainty)
        return self

    def _check_cross(self, cross: CrossedFeature, before: Sequence[str]) -> None:
        if cross.of[0] == cross.of[1] or not set(cross.of) <= set(before):
            raise ValueError(f"{cross.name}: needs two features that stand before it")
        for name, groups in zip(cross.of, (cross.first, cross.second), strict=True):
            part = self.features[before.index(name)]
            if isinstance(part, CrossedFeature) or len(groups) != len(part.points) + 1:
                raise ValueError(f"{cross.name}: give a group for each code of {name}")

    def _check_draws(self, uncertainty: Uncertainty) -> None:
        sizes = [len(feature.points) + FIRST_BIN for feature in self.features]
        if any(len(row) != 1 + sum(sizes) for row in uncertainty.replicates):
            raise ValueError("every replicate needs the intercept and a point for every code")
        for donor in uncertainty.donors:
            if len(donor) != len(sizes) or any(
                not 0 <= code < n for code, n in zip(donor, sizes, strict=True)
            ):
                raise ValueError("every donor needs one valid code for each feature")

    @property
    def names(self) -> tuple[str, ...]:
        """The features in order."""
        return tuple(feature.name for feature in self.features)

    @property
    def columns(self) -> tuple[str, ...]:
        """The lead's own fields that the scorecard reads."""
        return tuple(f.name for f in self.features if not isinstance(f, CrossedFeature))

    def code_one(self, lead: LeadFeatures) -> list[int]:
        """The codes of one lead."""
        codes: list[int] = []
        for position, feature in enumerate(self.features):
            if isinstance(feature, CrossedFeature):
                first, second = self._crosses[position].parts
                codes.append(feature.pair(codes[first], codes[second]))
            elif lead.fetched(feature.name):
                codes.append(feature.code(lead.values[feature.name]))
            else:
                codes.append(NOT_FETCHED)
        return codes

    def logit(self, lead: LeadFeatures) -> float:
        """The calibrated logit of one lead."""
        codes = zip(self.features, self.code_one(lead), strict=True)
        total = self.intercept + sum(feature.table.item(code) for feature, code in codes)
        return self.calibrated(total)

    def calibrated(self, raw: float) -> float:
        """The calibrated logit of a sum of points."""
        return self.calibration.slope * raw + self.calibration.intercept

    def code(self, columns: Columns) -> Codes:
        """The codes of many leads: one row a lead, one (contiguous) column a feature."""
        codes = np.zeros((len(columns), len(self.features)), np.uint8, order="F")
        for position, feature in enumerate(self.features):
            if isinstance(feature, CrossedFeature):
                first, second = self._crosses[position].parts
                codes[:, position] = feature.combine(codes[:, first], codes[:, second])
            elif (column := columns.values.get(feature.name)) is not None:
                codes[:, position] = feature.codes(column)
                if (mask := columns.not_fetched.get(feature.name)) is not None:
                    codes[mask, position] = NOT_FETCHED
        return codes

    def logits(self, codes: Codes) -> Floats:
        """The calibrated logits of coded leads."""
        total = np.full(len(codes), self.intercept)
        for position, feature in enumerate(self.features):
            total += feature.table.take(codes[:, position])
        total *= self.calibration.slope
        total += self.calibration.intercept
        return total

    def probabilities(self, codes: Codes) -> Floats:
        """The calibrated probabilities of coded leads."""
        return expit(self.logits(codes))

    def contributions(self, codes: Sequence[int]) -> tuple[Contribution, ...]:
        """What each feature adds for one coded lead, the weightiest first."""
        parts = (
            Contribution(
                feature.name,
                self._state(position, codes),
                self.calibration.slope * (feature.table.item(codes[position]) - feature.average),
            )
            for position, feature in enumerate(self.features)
        )
        return tuple(sorted(parts, key=lambda part: -abs(part.points)))

    def draws(self, codes: Codes) -> Iterator[tuple[NDArray[np.intp], Floats]]:
        """Logits that a lead might have once its unfetched fields are known.

        Yields row numbers of ``codes`` and, for each, as many equally likely calibrated logits as
        there are replicates (times donors, where a field was not fetched).
        """
        uncertainty = self.uncertainty
        if uncertainty is None:
            yield np.arange(len(codes)), self.logits(codes)[:, None]
            return
        donors = np.array(uncertainty.donors, np.uint8)
        for rows, unfetched in _patterns(codes == NOT_FETCHED):
            for chunk in np.array_split(rows, -(-len(rows) // CHUNK)):
                drawn = self._drawn(uncertainty, codes[chunk], unfetched, donors)
                drawn = drawn.reshape(len(chunk), -1)
                yield chunk, self.calibration.slope * drawn + self.calibration.intercept

    def _drawn(
        self, uncertainty: Uncertainty, codes: Codes, unfetched: NDArray[np.bool_], donors: Codes
    ) -> Floats:
        """Raw logits by lead, donor and replicate, for leads that lack the same fields."""
        half_known = {
            position: cross
            for position, cross in self._crosses.items()
            if unfetched[cross.parts[0]] != unfetched[cross.parts[1]]
        }
        known = np.repeat(uncertainty.intercepts[None], len(codes), axis=0)
        filled = np.zeros((len(donors) if unfetched.any() else 1, len(uncertainty.intercepts)))
        for position, offset in enumerate(self._offsets):
            if not unfetched[position]:
                known += uncertainty.points[codes[:, position] + offset]
            elif position not in half_known:
                filled += uncertainty.points[donors[:, position] + offset]
        drawn = known[:, None, :] + filled
        for position, cross in half_known.items():
            first, second = (
                donors[None, :, part] if unfetched[part] else codes[:, part, None]
                for part in cross.parts
            )
            pairs = cross.feature.combine(*np.broadcast_arrays(first, second))
            drawn += uncertainty.points[pairs + self._offsets[position]]
        return drawn

    @cached_property
    def _crosses(self) -> dict[int, "_Cross"]:
        """The crossed features by their place."""
        places = {name: position for position, name in enumerate(self.names)}
        return {
            position: _Cross(feature, (places[feature.of[0]], places[feature.of[1]]))
            for position, feature in enumerate(self.features)
            if isinstance(feature, CrossedFeature)
        }

    @cached_property
    def _offsets(self) -> NDArray[np.intp]:
        sizes = [len(feature.table) for feature in self.features]
        return np.cumsum([0, *sizes[:-1]])

    def _state(self, position: int, codes: Sequence[int]) -> str:
        feature, code = self.features[position], codes[position]
        if isinstance(feature, CrossedFeature):
            first, second = self._crosses[position].parts
            return f"{self._state(first, codes)} with {self._state(second, codes)}"
        if code < FIRST_BIN:
            return ("not fetched", "empty")[code]
        return feature.bin_name(code - FIRST_BIN)


def _patterns(
    unfetched: NDArray[np.bool_],
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.bool_]]]:
    """The rows that lack the same fields, and which those are."""
    packed = np.packbits(unfetched, axis=1)
    _, first, inverse = np.unique(packed, axis=0, return_index=True, return_inverse=True)
    for pattern, row in enumerate(first):
        yield np.flatnonzero(inverse.ravel() == pattern), unfetched[row]
