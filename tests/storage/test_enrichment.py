"""What the sources were asked and told, kept: once each, sealed, and counted by all."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

from policies.hit_rates import Tally
from policies.lead import Fact, LeadDraft, LeadId, Person
from policies.prospect import EmailStatus, PersonQuery
from storage import enrichment, facts, leads
from storage.database import Database
from storage.enrichment import Answered
from tests.agents.import_room import SEALER, fetch
from tests.scripted import START

CALL, OTHER = UUID(int=1), UUID(int=2)


async def kept(database: Database, count: int = 1) -> list[LeadId]:
    drafts = [LeadDraft("import", Person(f"F{n}", "Lee"), str(n)) for n in range(count)]
    async with database.transaction() as db:
        return [each.id for each in await leads.keep(db, SEALER, drafts, now=START)]


def about(lead_id: LeadId) -> PersonQuery:
    return PersonQuery(lead_id, None, "Xiomara", "Lee", "Acme", least=EmailStatus.VALID)


async def test_a_question_is_kept_whole_and_sealed_until_it_is_answered(
    database: Database,
) -> None:
    [ann] = await kept(database)
    async with database.transaction() as db:
        assert await enrichment.ask(db, SEALER, "uplead", CALL, [about(ann)]) == {ann}
    async with database.transaction() as db:
        assert await enrichment.under_way(db, SEALER, [CALL]) == {CALL: [about(ann)]}
        [(sealed,)] = await fetch(database, "SELECT question FROM enrichment_asks")
        assert b"Xiomara" not in sealed
        told = [Answered(about(ann), found=True, record_id="r1", email="A@b.de")]
        assert await enrichment.answer(db, SEALER, CALL, told, now=START) == {ann}
        assert await enrichment.answer(db, SEALER, CALL, told, now=START) == set()
        ask = (await enrichment.asks(db, SEALER, [ann]))[ann]["uplead"]
    assert (ask.answers, ask.call_id, ask.question, ask.record_id) == (1, None, None, "r1")
    assert ask.email_key == SEALER.blind("email", "a@b.de")
    assert ask.named_by == enrichment.named_by(SEALER, [about(ann)])[0]


async def test_only_one_of_two_callers_asks_about_a_lead(database: Database) -> None:
    ids = await kept(database, 6)

    async def ask(call: UUID, order: list[LeadId]) -> set[UUID]:
        async with database.transaction() as db:
            return await enrichment.ask(db, SEALER, "uplead", call, [about(i) for i in order])

    one, two = await asyncio.gather(ask(CALL, ids), ask(OTHER, ids[::-1]))
    assert one | two == set(ids)
    assert not one & two
    assert await ask(CALL, ids) == one


async def test_a_call_that_surely_got_no_answer_is_forgotten(database: Database) -> None:
    [ann] = await kept(database)
    async with database.transaction() as db:
        await enrichment.ask(db, SEALER, "uplead", CALL, [about(ann)])
        await enrichment.drop(db, CALL)
        assert await enrichment.under_way(db, SEALER, [CALL]) == {}
        await enrichment.postpone(db, [(ann, "uplead"), (ann, "zoominfo"), (uuid4(), "x")])
        asks = (await enrichment.asks(db, SEALER, [ann]))[ann]
    assert {name: ask.postponed for name, ask in asks.items()} == {"uplead": 1, "zoominfo": 1}


async def test_counters_add_up_whoever_adds_to_them(database: Database) -> None:
    news = {("uplead", "title", f"s{n}"): Tally(3, 2, 2, 1, 1) for n in range(5)}

    async def learn() -> None:
        async with database.transaction() as db:
            await enrichment.learn(db, dict(reversed(news.items())))
            await enrichment.learn(db, {})

    await asyncio.gather(*(learn() for _ in range(8)))
    async with database.transaction() as db:
        assert await enrichment.outcomes(db) == dict.fromkeys(news, Tally(24, 16, 16, 8, 8))


async def test_who_says_that_a_server_takes_everything_is_known_apart(database: Database) -> None:
    async with database.transaction() as db:
        await enrichment.learn_mail(db, "uplead", {"all.de": (0, 1), "ok.de": (1, 0)}, now=START)
        await enrichment.learn_mail(db, "zoominfo", {"all.de": (5, 0)}, now=START)
        await enrichment.learn_mail(db, "uplead", {}, now=START)
        known = await enrichment.mail_servers(db, ["all.de", "ok.de", "new.de"])
    assert known == {"all.de": {"uplead"}, "ok.de": frozenset()}


async def test_the_oldest_addresses_are_found_first_and_those_asked_about_since_are_not(
    database: Database,
) -> None:
    ids = await kept(database, 4)
    async with database.transaction() as db:
        told = {
            lead_id: [
                Fact("email_status", "uplead", "valid", 0.9, START - timedelta(days=100 + place))
            ]
            for place, lead_id in enumerate(ids)
        }
        await facts.keep(db, told)
        await enrichment.ask(db, SEALER, "zoominfo", CALL, [about(ids[3])])
        await enrichment.answer(db, SEALER, CALL, [Answered(about(ids[3]))], now=START)
        await leads.remove(db, ids[2], now=START)
        before = START - timedelta(days=90)
        old = await enrichment.old_addresses(db, ["uplead"], before=before, limit=10)
        assert old == [ids[1], ids[0]]
        assert await enrichment.old_addresses(db, ["other"], before=before, limit=10) == []
        assert await enrichment.old_addresses(db, ["uplead"], before=before, limit=1) == [ids[1]]


async def test_what_was_asked_goes_with_the_lead(database: Database) -> None:
    [ann] = await kept(database)
    async with database.transaction() as db:
        await enrichment.ask(db, SEALER, "uplead", CALL, [about(ann)])
        await leads.remove(db, ann, now=START)
        await leads.purge(db, before=START + timedelta(days=1), limit=10)
    assert await fetch(database, "SELECT count(*) FROM enrichment_asks") == [(0,)]
