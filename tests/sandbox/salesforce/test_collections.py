from __future__ import annotations

from typing import Any

import httpx
import pytest

from scripts.sandbox.process import SandboxProcess
from scripts.sandbox.salesforce.steer import OrgControl
from tests.sandbox.salesforce.conftest import Upsert, codes, lead


def test_rows_are_answered_one_by_one_and_in_order(upsert: Upsert, org: OrgControl) -> None:
    poison, bare = lead(2, Company="Poison Ltd"), lead(3)
    del bare["Company"]
    first = upsert(lead(1), poison, bare, lead(4))
    assert [row["success"] for row in first] == [True, False, False, True]
    assert first[0]["created"] is True
    assert first[0]["errors"] == []
    assert first[2] == {
        "success": False,
        "errors": [
            {
                "statusCode": "REQUIRED_FIELD_MISSING",
                "message": "Required fields are missing: [Company]",
                "fields": ["Company"],
            }
        ],
    }
    second = upsert(lead(1, Title="CEO"), lead(5))
    assert [row["created"] for row in second] == [False, True]
    assert second[0]["id"] == first[0]["id"]
    book = org.book()
    assert book["by_external_id"] == {"lead-1": 1, "lead-4": 1, "lead-5": 1}
    assert book["records"]["Lead"] == 3
    assert (book["writes"], book["created_twice"]) == (4, 0)


def test_all_or_none_takes_everything_back(upsert: Upsert, org: OrgControl) -> None:
    upsert(lead(1))
    rows = upsert(lead(1, Title="CEO"), lead(2), lead(3, Email="nobody"), all_or_none=True)
    rolled = "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    assert codes(rows) == [rolled, rolled, "INVALID_EMAIL_ADDRESS"]
    assert not any("id" in row for row in rows)
    book = org.book()
    assert book["records"]["Lead"] == 1
    assert (book["by_external_id"], book["writes"]) == ({"lead-1": 1}, 1)


def test_a_record_that_was_taken_back_is_as_it_was(crm: httpx.Client, upsert: Upsert) -> None:
    (row,) = upsert(lead(1, Title="CTO"))
    upsert(lead(2))
    upsert(lead(1, Title="CEO", LeadEngine_Id__c="lead-1"), lead(3, Email="x"), all_or_none=True)
    assert crm.get(f"sobjects/Lead/{row['id']}").json()["Title"] == "CTO"
    since = "SELECT Title FROM Lead WHERE SystemModstamp >= 2020-01-01T00:00:00Z"
    assert crm.get("query", params={"q": since}).json()["totalSize"] == 2


def test_one_external_id_twice_in_a_call_fails_both_rows(upsert: Upsert) -> None:
    rows = upsert(lead(1), lead(2), lead(1, Title="CEO"))
    assert [row["success"] for row in rows] == [False, True, False]
    assert rows[0]["errors"][0]["message"] == "Duplicate external id specified: lead-1"
    assert codes(rows) == ["DUPLICATE_VALUE", "DUPLICATE_VALUE"]


def test_a_row_without_its_external_id_is_told_so(upsert: Upsert) -> None:
    bare = lead(1)
    del bare["LeadEngine_Id__c"]
    assert codes(upsert(bare)) == ["MISSING_ARGUMENT"]


def test_more_than_200_rows_are_too_many(crm: httpx.Client) -> None:
    body = {"records": [lead(number) for number in range(201)]}
    answer = crm.patch("composite/sobjects/Lead/LeadEngine_Id__c", json=body)
    assert answer.status_code == 400
    assert answer.json()[0]["errorCode"] == "EXCEEDED_ID_LIMIT"


@pytest.mark.parametrize(
    ("method", "body"),
    [
        ("PATCH", {"records": "all"}),
        ("PATCH", {}),
        ("PATCH", {"records": [{"attributes": {"type": "Contact"}, "LastName": "x"}]}),
        ("PATCH", []),
    ],
)
def test_a_malformed_call_fails_as_a_whole(crm: httpx.Client, method: str, body: Any) -> None:
    answer = crm.request(method, "composite/sobjects/Lead/LeadEngine_Id__c", json=body)
    assert answer.status_code == 400
    assert set(answer.json()[0]) == {"message", "errorCode"}


def test_records_of_several_objects_are_created_changed_and_deleted(crm: httpx.Client) -> None:
    records = [
        lead(1),
        {"attributes": {"type": "Account"}, "Name": "Acme"},
        {"attributes": {"type": "Contact"}, "LastName": "Ito"},
    ]
    made = crm.post("composite/sobjects", json={"records": records}).json()
    assert [row["id"][:3] for row in made] == ["00Q", "001", "003"]
    changes = [
        {"attributes": {"type": "Account"}, "id": made[1]["id"], "Name": "Acme Ltd"},
        {"attributes": {"type": "Contact"}, "id": made[2]["id"], "LastName": None},
    ]
    changed = crm.patch("composite/sobjects", json={"records": changes}).json()
    assert [row["success"] for row in changed] == [True, False]
    ids = [made[0]["id"], made[1]["id"], "00Q8d0000000009EAA", "nonsense"]
    gone = crm.delete("composite/sobjects", params={"ids": ",".join(ids)}).json()
    assert [row["success"] for row in gone] == [True, True, False, False]
    shown = crm.get(
        "composite/sobjects/Account", params={"ids": made[1]["id"], "fields": "Name"}
    ).json()
    assert shown == [None]


def test_more_than_ten_chunks_of_kinds_are_too_many(crm: httpx.Client) -> None:
    pair = [lead(1), {"attributes": {"type": "Account"}, "Name": "Acme"}]
    answer = crm.post("composite/sobjects", json={"records": pair * 6})
    assert answer.status_code == 400


def test_a_duplicate_is_named_with_the_misspelled_key(
    crm: httpx.Client, upsert: Upsert, org: OrgControl
) -> None:
    org.set(duplicate_rule="alert")
    (first,) = upsert(lead(1))
    values = {"LastName": "Other", "Company": "Acme", "Email": "ITO1@acme1.example"}
    answer = crm.post("sobjects/Lead/", json=values)
    assert answer.status_code == 400
    (error,) = answer.json()
    assert (error["errorCode"], error["fields"]) == ("DUPLICATES_DETECTED", [])
    result = error["duplicateResut"]
    assert result["allowSave"] is True
    (match,) = result["matchResults"]
    assert match["matchRecords"][0]["record"]["Id"] == first["id"]
    assert match["size"] == 1
    (row,) = upsert(lead(9, Email="ito1@acme1.example"))
    assert row["errors"][0]["duplicateResut"]["matchResults"]


def test_a_duplicate_may_be_saved_if_the_rule_only_warns(upsert: Upsert, org: OrgControl) -> None:
    org.set(duplicate_rule="alert")
    upsert(lead(1))
    allow = {"Sforce-Duplicate-Rule-Header": "allowSave=true"}
    (row,) = upsert(lead(2, Email="ito1@acme1.example"), **allow)
    assert row["success"] is True
    org.set(duplicate_rule="block")
    (row,) = upsert(lead(3, Email="ito1@acme1.example"), **allow)
    assert row["errors"][0]["duplicateResut"]["allowSave"] is False
    (row,) = upsert(lead(1, Title="the address stays"))
    assert row["success"] is True


def test_row_locks_come_at_their_rate(upsert: Upsert, org: OrgControl) -> None:
    org.set(lock_share=0.3)
    rows = upsert(*(lead(number) for number in range(200)))
    locked = codes(rows)
    assert set(locked) == {"UNABLE_TO_LOCK_ROW"}
    assert 30 < len(locked) < 90
    org.set(lock_share=0.0)
    again = upsert(*(lead(number) for number in range(200)))
    assert all(row["success"] for row in again)
    assert set(org.book()["by_external_id"].values()) == {1}


def test_a_call_that_was_done_but_not_answered_is_in_the_book(
    crm: httpx.Client, upsert: Upsert, org: OrgControl, sandbox: SandboxProcess
) -> None:
    sandbox.arm("act_then_timeout", count=1, delay=0.05, vendor="salesforce")
    with pytest.raises(httpx.RemoteProtocolError):
        upsert(lead(1))
    assert org.book()["by_external_id"] == {"lead-1": 1}
    (row,) = upsert(lead(1))
    assert row["created"] is False


def test_several_calls_in_one_may_refer_to_one_another(crm: httpx.Client, org: OrgControl) -> None:
    base = "/services/data/v59.0"
    account = {"method": "POST", "url": f"{base}/sobjects/Account", "referenceId": "acme"}
    contact = {
        "method": "POST",
        "url": f"{base}/sobjects/Contact",
        "referenceId": "ito",
        "body": {"LastName": "Ito", "AccountId": "@{acme.id}"},
    }
    parts = [{**account, "body": {"Name": "Acme"}}, contact]
    told = crm.post("composite", json={"compositeRequest": parts}).json()["compositeResponse"]
    assert [part["httpStatusCode"] for part in told] == [201, 201]
    assert [part["referenceId"] for part in told] == ["acme", "ito"]
    one = crm.get(f"sobjects/Contact/{told[1]['body']['id']}").json()
    assert one["AccountId"] == told[0]["body"]["id"]
    calls = org.book()["api_calls"]
    parts = [{**account, "body": {"Name": "B"}}, {**contact, "body": {}}]
    told = crm.post("composite", json={"compositeRequest": parts, "allOrNone": True}).json()
    assert [part["httpStatusCode"] for part in told["compositeResponse"]] == [400, 400]
    book = org.book()
    assert book["records"]["Account"] == 1
    assert book["api_calls"] == calls + 1


def test_a_batch_and_a_tree_are_answered(crm: httpx.Client, org: OrgControl) -> None:
    asks = [{"method": "GET", "url": "v59.0/limits"}, {"method": "GET", "url": "v59.0/nowhere"}]
    told = crm.post("composite/batch", json={"batchRequests": asks}).json()
    assert told["hasErrors"] is True
    assert [part["statusCode"] for part in told["results"]] == [200, 404]
    rows = [{**lead(1), "attributes": {"type": "Lead", "referenceId": "a"}}, {"LastName": "x"}]
    answer = crm.post("composite/tree/Lead", json={"records": rows})
    assert answer.status_code == 400
    assert org.book()["records"]["Lead"] == 0
    answer = crm.post("composite/tree/Lead", json={"records": rows[:1]})
    assert (answer.status_code, answer.json()["results"][0]["referenceId"]) == (201, "a")
