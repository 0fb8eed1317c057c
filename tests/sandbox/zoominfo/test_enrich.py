"""ZoomInfo's enrichment: joined by the input, billed once, and full of ways not to match."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import pytest

from scripts.sandbox.market.catalogue import INVALID, Catalogue, Record
from scripts.sandbox.process import SandboxProcess
from tests.sandbox.zoominfo.conftest import ZoomInfo
from tests.sandbox.zoominfo.facts import Company, Contact, Enriched, Error, Match, NoMatch

FIELDS = [
    *("id", "firstName", "lastName", "email", "phone", "mobilePhone", "directPhoneDoNotCall"),
    *("mobilePhoneDoNotCall", "jobTitle", "managementLevel", "contactAccuracyScore"),
    *("personHasMoved", "withinEu", "withinCalifornia", "withinCanada", "lastUpdatedDate"),
    *("country", "company.name", "company.website", "company.employeeCount"),
    "company.primaryIndustry",
]
Row = Match | NoMatch


@pytest.fixture(scope="module")
def reachable(catalogue: Catalogue) -> list[Record]:
    """Records with an address, of people who did not object."""
    return [
        record
        for record in catalogue.records
        if record.email and record.status != INVALID and not record.person.opted_out
    ]


def enrich(zoominfo: ZoomInfo, inputs: Sequence[dict[str, Any]], **more: Any) -> list[Row]:
    asked = {"matchPersonInput": inputs, "outputFields": FIELDS, **more}
    answer = zoominfo.post("/contacts/enrich", asked)
    assert answer.status_code == 200, answer.text
    return Enriched.model_validate(answer.json()).data


def statuses(rows: Sequence[Row]) -> list[str]:
    return [row.meta.matchStatus for row in rows]


def test_people_and_nobody_come_back_in_another_order(
    zoominfo: ZoomInfo, sources: SandboxProcess, reachable: list[Record]
) -> None:
    inputs: list[dict[str, Any]] = [{"personId": r.id} for r in reachable[:12]]
    inputs.append({"fullName": "Nobody", "companyName": "Nil"})

    rows = enrich(zoominfo, inputs)

    assert [row.meta.input for row in rows] != inputs
    assert sorted(map(str, inputs)) == sorted(str(row.meta.input) for row in rows)
    by_id = {record.id: record for record in reachable}
    for row in rows:
        if isinstance(row, Match):
            assert row.id == row.meta.input["personId"]
            assert Contact.model_validate(row.attributes).email == by_id[row.id].email
        else:
            assert row.meta.matchStatus == "NO_MATCH"
    book = sources.book("zoominfo")
    assert (book["credits"], book["null_results"]) == (12, 1)


def test_somebody_is_known_by_address_hash_profile_or_name(
    zoominfo: ZoomInfo, sources: SandboxProcess, reachable: list[Record]
) -> None:
    record = next(r for r in reachable if r.profile)
    hashed = sha256(str(record.email).encode()).hexdigest()
    full = f"{record.first_name} {record.last_name}"
    ways: list[dict[str, Any]] = [
        {"personId": record.id},
        {"emailAddress": str(record.email).upper()},
        {"hashedEmail": hashed},
        {"externalURL": f"https://www.linkedin.com/in/{record.profile}"},
        {"fullName": full, "companyName": record.employer.name},
        {
            "firstName": record.first_name,
            "lastName": record.last_name,
            "companyName": record.job.company.name,
        },
        {"fullName": full, "companyId": record.employer.id},
    ]

    rows = enrich(zoominfo, ways)

    assert {row.id for row in rows} == {record.id}
    assert sources.book("zoominfo")["by_record"] == {record.id: 1}
    assert statuses(enrich(zoominfo, [{"fullName": full, "companyName": "Nil"}])) == ["NO_MATCH"]
    assert statuses(enrich(zoominfo, [{"fullName": full}])) == ["INVALID_INPUT"]


def test_only_what_was_asked_for_is_told(zoominfo: ZoomInfo, reachable: list[Record]) -> None:
    asked = {"matchPersonInput": [{"personId": reachable[0].id}], "outputFields": ["jobTitle"]}

    (row,) = Enriched.model_validate(zoominfo.post("/contacts/enrich", asked).json()).data

    assert isinstance(row, Match)
    assert set(row.attributes) == {"jobTitle"}


def test_what_was_required_and_is_not_there_costs_nothing(
    zoominfo: ZoomInfo, sources: SandboxProcess, reachable: list[Record]
) -> None:
    without = next(r for r in reachable if r.phone is None)
    asked = [{"personId": without.id}]

    assert statuses(enrich(zoominfo, asked, requiredFields=["email", "phone"])) == [
        "NON_MATCH_BY_REQUIRED_FIELDS"
    ]
    assert sources.book("zoominfo")["credits"] == 0
    assert statuses(enrich(zoominfo, asked, requiredFields=["email"])) == ["FULL_MATCH"]


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"lastUpdatedDateAfter": "2999-01-01"}, "NON_MATCH_BY_LAST_UPDATED_DATE"),
        ({"validDateAfter": "2999-01-01"}, "NON_MATCH_BY_VALID_DATE"),
        ({"contactAccuracyScoreMin": "100"}, "NON_MATCH_BY_CONTACT_ACCURACY_MIN"),
    ],
)
def test_a_record_may_be_too_old_or_too_unsure(
    zoominfo: ZoomInfo,
    sources: SandboxProcess,
    reachable: list[Record],
    more: dict[str, str],
    status: str,
) -> None:
    assert statuses(enrich(zoominfo, [{"personId": reachable[0].id, **more}])) == [status]
    assert sources.book("zoominfo")["credits"] == 0


def test_whoever_objected_is_told_as_such_and_no_more(
    zoominfo: ZoomInfo, sources: SandboxProcess, catalogue: Catalogue
) -> None:
    record = next(r for r in catalogue.records if r.person.opted_out)

    (row,) = enrich(zoominfo, [{"personId": record.id}])

    assert isinstance(row, NoMatch)
    assert row.meta.matchStatus == "OPT_OUT"
    assert sources.book("zoominfo")["credits"] == 0


def test_beyond_the_credits_rows_are_refused(
    zoominfo: ZoomInfo, sources: SandboxProcess, reachable: list[Record]
) -> None:
    sources.set("zoominfo", credits=2)
    inputs = [{"personId": record.id} for record in reachable[:4]]

    rows = enrich(zoominfo, inputs)

    assert sorted(statuses(rows)) == ["FULL_MATCH"] * 2 + ["LIMIT_EXCEEDED"] * 2
    owned = {row.id for row in rows if isinstance(row, Match)}
    assert sources.book("zoominfo")["by_record"] == dict.fromkeys(owned, 1)
    again = enrich(zoominfo, inputs)
    assert {row.id for row in again if isinstance(row, Match)} == owned


def test_or_the_whole_call_is(
    zoominfo: ZoomInfo, sources: SandboxProcess, reachable: list[Record]
) -> None:
    sources.set("zoominfo", credits=1, no_credit_as="error")
    asked = {
        "matchPersonInput": [{"personId": record.id} for record in reachable[:2]],
        "outputFields": ["email"],
    }

    answer = zoominfo.post("/contacts/enrich", asked)

    assert answer.status_code == 400
    assert Error.model_validate(answer.json()).errors[0].code == "PFAPI0011"
    assert sources.book("zoominfo")["credits"] == 0
    assert zoominfo.post("/contacts/search", {"country": "Spain"}).status_code == 200


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({}, "PFAPI0002"),
        ({"matchPersonInput": [], "outputFields": ["email"]}, "PFAPI0002"),
        ({"matchPersonInput": [{"personId": "1"}] * 26, "outputFields": ["email"]}, "PFAPI0007"),
        ({"matchPersonInput": [{"email": "a@x.org"}], "outputFields": ["email"]}, "PFAPI0006"),
        ({"matchPersonInput": [{"personId": "1"}], "outputFields": ["linkedInUrl"]}, "PFAPI0006"),
        ({"matchPersonInput": [{"personId": "1"}]}, "PFAPI0002"),
        ({"matchPersonInput": [{"personId": "1"}], "outputFields": "email"}, "PFAPI0003"),
    ],
)
def test_an_enrichment_that_makes_no_sense_is_refused(
    zoominfo: ZoomInfo, asked: dict[str, Any], code: str
) -> None:
    answer = zoominfo.post("/contacts/enrich", asked)

    assert answer.status_code == 400
    assert Error.model_validate(answer.json()).errors[0].code == code


def test_a_company_is_enriched_and_billed_once(
    zoominfo: ZoomInfo, sources: SandboxProcess, catalogue: Catalogue
) -> None:
    record = next(iter(catalogue.companies.values()))
    asked: dict[str, Any] = {
        "matchCompanyInput": [
            {"companyId": record.id},
            {"companyWebsite": f"https://www.{record.company.domain}/about"},
            {"companyName": record.company.legal_name},
            {"companyName": "Nil"},
        ],
        "outputFields": list(Company.model_fields),
    }

    rows = Enriched.model_validate(zoominfo.post("/companies/enrich", asked).json()).data

    told = [Company.model_validate(row.attributes) for row in rows if isinstance(row, Match)]
    assert len(told) == 3
    assert {company.id for company in told} >= {int(record.id)}
    assert sorted(statuses(rows)) == ["FULL_MATCH"] * 3 + ["NO_MATCH"]
    assert record.id in sources.book("zoominfo")["by_record"]
