"""Lead sources, profiles and searches over HTTP."""

from uuid import UUID, uuid4

from sqlalchemy import text

from policies.prospect import UsageStats
from serve.scopes import Role
from storage import leads, searches, source_accounts, source_previews, suppressions
from storage.searches import Answered, Counts, NewSource, Question
from storage.source_accounts import Seen
from storage.source_previews import SourcePreview
from tests.agents.source_room import person
from tests.serve.conftest import World

FIND = {"profile": "fintech-eu", "wanted": 200, "budget_usd": 150}


async def posted(world: World, kind: str) -> list[tuple[str, dict[str, object], int]]:
    async with world.database.transaction() as db:
        rows = await db.execute(
            text("SELECT recipient, body, lane FROM messages WHERE kind = :kind"), {"kind": kind}
        )
        return [(row.recipient, row.body, row.lane) for row in rows]


async def test_a_search_is_kept_and_handed_to_the_prospector_once(world: World) -> None:
    headers = {"Idempotency-Key": "search-1"}

    answer = await world.client.post("/api/sources/find", json=FIND, headers=headers)
    again = await world.client.post("/api/sources/find", json=FIND, headers=headers)

    assert answer.status_code == 202
    assert again.json() == answer.json()
    made = answer.json()
    assert (made["status"], made["wanted"], made["found"]) == ("running", 200, 0)
    assert made["definition"]["countries"] == ["EU"]
    assert (made["budget_usd"], made["spent_usd"]) == (150, 0)
    told = [("prospector", {"kind": "leads.find", "search_id": made["id"]}, 2)]
    assert await posted(world, "leads.find") == told
    assert world.woken == ["prospector"]
    found = await world.client.get(answer.headers["location"])
    assert found.json()["id"] == made["id"]


async def test_a_search_for_few_goes_before_the_bulk(world: World) -> None:
    await world.client.post("/api/sources/find", json=FIND | {"wanted": 5})

    ((_, _, lane),) = await posted(world, "leads.find")
    assert lane == 1


async def test_a_search_needs_a_profile_that_exists(world: World) -> None:
    answer = await world.client.post("/api/sources/find", json=FIND | {"profile": "nobody"})

    assert answer.status_code == 404
    assert "nobody" in answer.json()["detail"]
    assert await posted(world, "leads.find") == []


async def test_a_search_shows_what_each_source_came_to(world: World) -> None:
    made = (await world.client.post("/api/sources/find", json=FIND)).json()
    search_id = UUID(made["id"])
    async with world.database.transaction() as db:
        source = NewSource("uplead", {"industries": ["Banking"]}, ("the rank",), None, 580_000)
        await searches.begin(db, search_id, [source])
        await searches.ask(db, search_id, "uplead", Question(0, "search", 25))
        counts = Counts(seen=25, billed=20, usable=16, duplicates=3, unfit=1, credits=20)
        counts = Counts(**{**_as_dict(counts), "cost_micro": 20 * 580_000})
        answered = Answered(counts, "25", [], exhausted=False, total=412)
        await searches.answered(db, search_id, "uplead", answered, now=world.clock())

    found = (await world.client.get(f"/api/sources/searches/{search_id}")).json()

    assert (found["found"], found["spent_usd"]) == (16, 11.6)
    (part,) = found["sources"]
    assert (part["billed"], part["usable"], part["cost_usd"]) == (20, 16, 11.6)
    assert part["usd_per_lead"] == 11.6 / 16
    assert (part["unexpressed"], part["total"]) == (["the rank"], 412)


def _as_dict(counts: Counts) -> dict[str, int]:
    from dataclasses import asdict

    return asdict(counts)


async def test_a_search_is_cancelled_once(world: World) -> None:
    made = (await world.client.post("/api/sources/find", json=FIND)).json()

    answer = await world.client.post(f"/api/sources/searches/{made['id']}/cancel")
    again = await world.client.post(f"/api/sources/searches/{made['id']}/cancel")

    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    assert again.status_code == 409
    assert again.json()["detail"] == "The search is cancelled already."


async def test_searches_are_paged_newest_first(world: World) -> None:
    ids: list[str] = []
    for _ in range(3):
        ids.append((await world.client.post("/api/sources/find", json=FIND)).json()["id"])
        world.clock.forward(seconds=1)

    first = (await world.client.get("/api/sources/searches", params={"limit": 2})).json()
    rest = await world.client.get(
        "/api/sources/searches", params={"limit": 2, "cursor": first["next"]}
    )

    shown = [each["id"] for each in (*first["items"], *rest.json()["items"])]
    assert shown == ids[::-1]
    assert rest.json()["next"] is None


async def test_a_preview_is_asked_for_and_read_when_it_is_there(world: World) -> None:
    answer = await world.client.post("/api/sources/preview", json={"profile": "fintech-eu"})

    assert (answer.status_code, answer.json()["sources"]) == (202, None)
    preview_id = UUID(answer.json()["id"])
    assert [body["preview_id"] for _, body, _ in await posted(world, "leads.preview")] == [
        str(preview_id)
    ]
    said = SourcePreview("uplead", {"a": 1}, ("x",), None, 317, 580_000, 900_000)
    async with world.database.transaction() as db:
        await source_previews.answer(db, preview_id, [said], now=world.clock())
    (shown,) = (await world.client.get(answer.headers["location"])).json()["sources"]
    assert (shown["count"], shown["usd_per_record"], shown["usd_per_lead"]) == (317, 0.58, 0.9)


async def test_sources_say_how_they_are_and_what_is_left(world: World) -> None:
    now = world.clock()
    async with world.database.transaction() as db:
        await source_accounts.seen(db, [Seen("uplead", 580_000, reveals=True)], now=now)
        await source_accounts.told(db, "uplead", UsageStats(4812, 188, {"minute": 480}), now=now)
        await source_accounts.failed(db, "uplead", "uplead: it was slow", now=now)

    answer = (await world.client.get("/api/sources")).json()

    by_name = {each["name"]: each for each in answer["items"]}
    assert by_name["uplead"]["state"] == "ready"
    assert by_name["uplead"]["credits_left"] == 4812
    assert by_name["uplead"]["limits"] == {"minute": 480}
    assert by_name["uplead"]["last_problem"] == "uplead: it was slow"
    assert by_name["zoominfo"]["state"] == "not_configured"
    world.clock.forward(hours=2)
    answer = (await world.client.get("/api/sources")).json()
    assert answer["items"][0]["configured"] is False


async def test_profiles_come_with_the_engine_and_can_be_kept_over(world: World) -> None:
    base = "/api/profiles"
    names = [each["name"] for each in (await world.client.get(base)).json()["items"]]
    assert "fintech-eu" in names

    wanted = {"industries": ["fintech"], "countries": ["Germany"], "seniorities": ["C-level"]}
    kept = await world.client.put(f"{base}/fintech-eu", json=wanted)

    assert kept.status_code == 200
    assert kept.json()["definition"]["countries"] == ["DE"]
    assert kept.json()["version"] == 1
    changed = await world.client.put(f"{base}/fintech-eu", json=wanted | {"countries": ["FR"]})
    assert changed.json()["version"] == 2
    assert (await world.client.delete(f"{base}/fintech-eu")).status_code == 204
    again = (await world.client.get(f"{base}/fintech-eu")).json()
    assert (again["version"], again["definition"]["countries"]) == (0, ["EU"])


async def test_a_profile_is_made_once(world: World) -> None:
    wanted = {"name": "ours", "countries": ["DACH"]}

    made = await world.client.post("/api/profiles", json=wanted)
    again = await world.client.post("/api/profiles", json=wanted)

    assert (made.status_code, made.headers["location"]) == (201, "/api/profiles/ours")
    assert again.status_code == 409
    assert again.json()["errors"][0]["reason"] == "profile_exists"


async def test_a_word_that_is_not_known_is_told_with_what_is_near(world: World) -> None:
    wanted = {"name": "ours", "countries": ["Germny"], "industries": ["fintech"]}

    answer = await world.client.post("/api/profiles", json=wanted)

    assert answer.status_code == 422
    error = answer.json()["errors"][0]
    assert (error["field"], error["reason"]) == ("countries", "unknown_word")
    assert "write DE" in error["message"]


async def test_reading_and_buying_are_two_scopes(world: World) -> None:
    viewer = world.as_role(Role.VIEWER)

    read = await world.client.get("/api/sources", headers=viewer)
    bought = await world.client.post("/api/sources/find", json=FIND, headers=viewer)

    assert (read.status_code, bought.status_code) == (200, 403)


async def test_what_is_not_there_is_not_found(world: World) -> None:
    for path in (f"searches/{uuid4()}", f"previews/{uuid4()}"):
        assert (await world.client.get(f"/api/sources/{path}")).status_code == 404


async def test_a_lead_that_is_removed_is_barred_for_every_source(world: World) -> None:
    lead = {"email": "first7.last7@firm7.eu", "first_name": "First7", "last_name": "Last7",
            "company": "Firm 7", "domain": "firm7.eu"}  # fmt: skip
    made = (await world.client.post("/api/leads", json=lead)).json()

    assert (await world.client.delete(f"/api/leads/{made['id']}")).status_code == 204

    told = [
        person(7, "uplead"),
        person(7, "uplead", person=person(1, "x").person),
        person(8, "uplead"),
    ]
    async with world.database.transaction() as db:
        barred = await suppressions.suppressed(db, world.sealer, told)
        await leads.purge(db, before=world.clock(), limit=10)
    assert list(barred) == [0]
