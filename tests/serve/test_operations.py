"""Agents, dead letters, decisions, ledger, status, health, metrics, and what describes them."""

import re
from datetime import timedelta
from typing import Any

import pytest
from fastapi.routing import APIRoute
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from agents.messages import Rescore, encode
from policies.lead import LeadId
from serve.openapi import TAGS, describe
from serve.routing import declared
from storage import ledger, vendor_calls, vendor_states
from storage.agents import Bounds, ensure
from storage.ids import new_id
from storage.ledger import Account
from storage.mailbox import Letter, Mailbox, post
from storage.vendor_calls import CallOutcome, Tally, hour_of
from tests.serve.conftest import World

BOUNDS = ("0.1", "0.25", "60.0", "+Inf")


async def dead(world: World, number: int) -> list[int]:
    """Put letters of the scorer aside, as a worker does."""
    message = encode(Rescore(LeadId(new_id(world.clock()))))
    mailbox = Mailbox(world.database.url, "scorer", "w1")
    async with world.database.transaction() as db:
        await post(db, [Letter("scorer", "lead.rescore", message)] * number)
    await mailbox.open(world.clock())
    envelopes = await mailbox.claim(number, now=world.clock())
    await mailbox.bury(envelopes, "It broke.", now=world.clock())
    await mailbox.close()
    return sorted(envelope.id for envelope in envelopes)


async def waiting(world: World) -> int:
    async with world.database.transaction() as db:
        return int(await db.scalar(text("SELECT count(*) FROM messages")) or 0)


async def test_an_agent_is_paused_and_resumed_with_a_trace(world: World) -> None:
    paused = await world.client.post("/api/agents/scorer/pause", json={"reason": "Odd answers"})
    seen = {a["role"]: a for a in (await world.client.get("/api/agents")).json()["items"]}
    resumed = await world.client.post("/api/agents/scorer/resume")

    assert paused.json()["items"][0]["paused"] is True
    assert (seen["scorer"]["paused_by"], seen["scorer"]["paused_reason"]) == (
        "key:admin", "Odd answers",
    )  # fmt: skip
    assert seen["enricher"]["paused"] is False
    assert resumed.json()["items"][0]["paused"] is False
    assert world.woken == ["scorer"]
    decided = (await world.client.get("/api/decisions?agent=key:admin")).json()["items"]
    assert {each["action"] for each in decided} == {"agent.pause", "agent.resume"}


async def test_all_agents_are_paused_by_one_word(world: World) -> None:
    await world.client.post("/api/agents/all/pause", json={"reason": "Stop"})
    agents = (await world.client.get("/api/agents")).json()["items"]
    await world.client.post("/api/agents/all/resume")

    assert all(agent["paused"] for agent in agents)
    assert len(world.woken) == len(agents)


@pytest.mark.parametrize(("role", "status"), [("nobody", 404), ("Bad Role", 422), ("%00", 422)])
async def test_an_unknown_agent_is_not_paused(world: World, role: str, status: int) -> None:
    answer = await world.client.post(f"/api/agents/{role}/pause", json={"reason": "x"})

    assert answer.status_code == status


async def test_dead_letters_are_read_in_pages_replayed_and_dropped(world: World) -> None:
    ids = await dead(world, 5)
    first = (await world.client.get("/api/dead-letters?limit=3")).json()
    rest = (await world.client.get(f"/api/dead-letters?limit=3&cursor={first['next']}")).json()
    assert [item["id"] for item in first["items"] + rest["items"]] == ids[::-1]
    assert first["items"][0]["reason"] == "It broke."

    one = await world.client.post(f"/api/dead-letters/{ids[0]}/replay")
    again = await world.client.post(f"/api/dead-letters/{ids[0]}/replay")
    gone = await world.client.delete(f"/api/dead-letters/{ids[1]}")
    named = await world.client.post("/api/dead-letters/replay", json={"ids": [ids[2], ids[0]]})
    rest_of = await world.client.post("/api/dead-letters/drop", json={"recipient": "scorer"})

    assert (one.status_code, again.status_code, gone.status_code) == (200, 404, 204)
    assert (named.json(), rest_of.json()) == ({"replayed": 1}, {"dropped": 2})
    assert await waiting(world) == 2
    assert world.woken == ["scorer", "scorer"]
    assert (await world.client.get("/api/dead-letters")).json()["items"] == []


@pytest.mark.parametrize(
    "body", [{}, {"ids": []}, {"ids": [True]}, {"ids": ["1"]}, {"ids": [2**63]}, {"all": True},
             {"ids": [1], "recipient": "scorer"}],
)  # fmt: skip
async def test_letters_are_named_one_way_only(world: World, body: dict[str, Any]) -> None:
    assert (await world.client.post("/api/dead-letters/drop", json=body)).status_code == 422


async def test_decisions_are_paged_and_their_chains_verified(world: World) -> None:
    for _ in range(3):
        world.clock.forward(seconds=1)
        await world.client.post("/api/agents/scorer/resume")
    first = (await world.client.get("/api/decisions?limit=2")).json()
    rest = (await world.client.get(f"/api/decisions?limit=2&cursor={first['next']}")).json()
    sound = (await world.client.get("/api/decisions/verify")).json()
    async with world.database.transaction() as db:
        await db.execute(text("UPDATE decisions SET verdict = 'other' WHERE seq = 1"))
    broken = (await world.client.get("/api/decisions/verify")).json()

    assert len(first["items"]) + len(rest["items"]) == 3
    assert sound == {"sound": True, "broken": []}
    assert broken["sound"] is False
    assert "changed" in broken["broken"][0]["problem"]


async def test_the_ledger_shows_what_is_left(world: World) -> None:
    async with world.database.transaction() as db:
        await ledger.open_accounts(db, [Account("usd:openai:today", "usd_micro", 500)])
    found = (await world.client.get("/api/ledger?prefix=usd:")).json()["items"]
    none = (await world.client.get("/api/ledger?prefix=%25")).json()["items"]

    assert [(a["id"], a["limit"], a["left"]) for a in found] == [("usd:openai:today", 500, 500)]
    assert none == []


async def test_the_status_tells_what_is_there_and_what_is_simulated(world: World) -> None:
    await world.client.post("/api/leads", json={"email": "ann@example.com"})
    status = (await world.client.get("/api/status")).json()

    assert (status["total"], status["leads"]["new"]) == (1, 1)
    assert status["active_algorithm"]["name"] == "general"
    assert status["sandboxed"] == ["openai"]
    assert {agent["role"]: agent["waiting"] for agent in status["agents"]}["enricher"] == 1


async def test_ready_means_migrated_and_beating(world: World) -> None:
    async def ready() -> tuple[int, dict[str, Any]]:
        world.clock.forward(seconds=2)
        answer = await world.client.get("/health/ready", headers={"Authorization": ""})
        return answer.status_code, answer.json()

    assert await ready() == (
        200, {"status": "ready", "database": True, "migrations": True, "agents": True},
    )  # fmt: skip
    async with world.database.transaction() as db:
        await ensure(db, {"scorer": Bounds(1, 2)})
    assert (await ready())[1]["agents"] is False
    mailbox = Mailbox(world.database.url, "scorer", "w1", virtual=True)
    await mailbox.open(world.clock())
    assert (await ready())[0] == 200
    world.clock.forward(minutes=5)
    assert (await ready())[0] == 503
    await mailbox.close()
    async with world.database.transaction() as db:
        version = await db.scalar(text("SELECT version_num FROM alembic_version"))
        await db.execute(text("UPDATE alembic_version SET version_num = 'other'"))
    assert (await ready())[1]["migrations"] is False
    async with world.database.transaction() as db:
        await db.execute(text("UPDATE alembic_version SET version_num = :v"), {"v": version})


async def test_metrics_tell_what_waits_what_is_dead_and_who_is_away(world: World) -> None:
    await dead(world, 2)
    await world.client.post("/api/leads", json={"email": "ann@example.com"})
    later = (world.clock() + timedelta(minutes=1)).isoformat()
    async with world.database.transaction() as db:
        today = f"usd:openai:{world.clock():%Y-%m-%d}"
        await ledger.open_accounts(db, [Account(today, "usd_micro", 500)])
        await vendor_states.put(
            db, "openai", {"breaker": {"failures": 5, "open_until": later}}, now=world.clock()
        )
        pace = {"requests_per_minute": 500, "factor": 0.5}
        broke = {"pace": pace, "no_credit_until": later}
        await vendor_states.put(db, "uplead", broke, now=world.clock())
        slow = Tally()
        for seconds, outcome in ((0.2, CallOutcome.OK), (70, CallOutcome.FAILED)):
            slow.count(timedelta(seconds=seconds), world.clock(), outcome, "away")
        await vendor_calls.add(db, "uplead", {("search", hour_of(world.clock())): slow})
    answer = await world.client.get("/metrics")

    figures = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }
    assert figures["leadengine_messages_waiting", "enricher"] == 1
    assert figures["leadengine_dead_letters", "scorer"] == 2
    assert figures["leadengine_leads", "new"] == 1
    assert figures["leadengine_leads_scored",] == 0
    assert figures["leadengine_vendor_breaker_open", "openai"] == 1
    assert figures["leadengine_vendor_breaker_open", "uplead"] == 0
    assert figures["leadengine_vendor_out_of_credit", "uplead"] == 1
    assert figures["leadengine_vendor_requests_per_minute", "uplead"] == 250
    calls = "leadengine_vendor_calls_total"
    ended = [figures[calls, "search", end, "uplead"] for end in ("ok", "failed", "throttled")]
    assert ended == [1, 1, 0]
    seconds = "leadengine_vendor_call_seconds"
    assert figures[f"{seconds}_sum", "search", "uplead"] == pytest.approx(70.2)
    upto = [figures[f"{seconds}_bucket", bound, "search", "uplead"] for bound in BOUNDS]
    assert upto == [0, 1, 1, 2]
    assert figures["leadengine_workers_alive", "scorer"] == 1
    assert any(name[0] == "leadengine_ledger_limit" and figures[name] == 500 for name in figures)


async def test_the_description_names_every_route_with_scope_problems_and_examples(
    world: World,
) -> None:
    served = (await world.client.get("/api/openapi.json", headers={"Authorization": ""})).json()

    assert served == describe(world.app)
    routes = [route for route in world.app.routes if isinstance(route, APIRoute)]
    for route in routes:
        for method in route.methods:
            operation = served["paths"][route.path_format][method.lower()]
            needs = declared(route)
            assert operation["security"] == ([{"ApiKey": [needs.scope.value]}] if needs else [])
            assert operation["description"]
            assert set(operation["tags"]) <= set(TAGS)
            if needs:
                assert {"401", "403", "422", "429", "503"} <= set(operation["responses"])
    everything = str(served)
    for reference in re.findall(r"#/components/schemas/(\w+)", everything):
        assert reference in served["components"]["schemas"], reference
    for name, schema in served["components"]["schemas"].items():
        body = re.fullmatch("New(Lead|Key|Algorithm)|LeadPatch|Pause|Activation", name)
        assert not body or schema["examples"], name


async def test_every_answer_can_be_told_apart_by_its_id(world: World) -> None:
    for path in ("/api/leads", "/api/nothing", "/health/live", "/metrics"):
        answer = await world.client.get(path)
        assert answer.headers["X-Request-ID"]
        assert answer.headers["API-Version"] == "v1"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
