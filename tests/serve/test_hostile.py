"""Whatever is sent: a problem that says what to do, never a 5xx, never half stored."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from sqlalchemy import text

from serve.app import build
from serve.scopes import Role
from storage.database import Database, PoolOptions
from tests.serve.conftest import World, dependencies

REFUSED_ON_PURPOSE = {
    "y_object_duplicated_key.json",
    "y_object_duplicated_key_and_value.json",
    "y_object_escaped_null_in_key.json",
    "y_string_null_escape.json",
}
JSON = {"Content-Type": "application/json"}


async def test_json_is_read_as_strictly_as_the_suite_says(world: World, shared: Path) -> None:
    files = sorted((shared / "corpora/jsontestsuite").rglob("*.json"))
    assert len(files) > 280
    for file in files:
        answer = await world.client.post("/api/leads", content=file.read_bytes(), headers=JSON)
        refused = file.name.startswith("n_") or file.name in REFUSED_ON_PURPOSE
        allowed = {400} if refused else {200, 201, 422}
        assert answer.status_code in allowed, (file.name, answer.status_code, answer.text[:200])
        if answer.status_code >= 400:
            assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    "body",
    [
        b'\xef\xbb\xbf{"title": "x"}',
        '{"title": "x"}'.encode("utf-16"),
        b'{"title": "x",}',
        b'{"title": "x"} // note',
        b'{"attributes": {"a": NaN}}',
        b'{"attributes": {"a": Infinity}}',
        b'{"attributes": {"a": 1e999}}',
        b'{"title": "\\ud800"}',
        b'{"title": "a\\u0000b"}',
        b'{"title": "x", "title": "y"}',
        b'{"title": "x", "titl\\u0065": "y"}',
        b"[" * 100_000,
        b'{"attributes":' * 70 + b"1" + b"}" * 70,
        b"",
    ],
)
async def test_what_two_readers_could_read_differently_is_refused(
    world: World, body: bytes
) -> None:
    answer = await world.client.post("/api/leads", content=body, headers=JSON)

    assert answer.status_code == 400
    async with world.database.transaction() as db:
        assert await db.scalar(text("SELECT count(*) FROM leads")) == 0


async def test_naughty_strings_are_stored_exactly_or_refused(world: World, shared: Path) -> None:
    naughty: list[str] = json.loads((shared / "corpora/blns/blns.json").read_text())
    assert len(naughty) > 500
    for word in naughty:
        lead = {
            "first_name": word, "company": word, "title": word,
            "notes": {"note": word}, "attributes": {"attribute": word},
        }  # fmt: skip
        answer = await world.client.post("/api/leads", json=lead)
        assert answer.status_code in {201, 422}, (word, answer.text)
        if answer.status_code == 201:
            kept = (await world.client.get(answer.headers["Location"])).json()
            assert {name: kept[name] for name in lead} == lead


async def test_naughty_strings_in_queries_and_paths_break_nothing(
    world: World, shared: Path
) -> None:
    naughty: list[str] = json.loads((shared / "corpora/blns/blns.json").read_text())
    for word in naughty[::3]:
        for name in ("q", "email", "phone", "source", "tag", "cursor", "limit", "status"):
            answer = await world.client.get("/api/leads", params={name: word})
            assert answer.status_code in {200, 400, 422}, (name, word, answer.text)
        answer = await world.client.get("/api/decisions", params={"agent": word})
        assert answer.status_code in {200, 422}, word
        answer = await world.client.get(f"/api/leads/x{quote(word, safe='')}")
        assert answer.status_code in {404, 422, 414}, word


async def test_a_body_over_the_limit_is_refused_before_it_is_read(small_world: World) -> None:
    read = 0

    async def endless() -> AsyncGenerator[bytes, None]:
        nonlocal read
        for _ in range(1000):
            read += 1
            yield b" " * 1000

    declared = await small_world.client.post("/api/leads", content=b" " * 2001, headers=JSON)
    chunked = await small_world.client.post("/api/leads", content=endless(), headers=JSON)

    assert declared.status_code == chunked.status_code == 413
    assert declared.json()["errors"][0]["reason"] == "too_large"
    assert read < 10


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "", "application/json5", "x"])
async def test_another_content_type_is_refused(world: World, kind: str) -> None:
    for path in ("/api/leads", "/api/leads/import"):
        answer = await world.client.post(path, content=b"{}", headers={"Content-Type": kind})
        assert answer.status_code == 415
        assert "json" in answer.headers["Accept-Post"]


@pytest.mark.parametrize("encoding", ["gzip", "br", "identity, gzip"])
async def test_a_coded_body_is_refused(world: World, encoding: str) -> None:
    answer = await world.client.post(
        "/api/leads", content=b"{}", headers=JSON | {"Content-Encoding": encoding}
    )

    assert answer.status_code == 415
    assert answer.json()["errors"][0]["reason"] == "unsupported_encoding"


async def test_other_methods_are_told_which_ones_there_are(world: World) -> None:
    for method in ("PUT", "TRACE", "OPTIONS", "NONSENSE"):
        answer = await world.client.request(method, "/api/leads")
        assert answer.status_code == 405
        assert answer.headers["Allow"] == "GET, POST"
        assert answer.json()["code"] == "VALIDATION_ERROR"


async def test_an_unknown_address_is_a_problem_too(world: World) -> None:
    for path in ("/", "/api", "/api/nothing", "/docs", "/openapi.json", "/api/leads/"):
        answer = await world.client.get(path)
        assert answer.status_code == 404, path
        assert answer.json()["code"] == "NOT_FOUND"


async def test_a_version_that_is_not_there_is_refused_and_the_used_one_told(world: World) -> None:
    unknown = await world.client.get("/api/leads", headers={"API-Version": "v9"})
    known = await world.client.get("/api/leads", headers={"API-Version": "v1"})

    assert unknown.status_code == 400
    assert "v1" in unknown.json()["detail"]
    assert known.headers["API-Version"] == "v1"


@pytest.mark.parametrize("given", ["", "a" * 129, "a b", "x\x7f", "{evil}"])
async def test_an_odd_request_id_is_replaced(world: World, given: str) -> None:
    answer = await world.client.get("/api/leads", headers={"X-Request-ID": given})

    assert answer.headers["X-Request-ID"] != given
    assert len(answer.headers["X-Request-ID"]) == 32


async def test_a_request_id_is_answered_also_with_a_problem(world: World) -> None:
    answer = await world.client.get("/api/nothing", headers={"X-Request-ID": "my-id.1"})

    assert answer.headers["X-Request-ID"] == "my-id.1"
    assert answer.json()["request_id"] == "my-id.1"


async def test_an_endless_address_is_refused(world: World) -> None:
    answer = await world.client.get("/api/leads?q=" + "a" * 40_000)

    assert answer.status_code == 414


async def test_a_mistake_of_ours_is_a_500_that_tells_nothing_of_its_inside(world: World) -> None:
    async with world.database.transaction() as db:
        await db.execute(text("ALTER TABLE leads RENAME TO hidden"))
    try:
        broken = await world.client.get("/api/leads")
    finally:
        async with world.database.transaction() as db:
            await db.execute(text("ALTER TABLE hidden RENAME TO leads"))
    assert broken.status_code == 500
    assert "hidden" not in broken.text
    assert "relation" not in broken.text


@asynccontextmanager
async def client_of(database: Database, world: World) -> AsyncGenerator[httpx.AsyncClient, None]:
    """The same API over another pool."""
    app = build(dependencies(database, world.clock, []))
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://engine") as client,
    ):
        client.headers["Authorization"] = f"Bearer {world.keys[Role.ADMIN]}"
        yield client
    await database.close()


async def test_a_statement_that_takes_too_long_is_a_503(world: World, server_url: str) -> None:
    hasty = PoolOptions(statement_timeout=timedelta(milliseconds=300))
    async with client_of(Database(server_url, options=hasty), world) as client:
        async with world.database.transaction() as db:
            await db.execute(text("LOCK TABLE leads"))
            reading = await client.get("/api/leads")
            writing = await client.post("/api/leads", json={"company": "x"})
        later = await client.get("/api/leads")

    for answer in (reading, writing):
        assert answer.status_code == 503
        assert answer.json()["code"] == "DATABASE_ERROR"
        assert int(answer.headers["Retry-After"]) > 0
    assert later.json()["items"] == []


async def test_a_database_that_is_away_is_a_503_that_says_when_to_come_back(world: World) -> None:
    away = Database("postgresql+asyncpg://nobody@127.0.0.1:1/none")
    async with client_of(away, world) as client:
        answer = await client.get("/api/leads")
        ready = await client.get("/health/ready")
        live = await client.get("/health/live")

    assert answer.status_code == 503
    assert answer.json()["code"] == "DATABASE_ERROR"
    assert int(answer.headers["Retry-After"]) > 0
    assert (ready.status_code, ready.json()["database"]) == (503, False)
    assert live.status_code == 200
