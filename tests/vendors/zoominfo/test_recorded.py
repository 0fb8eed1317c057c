"""ZoomInfo's adapter and the answers of its reference, good and odd."""

from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.errors import VendorError
from agents.vendors.zoominfo import ZoomInfo
from policies.profiles import Profile
from policies.prospect import EmailStatus, MatchStatus, PersonQuery
from tests.vendors import odd

MINA = PersonQuery(UUID(int=1), email="mina@acme.example")
NOBODY = PersonQuery(UUID(int=2), first_name="No", last_name="Body", company="Nil")
SEARCH: dict[str, Any] = {
    "data": [
        {
            "id": "10001",
            "type": "Contact",
            "attributes": {
                "firstName": "Mina",
                "lastName": "Okafor",
                "jobTitle": "VP Operations",
                "contactAccuracyScore": 95,
                "hasEmail": True,
                "hasDirectPhone": False,
                "hasMobilePhone": True,
                "managementLevel": ["VP Level Exec"],
                "lastUpdatedDate": "2026-10-02",
                "company": {"id": 20001, "name": "Acme"},
            },
        }
    ],
    "meta": {"totalResults": 2, "page": {"number": 1, "total": 2}},
    "links": {"first": "…", "last": "…", "prev": None, "next": None},
}
CONTACT: dict[str, Any] = {
    "firstName": "Mina",
    "lastName": "Okafor",
    "email": "mina@acme.example",
    "jobTitle": "VP Operations",
    "phone": "(512) 472-2233",
    "directPhoneDoNotCall": False,
    "country": "United States",
    "contactAccuracyScore": "95",
    "personHasMoved": "No",
    "department": ["Operations"],
    "externalUrls": [{"type": "linkedin.com", "url": "https://www.linkedin.com/in/mina"}],
    "company": {
        "id": 20001,
        "name": "Acme",
        "website": "www.acme.example",
        "employeeCount": 310,
        "primaryIndustry": ["Transportation"],
    },
}
FULL = {"matchStatus": "FULL_MATCH", "input": {"emailAddress": "mina@acme.example"}}
NO = {"firstName": "No", "lastName": "Body", "companyName": "Nil"}
ENRICH: dict[str, Any] = {
    "data": [
        {"id": "0", "type": "NoMatch", "meta": {"matchStatus": "NO_MATCH", "input": NO}},
        {"id": "10001", "type": "Contact", "attributes": CONTACT, "meta": FULL},
    ]
}
USAGE: dict[str, Any] = {
    "data": [
        {
            "id": "1",
            "type": "Usage",
            "attributes": {
                "usage": [
                    {"limitType": "requestLimit", "currentUsage": 7, "usageRemaining": 3},
                    {"limitType": "uniqueIdLimit", "currentUsage": 120, "usageRemaining": 9880},
                ]
            },
        }
    ]
}
TOKEN = {"access_token": "sandbox-token", "token_type": "Bearer", "expires_in": 3600}


def zoominfo(
    answer: object, status: int = 200, seen: list[httpx.Request] | None = None
) -> ZoomInfo:
    def reply(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/token":
            return httpx.Response(200, json=TOKEN)
        if seen is not None:
            seen.append(request)
        return httpx.Response(status, content=odd.raw(answer))

    return zoominfo_over(odd.client(reply))


def zoominfo_over(client: httpx.AsyncClient) -> ZoomInfo:
    root = "https://zoominfo.example"
    return ZoomInfo(
        "sandbox-id",
        "sandbox-secret",
        base_url=f"{root}/gtm",
        token_url=f"{root}/token",
        http_client=client,
    )


def row(**changed: object) -> dict[str, Any]:
    """One row about Mina."""
    status = changed.pop("status", "FULL_MATCH")
    return {
        "data": [
            {
                "id": "10001",
                "type": "Contact",
                "attributes": {**CONTACT, **changed},
                "meta": {**FULL, "matchStatus": status},
            }
        ]
    }


async def test_a_search_tells_whether_there_is_an_address_not_which() -> None:
    adapter = zoominfo(SEARCH)

    page = await adapter.search_contacts(adapter.criteria(Profile()), None, most=1)

    (told,) = page.prospects
    assert (told.record_id, told.person.last_name) == ("10001", "Okafor")
    assert (told.has_email, told.person.email, told.email_status) == (True, None, None)
    assert (told.has_phone, told.company, told.facts) == (True, "Acme", {"seniority": "vp"})
    assert told.observed_at is not None
    assert (page.total, page.next, page.billed) == (2, "1", frozenset())


async def test_rows_are_joined_by_their_input_in_any_order() -> None:
    answer = await zoominfo(ENRICH).enrich_leads([MINA, NOBODY])

    statuses = {match.key: match.status for match in answer.matches}
    assert statuses == {MINA.key: MatchStatus.FOUND, NOBODY.key: MatchStatus.NOT_FOUND}
    assert answer.billed == {"10001"}
    prospect = answer.matches[0].prospect
    assert prospect is not None
    assert (prospect.person.email, prospect.person.phone) == ("mina@acme.example", "+15124722233")
    assert (prospect.domain, prospect.country, prospect.industry) == (
        "acme.example",
        "US",
        "logistics",
    )
    assert prospect.facts == {"function": "operations", "company_size": "201-1000"}
    assert prospect.linkedin_url == "https://www.linkedin.com/in/mina"
    assert prospect.email_status is EmailStatus.VALID


@pytest.mark.parametrize(
    ("status", "expected", "billed"),
    [
        ("FULL_MATCH", MatchStatus.FOUND, 1),
        ("CONTACT_ONLY_MATCH", MatchStatus.FOUND, 0),
        ("COMPANY_ONLY_MATCH", MatchStatus.NOT_FOUND, 0),
        ("NON_MATCH_BY_REQUIRED_FIELDS", MatchStatus.NOT_FOUND, 0),
        ("NON_MATCH_BY_CONTACT_ACCURACY_MIN", MatchStatus.NOT_FOUND, 0),
        ("OPT_OUT", MatchStatus.OPTED_OUT, 0),
        ("LIMIT_EXCEEDED", MatchStatus.OUT_OF_CREDIT, 0),
        ("INVALID_INPUT", MatchStatus.REFUSED, 0),
        ("SOMETHING_NEW", MatchStatus.REFUSED, 0),
    ],
)
async def test_every_status_means_something(
    status: str, expected: MatchStatus, billed: int
) -> None:
    answer = await zoominfo(row(status=status)).enrich_lead(MINA)

    assert answer.matches[0].status is expected
    assert len(answer.billed) == billed
    prospect = answer.matches[0].prospect
    assert (prospect is not None and prospect.opted_out) is (expected is MatchStatus.OPTED_OUT)


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"contactAccuracyScore": "95"}, EmailStatus.VALID),
        ({"contactAccuracyScore": 95}, EmailStatus.VALID),
        ({"contactAccuracyScore": 70}, EmailStatus.RISKY),
        ({"contactAccuracyScore": "?"}, EmailStatus.UNKNOWN),
        ({"personHasMoved": "Yes"}, EmailStatus.RISKY),
        ({"email": ""}, None),
    ],
)
async def test_how_sure_an_address_is(
    changed: dict[str, object], status: EmailStatus | None
) -> None:
    match = (await zoominfo(row(**changed)).enrich_lead(MINA)).matches[0]

    assert match.prospect is not None
    assert match.prospect.email_status is status


async def test_a_number_that_may_not_be_called_is_not_taken() -> None:
    told = {"directPhoneDoNotCall": True, "mobilePhone": "512 472 9988"}

    free = (await zoominfo(row(**told)).enrich_lead(MINA)).matches[0].prospect
    barred = (await zoominfo(row(**told, mobilePhoneDoNotCall="Yes")).enrich_lead(MINA)).matches[0]

    assert free is not None
    assert free.person.phone == "+15124729988"
    assert barred.prospect is not None
    assert barred.prospect.person.phone is None


async def test_an_id_may_come_back_as_a_number_and_an_address_in_other_letters() -> None:
    by_id = PersonQuery(UUID(int=3), record_id="10001")
    meta = {"matchStatus": "FULL_MATCH", "input": {"personId": 10001, "fullName": None}}
    answer = {"data": [{"id": 10001, "type": "Contact", "attributes": CONTACT, "meta": meta}]}
    shouted = PersonQuery(UUID(int=4), email="MINA@ACME.example")

    first = await zoominfo(answer).enrich_lead(by_id)
    second = await zoominfo(ENRICH).enrich_lead(shouted)

    assert first.matches[0].status is second.matches[0].status is MatchStatus.FOUND


async def test_the_same_input_is_sent_once_and_answers_all_who_asked() -> None:
    seen: list[httpx.Request] = []
    twin = PersonQuery(UUID(int=5), email="mina@acme.example")

    answer = await zoominfo(ENRICH, seen=seen).enrich_leads([MINA, twin])

    sent = orjson.loads(seen[0].content)["data"]["attributes"]
    assert sent["matchPersonInput"] == [{"emailAddress": "mina@acme.example"}]
    assert sent["requiredFields"] == ["email"]
    assert [match.status for match in answer.matches] == [MatchStatus.FOUND] * 2
    assert seen[0].headers["content-type"] == "application/vnd.api+json"
    assert seen[0].headers["authorization"] == "Bearer sandbox-token"


async def test_pages_end_where_zoominfo_stops_showing_them() -> None:
    seen: list[httpx.Request] = []
    adapter = zoominfo({**SEARCH, "meta": {"totalResults": 50_000}}, seen=seen)

    last = await adapter.search_contacts(adapter.criteria(Profile()), "9900", most=10)

    assert last.next is None
    assert dict(seen[0].url.params) == {"page[number]": "100", "page[size]": "100"}
    with pytest.raises(VendorError, match="goes no further"):
        await adapter.search_contacts(adapter.criteria(Profile()), "10000")


@pytest.mark.parametrize(
    "body",
    [
        {"title": "Bad Request", "errors": [{"code": "PFAPI0011", "status": "400"}]},
        {"error": {"code": "PFAPI0011", "message": "Credit limit", "status": 400}},
    ],
)
async def test_a_spent_account_is_told_in_both_shapes_of_an_error(body: object) -> None:
    with pytest.raises(VendorError) as caught:
        await zoominfo(body, 400).enrich_lead(MINA)

    assert caught.value.out_of_credit


LISTS: dict[str, list[str]] = {
    "closer": ["Pharmaceuticals", "Manufacturing", "Insurance"],
    "top": ["Manufacturing", "Insurance"],
    "lacking": ["Insurance"],
    "none": [],
}


@pytest.mark.parametrize(
    ("listed", "codes"),
    [
        ("closer", "code-pharmaceuticals,code-insurance"),
        ("top", "code-manufacturing,code-insurance"),
        ("lacking", None),
        ("none", None),
    ],
)
async def test_industries_are_asked_for_by_their_closest_code_or_not_at_all(
    listed: str, codes: str | None
) -> None:
    rows = [
        {"id": f"code-{name.lower()}", "type": "Industry", "attributes": {"name": name}}
        for name in LISTS[listed]
    ]
    asked: list[dict[str, Any]] = []

    def reply(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/token":
            return httpx.Response(200, json=TOKEN)
        if request.method == "GET":
            assert request.url.path == "/gtm/data/v1/lookup/industries"
            return httpx.Response(200, json={"data": rows}) if rows else httpx.Response(404)
        asked.append(orjson.loads(request.content)["data"]["attributes"])
        return httpx.Response(200, json=SEARCH)

    adapter = zoominfo_over(odd.client(reply))
    profile = Profile(industries=("pharmaceuticals", "insurance"))
    for _ in range(2):
        await adapter.search_contacts(adapter.criteria(profile), None)

    assert [each.get("industryCodes") for each in asked] == [codes, codes]
    assert "industryNames" not in asked[0]


async def test_usage_is_that_of_records() -> None:
    stats = await zoominfo(USAGE).get_usage_stats()

    assert (stats.credits_used, stats.credits_left) == (120, 9880)


async def broken_by(answer: object, status: int = 200) -> set[str]:
    adapter = zoominfo(answer, status)
    profile = Profile(industries=("software",), functions=("sales",))
    calls = (
        adapter.search_contacts(adapter.criteria(profile), None),
        adapter.count(adapter.criteria(Profile())),
        adapter.enrich_lead(NOBODY),
        adapter.get_usage_stats(),
    )
    return await odd.refused_by(calls)


anything = odd.spoiled(SEARCH) | odd.spoiled(ENRICH) | odd.spoiled(USAGE) | odd.JSON


@given(anything, st.sampled_from([200, 200, 400, 403, 500]))
async def test_no_answer_breaks_it(answer: object, status: int) -> None:
    assert await broken_by(answer, status) <= {"zoominfo"}


@given(odd.spoiled(ENRICH))
async def test_everybody_who_is_asked_about_gets_one_match(answer: object) -> None:
    with suppress(VendorError):
        told = await zoominfo(answer).enrich_leads([MINA, NOBODY])
        assert sorted(match.key for match in told.matches) == [MINA.key, NOBODY.key]


async def test_no_document_on_the_edge_of_json_breaks_it(shared: Path) -> None:
    for document in odd.documents(shared):
        assert await broken_by(document) == {"zoominfo"}
