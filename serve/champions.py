"""Champion and challenger by what their reports say of outcomes that neither had seen.

Sources:
    A challenger is promoted when it is not worse (non-inferiority), not only when it is better:
    measured, ADR on scoring. Reports hold no paired losses, so intervals of the AUC are compared.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from storage.scoring import StoredAlgorithm

MOST_ECE = 0.05
Verdict: TypeAlias = Literal["better", "no_worse", "worse", "unknown"]


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
        return Compared("no_worse", ("It is the active one.",))
    ours, theirs = _figures(challenger.report), _figures(champion.report)
    if ours is None or theirs is None:
        who = "it" if ours is None else "the champion"
        return Compared("unknown", (f"No outcomes have shown yet how well {who} foretells.",))
    return _judged(ours, theirs)


def _judged(ours: "_Figures", theirs: "_Figures") -> Compared:
    said = f"AUC {ours.auc:.3f} against {theirs.auc:.3f} of the champion"
    calibrated = f"calibration error {ours.ece:.3f}"
    if ours.ece >= MOST_ECE and ours.ece > theirs.ece:
        return Compared("worse", (f"Its {calibrated} is {MOST_ECE} or more.", f"{said}."))
    if ours.high < theirs.auc:
        return Compared("worse", (f"It tells leads apart less well: {said}.",))
    if ours.low > theirs.auc:
        return Compared("better", (f"It tells leads apart better: {said}, {calibrated}.",))
    return Compared("no_worse", (f"It is no worse: {said}, {calibrated}.",))


@dataclass(frozen=True, slots=True)
class _Figures:
    auc: float
    low: float
    high: float
    ece: float


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
