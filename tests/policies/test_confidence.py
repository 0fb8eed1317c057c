import numpy as np
import pytest
from scipy.special import expit

from policies.binned import CategoricalFeature
from policies.confidence import Tier, assess_many, tier_of, with_assumed_uncertainty
from policies.features import LeadFeatures, columns_of
from policies.scorecard import Scorecard, Uncertainty

FEATURE = CategoricalFeature(name="plan", levels=("free", "paid"), points=(0, -3, 3))
CARD = Scorecard(
    intercept=0,
    features=(FEATURE,),
    uncertainty=Uncertainty(
        replicates=((0, 0, 0, 0, -3, 3), (0, 0, 0, 0, -2.9, 2.9)),
        donors=((3,), (4,), (4,), (4,)),
    ),
)


@pytest.mark.parametrize(
    ("probability", "tier"),
    [
        (0.0, Tier.COLD),
        (0.2499, Tier.COLD),
        (0.25, Tier.COOL),
        (0.5, Tier.WARM),
        (0.75, Tier.HOT),
        (1.0, Tier.HOT),
    ],
)
def test_tiers_begin_at_their_cuts(probability: float, tier: Tier) -> None:
    assert tier_of(probability) is tier


def test_confidence_is_the_share_of_draws_in_the_same_tier() -> None:
    codes = CARD.code(columns_of([LeadFeatures({"plan": "paid"}), LeadFeatures({})]))

    found = assess_many(CARD, codes, shift=np.array([0.0, 3.0]))

    assert found.confidence.tolist() == [1.0, 0.75]
    assert found.tier_of(1) is Tier.HOT


def test_the_interval_spans_four_draws_in_five_and_holds_the_score() -> None:
    codes = CARD.code(columns_of([LeadFeatures({})]))

    found = assess_many(CARD, codes)

    assert found.low[0] == pytest.approx(expit(-3), abs=0.01)
    assert found.high[0] == pytest.approx(expit(3), abs=0.01)
    assert found.low[0] <= found.probability[0] <= found.high[0]


def test_other_unknowns_widen_the_interval_and_lower_the_confidence() -> None:
    codes = CARD.code(columns_of([LeadFeatures({"plan": "paid"})] * 2))

    found = assess_many(CARD, codes, shift=np.full(2, -1.5), spread=np.array([0.0, 1.5]))

    assert found.confidence[1] < found.confidence[0] == 1
    assert found.high[1] - found.low[1] > found.high[0] - found.low[0]


def test_without_uncertainty_a_score_is_a_point() -> None:
    card = Scorecard(intercept=0, features=(FEATURE,))
    found = assess_many(card, card.code(columns_of([LeadFeatures({"plan": "paid"})])))

    assert found.low[0] == found.high[0] == found.probability[0]
    assert found.confidence[0] == 1


def test_assumed_uncertainty_leaves_the_score_as_it_is() -> None:
    card = Scorecard(intercept=0, features=(FEATURE,))
    codes = card.code(columns_of([LeadFeatures({"plan": "paid"}), LeadFeatures({})]))

    assumed = with_assumed_uncertainty(card)

    np.testing.assert_array_equal(assumed.logits(codes), card.logits(codes))
    assert assess_many(assumed, codes).confidence[0] > assess_many(assumed, codes).confidence[1]


def test_no_leads_are_no_assessments() -> None:
    assert len(assess_many(CARD, np.zeros((0, 1), np.uint8)).probability) == 0
