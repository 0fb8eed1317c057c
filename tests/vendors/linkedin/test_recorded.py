"""LinkedIn's adapter and the answers of its reference, good and odd."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.errors import VendorError
from agents.vendors.linkedin import LinkedIn
from policies.linkedin_forms import FormPage
from tests.vendors import odd

ACCOUNT = "urn:li:sponsoredAccount:512345"
WINDOW = (datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 25, tzinfo=UTC))
FORM: dict[str, Any] = {
    "id": 7001,
    "versionId": 2,
    "name": "Demo request",
    "state": "PUBLISHED",
    "owner": {"sponsoredAccount": ACCOUNT},
    "creationLocale": {"country": "US", "language": "en"},
    "hiddenFields": [{"name": "campaign", "value": "fall"}],
    "content": {
        "questions": [
            {
                "questionId": 1,
                "name": "email",
                "predefinedField": "WORK_EMAIL",
                "question": {"localized": {"en_US": "Work email"}},
                "questionDetails": {"textQuestionDetails": {}},
            },
            {
                "questionId": 2,
                "name": "size",
                "question": {"localized": {"en_US": "Team size"}},
                "questionDetails": {
                    "multipleChoiceQuestionDetails": {
                        "options": [
                            {"id": 1, "text": {"localized": {"en_US": "1-10"}}},
                            {"id": 2, "text": {"localized": {"en_US": "11-50"}}},
                        ]
                    }
                },
            },
        ],
        "legalInfo": {"consents": [{"id": 9, "consent": {"localized": {"en_US": "Contact me"}}}]},
    },
}
RESPONSE: dict[str, Any] = {
    "id": "0f3b7c1e-1111-4222-8333-444455556666-3",
    "leadType": "SPONSORED",
    "testLead": False,
    "submittedAt": 1795299000000,
    "owner": {"sponsoredAccount": ACCOUNT},
    "submitter": "urn:li:person:aBcD",
    "versionedLeadGenFormUrn": "urn:li:versionedLeadGenForm:(urn:li:leadGenForm:7001,2)",
    "leadMetadata": {"sponsoredLeadMetadata": {"campaign": "urn:li:sponsoredCampaign:99"}},
    "associatedEntity": {"associatedCreative": "urn:li:sponsoredCreative:88"},
    "formResponse": {
        "answers": [
            {
                "questionId": 1,
                "answerDetails": {"textQuestionAnswer": {"answer": "mina@acme.example"}},
            },
            {"questionId": 2, "answerDetails": {"multipleChoiceAnswer": {"options": [2]}}},
        ],
        "consentResponses": [{"consentId": 9, "accepted": True}],
    },
}
FORMS = {"paging": {"start": 0, "count": 10, "total": 1}, "elements": [FORM]}


def linkedin(forms: object, responses: object, status: int = 200) -> LinkedIn:
    def reply(request: httpx.Request) -> httpx.Response:
        about_forms = request.url.path.endswith("/leadForms")
        told = forms if about_forms else responses
        return httpx.Response(200 if about_forms else status, content=odd.raw(told))

    return LinkedIn(
        "sandbox-token",
        (ACCOUNT,),
        "202610",
        base_url="https://linkedin.example/rest",
        http_client=odd.client(reply),
    )


def listed(*responses: object) -> dict[str, Any]:
    return {"elements": list(responses), "paging": {"total": len(responses)}}


async def polled(*responses: object, forms: object = FORMS) -> FormPage:
    return await linkedin(forms, listed(*responses)).import_leads(ACCOUNT, *WINDOW)


async def test_the_response_of_the_reference_becomes_a_lead() -> None:
    page = await polled(RESPONSE)

    (lead,) = page.leads
    assert lead.draft is not None
    assert lead.draft.person.email == "mina@acme.example"
    assert lead.draft.attributes == {
        "size": "11-50",
        "campaign": "fall",
        "linkedin form": "Demo request",
        "linkedin campaign": "99",
        "linkedin creative": "88",
    }
    assert [(each.id, each.given, each.text) for each in lead.consents] == [(9, True, "Contact me")]
    assert lead.submitted_at == datetime.fromtimestamp(1795299000, UTC)
    assert (page.next, page.tests, page.unreadable) == (None, 0, 0)


async def test_a_test_is_no_lead() -> None:
    page = await polled({**RESPONSE, "testLead": True}, {**RESPONSE, "testLead": "true"})

    assert (list(page.leads), page.tests) == ([], 2)


@pytest.mark.parametrize(
    "changed",
    [{"id": None}, {"id": "../x"}, {"submittedAt": None}, {"submittedAt": 10**20}],
)
async def test_a_response_that_is_odd_is_left_out_and_counted_and_the_others_stay(
    changed: dict[str, object],
) -> None:
    page = await polled({**RESPONSE, **changed}, RESPONSE, 7)

    assert len(page.leads) == 1
    assert page.unreadable == 2


async def test_a_form_that_is_odd_costs_no_lead() -> None:
    odd_forms = {"elements": [{**FORM, "versionId": None}, 7]}

    page = await polled(RESPONSE, forms=odd_forms)

    (lead,) = page.leads
    assert lead.draft is not None
    assert lead.draft.person.email == "mina@acme.example"
    assert "cannot be had" in lead.problems[0].problem


async def test_an_odd_question_or_answer_costs_only_itself() -> None:
    questions = [{"questionId": None}, *FORM["content"]["questions"]]
    form = {**FORM, "content": {**FORM["content"], "questions": questions}}
    answers = [{"questionId": "x"}, None, *RESPONSE["formResponse"]["answers"]]
    response = {**RESPONSE, "formResponse": {"answers": answers}}

    page = await polled(response, forms={"elements": [form]})

    (lead,) = page.leads
    assert lead.draft is not None
    assert lead.draft.attributes["size"] == "11-50"
    assert not lead.consents[0].given


@pytest.mark.parametrize("cursor", ["EVENT:0", "SPONSORED:x", "SPONSORED"])
async def test_a_cursor_that_is_none_of_ours_is_refused(cursor: str) -> None:
    with pytest.raises(VendorError, match="the cursor"):
        await linkedin(FORMS, listed()).import_leads(ACCOUNT, *WINDOW, cursor)


async def broken_by(forms: object, responses: object, status: int = 200) -> set[str]:
    adapter = linkedin(forms, responses, status)
    calls = (
        adapter.import_leads(ACCOUNT, *WINDOW),
        adapter.lead("0f3b7c1e-3"),
        adapter.forms(ACCOUNT),
        adapter.get_usage_stats(),
    )
    return await odd.refused_by(calls)


forms_of_any_kind = odd.spoiled(FORMS) | odd.JSON
responses_of_any_kind = odd.spoiled(listed(RESPONSE)) | odd.spoiled(RESPONSE) | odd.JSON


@given(forms_of_any_kind, responses_of_any_kind, st.sampled_from([200, 200, 404, 426, 429]))
async def test_no_answer_breaks_it(forms: object, responses: object, status: int) -> None:
    assert await broken_by(forms, responses, status) <= {"linkedin"}


async def test_no_document_on_the_edge_of_json_breaks_it(shared: Path) -> None:
    for document in odd.documents(shared):
        assert await broken_by(document, document) == {"linkedin"}
