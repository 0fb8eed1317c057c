"""The sandbox's model has read the lead: its levels follow the document, its quotes stand in it."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.features import Value
from policies.rubric import Judgement, RubricAnswer, Tag, judge, lead_document
from scripts.sandbox.openai.leads import judged


def judgement(seed: int = 0, **values: Value) -> Judgement:
    document = lead_document({name.replace("_", " "): value for name, value in values.items()})
    return judge(RubricAnswer.model_validate(judged(document, Random(seed))), document)


def mean_logit(**values: Value) -> float:
    return sum(judgement(seed, **values).logit for seed in range(50)) / 50


def test_a_busy_decision_maker_is_judged_above_a_student_who_looks_around() -> None:
    buyer = {
        "job title": "Chief Marketing Officer",
        "message": "We are looking for a demo this month, the budget is approved",
        "Total Time Spent on Website": 1300,
        "industry": "retail",
    }
    student = {
        "What is your current occupation": "Student",
        "message": "just browsing, maybe next year",
        "Total Time Spent on Website": 0,
    }

    assert mean_logit(**buyer) > 1.5
    assert mean_logit(**student) < -1.0


def test_more_time_on_the_website_means_more_intent() -> None:
    seconds = (0, 60, 300, 700, 2000)
    logits = [mean_logit(**{"Total Time Spent on Website": s}) for s in seconds]

    assert logits == sorted(logits)


def test_what_the_document_does_not_say_is_unknown() -> None:
    empty = judgement(City="Mumbai")

    assert set(empty.levels.values()) == {None}
    assert Tag.INCOMPLETE_DATA in empty.tags


def test_a_word_against_the_lead_is_quoted_as_a_disqualifier() -> None:
    against = judgement(message="Hello, I am looking for a job in your sales team")

    assert against.disqualifiers
    assert "looking for a job" in against.disqualifiers[0]


def test_the_seed_moves_some_levels_and_the_same_seed_none() -> None:
    lead = {"job title": "VP Sales", "message": "need a quote asap"}
    levels = [tuple(judgement(seed, **lead).levels.values()) for seed in range(40)]

    assert 1 < len(set(levels)) < 30
    assert judgement(3, **lead) == judgement(3, **lead)


@given(
    st.dictionaries(
        st.sampled_from(["job title", "message", "Total Visits", "employees", "industry", "x"]),
        st.text(max_size=400)
        | st.integers(-5, 5000)
        | st.floats(0, 1e6)
        | st.booleans()
        | st.sampled_from(["CEO", "we need it this week " * 20, "student, not interested"]),
    ),
    st.integers(),
)
def test_every_level_is_supported_by_its_quote(values: dict[str, Value], seed: int) -> None:
    document = lead_document(values)
    answer = RubricAnswer.model_validate(judged(document, Random(seed)))

    levels = judge(answer, document).levels

    assert levels == {given.id: given.level for given in answer.criteria}
    assert all(len(given.evidence) <= 120 for given in answer.criteria)


@pytest.mark.parametrize("document", ["", "no json", '{"lead": [1]}', '{"other": 1}', "[]"])
def test_a_document_of_another_shape_is_judged_as_text(document: str) -> None:
    RubricAnswer.model_validate(judged(document, Random(0)))
