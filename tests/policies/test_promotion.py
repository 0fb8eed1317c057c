import numpy as np
import pytest
from scipy.special import expit, logit

from policies.confidence import Tier
from policies.promotion import compare


def _leads(n: int = 4_000, *, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    chance = np.random.default_rng(seed)
    truth = expit(chance.normal(-0.5, 1.5, n))
    return chance.random(n) < truth, truth


def _noisy(truth: np.ndarray, deviation: float, seed: int = 5) -> np.ndarray:
    return expit(logit(truth) + np.random.default_rng(seed).normal(0, deviation, len(truth)))


def test_a_better_challenger_is_promoted_and_told_so() -> None:
    outcomes, truth = _leads()

    found = compare(outcomes, _noisy(truth, 1), truth)

    assert found.promote
    assert found.difference is not None
    assert found.difference < 0
    assert "foretells better than the present one (AUC 0.8" in found.reasons[0]


def test_a_challenger_as_good_as_the_champion_is_promoted() -> None:
    outcomes, truth = _leads()

    found = compare(outcomes, _noisy(truth, 0.1, 5), _noisy(truth, 0.1, 6))

    assert found.promote
    assert "as well as the present one" in found.reasons[0]


def test_one_that_foretells_worse_is_kept_out() -> None:
    outcomes, truth = _leads()

    found = compare(outcomes, truth, _noisy(truth, 0.8))

    assert not found.promote
    assert "more than one standard error" in found.reasons[0]


def test_the_same_difference_on_fewer_leads_is_not_held_against_it() -> None:
    outcomes, truth = _leads()
    other = _noisy(truth, 0.25)

    assert not compare(outcomes, truth, other).promote
    few = compare(outcomes[:200], truth[:200], other[:200])
    assert few.difference is not None
    assert few.standard_error is not None


def test_dishonest_probabilities_are_kept_out() -> None:
    outcomes, truth = _leads()
    vague = np.clip(truth + 0.2, 0.01, 0.99)

    found = compare(outcomes, vague, np.clip(truth + 0.12, 0.01, 0.99))

    assert not found.promote
    assert any("off by 1" in reason for reason in found.reasons)


def test_a_tier_may_not_more_than_double() -> None:
    chance = np.random.default_rng(0)
    outcomes = chance.random(4_000) < 0.745
    champion, challenger = np.full(4_000, 0.745), np.full(4_000, 0.755)

    found = compare(outcomes, champion, challenger)

    assert found.shares[Tier.HOT] == (0, 1)
    assert found.reasons[-1].startswith("The tier hot would grow from 0.0% to 100.0%")


@pytest.mark.parametrize("n", [0, 1, 60])
def test_too_few_outcomes_never_promote(n: int) -> None:
    outcomes, truth = _leads()

    found = compare(outcomes[:n], truth[:n], truth[:n])

    assert not found.promote
    assert found.reasons[0].startswith("Too few outcomes to tell")
