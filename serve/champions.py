"""Champion and challenger by outcomes that neither had seen.

The analyst judges a challenger against the champion when it fits it, on the same leads
(`policies.promotion`); that verdict counts. Where there is none, as between two older algorithms,
their own reports are set side by side.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from policies.promotion import MOST_ERROR
from storage.scoring import AlgorithmStatus, StoredAlgorithm

Verdict: TypeAlias = Literal["better", "no_worse", "objected", "unknown"]


@dataclass(frozen=True, slots=True)
class Compared:
    """What speaks for and against a challenger, in sentences."""

    verdict: Verdict
    reasons: tuple[str, ...]


def compare(challenger: StoredAlgorithm, champion: StoredAlgorithm | None) -> Compared:
    """Compare what is known of two algorithms."""
    if champion is None:
        return Compared("unknown", ("No algorithm is active.",))
    if champion.id == challenger.id:
        return Compared("no_worse", ("It is the same algorithm.",))
    paired = (challenger.report or {}).get("comparison")
    if isinstance(paired, Mapping) and champion.status is AlgorithmStatus.ACTIVE:
        return _paired(paired)
    ours, theirs = _figures(challenger.report), _figures(champion.report)
    if ours is None or theirs is None:
        who = "it" if ours is None else "the other"
        return Compared("unknown", (f"No outcomes have shown yet how well {who} foretells.",))
    return _judged(ours, theirs)


def _paired(comparison: Mapping[str, Any]) -> Compared:
    reasons = tuple(str(reason) for reason in comparison.get("reasons") or ())
    if not comparison.get("promote"):
        return Compared("objected", reasons)
    difference, error = comparison.get("difference"), comparison.get("standard_error")
    better = difference is not None and error is not None and difference < -error
    return Compared("better" if better else "no_worse", reasons)


@dataclass(frozen=True, slots=True)
class _Figures:
    auc: float
    low: float
    high: float
    ece: float


def _judged(ours: _Figures, theirs: _Figures) -> Compared:
    said = f"AUC {ours.auc:.3f} against {theirs.auc:.3f}, calibration error {ours.ece:.3f}"
    if ours.ece >= MOST_ERROR and ours.ece > theirs.ece:
        return Compared("objected", (f"Its probabilities are off: {said}.",))
    if ours.high < theirs.auc:
        return Compared("objected", (f"It tells leads apart less well: {said}.",))
    if ours.low > theirs.auc:
        return Compared("better", (f"It tells leads apart better: {said}.",))
    return Compared("no_worse", (f"It is no worse: {said}.",))


def _figures(report: Mapping[str, Any] | None) -> _Figures | None:
    """Return the figures of the newest outcomes, else those of cross-validation."""
    for name in ("newest", "cross_validated"):
        part = (report or {}).get(name)
        if isinstance(part, Mapping):
            values = [part.get(key) for key in ("auc", "auc_low", "auc_high", "ece")]
            numbers = [float(value) for value in values if isinstance(value, int | float)]
            if len(numbers) == len(values):
                return _Figures(*numbers)
    return None
