"""The sandbox's LinkedIn answers the exchanges of the reference, and is as strict as it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from scripts.sandbox.linkedin.responses import LeadBook
from scripts.sandbox.market.world import World
from scripts.sandbox.process import SandboxError, SandboxProcess
from tests.sandbox.linkedin.conftest import HEADERS, OWNER
from tests.sandbox.linkedin.facts import Collection, Error, Form, Response

SPONSORED = "leadType=(leadType:SPONSORED)"
FORMS = f"/leadForms?q=owner&{OWNER}"
RESPONSES = f"/leadFormResponses?q=owner&{OWNER}&{SPONSORED}"


class Forms(Collection[Form]):
    pass


class Responses(Collection[Response]):
    pass


def responses(linkedin: httpx.Client, more: str = "") -> Responses:
    answer = linkedin.get(RESPONSES + more)
    assert answer.status_code == 200, answer.text
    return Responses.model_validate(answer.json())


def submit(sandbox: SandboxProcess, **order: Any) -> list[dict[str, Any]]:
    return sandbox.tell("linkedin", "submit", **order)["responses"]


def answers(form: Form, response: Response) -> Mapping[str, str]:
    """What a response says, by the predefined fields of its form."""
    fields = {q.questionId: q.predefinedField for q in form.content.questions}
    told: dict[str, str] = {}
    for answer in response.formResponse.answers:
        text, name = answer.answerDetails.textQuestionAnswer, fields[answer.questionId]
        if text is not None and name is not None:
            told[name] = text.answer
    return told


def test_forms_are_told_with_every_version(linkedin: httpx.Client) -> None:
    forms = Forms.model_validate(linkedin.get(FORMS).json()).elements

    assert [(form.id, form.versionId) for form in forms] == [(7001, 1), (7001, 2), (7002, 1)]
    old, new = forms[:2]
    by_id = [{q.questionId: q.predefinedField for q in f.content.questions} for f in (old, new)]
    assert by_id[0][3] != by_id[1][3]
    assert Form.model_validate(linkedin.get("/leadForms/7001").json()) == new
    assert linkedin.get("/leadForms/1").status_code == 404


def test_a_response_carries_ids_that_its_form_explains(
    linkedin: httpx.Client, sources: SandboxProcess, world: World
) -> None:
    submitted = submit(sources, count=8, form=7001)
    forms = Forms.model_validate(linkedin.get(FORMS).json()).elements
    by_urn = {
        f"urn:li:versionedLeadGenForm:(urn:li:leadGenForm:{form.id},{form.versionId})": form
        for form in forms
    }

    for one in submitted:
        answer = linkedin.get(f"/leadFormResponses/{one['id']}")
        response = Response.model_validate(answer.json())
        told = answers(by_urn[response.versionedLeadGenFormUrn], response)
        person = world.person(one["person"])
        assert told["WORK_EMAIL"].lower() == person.email
        assert told["LAST_NAME"].strip() == person.last_name
        assert told["JOB_TITLE"] == person.job.title
        assert "answerDetails" in answer.json()["formResponse"]["answers"][0]


def test_responses_come_newest_first_page_by_page(
    linkedin: httpx.Client, sources: SandboxProcess
) -> None:
    submitted = submit(sources, count=7)
    seen: list[Response] = []
    more = "&count=3&start=0"
    while True:
        page = responses(linkedin, more)
        seen += page.elements
        if not page.paging.links:
            break
        (link,) = page.paging.links
        assert link["rel"] == "next"
        more = "&" + "&".join(link["href"].split("&")[-2:])

    assert page.paging.total == 7
    assert [one.id for one in seen] == [one["id"] for one in reversed(submitted)]
    assert [one.submittedAt for one in seen] == sorted(
        (one.submittedAt for one in seen), reverse=True
    )


def test_a_window_of_time_is_asked_for_in_milliseconds(
    linkedin: httpx.Client, sources: SandboxProcess
) -> None:
    submit(sources, count=4)
    times = [one.submittedAt for one in responses(linkedin).elements]

    told = responses(linkedin, f"&submittedAtTimeRange=(start:{times[2]},end:{times[1]})")

    assert [one.submittedAt for one in told.elements] == times[1:3]
    assert responses(linkedin, f"&submittedAtTimeRange=(start:{times[0] + 1})").elements == []


def test_a_test_lead_is_marked_and_can_be_asked_for_alone(
    linkedin: httpx.Client, sources: SandboxProcess
) -> None:
    submit(sources, count=2, tests=1)

    assert len(responses(linkedin, "&limitedToTestLeads=false").elements) == 3
    (test,) = responses(linkedin, "&limitedToTestLeads=true").elements
    assert test.testLead


def test_one_version_of_a_form_can_be_asked_for(
    linkedin: httpx.Client, sources: SandboxProcess
) -> None:
    submit(sources, count=2, form=7001, version=1)
    submit(sources, count=1, form=7001, version=2)
    urn = "urn%3Ali%3AversionedLeadGenForm%3A%28urn%3Ali%3AleadGenForm%3A7001%2C1%29"

    told = responses(linkedin, f"&versionedLeadGenFormUrn={urn}").elements

    assert len(told) == 2
    assert {one.versionedLeadGenFormUrn[-2] for one in told} == {"1"}


def test_an_organisations_leads_are_its_own(
    linkedin: httpx.Client, sources: SandboxProcess
) -> None:
    urn = "urn:li:organization:2414183"
    submit(sources, count=1, owner=urn)
    owner = f"owner=(organization:{urn.replace(':', '%3A')})"

    told = linkedin.get(f"/leadFormResponses?q=owner&{owner}&leadType=(leadType:COMPANY)")

    (one,) = Responses.model_validate(told.json()).elements
    assert one.owner.organization == urn
    assert responses(linkedin).elements == []


def test_a_deleted_response_is_gone(linkedin: httpx.Client, sources: SandboxProcess) -> None:
    (kept,) = submit(sources, count=1)
    (gone,) = submit(sources, count=1, deleted=True)
    assert gone["deleted"]

    answer = linkedin.get(f"/leadFormResponses/{gone['id']}")
    assert Error.model_validate(answer.json()).status == answer.status_code == 404
    assert sources.tell("linkedin", "delete", ids=[kept["id"], "x"])["deleted"] == [kept["id"]]
    assert responses(linkedin).elements == []
    assert sources.book("linkedin")["by_response"][kept["id"]]["deleted"]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        (f"q=owner&{OWNER}", 200),
        (f"q=owner&{OWNER}&count=100&start=5", 200),
        ("q=owner&owner=%28sponsoredAccount%3Aurn%3Ali%3AsponsoredAccount%3A512345%29", 400),
        ("q=owner&owner=(sponsoredAccount:urn:li:sponsoredAccount:512345)", 400),
        ("q=owner&owner=(sponsoredAccount%3Aurn%3Ali%3AsponsoredAccount%3A512345)", 400),
        ("q=owner&owner=urn%3Ali%3AsponsoredAccount%3A512345", 400),
        ("q=owner&owner=(sponsoredAccount:urn%3Ali%3AsponsoredAccount%3A512345", 400),
        ("q=owner", 400),
        (OWNER, 400),
        (f"q=criteria&{OWNER}", 400),
        (f"q=owner&{OWNER}&colour=red", 400),
        (f"q=owner&{OWNER}&{OWNER}", 400),
        (f"q=owner&{OWNER}&count=101", 400),
        (f"q=owner&{OWNER}&start=-1", 400),
        ("q=owner&owner=(sponsoredAccount:urn%3Ali%3AsponsoredAccount%3A1)", 403),
        ("q=owner&owner=(organization:urn%3Ali%3AsponsoredAccount%3A512345)", 403),
    ],
)
def test_a_query_is_encoded_as_rest_li_wants_it(
    linkedin: httpx.Client, query: str, status: int
) -> None:
    # Bytes, so that the client does not encode what we want to send bare.
    url = httpx.URL(str(linkedin.base_url), raw_path=f"/linkedin/rest/leadForms?{query}".encode())

    answer = linkedin.get(url)

    assert answer.status_code == status, answer.text
    if status != 200:
        assert Error.model_validate(answer.json()).status == status


def test_a_long_query_may_come_by_post(linkedin: httpx.Client) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    tunnel = {**form, "x-http-method-override": "GET"}
    body = f"q=owner&{OWNER}"

    answer = linkedin.post("/leadForms", content=body, headers=tunnel)

    assert answer.json() == linkedin.get(FORMS).json()
    assert linkedin.post("/leadForms", content=body, headers=form).status_code == 400


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"linkedin-version": None}, 400, "VERSION_MISSING"),
        ({"linkedin-version": "2026-10"}, 400, "INVALID_VERSION"),
        ({"linkedin-version": "202401"}, 426, "NONEXISTENT_VERSION"),
        ({"x-restli-protocol-version": None}, 400, "ILLEGAL_ARGUMENT"),
        ({"authorization": None}, 401, "EMPTY_ACCESS_TOKEN"),
        ({"authorization": "Bearer AQV-real"}, 401, "INVALID_ACCESS_TOKEN"),
    ],
)
def test_headers_are_required(
    linkedin: httpx.Client, changed: dict[str, str | None], status: int, code: str
) -> None:
    headers = {name: value for name, value in {**HEADERS, **changed}.items() if value}

    answer = httpx.get(f"{linkedin.base_url}{FORMS[1:]}", headers=headers, trust_env=False)

    assert (answer.status_code, Error.model_validate(answer.json()).code) == (status, code)
    assert "AQV" not in answer.text


@pytest.mark.parametrize(
    ("mode", "service"), [("token_expired", 65602), ("token_invalid", 65601), ("denied", 100)]
)
def test_what_is_wrong_with_a_token_has_a_number(
    linkedin: httpx.Client, sources: SandboxProcess, mode: str, service: int
) -> None:
    sources.arm(mode, vendor="linkedin")

    answers = [linkedin.get(FORMS) for _ in range(2)]

    first = Error.model_validate(answers[0].json())
    assert first.status == answers[0].status_code == (403 if mode == "denied" else 401)
    assert first.serviceErrorCode == service
    assert (answers[1].status_code == 200) is (mode == "token_expired")


def test_the_days_limit_is_a_429_without_a_hint(
    linkedin: httpx.Client, sources: SandboxProcess
) -> None:
    sources.set("linkedin", per_day=1)

    answers = [linkedin.get(FORMS) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 429]
    assert "Retry-After" not in answers[1].headers
    told = Error.model_validate(answers[1].json())
    assert told.message == "Resource level throttle limit for calls to this resource is reached."
    assert sources.book("linkedin")["throttled"] == 1


def test_an_access_token_is_fetched_with_a_form(
    sources: SandboxProcess, linkedin: httpx.Client
) -> None:
    client = {"client_id": "sandbox-app", "client_secret": "sandbox-linkedin-secret"}
    url = f"{sources.url}/linkedin/oauth/v2/accessToken"
    form = {"grant_type": "refresh_token", "refresh_token": "sandbox-refresh", **client}

    told = httpx.post(url, data=form, trust_env=False).json()

    assert told["expires_in"] == 60 * 86400
    headers = {"authorization": f"Bearer {told['access_token']}"}
    assert linkedin.get(FORMS, headers=headers).status_code == 200
    wrong = httpx.post(url, data={**form, "client_secret": "real"}, trust_env=False)
    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")


def test_responses_and_subscriptions_survive_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "book.jsonl.linkedin"
    book = LeadBook(path)
    for number in range(3):
        book.add({"id": f"r{number}", "testLead": False}, number)
    book.delete("r1")
    for key in (4001, 4002):
        book.keep({"hook": {"id": key}})
    book.keep({"unhooked": 4001})
    before = book.shown()
    book.close()

    again = LeadBook(path)

    assert again.shown() == before
    assert list(again.responses) == ["r0", "r2"]
    assert again.hooks == {4002: {"id": 4002}}
    again.close()


def test_an_order_that_makes_no_sense_is_refused(sources: SandboxProcess) -> None:
    for order, says in (
        ({"count": -1}, "count"),
        ({"colour": "red"}, "colour"),
        ({"form": 1}, "no such form"),
        ({"owner": "urn:li:organization:1"}, "owner: there are urn:li:sponsoredAccount:512345"),
    ):
        with pytest.raises(SandboxError, match=says):
            submit(sources, **order)
