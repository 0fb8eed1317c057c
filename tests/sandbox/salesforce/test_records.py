from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.sandbox.salesforce.conftest import Upsert, lead


def created(crm: httpx.Client, **more: Any) -> str:
    answer = crm.post("sobjects/Lead/", json={"LastName": "Ito", "Company": "Acme", **more})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def refused(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    (error,) = answer.json()
    assert error["errorCode"] == code
    assert error["message"]
    return error


def test_a_record_lives_from_its_creation_to_its_deletion(crm: httpx.Client) -> None:
    made = crm.post("sobjects/Lead/", json={"LastName": "Ito", "Company": "Acme"})
    assert made.status_code == 201
    assert made.json() == {"id": made.json()["id"], "success": True, "errors": []}
    one = f"sobjects/Lead/{made.json()['id']}"
    shown = crm.get(one).json()
    assert shown["attributes"] == {"type": "Lead", "url": f"/services/data/v59.0/{one}"}
    assert (shown["Name"], shown["Status"], shown["Email"]) == ("Ito", "Open - Not Contacted", None)
    assert shown["IsConverted"] is False
    assert shown["SystemModstamp"].endswith(".000+0000")
    changed = crm.patch(one, json={"FirstName": "Aya", "Status": "Working - Contacted"})
    assert (changed.status_code, changed.content) == (204, b"")
    few = crm.get(one, params={"fields": "Name,Status"}).json()
    assert (few["Name"], few["Status"]) == ("Aya Ito", "Working - Contacted")
    assert set(few) == {"attributes", "Id", "Name", "Status"}
    assert crm.delete(one).status_code == 204
    refused(crm.get(one), 404, "ENTITY_IS_DELETED")
    refused(crm.delete(one), 404, "ENTITY_IS_DELETED")
    refused(crm.patch(one, json={"Title": "x"}), 404, "ENTITY_IS_DELETED")


def test_fifteen_characters_of_an_id_are_enough(crm: httpx.Client) -> None:
    full = created(crm)
    assert crm.get(f"sobjects/Lead/{full[:15]}").json()["Id"] == full


@pytest.mark.parametrize(
    ("values", "code", "fields"),
    [
        ({"Company": "Acme"}, "REQUIRED_FIELD_MISSING", ["LastName"]),
        ({}, "REQUIRED_FIELD_MISSING", ["LastName", "Company"]),
        ({"LastName": "x" * 81, "Company": "A"}, "STRING_TOO_LONG", ["LastName"]),
        ({"Email": "nobody"}, "INVALID_EMAIL_ADDRESS", ["Email"]),
        (
            {"LeadEngine_Tier__c": "Z"},
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            ["LeadEngine_Tier__c"],
        ),
        ({"LeadEngine_Score__c": 1000}, "NUMBER_OUTSIDE_VALID_RANGE", ["LeadEngine_Score__c"]),
        (
            {"LeadEngine_Score__c": 101},
            "FIELD_CUSTOM_VALIDATION_EXCEPTION",
            ["LeadEngine_Score__c"],
        ),
        ({"Company": "The Poison Co"}, "FIELD_CUSTOM_VALIDATION_EXCEPTION", ["Company"]),
        ({"Name": "x"}, "INVALID_FIELD_FOR_INSERT_UPDATE", ["Name"]),
        ({"IsConverted": True}, "INVALID_FIELD_FOR_INSERT_UPDATE", ["IsConverted"]),
        ({"AnnualRevenue": "much"}, "INVALID_TYPE_ON_FIELD_IN_RECORD", ["AnnualRevenue"]),
        ({"OwnerId": "00Q8d0000000001EAA"}, "MALFORMED_ID", ["OwnerId"]),
        ({"OwnerId": "0058d0000000001AAA"}, "INVALID_CROSS_REFERENCE_KEY", ["OwnerId"]),
    ],
)
def test_what_cannot_be_saved_is_refused_by_name(
    crm: httpx.Client, values: dict[str, Any], code: str, fields: list[str]
) -> None:
    usual = {} if code == "REQUIRED_FIELD_MISSING" else {"LastName": "Ito", "Company": "Acme"}
    answer = crm.post("sobjects/Lead", json={**usual, **values})
    assert refused(answer, 400, code)["fields"] == fields


def test_an_unknown_field_and_an_unknown_object_are_two_errors(crm: httpx.Client) -> None:
    refused(crm.post("sobjects/Lead", json={"Nope__c": 1}), 400, "INVALID_FIELD")
    refused(crm.post("sobjects/Nope", json={}), 404, "NOT_FOUND")
    refused(crm.post("sobjects/Lead", content=b"{"), 400, "JSON_PARSER_ERROR")
    refused(crm.put("sobjects/Lead"), 405, "METHOD_NOT_ALLOWED")
    refused(crm.get("sobjects/Lead/00Q8d0000000009EAA"), 404, "NOT_FOUND")
    refused(crm.get("nowhere"), 404, "NOT_FOUND")


def test_an_upsert_creates_once_and_updates_from_then_on(crm: httpx.Client) -> None:
    address = "sobjects/Lead/LeadEngine_Id__c/a b"
    first = crm.patch(address, json={"LastName": "Ito", "Company": "Acme"})
    assert first.status_code == 201
    assert first.json()["created"] is True
    second = crm.patch(address, json={"Title": "CEO"})
    assert second.status_code == 200
    assert second.json() == {
        **first.json(),
        "created": False,
    }
    old = str(crm.base_url).replace("v59.0", "v45.0")
    assert crm.patch(f"{old}{address}", json={"Title": "CTO"}).status_code == 204
    found = crm.get(address).json()
    assert (found["Id"], found["Title"]) == (first.json()["id"], "CTO")
    said = crm.patch(address, json={"LeadEngine_Id__c": "a b", "Title": "x"})
    assert "should not be specified" in refused(said, 400, "INVALID_FIELD")["message"]
    refused(crm.patch("sobjects/Lead/Title/x", json={}), 404, "NOT_FOUND")
    refused(crm.get("sobjects/Lead/LeadEngine_Id__c/other"), 404, "NOT_FOUND")


def test_several_records_of_one_external_id_are_all_named(crm: httpx.Client) -> None:
    both = [created(crm, Legacy_Id__c="7", LastName=name) for name in ("A", "B")]
    answer = crm.get("sobjects/Lead/Legacy_Id__c/7")
    assert answer.status_code == 300
    assert answer.json() == [f"/services/data/v59.0/sobjects/Lead/{one}" for one in both]
    assert crm.patch("sobjects/Lead/Legacy_Id__c/7", json={"Title": "x"}).status_code == 300
    address = "composite/sobjects/Lead/Legacy_Id__c"
    (row,) = crm.patch(address, json={"records": [{"Legacy_Id__c": "7", "Title": "x"}]}).json()
    assert row["errors"][0]["statusCode"] == "DUPLICATE_EXTERNAL_ID"


def test_an_external_id_is_unique_whatever_its_case(crm: httpx.Client) -> None:
    first = created(crm, LeadEngine_Id__c="Key")
    answer = crm.post(
        "sobjects/Lead", json={"LastName": "B", "Company": "C", "LeadEngine_Id__c": "KEY"}
    )
    assert first in refused(answer, 400, "DUPLICATE_VALUE")["message"]
    crm.delete(f"sobjects/Lead/{first}")
    created(crm, LeadEngine_Id__c="KEY")


def test_a_slash_in_an_external_id_need_not_be_encoded(crm: httpx.Client) -> None:
    made = created(crm, LeadEngine_Id__c="a/b")
    assert crm.get("sobjects/Lead/LeadEngine_Id__c/a/b").json()["Id"] == made
    assert crm.get("sobjects/lead/leadengine_id__c/a%2Fb").json()["Id"] == made


def test_a_reference_may_be_given_by_external_id(crm: httpx.Client, upsert: Upsert) -> None:
    (row,) = upsert(lead(1))
    deal = {
        "Name": "Deal",
        "StageName": "Prospecting",
        "CloseDate": "2026-12-31",
        "LeadEngine_Lead__r": {"LeadEngine_Id__c": "lead-1"},
    }
    made = crm.post("sobjects/Opportunity", json=deal).json()["id"]
    assert crm.get(f"sobjects/Opportunity/{made}").json()["LeadEngine_Lead__c"] == row["id"]
    deal["LeadEngine_Lead__r"] = {"LeadEngine_Id__c": "lead-2"}
    refused(crm.post("sobjects/Opportunity", json=deal), 400, "INVALID_FIELD")


def test_describe_tells_what_a_mapping_needs_to_know(crm: httpx.Client) -> None:
    told = crm.get("sobjects/Lead/describe").json()
    fields = {field["name"]: field for field in told["fields"]}
    assert (told["name"], told["keyPrefix"], told["createable"]) == ("Lead", "00Q", True)
    key = fields["LeadEngine_Id__c"]
    assert (key["externalId"], key["unique"], key["custom"]) == (True, True, True)
    assert key["length"] == 36
    assert (fields["LastName"]["nillable"], fields["LastName"]["length"]) == (False, 80)
    assert fields["Company"]["length"] == 255
    assert (fields["Name"]["createable"], fields["Name"]["updateable"]) == (False, False)
    assert fields["Email"]["type"] == "email"
    status = [value["value"] for value in fields["Status"]["picklistValues"]]
    assert status[0] == "Open - Not Contacted"
    assert "Closed - Converted" in status
    assert fields["Status"]["defaultedOnCreate"] is True
    assert fields["LeadEngine_Tier__c"]["restrictedPicklist"] is True
    assert (fields["LeadEngine_Score__c"]["precision"], fields["LeadEngine_Score__c"]["scale"]) == (
        5,
        2,
    )
    assert fields["OwnerId"]["referenceTo"] == ["User"]
    names = {each["name"] for each in crm.get("sobjects").json()["sobjects"]}
    assert {"Lead", "Contact", "Account", "Opportunity"} <= names
    assert crm.get("sobjects/Lead/").json()["objectDescribe"]["name"] == "Lead"


def test_what_was_changed_and_deleted_is_listed(crm: httpx.Client, upsert: Upsert) -> None:
    kept, gone = (row["id"] for row in upsert(lead(1), lead(2)))
    crm.delete(f"sobjects/Lead/{gone}")
    span = {"start": "2020-01-01T00:00:00Z", "end": "2099-01-01T00:00:00+00:00"}
    assert crm.get("sobjects/Lead/updated/", params=span).json()["ids"] == [kept]
    deleted = crm.get("sobjects/Lead/deleted/", params=span).json()
    assert [each["id"] for each in deleted["deletedRecords"]] == [gone]
    refused(crm.get("sobjects/Lead/deleted"), 400, "INVALID_REPLICATION_DATE")


def test_versions_come_and_go(crm: httpx.Client, anyone: httpx.Client) -> None:
    base = str(crm.base_url)
    assert crm.get(base.replace("v59.0", "v68.0") + "limits").status_code == 200
    refused(crm.get(base.replace("v59.0", "v30.0") + "limits"), 410, "UNSUPPORTED_API_VERSION")
    refused(crm.get(base.replace("v59.0", "v99.0") + "limits"), 404, "NOT_FOUND")
    assert crm.get(base.replace("v59.0/", "")).json()[-1]["version"] == "68.0"
