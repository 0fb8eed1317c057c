"""Which columns seem to know the outcome, named before anybody asks.

A column leaks when it was written after the outcome, or by somebody who knew it: the result of
the call, the seller's opinion, the state at the time of the export. A model that learns from it
looks brilliant and fails on every new lead. Nothing is dropped here: a person decides, and
excludes the column by name.

Sources:
    X-Education (measured, ADR on scoring): Tags alone AUC .93, Lead Quality .81; with both the
    model reaches .98, without .89. A reason for choosing a course leaks by being filled in at all.
    The thresholds are our judgement.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from policies.accuracy import auc
from policies.binned import FIRST_BIN, Codes, Floats, Plain

NEAR_PERFECT = 0.80
TELLING = 0.65
TELLING_GAP = 0.60
SPEAKING = 0.53
PURE, PURE_SHARE, PURE_EXPECTED = 0.99, 0.01, 20
FOLDS = 5
SMOOTHING = 2.0
FEWEST = 20
"""Conversions (and misses) below which nothing can be said."""


class Strength(StrEnum):
    """How strong the suspicion is."""

    STRONG = "strong"
    LIKELY = "likely"
    POSSIBLE = "possible"


@dataclass(frozen=True, slots=True)
class Suspicion:
    """One column that may leak.

    Attributes:
        auc: of this column alone, each lead judged by the others.
        reasons: in words, the weightiest first.
    """

    column: str
    strength: Strength
    auc: float
    reasons: tuple[str, ...]

    @property
    def hint(self) -> str:
        """What to add to the command."""
        return f'--exclude "{self.column}"'


def suspicions(
    features: Sequence[Plain], codes: Codes, outcomes: NDArray[np.bool_]
) -> tuple[Suspicion, ...]:
    """Look at every column alone.

    Args:
        features: the binned columns.
        codes: one row a lead, one column a feature.
        outcomes: whether each lead converted.

    Returns:
        the suspicious columns, the worst first; none when there are too few outcomes.
    """
    if min(outcomes.sum(), (~outcomes).sum()) < FEWEST:
        return ()
    found = (
        _suspicion(feature, codes[:, position], outcomes)
        for position, feature in enumerate(features)
    )
    order = list(Strength)
    return tuple(
        sorted(
            (one for one in found if one is not None),
            key=lambda one: (order.index(one.strength), -one.auc, one.column),
        )
    )


def column_auc(codes: NDArray[np.uint8], outcomes: NDArray[np.bool_]) -> float:
    """How well one column ranks the leads, each judged by the leads of other folds."""
    fold = np.arange(len(codes)) % FOLDS
    rates = np.empty(len(codes))
    for k in range(FOLDS):
        learn, test = fold != k, fold == k
        rates[test] = _rates(codes[learn], outcomes[learn])[codes[test]]
    return auc(outcomes, rates) or 0.5


def _rates(codes: NDArray[np.uint8], outcomes: NDArray[np.bool_]) -> Floats:
    seen = np.bincount(codes, minlength=256)
    converted = np.bincount(codes, outcomes, 256)
    return (converted + SMOOTHING * outcomes.mean()) / (seen + SMOOTHING)


def _suspicion(
    feature: Plain, codes: NDArray[np.uint8], outcomes: NDArray[np.bool_]
) -> Suspicion | None:
    alone = column_auc(codes, outcomes)
    gap = auc(outcomes, (codes >= FIRST_BIN).astype(np.float64)) or 0.5
    gap = max(gap, 1 - gap)
    pure = _pure(feature, codes, outcomes)
    word = _telling_word(feature.name) if alone >= SPEAKING else None
    reasons: list[str] = []
    if alone >= NEAR_PERFECT:
        reasons.append(
            f"alone it ranks the leads with an AUC of {alone:.2f}: too good for something that is "
            "known before the outcome"
        )
    if gap >= TELLING_GAP:
        reasons.append(
            f"whether it is filled in tells the outcome (AUC {gap:.2f}): it may be filled in "
            "during or after the sales talk"
        )
    if pure:
        reasons.append(pure)
    if word:
        reasons.append(
            f'"{word}" in its name often stands for something written after the fact, '
            f"and it ranks the leads with an AUC of {alone:.2f}"
        )
    if not reasons:
        return None
    return Suspicion(feature.name, _strength(alone, gap, word), alone, tuple(reasons))


def _strength(alone: float, gap: float, word: str | None) -> Strength:
    if alone >= NEAR_PERFECT:
        return Strength.STRONG
    if gap >= TELLING_GAP or (word and alone >= TELLING):
        return Strength.LIKELY
    return Strength.POSSIBLE


def _pure(feature: Plain, codes: NDArray[np.uint8], outcomes: NDArray[np.bool_]) -> str | None:
    """A value after which the outcome is (almost) certain, however rare the outcome is."""
    base = outcomes.mean()
    seen = np.bincount(codes, minlength=len(feature.table))
    converted = np.bincount(codes, outcomes, len(feature.table))
    for code in np.argsort(-seen, kind="stable"):
        n = int(seen[code])
        if code < FIRST_BIN or n < PURE_SHARE * len(codes):
            continue
        rate = float(converted[code] / n)
        surprising = n * (1 - base if rate >= PURE else base) >= PURE_EXPECTED
        if surprising and (rate >= PURE or rate <= 1 - PURE):
            ending = "converted" if rate >= PURE else "did not convert"
            state = feature.bin_name(int(code) - FIRST_BIN)
            certain = max(rate, 1 - rate)
            return f'of the {n:,} leads with "{state}" {certain:.1%} {ending}'
    return None


def _telling_word(name: str) -> str | None:
    spaced = _CAMEL.sub(" ", name)
    return next((word for word in _WORD.findall(spaced) if word.casefold() in _TELLING), None)


_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|_")
_WORD = re.compile(r"[^\W\d_]+")
_TELLING = frozenset(
    {"last", "latest", "tag", "tags", "quality", "profile", "stage", "status", "result", "results"}
    | {"outcome", "disposition", "duration", "closed", "close", "won", "lost", "reason", "score"}
    | {"index", "rating", "grade", "converted", "conversion", "deal", "revenue", "contract"}
    | {"invoice", "order", "purchase", "signed", "churn", "opportunity", "final"}
)
