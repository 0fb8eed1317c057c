"""What a learned scorecard scores in one batch, against the bare numpy product of the same model.

The baseline is what a logistic model is without us: a matrix of zeros and ones, one column for
every point of the scorecard, already in memory as floats, times the vector of points, and the
logistic function. Beside it, the cheapest product there is: one float for each feature.

Three ways in are measured. *Coded* leads are as they are kept with each result (one byte a
feature), which is what scoring all leads again reads. *Columns* are raw values, numbers as arrays
and levels as Python texts; turning those into codes takes longer than any arithmetic.
"""

from collections.abc import Callable
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from agents.training.fit import fit_scorecard
from policies.algorithm import Settings
from policies.binned import Codes, Floats
from policies.features import Column, Columns
from policies.outcome import Outcomes
from policies.scorecard import Scorecard
from scripts.bench.figures import Figure

LEADS, LEARNED_FROM = 100_000, 5_000
NUMBERS, TEXTS, LEVELS = 8, 12, 10
TARGET = 0.5
SEED = 7


def run(*, quick: bool = False) -> list[Figure]:
    """Leads a second from codes and from raw columns; each round measures all of them in turn."""
    columns = _columns(LEADS)
    card = _learned(columns)
    codes = card.code(columns)
    design, points = _one_hot(card, codes)
    dense, weights = codes.astype(np.float64), np.ones(codes.shape[1])
    bare = f"X @ w, one-hot ({len(points)} columns)"
    coded, raw, product, smallest = _rates(
        [
            lambda: card.probabilities(codes),
            lambda: card.probabilities(card.code(columns)),
            lambda: expit(design @ points),
            lambda: expit(dense @ weights),
        ],
        rounds=5 if quick else 15,
    )
    return [
        Figure("learned, 100,000 coded leads", coded, "leads/s", product, bare, TARGET),
        Figure(
            "the same, against the smallest product",
            coded,
            "leads/s",
            smallest,
            f"X @ w, one float a feature ({len(weights)} columns)",
        ),
        Figure("learned, 100,000 leads from raw columns", raw, "leads/s", product, bare),
    ]


def _rates(work: list[Callable[[], object]], *, rounds: int) -> list[float]:
    """Median leads a second of each."""
    seconds = np.empty((rounds, len(work)))
    for taken in seconds:
        for position, one in enumerate(work):
            start = perf_counter()
            one()
            taken[position] = perf_counter() - start
    return [LEADS / float(middle) for middle in np.median(seconds, axis=0)]


def _columns(count: int) -> Columns:
    chance = np.random.default_rng(SEED)
    values: dict[str, Column] = {
        f"number {i}": chance.lognormal(2, 1, count).round(2) for i in range(NUMBERS)
    }
    for i in range(TEXTS):
        drawn = chance.geometric(0.3, count).clip(max=LEVELS)
        values[f"text {i}"] = [f"Level {level}" for level in drawn.tolist()]
    return Columns(values)


def _learned(columns: Columns) -> Scorecard:
    """A scorecard fitted on the first leads, whose outcomes follow the first few columns."""
    first = Columns({name: column[:LEARNED_FROM] for name, column in columns.values.items()})
    numbers = np.asarray(first.values["number 0"], np.float64)
    liked = np.array([text == "Level 2" for text in first.values["text 0"]])
    chance = expit(-2 + np.log(numbers) / 2 + 1.5 * liked)
    converted = np.random.default_rng(SEED).random(LEARNED_FROM) < chance
    outcomes = Outcomes(converted, np.ones(LEARNED_FROM, bool))
    model = fit_scorecard(first, outcomes, Settings()).definition.model
    if model is None:
        raise RuntimeError("fitting gave no model")
    return model


def _one_hot(card: Scorecard, codes: Codes) -> tuple[Floats, Floats]:
    """The same leads and points as a plain logistic model would hold them."""
    tables = [feature.table for feature in card.features]
    starts = np.cumsum([0, *(len(table) for table in tables)])
    design = np.zeros((len(codes), int(starts[-1])))
    rows: NDArray[np.intp] = np.arange(len(codes))
    for position, start in enumerate(starts[:-1]):
        design[rows, codes[:, position] + start] = 1.0
    return design, np.concatenate(tables)
