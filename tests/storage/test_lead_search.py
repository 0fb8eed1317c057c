import os
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from policies.lead import Lead, LeadDraft, LeadId, LeadStatus, Person
from storage import lead_search, lead_ways, leads, scoring
from storage.database import Database, driver
from storage.lead_bounds import Bounds
from storage.lead_conditions import Conditions
from storage.lead_search import LeadFilter, Sort
from storage.lead_ways import FEW, Order
from storage.leads import Scored
from storage.sealing import Sealer

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
SEALER = Sealer({1: os.urandom(32)}, 1, os.urandom(32))
PEOPLE = [
    LeadDraft(
        "web",
        Person("Anne-Marie", "O'Brien", "anne@acme.com", "+4930901820"),
        company="Acme Systems",
        title="Head of Sales",
        industry="software",
        country="DE",
        outcome=True,
    ),
    LeadDraft(
        "file",
        Person("Jörg", "Weiß", "joerg@labs.org"),
        company="Smith Labs",
        title="CEO",
        country="DE",
    ),
    LeadDraft("file", Person("Jane", "Smith"), company="Foods & Co", title="Buyer", country="FR"),
    LeadDraft("file", Person("Li", "王"), external_id="4", country="CN"),
]


async def kept(database: Database, drafts: Sequence[LeadDraft]) -> list[LeadId]:
    """Keep leads, each a minute after the one before."""
    ids: list[LeadId] = []
    async with database.transaction() as db:
        for number, draft in enumerate(drafts):
            at = NOW + timedelta(minutes=number)
            ids.append((await leads.keep(db, SEALER, [draft], now=at))[0].id)
    return ids


async def walked(
    database: Database, wanted: LeadFilter, sort: Sort = Sort.NEWEST, limit: int = 2
) -> list[Lead]:
    """Read every page."""
    found: list[Lead] = []
    after = None
    async with database.reading() as db:
        while True:
            page = await lead_search.page(db, SEALER, wanted, sort, after=after, limit=limit)
            found += page.items
            assert len(page.items) == limit or page.next is None
            if page.next is None:
                return found
            after = page.next


async def names(database: Database, wanted: LeadFilter) -> list[str | None]:
    return [lead.person.first_name for lead in await walked(database, wanted)]


async def test_pages_hold_every_lead_once_the_newest_first(database: Database) -> None:
    ids = await kept(database, PEOPLE)

    for limit in (1, 2, 3, 4, 5):
        found = await walked(database, LeadFilter(), limit=limit)
        assert [lead.id for lead in found] == ids[::-1]


async def test_the_best_come_first_and_the_unscored_last(database: Database) -> None:
    ids = await kept(database, [LeadDraft("f", external_id=str(n)) for n in range(9)])
    scores = {0: 10, 2: 90, 3: 0, 5: 90, 8: 100}
    async with database.transaction() as db:
        rows = [Scored(ids[n], score, 0.5, "warm") for n, score in scores.items()]
        await leads.set_scores(db, rows, now=NOW)

    found = await walked(database, LeadFilter(), Sort.BEST)

    assert [ids.index(lead.id) for lead in found] == [8, 5, 2, 0, 3, 7, 6, 4, 1]


async def test_a_lead_that_comes_meanwhile_neither_shifts_nor_repeats_pages(
    database: Database,
) -> None:
    ids = await kept(database, PEOPLE)
    async with database.transaction() as db:
        first = await lead_search.page(db, SEALER, LeadFilter(), limit=2)
        await leads.keep(db, SEALER, [LeadDraft("new")], now=NOW + timedelta(days=1))
        rest = await lead_search.page(db, SEALER, LeadFilter(), after=first.next, limit=2)

    assert [lead.id for lead in (*first.items, *rest.items)] == ids[::-1]
    assert rest.next is None


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (LeadFilter(source="file"), ["Li", "Jane", "Jörg"]),
        (LeadFilter(country="DE"), ["Jörg", "Anne-Marie"]),
        (LeadFilter(country="DE", source="web"), ["Anne-Marie"]),
        (LeadFilter(industry="software"), ["Anne-Marie"]),
        (LeadFilter(outcome=True), ["Anne-Marie"]),
        (LeadFilter(outcome=False), []),
        (LeadFilter(status=LeadStatus.NEW, source="file"), ["Li", "Jane"]),
        (LeadFilter(status=LeadStatus.SCORED), ["Jörg", "Anne-Marie"]),
        (LeadFilter(tier="hot"), ["Anne-Marie"]),
        (LeadFilter(tag="big"), ["Jörg", "Anne-Marie"]),
        (LeadFilter(tag="urgent"), ["Anne-Marie"]),
        (LeadFilter(min_score=40), ["Jörg", "Anne-Marie"]),
        (LeadFilter(min_score=0, max_score=40), ["Jörg"]),
        (LeadFilter(max_score=39), []),
        (LeadFilter(email="ANNE@Acme.COM"), ["Anne-Marie"]),
        (LeadFilter(email="no address"), []),
        (LeadFilter(phone="+4930901820"), ["Anne-Marie"]),
        (LeadFilter(phone="+4930901821"), []),
        (LeadFilter(q="ann"), ["Anne-Marie"]),
        (LeadFilter(q="MARIE obrien"), ["Anne-Marie"]),
        (LeadFilter(q="weiss"), ["Jörg"]),
        (LeadFilter(q="smith"), ["Jane", "Jörg"]),
        (LeadFilter(q="smi jane"), ["Jane"]),
        (LeadFilter(q="jane foods"), ["Jane"]),
        (LeadFilter(q="sales acme"), ["Anne-Marie"]),
        (LeadFilter(q="王"), ["Li"]),
        (LeadFilter(q="jane acme"), []),
        (LeadFilter(q="smith", source="web"), []),
        (LeadFilter(q="100%"), []),
        (LeadFilter(q="j"), []),
        (LeadFilter(q="' OR 1=1 --"), []),
        (LeadFilter(q="  "), ["Li", "Jane", "Jörg", "Anne-Marie"]),
    ],
)
async def test_a_filter_finds_what_it_says(
    database: Database, wanted: LeadFilter, found: list[str]
) -> None:
    anne, joerg, *_ = await kept(database, PEOPLE)
    async with database.transaction() as db:
        scored = [
            Scored(anne, 80, 0.9, "hot", ["big", "urgent"]),
            Scored(joerg, 40, 0.9, "warm", ["big"]),
        ]
        await leads.set_scores(db, scored, now=NOW)

    assert await names(database, wanted) == found
    async with database.reading() as db:
        assert await lead_search.count_up_to(db, SEALER, wanted, most=100) == len(found)
        assert len(await lead_search.ids(db, SEALER, wanted, limit=100)) == len(found)


async def test_what_was_renamed_is_found_by_its_new_name_alone(database: Database) -> None:
    anne, *_ = await kept(database, PEOPLE)
    async with database.transaction() as db:
        await leads.update(
            db,
            SEALER,
            anne,
            {"last_name": "Meyer", "company": "Zeta"},
            expected_version=None,
            now=NOW,
        )
        await leads.keep(
            db, SEALER, [LeadDraft("file", external_id="4", company="Orient")], now=NOW
        )

    assert await names(database, LeadFilter(q="anne meyer zeta")) == ["Anne-Marie"]
    assert await names(database, LeadFilter(q="obrien")) == []
    assert await names(database, LeadFilter(q="acme")) == []
    assert await names(database, LeadFilter(q="li orient")) == ["Li"]


async def test_removed_leads_are_found_by_nothing(database: Database) -> None:
    anne, *_ = await kept(database, PEOPLE)
    async with database.transaction() as db:
        await leads.remove(db, anne, now=NOW)

    for wanted in (
        LeadFilter(q="anne"),
        LeadFilter(email="anne@acme.com"),
        LeadFilter(outcome=True),
    ):
        assert await names(database, wanted) == []


async def test_a_company_of_a_persons_name_does_not_tell_the_token_of_the_name() -> None:
    as_name = set(SEALER.search_tokens("Smith", None, "", ""))
    as_company = set(SEALER.search_tokens(None, None, "Smith", ""))

    assert as_name
    assert as_company
    assert as_name.isdisjoint(as_company)


async def test_who_was_not_scored_by_an_algorithm_is_behind_it(database: Database) -> None:
    ids = await kept(database, [LeadDraft("f", external_id=str(n)) for n in range(3)])
    later = NOW + timedelta(hours=1)
    async with database.transaction() as db:
        old, new = [
            await scoring.create(
                db, name="a", definition={"kind": "template"}, ready=True, created_by="t", now=NOW
            )
            for _ in range(2)
        ]
        for lead_id, algorithm, at in (
            (ids[0], old, NOW),
            (ids[1], old, NOW),
            (ids[1], new, later),
        ):
            result = scoring.ScoringResult(
                lead_id, algorithm.id, 50, 0.5, 0.5, 40, 60, "warm", (), {}, at
            )
            await scoring.keep_results(db, [result])
            await leads.set_scores(db, [Scored(lead_id, 50, 0.5, "warm")], now=at)
        behind_new = await lead_search.ids(db, SEALER, LeadFilter(algorithm_behind=new.id), limit=9)
        behind_old = await lead_search.ids(db, SEALER, LeadFilter(algorithm_behind=old.id), limit=9)

    assert behind_new == [ids[0], ids[2]]
    assert behind_old == [ids[1], ids[2]]


async def test_ids_come_in_batches_without_gap(database: Database) -> None:
    ids = await kept(database, [LeadDraft("f", external_id=str(n)) for n in range(7)])
    found: list[LeadId] = []
    async with database.reading() as db:
        while batch := await lead_search.ids(
            db, SEALER, LeadFilter(source="f"), after=found[-1] if found else None, limit=3
        ):
            found += batch
        assert await lead_search.count_up_to(db, SEALER, LeadFilter(source="f"), most=5) == 5

    assert found == ids


async def each_way(database: Database, word: str, sort: Sort) -> list[list[LeadId]]:
    """Find a page in each of the three ways, whichever would be chosen."""
    conditions = Conditions()
    conditions.words = SEALER.search_query(word)
    order = Order(lead_ways.NEWEST if sort is Sort.NEWEST else lead_ways.BEST, None, 20)
    async with database.reading() as db:
        connection = await driver(db)
        found = [
            await lead_ways._read_on(connection, conditions, order),
            await lead_ways._look_up(connection, conditions, order),
            await lead_ways._look_up_within(connection, conditions, order, 20_000, Bounds()),
        ]
    return [[row["id"] for row in rows] for rows in found]


@pytest.mark.slow
async def test_common_rare_and_middling_words_are_all_found_in_order(database: Database) -> None:
    """Many leads, so that each of the three ways is taken; each must find the very same."""
    chance, size = random.Random(1), 30_000
    shares = {"common": 0.3, "middling": 0.03, "rare": 0.002}
    assert size * shares["middling"] > FEW > size * shares["rare"] > 40
    companies = [
        " ".join(word for word, share in shares.items() if chance.random() < share) or "other"
        for _ in range(size)
    ]
    async with database.transaction() as db:
        ids: list[LeadId] = []
        for start in range(0, size, 5_000):
            batch = [
                LeadDraft("f", external_id=str(start + n), company=company)
                for n, company in enumerate(companies[start : start + 5_000])
            ]
            ids += [lead.id for lead in await leads.keep(db, SEALER, batch, now=NOW)]
        rows = [Scored(each, chance.randrange(101), 0.5, "warm") for each in ids]
        await leads.set_scores(db, rows, now=NOW)
        scores = {row.lead_id: row.score for row in rows}
        await (await driver(db)).execute("ANALYZE leads")

    for word in ("common", "middling", "rare", "middling common"):
        having = [
            each
            for each, company in zip(ids, companies, strict=True)
            if set(word.split()) <= set(company.split())
        ]
        best = sorted(having, key=lambda each: (scores[each], each), reverse=True)
        for sort, order in ((Sort.NEWEST, having[::-1]), (Sort.BEST, best)):
            found: list[LeadId] = []
            after = None
            async with database.reading() as db:
                for _ in range(4):
                    page = await lead_search.page(
                        db, SEALER, LeadFilter(q=word), sort, after=after, limit=10
                    )
                    found += [lead.id for lead in page.items]
                    if (after := page.next) is None:
                        break
            assert found == order[: len(found)], (word, sort)
            assert len(found) == min(40, len(order))
            assert await each_way(database, word, sort) == [order[:20]] * 3
