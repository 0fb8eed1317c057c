"""Enrichment over HTTP: asked for once, and told field by field."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from policies.lead import Fact, LeadId
from policies.prospect import PersonQuery
from serve.scopes import Role
from storage import enrichment, facts, leads
from storage.enrichment import Answered
from tests.serve.conftest import World
from tests.serve.test_leads import made, rows


async def bought(world: World, lead_id: LeadId) -> None:
    """UpLead told the address that the lead has; the title of ZoomInfo is old."""
    now = world.clock()
    question, call = PersonQuery(lead_id, None, "Ann", "Example"), uuid4()
    async with world.database.transaction() as db:
        lead = await leads.get(db, world.sealer, lead_id)
        await enrichment.ask(db, world.sealer, "uplead", call, [question])
        told = Answered(question, found=True, record_id="r-1", email=lead.person.email)
        await enrichment.answer(db, world.sealer, call, [told], now=now)
        await facts.keep(
            db,
            {
                lead_id: [
                    Fact("email_status", "uplead", "valid", 0.95, now, 580_000),
                    Fact("email_status", "zoominfo", "catch_all", 0.6, now),
                    Fact("title", "zoominfo", "Buyer", 0.8, now - timedelta(days=200)),
                ]
            },
        )


async def test_a_lead_is_enriched_before_everything_else_and_once(world: World) -> None:
    lead = await made(world)
    path = f"/api/leads/{lead['id']}/enrich"
    first = await world.client.post(path, json={"refresh": True})
    assert (first.status_code, first.json()) == (202, {"queued": True})
    again = await world.client.post(path, json={"refresh": True})
    assert (again.status_code, again.json()) == (202, {"queued": False})
    posted = await rows(world, "SELECT kind, lane, body FROM messages WHERE kind = 'facts.buy'")
    assert [(row.kind, row.lane) for row in posted] == [("facts.buy", 0)]
    assert posted[0].body["refresh"] is True
    asked = await rows(world, "SELECT 1 FROM activities WHERE kind = 'lead.enrichment_asked'")
    assert len(asked) == 1


async def test_no_body_is_needed(world: World) -> None:
    lead = await made(world)
    answer = await world.client.post(f"/api/leads/{lead['id']}/enrich")
    assert answer.status_code == 202


async def test_who_may_only_read_may_not_spend(world: World) -> None:
    lead = await made(world)
    path = f"/api/leads/{lead['id']}/enrich"
    answer = await world.client.post(path, headers=world.as_role(Role.VIEWER))
    assert answer.status_code == 403
    assert (await world.client.post(f"/api/leads/{uuid4()}/enrich")).status_code == 404


async def test_facts_are_told_with_source_price_and_age_and_which_one_counts(
    world: World,
) -> None:
    lead = await made(world)
    await bought(world, LeadId(UUID(lead["id"])))
    answer = await world.client.get(f"/api/leads/{lead['id']}/facts")
    assert answer.status_code == 200, answer.text
    known: dict[str, Any] = answer.json()
    fields = {each["field"]: each for each in known["items"]}
    status = fields["email_status"]
    assert status["value"] == "valid"
    assert {each["source"]: each["wins"] for each in status["told"]} == {
        "uplead": True,
        "zoominfo": False,
    }
    [title] = fields["title"]["told"]
    assert (title["age_days"], fields["title"]["due"]) == (200, True)
    assert title["sure"] < title["confidence"]
    assert known["spent_usd"] == 0.58
    assert [(ask["source"], ask["asked"], ask["found"]) for ask in known["asks"]] == [
        ("uplead", 1, True)
    ]
    assert "Example.com" not in answer.text


async def test_a_lead_that_is_not_there_has_no_facts(world: World) -> None:
    assert (await world.client.get(f"/api/leads/{uuid4()}/facts")).status_code == 404
