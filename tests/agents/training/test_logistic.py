import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from agents.training.logistic import Layout, Prior, Sample, fit, raw_logits

LAYOUT = Layout((4, 3))
TRUTH = np.array([-0.5, 0, 0.3, -1.0, 1.2, 0, -0.7, 0.9])


def _sample(n: int = 3_000) -> Sample:
    chance = np.random.default_rng(8)
    codes = np.asfortranarray(
        np.column_stack([chance.integers(0, size, n) for size in LAYOUT.sizes]).astype(np.uint8)
    )
    rates = expit(raw_logits(codes, LAYOUT, TRUTH))
    return Sample(codes, chance.random(n) < rates, chance.integers(1, 4, n).astype(float))


def _one_hot(sample: Sample) -> np.ndarray:
    return np.column_stack(
        [np.eye(size)[sample.codes[:, i]] for i, size in enumerate(LAYOUT.sizes)]
    )


@pytest.mark.parametrize("precision", [0.1, 1.0, 30.0])
def test_points_agree_with_scikit_learn(precision: float) -> None:
    sample = _sample()
    theirs = LogisticRegression(C=1 / precision, tol=1e-8, max_iter=500)
    theirs.fit(_one_hot(sample), sample.outcomes, sample_weight=sample.weights)

    ours = fit(sample, LAYOUT, Prior.around(np.zeros(LAYOUT.total), precision))

    np.testing.assert_allclose(ours[1:], theirs.coef_[0], atol=1e-3)
    assert ours[0] == pytest.approx(theirs.intercept_[0], abs=1e-3)


def test_a_strong_prior_keeps_the_experts_points_and_a_weak_one_yields() -> None:
    expert = -TRUTH
    strong = fit(_sample(), LAYOUT, Prior.around(expert, 1e6))
    weak = fit(_sample(), LAYOUT, Prior.around(expert, 1e-3))

    np.testing.assert_allclose(strong[1:], expert[1:], atol=0.01)
    assert np.corrcoef(weak[1:], TRUTH[1:])[0, 1] > 0.95


def test_perfectly_separated_outcomes_have_finite_points() -> None:
    codes = np.asfortranarray(np.repeat([[1, 1], [2, 1]], 50, axis=0).astype(np.uint8))
    sample = Sample(codes, codes[:, 0] == 2, np.ones(100))

    points = fit(sample, LAYOUT, Prior.around(np.zeros(LAYOUT.total), 1.0))

    assert np.isfinite(points).all()
    assert points[3] > 1 > -1 > points[2]


def test_a_code_that_nobody_has_keeps_its_prior() -> None:
    sample = _sample()
    seen = sample[sample.codes[:, 0] != 3]
    mean = np.zeros(LAYOUT.total)
    mean[4] = 0.7

    assert fit(seen, LAYOUT, Prior.around(mean, 1.0))[4] == pytest.approx(0.7)
