"""A request that is sent twice, or whose client hangs up, is done once and whole."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from tests.serve.conftest import World

LEAD = {"company": "Example", "first_name": "Ann"}
"""Nothing tells it apart: twice would be two leads."""


async def count(world: World, table: str) -> int:
    async with world.database.transaction() as db:
        return int(await db.scalar(text(f"SELECT count(*) FROM {table}")) or 0)


async def test_the_same_request_again_gets_the_stored_answer(world: World) -> None:
    once = {"Idempotency-Key": '"8e03978e"'}
    first = await world.client.post("/api/leads", json=LEAD, headers=once)
    again = await world.client.post(
        "/api/leads", json=LEAD, headers={"Idempotency-Key": "8e03978e"}
    )

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert await count(world, "leads") == await count(world, "messages") == 1


async def test_a_key_with_another_body_or_address_is_refused(world: World) -> None:
    once = {"Idempotency-Key": "k"}
    await world.client.post("/api/leads", json=LEAD, headers=once)

    for path, body in (("/api/leads", {"company": "Other"}), ("/api/keys", LEAD)):
        answer = await world.client.post(path, json=body, headers=once)
        assert answer.status_code == 422
    assert await count(world, "leads") == 1


async def test_the_same_key_of_another_principal_is_another_request(world: World) -> None:
    once = {"Idempotency-Key": "k"}
    other = await world.key("leads:write")
    await world.client.post("/api/leads", json=LEAD, headers=once)
    answer = await world.client.post("/api/leads", json=LEAD, headers=once | other)

    assert answer.status_code == 201
    assert "Idempotency-Replayed" not in answer.headers


async def test_a_refused_request_may_be_corrected_under_the_same_key(world: World) -> None:
    once = {"Idempotency-Key": "k"}
    refused = await world.client.post("/api/leads", json={"email": "x"}, headers=once)
    good = await world.client.post("/api/leads", json=LEAD, headers=once)

    assert (refused.status_code, good.status_code) == (422, 201)


async def test_twenty_at_once_have_one_effect(world: World) -> None:
    once = {"Idempotency-Key": "race"}
    answers = await asyncio.gather(
        *(world.client.post("/api/leads", json=LEAD, headers=once) for _ in range(20))
    )

    statuses = {answer.status_code for answer in answers}
    assert statuses <= {201, 409}
    assert len({a.json()["id"] for a in answers if a.status_code == 201}) == 1
    assert all(a.headers["Retry-After"] == "1" for a in answers if a.status_code == 409)
    assert await count(world, "leads") == await count(world, "messages") == 1


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\tkey"])
async def test_a_key_that_is_none_is_refused(world: World, key: str) -> None:
    answer = await world.client.post("/api/leads", json=LEAD, headers={"Idempotency-Key": key})

    assert answer.status_code == 422


async def test_a_client_that_hangs_up_loses_no_write(world: World) -> None:
    async with world.database.transaction() as blocker:
        await blocker.execute(text("LOCK TABLE leads IN EXCLUSIVE MODE"))
        request = asyncio.create_task(world.client.post("/api/leads", json=LEAD))
        await asyncio.sleep(0.3)
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
    await world.app.state.api.close()

    assert await count(world, "leads") == await count(world, "messages") == 1
    assert world.woken == ["enricher"]


async def test_a_double_click_on_score_queues_it_once(world: World) -> None:
    lead = (await world.client.post("/api/leads", json=LEAD)).json()["id"]
    path = f"/api/leads/{lead}/score"
    answers = await asyncio.gather(*(world.client.post(path) for _ in range(3)))

    assert sorted(answer.json()["queued"] for answer in answers) == [0, 0, 1]
    async with world.database.transaction() as db:
        rows = await db.execute(text("SELECT lane, body FROM messages WHERE recipient='scorer'"))
        assert [(row.lane, row.body["kind"]) for row in rows] == [(0, "lead.rescore")]


async def test_many_are_queued_in_pages_and_only_once(world: World, monkeypatch: Any) -> None:
    monkeypatch.setattr("serve.scores.AT_ONCE", 4)
    leads = [{"email": f"p{n}@example.com", "company": "x"} for n in range(11)]
    await world.client.post("/api/leads/import", json={"leads": leads})

    first = await world.client.post("/api/leads/score", json={"filter": {"source": "import"}})
    again = await world.client.post("/api/leads/score", json={"filter": {}})
    ids = [lead["id"] for lead in (await world.client.get("/api/leads")).json()["items"]]
    world.clock.forward(minutes=6)
    named = await world.client.post("/api/leads/score", json={"lead_ids": ids[:6] + ids[:2]})

    assert first.status_code == 202
    assert (first.json(), again.json(), named.json()) == (
        {"queued": 11}, {"queued": 0}, {"queued": 6},
    )  # fmt: skip


async def test_answers_are_not_kept_readable(world: World) -> None:
    lead = {"email": "secret@example.com"}
    await world.client.post("/api/leads", json=lead, headers={"Idempotency-Key": "k"})

    async with world.database.transaction() as db:
        row = (await db.execute(text("SELECT * FROM idempotency_keys"))).one()
    assert b"secret" not in bytes(row.response)


async def test_a_write_goes_on_when_its_caller_is_cancelled(world: World) -> None:
    """The helper itself: Ray Serve cancels a handler at its next await."""
    done = asyncio.Event()

    async def slowly() -> None:
        await asyncio.sleep(0.05)
        done.set()

    caller = asyncio.create_task(world.app.state.api.to_its_end(slowly()))
    await asyncio.sleep(0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    await asyncio.wait_for(done.wait(), 1)
