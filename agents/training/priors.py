"""What a template says about the bins of somebody else's data."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from policies.binned import FIRST_BIN, CategoricalFeature, Feature, Floats, NumericFeature
from policies.scorecard import Scorecard


def prior_mean(features: Sequence[Feature], template: Scorecard, base_rate: float) -> Floats:
    """The template's points for every code of ``features``, the intercept first.

    A feature that the template does not know, or knows as another kind, gets zeros: whatever the
    outcomes say is then pulled towards "says nothing".
    """
    known = {feature.name: feature for feature in template.features}
    tables = [_table(feature, known.get(feature.name)) for feature in features]
    return np.concatenate([[np.log(base_rate / (1 - base_rate))], *tables])


def _table(feature: Feature, expert: Feature | None) -> Floats:
    table = np.zeros(len(feature.points) + FIRST_BIN)
    if isinstance(feature, NumericFeature) and isinstance(expert, NumericFeature):
        inside = ((low + high) / 2 for low, high in pairwise(feature.edges))
        typical = (float(np.nextafter(feature.edges[0], -np.inf)), *inside, feature.edges[-1])
        table[FIRST_BIN:] = [expert.table[expert.code(value)] for value in typical]
    elif isinstance(feature, CategoricalFeature) and isinstance(expert, CategoricalFeature):
        points = [expert.table[expert.code(level)] for level in feature.levels]
        table[FIRST_BIN:] = [expert.points[0], *points]
    else:
        return table
    table[:FIRST_BIN] = expert.not_fetched, expert.empty
    return table
