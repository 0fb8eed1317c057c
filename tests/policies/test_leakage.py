from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from agents.training.bins import plan
from policies.features import Column, Columns
from policies.leakage import Strength, Suspicion, suspicions
from policies.scorecard import Scorecard
from tests.agents.training.real_data import S2, X_EDUCATION_LEAKS, bank, x_education

N = 3_000


def _suspected(
    columns: Columns, outcomes: np.ndarray, *, exclude: Sequence[str] = ()
) -> dict[str, Suspicion]:
    found = plan(columns, exclude=exclude)
    codes = Scorecard(intercept=0, features=found.features).code(columns)
    return {one.column: one for one in suspicions(found.features, codes, outcomes)}


def _outcomes(rate: float = 0.3) -> np.ndarray:
    return np.random.default_rng(1).random(N) < rate


def _levels(seed: int) -> list[str]:
    return np.random.default_rng(seed).choice(["a", "b", "c"], N).tolist()


def _flipped(outcomes: np.ndarray, share: float) -> np.ndarray:
    return outcomes ^ (np.random.default_rng(2).random(len(outcomes)) < share)


def test_a_column_that_nearly_is_the_outcome_is_strongly_suspected() -> None:
    outcomes = _outcomes()
    told = np.where(_flipped(outcomes, 0.1), "green", "red").tolist()

    found = _suspected(Columns({"colour": told, "other": _levels(3)}), outcomes)

    assert list(found) == ["colour"]
    assert found["colour"].strength is Strength.STRONG
    assert found["colour"].hint == '--exclude "colour"'
    assert "alone it ranks the leads with an AUC of 0.89" in found["colour"].reasons[0]


def test_a_field_that_only_converts_fill_in_is_suspected_whatever_it_says() -> None:
    outcomes = _outcomes()
    filled = _flipped(outcomes, 0.3)
    answers: Column = [
        level if there else "" for level, there in zip(_levels(4), filled, strict=True)
    ]

    found = _suspected(Columns({"answer": answers, "other": _levels(3)}), outcomes)

    assert list(found) == ["answer"]
    assert found["answer"].strength is Strength.LIKELY
    assert "filled in" in found["answer"].reasons[0]


def test_a_telling_name_counts_only_for_a_column_that_tells_something() -> None:
    outcomes = _outcomes()
    some = np.where(_flipped(outcomes, 0.35), "x", "y").tolist()
    columns: dict[str, Column] = {"lastActivity": some, "deal_stage": _levels(5), "plain": some}

    assert list(_suspected(Columns(columns), outcomes)) == ["lastActivity"]


@pytest.mark.parametrize(("rate", "suspected"), [(0.3, True), (0.01, False)])
def test_a_level_that_settles_the_outcome_is_suspected_unless_the_outcome_is_rare(
    rate: float, *, suspected: bool
) -> None:
    outcomes = _outcomes(rate)
    sure = np.flatnonzero(~outcomes)[:200]
    levels = np.array(_levels(6), dtype=object)
    levels[sure] = "wrong number"

    found = _suspected(Columns({"remark": levels.tolist(), "other": _levels(3)}), outcomes)

    assert ("remark" in found) is suspected
    if suspected:
        assert '200 leads with "wrong number" 100.0% did not convert' in found["remark"].reasons[-1]


def test_noise_is_not_suspected() -> None:
    columns: dict[str, Column] = {f"column {i}": _levels(10 + i) for i in range(20)}

    assert _suspected(Columns(columns), _outcomes()) == {}


def test_a_dozen_conversions_say_nothing() -> None:
    outcomes = np.arange(N) < 12

    assert _suspected(Columns({"same": np.where(outcomes, 1.0, 0.0)}), outcomes) == {}


def test_every_known_leak_of_x_education_is_named(shared: Path) -> None:
    data = x_education(shared)

    found = _suspected(data.columns, data.outcomes.converted, exclude=["Prospect ID"])

    assert set(S2) <= set(found)
    assert found["Tags"].strength is Strength.STRONG
    assert all(found[name].strength is not Strength.POSSIBLE for name in S2 if name[0] != "A")


def test_without_the_known_leaks_little_is_left_to_suspect(shared: Path) -> None:
    data = x_education(shared)

    found = _suspected(data.columns, data.outcomes.converted, exclude=S2)

    assert set(found) == {
        "What is your current occupation",  # filled in during the call, as is the next
        "What matters most to you in choosing a course",
        "Lead Source",  # a false alarm: one site's leads nearly all enrolled
    }
    assert found["Lead Source"].strength is Strength.POSSIBLE
    assert not set(X_EDUCATION_LEAKS) & set(found)


def test_the_length_of_the_call_is_the_only_leak_of_the_bank(shared: Path) -> None:
    data = bank(shared)

    found = _suspected(data.columns, data.outcomes.converted)

    assert list(found) == ["duration"]
    assert found["duration"].strength is Strength.STRONG
