import os
from datetime import UTC, datetime, timedelta
from time import perf_counter

import pytest

from policies.features import columns_of
from policies.lead import Fact, LeadDraft, LeadId, Person
from policies.lead_features import lead_features
from storage import facts, leads, training_set
from storage.database import Database
from storage.leads import Enriched
from storage.sealing import Sealer

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
SEALER = Sealer({1: os.urandom(32)}, 1, os.urandom(32))


def draft(number: int) -> LeadDraft:
    person = Person(email=f"p{number}@x.org" if number % 2 else None)
    attributes = {"visits": number} if number % 3 else {"city": None if number % 2 else "Rome"}
    return LeadDraft(
        "f" if number % 5 else "g",
        person,
        external_id=str(number),
        title="CEO",
        attributes=attributes,
        outcome=(None, True, False)[number % 3],
    )


async def filled(database: Database, size: int = 30) -> list[LeadId]:
    async with database.transaction() as db:
        kept = await leads.keep(db, SEALER, [draft(n) for n in range(size)], now=NOW)
        ids = [each.id for each in kept]
        told = [
            Fact("seniority", "title", "c_level", 0.9, NOW),
            Fact("seniority", "vendor", "owner", 0.9, NOW + timedelta(days=1)),
            Fact("seniority", "guess", "junior", 0.2, NOW + timedelta(days=2)),
            Fact("domain", "email", "x.org", 1.0, NOW),
        ]
        await facts.keep(db, {each: told for each in ids[::4]})
        await leads.enrich(db, [Enriched(each, country="DE") for each in ids[::4]], now=NOW)
    return ids


async def test_columns_are_the_features_that_scoring_sees(database: Database) -> None:
    ids = await filled(database)
    async with database.transaction() as db:
        kept = await leads.get_many(db, SEALER, ids)
        told = await facts.of(db, ids)
    wanted = columns_of([lead_features(lead, told[lead.id]) for lead in kept])

    rows = await training_set.read(database)

    assert {name: list(column) for name, column in wanted.values.items()} == rows.values
    assert wanted.not_fetched.keys() == rows.not_fetched.keys()
    for name, mask in wanted.not_fetched.items():
        assert list(mask) == list(rows.not_fetched[name]), name
    assert rows.values["seniority"][0] == "owner"


async def test_rows_come_in_the_order_of_the_file(database: Database) -> None:
    ids = await filled(database)

    rows = await training_set.read(database)

    assert rows.ids == ids
    assert rows.outcomes == [(None, True, False)[n % 3] for n in range(30)]
    assert len(rows) == len(rows.columns) == 30


async def test_one_source_or_the_newest_alone_can_be_read(database: Database) -> None:
    ids = await filled(database)

    of_source = await training_set.read(database, source="g")
    newest = await training_set.read(database, newest=5)
    known = await training_set.read(database, only_known=True)

    assert of_source.ids == ids[::5]
    assert newest.ids == ids[-5:]
    assert len(known) == 20
    assert None not in known.outcomes


async def test_no_leads_are_no_rows(database: Database) -> None:
    rows = await training_set.read(database)

    assert (len(rows), rows.values, rows.not_fetched) == (0, {}, {})


@pytest.mark.slow
async def test_tens_of_thousands_of_rows_are_read_in_seconds(database: Database) -> None:
    attributes = {f"column {n}": ("yes", "no", "unknown")[n % 3] for n in range(12)}
    async with database.transaction() as db:
        for start in range(0, 20_000, 2_000):
            batch = [
                LeadDraft("f", external_id=str(n), attributes=attributes | {"n": n}, outcome=True)
                for n in range(start, start + 2_000)
            ]
            await leads.keep(db, SEALER, batch, now=NOW)

    start = perf_counter()
    rows = await training_set.read(database)
    seconds = perf_counter() - start

    assert len(rows) == 20_000
    assert rows.values["n"] == [*range(20_000)]
    assert seconds < 10
