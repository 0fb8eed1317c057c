from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter

from policies.algorithm import (
    Definition,
    DefinitionError,
    Ensemble,
    NotFitted,
    Rubric,
    Template,
    describe,
    dump_definition,
    parse_definition,
    scorecard_of,
)
from policies.features import LeadFeatures
from policies.scorecard import Scorecard

WEIGHTED: dict[str, Any] = {
    "kind": "weighted",
    "base_rate": 0.2,
    "features": [
        {"feature": "seniority", "weight": 1.2, "when": {"any_of": ["C_Level", "vp"]}},
        {"feature": "employees", "weight": 0.8, "when": {"at_least": 200}},
        {"feature": "employees", "weight": 0.5, "when": {"at_least": 50, "below": 500}},
        {"feature": "demo", "weight": 2},
        {"feature": "phone", "weight": -0.4, "when": {"filled": False}},
        {"feature": "source", "levels": {"Referral": 1.5, "List": -1}, "other": -0.2, "empty": -2},
        {"feature": "visits", "edges": [1, 5], "points": [-1, 0, 1]},
    ],
}
LEARNED: dict[str, Any] = {"kind": "learned", "settings": {"exclude": ["Tags"]}}


def _points(**values: Any) -> float:
    card = scorecard_of(parse_definition(WEIGHTED))
    return card.logit(LeadFeatures(values)) - np.log(0.2 / 0.8)


@pytest.mark.parametrize(
    ("values", "points"),
    [
        ({}, 0),
        ({"seniority": "c_level"}, 1.2),
        ({"seniority": "intern"}, 0),
        ({"employees": 10}, 0),
        ({"employees": "51-200"}, 0.5),
        ({"employees": 200}, 1.3),
        ({"employees": 500}, 0.8),
        ({"demo": True}, 2),
        ({"demo": "1"}, 2),
        ({"demo": "no"}, 0),
        ({"phone": ""}, -0.4),
        ({"phone": "+49"}, 0),
        ({"source": "REFERRAL"}, 1.5),
        ({"source": "fair"}, -0.2),
        ({"source": None}, -2),
        ({"visits": 0}, -1),
        ({"visits": 5}, 1),
        ({"visits": "x"}, 0),
        ({"demo": "yes", "visits": 9}, 3),
    ],
)
def test_weighted_rules_add_up(values: dict[str, Any], points: float) -> None:
    assert _points(**values) == pytest.approx(points)


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({}, "give 'kind': weighted, template, learned, trees or ensemble"),
        ({"kind": "magic"}, "magic"),
        ({"kind": "weighted", "features": []}, "features: Tuple should have at least 1 item"),
        ({"kind": "template", "industry": "zoo"}, "industry: Input should be 'general'"),
        ({"kind": "template", "base_rate": 1.0}, "base_rate: Input should be less than 1"),
        ({"kind": "template", "color": 1}, "color: there is no such field"),
        ({"kind": "ensemble", "base": {"kind": "trees"}}, "base: "),
        ({"kind": "ensemble"}, "base: this field is required"),
        (
            {"kind": "ensemble", "base": {"kind": "template"}, "rubric": {"weight": -1}},
            "rubric.weight: Input should be greater than or equal to 0",
        ),
        ({"kind": "learned", "settings": {"newest": 0}}, "settings.newest"),
    ],
)
def test_what_is_no_definition_is_refused_in_words(document: dict[str, Any], says: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        parse_definition(document)

    assert any(says in problem for problem in caught.value.problems), caught.value.problems


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ({"feature": "a"}, "give 'weight', 'levels', or 'edges' with 'points'"),
        ({"feature": "", "weight": 1}, "features.0.feature: String should have at least 1"),
        ({"feature": "a", "weight": 11}, "features.0.weight: Input should be less than or equal"),
        ({"feature": "a", "weight": float("nan")}, "features.0.weight"),
        ({"feature": "a", "weight": 1, "levels": {"x": 1}}, "give 'weight'"),
        ({"feature": "a", "weight": 1, "when": {}}, "give exactly one of"),
        ({"feature": "a", "weight": 1, "when": {"equals": "x", "below": 3}}, "exactly one of"),
        ({"feature": "a", "weight": 1, "when": {"equals": None}}, "exactly one of"),
        ({"feature": "a", "weight": 1, "when": {"equals": " "}}, "{'filled': false}"),
        ({"feature": "a", "weight": 1, "when": {"at_least": 3, "below": 3}}, "must be less"),
        ({"feature": "a", "levels": {"x": 1}, "when": {"equals": "x"}}, "'when' belongs to"),
        ({"feature": "a", "weight": 1, "other": 1}, "'other' belongs to 'levels'"),
        ({"feature": "a", "edges": [5, 1], "points": [0, 0, 0]}, "edges must ascend"),
        ({"feature": "a", "edges": [1], "points": [0, 0, 0]}, "1 edges make 2 bins"),
        ({"feature": "a", "edges": [1]}, "give 'weight'"),
    ],
)
def test_a_rule_that_makes_no_sense_says_why(rule: dict[str, Any], says: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        parse_definition({"kind": "weighted", "features": [rule]})

    assert any(says in problem for problem in caught.value.problems), caught.value.problems
    assert all("should have at least 1 item" not in p for p in caught.value.problems)


@pytest.mark.parametrize("second", [{"weight": 1, "when": {"equals": "x"}}, {"levels": {"x": 1}}])
def test_a_feature_is_a_number_or_a_list_of_values(second: dict[str, Any]) -> None:
    rules = [{"feature": "a", "weight": 1, "when": {"below": 3}}, {"feature": "a"} | second]

    with pytest.raises(DefinitionError, match="a cannot be a number in one rule and a list"):
        parse_definition({"kind": "weighted", "features": rules})


@pytest.mark.parametrize(
    "document",
    [
        WEIGHTED,
        {"kind": "template", "industry": "fintech"},
        LEARNED,
        {"kind": "trees"},
        {"kind": "ensemble", "base": WEIGHTED, "rubric": {"weight": 0.3}},
    ],
)
def test_definitions_survive_json(document: dict[str, Any]) -> None:
    definition = parse_definition(document)

    assert parse_definition(dump_definition(definition)) == definition
    assert describe(definition)


def test_what_was_not_fitted_cannot_score_and_says_what_to_do() -> None:
    for document in (LEARNED, {"kind": "trees"}, {"kind": "ensemble", "base": LEARNED}):
        with pytest.raises(NotFitted, match="fit it, then activate it"):
            scorecard_of(parse_definition(document))


def test_a_fitted_definition_scores_with_its_model() -> None:
    card = scorecard_of(Template())
    definition = parse_definition(LEARNED | {"model": card.model_dump(mode="json")})

    assert scorecard_of(definition) == card


def test_an_ensemble_adds_the_rubric_where_there_is_a_judgement() -> None:
    ensemble = Ensemble(base=Template(), rubric=Rubric(weight=0.5, intercept=0.1))

    found = ensemble.logits(np.array([0.0, 1.0]), np.array([2.0, np.nan]))

    assert found.tolist() == [1.1, 1.0]


def test_describing_names_what_counts() -> None:
    assert "6 " not in describe(parse_definition(WEIGHTED))
    assert describe(parse_definition(WEIGHTED)).startswith("weighted: 7 rules on seniority, ")
    assert describe(parse_definition(LEARNED)) == "learned, not fitted yet"
    assert "education" in describe(parse_definition({"kind": "template", "industry": "education"}))


def test_the_schema_tells_the_kinds_apart() -> None:
    schema = TypeAdapter(Definition).json_schema()

    assert set(schema["discriminator"]["mapping"]) == {
        "weighted",
        "template",
        "learned",
        "trees",
        "ensemble",
    }


def test_an_old_scorecard_without_a_version_is_the_first() -> None:
    document = scorecard_of(Template()).model_dump(mode="json")
    del document["schema_version"]

    assert Scorecard.model_validate(document).schema_version == 1
