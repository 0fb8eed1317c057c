import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.algorithm import Ensemble, Learned, NotFitted, Rubric, Template
from policies.features import LeadFeatures
from policies.rubric import Judgement, Tag
from policies.scoring import MOST_GAIN, Algorithm, Evidence, score_one
from policies.templates import Industry

BOSS = LeadFeatures({"seniority": "c_level", "email_kind": "business", "has_phone": True})
STUDENT = LeadFeatures({"seniority": "student", "email_kind": "free"})
TEMPLATE = Template(industry=Industry.GENERAL)
ENSEMBLE = Ensemble(base=TEMPLATE)


def judged(logit: float, *, unknown: float = 0.0, reasoning: str = "") -> Evidence:
    judgement = Judgement(
        levels={"fit": 3, "authority": 3, "need": 3, "intent": 3, "timing": None},
        logit=logit,
        unknown=unknown,
        tags=(Tag.HIGH_INTENT,),
        follow_ups=("Call her on Monday.",),
        reasoning=reasoning,
    )
    return Evidence(judgement)


def test_a_decision_maker_outscores_a_student() -> None:
    assert score_one(TEMPLATE, BOSS).score > score_one(TEMPLATE, STUDENT).score


def test_the_interval_surrounds_the_score_and_everything_is_in_range() -> None:
    for lead in (BOSS, STUDENT, LeadFeatures({})):
        found = score_one(ENSEMBLE, lead, judged(0.4))
        assert 0 <= found.low <= found.score <= found.high <= 100
        assert 0 <= found.confidence <= 1


def test_a_lead_of_which_nothing_is_known_is_scored_and_says_so() -> None:
    found = score_one(TEMPLATE, LeadFeatures({}))

    assert Tag.INCOMPLETE_DATA in found.tags
    assert any("Find out" in step for step in found.follow_ups)


def test_good_evidence_raises_and_bad_evidence_lowers_the_score() -> None:
    alone = Ensemble(base=TEMPLATE, rubric=Rubric(weight=0))
    middle = score_one(alone, STUDENT).score

    assert score_one(ENSEMBLE, STUDENT, judged(1.5)).score > middle
    assert score_one(ENSEMBLE, BOSS, judged(-1.5)).score < score_one(alone, BOSS).score


def test_without_gpt4_the_score_stands_is_less_sure_and_says_why() -> None:
    asked = score_one(ENSEMBLE, BOSS, judged(0.0))
    absent = score_one(ENSEMBLE, BOSS, Evidence(absent="no key is set"))

    assert absent.judges == ("scorecard",)
    assert "Without GPT-4 (no key is set)" in absent.reasoning
    assert absent.high - absent.low > asked.high - asked.low
    assert absent.confidence <= asked.confidence


def test_judges_that_disagree_make_the_score_less_sure() -> None:
    agreeing = score_one(ENSEMBLE, BOSS, judged(1.0))
    opposed = score_one(ENSEMBLE, BOSS, judged(-1.0))

    assert opposed.high - opposed.low > agreeing.high - agreeing.low


@given(logit=st.floats(-20, 20))
def test_no_answer_of_the_model_lifts_a_lead_beyond_the_cap(logit: float) -> None:
    alone = score_one(ENSEMBLE, STUDENT, Evidence())
    found = score_one(ENSEMBLE, STUDENT, judged(logit))

    assert found.probability <= alone.probability + MOST_GAIN + 1e-6
    if logit > 10:
        assert Tag.NEEDS_REVIEW in found.tags


def test_an_algorithm_without_rubric_never_asks_and_is_not_less_sure_for_it() -> None:
    assert not Algorithm(TEMPLATE).asks_rubric
    assert Algorithm(ENSEMBLE).asks_rubric
    assert "GPT-4" not in score_one(TEMPLATE, BOSS).reasoning


def test_the_reasons_name_what_moved_the_score_most() -> None:
    found = score_one(TEMPLATE, BOSS)

    assert found.parts[0].name in found.reasoning
    assert [abs(part.points) for part in found.parts] == sorted(
        (abs(part.points) for part in found.parts), reverse=True
    )


def test_many_leads_score_as_each_alone() -> None:
    algorithm = Algorithm(ENSEMBLE)
    evidence = [judged(0.7), Evidence(absent="it is away"), judged(-0.2, unknown=0.5)]
    leads = [BOSS, STUDENT, LeadFeatures({})]

    together = algorithm.score(leads, evidence)

    for one, lead, found in zip(together, leads, evidence, strict=True):
        alone = algorithm.score([lead], [found])[0]
        assert (one.score, one.tier) == (alone.score, alone.tier)
        assert one.confidence == pytest.approx(alone.confidence)


def test_trees_move_the_score_and_the_scorecard_explains() -> None:
    algorithm = Algorithm(TEMPLATE)
    base = algorithm.card.logits(algorithm.code([BOSS]))

    higher = algorithm.score([BOSS], [Evidence()], base_logits=base + np.array([1.0]))[0]

    assert higher.probability > score_one(TEMPLATE, BOSS).probability
    assert higher.parts == score_one(TEMPLATE, BOSS).parts


def test_an_algorithm_that_was_never_fitted_says_what_to_do() -> None:
    with pytest.raises(NotFitted, match="fit it"):
        score_one(Learned(), BOSS)
