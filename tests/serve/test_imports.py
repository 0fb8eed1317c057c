"""Files streamed in as sealed parts, JSON kept at once, and what comes out as CSV is only text."""

import asyncio
import csv
import io
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest
from sqlalchemy import text

from agents.messages import ImportLeads, decode
from storage import imports
from storage.imports import ImportProblem
from tests.serve.conftest import World

CSV = {"Content-Type": "text/csv"}
ROWS = b"email,first_name,company,Visits\n" + b"".join(
    b"p%d@example.com,Pat,Example %d,%d\n" % (n, n, n) for n in range(40)
)


async def one(world: World, query: str) -> Any:
    async with world.database.transaction() as db:
        return (await db.execute(text(query))).one()


async def in_chunks(data: bytes, size: int = 50_000) -> AsyncGenerator[bytes, None]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def test_a_file_is_kept_in_sealed_parts_and_handed_to_the_prospector(world: World) -> None:
    data = ROWS + b"".join(b"q%d@example.com,Quinn,%s,1\n" % (n, b"x" * 200) for n in range(10_000))
    answer = await world.client.post(
        "/api/leads/import",
        params={"filename": "fair.csv", "source": "fair", "map": ["Visits=attribute"]},
        content=in_chunks(data),
        headers=CSV | {"X-Request-ID": "upload-1"},
    )

    assert answer.status_code == 202
    found = answer.json()
    assert (found["status"], found["bytes_total"]) == ("queued", len(data))
    assert answer.headers["Location"] == f"/api/leads/import/{found['id']}"
    assert (await world.client.get(answer.headers["Location"])).json() == found
    async with world.database.transaction() as db:
        kept = await imports.get(db, found["id"])
        parts = await imports.read_parts(db, world.sealer, kept.id, 0, 10)
        sealed = (await db.execute(text("SELECT content FROM import_parts"))).scalars().all()
        posted = (await db.execute(text("SELECT * FROM messages"))).one()
    assert b"".join(parts) == data
    assert [len(part) for part in parts[:-1]] == [2**20] * (len(parts) - 1)
    assert not any(b"example.com" in bytes(blob) for blob in sealed)
    assert decode(posted.body) == ImportLeads(kept.id)
    assert (posted.recipient, posted.lane, posted.correlation_id) == ("prospector", 2, "upload-1")
    assert world.woken == ["prospector"]


async def test_a_dry_run_shows_the_plan_and_keeps_nothing(world: World, shared: Path) -> None:
    data = (shared / "data/x_education_leads.csv").read_bytes()
    answer = await world.client.post(
        "/api/leads/import",
        params={
            "dry_run": "true", "outcome": "Converted", "map": ["Prospect ID=external_id"],
            "ignore": ["Lead Number"],
        },
        content=data,
        headers=CSV,
    )  # fmt: skip

    assert answer.status_code == 200
    plan = answer.json()
    assert plan["mapping"]["Prospect ID"] == "external_id"
    assert plan["ignored"] == ["Lead Number"]
    assert plan["outcome"] == "Converted"
    assert plan["leads"][0]["attributes"]
    assert (await one(world, "SELECT count(*) FROM imports"))[0] == 0


@pytest.mark.parametrize(
    ("content", "params", "reason"),
    [
        (b"", {}, "csv_unreadable"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), {}, "csv_unreadable"),
        (b"PK\x03\x04" + bytes(100), {}, "csv_unreadable"),
        (ROWS, {"map": "Nothing=email"}, "invalid_plan"),
        (ROWS, {"map": "email=score"}, "invalid_plan"),
        (ROWS, {"map": "email"}, "invalid_parameter"),
        (ROWS, {"outcome": "Won"}, "invalid_plan"),
        (b"color,size\nred,1\nred,2\n", {}, "invalid_plan"),
    ],
)
async def test_a_file_that_cannot_be_read_is_refused_as_a_whole(
    world: World, content: bytes, params: dict[str, str], reason: str
) -> None:
    answer = await world.client.post(
        "/api/leads/import", params=params, content=content, headers=CSV
    )

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["reason"] == reason
    assert (await one(world, "SELECT count(*) FROM imports"))[0] == 0


async def test_a_file_over_the_limit_is_refused_and_dropped(small_world: World) -> None:
    data = ROWS + b"x@example.com,,,\n" * 250_000
    declared = await small_world.client.post("/api/leads/import", content=data, headers=CSV)
    chunked = await small_world.client.post(
        "/api/leads/import", content=in_chunks(data), headers=CSV
    )

    assert (declared.status_code, chunked.status_code) == (413, 413)
    row = await one(small_world, "SELECT status, problem FROM imports")
    assert row.status == "failed"
    assert "at most" in row.problem
    assert (await one(small_world, "SELECT count(*) FROM import_parts"))[0] == 0


async def test_an_upload_that_breaks_off_is_marked_and_can_be_sent_again(world: World) -> None:
    arrived = asyncio.Event()

    async def stalling() -> AsyncGenerator[bytes, None]:
        yield ROWS + b"x@example.com,,,\n" * 100_000
        arrived.set()
        await asyncio.sleep(60)

    once = {"Idempotency-Key": "upload"}
    request = asyncio.create_task(
        world.client.post("/api/leads/import", content=stalling(), headers=CSV | once)
    )
    await asyncio.wait_for(arrived.wait(), 10)
    assert (await one(world, "SELECT count(*) FROM import_parts"))[0] == 1
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    await world.app.state.api.close()

    row = await one(world, "SELECT status, problem FROM imports")
    assert (row.status, row.problem[:22]) == ("failed", "The upload broke off b")
    assert (await one(world, "SELECT count(*) FROM import_parts"))[0] == 0
    again = await world.client.post("/api/leads/import", content=ROWS, headers=CSV | once)
    assert again.status_code == 202


async def test_a_repeated_upload_is_one_import(world: World) -> None:
    once = CSV | {"Idempotency-Key": "upload"}
    first = await world.client.post("/api/leads/import", content=ROWS, headers=once)
    again = await world.client.post("/api/leads/import", content=ROWS, headers=once)
    other = await world.client.post("/api/leads/import", content=ROWS + ROWS, headers=once)

    assert first.status_code == again.status_code == 202
    assert first.json() == again.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert other.status_code == 422
    assert (await one(world, "SELECT count(*) FROM imports"))[0] == 1
    assert (await one(world, "SELECT count(*) FROM messages"))[0] == 1


async def test_leads_as_json_are_kept_at_once_with_a_report(world: World) -> None:
    sent = {
        "source": "fair",
        "outcome_field": "Won",
        "leads": [
            {"email": "a@example.com", "first_name": "Ann", "Won": "yes", "Visits": 3},
            {"email": "A@example.com", "title": "CEO"},
            {"color": "red"},
            {"email": "b@example.com", "nested": {"a": 1}},
        ],
    }
    answer = await world.client.post("/api/leads/import", json=sent)

    assert answer.status_code == 202
    found = answer.json()
    assert found["status"] == "done"
    assert [found[name] for name in ("rows_read", "created", "merged", "failed")] == [4, 1, 1, 2]
    lead = (await world.client.get("/api/leads?source=fair")).json()["items"][0]
    assert (lead["outcome"], lead["title"], lead["attributes"]) == (True, "CEO", {"Visits": 3})
    assert lead["import_id"] == found["id"]
    posted = await one(world, "SELECT count(*) AS n, min(lane) AS lane FROM messages")
    assert (posted.n, posted.lane) == (1, 2)
    problems = await world.client.get(f"/api/leads/import/{found['id']}/problems")
    assert {item["row_number"] for item in problems.json()["items"]} == {3, 4}


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'{"leads": []}',
        b'{"leads": [1]}',
        b'{"leads": [{}], "unknown": 1}',
        b'{"leads": [{"a": 1, "a": 2}]}',
    ],
)
async def test_a_json_import_that_is_none_is_refused(world: World, body: bytes) -> None:
    answer = await world.client.post(
        "/api/leads/import", content=body, headers={"Content-Type": "application/json"}
    )

    assert answer.status_code in {400, 422}


async def test_a_json_import_over_its_limit_is_refused(small_world: World) -> None:
    leads = [{"email": f"p{n}@example.com", "company": "x" * 100} for n in range(100)]
    answer = await small_world.client.post("/api/leads/import", json={"leads": leads})

    assert answer.status_code == 413


async def test_imports_are_listed_newest_first_in_pages(world: World) -> None:
    for number in range(3):
        world.clock.forward(seconds=1)
        await world.client.post(
            f"/api/leads/import?filename=f{number}.csv", content=ROWS, headers=CSV
        )
    first = (await world.client.get("/api/leads/import?limit=2")).json()
    second = (await world.client.get(f"/api/leads/import?limit=2&cursor={first['next']}")).json()

    names = [item["filename"] for item in first["items"] + second["items"]]
    assert names == ["f2.csv", "f1.csv", "f0.csv"]
    assert second["next"] is None


async def test_problems_come_as_pages_and_as_csv_without_live_cells(world: World) -> None:
    made = (await world.client.post("/api/leads/import", content=ROWS, headers=CSV)).json()
    async with world.database.transaction() as db:
        told = [
            ImportProblem(n, n, "error", "It is wrong.", "email", f"=cmd|'{n}'!A0,x\n")
            for n in range(1, 4)
        ]
        await imports.add_problems(db, world.sealer, UUID(made["id"]), told)
    path = f"/api/leads/import/{made['id']}/problems"
    first = (await world.client.get(path, params={"limit": 2})).json()
    rest = (await world.client.get(path, params={"limit": 2, "cursor": first["next"]})).json()
    by_format = await world.client.get(path, params={"format": "csv"})
    by_accept = await world.client.get(path, headers={"Accept": "text/csv"})

    assert [item["line"] for item in first["items"] + rest["items"]] == [1, 2, 3]
    assert by_format.content == by_accept.content
    assert by_format.headers["Content-Disposition"].startswith("attachment")
    assert by_format.headers["X-Content-Type-Options"] == "nosniff"
    lines = list(csv.DictReader(io.StringIO(by_format.text)))
    assert [line["record"][0] for line in lines] == ["'"] * 3


FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\N{FULLWIDTH EQUALS SIGN}1", " =1"]


async def test_no_exported_cell_is_run_by_a_spreadsheet(world: World) -> None:
    for number, formula in enumerate(FORMULAS):
        lead = {"external_id": str(number), "company": formula, "title": '","=1'}
        assert (await world.client.post("/api/leads", json=lead)).status_code == 201
    answer = await world.client.get("/api/leads/export?format=csv")

    lines = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert sorted(line["company"] for line in lines) == sorted(f"'{each}" for each in FORMULAS)
    assert {line["title"] for line in lines} == {'","=1'}
    assert all(row.startswith('"') for row in answer.text.split("\r\n")[:-1])


async def test_an_export_holds_every_lead_once_however_many_batches(
    world: World, monkeypatch: Any
) -> None:
    monkeypatch.setattr("serve.export.BATCH", 4)
    leads = [{"email": f"p{n}@example.com"} for n in range(11)]
    await world.client.post("/api/leads/import", json={"leads": leads})
    answer = await world.client.get("/api/leads/export?format=jsonl&source=import")
    none = await world.client.get("/api/leads/export?format=jsonl&source=nothing")

    found = [orjson.loads(line)["email"] for line in answer.text.splitlines()]
    assert sorted(found) == sorted(lead["email"] for lead in leads)
    assert none.text == ""
    decided = await world.client.get("/api/decisions?action=leads.export")
    assert decided.json()["items"][0]["inputs"] == {"format": "jsonl", "filtered_by": ["source"]}
