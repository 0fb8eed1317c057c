"""A scorecard: points in logits for every state of every feature, kept as plain JSON.

One form for what an expert writes, what a user weighs and what is learned from outcomes. A
feature's state is a small code: 0 not fetched, 1 fetched but empty, then its bins or levels.
Scoring one lead or a million is the same sum over a table of points, so that every score is
exact, explainable and fast; nothing is ever unpickled.

Sources:
    Confidence by bootstrap replicates and hot-deck donors: measured, ADR on scoring.
    Platt, J. (1999), Probabilistic outputs for support vector machines.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator
from scipy.special import expit

from policies.features import Column, Columns, LeadFeatures, Value, category, number, numbers

NOT_FETCHED, EMPTY, FIRST_BIN = 0, 1, 2
MOST_BINS = 250
CHUNK = 2_048

Codes = NDArray[np.uint8]
Floats = NDArray[np.float64]


class StrictModel(BaseModel):
    """Frozen, and nothing in it but what is declared; no infinities."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class _Feature(StrictModel):
    """What both kinds of feature share.

    Attributes:
        name: the feature's name in the lead.
        points: logits of each bin or level, in the order of the codes from `FIRST_BIN` on.
        empty: logits when the field was fetched and is empty.
        not_fetched: logits when nobody has fetched the field.
        shares: share of the training leads in each code from `EMPTY` on; none for an expert's.
    """

    name: str = Field(min_length=1)
    points: tuple[float, ...] = Field(min_length=1, max_length=MOST_BINS)
    empty: float = 0.0
    not_fetched: float = 0.0
    shares: tuple[float, ...] = ()

    @model_validator(mode="after")
    def _shares_fit(self) -> Self:
        if self.shares and len(self.shares) != len(self.points) + 1:
            raise ValueError(f"{self.name}: give a share for 'empty' and one for each point")
        return self

    @cached_property
    def table(self) -> Floats:
        """Points by code."""
        return np.array([self.not_fetched, self.empty, *self.points])

    @cached_property
    def average(self) -> float:
        """Points of the average training lead, 0 where no lead was seen."""
        return float(np.dot(self.shares, self.table[EMPTY:])) if self.shares else 0.0


class NumericFeature(_Feature):
    """A number in bins.

    Attributes:
        edges: ascending; the first and last bound what was seen, so that the first point is that
            of values below all (underflow) and the last that of values above all (overflow). An
            edge belongs to the bin above it.
    """

    kind: Literal["numeric"] = "numeric"
    edges: tuple[float, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _edges_fit(self) -> Self:
        if any(low >= high for low, high in pairwise(self.edges)):
            raise ValueError(f"{self.name}: edges must ascend")
        if len(self.points) != len(self.edges) + 1:
            raise ValueError(
                f"{self.name}: {len(self.edges)} edges make {len(self.edges) + 1} bins"
            )
        return self

    def code(self, value: Value) -> int:
        """The code of one fetched value."""
        parsed = number(value)
        return EMPTY if parsed != parsed else FIRST_BIN + bisect_right(self.edges, parsed)

    def codes(self, column: Column) -> Codes:
        """The codes of fetched values."""
        parsed = numbers(column)
        binned = np.searchsorted(self.edges, parsed, side="right").astype(np.uint8)
        binned += FIRST_BIN
        binned[np.isnan(parsed)] = EMPTY
        return binned

    def bin_name(self, position: int) -> str:
        """How a salesperson reads the bin at ``position``."""
        if position == 0:
            return f"below {self.edges[0]:,.4g}"
        if position == len(self.edges):
            return f"{self.edges[-1]:,.4g} or more"
        return f"{self.edges[position - 1]:,.4g} to {self.edges[position]:,.4g}"


class CategoricalFeature(_Feature):
    """A level out of a list.

    Attributes:
        levels: as `policies.features.category` writes them; the first point is that of every
            level that is not listed.
    """

    kind: Literal["categorical"] = "categorical"
    levels: tuple[str, ...]

    @model_validator(mode="after")
    def _levels_fit(self) -> Self:
        if len(set(self.levels)) != len(self.levels):
            raise ValueError(f"{self.name}: a level is listed twice")
        if len(self.points) != len(self.levels) + 1:
            raise ValueError(f"{self.name}: give a point for 'other' and one for each level")
        return self

    @cached_property
    def _positions(self) -> Mapping[str | None, int]:
        return {level: FIRST_BIN + 1 + i for i, level in enumerate(self.levels)} | {None: EMPTY}

    def code(self, value: Value) -> int:
        """The code of one fetched value."""
        return self._positions.get(category(value), FIRST_BIN)

    def codes(self, column: Column) -> Codes:
        """The codes of fetched values."""
        # 1, 1.0 and True are one key of a dict but not one level, hence the type in the key.
        if set(map(type, column)) <= {str, type(None)}:
            table = {value: self.code(value) for value in set(column)}
            return np.fromiter(map(table.__getitem__, column), np.uint8, len(column))
        return np.fromiter(map(self.code, column), np.uint8, len(column))

    def bin_name(self, position: int) -> str:
        """How a salesperson reads the level at ``position``."""
        return self.levels[position - 1] if position else "another value"


Feature = Annotated[NumericFeature | CategoricalFeature, Field(discriminator="kind")]


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
        if self.uncertainty:
            self._check(self.uncertainty)
        return self

    def _check(self, uncertainty: Uncertainty) -> None:
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

    def calibrated(self, raw: float) -> float:
        """A raw sum of points as a calibrated logit."""
        return self.calibration.slope * raw + self.calibration.intercept

    def logit(self, lead: LeadFeatures) -> float:
        """The calibrated logit of one lead."""
        total = self.intercept
        for feature in self.features:
            name = feature.name
            total += (
                feature.table.item(feature.code(lead.values[name]))
                if lead.fetched(name)
                else feature.not_fetched
            )
        return self.calibrated(total)

    def code(self, columns: Columns) -> Codes:
        """The codes of many leads: one row a lead, one (contiguous) column a feature."""
        codes = np.zeros((len(columns), len(self.features)), np.uint8, order="F")
        for position, feature in enumerate(self.features):
            if (column := columns.values.get(feature.name)) is not None:
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

    def contributions(self, codes: Sequence[int]) -> tuple[Contribution, ...]:
        """What each feature adds for one coded lead, the weightiest first."""
        parts = (
            Contribution(
                feature.name,
                self._state(feature, code),
                self.calibration.slope * (float(feature.table[code]) - feature.average),
            )
            for feature, code in zip(self.features, codes, strict=True)
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
        intercepts, points = uncertainty.intercepts, uncertainty.points
        donors = np.array(uncertainty.donors) + self._offsets
        for rows, unfetched in _patterns(codes == NOT_FETCHED):
            filled = points[donors[:, unfetched]].sum(axis=1) if unfetched.any() else 0.0
            extra = intercepts + filled
            for chunk in np.array_split(rows, -(-len(rows) // CHUNK)):
                known = points[codes[chunk][:, ~unfetched] + self._offsets[~unfetched]].sum(axis=1)
                drawn = known[:, None, :] + np.atleast_2d(extra)
                drawn = drawn.reshape(len(chunk), -1)
                yield chunk, self.calibration.slope * drawn + self.calibration.intercept

    def probabilities(self, codes: Codes) -> Floats:
        """The calibrated probabilities of coded leads."""
        return expit(self.logits(codes))

    @cached_property
    def _offsets(self) -> NDArray[np.intp]:
        sizes = [len(feature.table) for feature in self.features]
        return np.cumsum([0, *sizes[:-1]])

    @staticmethod
    def _state(feature: NumericFeature | CategoricalFeature, code: int) -> str:
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
