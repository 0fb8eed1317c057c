import numpy as np

from agents.training.logistic import Sample
from agents.training.model import Recipe, Task, train
from policies.accuracy import auc
from policies.binned import CategoricalFeature, NumericFeature
from policies.features import Columns
from policies.scorecard import Scorecard

N = 6_000
LEVELS = ("a", "b", "c")


def _task() -> Task:
    """Outcomes that depend on whether two features agree, and on nothing else."""
    chance = np.random.default_rng(6)
    first, second, third = (chance.choice(LEVELS, N) for _ in range(3))
    number = chance.random(N)
    outcomes = chance.random(N) < np.where(first == second, 0.6, 0.2)
    features = (
        *(CategoricalFeature(name=n, levels=LEVELS, points=(0,) * 4) for n in ("x", "y", "z")),
        NumericFeature(name="n", edges=(0.25, 0.5, 0.75), points=(0,) * 4),
    )
    columns = Columns({"x": first.tolist(), "y": second.tolist(), "z": third.tolist(), "n": number})
    codes = Scorecard(intercept=0, features=features).code(columns)
    total = 1 + sum(len(feature.table) for feature in features)
    return Task(features, Sample(codes, outcomes, np.ones(N)), np.zeros(total))


def test_the_pair_that_matters_is_found_first() -> None:
    trained = train(_task(), slice(None), Recipe(3.0, pairs=1))

    assert [pair.of for pair in trained.pairs] == [("x", "y")]
    assert trained.pairs[0].name == "x & y"


def test_pairs_foretell_what_single_features_cannot() -> None:
    task = _task()
    learn, test = np.arange(4_000), np.arange(4_000, N)
    codes, outcomes = task.sample.codes[test], task.sample.outcomes[test]
    plain = train(task, learn, Recipe(3.0)).logits(codes)
    crossed = train(task, learn, Recipe(3.0, pairs=1)).logits(codes)

    assert (auc(outcomes, plain) or 0) < 0.55
    assert (auc(outcomes, crossed) or 0) > 0.65


def test_no_feature_is_crossed_more_than_twice() -> None:
    trained = train(_task(), slice(None), Recipe(3.0, pairs=6))
    uses = [name for pair in trained.pairs for name in pair.of]

    assert max(map(uses.count, uses)) <= 2


def test_points_stay_within_three_logits_of_the_template() -> None:
    task = _task()
    far = Task(task.features, task.sample, task.mean + np.r_[0, 9.0, np.zeros(len(task.mean) - 2)])
    trained = train(far, slice(None), Recipe(0.01))

    assert np.abs(trained.points - trained.prior.mean)[1:].max() <= 3
