"""A bulk job from its opening to its results, and what can go wrong on the way."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from agents.errors import AnswerError, VendorError
from agents.vendors.salesforce import Salesforce
from policies import crm_csv
from policies.crm_records import JobPhase, JobState, missing_keys
from scripts.sandbox.process import SandboxProcess
from tests.vendors.salesforce.conftest import VENDOR, by_client
from tests.vendors.salesforce.test_calls import KEY, found, lead

COLUMNS = (KEY, "LastName", "Company", "Title", "Description")


async def opened(crm: Salesforce, records: Sequence[dict[str, Any]]) -> str:
    job_id = await crm.start_job("Lead", "upsert", KEY)
    await crm.upload(job_id, crm_csv.csv_of(records, COLUMNS))
    assert (await crm.close(job_id)).state is not JobPhase.OPEN
    return job_id


async def ended(crm: Salesforce, job_id: str) -> JobState:
    for _ in range(400):
        if (state := await crm.job(job_id)).state.ended:
            return state
        await asyncio.sleep(0.05)
    raise TimeoutError("the job does not end")


async def test_every_row_of_a_job_is_found_again_by_its_key(crm: Salesforce) -> None:
    records = [lead(f"k{n}", LastName=None if n % 10 == 3 else f"N{n}") for n in range(450)]
    for record in records:
        if record["LastName"] is None:
            del record["LastName"]
    job_id = await opened(crm, records)
    state = await ended(crm, job_id)
    assert (state.state, state.processed, state.failed) == (JobPhase.COMPLETE, 450, 45)
    results = await crm.job_results(job_id)
    assert {row.key for row in results.failed} == {f"k{n}" for n in range(450) if n % 10 == 3}
    assert {row.errors[0].code for row in results.failed} == {"REQUIRED_FIELD_MISSING"}
    assert {row.errors[0].fields for row in results.failed} == {("LastName",)}
    kept = {row[KEY]: row["Id"] for row in await found(crm, f"SELECT Id, {KEY} FROM Lead")}
    assert {row.key: row.id for row in results.succeeded} == kept
    assert all(row.created for row in results.succeeded)
    assert not missing_keys((record[KEY] for record in records), results)
    again = await crm.job_results(job_id)
    order = [row.key for row in results.succeeded]
    assert order != sorted(order) or [row.key for row in again.succeeded] != order


async def test_awkward_text_arrives_as_it_was_sent(crm: Salesforce) -> None:
    text = 'Line 1\nsays "yes", and\tno; ünïcode \U0001f600 =1+1'
    job_id = await opened(crm, [lead("k", Title='"CFO"', Description=text)])
    await ended(crm, job_id)
    rows = await found(crm, "SELECT Title, Description FROM Lead")
    assert rows == [{"Title": '"CFO"', "Description": text}]


async def test_an_empty_cell_leaves_a_field_and_none_empties_it(crm: Salesforce) -> None:
    await crm.upsert("Lead", KEY, [lead("k", Title="CFO", Description="old")])
    job_id = await opened(crm, [lead("k", Description=None)])
    await ended(crm, job_id)
    assert await found(crm, "SELECT Title, Description FROM Lead") == [
        {"Title": "CFO", "Description": None}
    ]
    [row] = (await crm.job_results(job_id)).succeeded
    assert not row.created


async def test_a_job_that_fails_half_way_names_the_rows_that_were_never_looked_at(
    crm: Salesforce, org: SandboxProcess
) -> None:
    org.set(VENDOR, bulk_fails=1.0)
    job_id = await opened(crm, [lead(f"k{n}") for n in range(100)])
    state = await ended(crm, job_id)
    assert state.state is JobPhase.FAILED
    assert state.message
    results = await crm.job_results(job_id)
    done, left = {row.key for row in results.succeeded}, set(results.unprocessed)
    assert done
    assert left
    assert done | left == {f"k{n}" for n in range(100)}
    assert not done & left


async def test_a_job_is_worked_on_after_it_was_closed_and_not_before(
    crm: Salesforce, org: SandboxProcess
) -> None:
    org.set(VENDOR, bulk_queued=0.3, bulk_seconds=0.3)
    job_id = await crm.start_job("Lead", "upsert", KEY)
    assert (await crm.job(job_id)).state is JobPhase.OPEN
    await crm.upload(job_id, crm_csv.csv_of([lead("k")], COLUMNS))
    assert (await crm.job(job_id)).state is JobPhase.OPEN
    assert (await crm.close(job_id)).state is JobPhase.UPLOADED
    assert (await ended(crm, job_id)).state is JobPhase.COMPLETE


async def test_a_second_upload_and_a_second_close_are_refused_for_good(crm: Salesforce) -> None:
    job_id = await opened(crm, [lead("k")])
    with pytest.raises(AnswerError) as refused:
        await crm.upload(job_id, crm_csv.csv_of([lead("k")], COLUMNS))
    assert refused.value.retry_after is None
    with pytest.raises(AnswerError):
        await crm.abort((await ended(crm, job_id)).id)


async def test_a_job_can_be_stopped_and_removed(crm: Salesforce) -> None:
    job_id = await crm.start_job("Lead", "upsert", KEY)
    assert (await crm.abort(job_id)).state is JobPhase.ABORTED
    await crm.delete_job(job_id)
    with pytest.raises(AnswerError, match="status 404"):
        await crm.job(job_id)


async def test_records_can_be_deleted_by_a_job_joined_by_id(crm: Salesforce) -> None:
    ids = [each.id or "" for each in await crm.upsert("Lead", KEY, [lead(), lead()])]
    job_id = await crm.start_job("Lead", "delete")
    await crm.upload(job_id, crm_csv.csv_of([{"Id": each} for each in ids], ["Id"]))
    await crm.close(job_id)
    await ended(crm, job_id)
    results = await crm.job_results(job_id)
    assert {row.key for row in results.succeeded} == set(ids)
    assert await found(crm, "SELECT Id FROM Lead") == []


@pytest.mark.parametrize(
    "operation", ["job_create", "job_upload", "job_close", "job_poll", "job_results"]
)
@pytest.mark.parametrize("mode", ["500", "html", "disconnect", "truncated", "token_expired"])
async def test_every_step_of_a_job_meets_every_fault(
    crm: Salesforce, org: SandboxProcess, operation: str, mode: str
) -> None:
    org.arm(mode, vendor=VENDOR, operation=operation, count=1)
    if mode == "token_expired" or (mode, operation) in _NO_BODY:
        assert await whole_job(crm) == ["k"]
        return
    with pytest.raises(VendorError) as failed:
        await whole_job(crm)
    assert failed.value.retry_after is not None
    assert failed.value.in_doubt
    assert org.book(VENDOR)["calls"][operation] == 1


async def whole_job(crm: Salesforce) -> list[str]:
    job_id = await opened(crm, [lead("k")])
    await ended(crm, job_id)
    return [row.key for row in (await crm.job_results(job_id)).succeeded]


_NO_BODY = {("truncated", "job_upload")}
"""The answer to an upload has no body that could be missed."""


async def test_the_results_of_a_job_meet_their_deadline(org: SandboxProcess) -> None:
    hasty = Salesforce(
        by_client(), base_url=org.vendor_urls[VENDOR], timeout=timedelta(seconds=0.6)
    )
    job_id = await opened(hasty, [lead(f"k{n}") for n in range(50)])
    await ended(hasty, job_id)
    org.arm("drip", vendor=VENDOR, operation="job_results", delay=3.0)
    async with asyncio.timeout(2.5):
        with pytest.raises(VendorError, match="in time"):
            await hasty.job_results(job_id)
    await hasty.close_connections()
