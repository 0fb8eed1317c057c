"""Suspicious columns of a set of outcomes, and what they are worth together."""

from dataclasses import dataclass

import numpy as np

from agents.training.logistic import Sample
from agents.training.model import Recipe, Task, train
from agents.training.validation import folds, out_of_fold
from policies.accuracy import auc
from policies.leakage import Suspicion, suspicions

PRECISION = 3.0


@dataclass(frozen=True, slots=True)
class Leaks:
    """What seems to know the outcome.

    Attributes:
        suspicions: the worst first.
        auc_with: of a quick scorecard on every column, cross-validated.
        auc_without: of one without the suspicious columns; None when nothing would be left.
    """

    suspicions: tuple[Suspicion, ...] = ()
    auc_with: float | None = None
    auc_without: float | None = None

    @property
    def command(self) -> str:
        """Options that exclude all of them."""
        return " ".join(suspicion.hint for suspicion in self.suspicions)


def find_leaks(task: Task, *, seed: int) -> Leaks:
    """Name the suspicious columns of a task and measure how much rests on them."""
    found = suspicions(task.features, task.sample.codes, task.sample.outcomes)
    if not found:
        return Leaks()
    names = {suspicion.column for suspicion in found}
    kept = [i for i, feature in enumerate(task.features) if feature.name not in names]
    return Leaks(
        found,
        _quick_auc(task, range(len(task.features)), seed=seed),
        _quick_auc(task, kept, seed=seed) if kept else None,
    )


def _quick_auc(task: Task, kept: "range | list[int]", *, seed: int) -> float | None:
    sample = task.sample
    features = tuple(task.features[i] for i in kept)
    part = Task(
        features,
        Sample(np.asfortranarray(sample.codes[:, list(kept)]), sample.outcomes, sample.weights),
        np.zeros(1 + sum(len(feature.table) for feature in features)),
    )
    fold = folds(sample.outcomes, seed=seed)
    logits = out_of_fold(
        fold,
        lambda learn, test: train(part, learn, Recipe(PRECISION)).logits(
            sample.codes[test][:, kept]
        ),
    )
    return auc(sample.outcomes, logits)
