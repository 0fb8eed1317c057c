"""A lead found in, facts and an enriched lead out."""

from datetime import timedelta

from agents.enricher import Enricher
from agents.messages import LeadFound, encode
from policies.lead import LeadDraft, LeadId, LeadStatus, Person
from storage import facts, leads, mailbox
from storage.database import Database
from storage.mailbox import Lane, Letter
from tests.agents.import_room import SEALER, fetch
from tests.flows.harness import Fleet
from tests.scripted import START, Clock

ANN = LeadDraft(
    source="api",
    person=Person("Ann", "Lee", "Ann@Acme.de", "+493036480180"),
    company="Acme",
    title="Head of Sales",
    industry="Maschinenbau",
)


async def found(database: Database, *drafts: LeadDraft, lane: Lane = Lane.NORMAL) -> list[LeadId]:
    async with database.transaction() as db:
        kept = await leads.keep(db, SEALER, drafts, now=START)
        messages = [LeadFound(each.id) for each in kept]
        letters = [Letter("enricher", m.kind, encode(m), lane) for m in messages]
        await mailbox.post(db, letters, now=START)
    return [each.id for each in kept]


async def enrich(database: Database, *, later: timedelta = timedelta()) -> None:
    await Fleet(database, lambda: [Enricher(SEALER)], Clock(START + later)).finish()


async def told(database: Database, lead_id: LeadId) -> dict[tuple[str, str], object]:
    async with database.transaction() as db:
        return {(f.field, f.source): f.value for f in (await facts.of(db, [lead_id]))[lead_id]}


async def test_what_a_leads_own_data_tell_is_kept_with_its_source(database: Database) -> None:
    [ann] = await found(database, ANN)
    await enrich(database)
    async with database.transaction() as db:
        lead = await leads.get(db, SEALER, ann)
    assert (lead.status, lead.domain, lead.country, lead.industry) == (
        LeadStatus.ENRICHED,
        "acme.de",
        "DE",
        "manufacturing",
    )
    assert await told(database, ann) == {
        ("email_kind", "email"): "work",
        ("domain", "email"): "acme.de",
        ("seniority", "title"): "head",
        ("function", "title"): "sales",
        ("country", "phone"): "DE",
        ("time_zone", "phone"): "Europe/Berlin",
        ("country", "domain"): "DE",
        ("time_zone", "country"): "Europe/Berlin",
        ("industry", "record"): "manufacturing",
    }


async def test_enriching_again_changes_nothing_but_hands_on(database: Database) -> None:
    await found(database, ANN)
    await enrich(database)
    before = await fetch(database, "SELECT * FROM lead_facts ORDER BY field, source")
    [(version,)] = await fetch(database, "SELECT version FROM leads")
    await found(database, ANN)
    await enrich(database, later=timedelta(days=1))
    after = await fetch(database, "SELECT * FROM lead_facts ORDER BY field, source")
    assert after == before
    assert await fetch(database, "SELECT version FROM leads") == [(version,)]
    assert await fetch(database, "SELECT count(*) FROM messages WHERE recipient='scorer'") == [(2,)]


async def test_the_lane_is_passed_on(database: Database) -> None:
    await found(database, ANN, lane=Lane.URGENT)
    await enrich(database)
    [(recipient, lane)] = await fetch(database, "SELECT recipient, lane FROM messages")
    assert (recipient, lane) == ("scorer", Lane.URGENT)


async def test_what_a_changed_title_says_no_more_is_withdrawn(database: Database) -> None:
    [ann] = await found(database, ANN)
    await enrich(database)
    async with database.transaction() as db:
        await leads.update(db, SEALER, ann, {"title": "xyz"}, expected_version=None, now=START)
    await found(database, ANN)
    await enrich(database, later=timedelta(days=1))
    assert (await told(database, ann))["seniority", "title"] is None


async def test_a_lead_that_is_gone_is_passed_over(database: Database) -> None:
    ann, bob = await found(database, ANN, LeadDraft("api", Person(email="bob@web.de")))
    async with database.transaction() as db:
        await leads.remove(db, ann, now=START)
    await enrich(database)
    rows = await fetch(database, "SELECT body->>'lead_id' FROM messages")
    assert [row[0] for row in rows] == [str(bob)]
    assert (await told(database, bob))["email_kind", "email"] == "free"
