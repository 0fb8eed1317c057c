"""What the org has written is there again after a restart, and after a sudden end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from scripts.sandbox.process import SandboxProcess
from scripts.sandbox.salesforce.steer import OrgControl
from scripts.sandbox.salesforce.vendor import SalesforceOrg
from scripts.sandbox.server import Call
from scripts.sandbox.settings import Conditions, Settings
from tests.sandbox.salesforce.conftest import BASE, lead

KEPT = ("writes", "converted", "records", "created_twice", "by_external_id", "by_external_id_of")
EXTERNAL = "composite/sobjects/Lead/LeadEngine_Id__c"
JOB = {"object": "Lead", "operation": "upsert", "externalIdFieldName": "LeadEngine_Id__c"}


class Client:
    """The org without its process: a file is all that connects one with the next."""

    def __init__(self, path: Path | None, clock: Iterator[float] | None = None) -> None:
        ticks = clock or iter(time.time, None)
        self.org = SalesforceOrg(1, lambda: next(ticks), path=path)
        self._serve = next(r.handler for r in self.org.routes() if r.method == "*")

    def send(self, method: str, path: str, body: object = None, query: str = "") -> Any:
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        asked = [("q", query)] if query else []
        headers = {"authorization": "Bearer sandbox-x", "content-type": "text/csv"}
        rest = {"rest": f"data/v59.0/{path}"}
        answer = self._serve(Call(method, BASE + path, rest, asked, headers, content))
        return orjson.loads(answer.body) if answer.body else None

    def upsert(self, *leads: dict[str, Any], all_or_none: bool = False) -> list[dict[str, Any]]:
        return self.send("PATCH", EXTERNAL, {"allOrNone": all_or_none, "records": list(leads)})

    def told(self, query: str) -> list[dict[str, Any]]:
        return self.send("GET", "queryAll", query=query)["records"]

    def all(self, sobject: str = "Lead") -> list[dict[str, Any]]:
        fields = self.send("GET", f"sobjects/{sobject}/describe")["fields"]
        return self.told(f"SELECT {', '.join(f['name'] for f in fields)} FROM {sobject}")

    def counted(self) -> dict[str, Any]:
        return {name: self.org.book.shown()[name] for name in KEPT}


Begin = Callable[..., Client]


@pytest.fixture
def begin(path: Path) -> Generator[Begin, None, None]:
    """Begins orgs, one after the other, that have the same file."""
    clients: list[Client] = []

    def one(clock: Iterator[float] | None = None) -> Client:
        clients.append(Client(path, clock))
        return clients[-1]

    yield one
    for client in clients:
        client.org.book.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "book.jsonl.salesforce"


@contextmanager
def at(process: SandboxProcess) -> Generator[tuple[httpx.Client, OrgControl]]:
    headers = {"Authorization": "Bearer sandbox-x"}
    base = f"{process.vendor_urls['salesforce']}{BASE}"
    control = OrgControl(process.url)
    with httpx.Client(base_url=base, headers=headers, trust_env=False, timeout=20) as crm:
        yield crm, control
    control.close()


def rows(crm: httpx.Client, sobject: str) -> list[dict[str, Any]]:
    fields = "Id, SystemModstamp, IsDeleted, CreatedDate, LeadEngine_Id__c"
    fields += (
        ", Title, IsConverted, ConvertedOpportunityId" if sobject == "Lead" else ", LeadSource"
    )
    query = f"SELECT {fields} FROM {sobject} ORDER BY LeadEngine_Id__c"
    return crm.get("queryAll", params={"q": query}).json()["records"]


@pytest.mark.parametrize("sudden", [False, True])
def test_a_restart_changes_nothing(tmp_path: Path, *, sudden: bool) -> None:
    quick = Conditions(latency=0.0)
    settings = Settings(people=200, conditions=quick, book=tmp_path / "book.jsonl")
    with SandboxProcess(settings) as sandbox, at(sandbox) as (crm, org):
        body = {"records": [lead(n, Title="CEO") for n in range(6)]}
        made = crm.patch(EXTERNAL, json=body).json()
        assert crm.delete(f"sobjects/Lead/{made[0]['id']}").status_code == 204
        assert org.act("convert", external_ids=["lead-1"])["done"] == 1
        leads, deals, book = rows(crm, "Lead"), rows(crm, "Opportunity"), org.book()
        if sudden:
            sandbox.kill()
    with SandboxProcess(settings) as again, at(again) as (crm, org):
        assert rows(crm, "Lead") == leads
        assert [row["IsDeleted"] for row in leads] == [True] + [False] * 5
        assert [row["IsConverted"] for row in leads] == [False, True] + [False] * 4
        assert rows(crm, "Opportunity") == deals
        assert {name: org.book()[name] for name in KEPT} == {name: book[name] for name in KEPT}
        body = {"records": [lead(2, Title="CTO"), lead(7)]}
        second = crm.patch(EXTERNAL, json=body).json()
        assert [(row["id"], row["created"]) for row in second[:1]] == [(made[2]["id"], False)]
        assert second[1]["id"] not in {row["id"] for row in made}
        assert org.book()["created_twice"] == 0
        again.reset()
        assert (tmp_path / "book.jsonl.salesforce").read_bytes() == b""
        assert rows(crm, "Lead") == []
    with SandboxProcess(settings) as empty, at(empty) as (crm, _):
        assert rows(crm, "Lead") == []


def test_what_was_taken_back_was_never_there(path: Path, begin: Begin) -> None:
    first = begin()
    first.upsert(lead(1, Title="CEO"))
    first.upsert(lead(1, Title="CTO"), lead(2), lead(3, Email="nobody"), all_or_none=True)
    second = begin()
    assert second.all() == first.all()
    assert [row["Title"] for row in second.told("SELECT Title FROM Lead")] == ["CEO"]
    assert second.counted() == first.counted()
    assert second.org.book.shown()["by_external_id"] == {"lead-1": 1}


def test_a_call_whose_line_is_half_there_did_not_happen(path: Path, begin: Begin) -> None:
    first = begin()
    first.upsert(lead(1), lead(2))
    before, end = first.all(), path.stat().st_size
    first.upsert(lead(1, Title="CTO"), lead(3))
    whole = path.read_bytes()
    for cut in (end + 1, (end + len(whole)) // 2, len(whole) - 1):
        path.write_bytes(whole[:cut])
        again = begin()
        assert again.all() == before
        assert path.stat().st_size == end
    again = begin()
    assert again.upsert(lead(3))[0]["created"] is True
    assert len(begin().all()) == 3


def test_reading_writes_nothing(path: Path, begin: Begin) -> None:
    client = begin()
    client.upsert(lead(1))
    before = path.read_bytes()
    client.told("SELECT Id FROM Lead")
    client.send("GET", f"sobjects/Lead/LeadEngine_Id__c/{lead(1)['LeadEngine_Id__c']}")
    client.upsert(lead(2, Email="nobody"))
    client.send("GET", "limits")
    assert path.read_bytes() == before
    begin().told("SELECT Id FROM Lead")
    assert path.read_bytes() == before


def test_a_file_of_many_old_states_becomes_short(path: Path, begin: Begin) -> None:
    first = begin()
    for turn in range(25):
        first.upsert(*(lead(n, Title=f"Title {turn}") for n in range(100)))
    gone = first.all()[-1]["Id"]
    first.send("DELETE", f"sobjects/Lead/{gone}")
    long = path.stat().st_size
    second = begin()
    assert path.stat().st_size < long / 10
    assert list(path.parent.iterdir()) == [path]
    third = begin()
    for again in (second, third):
        assert again.all() == first.all()
        assert again.counted() == first.counted()
    assert third.upsert(lead(5))[0]["created"] is False
    assert begin().counted()["writes"] == first.counted()["writes"] + 1


def test_the_poll_for_changes_finds_what_was_written_last(path: Path, begin: Begin) -> None:
    clock = count(1_800_000_000.0)
    first = begin(clock)
    for number in (1, 2, 3, 1):
        first.upsert(lead(number))
    first.upsert(lead(2), lead(4, Email="x"), all_or_none=True)
    second = begin(clock)
    (last, *_) = second.told("SELECT SystemModstamp FROM Lead WHERE LeadEngine_Id__c = 'lead-1'")
    since = f"SELECT LeadEngine_Id__c FROM Lead WHERE SystemModstamp >= {last['SystemModstamp']}"
    found = second.told(since.replace("+0000", "Z"))
    assert [row["LeadEngine_Id__c"] for row in found] == ["lead-1"]


def upload(client: Client, rows: int) -> str:
    job = client.send("POST", "jobs/ingest", JOB)["id"]
    lines = "".join(f"lead-{n},Ito {n},Acme\n" for n in range(rows))
    text = f"LeadEngine_Id__c,LastName,Company\n{lines}"
    client.send("PUT", f"jobs/ingest/{job}/batches", text.encode())
    client.send("PATCH", f"jobs/ingest/{job}", {"state": "UploadComplete"})
    return job


def test_chunks_of_a_job_are_kept_and_its_id_is_not_given_again(path: Path, begin: Begin) -> None:
    async def run() -> str:
        first = begin()
        first.org.change({"bulk_queued": 0.0, "bulk_seconds": 0.0})
        job = upload(first, 1_000)
        for _ in range(4):
            await asyncio.sleep(0)
        return job

    job = asyncio.run(run())
    second = begin()
    assert 200 <= len(second.all()) < 1_000
    assert len(second.org.book.shown()["by_external_id"]) == len(second.all())
    assert second.send("GET", f"jobs/ingest/{job}")[0]["errorCode"] == "NOT_FOUND"
    assert second.send("POST", "jobs/ingest", JOB)["id"] != job


def test_a_job_of_before_a_reset_writes_nothing_into_the_file(path: Path, begin: Begin) -> None:
    async def run() -> None:
        client = begin()
        client.org.change({"bulk_queued": 0.0, "bulk_seconds": 0.0})
        upload(client, 1_000)
        for _ in range(4):
            await asyncio.sleep(0)
        client.org.reset()
        for _ in range(20):
            await asyncio.sleep(0)
        client.upsert(lead(1))

    asyncio.run(run())
    again = begin()
    assert [row["LeadEngine_Id__c"] for row in again.all()] == ["lead-1"]


def test_without_a_file_nothing_is_kept(tmp_path: Path) -> None:
    client = Client(None)
    client.upsert(lead(1))
    assert Client(None).all() == []
    assert list(tmp_path.iterdir()) == []
