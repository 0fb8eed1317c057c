import numpy as np
import pytest
from scipy.special import expit

from agents.training.ensemble import fit_rubric
from policies.algorithm import RUBRIC_WEIGHT

N = 3_000


def _leads(weight: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    chance = np.random.default_rng(2)
    base, rubric = chance.normal(-1, 1, N), chance.normal(0, 1.2, N)
    outcomes = chance.random(N) < expit(base + weight * rubric + 0.2)
    return base, rubric, outcomes


@pytest.mark.parametrize("weight", [0.3, 1.0])
def test_the_weight_is_what_outcomes_say(weight: float) -> None:
    found = fit_rubric(*_leads(weight))

    assert found.weight == pytest.approx(weight, abs=0.1)
    assert found.intercept == pytest.approx(0.2, abs=0.1)
    assert found.fitted_on == N


def test_a_rubric_that_is_wrong_gets_no_say() -> None:
    assert fit_rubric(*_leads(-0.8)).weight == 0


def test_leads_without_a_judgement_take_no_part() -> None:
    base, rubric, outcomes = _leads(1.0)
    rubric[::2] = np.nan

    assert fit_rubric(base, rubric, outcomes).fitted_on == N // 2


def test_a_few_judged_leads_pull_the_weight_towards_the_scorecard_alone() -> None:
    base, rubric, outcomes = _leads(1.0)

    few = fit_rubric(base[:60], rubric[:60], outcomes[:60])

    assert 0 <= few.weight < fit_rubric(base, rubric, outcomes).weight


def test_until_there_are_enough_the_default_holds() -> None:
    base, rubric, outcomes = _leads(1.0)

    found = fit_rubric(base[:49], rubric[:49], outcomes[:49])

    assert found.weight == RUBRIC_WEIGHT
    assert found.fitted_on == 0
