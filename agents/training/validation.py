"""Cross-validation and calibration: figures that a model did not see the answers to.

Sources:
    Platt, J. (1999), Probabilistic outputs for support vector machines: two parameters, better
    than isotonic regression up to about 1,000 outcomes (measured, ADR on scoring).
"""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from policies.binned import Floats
from policies.scorecard import Calibration

FOLDS = 5
NEWEST_SHARE = 0.2
FLATTEST = 0.05
TOWARDS_ONE = 2.0
"""Precision of the prior on Platt's slope, centred on one: some two dozen outcomes' worth."""

Rows = NDArray[np.intp]
Labels = NDArray[np.bool_]


def folds(outcomes: Labels, *, seed: int, most: int = FOLDS) -> NDArray[np.intp]:
    """The fold of each lead, both outcomes spread evenly; as many folds as the rarer allows."""
    count = int(min(most, outcomes.sum(), (~outcomes).sum()))
    chance = np.random.default_rng(seed)
    fold = np.empty(len(outcomes), np.intp)
    for kind in (False, True):
        rows = chance.permutation(np.flatnonzero(outcomes == kind))
        fold[rows] = np.arange(len(rows)) % count
    return fold


def splits(fold: NDArray[np.intp]) -> Iterator[tuple[Rows, Rows]]:
    """Rows to learn from and rows to test on, for each fold."""
    for k in range(int(fold.max()) + 1):
        yield np.flatnonzero(fold != k), np.flatnonzero(fold == k)


def out_of_fold(fold: NDArray[np.intp], predict: Callable[[Rows, Rows], Floats]) -> Floats:
    """What ``predict(learn, test)`` says of each lead when it has not learned from it."""
    logits = np.empty(len(fold))
    for learn, test in splits(fold):
        logits[test] = predict(learn, test)
    return logits


def platt(logits: Floats, outcomes: Labels) -> Calibration:
    """The line from logits to honest logits."""
    slope, intercept = 1.0, 0.0
    for _ in range(30):
        rates = expit(slope * logits + intercept)
        missed, weight = outcomes - rates, np.maximum(rates * (1 - rates), 1e-9)
        gradient = np.array([missed @ logits - TOWARDS_ONE * (slope - 1), missed.sum()])
        mixed = weight @ logits
        curvature = np.array(
            [[weight @ logits**2 + TOWARDS_ONE, mixed], [mixed, weight.sum() + 1e-6]]
        )
        step = np.linalg.solve(curvature, gradient)
        step /= max(1.0, float(np.abs(step).max()))
        slope, intercept = max(slope + step[0], FLATTEST), intercept + step[1]
        if np.abs(step).max() < 1e-8:
            break
    return Calibration(slope=float(slope), intercept=float(intercept))


def calibrated(line: Calibration, logits: Floats) -> Floats:
    """Honest probabilities of raw logits."""
    return expit(line.slope * logits + line.intercept)


def cross_calibrated(logits: Floats, outcomes: Labels, fold: NDArray[np.intp]) -> Floats:
    """Honest probabilities; the line for a fold comes from the other folds."""
    return out_of_fold(
        fold,
        lambda learn, test: calibrated(platt(logits[learn], outcomes[learn]), logits[test]),
    )
