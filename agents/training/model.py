"""Training one scorecard on some of the leads: plain points, then pairs of features."""

from dataclasses import dataclass

import numpy as np

from agents.training.crosses import PRECISION, crosses, with_crosses
from agents.training.logistic import Layout, Prior, Sample, fit, raw_logits
from agents.training.validation import Rows
from policies.binned import Codes, CrossedFeature, Floats, Plain

FARTHEST = 3.0
"""Logits that a point may move away from the template."""


@dataclass(frozen=True, slots=True)
class Task:
    """What there is to learn from.

    Attributes:
        features: binned, without points.
        sample: all leads with a known outcome, in the order in which they came.
        mean: the template's points by code, the intercept first.
    """

    features: tuple[Plain, ...]
    sample: Sample
    mean: Floats


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to learn.

    Attributes:
        precision: of the prior around the template.
        pairs: how many crossed features to look for.
    """

    precision: float
    pairs: int = 0


@dataclass(frozen=True, slots=True)
class Trained:
    """Points and the features that they belong to."""

    features: tuple[Plain, ...]
    pairs: tuple[CrossedFeature, ...]
    prior: Prior
    points: Floats

    @property
    def layout(self) -> Layout:
        """Where each feature's points stand."""
        return Layout(tuple(len(f.table) for f in (*self.features, *self.pairs)))

    def widened(self, codes: Codes) -> Codes:
        """Codes of plain features with those of the pairs behind them."""
        return with_crosses(codes, self.features, self.pairs) if self.pairs else codes

    def logits(self, codes: Codes) -> Floats:
        """Raw logits of leads coded in the plain features."""
        return raw_logits(self.widened(codes), self.layout, self.points)


def train(task: Task, rows: Rows | slice, recipe: Recipe) -> Trained:
    """Learn from ``rows``."""
    sample = task.sample if isinstance(rows, slice) else task.sample[rows]
    layout = Layout(tuple(len(feature.table) for feature in task.features))
    prior = Prior.around(task.mean, recipe.precision)
    points = near(fit(sample, layout, prior), prior)
    if not recipe.pairs:
        return Trained(task.features, (), prior, points)
    pairs = crosses(task.features, sample, points, most=recipe.pairs)
    extra = sum(len(pair.table) for pair in pairs)
    prior = Prior(
        np.concatenate([prior.mean, np.zeros(extra)]),
        np.concatenate([prior.precision, np.full(extra, max(PRECISION, recipe.precision))]),
    )
    trained = Trained(task.features, pairs, prior, np.concatenate([points, np.zeros(extra)]))
    wide = Sample(trained.widened(sample.codes), sample.outcomes, sample.weights)
    learned = fit(wide, trained.layout, prior, start=trained.points)
    return Trained(task.features, pairs, prior, near(learned, prior))


def near(points: Floats, prior: Prior) -> Floats:
    """``points``, none of them farther from the template than `FARTHEST`."""
    bounded = np.clip(points, prior.mean - FARTHEST, prior.mean + FARTHEST)
    bounded[0] = points[0]
    return bounded
