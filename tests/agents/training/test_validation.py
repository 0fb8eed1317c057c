import numpy as np
import pytest
from scipy.special import expit

from agents.training.validation import cross_calibrated, folds, out_of_fold, platt
from policies.accuracy import calibration_error


def test_folds_spread_both_outcomes_evenly_and_repeat() -> None:
    outcomes = np.arange(1_000) < 103

    fold = folds(outcomes, seed=4)

    assert set(np.bincount(fold[outcomes])) <= {20, 21}
    assert set(np.bincount(fold[~outcomes])) <= {179, 180}
    np.testing.assert_array_equal(fold, folds(outcomes, seed=4))
    assert (fold != folds(outcomes, seed=5)).any()


def test_there_are_no_more_folds_than_conversions() -> None:
    assert folds(np.arange(100) < 3, seed=1).max() == 2


def test_no_lead_is_foretold_by_a_model_that_saw_it() -> None:
    fold = folds(np.arange(100) < 40, seed=1)
    seen: list[set[int]] = []

    def predict(learn: np.ndarray, test: np.ndarray) -> np.ndarray:
        seen.append(set(learn) & set(test))
        return test.astype(float)

    np.testing.assert_array_equal(out_of_fold(fold, predict), np.arange(100))
    assert seen == [set()] * 5


@pytest.mark.parametrize(("slope", "intercept"), [(0.4, -1.0), (2.5, 0.5)])
def test_platt_finds_the_line_that_makes_logits_honest(slope: float, intercept: float) -> None:
    chance = np.random.default_rng(3)
    logits = chance.normal(0, 2, 20_000)
    outcomes = chance.random(20_000) < expit(slope * logits + intercept)

    found = platt(logits, outcomes)

    assert found.slope == pytest.approx(slope, rel=0.06)
    assert found.intercept == pytest.approx(intercept, abs=0.06)


def test_platt_never_turns_the_order_around() -> None:
    outcomes = np.arange(60) < 30

    assert platt(np.where(outcomes, -2.0, 2.0), outcomes).slope > 0


def test_cross_calibration_makes_a_boastful_model_honest() -> None:
    chance = np.random.default_rng(3)
    logits = chance.normal(0, 1, 5_000)
    outcomes = chance.random(5_000) < expit(logits)

    honest = cross_calibrated(3 * logits, outcomes, folds(outcomes, seed=1))

    assert (calibration_error(outcomes, expit(3 * logits)) or 0) > 0.15
    assert (calibration_error(outcomes, honest) or 1) < 0.025
