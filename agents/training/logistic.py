"""Logistic regression on coded features with a normal prior, fitted by Newton's method.

The design matrix is never built: a one-hot product is a table look-up, and the Hessian is a table
of how often two codes meet. That makes a step on 70,000 leads a matter of 20 ms, and allows what
ready-made solvers do not: a prior centred on an expert's points instead of on zero.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from policies.binned import Codes, Floats

STEPS = 25
TOLERANCE = 1e-5
LOOSE = 1e-4
"""Precision of the prior on the intercept, which is almost free."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the points of each feature stand in one long vector; the intercept is first."""

    sizes: tuple[int, ...]

    @property
    def total(self) -> int:
        """Points of all features and the intercept."""
        return 1 + sum(self.sizes)

    def blocks(self) -> Iterator[slice]:
        """Each feature's place."""
        start = 1
        for size in self.sizes:
            yield slice(start, start + size)
            start += size


@dataclass(frozen=True, slots=True)
class Sample:
    """Coded leads with outcomes and weights."""

    codes: Codes
    outcomes: NDArray[np.bool_]
    weights: Floats

    def __getitem__(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> "Sample":
        return Sample(np.asfortranarray(self.codes[rows]), self.outcomes[rows], self.weights[rows])


@dataclass(frozen=True, slots=True)
class Prior:
    """Points before any outcome: normal around ``mean`` with ``precision`` (1/variance)."""

    mean: Floats
    precision: Floats

    @classmethod
    def around(cls, mean: Floats, precision: float) -> "Prior":
        """The same ``precision`` for every point, and almost none for the intercept."""
        every = np.full(len(mean), precision)
        every[0] = LOOSE
        return cls(mean, every)


def fit(
    sample: Sample, layout: Layout, prior: Prior, *, start: Floats | None = None, steps: int = STEPS
) -> Floats:
    """The most probable points given prior and outcomes."""
    precision = prior.precision
    points = (prior.mean if start is None else start).copy()
    for _ in range(steps):
        rates = expit(raw_logits(sample.codes, layout, points))
        gradient = _collect(sample, layout, sample.weights * (sample.outcomes - rates))
        gradient -= precision * (points - prior.mean)
        curvature = _meet(sample, layout, sample.weights * rates * (1 - rates))
        curvature[np.diag_indices_from(curvature)] += precision
        step = np.linalg.solve(curvature, gradient)
        points += step / max(1.0, float(np.abs(step).max()) / 3)
        if np.abs(step).max() < TOLERANCE:
            break
    return points


def raw_logits(codes: Codes, layout: Layout, points: Floats) -> Floats:
    """The sum of points of each lead, before calibration."""
    total = np.full(len(codes), points[0])
    for position, block in enumerate(layout.blocks()):
        total += points[block].take(codes[:, position])
    return total


def _collect(sample: Sample, layout: Layout, amounts: Floats) -> Floats:
    """``amounts`` summed over the leads of each code."""
    gathered = np.empty(layout.total)
    gathered[0] = amounts.sum()
    for position, block in enumerate(layout.blocks()):
        size = block.stop - block.start
        gathered[block] = np.bincount(sample.codes[:, position], amounts, size)
    return gathered


def _meet(sample: Sample, layout: Layout, amounts: Floats) -> Floats:
    """``amounts`` summed over the leads in which two codes meet: the matrix X' diag(a) X."""
    blocks = list(layout.blocks())
    table = np.zeros((layout.total, layout.total))
    table[0] = table[:, 0] = _collect(sample, layout, amounts)
    wide = [sample.codes[:, i].astype(np.intp) for i in range(len(blocks))]
    for i, j in combinations_with_replacement(range(len(blocks)), 2):
        rows, columns = layout.sizes[i], layout.sizes[j]
        met = np.bincount(wide[i] * columns + wide[j], amounts, rows * columns)
        table[blocks[i], blocks[j]] = met = met.reshape(rows, columns)
        table[blocks[j], blocks[i]] = met.T
    return table
