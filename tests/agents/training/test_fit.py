import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit

from agents.training.fit import Fitted, TooFewOutcomes, fit_scorecard
from agents.training.leaks import Leaks
from policies.accuracy import Accuracy, accuracy
from policies.algorithm import Settings, dump_definition, parse_definition, scorecard_of
from policies.confidence import assess_many
from policies.features import Column, Columns
from policies.outcome import Outcomes
from policies.scorecard import Scorecard
from policies.templates import Industry, template
from tests.agents.training.real_data import S2, X_EDUCATION_LEAKS, RealData, bank, x_education

EDUCATION = Industry.EDUCATION


def _leads(n: int, *, seed: int = 1) -> RealData:
    """Leads whose chance depends on the seniority as every template thinks, and on a colour."""
    chance = np.random.default_rng(seed)
    seniority = chance.choice(["c_level", "manager", "entry"], n)
    colour = chance.choice(["red", "blue", ""], n)
    size = chance.lognormal(4, 1, n).round()
    logits = np.select([seniority == "c_level", seniority == "entry"], [0.9, -0.4], 0.4)
    outcomes = chance.random(n) < expit(logits + np.where(colour == "red", 1.0, 0.0) - 1.2)
    columns: dict[str, Column] = {
        "id": [f"lead-{i}" for i in range(n)],
        "seniority": seniority.tolist(),
        "colour": colour.tolist(),
        "company_size": size,
    }
    return RealData(Columns(columns), Outcomes(outcomes, np.ones(n, bool)))


def _fit(data: RealData, settings: Settings | None = None) -> Fitted:
    return fit_scorecard(data.columns, data.outcomes, settings or Settings())


def _card(fitted: Fitted) -> Scorecard:
    return scorecard_of(fitted.definition)


def test_a_fitted_scorecard_knows_what_decides() -> None:
    data = _leads(4_000)
    fitted = _fit(data)
    card = _card(fitted)

    parts = {p.name: p for p in card.contributions(card.code(data.columns)[0].tolist())}
    assert set(card.columns) == {"seniority", "colour", "company_size"}
    assert fitted.report.dropped["id"].startswith("an identifier")
    assert set(parts) >= {"seniority", "colour"}
    assert fitted.report.cross_validated.auc == pytest.approx(0.70, abs=0.04)
    assert fitted.definition.training is not None
    assert fitted.definition.training.rows == 4_000


def test_the_same_data_and_seed_give_the_same_model() -> None:
    data = _leads(1_200)

    assert _fit(data).definition == _fit(data).definition
    assert _fit(data).definition != _fit(data, Settings(seed=2)).definition


def test_a_model_scores_alike_before_and_after_it_was_kept() -> None:
    data = _leads(1_200)
    fitted = _fit(data)
    kept = scorecard_of(parse_definition(dump_definition(fitted.definition)))
    codes = kept.code(data.columns)

    np.testing.assert_array_equal(kept.logits(codes), _card(fitted).logits(codes))
    assert accuracy(data.outcomes.converted, kept.probabilities(codes)).auc == pytest.approx(
        fitted.report.cross_validated.auc, abs=0.03
    )


def test_a_dozen_outcomes_hardly_move_the_template() -> None:
    data = _leads(24)
    fitted = _fit(data)
    expert = template(Industry.GENERAL)
    leads = Columns({"seniority": ["c_level", "manager", "entry"]})
    learned, believed = (card.logits(card.code(leads)) for card in (_card(fitted), expert))

    assert fitted.report.precision >= 3
    np.testing.assert_allclose(learned - learned.mean(), believed - believed.mean(), atol=0.7)


def test_the_template_helps_where_labels_are_few() -> None:
    test = _leads(4_000, seed=99)
    gains: list[float] = []
    for seed in range(4):
        known = _leads(40, seed=seed)
        blank = Columns({f"{n} ": column for n, column in known.columns.values.items()})
        there = Columns({f"{n} ": column for n, column in test.columns.values.items()})
        with_prior = _card(_fit(known))
        without = _card(_fit(RealData(blank, known.outcomes)))
        truth = test.outcomes.converted
        better = accuracy(truth, with_prior.probabilities(with_prior.code(test.columns))).auc or 0
        worse = accuracy(truth, without.probabilities(without.code(there))).auc or 0
        gains.append(better - worse)

    assert np.mean(gains) > 0.02


def test_open_leads_take_no_part() -> None:
    data = _leads(2_000)
    known = np.arange(2_000) < 1_000
    fitted = _fit(replace(data, outcomes=Outcomes(data.outcomes.converted & known, known)))

    assert fitted.report.cross_validated.n == 1_000
    assert fitted.rows.tolist() == list(range(1_000))


def test_only_the_newest_outcomes_are_used_when_asked() -> None:
    fitted = _fit(_leads(2_000), Settings(newest=600))

    assert fitted.rows.tolist() == list(range(1_400, 2_000))


def test_excluded_columns_are_refused_whatever_their_case_and_unknown_ones_named() -> None:
    fitted = _fit(_leads(400), Settings(exclude=("COLOUR", "Colour of hair")))

    assert fitted.report.dropped["colour"] == "excluded by you"
    assert fitted.report.unknown == ("Colour of hair",)
    assert "colour" not in fitted.report.features


@pytest.mark.parametrize("positives", [0, 4, 100])
def test_too_few_outcomes_are_refused_with_what_is_missing(positives: int) -> None:
    data = _leads(100)
    outcomes = Outcomes(np.arange(100) < positives, np.ones(100, bool))

    with pytest.raises(TooFewOutcomes, match=f"there are {positives} and {100 - positives}"):
        fit_scorecard(data.columns, outcomes, Settings())


def test_no_usable_column_is_said_so() -> None:
    data = _leads(100)

    with pytest.raises(TooFewOutcomes, match="no column can be a feature"):
        fit_scorecard(Columns({"a": ["x"] * 100}), data.outcomes, Settings())


def test_progress_goes_up_to_one() -> None:
    told: list[float] = []
    data = _leads(300)

    fit_scorecard(data.columns, data.outcomes, Settings(), progress=told.append)

    assert told == sorted(told)
    assert told[-1] == 1


def test_leaks_are_named_with_what_rests_on_them() -> None:
    data = _leads(2_000)
    result = np.where(data.outcomes.converted, "signed", "no answer").tolist()
    leaky = RealData(Columns({**data.columns.values, "result": result}), data.outcomes)

    report = _fit(leaky).report
    leaks = report.leaks

    assert json.loads(json.dumps(report.document()))["leaks"]["command"] == leaks.command
    assert leaks.command == '--exclude "result"'
    assert (leaks.auc_with or 0) > 0.99
    assert (leaks.auc_without or 1) < 0.8


def test_leads_that_leak_nothing_are_not_suspected() -> None:
    assert _fit(_leads(2_000)).report.leaks == Leaks()


def _s(data: RealData, exclude: tuple[str, ...]) -> Accuracy:
    fitted = _fit(data, Settings(exclude=exclude, industry=EDUCATION))
    assert len(fitted.definition.model_dump_json()) < 150_000
    return fitted.report.cross_validated


def test_x_education_without_what_sales_people_wrote(shared: Path) -> None:
    found = _s(x_education(shared), X_EDUCATION_LEAKS)

    assert (found.auc or 0) >= 0.89
    assert (found.ece or 1) <= 0.03


def test_x_education_without_the_state_at_export_too(shared: Path) -> None:
    found = _s(x_education(shared), S2)

    assert (found.auc or 0) >= 0.865
    assert (found.ece or 1) <= 0.03


@pytest.mark.slow
def test_bank_without_the_length_of_the_call(shared: Path) -> None:
    data = bank(shared)

    fitted = _fit(data, Settings(exclude=("duration",)))

    found, newest = fitted.report.cross_validated, fitted.report.newest
    assert (found.auc or 0) >= 0.785
    assert (found.ece or 1) <= 0.02
    assert newest is not None
    assert (newest.auc or 1) < (found.auc or 0), "times changed, and the report says so"


def test_confidence_means_what_it_says_when_half_of_the_fields_are_missing(shared: Path) -> None:
    """What is stated and what happens once the fields are known agree within a few points."""
    data = x_education(shared)
    test = np.arange(len(data.columns)) % 4 == 0
    learn, held = _rows(data, ~test), _rows(data, test)
    card = _card(_fit(learn, Settings(exclude=S2, industry=EDUCATION)))
    truth = assess_many(card, card.code(held.columns))
    chance = np.random.default_rng(5)
    masks = {name: chance.random(len(held.columns)) < 0.5 for name in card.columns}

    found = assess_many(card, card.code(Columns(held.columns.values, masks)))

    agrees = found.tier == truth.tier
    for low, high in ((0.4, 0.6), (0.6, 0.8), (0.8, 1.01)):
        rows = (found.confidence >= low) & (found.confidence < high)
        assert agrees[rows].mean() > found.confidence[rows].mean() - 0.06
    assert agrees[found.confidence < 0.4].mean() < 0.45
    figures = accuracy(held.outcomes.converted, found.probability)
    assert (figures.ece or 1) < 0.05
    assert (figures.auc or 0) > 0.70


def _rows(data: RealData, wanted: np.ndarray) -> RealData:
    columns = {
        name: [value for value, want in zip(column, wanted, strict=True) if want]
        for name, column in data.columns.values.items()
    }
    known = Outcomes(data.outcomes.converted[wanted], data.outcomes.known[wanted])
    return RealData(Columns(columns), known)
