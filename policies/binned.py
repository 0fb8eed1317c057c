"""The features of a scorecard: how a value becomes a small code, and what each code is worth.

Code 0 means not fetched, 1 fetched but empty; bins, levels and pairs of them follow.
"""

from bisect import bisect_right
from collections.abc import Mapping
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from policies.features import Column, Memo, Value, category, number, numbers

NOT_FETCHED, EMPTY, FIRST_BIN = 0, 1, 2
MOST_BINS = 250

Codes = NDArray[np.uint8]
Floats = NDArray[np.float64]


class StrictModel(BaseModel):
    """Frozen, and nothing in it but what is declared; no infinities."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    def replaced(self, **changes: object) -> Self:
        """A validated copy with ``changes``; unlike `model_copy` it takes no cached value along."""
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        return self.model_validate(fields | changes)


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
        return np.fromiter(map(Memo(self.code).__getitem__, column), np.uint8, len(column))

    def bin_name(self, position: int) -> str:
        """How a salesperson reads the level at ``position``."""
        return self.levels[position - 1] if position else "another value"


class CrossedFeature(_Feature):
    """What two features say together beyond what each says alone.

    Attributes:
        name: as people read it, such as "day & month".
        of: the two features, which stand before this one in the scorecard.
        first, second: the group of each code of the two, from `EMPTY` on.
        points: row by row: those of the first group of ``first`` with every group of ``second``.
    """

    kind: Literal["crossed"] = "crossed"
    of: tuple[str, str]
    first: tuple[int, ...] = Field(min_length=2)
    second: tuple[int, ...] = Field(min_length=2)

    @model_validator(mode="after")
    def _groups_fit(self) -> Self:
        if min(*self.first, *self.second) < 0:
            raise ValueError(f"{self.name}: groups count from 0")
        if len(self.points) != (max(self.first) + 1) * (max(self.second) + 1):
            raise ValueError(f"{self.name}: give a point for each pair of groups")
        return self

    @cached_property
    def _pairs(self) -> Codes:
        """The code of each pair of codes."""
        columns = max(self.second) + 1
        pairs = np.zeros((len(self.first) + 1, len(self.second) + 1), np.uint8)
        pairs[1:, 1:] = FIRST_BIN + np.add.outer(
            columns * np.array(self.first), np.array(self.second)
        )
        return pairs

    def combine(self, first: Codes, second: Codes) -> Codes:
        """The codes of leads whose two features have these codes."""
        place = first.astype(np.uint16)
        place *= self._pairs.shape[1]
        place += second
        return self._pairs.ravel().take(place)

    def pair(self, first: int, second: int) -> int:
        """The code of one lead."""
        return self._pairs.item(first, second)


Plain = NumericFeature | CategoricalFeature
Feature = Annotated[
    NumericFeature | CategoricalFeature | CrossedFeature, Field(discriminator="kind")
]
PlainFeature = Annotated[NumericFeature | CategoricalFeature, Field(discriminator="kind")]
