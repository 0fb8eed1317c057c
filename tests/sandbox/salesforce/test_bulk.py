from __future__ import annotations

import csv
import io
import time
from typing import Any

import httpx
import pytest

from scripts.sandbox.process import SandboxProcess
from scripts.sandbox.salesforce.steer import OrgControl
from tests.sandbox.salesforce.conftest import Upsert, lead

CSV = {"Content-Type": "text/csv; charset=UTF-8"}
JOB = {
    "object": "Lead",
    "operation": "upsert",
    "contentType": "CSV",
    "lineEnding": "LF",
    "externalIdFieldName": "LeadEngine_Id__c",
}


def opened(crm: httpx.Client, **more: Any) -> str:
    body = {key: value for key, value in {**JOB, **more}.items() if value is not None}
    answer = crm.post("jobs/ingest", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["id"]


def closed(crm: httpx.Client, text: str | bytes, **more: Any) -> str:
    job = opened(crm, **more)
    assert crm.put(f"jobs/ingest/{job}/batches", content=text, headers=CSV).status_code == 201
    assert crm.patch(f"jobs/ingest/{job}", json={"state": "UploadComplete"}).status_code == 200
    return job


def ended(crm: httpx.Client, job: str) -> dict[str, Any]:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        told = crm.get(f"jobs/ingest/{job}").json()
        if told["state"] in {"JobComplete", "Failed", "Aborted"}:
            return told
        time.sleep(0.005)
    raise AssertionError("the job does not end")


def rows(crm: httpx.Client, job: str, which: str) -> list[dict[str, str]]:
    answer = crm.get(f"jobs/ingest/{job}/{which}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


def numbered(count: int) -> str:
    lines = (f"lead-{n},Ito {n},Acme\n" for n in range(count))
    return "LeadEngine_Id__c,LastName,Company\n" + "".join(lines)


def refused(answer: httpx.Response, code: str, status: int = 400) -> str:
    assert answer.status_code == status, answer.text
    assert answer.json()[0]["errorCode"] == code
    return answer.json()[0]["message"]


def test_a_job_lives_from_its_opening_to_its_deletion(crm: httpx.Client, org: OrgControl) -> None:
    made = crm.post("jobs/ingest", json=JOB).json()
    assert made["id"].startswith("750")
    assert (made["state"], made["concurrencyMode"]) == ("Open", "Parallel")
    assert made["contentUrl"] == f"services/data/v59.0/jobs/ingest/{made['id']}/batches"
    assert made["apiVersion"] == 59.0
    text = (
        "LeadEngine_Id__c,LastName,Company\na,Ito,Acme\nb,Ruiz,Poison\nc,,Acme\n"
        'd,"Two ""lines""\nof, text",Acme\n'
    )
    uploaded = crm.put(f"jobs/ingest/{made['id']}/batches", content=text, headers=CSV)
    assert (uploaded.status_code, uploaded.content) == (201, b"")
    done = crm.patch(f"jobs/ingest/{made['id']}", json={"state": "UploadComplete"})
    assert done.json()["state"] == "UploadComplete"
    told = ended(crm, made["id"])
    assert (told["state"], told["jobType"]) == ("JobComplete", "V2Ingest")
    assert (told["numberRecordsProcessed"], told["numberRecordsFailed"]) == (4, 2)
    good = {row["LeadEngine_Id__c"]: row for row in rows(crm, made["id"], "successfulResults")}
    assert set(good) == {"a", "d"}
    assert good["d"]["LastName"] == 'Two "lines"\nof, text'
    assert good["a"]["sf__Created"] == "true"
    assert good["a"]["sf__Id"].startswith("00Q")
    bad = {row["LeadEngine_Id__c"]: row for row in rows(crm, made["id"], "failedResults")}
    assert bad["c"]["sf__Error"] == (
        "REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --"
    )
    assert bad["b"]["sf__Error"].startswith("FIELD_CUSTOM_VALIDATION_EXCEPTION:")
    assert rows(crm, made["id"], "unprocessedRecords") == []
    assert rows(crm, made["id"], "unprocessedrecords") == []
    listed = crm.get("jobs/ingest", params={"jobType": "V2Ingest"}).json()
    assert [job["id"] for job in listed["records"]] == [made["id"]]
    gone = crm.delete(f"jobs/ingest/{made['id']}")
    assert (gone.status_code, gone.content) == (204, b"")
    refused(crm.get(f"jobs/ingest/{made['id']}"), "NOT_FOUND", 404)
    assert org.book()["by_external_id"] == {"a": 1, "d": 1}


def test_an_empty_cell_leaves_a_field_and_a_word_empties_it(
    crm: httpx.Client, upsert: Upsert
) -> None:
    (row,) = upsert(lead(1, Title="CEO", Phone="1", LeadEngine_Score__c=5))
    text = "LeadEngine_Id__c,Title,Phone,LeadEngine_Score__c\nlead-1,,#N/A,7.25\n"
    told = ended(crm, closed(crm, text))
    assert told["numberRecordsFailed"] == 0
    one = crm.get(f"sobjects/Lead/{row['id']}").json()
    assert (one["Title"], one["Phone"], one["LeadEngine_Score__c"]) == ("CEO", None, 7.25)


def test_results_come_in_another_order_than_the_rows(crm: httpx.Client) -> None:
    job = closed(crm, numbered(300))
    ended(crm, job)
    keys = [row["LeadEngine_Id__c"] for row in rows(crm, job, "successfulResults")]
    asked = [f"lead-{number}" for number in range(300)]
    assert sorted(keys) == sorted(asked)
    assert keys != asked


def test_one_external_id_twice_fails_only_inside_one_chunk(crm: httpx.Client) -> None:
    near = closed(crm, numbered(2) + "lead-0,Other,Acme\n")
    assert ended(crm, near)["numberRecordsFailed"] == 2
    far = closed(crm, numbered(250) + "lead-0,Other,Acme\n")
    assert ended(crm, far)["numberRecordsFailed"] == 0


@pytest.mark.parametrize(
    ("text", "job", "told"),
    [
        ("LeadEngine_Id__c,LastName\r\na,b\r\n", {}, "LineEnding is invalid"),
        ("LeadEngine_Id__c,LastName\na,b\n", {"lineEnding": "CRLF"}, "LineEnding is invalid"),
        ("LeadEngine_Id__c,Nope\na,b\n", {}, "Field name not found : Nope"),
        ("LastName,Company\na,b\n", {}, "LeadEngine_Id__c is needed"),
        ("LeadEngine_Id__c,LastName\na\n", {}, "more or fewer columns"),
        ('LeadEngine_Id__c,LastName\na,"b\n', {}, "Failed to parse CSV"),
        (b"LeadEngine_Id__c,LastName\na,\xff\n", {}, "not UTF-8"),
        ("Id,Name\na,b\n", {"operation": "delete", "externalIdFieldName": None}, "no other"),
    ],
)
def test_a_file_that_cannot_be_read_fails_the_job(
    crm: httpx.Client, text: str | bytes, job: dict[str, Any], told: str
) -> None:
    state = ended(crm, closed(crm, text, **job))
    assert state["state"] == "Failed"
    assert told in state["errorMessage"]


def test_other_separators_and_line_ends_are_read(crm: httpx.Client, org: OrgControl) -> None:
    text = '\ufeffLeadEngine_Id__c;LastName;Company\r\na;"x\r\ny";Acme\r\n'
    told = ended(crm, closed(crm, text, lineEnding="CRLF", columnDelimiter="SEMICOLON"))
    assert (told["state"], told["numberRecordsFailed"]) == ("JobComplete", 0)
    assert org.book()["by_external_id"] == {"a": 1}


def test_rows_are_inserted_updated_and_deleted_by_id(crm: httpx.Client, org: OrgControl) -> None:
    none = {"externalIdFieldName": None}
    job = closed(crm, "LastName,Company\nA,X\nB,X\n", operation="insert", **none)
    ended(crm, job)
    first, second = (row["sf__Id"] for row in rows(crm, job, "successfulResults"))
    job = closed(crm, f"Id,Title\n{first},CEO\n{second},\n,x\n", operation="update", **none)
    assert ended(crm, job)["numberRecordsFailed"] == 1
    assert crm.get(f"sobjects/Lead/{first}").json()["Title"] == "CEO"
    job = closed(crm, f"Id\n{first}\n{first[:-1]}\n", operation="delete", **none)
    assert ended(crm, job)["numberRecordsFailed"] == 1
    (failed,) = rows(crm, job, "failedResults")
    assert failed["sf__Error"].startswith("MALFORMED_ID:")
    assert org.book()["records"]["Lead"] == 1


def test_a_job_takes_one_upload_and_one_end(crm: httpx.Client, org: OrgControl) -> None:
    job = opened(crm)
    path = f"jobs/ingest/{job}"
    refused(crm.patch(path, json={"state": "UploadComplete"}), "INVALIDJOBSTATE")
    refused(crm.put(f"{path}/batches", json={}), "INVALIDCONTENTTYPE")
    refused(crm.get(f"{path}/successfulResults"), "INVALIDJOBSTATE")
    refused(crm.delete(path), "INVALIDJOBSTATE")
    assert crm.put(f"{path}/batches", content=numbered(1), headers=CSV).status_code == 201
    again = crm.put(f"{path}/batches", content=numbered(1), headers=CSV)
    assert "only do 'PUT' once" in refused(again, "INVALIDJOBSTATE")
    assert crm.patch(path, json={"state": "UploadComplete"}).status_code == 200
    again = crm.patch(path, json={"state": "UploadComplete"})
    assert "not allowed" in refused(again, "INVALIDJOBSTATE")
    ended(crm, job)
    refused(crm.patch(path, json={"state": "Aborted"}), "INVALIDJOBSTATE")
    refused(crm.patch(path, json={"state": "Done"}), "INVALIDJOB")
    org.set(bulk_largest=10)
    job = opened(crm)
    large = crm.put(f"jobs/ingest/{job}/batches", content=numbered(9), headers=CSV)
    refused(large, "REQUEST_ENTITY_TOO_LARGE", 413)


@pytest.mark.parametrize(
    "body",
    [
        {**JOB, "object": "Nope"},
        {**JOB, "operation": "read"},
        {**JOB, "lineEnding": "CR"},
        {**JOB, "contentType": "JSON"},
        {key: value for key, value in JOB.items() if key != "externalIdFieldName"},
        {**JOB, "operation": "insert"},
    ],
)
def test_a_job_that_makes_no_sense_is_not_opened(crm: httpx.Client, body: dict[str, Any]) -> None:
    assert crm.post("jobs/ingest", json=body).status_code == 400


def test_a_job_goes_through_its_states_in_its_time(crm: httpx.Client, org: OrgControl) -> None:
    org.set(bulk_queued=0.1, bulk_seconds=0.2)
    job = closed(crm, numbered(600))
    seen: list[str] = []
    while not seen or seen[-1] not in {"JobComplete", "Failed"}:
        state = crm.get(f"jobs/ingest/{job}/").json()["state"]
        seen += [state] if state not in seen else []
        time.sleep(0.01)
    assert seen == ["UploadComplete", "InProgress", "JobComplete"]


def test_a_job_that_is_given_up_tells_which_rows_it_left(
    crm: httpx.Client, org: OrgControl
) -> None:
    org.set(bulk_seconds=1.0)
    job = closed(crm, numbered(1000))
    while not crm.get(f"jobs/ingest/{job}").json()["numberRecordsProcessed"]:
        time.sleep(0.01)
    assert crm.patch(f"jobs/ingest/{job}", json={"state": "Aborted"}).status_code == 200
    told = ended(crm, job)
    left = rows(crm, job, "unprocessedrecords")
    assert told["state"] == "Aborted"
    assert len(left) == 1000 - told["numberRecordsProcessed"] > 0
    assert org.book()["records"]["Lead"] == told["numberRecordsProcessed"]
    done = {row["LeadEngine_Id__c"] for row in rows(crm, job, "successfulResults")}
    assert not done & {row["LeadEngine_Id__c"] for row in left}


def test_a_job_that_fails_midway_has_written_a_part(crm: httpx.Client, org: OrgControl) -> None:
    org.set(bulk_fails=1.0)
    job = closed(crm, numbered(500))
    told = ended(crm, job)
    assert (told["state"], told["numberRecordsProcessed"]) == ("Failed", 250)
    assert told["errorMessage"]
    assert len(rows(crm, job, "unprocessedrecords")) == 250
    assert org.book()["records"]["Lead"] == 250


@pytest.mark.parametrize(
    "step", ["job_create", "job_upload", "job_close", "job_poll", "job_results", "job_delete"]
)
def test_every_step_may_be_done_without_an_answer(
    crm: httpx.Client, sandbox: SandboxProcess, org: OrgControl, step: str
) -> None:
    fault: dict[str, Any] = {"operation": step, "count": 1, "delay": 0.0}
    sandbox.arm("act_then_timeout", vendor="salesforce", **fault)
    lost: list[str] = []

    def tried(method: str, path: str, **more: Any) -> httpx.Response | None:
        try:
            return crm.request(method, path, **more)
        except httpx.RemoteProtocolError:
            lost.append(path)
            return None

    made = tried("POST", "jobs/ingest", json=JOB)
    if made is None:
        (orphan,) = crm.get("jobs/ingest").json()["records"]
        assert orphan["state"] == "Open"
        return
    path = f"jobs/ingest/{made.json()['id']}"
    tried("PUT", f"{path}/batches", content=numbered(3), headers=CSV)
    tried("PATCH", path, json={"state": "UploadComplete"})
    tried("GET", path)
    assert ended(crm, made.json()["id"])["numberRecordsProcessed"] == 3
    tried("GET", f"{path}/successfulResults")
    tried("DELETE", path)
    assert len(lost) == 1
    assert crm.get(path).status_code == 404
    assert org.book()["records"]["Lead"] == 3


def test_a_query_job_gives_its_records_in_pages_of_csv(crm: httpx.Client, upsert: Upsert) -> None:
    upsert(*(lead(number) for number in range(5)))
    body = {"operation": "query", "query": "SELECT Id, LeadEngine_Id__c, IsConverted FROM Lead"}
    job = crm.post("jobs/query", json=body).json()
    assert (job["state"], job["operation"]) == ("UploadComplete", "query")
    told = crm.get(f"jobs/query/{job['id']}").json()
    assert (told["state"], told["numberRecordsProcessed"]) == ("JobComplete", 5)
    path, seen, pages = f"jobs/query/{job['id']}/results", set[str](), list[str]()
    locator = ""
    while locator != "null":
        page = crm.get(path, params={"maxRecords": 2, **({"locator": locator} if locator else {})})
        locator = page.headers["sforce-locator"]
        pages.append(page.headers["sforce-numberofrecords"])
        found = csv.DictReader(io.StringIO(page.text, newline=""))
        seen |= {row["LeadEngine_Id__c"] for row in found if row["IsConverted"] == "false"}
    assert pages == ["2", "2", "1"]
    assert len(seen) == 5
    assert crm.post("jobs/query", json={**body, "query": "SELECT"}).status_code == 400
    assert crm.delete(f"jobs/query/{job['id']}").status_code == 204
