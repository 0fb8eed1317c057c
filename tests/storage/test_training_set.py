from datetime import timedelta

from agents.messages import LeadFound, encode
from policies.features import columns_of
from policies.lead import LeadDraft, LeadId, Person
from policies.lead_features import lead_features
from policies.templates import Industry, template
from storage import facts, leads, mailbox, training_set
from storage.database import Database
from storage.mailbox import Letter
from storage.sealing import Sealer
from tests.agents.import_room import SEALER, work
from tests.scripted import START

DRAFTS = [
    LeadDraft(
        source="test",
        external_id=str(n),
        person=Person(email=f"p{n}@acme{n}.com" if n % 2 else None),
        company="Acme" if n % 3 else "",
        title=("CEO", "", "Student", "Head of Sales")[n % 4],
        country="DE" if n % 5 else None,
        attributes={"visits": str(n), **({"plan": "gold"} if n % 2 else {})},
        outcome=(True, False, None)[n % 3],
    )
    for n in range(12)
]


async def kept(database: Database, sealer: Sealer) -> list[LeadId]:
    async with database.transaction() as db:
        return [one.id for one in await leads.keep(db, sealer, DRAFTS, now=START)]


async def test_leads_come_back_in_the_order_they_came_in(database: Database) -> None:
    ids = await kept(database, SEALER)

    rows = await training_set.read(database)

    assert rows.ids == ids
    assert rows.outcomes == [draft.outcome for draft in DRAFTS]
    assert [str(v) for v in rows.values["visits"]] == [str(n) for n in range(12)]


async def test_what_was_never_fetched_is_told_from_what_is_empty(database: Database) -> None:
    await kept(database, SEALER)

    rows = await training_set.read(database)

    assert rows.not_fetched["plan"].tolist() == [n % 2 == 0 for n in range(12)]
    assert "visits" not in rows.not_fetched


async def test_learning_sees_exactly_what_scoring_sees(database: Database) -> None:
    ids = await kept(database, SEALER)
    async with database.transaction() as db:
        messages = [LeadFound(lead_id) for lead_id in ids]
        await mailbox.post(db, [Letter("enricher", m.kind, encode(m)) for m in messages], now=START)
    await work(database)
    async with database.transaction() as db:
        found = await leads.get_many(db, SEALER, ids)
        known = await facts.of(db, ids)
    scored = [lead_features(lead, known.get(lead.id, ())) for lead in found]

    rows = await training_set.read(database)

    for industry in Industry:
        card = template(industry)
        assert card.code(rows.columns).tolist() == card.code(columns_of(scored)).tolist()


async def test_only_the_newest_and_only_those_of_a_source_may_be_asked_for(
    database: Database,
) -> None:
    ids = await kept(database, SEALER)
    other = [LeadDraft(source="other", external_id="1", attributes={"visits": "9"})]
    async with database.transaction() as db:
        await leads.keep(db, SEALER, other, now=START + timedelta(days=1))

    assert (await training_set.read(database, source="test", newest=3)).ids == ids[-3:]
    assert len(await training_set.read(database, source="other")) == 1
    assert len(await training_set.read(database, source="nobody")) == 0
