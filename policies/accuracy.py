"""How well scores foretold what happened.

Never accuracy alone: where one lead in ten buys, "nobody buys" is right nine times out of ten.
Every figure is None when the outcomes cannot support it (no outcome, or all the same): an
uninformative answer, never an exception and never NaN.

Sources:
    DeLong, DeLong and Clarke-Pearson (1988); Sun and Xu (2014): the variance of the ROC-AUC.
    Brier (1950); expected calibration error in ten bins of equal width.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit
from scipy.stats import norm, rankdata

Floats = NDArray[np.float64]
Labels = NDArray[np.bool_]
BINS = 10
FEWEST_POSITIVES = 50
"""Below this many conversions the panel says "insufficient outcomes"."""
FLOOR = 1e-12


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """One bar of the reliability plot: leads given between ``low`` and ``high``."""

    low: float
    high: float
    n: int
    predicted: float
    observed: float


@dataclass(frozen=True, slots=True)
class Lift:
    """The best-scored ``share`` of the leads: their rate, and how many times the average it is."""

    share: float
    rate: float
    lift: float


@dataclass(frozen=True, slots=True)
class Accuracy:
    """The panel "scoring accuracy"; None means that the outcomes cannot say.

    Attributes:
        n: leads with a known outcome.
        positives: those that converted.
        auc: chance that a converting lead outscores another, with its 95 % interval.
        pr_auc: average precision.
        brier: mean squared error of the probability; ``skill`` is its gain over the base rate.
        ece: mean distance between stated and observed rates over ten bins.
        lift_10, lift_20: conversion among the best tenth and fifth over the average.
    """

    n: int
    positives: int
    base_rate: float | None = None
    auc: float | None = None
    auc_low: float | None = None
    auc_high: float | None = None
    pr_auc: float | None = None
    brier: float | None = None
    skill: float | None = None
    ece: float | None = None
    log_loss: float | None = None
    lift_10: float | None = None
    lift_20: float | None = None
    calibration: tuple[CalibrationBin, ...] = ()
    lifts: tuple[Lift, ...] = ()

    @property
    def sufficient(self) -> bool:
        """Whether there are enough conversions (and misses) to draw conclusions."""
        return min(self.positives, self.n - self.positives) >= FEWEST_POSITIVES


def accuracy(outcomes: Labels, probabilities: Floats) -> Accuracy:
    """Compare probabilities with outcomes."""
    n, positives = len(outcomes), int(outcomes.sum())
    if n == 0:
        return Accuracy(0, 0)
    brier = float(np.mean((probabilities - outcomes) ** 2))
    base = positives / n
    mixed = 0 < positives < n
    ranking = _ranking(outcomes, probabilities) if mixed else {}
    return Accuracy(
        n,
        positives,
        base_rate=base,
        brier=brier,
        skill=1 - brier / (base * (1 - base)) if mixed else None,
        ece=calibration_error(outcomes, probabilities),
        log_loss=float(log_losses(outcomes, probabilities).mean()),
        calibration=calibration_table(outcomes, probabilities),
        lifts=lift_table(outcomes, probabilities) if mixed else (),
        **ranking,
    )


def _ranking(outcomes: Labels, scores: Floats) -> dict[str, float]:
    auc, low, high = auc_interval(outcomes, scores)
    return {
        "auc": auc,
        "auc_low": low,
        "auc_high": high,
        "pr_auc": average_precision(outcomes, scores),
        "lift_10": lift(outcomes, scores, 0.1),
        "lift_20": lift(outcomes, scores, 0.2),
    }


def auc(outcomes: Labels, scores: Floats) -> float | None:
    """The area under the ROC curve, ties counting half; None for one class only."""
    positives = int(outcomes.sum())
    negatives = len(outcomes) - positives
    if not positives or not negatives:
        return None
    ranks = rankdata(scores)[outcomes].sum()
    return float((ranks - positives * (positives + 1) / 2) / (positives * negatives))


def auc_interval(
    outcomes: Labels, scores: Floats, *, level: float = 0.95
) -> tuple[float, float, float]:
    """The ROC-AUC and its interval; on the logit scale, so that it stays within 0 and 1.

    Both classes must be present.
    """
    positive, negative = scores[outcomes], scores[~outcomes]
    m, n = len(positive), len(negative)
    ranks = rankdata(np.concatenate([positive, negative]))
    wins = (ranks[:m] - rankdata(positive)) / n
    losses = 1 - (ranks[m:] - rankdata(negative)) / m
    area = float(wins.mean())
    if min(m, n) < 2 or area in (0.0, 1.0):
        return area, 0.0, 1.0
    deviation = float(np.sqrt(wins.var(ddof=1) / m + losses.var(ddof=1) / n))
    reach = norm.ppf(0.5 + level / 2) * deviation / (area * (1 - area))
    low, high = 1 / (1 + np.exp(-(logit(area) + np.array([-reach, reach]))))
    return area, float(low), float(high)


def average_precision(outcomes: Labels, scores: Floats) -> float:
    """The area under the precision-recall curve in steps; leads of one score stand together."""
    order = np.argsort(-scores, kind="stable")
    last_of_tie = np.append(np.diff(scores[order]) != 0, [True])
    hits = np.cumsum(outcomes[order])[last_of_tie]
    precision = hits / (np.flatnonzero(last_of_tie) + 1)
    return float(np.sum(np.diff(hits, prepend=0) * precision) / hits[-1])


def lift(outcomes: Labels, scores: Floats, share: float) -> float:
    """How many times the average the best ``share`` converts; ties at the cut share their mean."""
    return rate_of_best(outcomes, scores, share) / float(outcomes.mean())


def rate_of_best(outcomes: Labels, scores: Floats, share: float) -> float:
    """The conversion rate of the best ``share`` of the leads."""
    wanted = share * len(scores)
    order = np.argsort(-scores, kind="stable")
    cut = scores[order][max(int(np.ceil(wanted)) - 1, 0)]
    above, tied = scores > cut, scores == cut
    hits = outcomes[above].sum() + (wanted - above.sum()) * outcomes[tied].mean()
    return float(hits / wanted)


def lift_table(outcomes: Labels, scores: Floats) -> tuple[Lift, ...]:
    """The cumulative lift at each tenth."""
    base = float(outcomes.mean())
    rates = ((s / 10, rate_of_best(outcomes, scores, s / 10)) for s in range(1, 11))
    return tuple(Lift(share, rate, rate / base) for share, rate in rates)


def calibration_table(outcomes: Labels, probabilities: Floats) -> tuple[CalibrationBin, ...]:
    """Stated against observed rates in ten bins of equal width; empty bins are left out."""
    position = np.clip((probabilities * BINS).astype(np.intp), 0, BINS - 1)
    counts = np.bincount(position, minlength=BINS)
    stated = np.bincount(position, probabilities, BINS)
    observed = np.bincount(position, outcomes, BINS)
    return tuple(
        CalibrationBin(
            i / BINS, (i + 1) / BINS, int(n), float(stated[i] / n), float(observed[i] / n)
        )
        for i, n in enumerate(counts)
        if n
    )


def calibration_error(outcomes: Labels, probabilities: Floats) -> float | None:
    """The expected calibration error; None without outcomes."""
    table = calibration_table(outcomes, probabilities)
    gaps = sum(row.n * abs(row.predicted - row.observed) for row in table)
    return gaps / len(outcomes) if len(outcomes) else None


def log_losses(outcomes: Labels, probabilities: Floats) -> Floats:
    """The log loss of each lead, in nats."""
    given = np.where(outcomes, probabilities, 1 - probabilities)
    return -np.log(np.maximum(given, FLOOR))
