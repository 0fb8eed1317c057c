"""Whom no source makes a lead again: known by hash, whatever becomes of the lead."""

from datetime import timedelta

from sqlalchemy import text

from policies.lead import LeadDraft, Person
from policies.prospect import Prospect
from storage import erasing, lead_sources, leads, suppressions
from storage.database import Database
from storage.lead_sources import Record
from storage.sealing import Sealer
from storage.suppressions import Kind, Reason
from tests.agents.source_room import person
from tests.scripted import START


async def barred(database: Database, sealer: Sealer, *prospects: Prospect) -> dict[int, Reason]:
    async with database.transaction() as db:
        return await suppressions.suppressed(db, sealer, prospects)


async def test_each_way_of_knowing_somebody_bars_them(database: Database, sealer: Sealer) -> None:
    known = person(1, "uplead", person=Person("First1", "Last1", "a@firm1.eu", "+4930901820"),
                   linkedin_url="https://linkedin.com/in/one")  # fmt: skip
    other = person(2, "zoominfo")
    keys = suppressions.keys_of(sealer, known)
    assert {kind for kind, _ in keys} == set(Kind)
    for number, key in enumerate(keys):
        async with database.transaction() as db:
            await db.execute(text("DELETE FROM suppressions"))
            await suppressions.add(db, [key], reason=Reason.MANUAL, source="t", now=START)
        assert await barred(database, sealer, other, known) == {1: Reason.MANUAL}, number


async def test_the_first_reason_stays(database: Database, sealer: Sealer) -> None:
    key = suppressions.value_key(sealer, Kind.EMAIL, "Ann@Example.com")
    assert key is not None
    async with database.transaction() as db:
        first = await suppressions.add(db, [key], reason=Reason.BOUNCED, source="a", now=START)
        again = await suppressions.add(db, [key], reason=Reason.DELETED, source="b", now=START)
        found = await suppressions.find(db, [key])

    assert (first, again) == (1, 0)
    assert found[key].reason is Reason.BOUNCED


async def test_a_deleted_lead_is_barred_with_its_records_but_not_its_firm_or_its_phone(
    database: Database, sealer: Sealer
) -> None:
    told = person(1, "uplead", person=Person("First1", "Last1", "a@firm1.eu", "+4930901820"))
    async with database.transaction() as db:
        draft = LeadDraft(
            "uplead", told.person, external_id=told.record_id, company="Firm 1", domain="firm1.eu"
        )
        (kept,) = await leads.keep(db, sealer, [draft], now=START)
        keys = lead_sources.keys_of(sealer, told)
        record = Record("uplead", told.record_id, kept.id, keys)
        await lead_sources.keep(db, [record], search_id=None, now=START)
        await suppressions.bar_lead(
            db, sealer, kept.id, reason=Reason.DELETED, source="key:ann", now=START
        )
        await leads.remove(db, kept.id, now=START)
        await leads.purge(db, before=START + timedelta(days=1), limit=10)

    elsewhere = person(1, "zoominfo", person=Person("First1", "Last1"), company="Firm 1")
    same_record = person(9, "uplead", record_id=told.record_id)
    colleague = person(51, "zoominfo", person=Person("Bob", "Bolt", phone="+4930901820"))
    found = await barred(database, sealer, told, elsewhere, same_record, colleague)
    assert set(found) == {0, 1, 2}


async def test_an_erased_person_is_in_no_column_and_stays_barred(
    database: Database, sealer: Sealer
) -> None:
    async with database.transaction() as db:
        draft = LeadDraft("form", Person("Ann", "Lee", "ann@acme.com"), "1", company="Acme")
        (kept,) = await leads.keep(db, sealer, [draft], now=START)
        await suppressions.bar_lead(
            db, sealer, kept.id, reason=Reason.ERASED, source="linkedin", now=START
        )
        assert await erasing.erase(db, kept.id, now=START)
        row = (await db.execute(text("SELECT * FROM leads"))).mappings().one()

    for name in ("first_name", "last_name", "email", "phone", "notes", "email_key", "phone_key"):
        assert row[name] is None, name
    assert row["search_tokens"] == []
    assert row["deleted_at"] is not None
    ann = Prospect("uplead", "x", Person("Ann", "Lee"), company="ACME Inc.")
    assert await barred(database, sealer, ann) == {0: Reason.ERASED}


async def test_nothing_of_a_suppressed_person_can_be_read(
    database: Database, sealer: Sealer
) -> None:
    async with database.transaction() as db:
        keys = suppressions.keys_of(sealer, person(7, "uplead"))
        await suppressions.add(db, keys, reason=Reason.OPTED_OUT, source="uplead", now=START)
        lines = [row[0] for row in await db.execute(text("SELECT s::text FROM suppressions s"))]

    assert len(lines) == len(keys)
    assert not any("first7" in line.lower() or "firm" in line for line in lines)
