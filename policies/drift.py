"""Do today's leads still look like those that were learned from?

The population stability index compares shares bin by bin. Every numeric feature has a bin below
and one above all that was seen, so that a shift out of the known range shows even when nearly all
the training leads had the same value. Drift calls for a review, never for a roll-back.

Sources:
    Thresholds .1 and .25: common practice. Underflow and overflow bins: without them a complete
    shift of a nearly constant column measured 0.00, with them nearly 20 (ADR on scoring).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from policies.binned import EMPTY, NOT_FETCHED, Codes, Floats
from policies.scorecard import Scorecard

WARN, ALARM = 0.1, 0.25
FEWEST = 200
"""Leads below which shares are too uncertain to compare."""
RAREST = 1e-6
SCORE_BINS = 10


class Drift(StrEnum):
    """What an index asks for."""

    STABLE = "stable"
    WARN = "warn"
    ALARM = "alarm"


@dataclass(frozen=True, slots=True)
class FeatureDrift:
    """How far one feature moved.

    Attributes:
        n: leads in which it was fetched.
        index: the population stability index.
    """

    name: str
    n: int
    index: float
    drift: Drift


def feature_drift(card: Scorecard, codes: Codes) -> tuple[FeatureDrift, ...]:
    """Compare coded leads with those that ``card`` was learned from, the farthest first.

    Features without shares (an expert's) and with fewer than `FEWEST` fetched leads are left out.
    """
    found: list[FeatureDrift] = []
    for position, feature in enumerate(card.features):
        fetched = codes[codes[:, position] != NOT_FETCHED, position]
        if feature.shares and len(fetched) >= FEWEST:
            counts = np.bincount(fetched, minlength=len(feature.table))[EMPTY:]
            index = stability_index(feature.shares, counts.tolist())
            found.append(FeatureDrift(feature.name, len(fetched), index, drift_of(index)))
    return tuple(sorted(found, key=lambda one: (-one.index, one.name)))


def score_drift(before: Floats, now: Floats) -> float | None:
    """The index of probabilities in ten bins of equal width; None with too few leads."""
    if min(len(before), len(now)) < FEWEST:
        return None
    edges = np.linspace(0, 1, SCORE_BINS + 1)
    old, new = (np.histogram(rates, edges)[0] for rates in (before, now))
    return stability_index((old / old.sum()).tolist(), new.tolist())


def stability_index(shares: Sequence[float], counts: Sequence[int]) -> float:
    """The population stability index of ``counts`` against expected ``shares``.

    One imaginary lead spread like the expected ones keeps an empty bin from being infinite.
    """
    expected = np.maximum(np.array(shares, np.float64), RAREST)
    expected /= expected.sum()
    seen = (np.array(counts, np.float64) + expected) / (sum(counts) + 1)
    return float(np.sum((seen - expected) * np.log(seen / expected)))


def drift_of(index: float) -> Drift:
    """What an index asks for."""
    if index >= ALARM:
        return Drift.ALARM
    return Drift.WARN if index >= WARN else Drift.STABLE
