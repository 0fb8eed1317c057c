import numpy as np
import pytest
from pydantic import ValidationError

from policies.binned import EMPTY, NOT_FETCHED, CategoricalFeature, CrossedFeature, NumericFeature
from policies.features import Columns, LeadFeatures, columns_of
from policies.scorecard import Calibration, Scorecard, Uncertainty

VISITS = NumericFeature(name="visits", edges=(1, 5), points=(-1, 0.5, 1.25), empty=-0.3)
SOURCE = CategoricalFeature(
    name="source", levels=("google", "reference"), points=(0.1, 0.2, 1.5), not_fetched=-0.05
)
PAIR = CrossedFeature(
    name="visits & source",
    of=("visits", "source"),
    first=(0, 0, 1, 1),
    second=(0, 0, 1, 1),
    points=(0, 0, 0, 2),
)
CARD = Scorecard(
    intercept=-1,
    features=(VISITS, SOURCE, PAIR),
    calibration=Calibration(slope=0.9, intercept=0.1),
)
LEADS = [
    LeadFeatures({"visits": 7, "source": "Reference"}),
    LeadFeatures({"visits": "0", "source": "unheard of"}),
    LeadFeatures({"visits": None, "source": "google"}),
    LeadFeatures({"visits": 5}),
    LeadFeatures({"source": None}),
    LeadFeatures({}),
]


def test_one_lead_scores_like_many() -> None:
    codes = CARD.code(columns_of(LEADS))

    np.testing.assert_allclose(CARD.logits(codes), [CARD.logit(lead) for lead in LEADS])
    np.testing.assert_array_equal(codes, [CARD.code_one(lead) for lead in LEADS])


def test_the_logit_is_the_calibrated_sum_of_points() -> None:
    assert CARD.logit(LEADS[0]) == pytest.approx(0.9 * (-1 + 1.25 + 1.5 + 2) + 0.1)
    assert CARD.logit(LEADS[3]) == pytest.approx(0.9 * (-1 + 1.25 - 0.05) + 0.1)


def test_an_edge_belongs_to_the_bin_above_it() -> None:
    assert [VISITS.code(value) for value in (0.99, 1, 4.99, 5)] == [2, 3, 3, 4]


def test_a_pair_is_known_only_when_both_parts_are() -> None:
    codes = CARD.code(columns_of(LEADS))

    assert codes[:, 2].tolist()[3:] == [NOT_FETCHED] * 3


def test_a_scorecard_survives_json_unchanged() -> None:
    again = Scorecard.model_validate_json(CARD.model_dump_json())

    assert again == CARD
    assert [again.logit(lead) for lead in LEADS] == [CARD.logit(lead) for lead in LEADS]


def test_a_changed_copy_forgets_what_the_original_had_worked_out() -> None:
    assert VISITS.table[2] == -1

    assert VISITS.replaced(points=(3.0, 0.0, 0.0)).table[2] == 3


def test_contributions_explain_the_whole_logit_against_the_average_lead() -> None:
    shares = (0.0, 0.5, 0.5, 0.0)
    card = Scorecard(intercept=0, features=(VISITS.replaced(shares=shares), SOURCE))
    codes = card.code_one(LEADS[0])

    parts = card.contributions(codes)

    assert [part.name for part in parts] == ["visits", "source"]
    assert sum(part.points for part in parts) == pytest.approx(card.logit(LEADS[0]) - (-0.25))
    assert parts[0].state == "5 or more"
    assert parts[1].state == "reference"


def test_states_are_told_in_words() -> None:
    by_name = {part.name: part.state for part in CARD.contributions(CARD.code_one(LEADS[1]))}

    assert by_name == {
        "visits": "below 1",
        "source": "another value",
        "visits & source": "below 1 with another value",
    }
    assert {part.state for part in CARD.contributions([NOT_FETCHED, EMPTY, NOT_FETCHED])} == {
        "not fetched",
        "empty",
        "not fetched with empty",
    }


def test_draws_fill_what_was_not_fetched_and_keep_what_is_known() -> None:
    sizes = [len(feature.table) for feature in CARD.features]
    row = (-1.0, *(point for feature in CARD.features for point in feature.table.tolist()))
    assert len(row) == 1 + sum(sizes)
    card = CARD.replaced(
        calibration=Calibration(),
        uncertainty=Uncertainty(replicates=(row,), donors=((4, 4, 5), (2, 2, 2))),
    )
    leads = [
        LeadFeatures({"visits": 7}),
        LeadFeatures({}),
        LeadFeatures({"visits": 7, "source": "google"}),
    ]
    drawn = {
        int(row): sorted(logits.tolist())
        for rows, table in card.draws(card.code(columns_of(leads)))
        for row, logits in zip(rows, table, strict=True)
    }

    assert drawn[0] == pytest.approx([-1 + 1.25 + 0.1, -1 + 1.25 + 1.5 + 2])
    assert drawn[1] == pytest.approx([-1 - 1 + 0.1, -1 + 1.25 + 1.5 + 2])
    assert drawn[2] == pytest.approx([card.logit(leads[2])])


@pytest.mark.parametrize(
    "fault",
    [
        {"edges": (5, 1)},
        {"points": (1.0,)},
        {"shares": (0.5,)},
        {"points": (float("nan"), 0, 0)},
        {"unheard": 1},
    ],
)
def test_a_feature_that_does_not_add_up_is_refused(fault: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        VISITS.replaced(**fault)


@pytest.mark.parametrize(
    "features",
    [
        (VISITS, VISITS),
        (PAIR, VISITS, SOURCE),
        (VISITS, SOURCE, PAIR.replaced(first=(0, 0, 0, 1, 1))),
        (VISITS, SOURCE, PAIR.replaced(of=("visits", "visits"))),
    ],
)
def test_features_that_do_not_fit_together_are_refused(features: tuple[object, ...]) -> None:
    with pytest.raises(ValidationError):
        Scorecard.model_validate({"intercept": 0, "features": features})


@pytest.mark.parametrize(
    ("replicate", "donor"), [((0.0,), (2, 2, 2)), (None, (9, 2, 2)), (None, (2, 2))]
)
def test_uncertainty_of_another_scorecard_is_refused(
    replicate: tuple[float, ...] | None, donor: tuple[int, ...]
) -> None:
    size = 1 + sum(len(feature.table) for feature in CARD.features)
    row = replicate if replicate is not None else (0.0,) * size

    with pytest.raises(ValidationError):
        CARD.replaced(uncertainty=Uncertainty(replicates=(row,), donors=(donor,)))


def test_a_column_nobody_fetched_counts_as_not_fetched() -> None:
    codes = CARD.code(Columns({"visits": ["1", "2"]}))

    assert codes[:, 1].tolist() == [NOT_FETCHED, NOT_FETCHED]
