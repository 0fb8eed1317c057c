import os
from datetime import UTC, datetime, timedelta

import pytest

from policies.lead import LeadDraft, LeadId
from storage import lead_search, lead_ways, leads
from storage.database import Database, driver
from storage.lead_bounds import Bounds
from storage.lead_conditions import Conditions
from storage.lead_search import LeadFilter, Sort
from storage.lead_ways import BEST, NEWEST, Order, Place
from storage.leads import Scored
from storage.sealing import Sealer

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
SEALER = Sealer({1: os.urandom(32)}, 1, os.urandom(32))
PLACES = {Sort.NEWEST: NEWEST, Sort.BEST: BEST}
LIMIT = 5


async def added(database: Database, count: int, *, start: int = 0) -> list[LeadId]:
    """Keep leads, three a minute, every second one of Acme; score all but each seventh."""
    ids: list[LeadId] = []
    async with database.transaction() as db:
        for number in range(start, start + count):
            company = "Acme" if number % 2 else "Other"
            draft = LeadDraft("f", external_id=str(number), company=company)
            at = NOW + timedelta(minutes=number // 3)
            ids.append((await leads.keep(db, SEALER, [draft], now=at))[0].id)
        rows = [
            Scored(each, number * 37 % 11, 0.5, "warm")
            for number, each in enumerate(ids)
            if number % 7
        ]
        await leads.set_scores(db, rows, now=NOW)
    return ids


async def plain(database: Database, sort: Sort) -> list[LeadId]:
    """Find all of Acme by an ordered filter without a window."""
    query = (
        "SELECT id FROM leads WHERE deleted_at IS NULL AND company = 'Acme' "
        f"ORDER BY {PLACES[sort].value} DESC, id DESC"
    )
    async with database.reading() as db:
        return [LeadId(row["id"]) for row in await (await driver(db)).fetch(query)]


async def within(
    database: Database, bounds: Bounds, sort: Sort, window: int, after: LeadId | None = None
) -> list[LeadId]:
    """Look Acme up within a window of the list, that after a lead if one is given."""
    place = PLACES[sort]
    async with database.reading() as db:
        connection = await driver(db)
        conditions, cursor = Conditions(), None
        conditions.words = SEALER.search_query("acme")
        if after is not None:
            row = await connection.fetchrow(
                f"SELECT {place.value}, id FROM leads WHERE id = $1", after
            )
            assert row is not None
            cursor = (row[0], row[1])
            conditions.add(f"({place.value}, id) < ($, $)", *cursor)
        order = Order(place, cursor, LIMIT)
        rows = await lead_ways._look_up_within(connection, conditions, order, window, bounds)
    return [LeadId(row["id"]) for row in rows]


@pytest.mark.parametrize("sort", Sort)
async def test_what_a_window_holds_is_where_the_list_begins(database: Database, sort: Sort) -> None:
    await added(database, 60)
    bounds, first = Bounds(), await plain(database, sort)

    for window in (1, 3, 5, 8, 16, 20, 32, 45):
        found = await within(database, bounds, sort, window)
        assert found == first[: len(found)]
        assert len(found) >= min(window // 3, LIMIT)
        later = await within(database, bounds, sort, window, first[3])
        assert later == first[4 : 4 + len(later)]


@pytest.mark.parametrize("sort", Sort)
async def test_a_place_that_is_no_longer_true_costs_no_lead(database: Database, sort: Sort) -> None:
    ids = await added(database, 40)
    bounds = Bounds()
    assert len(await within(database, bounds, sort, 16)) == LIMIT

    await added(database, 40, start=40)
    more = await plain(database, sort)
    assert await within(database, bounds, sort, 16) == more[:LIMIT]

    async with database.transaction() as db:
        for each in set(more) - set(ids[:6]):
            await leads.remove(db, each, now=NOW)
        await leads.set_scores(db, [Scored(each, 0, 0.5, "cold") for each in ids[:6]], now=NOW)
    few = await plain(database, sort)
    assert len(few) == 3
    found = await within(database, bounds, sort, 16)
    assert found == few[: len(found)]
    async with database.reading() as db:
        page = await lead_search.page(db, SEALER, LeadFilter(q="acme"), sort, bounds=bounds)
    assert [lead.id for lead in page.items] == few


async def bound(database: Database, bounds: Bounds, place: Place, window: int) -> LeadId | None:
    async with database.reading() as db:
        row = await bounds.after(await driver(db), place.value, window)
    return LeadId(row["id"]) if row else None


async def test_places_are_remembered_for_their_time_and_apart_by_order_and_width(
    database: Database,
) -> None:
    ids = await added(database, 40)
    brief, bounds = Bounds(lifetime=0), Bounds()
    assert await bound(database, bounds, NEWEST, 8) == ids[-9]
    assert await bound(database, bounds, NEWEST, 9) == ids[-12]
    assert await bound(database, bounds, BEST, 8) not in (ids[-9], None)
    assert await bound(database, bounds, NEWEST, 50) is None
    assert await bound(database, brief, NEWEST, 8) == ids[-9]

    newer = await added(database, 40, start=40)

    assert await bound(database, bounds, NEWEST, 8) == ids[-9]
    assert await bound(database, brief, NEWEST, 8) == newer[-9]
