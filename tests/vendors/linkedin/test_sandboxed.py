"""LinkedIn's adapter against a server that plays Lead Sync, and fails in every way we know."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

import httpx
import pytest

from agents.vendors.answers import NOT_THE_VENDOR
from agents.vendors.linkedin import BUSY, LinkedIn
from agents.vendors.refusals import AWAY
from policies.linkedin_forms import FormLead
from scripts.sandbox.process import KEY, SandboxProcess
from tests.vendors.failing import IMPATIENCE, PATIENCE, failure

VENDOR = "linkedin"
VERSION = "202610"
ACCOUNT = "urn:li:sponsoredAccount:512345"
ORGANISATION = "urn:li:organization:2414183"
ALWAYS = (datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
LONG_AGO = (datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 1, 2, tzinfo=UTC))
Method = Callable[[LinkedIn], Awaitable[object]]


METHODS: dict[str, Method] = {
    "import": lambda linkedin: linkedin.import_leads(ACCOUNT, *ALWAYS),
    "lead": lambda linkedin: linkedin.lead("0f3b7c1e-3"),
    "forms": lambda linkedin: linkedin.forms(ACCOUNT),
    "usage": lambda linkedin: linkedin.get_usage_stats(),
    "subscribe": lambda linkedin: linkedin.subscribe(ACCOUNT, "SPONSORED", "https://a.example/x"),
}
every_method = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)


def submit(sandbox: SandboxProcess, **order: object) -> list[dict[str, Any]]:
    """Have people fill in forms, and return what the server knows of each response."""
    url = f"{sandbox.url}/_sandbox/linkedin/submit"
    answer = httpx.post(url, json={"notify": False, **order}, trust_env=False)
    assert answer.is_success, answer.text
    return answer.json()["responses"]


def delete(sandbox: SandboxProcess, response_id: str) -> None:
    url = f"{sandbox.url}/_sandbox/linkedin/delete"
    httpx.post(url, json={"ids": [response_id], "notify": False}, trust_env=False)


def made(
    sandbox: SandboxProcess, *, version: str = VERSION, timeout: timedelta = PATIENCE
) -> LinkedIn:
    owners = (ACCOUNT, ORGANISATION)
    return LinkedIn(KEY, owners, version, base_url=sandbox.vendor_urls[VENDOR], timeout=timeout)


@pytest.fixture
async def linkedin(sandbox: SandboxProcess) -> AsyncGenerator[LinkedIn]:
    adapter = made(sandbox)
    yield adapter
    await adapter.close()


async def polled(linkedin: LinkedIn, owner: str) -> list[FormLead]:
    leads: list[FormLead] = []
    cursor: str | None = None
    while True:
        page = await linkedin.import_leads(owner, *ALWAYS, cursor)
        assert page.unreadable == 0
        leads += page.leads
        cursor = page.next
        if cursor is None:
            return leads


async def test_a_poll_brings_every_response_of_every_version_and_no_test(
    linkedin: LinkedIn, sandbox: SandboxProcess
) -> None:
    told = submit(sandbox, count=230, tests=20)

    leads = await polled(linkedin, ACCOUNT)

    real = {one["id"] for one in told if not one["test"]}
    assert {lead.response_id for lead in leads} == real
    assert len(leads) == 230
    for lead in leads:
        assert lead.draft is not None
        assert lead.draft.external_id == lead.response_id
        assert lead.draft.person.email
        assert lead.draft.person.first_name
        assert lead.draft.person.last_name
        assert {consent.id for consent in lead.consents} == {9, 10}
        assert all(consent.text_hash for consent in lead.consents)
    assert len({lead.form_urn for lead in leads}) == 3


async def test_an_answer_is_read_with_the_version_that_was_answered(
    linkedin: LinkedIn, sandbox: SandboxProcess
) -> None:
    submit(sandbox, count=1, form=7001, version=1)
    submit(sandbox, count=1, form=7001, version=2)

    for lead in await polled(linkedin, ACCOUNT):
        draft = lead.draft
        assert draft is not None
        assert "@" in (draft.person.email or "")
        assert draft.person.last_name not in {None, draft.title}
        assert draft.title
    operations = [entry["operation"] for entry in sandbox.book(VENDOR)["log"]]
    assert operations.count("leadForms") == 1


async def test_the_forms_of_an_organisation_are_read_too(
    linkedin: LinkedIn, sandbox: SandboxProcess
) -> None:
    told = submit(sandbox, count=3, owner=ORGANISATION)

    leads = await polled(linkedin, ORGANISATION)

    assert {lead.response_id for lead in leads} == {one["id"] for one in told}
    assert {lead.lead_type for lead in leads} == {"COMPANY"}


async def test_only_what_was_submitted_in_the_stretch_is_brought(
    linkedin: LinkedIn, sandbox: SandboxProcess
) -> None:
    submit(sandbox, count=3)

    page = await linkedin.import_leads(ACCOUNT, *LONG_AGO)

    assert (list(page.leads), page.next) == ([], None)


async def test_one_response_is_had_by_its_id(linkedin: LinkedIn, sandbox: SandboxProcess) -> None:
    (told,) = submit(sandbox, count=1)

    lead = await linkedin.lead(told["id"])

    assert lead is not None
    assert lead.draft is not None
    assert lead.owner == ACCOUNT
    assert [lead] == await polled(linkedin, ACCOUNT)


async def test_what_was_deleted_or_is_a_test_is_nobody(
    linkedin: LinkedIn, sandbox: SandboxProcess
) -> None:
    gone, test = submit(sandbox, count=1, tests=1)
    delete(sandbox, gone["id"])

    assert await linkedin.lead(gone["id"]) is None
    assert await linkedin.lead(test["id"]) is None
    assert await linkedin.lead("never-was") is None
    assert await polled(linkedin, ACCOUNT) == []


async def test_a_version_that_has_ended_names_its_setting(sandbox: SandboxProcess) -> None:
    for version, words in (("202401", "set LINKEDIN_VERSION to a later month"), ("", "status 400")):
        adapter = made(sandbox, version=version)

        error = await failure(adapter.forms(ACCOUNT))

        assert error.retry_after is None
        assert words in str(error)
        await adapter.close()


async def test_an_owner_that_is_none_is_not_asked_for(
    linkedin: LinkedIn, sandbox: SandboxProcess
) -> None:
    error = await failure(linkedin.forms("urn:li:person:1)&q=all"))

    assert "check LINKEDIN_OWNERS" in str(error)
    assert sandbox.book(VENDOR)["requests"] == 0


async def test_a_webhook_is_subscribed(linkedin: LinkedIn) -> None:
    assert await linkedin.subscribe(ACCOUNT, "SPONSORED", "https://leads.example/hook")


# LinkedIn's 429 never says how long to wait.
TURNED_AWAY = [
    ("429", BUSY, True, False),
    ("429_date", BUSY, True, False),
    ("429_no_header", BUSY, True, False),
    ("500", AWAY, False, True),
    ("503", AWAY, False, True),
    ("html", NOT_THE_VENDOR, False, True),
    ("disconnect", AWAY, False, True),
]


@every_method
@pytest.mark.parametrize(("mode", "wait", "throttled", "in_doubt"), TURNED_AWAY)
async def test_what_was_turned_away_says_when_to_come_back(
    linkedin: LinkedIn,
    sandbox: SandboxProcess,
    method: Method,
    mode: str,
    wait: timedelta,
    throttled: bool,
    in_doubt: bool,
) -> None:
    sandbox.arm(mode, vendor=VENDOR)

    error = await failure(method(linkedin))

    assert error.retry_after == wait
    assert (error.throttled, error.in_doubt) == (throttled, in_doubt)


@pytest.mark.parametrize("name", ["import", "lead", "forms", "usage"])
@pytest.mark.parametrize("mode", ["wrong_shape", "slow", "drip", "truncated", "cut_json"])
async def test_an_answer_that_is_none_is_asked_for_again_later(
    sandbox: SandboxProcess, name: str, mode: str
) -> None:
    (told,) = submit(sandbox, count=1)
    sandbox.arm(mode, vendor=VENDOR, delay=1.0)
    adapter = made(sandbox, timeout=IMPATIENCE)
    method = METHODS[name] if name != "lead" else lambda adapter: adapter.lead(told["id"])

    error = await failure(method(adapter))

    assert error.retry_after is not None
    await adapter.close()


@every_method
@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("token_invalid", "check LINKEDIN_ACCESS_TOKEN"),
        ("token_expired", "check LINKEDIN_ACCESS_TOKEN"),
        ("denied", "check its plan and permissions"),
    ],
)
async def test_what_only_an_operator_can_mend_names_the_setting(
    linkedin: LinkedIn, sandbox: SandboxProcess, method: Method, mode: str, words: str
) -> None:
    sandbox.arm(mode, vendor=VENDOR)

    error = await failure(method(linkedin))

    assert error.retry_after is None
    assert words in str(error)


async def test_the_query_keeps_its_parentheses_and_encodes_its_urns() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"elements": []})

    client = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    adapter = LinkedIn(KEY, (ACCOUNT,), VERSION, http_client=client)
    start = datetime(2026, 11, 20, tzinfo=UTC)

    await adapter.import_leads(ACCOUNT, start, start + timedelta(days=1))

    query = seen[0].url.query.decode()
    assert query == (
        "q=owner&owner=(sponsoredAccount:urn%3Ali%3AsponsoredAccount%3A512345)"
        "&leadType=(leadType:SPONSORED)&limitedToTestLeads=false"
        "&submittedAtTimeRange=(start:1795132800000,end:1795219200000)&count=100&start=0"
    )
    assert unquote(query).count(ACCOUNT) == 1
    assert seen[0].headers["linkedin-version"] == VERSION
    assert seen[0].headers["x-restli-protocol-version"] == "2.0.0"
    await client.aclose()
