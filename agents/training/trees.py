"""The challenger: gradient-boosted trees, kept as text.

Trees find what a scorecard cannot say, once there are enough outcomes, and rank a little better
there. They are 100 times slower and explain nothing, so a scorecard learned from the same
outcomes travels with them. LightGBM is imported late: it takes half a second.

Sources:
    X-Education S2 .871 against .864, bank-full .807 against .781 for plain scorecards; random
    masking keeps them calibrated when fields are missing: measured, ADR on scoring.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from agents.training.cores import one_core
from agents.training.fit import (
    FitReport,
    Prepared,
    Progress,
    TooFewOutcomes,
    newest_rows,
    prepare,
    training_of,
)
from agents.training.leaks import Leaks
from agents.training.validation import (
    calibrated,
    cross_calibrated,
    folds,
    out_of_fold,
    platt,
)
from policies.accuracy import Accuracy, accuracy
from policies.algorithm import Settings, TreeModel, Trees
from policies.binned import CategoricalFeature, Floats, Plain
from policies.features import Columns, LeadFeatures, columns_of, numbers
from policies.outcome import Outcomes
from policies.scorecard import Scorecard

if TYPE_CHECKING:
    from lightgbm import Booster

FEWEST, FEWEST_POSITIVES = 500, 100
ROUNDS = 250
MOST_MASKED, MASKED_ROWS = 0.8, 20_000
MASKED_COPIES = 2

Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class FittedTrees:
    """Trees with their evidence; as `agents.training.fit.Fitted`."""

    definition: Trees
    report: FitReport
    rows: Rows
    outcomes: NDArray[np.bool_]
    held_out: Floats


class TreeScorer:
    """A tree model made ready to score with; loading takes some ten milliseconds.

    Attributes:
        model: as it is kept.
    """

    def __init__(self, model: TreeModel) -> None:
        from lightgbm import Booster  # noqa: PLC0415 - half a second that most workers never need

        self.model = model
        self._booster = Booster(model_str=model.text)

    def logits(self, leads: Columns | Sequence[LeadFeatures]) -> Floats:
        """Calibrated logits, one a lead."""
        count = len(leads)
        columns = leads if isinstance(leads, Columns) else columns_of(leads)
        raw = _raw(self._booster, matrix(columns, self.model.features, count))
        return self.model.calibration.slope * raw + self.model.calibration.intercept


def fit_trees(
    columns: Columns,
    outcomes: Outcomes,
    settings: Settings,
    *,
    scorecard: Scorecard,
    progress: Progress | None = None,
) -> FittedTrees:
    """Learn trees from the same outcomes as ``scorecard``.

    Raises:
        TooFewOutcomes: below 500 known outcomes or 100 of either kind.
    """
    prepared = prepare(columns, outcomes, settings)
    known = prepared.task.sample.outcomes
    positives = int(known.sum())
    if len(known) < FEWEST or min(positives, len(known) - positives) < FEWEST_POSITIVES:
        raise TooFewOutcomes(
            f"trees need at least {FEWEST} known outcomes with {FEWEST_POSITIVES} of either kind; "
            f"there are {len(known)} with {positives} conversions"
        )
    table = matrix(columns, prepared.task.features, len(columns))[prepared.rows]
    work = _Work(table, known, prepared.task.features, settings.seed)
    fold = folds(known, seed=settings.seed)
    with one_core():
        logits = work.cross_fit(fold)
        if progress:
            progress(0.6)
        held_out = cross_calibrated(logits, known, fold)
        newest = _newest(work)
    model = TreeModel(
        text=work.train(np.arange(len(known))).model_to_string(),
        features=prepared.task.features,
        calibration=platt(logits, known),
    )
    if progress:
        progress(1.0)
    definition = Trees(
        settings=settings,
        model=model,
        scorecard=scorecard,
        training=training_of(prepared, precision=1.0),
    )
    report = _report(prepared, accuracy(known, held_out), newest)
    return FittedTrees(definition, report, prepared.rows, known, held_out)


def matrix(columns: Columns, features: Sequence[Plain], count: int) -> Floats:
    """Columns as numbers: NaN where nothing is known, levels as their codes."""
    table = np.full((count, len(features)), np.nan)
    for position, feature in enumerate(features):
        if (column := columns.values.get(feature.name)) is None:
            continue
        if isinstance(feature, CategoricalFeature):
            table[:, position] = feature.codes(column)
        else:
            table[:, position] = numbers(column)
        if (mask := columns.not_fetched.get(feature.name)) is not None:
            table[mask, position] = np.nan
    return table


@dataclass(frozen=True, slots=True)
class _Work:
    """Numbers, outcomes and what the columns are."""

    table: Floats
    outcomes: NDArray[np.bool_]
    features: tuple[Plain, ...]
    seed: int

    def cross_fit(self, fold: NDArray[np.intp]) -> Floats:
        """Raw logits of each lead from trees that did not learn from it."""
        rows = np.arange(len(fold))
        return out_of_fold(
            fold,
            lambda learn, test: _raw(self.train(rows[learn]), self.table[rows[test]]),
        )

    def train(self, rows: Rows) -> "Booster":
        """Trees from ``rows`` and masked copies of them."""
        import lightgbm  # noqa: PLC0415 - see TreeScorer

        table, outcomes = self._masked(rows)
        levels = [i for i, f in enumerate(self.features) if isinstance(f, CategoricalFeature)]
        data = lightgbm.Dataset(
            table, outcomes.astype(np.float64), categorical_feature=levels, params=_PARAMETERS
        )
        return lightgbm.train(_PARAMETERS | {"seed": self.seed}, data, num_boost_round=ROUNDS)

    def _masked(self, rows: Rows) -> tuple[Floats, NDArray[np.bool_]]:
        chance = np.random.default_rng(self.seed)
        copied = chance.permutation(np.tile(rows, MASKED_COPIES))[:MASKED_ROWS]
        masked = self.table[copied]
        share = chance.uniform(0, MOST_MASKED, (len(copied), 1))
        masked[chance.random(masked.shape) < share] = np.nan
        every = np.concatenate([rows, copied])
        return np.concatenate([self.table[rows], masked]), self.outcomes[every]


def _newest(work: _Work) -> Accuracy | None:
    older, newest = newest_rows(len(work.outcomes))
    known = work.outcomes[older]
    if min(known.sum(), (~known).sum()) < FEWEST_POSITIVES // 2:
        return None
    past = _Work(work.table[older], known, work.features, work.seed)
    fold = folds(known, seed=work.seed)
    line = platt(past.cross_fit(fold), known)
    raw = _raw(past.train(np.arange(len(older))), work.table[newest])
    return accuracy(work.outcomes[newest], calibrated(line, raw))


def _raw(booster: "Booster", table: Floats) -> Floats:
    predicted: Any = booster.predict(table, raw_score=True, num_threads=1)
    return np.asarray(predicted, np.float64)


def _report(prepared: Prepared, figures: Accuracy, newest: Accuracy | None) -> FitReport:
    return FitReport(
        cross_validated=figures,
        newest=newest,
        leaks=Leaks(),
        features=tuple(feature.name for feature in prepared.task.features),
        pairs=(),
        dropped=dict(prepared.plan.dropped),
        unknown=prepared.unknown,
        precision=1.0,
    )


_PARAMETERS: dict[str, Any] = {
    "objective": "binary",
    "num_leaves": 15,
    "learning_rate": 0.05,
    "min_data_in_leaf": 20,
    "feature_fraction": 0.8,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "cat_smooth": 20.0,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbosity": -1,
}
