"""The sandbox's ZoomInfo answers the exchanges of the reference, with the fields it names."""

import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from scripts.sandbox.market.catalogue import Catalogue
from scripts.sandbox.process import SandboxProcess
from tests.sandbox.zoominfo.conftest import CLIENT, MEDIA, TOKEN, ZoomInfo
from tests.sandbox.zoominfo.facts import Error, Lookup, Search, Token, Usage

CHIEFS = {"managementLevel": "C Level Exec,VP Level Exec", "country": "Germany,France"}


def test_client_credentials_fetch_a_token(zoominfo: ZoomInfo) -> None:
    form = {"grant_type": "client_credentials", "scope": "api:data:contact"}

    answer = zoominfo.http.post(TOKEN, data=form, auth=CLIENT)

    token = Token.model_validate(answer.json())
    assert (token.expires_in, token.scope) == (3600, "api:data:contact")
    assert token.refresh_token is None


@pytest.mark.parametrize(
    ("form", "auth", "status", "error"),
    [
        ({"grant_type": "client_credentials"}, ("real-id", "real-secret"), 401, "invalid_client"),
        ({"grant_type": "client_credentials"}, None, 401, "invalid_client"),
        ({"grant_type": "password"}, CLIENT, 400, "unsupported_grant_type"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, CLIENT, 400, "invalid_grant"),
        ({"grant_type": "client_credentials", "scope": "all"}, CLIENT, 400, "invalid_scope"),
    ],
)
def test_a_wrong_request_for_a_token_is_an_oauth_error(
    zoominfo: ZoomInfo, form: dict[str, str], auth: Any, status: int, error: str
) -> None:
    answer = zoominfo.http.post(TOKEN, data=form, auth=auth)

    assert answer.status_code == status
    assert set(answer.json()) == {"error", "error_description"}
    assert answer.json()["error"] == error
    assert "real-" not in answer.text


def test_a_refresh_token_changes_with_every_use(zoominfo: ZoomInfo) -> None:
    form = {"grant_type": "authorization_code", "code": "sandbox-code"}
    first = zoominfo.http.post(TOKEN, data=form, auth=CLIENT).json()["refresh_token"]
    again = {"grant_type": "refresh_token", "refresh_token": first}

    second = zoominfo.http.post(TOKEN, data=again, auth=CLIENT)

    assert Token.model_validate(second.json()).refresh_token not in (None, first)
    assert zoominfo.http.post(TOKEN, data=again, auth=CLIENT).status_code == 400


def test_a_token_dies_at_its_time_and_by_order(zoominfo: ZoomInfo, sources: SandboxProcess) -> None:
    sources.arm("token_expired", vendor="zoominfo")
    assert [zoominfo.get("/users/usage").status_code for _ in range(2)] == [401, 401]
    zoominfo.token = zoominfo.fetched()
    assert zoominfo.get("/users/usage").status_code == 200

    sources.set("zoominfo", token_seconds=0.05)
    zoominfo.token = zoominfo.fetched()
    time.sleep(0.1)
    assert zoominfo.get("/users/usage").status_code == 401


def test_tokens_of_the_old_surface_and_of_other_scopes_are_refused(zoominfo: ZoomInfo) -> None:
    zoominfo.token = "eyJhbGciOiJSUzI1NiJ9.e30.c2ln"
    old = zoominfo.get("/users/usage")
    assert (old.status_code, Error.model_validate(old.json()).errors[0].code) == (401, "ZI0001")

    zoominfo.token = zoominfo.fetched("api:data:company")
    answer = zoominfo.post("/contacts/search", CHIEFS)
    assert answer.status_code == 403
    assert Error.model_validate(answer.json()).errors[0].code == "ZI0002"


@pytest.mark.parametrize("prefix", ["/zoominfo/gtm/data/v1", "/zoominfo/data/v1"])
def test_a_search_tells_who_there_is_and_no_address(zoominfo: ZoomInfo, prefix: str) -> None:
    zoominfo.prefix = prefix

    answer = zoominfo.post("/contacts/search", CHIEFS, number=1, size=10)

    assert answer.headers["content-type"] == MEDIA
    told = Search.model_validate(answer.json())
    assert len(told.data) == 10
    levels = {level for hit in told.data for level in hit.attributes.managementLevel}
    assert levels <= {"C Level Exec", "VP Level Exec", "Board Member"}
    assert "@" not in answer.text


def test_the_pages_of_a_search_are_all_of_it_once(
    zoominfo: ZoomInfo, sources: SandboxProcess
) -> None:
    asked = {**CHIEFS, "industryCodes": "finance"}

    def page(number: int) -> Search:
        answer = zoominfo.post("/contacts/search", asked, number=number, size=15)
        return Search.model_validate(answer.json())

    told = page(1)
    seen = [hit.id for hit in told.data]
    while told.links.next is not None:
        assert told.links.next.startswith("uri=/data/v1/contacts/search?")
        number = int(parse_qs(urlsplit(told.links.next).query)["page[number]"][0])
        told = page(number)
        assert told.meta.page.number == number
        seen += [hit.id for hit in told.data]

    assert len(seen) == len(set(seen)) == told.meta.totalResults > 15
    beyond = zoominfo.post("/contacts/search", asked, number=told.meta.page.total + 1, size=15)
    assert beyond.status_code == 400
    assert Error.model_validate(beyond.json()).errors[0].code == "PFAPI0004"
    book = sources.book("zoominfo")
    assert (book["credits"], set(book["pages"].values())) == (0, {1})


@pytest.mark.parametrize(
    ("asked", "holds"),
    [
        ({"contactAccuracyScoreMin": "90"}, lambda a: a.contactAccuracyScore >= 90),
        ({"requiredFields": "email,phone"}, lambda a: a.hasEmail and a.hasDirectPhone),
        ({"jobTitle": "Director"}, lambda a: "director" in a.jobTitle.lower()),
        ({"exactJobTitle": "CFO"}, lambda a: a.jobTitle == "CFO"),
        (
            {"jobTitle": "Manager", "excludeJobTitle": "Sales"},
            lambda a: "sales" not in a.jobTitle.lower(),
        ),
        ({"lastName": "Muller,Schmidt"}, lambda a: a.lastName in {"Müller", "Muller", "Schmidt"}),
        ({"industryCodes": "finance.banking"}, lambda a: True),
        ({"employeeRangeMin": "50", "employeeRangeMax": "200"}, lambda a: True),
        ({"revenueMin": 1_000, "revenueMax": 100_000}, lambda a: True),
        ({"department": "Finance", "lastUpdatedInMonths": 3}, lambda a: True),
    ],
)
def test_a_filter_takes_only_whom_it_names(zoominfo: ZoomInfo, asked: Any, holds: Any) -> None:
    told = Search.model_validate(zoominfo.post("/contacts/search", asked, size=100).json())

    assert told.data
    assert all(holds(hit.attributes) for hit in told.data)


@pytest.mark.parametrize(
    ("asked", "code", "pointer"),
    [
        ({}, "PFAPI0002", "/data/attributes"),
        ({"colour": "red"}, "PFAPI0002", "/data/attributes/colour"),
        ({"country": ["Germany"]}, "PFAPI0003", "/data/attributes/country"),
        ({"revenueMin": "1000"}, "PFAPI0003", "/data/attributes/revenueMin"),
        ({"contactAccuracyScoreMin": 85}, "PFAPI0003", "/data/attributes/contactAccuracyScoreMin"),
        ({"managementLevel": "Boss"}, "PFAPI0005", "/data/attributes/managementLevel"),
        ({"industryCodes": "fintech"}, "PFAPI0005", "/data/attributes/industryCodes"),
    ],
)
def test_a_search_that_makes_no_sense_says_where(
    zoominfo: ZoomInfo, asked: dict[str, Any], code: str, pointer: str
) -> None:
    answer = zoominfo.post("/contacts/search", asked)

    assert answer.status_code == 400
    problem = Error.model_validate(answer.json()).errors[0]
    assert (problem.code, problem.source.pointer) == (code, pointer)


@pytest.mark.parametrize("query", [{"size": 101}, {"size": 0}, {"number": 0}, {"number": 101}])
def test_pages_end_at_a_hundred_by_a_hundred(zoominfo: ZoomInfo, query: dict[str, int]) -> None:
    answer = zoominfo.post("/contacts/search", CHIEFS, **query)

    assert answer.status_code == 400
    parameter = Error.model_validate(answer.json()).errors[0].source.parameter
    assert parameter == f"page[{next(iter(query))}]"


def test_a_body_is_called_json_api(zoominfo: ZoomInfo, sources: SandboxProcess) -> None:
    headers = {"authorization": f"Bearer {zoominfo.token}"}
    body = {"data": {"type": "ContactSearch", "attributes": CHIEFS}}
    url = f"{zoominfo.prefix}/contacts/search"

    assert zoominfo.http.post(url, json=body, headers=headers).status_code == 415
    sources.set("zoominfo", strict_media=False)
    assert zoominfo.http.post(url, json=body, headers=headers).status_code == 200
    body["data"]["type"] = "CompanySearch"
    assert zoominfo.http.post(url, json=body, headers=headers).status_code == 400


def test_companies_are_searched(zoominfo: ZoomInfo, catalogue: Catalogue) -> None:
    record = next(iter(catalogue.companies.values()))

    told = zoominfo.post("/companies/search", {"companyWebsite": f"www.{record.company.domain}"})

    assert [row["id"] for row in told.json()["data"]] == [record.id]
    assert told.json()["data"][0]["attributes"] == {"name": record.name}


def test_words_can_be_looked_up(zoominfo: ZoomInfo) -> None:
    industries = Lookup.model_validate(zoominfo.get("/lookup/industries").json()).data
    assert {row.id: row.attributes.name for row in industries}["finance"] == "Finance"
    levels = Lookup.model_validate(zoominfo.get("/lookup/management-levels").json()).data
    assert len(levels) == 6
    asked = {"filter[entity]": "contact", "filter[fieldType]": "output"}
    fields = zoominfo.get("/lookup/enrich", **asked).json()["data"]
    assert "contactAccuracyScore" in {row["id"] for row in fields}
    assert zoominfo.get("/lookup/colours").status_code == 400


def test_usage_and_limits_are_told(zoominfo: ZoomInfo, sources: SandboxProcess) -> None:
    sources.set("zoominfo", per_second=25)

    answer = zoominfo.get("/users/usage")

    usage = Usage.model_validate(answer.json()).data[0].attributes.usage
    assert [limit.limitType for limit in usage] == ["uniqueIdLimit", "requestLimit"]
    assert usage[0].usageRemaining == 100_000
    assert answer.headers["X-RateLimit-Limit-Second"] == "25"
    assert answer.headers["X-RateLimit-Remaining-Second"] in {"24", "25"}  # a new second
    assert answer.headers["X-RateLimit-Remaining-Hour"] == "53999"
    assert answer.headers["X-RateLimit-Remaining-Day"] == "-1"
    assert "X-RateLimit-Limit" not in answer.headers


def test_beyond_its_second_a_caller_is_told_when_to_come_back(
    zoominfo: ZoomInfo, sources: SandboxProcess
) -> None:
    sources.set("zoominfo", per_second=2)
    answers = [zoominfo.get("/users/usage") for _ in range(12)]

    slow = [answer for answer in answers if answer.status_code == 429]
    assert slow
    assert slow[0].headers["Retry-After"] == "1"
    assert slow[0].headers["X-RateLimit-Rejected-Bucket"] == "second"
    assert int(slow[0].headers["X-RateLimit-Reset"]) > 0
    assert Error.model_validate(slow[0].json()).errors[0].code == "ZI0004"
    sources.set("zoominfo", per_second=1_000, per_hour=1)
    zoominfo.get("/users/usage")
    hour = zoominfo.get("/users/usage")
    assert hour.headers["X-RateLimit-Rejected-Bucket"] == "hour"
    assert 1 <= int(hour.headers["Retry-After"]) <= 3600
