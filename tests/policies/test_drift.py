import numpy as np
import pytest

from policies.binned import CategoricalFeature, NumericFeature
from policies.drift import Drift, drift_of, feature_drift, score_drift, stability_index
from policies.features import Column, Columns
from policies.scorecard import Scorecard

CONSTANT = NumericFeature(
    name="visits", edges=(3, 3.5), points=(0, 0, 0), shares=(0.0, 0.0, 1.0, 0.0)
)
LEVELS = CategoricalFeature(
    name="source", levels=("a", "b"), points=(0, 0, 0), shares=(0.1, 0.0, 0.6, 0.3)
)
CARD = Scorecard(intercept=0, features=(CONSTANT, LEVELS))


def _drift(**columns: Column) -> dict[str, tuple[Drift, float]]:
    found = feature_drift(CARD, CARD.code(Columns(columns)))
    return {one.name: (one.drift, one.index) for one in found}


def test_leads_like_those_before_are_stable() -> None:
    chance = np.random.default_rng(0)
    levels = chance.choice(["a", "b", ""], 1_000, p=[0.6, 0.3, 0.1]).tolist()

    found = _drift(visits=[3] * 1_000, source=levels)

    assert {drift for drift, _ in found.values()} == {Drift.STABLE}


def test_a_nearly_constant_column_that_moves_away_is_an_alarm() -> None:
    drift, index = _drift(visits=[4] * 1_000)["visits"]

    assert drift is Drift.ALARM
    assert index > 10


def test_the_farthest_feature_comes_first() -> None:
    assert list(_drift(source=["b"] * 500, visits=[3] * 500)) == ["source", "visits"]


def test_few_leads_and_unfetched_fields_are_not_judged() -> None:
    assert _drift(visits=[4] * 199) == {}
    assert "source" not in _drift(visits=[3] * 500)


def test_an_experts_card_has_nothing_to_drift_from() -> None:
    card = Scorecard(intercept=0, features=(LEVELS.replaced(shares=()),))

    assert feature_drift(card, card.code(Columns({"source": ["b"] * 500}))) == ()


@pytest.mark.parametrize(
    ("index", "drift"),
    [(0.09, Drift.STABLE), (0.1, Drift.WARN), (0.25, Drift.ALARM)],
)
def test_the_thresholds_are_the_usual_ones(index: float, drift: Drift) -> None:
    assert drift_of(index) is drift


def test_the_index_is_the_textbook_sum() -> None:
    assert stability_index([0.5, 0.5], [300_000, 100_000]) == pytest.approx(
        0.25 * np.log(1.5) - 0.25 * np.log(0.5), abs=1e-4
    )


def test_scores_that_rise_drift_and_few_scores_say_nothing() -> None:
    rates = np.random.default_rng(0).beta(2, 5, 2_000)

    assert score_drift(rates[:1_000], rates[1_000:]) == pytest.approx(0, abs=0.05)
    assert (score_drift(rates, np.sqrt(rates)) or 0) > 0.25
    assert score_drift(rates, rates[:100]) is None
