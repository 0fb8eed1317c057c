"""What the adapter asks of Salesforce, and what it makes of the answers, over real HTTP."""

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import pytest

from agents.errors import AnswerError, VendorError
from agents.vendors.salesforce import Salesforce
from policies.crm_checks import check
from policies.crm_defaults import default_mapping
from policies.crm_records import ErrorCode
from scripts.sandbox.process import SandboxProcess
from tests.vendors.salesforce.conftest import VENDOR

KEY = "LeadEngine_Id__c"
ALERT: Any = "alert"


def lead(key: str | None = None, **more: object) -> dict[str, Any]:
    return {KEY: key or str(uuid4()), "LastName": "Ito", "Company": "Acme", **more}


async def found(crm: Salesforce, soql: str, **more: bool) -> list[Mapping[str, Any]]:
    return [record async for record in crm.query(soql, **more)]


async def test_the_connection_test_says_who_we_are(crm: Salesforce) -> None:
    account = await crm.who()
    assert len(account.organization_id) == 18
    assert "@" in account.user
    assert account.instance == "https://leadengine-sandbox.my.salesforce.com"


async def test_an_object_is_described_well_enough_to_check_the_mapping_that_we_begin_with(
    crm: Salesforce,
) -> None:
    description = await crm.describe("Lead")
    assert {f.name for f in description.fields if f.required} == {"LastName", "Company"}
    key = description.field("leadengine_id__C")
    assert key is not None
    assert (key.external_id, key.unique) == (True, True)
    assert not [each for each in check(default_mapping(), description) if each.fatal]


async def test_200_rows_answer_one_by_one_in_the_order_in_which_they_were_sent(
    crm: Salesforce, org: SandboxProcess
) -> None:
    records = [lead(LastName=None if n % 7 == 3 else f"N{n}") for n in range(200)]
    results = await crm.upsert("Lead", KEY, records)
    assert [not each.success for each in results] == [n % 7 == 3 for n in range(200)]
    error = results[3].errors[0]
    assert (error.code, error.fields) == ("REQUIRED_FIELD_MISSING", ("LastName",))
    kept = {r[KEY]: r["Id"] for r in await found(crm, f"SELECT Id, {KEY} FROM Lead")}
    assert kept == {
        record[KEY]: result.id
        for record, result in zip(records, results, strict=True)
        if result.success
    }
    assert org.book(VENDOR)["calls"]["collections"] == 1


async def test_the_same_rows_again_change_records_and_create_none(
    crm: Salesforce, org: SandboxProcess
) -> None:
    records = [lead() for _ in range(20)]
    first = await crm.upsert("Lead", KEY, records)
    again = await crm.upsert("Lead", KEY, records)
    assert all(each.created for each in first)
    assert [(each.id, each.created) for each in again] == [(each.id, False) for each in first]
    assert org.book(VENDOR)["records"]["Lead"] == 20


async def test_none_empties_a_field_and_what_is_left_out_stays(crm: Salesforce) -> None:
    one = lead(Title="CFO", Phone="+4930901820")
    await crm.upsert("Lead", KEY, [one])
    await crm.upsert("Lead", KEY, [lead(one[KEY], Phone=None)])
    rows = await found(crm, "SELECT Title, Phone FROM Lead")
    assert rows == [{"Title": "CFO", "Phone": None}]


async def test_no_more_than_200_rows_and_none_without_its_key_are_sent(
    crm: Salesforce, org: SandboxProcess
) -> None:
    with pytest.raises(ValueError, match="between 1 and 200"):
        await crm.upsert("Lead", KEY, [lead() for _ in range(201)])
    with pytest.raises(ValueError, match="between 1 and 200"):
        await crm.upsert("Lead", KEY, [])
    with pytest.raises(ValueError, match="every record needs"):
        await crm.upsert("Lead", KEY, [{"LastName": "Ito"}])
    with pytest.raises(ValueError, match="names and ids"):
        await crm.describe("Lead/describe?x=")
    assert org.book(VENDOR)["requests"] == 0


async def test_a_duplicate_rule_names_the_other_record_which_then_can_be_linked(
    crm: Salesforce, org: SandboxProcess
) -> None:
    org.set(VENDOR, duplicate_rule=ALERT)
    await crm.upsert("Lead", KEY, [lead(Email="ann@acme.example")])
    [other] = await found(crm, "SELECT Id FROM Lead")
    mine = lead(Email="ann@acme.example")
    [result] = await crm.upsert("Lead", KEY, [mine])
    assert result.errors[0].code == ErrorCode.DUPLICATES
    assert result.errors[0].matches in {(other["Id"],), ()}  # rows of collections may not tell
    [linked] = await crm.update("Lead", [{"Id": other["Id"], KEY: mine[KEY]}])
    assert linked.id == other["Id"]
    assert await found(crm, f"SELECT {KEY} FROM Lead") == [{KEY: mine[KEY]}]


async def test_a_duplicate_is_saved_if_we_say_so(crm: Salesforce, org: SandboxProcess) -> None:
    org.set(VENDOR, duplicate_rule=ALERT)
    await crm.upsert("Lead", KEY, [lead(Email="ann@acme.example")])
    twin = lead(Email="ann@acme.example")
    [result] = await crm.upsert("Lead", KEY, [twin], save_duplicates=True)
    assert result.created
    assert org.book(VENDOR)["records"]["Lead"] == 2


async def test_a_locked_row_is_an_error_of_that_row_alone(
    crm: Salesforce, org: SandboxProcess
) -> None:
    org.set(VENDOR, lock_share=0.5)
    results = await crm.upsert("Lead", KEY, [lead() for _ in range(100)])
    locked = [each for each in results if not each.success]
    assert 20 < len(locked) < 80
    assert {each.errors[0].code for each in locked} == {ErrorCode.LOCKED}


async def test_pages_of_a_query_are_followed_to_the_end(
    crm: Salesforce, org: SandboxProcess
) -> None:
    org.set(VENDOR, page=7)
    keys = {f"k{n}" for n in range(23)}
    await crm.upsert("Lead", KEY, [lead(key) for key in sorted(keys)])
    rows = await found(crm, f"SELECT {KEY} FROM Lead")
    assert {row[KEY] for row in rows} == keys
    assert len(rows) == 23
    assert all(set(row) == {KEY} for row in rows)
    assert org.book(VENDOR)["calls"]["query_more"] == 3


async def test_a_deleted_record_is_seen_only_by_whoever_asks_for_it(crm: Salesforce) -> None:
    ids = [each.id or "" for each in await crm.upsert("Lead", KEY, [lead(), lead()])]
    assert [each.success for each in await crm.delete("Lead", ids[:1])] == [True]
    [again] = await crm.delete("Lead", ids[:1])
    assert again.errors[0].code in {ErrorCode.DELETED, ErrorCode.NOT_FOUND}
    assert [r["Id"] for r in await found(crm, "SELECT Id FROM Lead")] == ids[1:]
    every = await found(crm, "SELECT Id, IsDeleted FROM Lead", include_deleted=True)
    assert {r["Id"]: r["IsDeleted"] for r in every} == {ids[0]: True, ids[1]: False}


async def test_a_wrong_query_is_about_the_question_and_says_which_name_is_wrong(
    crm: Salesforce,
) -> None:
    with pytest.raises(VendorError, match=r"INVALID_FIELD.*Scoer__c") as wrong:
        await found(crm, "SELECT Scoer__c FROM Lead")
    assert wrong.value.retry_after is None
    with pytest.raises(AnswerError, match="MALFORMED_QUERY"):
        await found(crm, "SELECT FROM Lead")


async def test_an_unknown_external_id_field_is_a_matter_of_setup_and_said_once(
    crm: Salesforce, org: SandboxProcess
) -> None:
    with pytest.raises(VendorError) as wrong:
        await crm.upsert("Lead", "Nothing__c", [{"Nothing__c": "1", "LastName": "Ito"}])
    assert wrong.value.retry_after is None
    assert org.book(VENDOR)["calls"]["collections"] == 1


@pytest.mark.parametrize("modern", [False, True])
async def test_the_allowance_is_read_from_the_last_answer_and_costs_no_call(
    crm: Salesforce, org: SandboxProcess, modern: bool
) -> None:
    org.set(VENDOR, modern_limit_info=modern, daily_calls=5_000, calls_used=17)
    await crm.describe("Lead")
    usage = await crm.limits()
    assert (usage.used, usage.allowed) == (18, 5_000)
    assert usage.share == pytest.approx(0.0036)
    assert "limits" not in org.book(VENDOR)["calls"]


async def test_the_allowance_can_be_asked_for_before_any_other_call(
    crm: Salesforce, org: SandboxProcess
) -> None:
    org.set(VENDOR, daily_calls=5_000, calls_used=17)
    usage = await crm.limits()
    assert (usage.used, usage.allowed) == (17, 5_000)


async def test_many_calls_at_once_share_one_login(crm: Salesforce, org: SandboxProcess) -> None:
    batches = [[lead() for _ in range(5)] for _ in range(12)]
    every = await asyncio.gather(*(crm.upsert("Lead", KEY, batch) for batch in batches))
    assert all(result.created for results in every for result in results)
    assert org.book(VENDOR)["logins"] == 1
