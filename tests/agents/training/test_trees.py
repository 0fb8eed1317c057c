import json
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit

from agents.training.fit import TooFewOutcomes, fit_scorecard
from agents.training.trees import FittedTrees, TreeScorer, fit_trees
from policies.algorithm import Settings, Trees, dump_definition, parse_definition, scorecard_of
from policies.features import Columns, LeadFeatures
from policies.outcome import Outcomes
from tests.agents.training.real_data import S2, RealData, x_education


def _leads(n: int = 1_500) -> RealData:
    """Outcomes that follow a ring, which no sum of two points can say."""
    chance = np.random.default_rng(1)
    x, y = chance.normal(0, 1, n), chance.normal(0, 1, n)
    source = chance.choice(["web", "fair", ""], n)
    outcomes = chance.random(n) < expit(3 - 2.5 * (x**2 + y**2) + (source == "fair"))
    columns = Columns({"x": x, "y": y, "source": source.tolist()})
    return RealData(columns, Outcomes(outcomes, np.ones(n, bool)))


@pytest.fixture(scope="module")
def fitted() -> FittedTrees:
    data = _leads()
    card = fit_scorecard(data.columns, data.outcomes, Settings()).definition.model
    assert card is not None
    return fit_trees(data.columns, data.outcomes, Settings(), scorecard=card)


def _scorer(definition: Trees) -> TreeScorer:
    assert definition.model is not None
    return TreeScorer(definition.model)


def test_trees_survive_json_to_the_last_bit(fitted: FittedTrees) -> None:
    document = json.loads(json.dumps(dump_definition(fitted.definition)))
    again = parse_definition(document)
    columns = _leads().columns

    assert isinstance(again, Trees)
    np.testing.assert_array_equal(
        _scorer(again).logits(columns), _scorer(fitted.definition).logits(columns)
    )


def test_one_lead_scores_like_many(fitted: FittedTrees) -> None:
    columns = _leads().columns
    leads = [
        LeadFeatures({name: column[row] for name, column in columns.values.items()})
        for row in range(5)
    ]
    scorer = _scorer(fitted.definition)

    np.testing.assert_allclose(scorer.logits(leads), scorer.logits(columns)[:5])


def test_unknown_fields_and_levels_are_no_failure(fitted: FittedTrees) -> None:
    leads = [LeadFeatures({}), LeadFeatures({"source": "unheard of", "x": "many", "new": 1})]

    assert np.isfinite(_scorer(fitted.definition).logits(leads)).all()
    assert len(_scorer(fitted.definition).logits([])) == 0


def test_trees_rank_well_and_honestly_on_leads_they_have_not_seen(fitted: FittedTrees) -> None:
    figures = fitted.report.cross_validated

    assert (figures.auc or 0) > 0.85
    assert (figures.ece or 1) < 0.05
    assert fitted.report.newest is not None


def test_the_scorecard_travels_with_the_trees(fitted: FittedTrees) -> None:
    assert scorecard_of(fitted.definition).columns == ("x", "y", "source")


def test_the_same_seed_grows_the_same_trees(fitted: FittedTrees) -> None:
    data = _leads()
    card = scorecard_of(fitted.definition)

    again = fit_trees(data.columns, data.outcomes, Settings(), scorecard=card)

    assert again.definition == fitted.definition


def test_below_500_outcomes_there_are_no_trees(fitted: FittedTrees) -> None:
    data = _leads(400)

    with pytest.raises(TooFewOutcomes, match="trees need at least 500 known outcomes"):
        fit_trees(
            data.columns, data.outcomes, Settings(), scorecard=scorecard_of(fitted.definition)
        )


@pytest.mark.slow
def test_trees_on_x_education(shared: Path) -> None:
    data = x_education(shared)
    settings = Settings(exclude=S2)
    card = fit_scorecard(data.columns, data.outcomes, settings).definition.model
    assert card is not None

    found = fit_trees(data.columns, data.outcomes, settings, scorecard=card).report

    assert (found.cross_validated.auc or 0) >= 0.865
    assert (found.cross_validated.ece or 1) <= 0.03
