"""Which columns can be features, and how their values fall into bins.

Bins look at the features only, never at the outcome, so they are made once from all leads.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from policies.binned import CategoricalFeature, NumericFeature
from policies.features import Column, Columns, category, numbers

QUANTILES, FINE_QUANTILES = 10, 16
MANY = 2_000
"""From so many values on, bins are fine."""
RAREST = 10
"""A level seen on fewer leads than this counts as "other"."""
MOST_LEVELS = 60
NUMERIC_SHARE = 0.95
DISTINCT_SHARE = 0.5
FEWEST_FOR_ID = 50


@dataclass(frozen=True, slots=True)
class Plan:
    """Features without points, and the columns that cannot be features with the reason."""

    features: tuple[NumericFeature | CategoricalFeature, ...]
    dropped: Mapping[str, str]


def plan(columns: Columns, *, exclude: Collection[str] = ()) -> Plan:
    """Bin every usable column."""
    features: list[NumericFeature | CategoricalFeature] = []
    dropped: dict[str, str] = {}
    for name, column in columns.values.items():
        if name in exclude:
            dropped[name] = "excluded by you"
            continue
        fetched = ~columns.not_fetched.get(name, np.zeros(len(column), bool))
        feature = _feature(name, _rows(column, fetched))
        if isinstance(feature, str):
            dropped[name] = feature
        else:
            features.append(feature)
    return Plan(tuple(features), dropped)


def _rows(column: Column, wanted: NDArray[np.bool_]) -> Column:
    if isinstance(column, np.ndarray):
        return column[wanted]
    return [value for value, want in zip(column, wanted, strict=True) if want]


def _feature(name: str, column: Column) -> NumericFeature | CategoricalFeature | str:
    """The binned feature, or why there is none."""
    parsed = numbers(column)
    seen = parsed[~np.isnan(parsed)]
    levels = _levels(column)
    empty = levels.pop(None, 0)
    filled = len(column) - empty
    if not filled:
        return "always empty"
    if len(levels) == 1 and not empty:
        return "constant"
    if len(seen) >= NUMERIC_SHARE * filled:
        return _numeric(name, seen)
    if len(levels) > DISTINCT_SHARE * filled and filled >= FEWEST_FOR_ID:
        return "an identifier or free text: almost every lead has its own value"
    return _categorical(name, levels, len(column), empty)


def _levels(column: Column) -> Counter[str | None]:
    """How often each level occurs; each distinct value is read only once."""
    raw = Counter(zip(map(type, column), column, strict=True))
    levels: Counter[str | None] = Counter()
    for (_, value), count in raw.items():
        levels[category(value)] += count
    return levels


def _numeric(name: str, seen: NDArray[np.float64]) -> NumericFeature | str:
    distinct = np.unique(seen)
    whole = bool(np.all(distinct == np.round(distinct)))
    if whole and len(distinct) == len(seen) >= FEWEST_FOR_ID:
        return "an identifier: every lead has its own whole number"
    bins = FINE_QUANTILES if len(seen) >= MANY else QUANTILES
    inner = np.quantile(seen, np.linspace(0, 1, bins + 1)[1:-1], method="higher")
    last = np.nextafter(distinct[-1], np.inf)
    edges = np.unique([distinct[0], *inner, last])
    return NumericFeature(name=name, edges=tuple(edges.tolist()), points=(0.0,) * (len(edges) + 1))


def _categorical(
    name: str, levels: Counter[str | None], n: int, empty: int
) -> CategoricalFeature | str:
    rarest = min(RAREST, max(n // 20, 1))
    kept = [
        level
        for level, count in levels.most_common(MOST_LEVELS)
        if level is not None and count >= rarest
    ]
    other = sum(levels.values()) - sum(levels[level] for level in kept)
    if sum(part >= rarest for part in (other, empty)) + len(kept) < 2:
        return "constant but for a few leads"
    return CategoricalFeature(name=name, levels=tuple(kept), points=(0.0,) * (len(kept) + 1))
