import numpy as np
import pytest
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from policies.accuracy import accuracy, auc, auc_interval, average_precision, lift


def _sample(n: int = 2_000, *, steps: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    chance = np.random.default_rng(4)
    rates = chance.beta(1, 4, n)
    outcomes = chance.random(n) < rates
    return outcomes, rates if steps is None else np.round(rates * steps) / steps


@pytest.mark.parametrize("steps", [None, 8])
def test_figures_agree_with_scikit_learn(steps: int | None) -> None:
    outcomes, rates = _sample(steps=steps)
    found = accuracy(outcomes, rates)

    assert found.auc == pytest.approx(roc_auc_score(outcomes, rates))
    assert found.pr_auc == pytest.approx(average_precision_score(outcomes, rates))
    assert found.brier == pytest.approx(brier_score_loss(outcomes, rates))
    if steps is None:
        assert found.log_loss == pytest.approx(log_loss(outcomes, rates))


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    chance = np.random.default_rng(0)
    truth, covered = 0.7602, 0
    for _ in range(300):
        outcomes = np.arange(200) < 60
        scores = chance.normal(outcomes.astype(float), 1)
        _, low, high = auc_interval(outcomes, scores)
        covered += low <= truth <= high

    assert 0.90 <= covered / 300 <= 0.99


def test_without_both_outcomes_ranking_says_nothing_and_nothing_fails() -> None:
    rates = np.array([0.2, 0.4])

    assert auc(np.array([True, True]), rates) is None
    assert accuracy(np.array([True, True]), rates).skill is None
    assert accuracy(np.array([], bool), np.array([])).brier is None
    assert accuracy(np.array([False, True]), rates).auc == 1.0


def test_equal_scores_share_the_lift_at_the_cut() -> None:
    outcomes = np.array([True, False, False, False, False] * 20)

    assert lift(outcomes, np.full(100, 0.3), 0.1) == pytest.approx(1)
    assert average_precision(outcomes, np.full(100, 0.3)) == pytest.approx(0.2)


def test_a_perfect_order_lifts_as_far_as_the_base_rate_allows() -> None:
    outcomes = np.arange(100) < 20

    assert lift(outcomes, outcomes.astype(float), 0.1) == pytest.approx(5)


def test_honest_probabilities_have_hardly_any_calibration_error() -> None:
    outcomes, rates = _sample(50_000)
    honest, boastful = accuracy(outcomes, rates), accuracy(outcomes, np.sqrt(rates))

    assert honest.ece is not None
    assert boastful.ece is not None
    assert honest.ece < 0.01 < 0.2 < boastful.ece
    assert sum(row.n for row in honest.calibration) == 50_000
    assert honest.skill is not None
    assert honest.skill > 0 > (boastful.skill or 0)


def test_few_conversions_are_called_insufficient() -> None:
    outcomes = np.arange(1_000) < 49

    assert not accuracy(outcomes, np.full(1_000, 0.05)).sufficient
    assert accuracy(np.arange(1_000) < 50, np.full(1_000, 0.05)).sufficient
