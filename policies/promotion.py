"""May a challenger replace the champion?

Both are judged on the same leads, whose outcomes neither has seen. The challenger need not be
better, only not worse: on outcomes that change with time, refitting and promoting whatever is not
worse beat both standing still and waiting for a significant gain.

Sources:
    Prequential AUC: static .73, promoted when better by one standard error .74, when not worse by
    one .75, refit on all .76: measured, ADR on scoring. The other limits are our judgement.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from policies.accuracy import FEWEST_POSITIVES, Accuracy, Floats, Labels, accuracy, log_losses
from policies.confidence import TIERS, Tier, tier_positions

MOST_ERROR = 0.05
MOST_GROWTH, NOTICEABLE = 2.0, 0.02
"""A tier may not more than double, unless it stays within two points of its share; where the
champion's own probabilities are off, as a template's may be, its tiers bind nobody."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Champion and challenger on the same leads.

    Attributes:
        promote: whether the challenger may take over.
        reasons: why, or why not, in plain words.
        difference: challenger's log loss less the champion's, in nats a lead; below 0 is better.
        standard_error: of that difference, paired by lead; None below two leads.
        shares: of each tier, for champion and challenger.
    """

    promote: bool
    reasons: tuple[str, ...]
    champion: Accuracy
    challenger: Accuracy
    difference: float | None
    standard_error: float | None
    shares: Mapping[Tier, tuple[float, float]]


def compare(outcomes: Labels, champion: Floats, challenger: Floats) -> Comparison:
    """Judge two sets of probabilities for the same leads."""
    old, new = accuracy(outcomes, champion), accuracy(outcomes, challenger)
    losses = log_losses(outcomes, challenger) - log_losses(outcomes, champion)
    n = len(losses)
    difference = float(losses.mean()) if n else None
    error = float(losses.std(ddof=1) / np.sqrt(n)) if n > 1 else None
    shares = _shares(champion, challenger)
    objections = (
        *_too_few(old),
        *_worse(difference, error),
        *_uncalibrated(new),
        *(_moved(shares) if _honest(old) else ()),
    )
    reasons = objections or (_welcome(difference or 0.0, error or 0.0, old, new),)
    return Comparison(not objections, reasons, old, new, difference, error, shares)


def _too_few(figures: Accuracy) -> tuple[str, ...]:
    rarer = min(figures.positives, figures.n - figures.positives)
    if rarer >= FEWEST_POSITIVES:
        return ()
    return (
        f"Too few outcomes to tell: {figures.positives} of {figures.n} leads converted, and at "
        f"least {FEWEST_POSITIVES} of each kind are needed.",
    )


def _worse(difference: float | None, error: float | None) -> tuple[str, ...]:
    if difference is None or error is None or difference <= error:
        return ()
    return (
        f"It foretells outcomes worse: its log loss is higher by {difference:.4f}, more than one "
        f"standard error ({error:.4f}).",
    )


def _uncalibrated(new: Accuracy) -> tuple[str, ...]:
    if new.ece is None or new.ece < MOST_ERROR:
        return ()
    return (
        f"Its probabilities are off by {new.ece:.1%} on average; less than {MOST_ERROR:.0%} "
        "is asked.",
    )


def _honest(old: Accuracy) -> bool:
    return old.ece is None or old.ece < MOST_ERROR


def _moved(shares: Mapping[Tier, tuple[float, float]]) -> tuple[str, ...]:
    return tuple(
        f"The tier {tier} would grow from {old:.1%} to {new:.1%} of the leads, more than double."
        for tier, (old, new) in shares.items()
        if new > MOST_GROWTH * old and new - old > NOTICEABLE
    )


def _welcome(difference: float, error: float, old: Accuracy, new: Accuracy) -> str:
    better = "better" if difference < -error else "as well"
    ranking = f" (AUC {new.auc:.3f}, before {old.auc:.3f})" if new.auc and old.auc else ""
    than = " than" if better == "better" else " as"
    return (
        f"On {new.n:,} leads with known outcomes it foretells {better}{than} the present one"
        f"{ranking}, and its probabilities are honest."
    )


def _shares(champion: Floats, challenger: Floats) -> dict[Tier, tuple[float, float]]:
    n = max(len(champion), 1)
    counts = [
        np.bincount(tier_positions(rates), minlength=len(TIERS)) / n
        for rates in (champion, challenger)
    ]
    return {tier: (float(counts[0][i]), float(counts[1][i])) for i, tier in enumerate(TIERS)}
