"""What a fitted scorecard does not know: unfetched fields, and the luck of the sample.

Sources:
    Training with randomly masked fields keeps the score honest when a source is down; bootstrap
    replicates and hot-deck donors make the confidence mean what it says: measured, ADR on scoring.
"""

import numpy as np

from agents.training.logistic import Prior, Sample, fit
from agents.training.model import Trained, near
from policies.binned import NOT_FETCHED, Codes, Floats
from policies.scorecard import Uncertainty

REPLICATES, DONORS = 30, 30
STEPS = 2
"""Newton steps of a replicate; it starts where the whole sample ended."""
COPIES, MOST_MASKED = 3, 0.8
MASKED_ROWS = 30_000
FIXED, FREE = 1e9, 1.0


def with_unfetched(trained: Trained, sample: Sample, *, seed: int) -> Trained:
    """Learn the points of "not fetched" from copies with masked fields; all others stay."""
    chance = np.random.default_rng(seed)
    rows = chance.permutation(np.tile(np.arange(len(sample.outcomes)), COPIES))[:MASKED_ROWS]
    masked = sample.codes[rows]
    share = chance.uniform(0, MOST_MASKED, (len(rows), 1))
    masked[chance.random(masked.shape) < share] = NOT_FETCHED
    copies = Sample(
        trained.widened(np.asfortranarray(masked)), sample.outcomes[rows], sample.weights[rows]
    )
    precision = np.full(len(trained.points), FIXED)
    precision[[block.start for block in trained.layout.blocks()]] = FREE
    start = trained.points.copy()
    start[[block.start for block in trained.layout.blocks()]] = 0.0
    points = fit(copies, trained.layout, Prior(start, precision))
    return Trained(trained.features, trained.pairs, trained.prior, near(points, trained.prior))


def uncertainty(trained: Trained, sample: Sample, *, seed: int) -> Uncertainty:
    """Bootstrap replicates of the points, and real leads as donors."""
    chance = np.random.default_rng(seed)
    wide = trained.widened(sample.codes)
    replicates = [_replicate(trained, wide, sample, chance) for _ in range(REPLICATES)]
    donors = trained.widened(_donors(sample.codes, chance))
    return Uncertainty(
        replicates=tuple(tuple(row.round(3).tolist()) for row in replicates),
        donors=tuple(map(tuple, donors.tolist())),
    )


def _replicate(
    trained: Trained, wide: Codes, sample: Sample, chance: np.random.Generator
) -> Floats:
    drawn = chance.poisson(1.0, len(wide)) * sample.weights
    resample = Sample(wide, sample.outcomes, drawn)
    points = fit(resample, trained.layout, trained.prior, start=trained.points, steps=STEPS)
    return near(points, trained.prior)


def _donors(codes: Codes, chance: np.random.Generator) -> Codes:
    """Real leads; what was not fetched for one of them comes from another that has it."""
    donors = codes[chance.integers(0, len(codes), DONORS)].copy()
    for position in range(donors.shape[1]):
        fetched = codes[codes[:, position] != NOT_FETCHED, position]
        lacking = donors[:, position] == NOT_FETCHED
        if len(fetched):
            donors[lacking, position] = chance.choice(fetched, int(lacking.sum()))
    return np.asfortranarray(donors)
