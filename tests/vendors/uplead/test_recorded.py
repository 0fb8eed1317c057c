"""UpLead's adapter and the answers of its reference, good and odd."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.errors import AnswerError, VendorError
from agents.vendors.uplead import UpLead
from policies.profiles import Profile
from policies.prospect import EmailStatus, MatchStatus, PersonQuery
from tests.vendors import odd

PERSON: dict[str, Any] = {
    "id": "4b7d2c1e-6f0a-4f0e-9c54-2f1d7d0a9911",
    "first_name": "Mina",
    "last_name": "Okafor",
    "title": "VP Operations",
    "job_function": "operations",
    "management_level": "VP",
    "email": "mina.okafor@acme.example",
    "email_status": "valid",
    "phone_number": "+1 512 472 2233",
    "mobile_directdial": None,
    "city": "Austin",
    "state": "Texas",
    "country": "United States",
    "linkedin_url": "https://www.linkedin.com/in/example",
    "industry": "Logistics",
    "domain": "acme.example",
    "company_name": "Acme",
}
COMPANY = {"company_name": "Acme", "employees": "501-1000", "industry": "Logistics"}
META = {"total": 317, "page": 1, "next_page": 2, "first_page": True, "last_page": False}
PAGE = {"data": {"results": [{**PERSON, "company": COMPANY}], "meta": META}}
ASKED = PersonQuery(uuid4(), email="mina.okafor@acme.example")


def uplead(client: httpx.AsyncClient) -> UpLead:
    return UpLead("sandbox-key", base_url="https://uplead.example/v2", http_client=client)


def page(**changed: object) -> dict[str, Any]:
    return {"data": {"results": [{**PERSON, **changed}], "meta": META}}


async def test_a_record_becomes_a_prospect() -> None:
    adapter = uplead(odd.saying(PAGE))

    found = await adapter.search_contacts(adapter.criteria(Profile()), None, most=1)

    (told,) = found.prospects
    person = told.person
    assert (person.first_name, person.last_name) == ("Mina", "Okafor")
    assert (person.email, person.phone) == ("mina.okafor@acme.example", "+15124722233")
    assert (told.company, told.domain, told.title) == ("Acme", "acme.example", "VP Operations")
    assert (told.industry, told.country) == ("logistics", "US")
    assert told.facts == {
        "seniority": "vp",
        "function": "operations",
        "company_size": "201-1000",
    }
    assert told.email_status is EmailStatus.VALID
    assert (told.has_email, told.has_phone) == (True, True)
    assert (found.billed, found.total, found.next) == ({PERSON["id"]}, 317, "1")


@pytest.mark.parametrize(
    ("status", "billed"),
    [("valid", 1), ("accept_all", 1), ("invalid", 0), ("unknown", 0), (None, 0), ("other", 0)],
)
async def test_only_what_uplead_bills_is_billed(status: str | None, billed: int) -> None:
    adapter = uplead(odd.saying({"data": {**PERSON, "email_status": status}}))

    assert len((await adapter.enrich_lead(ASKED)).billed) == billed


@pytest.mark.parametrize(
    "answer",
    [{"data": PERSON, "userInfo": {"availableCredits": 1}}, PERSON, {"data": [PERSON]}],
    ids=["enveloped", "bare", "listed"],
)
async def test_every_reading_of_the_envelope_is_read(answer: object) -> None:
    match = (await uplead(odd.saying(answer)).enrich_lead(ASKED)).matches[0]

    assert match.status is MatchStatus.FOUND
    assert match.prospect is not None
    assert match.prospect.person.last_name == "Okafor"


@pytest.mark.parametrize("answer", [{"data": None}, {"data": []}])
async def test_null_is_nobody(answer: object) -> None:
    found = await uplead(odd.saying(answer)).enrich_lead(ASKED)

    assert (found.matches[0].status, found.billed) == (MatchStatus.NOT_FOUND, frozenset())


@pytest.mark.parametrize(
    ("answer", "more"),
    [
        (PAGE, "1"),
        ({"results": [PERSON], "meta": META, "availableCredits": 1}, "1"),
        ({"data": {"results": [PERSON]}}, "1"),
        ({"data": {"results": [PERSON], "meta": {"last_page": True}}}, None),
        ({"data": {"results": [PERSON], "meta": {"total": 1}}}, None),
        ({"data": {"results": [], "meta": META}}, None),
        ({"data": None}, None),
    ],
)
async def test_a_search_ends_where_the_pages_do(answer: object, more: str | None) -> None:
    adapter = uplead(odd.saying(answer))

    assert (await adapter.search_contacts(adapter.criteria(Profile()), None, most=1)).next == more


async def test_odd_fields_are_not_told_and_the_record_is_kept() -> None:
    changed: dict[str, Any] = {
        "email": "mina at acme",
        "phone_number": 12,
        "country": ["US"],
        "title": "VP\u202e\x00 Operations" + "x" * 1000,
        "management_level": {"a": 1},
        "linkedin_url": "javascript:alert(1)",
        "company": "Acme",
        "domain": "not a domain",
    }
    adapter = uplead(odd.saying(page(**changed)))

    found = await adapter.search_contacts(adapter.criteria(Profile()), None)

    (told,) = found.prospects
    assert (told.person.email, told.person.phone, told.email_status) == (None, None, None)
    assert (told.country, told.domain, told.linkedin_url) == (None, None, None)
    assert told.title.startswith("VP Operations")
    assert len(told.title) == 300
    assert found.billed == {PERSON["id"]}


@pytest.mark.parametrize("changed", [{"id": None}, {"id": ""}, {"id": ["x"]}])
async def test_a_record_without_an_id_cannot_be_counted(changed: dict[str, Any]) -> None:
    adapter = uplead(odd.saying(page(**changed)))

    with pytest.raises(VendorError, match="no People") as caught:
        await adapter.search_contacts(adapter.criteria(Profile()), None)

    assert caught.value.in_doubt
    assert "Okafor" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "message", "out_of_credit"),
    [
        (402, "Payment required", True),
        (403, "You have no credits left on your plan", True),
        (403, "Forbidden", True),
        (403, "Your plan does not include this endpoint", False),
        (403, "Account paused", False),
    ],
)
async def test_a_403_is_read_as_spent_credit_unless_it_speaks_of_the_plan(
    status: int, message: str, out_of_credit: bool
) -> None:
    body = {"error": {"type": "forbidden", "message": message}}

    with pytest.raises(VendorError) as caught:
        await uplead(odd.saying(body, status)).enrich_lead(ASKED)

    assert caught.value.out_of_credit is out_of_credit
    assert (caught.value.retry_after is None) is not out_of_credit
    assert message not in str(caught.value)


async def test_a_refused_question_harms_nobody_else() -> None:
    body = {"error": {"type": "bad_request", "message": "mina.okafor@acme.example is odd"}}

    with pytest.raises(AnswerError, match="status 400, bad_request") as caught:
        await uplead(odd.saying(body, 400)).enrich_lead(ASKED)

    assert "mina" not in str(caught.value)


async def test_the_key_stands_bare_and_the_question_is_json() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=PAGE)

    adapter = uplead(odd.client(answer))
    await adapter.search_contacts(adapter.criteria(Profile(countries=("DE",))), "50", most=30)

    assert seen[0].headers["authorization"] == "sandbox-key"
    assert orjson.loads(seen[0].content) == {
        "countries": ["Germany"],
        "email_status": "valid",
        "page": 3,
        "per_page": 25,
    }


@pytest.mark.parametrize("cursor", ["", "x", "-1", "1.5", "9" * 30])
async def test_a_cursor_that_is_none_of_ours_is_refused(cursor: str) -> None:
    adapter = uplead(odd.saying(PAGE))

    with pytest.raises(VendorError, match="the cursor"):
        await adapter.search_contacts(adapter.criteria(Profile()), cursor)


async def broken_by(answer: object, status: int = 200) -> set[str]:
    adapter = uplead(odd.saying(answer, status))
    calls = (
        adapter.search_contacts(adapter.criteria(Profile()), None),
        adapter.count(adapter.criteria(Profile())),
        adapter.enrich_lead(ASKED),
        adapter.get_usage_stats(),
    )
    return await odd.refused_by(calls)


@given(odd.spoiled(PAGE) | odd.spoiled({"data": PERSON}) | odd.JSON, st.sampled_from([200, 404]))
async def test_no_answer_breaks_it(answer: object, status: int) -> None:
    assert await broken_by(answer, status) <= {"uplead"}


async def test_no_document_on_the_edge_of_json_breaks_it(shared: Path) -> None:
    for document in odd.documents(shared):
        assert await broken_by(document) == {"uplead"}
