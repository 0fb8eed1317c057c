from __future__ import annotations

from typing import Any

import httpx
import pytest

from scripts.sandbox.salesforce.errors import Refused
from scripts.sandbox.salesforce.soql import read
from scripts.sandbox.salesforce.steer import OrgControl
from tests.sandbox.salesforce.conftest import Upsert, lead


def asked(crm: httpx.Client, soql: str, what: str = "query") -> list[dict[str, Any]]:
    answer = crm.get(f"{what}/", params={"q": soql})
    assert answer.status_code == 200, answer.text
    return answer.json()["records"]


def names(crm: httpx.Client, where: str) -> list[str]:
    return [row["LastName"] for row in asked(crm, f"SELECT LastName FROM Lead {where}")]


@pytest.fixture
def five(upsert: Upsert) -> list[str]:
    rows = upsert(
        lead(1, LastName="Adams", LeadEngine_Score__c=90, Industry="Banking"),
        lead(2, LastName="Baker", LeadEngine_Score__c=70.5, Industry="Media"),
        lead(3, LastName="O'Hara", LeadEngine_Score__c=10, Title="100% \\ sure"),
        lead(4, LastName="clark", HasOptedOutOfEmail=True),
        lead(5, LastName="Dunn", LeadEngine_Scored_At__c="2026-11-25T10:00:00+02:00"),
    )
    return [row["id"] for row in rows]


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("ORDER BY LastName", ["Adams", "Baker", "clark", "Dunn", "O'Hara"]),
        ("WHERE LastName = 'adams'", ["Adams"]),
        ("where lastname='O\\'Hara'", ["O'Hara"]),
        ("WHERE LeadEngine_Id__c IN ('lead-1', 'LEAD-2')", ["Adams", "Baker"]),
        ("WHERE LeadEngine_Score__c > 10 ORDER BY LeadEngine_Score__c DESC", ["Adams", "Baker"]),
        ("WHERE LeadEngine_Score__c >= 10 AND Industry = null", ["O'Hara"]),
        ("WHERE LeadEngine_Score__c < 70.5", ["O'Hara"]),
        ("WHERE Industry != 'Banking' AND LeadEngine_Score__c != null", ["Baker", "O'Hara"]),
        ("WHERE LastName LIKE 'C%'", ["clark"]),
        ("WHERE LastName LIKE '_aker'", ["Baker"]),
        ("WHERE HasOptedOutOfEmail = TRUE", ["clark"]),
        ("WHERE (LastName = 'Dunn' OR LastName = 'Baker') AND NOT Industry = 'Media'", ["Dunn"]),
        ("WHERE LastName NOT IN ('Adams', 'Baker', 'Dunn') ORDER BY LastName", ["clark", "O'Hara"]),
        ("WHERE LeadEngine_Scored_At__c = 2026-11-25T08:00:00Z", ["Dunn"]),
        ("WHERE SystemModstamp > 2099-01-01T00:00:00.000+0000", []),
        ("WHERE SystemModstamp >= 2020-01-01T00:00:00Z AND LastName = 'Dunn'", ["Dunn"]),
        ("ORDER BY LastName LIMIT 2 OFFSET 1", ["Baker", "clark"]),
        ("WHERE Owner.Name = 'Integration User' ORDER BY LastName LIMIT 1", ["Adams"]),
        ("WHERE LeadEngine_Score__c = null ORDER BY LastName", ["clark", "Dunn"]),
        ("ORDER BY LeadEngine_Score__c NULLS LAST LIMIT 1", ["O'Hara"]),
    ],
)
def test_a_query_finds_what_it_says(
    crm: httpx.Client, five: list[str], where: str, found: list[str]
) -> None:
    assert names(crm, where) == found


def test_a_record_is_told_with_its_address_and_what_it_refers_to(
    crm: httpx.Client, five: list[str]
) -> None:
    soql = f"SELECT Id, Owner.Name, Title FROM Lead WHERE Id = '{five[0][:15]}'"
    (row,) = asked(crm, soql)
    assert row["attributes"]["url"] == f"/services/data/v59.0/sobjects/Lead/{five[0]}"
    assert row["Owner"]["Name"] == "Integration User"
    assert row["Owner"]["attributes"]["type"] == "User"
    assert row["Title"] is None
    soql = "SELECT ConvertedOpportunity.StageName FROM Lead LIMIT 1"
    assert asked(crm, soql)[0]["ConvertedOpportunity"] is None


def test_records_are_counted_without_being_told(crm: httpx.Client, five: list[str]) -> None:
    told = crm.get("query", params={"q": "SELECT COUNT() FROM Lead"}).json()
    assert told == {"totalSize": 5, "done": True, "records": []}


def test_all_fields_are_told_only_of_few_records(crm: httpx.Client, five: list[str]) -> None:
    (row,) = asked(crm, "SELECT FIELDS(ALL) FROM Lead LIMIT 1")
    assert {"LastName", "LeadEngine_Id__c", "SystemModstamp"} <= set(row)
    answer = crm.get("query", params={"q": "SELECT FIELDS(ALL) FROM Lead"})
    assert answer.json()[0]["errorCode"] == "MALFORMED_QUERY"


def test_deleted_records_are_told_to_those_who_ask_for_them(
    crm: httpx.Client, five: list[str]
) -> None:
    crm.delete(f"sobjects/Lead/{five[0]}")
    soql = "SELECT Id, IsDeleted FROM Lead WHERE LeadEngine_Id__c = 'lead-1'"
    assert asked(crm, soql) == []
    (row,) = asked(crm, soql, "queryAll")
    assert (row["Id"], row["IsDeleted"]) == (five[0], True)
    assert asked(crm, "SELECT Id FROM Lead WHERE IsDeleted = true", "queryall")


def test_a_long_answer_comes_in_pages(crm: httpx.Client, upsert: Upsert, org: OrgControl) -> None:
    for start in range(0, 500, 100):
        upsert(*(lead(number) for number in range(start, start + 100)))
    few = {"Sforce-Query-Options": "batchSize=200"}
    page = crm.get("query", params={"q": "SELECT Id FROM Lead"}, headers=few).json()
    seen = [row["Id"] for row in page["records"]]
    assert (page["totalSize"], page["done"], len(seen)) == (500, False, 200)
    assert page["nextRecordsUrl"].startswith("/services/data/v59.0/query/01g")
    assert page["nextRecordsUrl"].endswith("-200")
    host = str(crm.base_url).partition("/services")[0]
    while not page["done"]:
        page = crm.get(host + page["nextRecordsUrl"], headers=few).json()
        seen += [row["Id"] for row in page["records"]]
    assert len(set(seen)) == 500
    gone = crm.get("query/01g8d0000000000AAA-200")
    assert gone.json()[0]["errorCode"] == "INVALID_QUERY_LOCATOR"


@pytest.mark.parametrize(
    ("soql", "code"),
    [
        ("SELECT Id FORM Lead", "MALFORMED_QUERY"),
        ("SELECT Id FROM Lead WHERE", "MALFORMED_QUERY"),
        ("SELECT Id FROM Lead WHERE LastName = 'open", "MALFORMED_QUERY"),
        ("SELECT Id FROM Lead LIMIT many", "MALFORMED_QUERY"),
        ("SELECT Id FROM Lead WHERE SystemModstamp > 2026-01-01T00:00:00 00:00", "MALFORMED_QUERY"),
        ("SELECT MAX(CreatedDate) FROM Lead", "MALFORMED_QUERY"),
        ("", "MALFORMED_QUERY"),
        ("SELECT Nope FROM Lead", "INVALID_FIELD"),
        ("SELECT Boss.Name FROM Lead", "INVALID_FIELD"),
        ("SELECT Id FROM Lead WHERE SystemModstamp > '2026-01-01T00:00:00Z'", "INVALID_FIELD"),
        ("SELECT Id FROM Lead WHERE LeadEngine_Score__c = 'high'", "INVALID_FIELD"),
        ("SELECT Id FROM Lead WHERE LastName = 5", "INVALID_FIELD"),
        ("SELECT Id FROM Lead WHERE Description = 'x'", "INVALID_FIELD"),
        ("SELECT Id FROM Nope__c", "INVALID_TYPE"),
    ],
)
def test_a_query_that_cannot_be_answered_says_why(crm: httpx.Client, soql: str, code: str) -> None:
    answer = crm.get("query", params={"q": soql})
    assert answer.status_code == 400
    assert answer.json()[0]["errorCode"] == code


def test_a_query_that_is_too_long_for_an_address_does_not_arrive(crm: httpx.Client) -> None:
    ids = ",".join(f"'lead-{number}'" for number in range(2000))
    soql = f"SELECT Id FROM Lead WHERE LeadEngine_Id__c IN ({ids})"
    assert crm.get("query", params={"q": soql}).status_code == 414


def test_the_org_and_its_statuses_can_be_asked_for(crm: httpx.Client) -> None:
    (org,) = asked(crm, "SELECT Id, Name, IsSandbox FROM Organization")
    assert (org["Id"][:3], org["IsSandbox"]) == ("00D", True)
    (status,) = asked(crm, "SELECT MasterLabel FROM LeadStatus WHERE IsConverted = true")
    assert status["MasterLabel"] == "Closed - Converted"


@pytest.mark.parametrize("text", ["SELECT", "SELECT , FROM", "FROM Lead", "SELECT Id FROM Lead )"])
def test_half_a_query_is_none(text: str) -> None:
    with pytest.raises(Refused, match="MALFORMED_QUERY"):
        read(text)
