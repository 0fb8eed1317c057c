import numpy as np
import pytest

from policies.binned import CategoricalFeature
from policies.confidence import assess_many
from policies.features import LeadFeatures, columns_of
from policies.industries import INDUSTRIES
from policies.job_titles import FUNCTIONS, SENIORITIES
from policies.scorecard import Scorecard
from policies.templates import Industry, template

GOOD = LeadFeatures(
    {
        "seniority": "c_level",
        "function": "executive",
        "email_kind": "work",
        "has_phone": True,
        "company_size": "201-1000",
        "source": "referral",
        "TotalVisits": "7",
        "Total Time Spent on Website": 1400,
    }
)
BAD = LeadFeatures(
    {
        "seniority": "student",
        "function": "design",
        "email_kind": "free",
        "has_phone": False,
        "source": "purchased list",
        "TotalVisits": 0,
    }
)


@pytest.mark.parametrize("industry", Industry)
def test_every_industry_prefers_the_decision_maker_who_came_back(industry: Industry) -> None:
    card = template(industry)

    assert card.logit(GOOD) > card.logit(BAD) + 1
    assert Scorecard.model_validate_json(card.model_dump_json()) == card


@pytest.mark.parametrize("industry", Industry)
def test_templates_use_the_words_of_the_enricher(industry: Industry) -> None:
    known = {"seniority": SENIORITIES, "function": FUNCTIONS, "industry": INDUSTRIES}

    for feature in template(industry).features:
        if feature.name in known and isinstance(feature, CategoricalFeature):
            assert set(feature.levels) <= set(known[feature.name])


def test_templates_differ() -> None:
    assert len({template(industry).model_dump_json() for industry in Industry}) == len(Industry)


def test_a_lead_of_which_nothing_is_known_has_the_base_rate_and_no_certain_tier() -> None:
    card = template(Industry.SOFTWARE, base_rate=0.4)
    found = assess_many(card, np.zeros((1, len(card.features)), np.uint8))

    assert found.probability[0] == pytest.approx(0.4)
    assert found.low[0] < 0.3
    assert found.high[0] > 0.6
    assert found.confidence[0] < 0.6


def test_a_template_is_the_same_every_time() -> None:
    assert template(Industry.GENERAL) == template(Industry.GENERAL)


def test_what_is_known_makes_the_score_surer() -> None:
    card = template(Industry.GENERAL)
    found = assess_many(card, card.code(columns_of([LeadFeatures({"seniority": "vp"}), GOOD])))

    assert found.confidence[1] > found.confidence[0]
