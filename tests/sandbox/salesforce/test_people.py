from __future__ import annotations

import httpx
import pytest

from scripts.sandbox.process import SandboxError
from scripts.sandbox.salesforce.steer import OrgControl
from tests.sandbox.salesforce.conftest import Upsert, lead

CHANGED = (
    "SELECT Id, LeadEngine_Id__c, LastModifiedBy.Name FROM Lead "
    "WHERE SystemModstamp >= 2020-01-01T00:00:00Z AND LastModifiedBy.Name = 'Sales Person'"
)


def changed(crm: httpx.Client) -> set[str]:
    found = crm.get("queryAll", params={"q": CHANGED}).json()["records"]
    return {row["LeadEngine_Id__c"] for row in found}


def test_a_sales_person_converts_some_leads(
    crm: httpx.Client, upsert: Upsert, org: OrgControl
) -> None:
    upsert(*(lead(number) for number in range(20)))
    did = org.act("convert", count=5)
    assert (did["done"], did["refused"]) == (5, [])
    assert changed(crm) == {row["external_id"] for row in did["records"]}
    book = org.book()
    assert book["converted"] == 5
    assert book["records"] == {"Lead": 20, "Contact": 5, "Account": 5, "Opportunity": 5}
    assert book["writes"] == 20
    again = org.act("convert", count=20, opportunity=False)
    assert again["done"] == 15
    assert org.book()["records"]["Opportunity"] == 5


def test_a_sales_person_edits_moves_deletes_and_takes_back(
    crm: httpx.Client, upsert: Upsert, org: OrgControl
) -> None:
    upsert(*(lead(number) for number in range(4)))
    calls = org.book(each=False)["api_calls"]
    org.act("edit", external_ids=["lead-1"], fields={"Title": "Boss"})
    org.act("status", external_ids=["lead-2"], to="Working - Contacted")
    gone = org.act("delete", external_ids=["lead-3"])
    assert org.book(each=False)["api_calls"] == calls
    assert changed(crm) == {"lead-1", "lead-2", "lead-3"}
    one = crm.get("sobjects/Lead/LeadEngine_Id__c/lead-1").json()
    assert one["Title"] == "Boss"
    assert crm.get("sobjects/Lead/LeadEngine_Id__c/lead-3").status_code == 404
    org.act("undelete", ids=gone["ids"])
    assert crm.get("sobjects/Lead/LeadEngine_Id__c/lead-3").status_code == 200
    made = org.act("create", fields={"LastName": "New", "Company": "Own"})
    assert crm.get(f"sobjects/Lead/{made['ids'][0]}").json()["Name"] == "New"


def test_two_leads_are_merged_into_the_first(
    crm: httpx.Client, upsert: Upsert, org: OrgControl
) -> None:
    kept, lost = upsert(lead(1), lead(2, Phone="1"))
    did = org.act("merge", ids=[kept["id"], lost["id"]])
    assert did["records"][0]["merged"] == [lost["id"]]
    one = crm.get(f"sobjects/Lead/{kept['id']}").json()
    assert (one["Phone"], one["LeadEngine_Id__c"]) == ("1", "lead-1")
    soql = "SELECT Id, MasterRecordId FROM Lead WHERE IsDeleted = true"
    (row,) = crm.get("queryAll", params={"q": soql}).json()["records"]
    assert (row["Id"], row["MasterRecordId"]) == (lost["id"], kept["id"])
    upsert(*(lead(number) for number in range(10, 16)))
    assert org.act("merge", count=2)["done"] == 2


def test_what_a_sales_person_cannot_do_is_told(upsert: Upsert, org: OrgControl) -> None:
    (row,) = upsert(lead(1))
    did = org.act("edit", ids=[row["id"]], fields={"Email": "nobody"})
    assert [each["code"] for each in did["refused"]] == ["INVALID_EMAIL_ADDRESS"]
    with pytest.raises(SandboxError, match="do:"):
        org.act("sing")
    with pytest.raises(SandboxError, match="NOT_FOUND"):
        org.act("delete", object="User", count=1)
    with pytest.raises(SandboxError, match="latency"):
        org.set(latency=-1)
