"""How a lead becomes features.

A feature is in one of three states: it has a value, it was fetched and is empty, or nobody has
fetched it yet. The difference matters: an empty field says something about the lead, a field that
was not fetched says something about us, and buying it may change the score.

Single leads are mappings; batches are columns, so that each distinct text is read only once.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Value = str | float | int | bool | None
_Read = TypeVar("_Read")
Column = Sequence[Value] | NDArray[np.float64]
EMPTY_WORDS = frozenset({"", "select", "n/a", "na", "null", "none", "nan", "-", "--", "?"})
"""Texts that stand for nothing, compared without case and surrounding space."""


@dataclass(frozen=True, slots=True)
class LeadFeatures:
    """What is known of one lead.

    Attributes:
        values: features by name; None, blank and `EMPTY_WORDS` mean fetched but empty. A name
            that is absent was not fetched.
        not_fetched: names to be treated as not fetched whatever ``values`` says.
    """

    values: Mapping[str, Value]
    not_fetched: frozenset[str] = frozenset()

    def fetched(self, name: str) -> bool:
        """Whether somebody has looked for ``name``."""
        return name in self.values and name not in self.not_fetched


@dataclass(frozen=True, slots=True)
class Columns:
    """The features of many leads, one column a feature.

    Attributes:
        values: equally long columns by name; a name that is absent was fetched for no lead.
        not_fetched: for a column, which of its rows were not fetched; no entry means none.
        count: how many leads there are; None means as many as the columns are long.
    """

    values: Mapping[str, Column]
    not_fetched: Mapping[str, NDArray[np.bool_]] = field(
        default_factory=dict[str, NDArray[np.bool_]]
    )
    count: int | None = None

    def __len__(self) -> int:
        if self.count is not None:
            return self.count
        return max((len(column) for column in self.values.values()), default=0)


def columns_of(leads: Sequence[LeadFeatures]) -> Columns:
    """Turn leads into columns."""
    names = dict.fromkeys(name for lead in leads for name in lead.values)
    values = {name: [lead.values.get(name) for lead in leads] for name in names}
    missing = {name: np.array([not lead.fetched(name) for lead in leads]) for name in names}
    masks = {name: mask for name, mask in missing.items() if mask.any()}
    return Columns(values, masks, len(leads))


def is_empty(value: Value) -> bool:
    """Whether a fetched value says nothing."""
    if isinstance(value, str):
        return value.strip().casefold() in EMPTY_WORDS
    return value is None or (isinstance(value, float) and not math.isfinite(value))


def number(value: Value) -> float:
    """``value`` as a number, NaN when it is empty or none.

    Texts may carry thousands separators, a currency sign, a percent sign, a trailing plus
    ("10,001+") or a range, which counts as its middle ("51-200").
    """
    if isinstance(value, str):
        return _parsed(value)
    if value is None or not math.isfinite(value):
        return math.nan
    return float(value)


def category(value: Value) -> str | None:
    """``value`` as a level: lower case, single spaces, yes and no for truth; None when empty."""
    if is_empty(value) or value is None:
        return None
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = " ".join(str(value).split()).casefold()
    return _TRUTH.get(text, text)


def numbers(column: Column) -> NDArray[np.float64]:
    """A whole column as numbers, NaN where empty."""
    if isinstance(column, np.ndarray):
        return np.where(np.isfinite(column), column, np.nan)
    return np.fromiter(map(Memo(number).__getitem__, column), np.float64, len(column))


class Memo(dict[Value, _Read]):
    """What a reader makes of values, each distinct text read once.

    Other values are read every time: 1, 1.0 and True are one key of a dict but not one level.
    """

    def __init__(self, read: Callable[[Value], _Read]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, value: Value) -> _Read:
        found = self._read(value)
        if isinstance(value, str):
            self[value] = found
        return found


def _parsed(text: str) -> float:
    stripped = text.strip()
    if match := _NUMBER.fullmatch(stripped):
        return float(match[1].replace(",", ""))
    if match := _RANGE.fullmatch(stripped):
        low, high = (float(part.replace(",", "")) for part in match.groups())
        return (low + high) / 2 if low < high else math.nan
    return math.nan


_DIGITS = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)?|\.\d+"
_NUMBER = re.compile(rf"[$€£]?\s*([+-]?(?:{_DIGITS})(?:[eE][+-]?\d{{1,2}})?)\s*[%+]?", re.ASCII)
_RANGE = re.compile(rf"({_DIGITS})\s*[-\u2013]\s*({_DIGITS})", re.ASCII)
_TRUTH = {"true": "yes", "false": "no"}
