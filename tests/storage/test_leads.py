import asyncio
import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from policies.lead import Lead, LeadDraft, LeadStatus, Person, StatusError
from storage import leads
from storage.database import Database, driver
from storage.ids import new_ids
from storage.leads import (
    DuplicateLead,
    Enriched,
    Kept,
    LeadNotFound,
    Scored,
    UnstorableText,
    VersionConflict,
)
from storage.sealing import Sealer
from storage.tables import metadata

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
SEALER = Sealer({1: os.urandom(32)}, 1, os.urandom(32))
ANN = LeadDraft(
    "web",
    Person("Ann", "Lee", "Ann.Lee@Example.org", "+4930901820", {"hobby": "chess"}),
    company="Acme",
    domain="acme.com",
    title="CEO",
    attributes={"visits": 3, "city": None},
)


async def kept(database: Database, *drafts: LeadDraft, now: datetime = NOW) -> list[Kept]:
    async with database.transaction() as db:
        return await leads.keep(db, SEALER, drafts, now=now)


async def read(database: Database, of: Kept) -> Lead:
    async with database.transaction() as db:
        return await leads.get(db, SEALER, of.id)


async def fetch(database: Database, query: str, *values: object) -> Sequence[Any]:
    async with database.transaction() as db:
        return await (await driver(db)).fetch(query, *values)


async def changed(database: Database, of: Kept, change: leads.LeadChange, **options: Any) -> Lead:
    async with database.transaction() as db:
        return await leads.update(
            db, SEALER, of.id, change, **({"expected_version": None, "now": LATER} | options)
        )


async def test_a_lead_is_read_as_it_was_kept(database: Database) -> None:
    (ann,) = await kept(database, ANN)

    lead = await read(database, ann)

    assert ann == Kept(lead.id, created=True, changed=True)
    assert (lead.person, lead.company, lead.title) == (ANN.person, "Acme", "CEO")
    assert (lead.attributes, lead.status, lead.version) == (ANN.attributes, LeadStatus.NEW, 1)
    assert (lead.created_at, lead.updated_at) == (NOW, NOW)


async def test_one_address_in_two_spellings_is_one_lead(database: Database) -> None:
    (first,) = await kept(database, ANN)
    (again,) = await kept(database, LeadDraft("file", Person(email="ann.lee@EXAMPLE.org")))

    assert again == Kept(first.id, created=False, changed=False)


async def test_one_name_at_one_source_is_one_lead_and_at_another_source_another(
    database: Database,
) -> None:
    first, other = await kept(
        database, LeadDraft("a", external_id="7"), LeadDraft("b", external_id="7")
    )
    (again,) = await kept(database, LeadDraft("a", Person(email="x@y.org"), external_id="7"))

    assert other.id != first.id
    assert again == Kept(first.id, created=False, changed=True)
    assert (await read(database, first)).person.email == "x@y.org"


async def test_two_drafts_of_a_person_in_one_batch_become_one_lead(database: Database) -> None:
    result = await kept(
        database,
        LeadDraft("f", Person("Ann", None, "a@x.org"), external_id="1"),
        LeadDraft("f", Person("Bob", None, "b@x.org")),
        LeadDraft("f", Person(None, "Lee", "A@x.org"), title="CEO"),
        LeadDraft("f", Person(phone="+14155550100"), external_id="1"),
    )

    assert [(each.created, each.changed) for each in result] == [
        (True, True),
        (True, True),
        (False, True),
        (False, True),
    ]
    assert result[0].id == result[2].id == result[3].id != result[1].id
    lead = await read(database, result[0])
    assert lead.person == Person("Ann", "Lee", "a@x.org", "+14155550100")
    assert (lead.title, lead.version) == ("CEO", 1)


async def test_merging_fills_what_is_empty_and_overwrites_nothing(database: Database) -> None:
    (ann,) = await kept(database, ANN)
    more = LeadDraft(
        "file",
        Person("Anna", "Li", "ann.lee@example.org", "+14155550100", {"hobby": "go", "tea": "yes"}),
        external_id="9",
        company="Other",
        industry="software",
        attributes={"visits": 9, "city": "Rome", "new": 1},
    )

    (merged,) = await kept(database, more, now=LATER)

    lead = await read(database, ann)
    assert merged == Kept(ann.id, created=False, changed=True)
    assert lead.person == Person(
        "Ann", "Lee", "Ann.Lee@Example.org", "+4930901820", {"hobby": "chess", "tea": "yes"}
    )
    assert (lead.company, lead.industry, lead.external_id) == ("Acme", "software", None)
    assert lead.attributes == {"visits": 3, "city": "Rome", "new": 1}
    assert (lead.version, lead.created_at, lead.updated_at) == (2, NOW, LATER)


async def test_the_newest_word_on_an_outcome_counts_and_silence_does_not(
    database: Database,
) -> None:
    told = (None, True, None, False)
    drafts = [LeadDraft("f", external_id="1", outcome=outcome) for outcome in told]

    outcomes = []
    for draft in drafts:
        (lead,) = await kept(database, draft)
        outcomes.append((await read(database, lead)).outcome)

    assert outcomes == [None, True, True, False]


async def test_importing_the_same_again_writes_nothing(database: Database) -> None:
    (ann,) = await kept(database, ANN)
    before = await fetch(database, "SELECT xmin, * FROM leads")

    assert await kept(database, ANN, now=LATER) == [Kept(ann.id, created=False, changed=False)]

    assert await fetch(database, "SELECT xmin, * FROM leads") == before


async def test_an_address_of_one_lead_is_not_given_to_another(database: Database) -> None:
    ann, named = await kept(database, ANN, LeadDraft("f", external_id="1"))

    (again,) = await kept(database, LeadDraft("f", ANN.person, external_id="1"))

    assert again.id == named.id != ann.id
    assert (await read(database, named)).person.email is None


async def test_people_without_address_and_name_are_never_merged(database: Database) -> None:
    result = await kept(database, *[LeadDraft("f", Person("Ann", "Lee", "not an address"))] * 2)

    assert all(each.created for each in result)
    assert (await read(database, result[1])).person.email == "not an address"


async def test_two_imports_of_the_same_people_at_once_make_each_of_them_once(
    database: Database,
) -> None:
    people = [
        LeadDraft("f", Person(str(n), None, f"p{n}@x.org"), external_id=str(n)) for n in range(300)
    ]
    more = [LeadDraft("f", Person(None, "Lee", f"P{n}@x.org")) for n in reversed(range(300))]

    results = await asyncio.gather(*(kept(database, *batch) for batch in (people, more, people)))

    assert len(await fetch(database, "SELECT FROM leads")) == 300
    assert sum(each.created for result in results for each in result) == 300
    assert len({each.id for result in results for each in result}) == 300
    lead = await read(database, results[0][7])
    assert (lead.person.first_name, lead.person.last_name) == ("7", "Lee")


async def test_a_person_made_by_another_meanwhile_is_merged(database: Database) -> None:
    async with database.transaction() as first:
        (made,) = await leads.keep(first, SEALER, [ANN], now=NOW)
        waiting = asyncio.create_task(
            kept(database, LeadDraft("f", Person(email="ann.lee@example.org"), industry="retail"))
        )
        await asyncio.sleep(0.2)
        assert not waiting.done()

    assert await waiting == [Kept(made.id, created=False, changed=True)]
    assert (await read(database, made)).industry == "retail"


async def test_an_address_that_another_takes_meanwhile_is_left_to_it(database: Database) -> None:
    (named,) = await kept(database, LeadDraft("f", external_id="1"))
    async with database.transaction() as first:
        (made,) = await leads.keep(first, SEALER, [ANN], now=NOW)
        waiting = asyncio.create_task(
            kept(database, LeadDraft("f", ANN.person, external_id="1"), now=LATER)
        )
        await asyncio.sleep(0.2)
        assert not waiting.done()

    assert (await waiting)[0].id == named.id
    lead = await read(database, named)
    assert (lead.person.email, lead.person.first_name) == (None, "Ann")
    assert (await read(database, made)).person == ANN.person


async def test_leads_of_a_batch_are_ordered_as_its_drafts(database: Database) -> None:
    result = await kept(database, *[LeadDraft("f", external_id=str(n)) for n in range(500)])

    ids = [each.id for each in result]
    assert ids == sorted(ids)
    assert new_ids(NOW, 3)[-1] < new_ids(NOW + timedelta(microseconds=250), 1)[0]


async def test_leads_of_one_domain_share_a_company(database: Database) -> None:
    await kept(database, ANN, LeadDraft("f", external_id="1", domain="acme.com"))
    await kept(database, LeadDraft("f", external_id="2", domain="acme.com", company="ACME Inc"))

    rows = await fetch(
        database, "SELECT c.name, l.id FROM leads l JOIN companies c ON c.id = l.company_id"
    )
    assert [row["name"] for row in rows] == ["Acme"] * 3


async def test_nothing_personal_leaves_the_database_in_clear(database: Database) -> None:
    (ann,) = await kept(database, ANN)
    await changed(database, ann, {"last_name": "Leeward", "notes": {"diet": "vegan"}})
    secrets = (b"ann", b"lee", b"example.org", b"4930901820", b"chess", b"vegan", b"hobby")

    dump = bytearray()

    async def collect(chunk: bytes) -> None:
        dump.extend(chunk)

    async with database.transaction() as db:
        connection = await driver(db)
        for table in ("leads", "companies", "lead_facts", "activities"):
            await connection.copy_from_query(f"SELECT * FROM {table}", output=collect)

    text = bytes(dump).lower()
    assert b"acme" in text
    hexed = [secret.hex().encode() for secret in secrets]
    assert [secret for secret in (*secrets, *hexed) if secret in text] == []


async def test_hostile_texts_are_kept_exactly_or_refused_by_name(
    database: Database, shared: Path
) -> None:
    texts = [*json.loads((shared / "corpora/blns/blns.json").read_text()), "a\x00b", "\ud800"]

    refused: list[tuple[str, int]] = []
    for number, text in enumerate(texts):
        draft = LeadDraft(
            "f",
            Person(text, text, notes={"n": text}),
            external_id=str(number),
            company=text,
            title=text,
            attributes={"a": text, text: 1},
        )
        try:
            (lead,) = await kept(database, draft)
        except UnstorableText as refusal:
            refused.append((text, refusal.row))
            continue
        found = await read(database, lead)
        assert (found.person, found.company, found.title) == (draft.person, text, text)
        assert found.attributes == draft.attributes

    assert refused == [("a\x00b", 0), ("\ud800", 0)]


@pytest.mark.parametrize(
    ("draft", "field", "problem"),
    [
        (LeadDraft("f", company="a\x00"), "company", "NUL"),
        (LeadDraft("f", attributes={"a": "\x00"}), "attributes", "NUL"),
        (LeadDraft("f", attributes={"\x00": 1}), "attributes", "NUL"),
        (LeadDraft("f", Person("\udc80")), "first_name", "surrogate"),
        (LeadDraft("f", external_id="x" * 501), "external_id", "501 characters"),
        (LeadDraft("f", attributes={"a": 2**70}), "attributes", "remove"),
    ],
)
async def test_what_cannot_be_stored_is_refused_before_anything_is_written(
    database: Database, draft: LeadDraft, field: str, problem: str
) -> None:
    with pytest.raises(UnstorableText, match=problem) as refusal:
        await kept(database, ANN, draft)

    assert (refusal.value.row, refusal.value.field) == (1, field)
    assert await fetch(database, "SELECT FROM leads") == []


async def test_a_sealed_field_may_hold_any_character(database: Database) -> None:
    (lead,) = await kept(database, LeadDraft("f", Person("a\x00b", notes={"n": "\x00"})))

    assert (await read(database, lead)).person == Person("a\x00b", notes={"n": "\x00"})


async def test_a_change_touches_only_what_it_names(database: Database) -> None:
    (ann,) = await kept(database, ANN)

    lead = await changed(
        database,
        ann,
        {"title": "CTO", "phone": None, "notes": {"hobby": None, "x": "y"}, "attributes": {"n": 1}},
        expected_version=1,
    )

    assert lead.person == Person("Ann", "Lee", "Ann.Lee@Example.org", None, {"x": "y"})
    assert (lead.title, lead.company) == ("CTO", "Acme")
    assert (lead.attributes["n"], lead.attributes["visits"]) == (1, 3)
    assert (lead.version, lead.updated_at) == (2, LATER)


async def test_a_change_that_changes_nothing_keeps_the_version(database: Database) -> None:
    (ann,) = await kept(database, ANN)

    assert (await changed(database, ann, {"company": "Acme", "notes": {}})).version == 1


async def test_a_stale_version_is_refused_with_the_current_one(database: Database) -> None:
    (ann,) = await kept(database, ANN)
    await changed(database, ann, {"title": "CTO"})

    with pytest.raises(VersionConflict) as conflict:
        await changed(database, ann, {"title": "CFO"}, expected_version=1)

    assert conflict.value.current == 2


async def test_of_two_changes_of_one_version_one_wins(database: Database) -> None:
    (ann,) = await kept(database, ANN)

    results = await asyncio.gather(
        *(changed(database, ann, {"title": t}, expected_version=1) for t in ("CTO", "CFO")),
        return_exceptions=True,
    )

    assert sorted(type(each).__name__ for each in results) == ["Lead", "VersionConflict"]


async def test_a_new_address_is_found_and_the_old_one_is_free(database: Database) -> None:
    (ann,) = await kept(database, ANN)
    await changed(database, ann, {"email": "new@x.org"})

    old, new = await kept(
        database,
        LeadDraft("f", Person(email="ann.lee@example.org")),
        LeadDraft("f", Person(email="NEW@x.org")),
    )

    assert old.created
    assert new.id == ann.id


async def test_an_address_or_name_of_another_lead_is_refused_naming_it(database: Database) -> None:
    ann, bob, eve = await kept(
        database, ANN, LeadDraft("f", external_id="1"), LeadDraft("f", external_id="2")
    )

    with pytest.raises(DuplicateLead) as by_email:
        await changed(database, bob, {"email": "ANN.LEE@example.org"})
    with pytest.raises(DuplicateLead, match="name at the source 'f'") as by_name:
        await changed(database, eve, {"external_id": "1"})

    assert by_email.value.existing == ann.id
    assert by_name.value.existing == bob.id


async def test_a_lead_moves_only_where_a_lead_may(database: Database) -> None:
    (ann,) = await kept(database, ANN)

    with pytest.raises(StatusError, match="cannot become converted"):
        await changed(database, ann, {"status": LeadStatus.CONVERTED})
    lead = await changed(database, ann, {"status": LeadStatus.DISQUALIFIED})

    assert lead.status is LeadStatus.DISQUALIFIED


async def test_a_removed_lead_is_gone_and_frees_its_names(database: Database) -> None:
    draft = LeadDraft("f", ANN.person, external_id="1")
    (first,) = await kept(database, draft)
    async with database.transaction() as db:
        await leads.remove(db, first.id, now=NOW)

    (second,) = await kept(database, draft)

    assert second.created
    with pytest.raises(LeadNotFound):
        await read(database, first)
    async with database.transaction() as db:
        with pytest.raises(LeadNotFound):
            await leads.remove(db, first.id, now=NOW)
        assert await leads.purge(db, before=NOW, limit=10) == 0
        assert await leads.purge(db, before=LATER, limit=10) == 1
    assert len(await fetch(database, "SELECT FROM leads")) == 1


async def test_enriching_fills_in_and_moves_new_leads_only_forward(database: Database) -> None:
    new, scored = await kept(database, ANN, LeadDraft("f", external_id="1", industry="own word"))
    async with database.transaction() as db:
        await leads.set_scores(db, [Scored(scored.id, 80, 0.9, "hot", ["big"])], now=NOW)
        found = [
            Enriched(new.id, country="DE"),
            Enriched(scored.id, industry="software", domain="new.com"),
            Enriched(leads.LeadId(uuid4()), country="GB"),
            Enriched(new.id, country="FR"),
        ]
        assert await leads.enrich(db, found, now=LATER) == 2
        assert await leads.enrich(db, found, now=LATER) == 0
        first, second = await leads.get_many(db, SEALER, [new.id, scored.id])

    assert (first.status, first.country, first.company) == (LeadStatus.ENRICHED, "FR", "Acme")
    assert (second.status, second.industry, second.domain) == (
        LeadStatus.SCORED,
        "software",
        "new.com",
    )
    assert (second.score, second.confidence, second.tier, second.tags) == (80, 0.9, "hot", ("big",))


async def test_scores_pull_no_lead_back(database: Database) -> None:
    (ann,) = await kept(database, ANN)
    async with database.transaction() as db:
        await leads.set_scores(db, [Scored(ann.id, 80, 0.9, "hot")], now=NOW)
    await changed(database, ann, {"status": LeadStatus.QUALIFIED})
    async with database.transaction() as db:
        assert await leads.set_scores(db, [Scored(ann.id, 10, 0.5, "cold")], now=LATER) == 1

    lead = await read(database, ann)
    assert (lead.status, lead.score, lead.scored_at) == (LeadStatus.QUALIFIED, 10, LATER)


async def test_many_are_read_in_the_order_asked_without_the_missing(database: Database) -> None:
    result = await kept(database, *[LeadDraft("f", external_id=str(n)) for n in range(3)])
    asked = [result[2].id, uuid4(), result[0].id]

    async with database.transaction() as db:
        found = await leads.get_many(db, SEALER, asked, lock=True)

    assert [lead.id for lead in found] == [result[2].id, result[0].id]


async def test_typed_tables_are_the_migrated_ones(database: Database) -> None:
    rows = await fetch(
        database,
        "SELECT table_name, column_name, is_nullable FROM information_schema.columns "
        "WHERE table_name = ANY($1::text[])",
        list(metadata.tables),
    )

    migrated = {(row[0], row[1], row[2] == "YES") for row in rows}
    typed = {
        (table.name, column.name, bool(column.nullable))
        for table in metadata.tables.values()
        for column in table.columns
    }
    assert typed == migrated
