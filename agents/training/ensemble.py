"""How much GPT-4's rubric should count beside the scorecard, once outcomes can tell.

A logistic stack of two inputs: the scorecard's logit, which is left as it is, and the rubric's.
The weight is never negative and is pulled towards zero, "the scorecard alone", so that a few
judged leads do not hand the score to a language model.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from policies.algorithm import Rubric
from policies.binned import Floats

FEWEST, FEWEST_OF_EACH = 50, 10
"""Judged leads with an outcome, and how many of each kind, before anything is fitted."""
TOWARDS_ALONE = 5.0
LARGEST = 5.0


def fit_rubric(base: Floats, rubric: Floats, outcomes: NDArray[np.bool_]) -> Rubric:
    """Fit weight and intercept.

    Args:
        base: logits of the scorecard, from models that did not see the lead's outcome.
        rubric: logits of the rubric; NaN for leads without a judgement.
        outcomes: whether each lead converted.

    Returns:
        the fitted scale, or the default one while too few leads have both.
    """
    judged = ~np.isnan(rubric)
    base, rubric, outcomes = base[judged], rubric[judged], outcomes[judged]
    rarer = min(int(outcomes.sum()), int((~outcomes).sum()))
    if len(outcomes) < FEWEST or rarer < FEWEST_OF_EACH:
        return Rubric()
    weight, intercept = _newton(base, rubric, outcomes)
    if weight < 0:
        weight, intercept = _newton(base, np.zeros(len(base)), outcomes)
    return Rubric(
        weight=float(np.clip(weight, 0, LARGEST)),
        intercept=float(np.clip(intercept, -LARGEST, LARGEST)),
        fitted_on=len(outcomes),
    )


def _newton(base: Floats, rubric: Floats, outcomes: NDArray[np.bool_]) -> tuple[float, float]:
    design = np.column_stack([rubric, np.ones(len(rubric))])
    found = np.zeros(2)
    for _ in range(50):
        rates = expit(base + design @ found)
        gradient = design.T @ (outcomes - rates) - TOWARDS_ALONE * found
        curvature = (design.T * (rates * (1 - rates))) @ design + TOWARDS_ALONE * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        found += step / max(1.0, float(np.abs(step).max()))
        if np.abs(step).max() < 1e-9:
            break
    return float(found[0]), float(found[1])
