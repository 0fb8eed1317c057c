"""Leads over HTTP: HTTP in, rows and messages out."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from storage import leads
from tests.serve.conftest import World

ANN = {
    "first_name": "Ann",
    "last_name": "Example",
    "email": "Ann@Example.com",
    "phone": "030 901820",
    "country": "de",
    "company": "Example GmbH",
    "title": "Head of Procurement",
    "notes": {"call": "asked for a demo"},
    "attributes": {"Total Visits": 7, "Newsletter": True, "Region": None},
}


async def rows(world: World, query: str) -> list[Any]:
    async with world.database.transaction() as db:
        return list((await db.execute(text(query))).all())


async def made(world: World, **lead: Any) -> dict[str, Any]:
    answer = await world.client.post("/api/leads", json=lead or ANN)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_created_lead_is_kept_and_handed_to_the_enricher(world: World) -> None:
    answer = await world.client.post("/api/leads", json=ANN, headers={"X-Request-ID": "req-1"})

    assert answer.status_code == 201
    lead = answer.json()
    assert lead["email"] == "Ann@Example.com"
    assert lead["phone"] == "+4930901820"
    assert lead["country"] == "DE"
    assert lead["attributes"] == ANN["attributes"]
    assert answer.headers["Location"] == f"/api/leads/{lead['id']}"
    assert answer.headers["ETag"] == '"1"'
    posted = await rows(world, "SELECT recipient, kind, body, lane, correlation_id FROM messages")
    assert [tuple(row)[:2] for row in posted] == [("enricher", "lead.found")]
    assert posted[0].body["lead_id"] == lead["id"]
    assert (posted[0].lane, posted[0].correlation_id) == (1, "req-1")
    assert world.woken == ["enricher"]


async def test_a_lead_with_a_known_address_is_merged_not_doubled(world: World) -> None:
    first = await made(world)

    answer = await world.client.post("/api/leads", json={"email": "ann@EXAMPLE.com", "title": "x"})

    assert answer.status_code == 200
    assert answer.json()["id"] == first["id"]
    assert answer.json()["title"] == "Head of Procurement"


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("email", "ann@localhost", "invalid_email"),
        ("email", "ann@example.com\nBcc: x@y.org", "invalid_email"),
        ("phone", "12345", "invalid_phone"),
        ("phone", "+999 123456", "invalid_phone"),
        ("country", "Germany", "invalid_field"),
        ("score", 99, "unknown_field"),
        ("id", str(uuid4()), "unknown_field"),
        ("version", 7, "unknown_field"),
        ("outcome", "yes", "invalid_field"),
        ("outcome", 1, "invalid_field"),
        ("company", 5, "invalid_field"),
        ("company", "x" * 301, "invalid_field"),
        ("source", "  ", "invalid_field"),
        ("attributes", {"nested": {"a": 1}}, "invalid_field"),
        ("attributes", [], "invalid_field"),
    ],
)
async def test_a_wrong_field_is_refused_with_its_name_and_without_its_value(
    world: World, field: str, value: Any, reason: str
) -> None:
    answer = await world.client.post("/api/leads", json={field: value})

    assert answer.status_code == 422
    problem = answer.json()
    assert problem["code"] == "VALIDATION_ERROR"
    assert problem["errors"][0]["reason"] == reason
    assert await rows(world, "SELECT 1 FROM leads") == []
    if isinstance(value, str) and len(value.strip()) > 3:
        assert value not in answer.text


async def test_a_change_needs_the_version_that_was_read(world: World) -> None:
    lead = await made(world)
    path = f"/api/leads/{lead['id']}"

    changed = await world.client.patch(path, json={"title": "CEO"}, headers={"If-Match": '"1"'})
    late = await world.client.patch(path, json={"title": "CFO"}, headers={"If-Match": '"1"'})

    assert changed.status_code == 200
    assert changed.headers["ETag"] == '"2"'
    assert late.status_code == 412
    assert late.json()["errors"][0]["reason"] == "version_conflict"
    assert (await world.client.get(path)).json()["title"] == "CEO"


async def test_of_two_changes_at_once_one_is_refused(world: World) -> None:
    lead = await made(world)
    path, match = f"/api/leads/{lead['id']}", {"If-Match": '"1"'}

    answers = await asyncio.gather(
        *(world.client.patch(path, json={"title": f"t{n}"}, headers=match) for n in range(4))
    )

    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]


async def test_null_empties_and_absence_keeps(world: World) -> None:
    lead = await made(world)

    answer = await world.client.patch(
        f"/api/leads/{lead['id']}",
        json={"phone": None, "attributes": {"Region": "North", "Newsletter": None}},
    )

    assert answer.json()["phone"] is None
    assert answer.json()["last_name"] == "Example"
    assert answer.json()["attributes"]["Region"] == "North"


async def test_a_change_that_takes_anothers_address_is_refused(world: World) -> None:
    await made(world)
    bob = await made(world, email="bob@example.com")

    answer = await world.client.patch(f"/api/leads/{bob['id']}", json={"email": "ann@example.com"})

    assert answer.status_code == 409
    assert answer.json()["code"] == "CONFLICT"


async def test_a_status_moves_only_where_it_may(world: World) -> None:
    lead = await made(world)

    answer = await world.client.patch(f"/api/leads/{lead['id']}", json={"status": "converted"})

    assert answer.status_code == 409
    assert "cannot become" in answer.json()["detail"]


async def test_a_removed_lead_is_gone_from_every_answer(world: World) -> None:
    lead = await made(world)
    path = f"/api/leads/{lead['id']}"

    assert (await world.client.delete(path)).status_code == 204

    for method, address in (
        ("GET", path),
        ("DELETE", path),
        ("GET", f"{path}/timeline"),
        ("GET", f"{path}/scores"),
        ("POST", f"{path}/score"),
    ):
        answer = await world.client.request(method, address)
        assert answer.status_code == 404, address
    assert (await world.client.get("/api/leads")).json()["items"] == []


async def test_the_timeline_tells_what_happened_newest_first(world: World) -> None:
    lead = await made(world)
    path = f"/api/leads/{lead['id']}"
    world.clock.forward(seconds=1)
    await world.client.patch(path, json={"title": "CEO"})

    first = await world.client.get(f"{path}/timeline", params={"limit": 1})
    second = await world.client.get(
        f"{path}/timeline", params={"limit": 1, "cursor": first.json()["next"]}
    )

    assert first.json()["items"][0]["kind"] == "lead.changed"
    assert first.json()["items"][0]["details"] == {"fields": ["title"]}
    assert second.json()["items"][0]["kind"] == "lead.created"
    assert second.json()["next"] is None


async def test_pages_neither_skip_nor_repeat_when_leads_are_added(world: World) -> None:
    for number in range(7):
        world.clock.forward(seconds=1)
        await made(world, email=f"p{number}@example.com")
    seen: list[str] = []
    address: str | None = "/api/leads?limit=3&source=api"
    while address:
        answer = await world.client.get(address)
        assert answer.status_code == 200
        seen += [lead["email"] for lead in answer.json()["items"]]
        link = answer.headers.get("Link")
        address = link[1 : link.index(">")] if link else None
        world.clock.forward(seconds=1)
        await made(world, email=f"later{len(seen)}@example.com")

    assert seen == [f"p{number}@example.com" for number in range(6, -1, -1)]


async def test_leads_are_found_by_name_address_number_and_company(world: World) -> None:
    lead = await made(world)
    await made(world, email="bob@other.org", company="Other Ltd")

    for query in (
        {"q": "ann exam"},
        {"email": "ANN@example.com"},
        {"phone": "+49 30 901820"},
        {"q": "procurement"},
        {"country": "de"},
        {"status": "new", "country": "DE"},
    ):
        answer = await world.client.get("/api/leads", params=query)
        assert [item["id"] for item in answer.json()["items"]] == [lead["id"]], query


@pytest.mark.parametrize(
    ("query", "status", "reason"),
    [
        ("limit=0", 422, "invalid_parameter"),
        ("limit=201", 422, "invalid_parameter"),
        ("limit=-1", 422, "invalid_parameter"),
        ("limit=1_0", 422, "invalid_parameter"),
        ("limit=%D9%A1", 422, "invalid_parameter"),
        ("limit=99999999999999999999", 422, "invalid_parameter"),
        ("limit=1&limit=2", 422, "invalid_parameter"),
        ("sort=password", 422, "invalid_parameter"),
        ("orderby=id", 422, "unknown_parameter"),
        ("q=%00", 422, "invalid_parameter"),
        ("import_id=1%27%20OR%201=1", 422, "invalid_parameter"),
        ("cursor=abc", 400, "bad_cursor"),
        ("cursor=%F0%9F%98%80", 400, "bad_cursor"),
        ("cursor=" + "A" * 999, 400, "bad_cursor"),
    ],
)
async def test_a_wrong_query_is_refused(world: World, query: str, status: int, reason: str) -> None:
    answer = await world.client.get(f"/api/leads?{query}")

    assert answer.status_code == status
    assert answer.json()["errors"][0]["reason"] == reason


async def test_a_cursor_is_good_for_its_own_filter_and_order_only(world: World) -> None:
    for number in range(3):
        await made(world, email=f"p{number}@example.com")
    cursor = (await world.client.get("/api/leads?limit=1&source=api")).json()["next"]

    for query in ("limit=1&source=web", "limit=1", "limit=1&source=api&sort=best"):
        answer = await world.client.get(f"/api/leads?{query}", params={"cursor": cursor})
        assert answer.status_code == 422 or answer.status_code == 400, query
    changed = cursor[:-2] + ("AA" if not cursor.endswith("AA") else "BB")
    answer = await world.client.get("/api/leads", params={"source": "api", "cursor": changed})
    assert answer.json()["errors"][0]["reason"] == "bad_cursor"


async def test_a_scored_lead_shows_why(world: World) -> None:
    lead = await made(world)
    async with world.database.transaction() as db:
        found = await leads.get(db, world.sealer, UUID(lead["id"]))
        await leads.set_scores(
            db, [leads.Scored(found.id, 82, 0.9, "A", ("hot",))], now=world.clock()
        )

    shown = (await world.client.get(f"/api/leads/{lead['id']}")).json()
    best = (await world.client.get("/api/leads?sort=best&min_score=80&tag=hot&tier=A")).json()

    assert (shown["score"], shown["tier"], shown["tags"]) == (82, "A", ["hot"])
    assert [item["id"] for item in best["items"]] == [lead["id"]]
