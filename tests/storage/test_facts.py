import os
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from policies.lead import Fact, LeadDraft, LeadId
from storage import facts, leads
from storage.database import Database
from storage.sealing import Sealer

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
SEALER = Sealer({1: os.urandom(32)}, 1, os.urandom(32))
SAID = Fact("seniority", "title", "c_level", 0.9, NOW, cost_micro=20)


async def lead(database: Database) -> LeadId:
    async with database.transaction() as db:
        return (await leads.keep(db, SEALER, [LeadDraft("f")], now=NOW))[0].id


async def told(database: Database, lead_id: LeadId, *said: Fact) -> int:
    async with database.transaction() as db:
        return await facts.keep(db, {lead_id: said})


async def known(database: Database, lead_id: LeadId) -> list[Fact]:
    async with database.transaction() as db:
        return (await facts.of(db, [lead_id]))[lead_id]


async def test_facts_are_read_as_they_were_kept(database: Database) -> None:
    lead_id = await lead(database)
    said = [
        Fact(f"f{n}", "s", value, 0.5, NOW) for n, value in enumerate(("a", 1, 2.5, True, None))
    ]

    await told(database, lead_id, *said)

    assert await known(database, lead_id) == said


async def test_each_source_keeps_its_own_word(database: Database) -> None:
    lead_id = await lead(database)
    other = Fact("seniority", "vendor", "owner", 0.8, NOW)

    await told(database, lead_id, SAID, other)

    assert await known(database, lead_id) == [SAID, other]


async def test_the_newest_word_of_a_source_counts_in_whatever_order_it_comes(
    database: Database,
) -> None:
    lead_id = await lead(database)
    newer = Fact("seniority", "title", "vp", 0.9, LATER)

    await told(database, lead_id, newer, SAID)
    assert await told(database, lead_id, SAID) == 0

    assert await known(database, lead_id) == [newer]


async def test_the_same_word_again_changes_nothing(database: Database) -> None:
    lead_id = await lead(database)

    assert await told(database, lead_id, SAID) == 1
    assert await told(database, lead_id, SAID) == 0


async def test_a_lead_of_which_nothing_is_known_has_no_facts(database: Database) -> None:
    async with database.transaction() as db:
        assert await facts.keep(db, {}) == 0
    assert await known(database, LeadId(uuid4())) == []


async def test_facts_go_with_their_lead(database: Database) -> None:
    lead_id = await lead(database)
    await told(database, lead_id, SAID)
    async with database.transaction() as db:
        await leads.remove(db, lead_id, now=NOW)
        await leads.purge(db, before=LATER, limit=1)

    assert await known(database, lead_id) == []
