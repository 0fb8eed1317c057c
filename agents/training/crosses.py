"""Which pairs of features say more together than their points add up to.

For every pair the residuals of the plain scorecard are summed by cell; a pair is worth what one
ridge step on those cells would gain in log likelihood, less what chance alone would give.

Sources:
    Score test for interactions as in GA2M (Lou et al. 2013, "Accurate intelligible models with
    pairwise interactions"). Measured in five-fold cross-validation: bank-full AUC .775 without
    and .795 with five pairs, X-Education .868 and .870; calibration improves on both.
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from agents.training.logistic import Layout, Sample, raw_logits
from policies.binned import (
    EMPTY,
    FIRST_BIN,
    Codes,
    CrossedFeature,
    Feature,
    Floats,
    NumericFeature,
)

PRECISION = 10.0
"""Of the prior of a pair's points, which is centred on zero: pairs must earn their keep."""
NUMBER_GROUPS, LEVEL_GROUPS = 7, 11
MOST_USES = 2
"""Pairs that one feature may be part of; more would say the same again."""


def crosses(
    features: Sequence[Feature], sample: Sample, points: Floats, *, most: int
) -> tuple[CrossedFeature, ...]:
    """The ``most`` pairs that gain most over a scorecard with these points."""
    layout = Layout(tuple(len(feature.table) for feature in features))
    rates = expit(raw_logits(sample.codes, layout, points))
    missed = sample.weights * (sample.outcomes - rates)
    weight = sample.weights * rates * (1 - rates)
    groups = [
        _groups(feature, np.bincount(sample.codes[:, i], minlength=len(feature.table)))
        for i, feature in enumerate(features)
    ]
    coarse = [g[sample.codes[:, i]] for i, g in enumerate(groups)]
    gains = [
        (_gain(coarse[i], coarse[j], int(groups[j].max()) + 1, missed, weight), i, j)
        for i, j in combinations(range(len(features)), 2)
    ]
    return tuple(
        _cross(features[i], features[j], groups[i], groups[j]) for i, j in _chosen(gains, most=most)
    )


def with_crosses(
    codes: Codes, features: Sequence[Feature], pairs: Sequence[CrossedFeature]
) -> Codes:
    """``codes`` with a column for each pair behind them."""
    places = {feature.name: i for i, feature in enumerate(features)}
    wide = np.zeros((len(codes), len(features) + len(pairs)), np.uint8, order="F")
    wide[:, : len(features)] = codes[:, : len(features)]
    for i, pair in enumerate(pairs):
        first, second = (codes[:, places[name]] for name in pair.of)
        wide[:, len(features) + i] = pair.combine(first, second)
    return wide


def _chosen(gains: Sequence[tuple[float, int, int]], *, most: int) -> list[tuple[int, int]]:
    uses: dict[int, int] = {}
    chosen: list[tuple[int, int]] = []
    for gain, i, j in sorted(gains, key=lambda entry: (-entry[0], entry[1:])):
        if gain <= 0 or len(chosen) == most:
            break
        if max(uses.get(i, 0), uses.get(j, 0)) < MOST_USES:
            uses[i], uses[j] = uses.get(i, 0) + 1, uses.get(j, 0) + 1
            chosen.append((i, j))
    return chosen


def _gain(
    first: NDArray[np.intp], second: NDArray[np.intp], columns: int, missed: Floats, weight: Floats
) -> float:
    cells = first * columns + second
    slope, curvature = np.bincount(cells, missed), np.bincount(cells, weight)
    damped = curvature + PRECISION
    return float(np.sum(slope**2 / damped) - np.sum(curvature / damped)) / 2


def _groups(feature: Feature, counts: NDArray[np.intp]) -> NDArray[np.intp]:
    """A group for every code; neighbours of about equal size, or the most frequent levels."""
    groups = np.zeros(len(counts), np.intp)
    if isinstance(feature, NumericFeature):
        inside = counts[FIRST_BIN:]
        middle = np.cumsum(inside) - inside / 2
        groups[FIRST_BIN:] = 1 + np.minimum(
            middle * NUMBER_GROUPS // max(inside.sum(), 1), NUMBER_GROUPS - 1
        )
        return _packed(groups)
    frequent = EMPTY + np.argsort(-counts[EMPTY:], kind="stable")[:LEVEL_GROUPS]
    groups[frequent] = np.arange(1, len(frequent) + 1)
    return _packed(groups)


def _packed(groups: NDArray[np.intp]) -> NDArray[np.intp]:
    """Groups renumbered without gaps."""
    packed = np.zeros_like(groups)
    packed[EMPTY:] = np.unique(groups[EMPTY:], return_inverse=True)[1]
    return packed


def _cross(
    first: Feature, second: Feature, rows: NDArray[np.intp], columns: NDArray[np.intp]
) -> CrossedFeature:
    cells = int(rows.max() + 1) * int(columns.max() + 1)
    return CrossedFeature(
        name=f"{first.name} & {second.name}",
        of=(first.name, second.name),
        first=tuple(rows[EMPTY:].tolist()),
        second=tuple(columns[EMPTY:].tolist()),
        points=(0.0,) * cells,
    )
