"""Learning a scorecard from outcomes: choose by cross-validation, then tell how good it is.

The prior is the industry's template, so that a handful of outcomes moves it a little and thousands
move it where they say. Every figure in the report comes from leads that the model did not learn
from: five folds, and once more the newest fifth foretold from the rest. How strong the prior is
and whether pairs of features help is chosen on those same folds among a few candidates, which
flatters the cross-validated figures by less than their interval; the newest fifth is judged with
the same choice.

Sources:
    MAP around a template, masking, bootstrap and Platt: measured, ADR on scoring.
"""

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.training.bins import Plan, plan
from agents.training.cores import one_core
from agents.training.leaks import Leaks, find_leaks
from agents.training.logistic import Sample
from agents.training.model import Recipe, Task, Trained, train
from agents.training.priors import prior_mean
from agents.training.uncertainty import uncertainty, with_unfetched
from agents.training.validation import (
    NEWEST_SHARE,
    cross_calibrated,
    folds,
    out_of_fold,
    platt,
)
from policies.accuracy import Accuracy, accuracy, log_losses
from policies.algorithm import Learned, Settings, Training
from policies.binned import EMPTY, Floats
from policies.features import Columns
from policies.outcome import Outcomes
from policies.scorecard import Calibration, Scorecard
from policies.templates import template

PRECISIONS = (1.0, 3.0, 10.0, 30.0)
PAIRS = 5
FEWEST_FOR_PAIRS, FEWEST_POSITIVES_FOR_PAIRS = 1_000, 100
FEWEST = 5

Progress = Callable[[float], None]


class TooFewOutcomes(ValueError):
    """There is nothing to learn from yet; the text says how much is missing."""


@dataclass(frozen=True, slots=True)
class FitReport:
    """How a model was learned, and how well it foretells what it has not seen.

    Attributes:
        cross_validated: every lead foretold by models that did not learn from it.
        newest: the newest fifth foretold from the older leads; None with too few outcomes.
        leaks: columns that seem to know the outcome.
        features: what became a feature, in the order of the file.
        pairs: features that were crossed.
        dropped: what did not, with the reason.
        unknown: excluded names that no column has.
        precision: of the prior around the template, as chosen.
    """

    cross_validated: Accuracy
    newest: Accuracy | None
    leaks: Leaks
    features: tuple[str, ...]
    pairs: tuple[str, ...]
    dropped: dict[str, str]
    unknown: tuple[str, ...]
    precision: float

    def document(self) -> dict[str, Any]:
        """As JSON, with the options that exclude every suspicious column."""
        found = asdict(self)
        found["leaks"]["command"] = self.leaks.command
        return found


@dataclass(frozen=True, slots=True)
class Fitted:
    """A learned definition with its evidence.

    Attributes:
        rows: positions of the leads with a known outcome.
        outcomes: theirs.
        held_out: their probabilities, each from models that did not learn from it.
    """

    definition: Learned
    report: FitReport
    rows: NDArray[np.intp]
    outcomes: NDArray[np.bool_]
    held_out: Floats


@dataclass(frozen=True, slots=True)
class Prepared:
    """The leads with a known outcome, coded; what every kind of model starts from."""

    task: Task
    plan: Plan
    rows: NDArray[np.intp]
    unknown: tuple[str, ...]


def prepare(columns: Columns, outcomes: Outcomes, settings: Settings) -> Prepared:
    """Bin the columns and find the leads to learn from.

    Raises:
        TooFewOutcomes: if hardly any lead has an outcome, or all have the same.
    """
    rows = np.flatnonzero(outcomes.known)
    if settings.newest is not None:
        rows = rows[-settings.newest :]
    converted = outcomes.converted[rows]
    positives, negatives = int(converted.sum()), int((~converted).sum())
    if min(positives, negatives) < FEWEST:
        raise TooFewOutcomes(
            f"fitting needs at least {FEWEST} leads that converted and {FEWEST} that did not; "
            f"there are {positives} and {negatives}"
        )
    unwanted = {_folded(name): name for name in settings.exclude}
    excluded = {name for name in columns.values if _folded(name) in unwanted}
    found = plan(columns, exclude=excluded)
    if not found.features:
        raise TooFewOutcomes("no column can be a feature: all are excluded, empty or constant")
    card = template(settings.industry)
    codes = Scorecard(intercept=0.0, features=found.features).code(columns)[rows]
    sample = Sample(np.asfortranarray(codes), converted, np.ones(len(rows)))
    mean = prior_mean(found.features, card, float(converted.mean()))
    there = set(map(_folded, columns.values))
    unknown = tuple(name for key, name in unwanted.items() if key not in there)
    return Prepared(Task(found.features, sample, mean), found, rows, unknown)


def fit_scorecard(
    columns: Columns,
    outcomes: Outcomes,
    settings: Settings,
    *,
    progress: Progress | None = None,
) -> Fitted:
    """Learn a scorecard.

    Args:
        columns: every known field of the leads, the oldest lead first.
        outcomes: one entry a lead; leads that are still open only help to find the bins.
        settings: what to leave out, whose template to start from, the seed.
        progress: told the share that is done, 0 to 1.

    Raises:
        TooFewOutcomes: if there is nothing to learn from.
    """
    with one_core():
        return _fit(columns, outcomes, settings, progress or _nobody)


def _fit(columns: Columns, outcomes: Outcomes, settings: Settings, tell: Progress) -> Fitted:
    prepared = prepare(columns, outcomes, settings)
    task, seed = prepared.task, settings.seed
    sample = task.sample
    leaks = find_leaks(task, seed=seed)
    tell(0.15)
    fold = folds(sample.outcomes, seed=seed)
    recipe, logits = _choose(task, fold)
    tell(0.5)
    held_out = cross_calibrated(logits, sample.outcomes, fold)
    newest = _newest(task, recipe, seed=seed)
    tell(0.7)
    trained = with_unfetched(train(task, slice(None), recipe), sample, seed=seed)
    tell(0.8)
    card = _scorecard(trained, sample, platt(logits, sample.outcomes), seed=seed)
    tell(1.0)
    report = FitReport(
        cross_validated=accuracy(sample.outcomes, held_out),
        newest=newest,
        leaks=leaks,
        features=card.columns,
        pairs=tuple(pair.name for pair in trained.pairs),
        dropped=dict(prepared.plan.dropped),
        unknown=prepared.unknown,
        precision=recipe.precision,
    )
    definition = Learned(
        settings=settings, model=card, training=training_of(prepared, recipe.precision)
    )
    return Fitted(definition, report, prepared.rows, sample.outcomes, held_out)


def training_of(prepared: Prepared, precision: float) -> Training:
    """Where a model comes from."""
    sample = prepared.task.sample
    digest = hashlib.sha256()
    for feature in prepared.task.features:
        digest.update(feature.model_dump_json().encode())
    digest.update(sample.codes.tobytes(order="C"))
    digest.update(sample.outcomes.tobytes())
    return Training(
        rows=len(sample.outcomes),
        positives=int(sample.outcomes.sum()),
        data_hash=digest.hexdigest(),
        dropped=prepared.plan.dropped,
        precision=precision,
    )


def newest_rows(count: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The older leads and the newest fifth."""
    first = count - round(NEWEST_SHARE * count)
    return np.arange(first), np.arange(first, count)


def _choose(task: Task, fold: NDArray[np.intp]) -> tuple[Recipe, Floats]:
    """The recipe with the lowest log loss out of fold, and its logits."""
    recipes = [Recipe(precision) for precision in PRECISIONS]
    tried = [(recipe, _cross_fit(task, recipe, fold)) for recipe in recipes]
    best, logits = min(tried, key=lambda entry: _loss(task, entry[1]))
    positives = int(task.sample.outcomes.sum())
    enough = min(positives, len(fold) - positives) >= FEWEST_POSITIVES_FOR_PAIRS
    if len(fold) < FEWEST_FOR_PAIRS or not enough or len(task.features) < 2:
        return best, logits
    crossed = Recipe(best.precision, PAIRS)
    with_pairs = _cross_fit(task, crossed, fold)
    if _loss(task, with_pairs) < _loss(task, logits):
        return crossed, with_pairs
    return best, logits


def _cross_fit(task: Task, recipe: Recipe, fold: NDArray[np.intp]) -> Floats:
    codes = task.sample.codes
    return out_of_fold(fold, lambda learn, test: train(task, learn, recipe).logits(codes[test]))


def _loss(task: Task, logits: Floats) -> float:
    rates = 1 / (1 + np.exp(-logits))
    return float(log_losses(task.sample.outcomes, rates).mean())


def _newest(task: Task, recipe: Recipe, *, seed: int) -> Accuracy | None:
    """The newest fifth foretold, and calibrated, from the older leads alone."""
    older, newest = newest_rows(len(task.sample.outcomes))
    known = task.sample.outcomes[older]
    if min(known.sum(), (~known).sum()) < FEWEST or not len(newest):
        return None
    past = Task(task.features, task.sample[older], task.mean)
    fold = folds(known, seed=seed)
    line = platt(_cross_fit(past, recipe, fold), known)
    logits = train(past, slice(None), recipe).logits(task.sample.codes[newest])
    rates = 1 / (1 + np.exp(-(line.slope * logits + line.intercept)))
    return accuracy(task.sample.outcomes[newest], rates)


def _scorecard(
    trained: Trained, sample: Sample, calibration: Calibration, *, seed: int
) -> Scorecard:
    wide = trained.widened(sample.codes)
    features = []
    for position, (feature, block) in enumerate(
        zip((*trained.features, *trained.pairs), trained.layout.blocks(), strict=True)
    ):
        table = trained.points[block].round(4).tolist()
        counts = np.bincount(wide[:, position], minlength=len(table))[EMPTY:]
        shares = counts / max(counts.sum(), 1)
        features.append(
            feature.replaced(
                not_fetched=table[0],
                empty=table[1],
                points=tuple(table[2:]),
                shares=tuple(shares.round(5).tolist()),
            )
        )
    return Scorecard(
        intercept=float(trained.points[0]),
        features=tuple(features),
        calibration=calibration,
        uncertainty=uncertainty(trained, sample, seed=seed),
    )


def _folded(name: str) -> str:
    return " ".join(name.split()).casefold()


def _nobody(share: float) -> None:
    del share
