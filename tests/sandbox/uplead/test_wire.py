"""The sandbox's UpLead answers the exchanges of the reference, with the fields it names."""

import re
import time
from typing import Any

import httpx
import pytest

from scripts.sandbox.market.catalogue import Catalogue, Record
from scripts.sandbox.process import SandboxProcess
from tests.sandbox.uplead.facts import Combined, Company, Error, One, Page, Person

TRIO = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
PRO = "/prospector-pro-search"


def known(catalogue: Catalogue, status: str) -> Record:
    return next(r for r in catalogue.records if r.status == status and r.email)


def one(answer: httpx.Response) -> dict[str, Any]:
    told = One.of(answer.json()).data
    assert told is not None
    return told


def test_a_person_is_found_by_address_id_or_name_and_domain(
    uplead: httpx.Client, catalogue: Catalogue
) -> None:
    record = known(catalogue, "valid")
    by_name = {
        "first_name": record.first_name,
        "last_name": record.last_name,
        "domain": record.job.company.domain,
    }

    for asked in ({"email": record.email}, {"id": record.id}, by_name):
        answer = uplead.get("/person-search", params=asked)
        assert answer.status_code == 200
        person = Person.of(one(answer))
        assert (person.id, person.email) == (record.id, record.email)
        assert uplead.post("/person-search", json=asked).json() == answer.json()


def test_a_company_is_found_by_domain_name_or_id(
    uplead: httpx.Client, catalogue: Catalogue
) -> None:
    record = next(iter(catalogue.companies.values()))

    for asked in ({"domain": record.company.domain}, {"id": record.id}, {"company": record.name}):
        company = Company.of(one(uplead.get("/company-search", params=asked)))
        assert company.id == record.id
    told = one(uplead.get("/company-name-to-domain", params={"company_name": record.name}))
    assert told["domain"] == record.company.domain


def test_a_combined_search_nests_the_company(uplead: httpx.Client, catalogue: Catalogue) -> None:
    record = known(catalogue, "valid")

    told = Combined.of(one(uplead.get("/combined-search", params={"email": record.email})))

    assert told.company.domain == told.domain


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/person-search", {"email": "nobody@nowhere.example"}),
        ("/person-search", {"id": "00000000-0000-4000-8000-000000000000"}),
        ("/company-search", {"domain": "nowhere.example"}),
        ("/combined-search", {"email": "nobody@nowhere.example"}),
        ("/company-name-to-domain", {"company_name": "Nil"}),
    ],
)
def test_nobody_is_a_null_inside_200(
    uplead: httpx.Client, sources: SandboxProcess, path: str, asked: dict[str, str]
) -> None:
    answer = uplead.get(path, params=asked)

    assert answer.status_code == 200
    assert One.of(answer.json()).data is None
    book = sources.book("uplead")
    assert (book["credits"], book["null_results"]) == (0, 1)


def test_brackets_of_get_and_json_of_post_ask_the_same(
    uplead: httpx.Client, sources: SandboxProcess
) -> None:
    asked = {"countries": ["Germany", "France"], "management_levels": ["C", "VP"], "per_page": 7}
    query = "countries[]=Germany&countries[]=France&management_levels[]=C&management_levels[]=VP"

    got = uplead.get(f"{PRO}?{query}&per_page=7")
    posted = uplead.post(PRO, json=asked)

    assert got.json() == posted.json()
    people = Page.of(got.json()).data.results
    assert len(people) == 7
    assert {person.country for person in people} <= {"Germany", "France"}
    assert {person.management_level for person in people} <= {"C", "VP"}
    assert list(sources.book("uplead")["pages"].values()) == [2]


def test_the_pages_of_a_search_are_all_of_it_once(uplead: httpx.Client) -> None:
    asked = {"industries": ["Banking"], "countries": ["United States"], "per_page": 20}
    total = uplead.post(PRO, json={**asked, "count_only": True}).json()
    seen: list[str] = []
    number: int | None = 1

    while number is not None:
        page = Page.of(uplead.post(PRO, json={**asked, "page": number}).json()).data
        assert (page.meta.page, page.meta.first_page) == (number, number == 1)
        assert page.meta.previous_page == (number - 1 or None)
        assert page.meta.last_page is (page.meta.next_page is None)
        seen += [person.id for person in page.results]
        number = page.meta.next_page

    assert total == {"data": {"count": len(seen)}}
    assert len(set(seen)) == len(seen) > 20
    beyond = Page.of(uplead.post(PRO, json={**asked, "page": 99}).json()).data
    assert beyond.results == []
    assert beyond.meta.last_page


@pytest.mark.parametrize(
    ("asked", "holds"),
    [
        ({"employees": ["11-50", "51-200"]}, lambda p: True),
        ({"employees": ["1,001-5,000"]}, lambda p: True),
        ({"email_status": ["valid"]}, lambda p: p.email_status == "valid"),
        ({"email_status": "valid"}, lambda p: p.email_status == "valid"),
        ({"title": "director"}, lambda p: "director" in p.title.lower()),
        (
            {"titles": ["CFO"], "title_search_mode": "exact"},
            lambda p: p.title == "CFO",
        ),
        ({"job_functions": ["finance"]}, lambda p: p.job_function == "finance"),
        ({"cities": ["Berlin"]}, lambda p: p.city == "Berlin"),
        ({"exclude_eu": True}, lambda p: p.country not in {"Germany", "France", "Spain"}),
        ({"management_levels": ["CX"]}, lambda p: p.management_level == "C"),
    ],
)
def test_a_filter_takes_only_whom_it_names(uplead: httpx.Client, asked: Any, holds: Any) -> None:
    people = Page.of(uplead.post(PRO, json=asked).json()).data.results

    assert people
    assert all(holds(person) for person in people)


def test_one_companys_people_need_its_domain(uplead: httpx.Client, catalogue: Catalogue) -> None:
    domain = catalogue.records[0].job.company.domain

    people = Page.of(uplead.get("/prospector-search", params={"domain": domain}).json()).data

    assert {person.domain for person in people.results} == {domain}
    assert uplead.get("/prospector-search").status_code == 400


def test_industries_and_quick_search_help_to_find_words(uplead: httpx.Client) -> None:
    told = uplead.get("/industries", params={"text": "financial"}).json()["data"]
    assert [row["name"] for row in told] == ["Financial Services"]
    by_id = uplead.post(PRO, json={"industries_ids": [told[0]["id"]], "per_page": 5}).json()
    assert {row["industry"] for row in by_id["data"]["results"]} == {"Financial Services"}

    hits = uplead.get("/quick-search", params={"type": "company", "text": "bank"}).json()["data"]
    assert 0 < len(hits) <= 10
    people = uplead.get("/quick-search", params={"type": "contact", "text": "martin"}).json()
    assert all("email" not in hit for hit in people["data"])


def test_lists_leave_people_out(uplead: httpx.Client) -> None:
    asked = {"countries": ["Italy"], "per_page": 5}
    first = Page.of(uplead.post(PRO, json=asked).json()).data
    ids = [person.id for person in first.results]
    key = uplead.post("/lists", json={"name": "seen"}).json()["data"]["id"]
    uplead.post(f"/lists/{key}/contacts/add", json={"contact_ids": ids})

    rest = Page.of(uplead.post(PRO, json={**asked, "exclusion_list_names": ["seen"]}).json()).data

    assert rest.meta.total == first.meta.total - 5
    assert not {person.id for person in rest.results} & set(ids)
    assert uplead.get("/lists").json()["data"][0]["contacts_count"] == 5
    uplead.post(f"/lists/{key}/contacts/delete", json={"contact_ids": ids[:2]})
    assert len(uplead.get(f"/lists/{key}/contacts").json()["data"]["results"]) == 3
    assert uplead.delete(f"/lists/{key}").status_code == 200
    assert uplead.get(f"/lists/{key}").status_code == 404


@pytest.mark.parametrize(
    ("path", "asked", "says"),
    [
        ("/person-search", {"first_name": "Ann"}, "email, id, or first_name"),
        ("/company-search", {}, "domain, company or id"),
        (PRO, {"per_page": 101}, "per_page must be between 1 and 100"),
        (PRO, {"page": 0}, "page must be at least 1"),
        (PRO, {"page": "two"}, "page must be a number"),
        (PRO, {"management_levels": ["Boss"]}, "must be of M, D, VP, C, CX"),
        (PRO, {"colour": "red"}, "Unknown parameter: colour"),
        (PRO, {"countries": [{"name": "Germany"}]}, "a string or a list of strings"),
    ],
)
def test_a_question_that_makes_no_sense_is_400(
    uplead: httpx.Client, path: str, asked: dict[str, Any], says: str
) -> None:
    answer = uplead.post(path, json=asked)

    assert answer.status_code == 400
    assert says in Error.of(answer.json()).error.message
    assert uplead.post(path, content=b"{").status_code == 400
    assert uplead.post(path, content=b"[]").status_code == 400


def test_the_older_reading_of_the_envelope_can_be_had(
    uplead: httpx.Client, sources: SandboxProcess
) -> None:
    sources.set("uplead", envelope="flat")

    told = uplead.post(PRO, json={"countries": ["Spain"], "per_page": 2}).json()

    assert set(told) == {"results", "meta", "availableCredits"}
    assert uplead.get("/person-search", params={"id": "0"}).json()["data"] is None


def test_the_key_stands_alone(uplead: httpx.Client) -> None:
    for key in ("Bearer sandbox-key", "basic sandbox-key", "", "up_live_a_real_looking_key"):
        answer = uplead.get("/credits", headers={"authorization": key})
        assert answer.status_code == 401
        assert "up_live" not in answer.text
        Error.of(answer.json())
    assert uplead.get("/credits").status_code == 200


def test_every_answer_tells_the_limits(uplead: httpx.Client, sources: SandboxProcess) -> None:
    if time.time() % 60 > 58:
        time.sleep(2.1)  # all of it in one minute of the clock
    sources.set("uplead", per_minute=4)
    paths = ("/credits", "/nowhere", "/person-search", "/credits", "/credits")

    answers = [uplead.get(path) for path in paths]

    assert [answer.status_code for answer in answers] == [200, 404, 400, 200, 429]
    for place, answer in enumerate(answers):
        limit, left, resets = (int(answer.headers[name]) for name in TRIO)
        assert (limit, left) == (4, max(0, 3 - place))
        assert resets % 60 == 0
    Error.of(answers[1].json())
    slow = Error.of(answers[4].json()).error
    assert slow.type == "rate_limit"
    wait = int(answers[4].headers["Retry-After"])
    assert 1 <= wait <= 60
    assert re.fullmatch(
        rf"Rate limit exceeded. Limit is 4 requests per minute. Rate limit will be reset in {wait} "
        r"seconds\.",
        slow.message,
    )
    assert sources.book("uplead")["throttled"] == 1
