"""Records bought: each is counted once, whoever races and whatever dies in between."""

import asyncio
from datetime import timedelta
from random import Random
from uuid import UUID

import pytest

from agents.errors import VendorError
from agents.governor import Closed
from agents.purchases import Capped, Intended, NotOpen, Purchases, Settled, Spent
from storage import ledger, vendor_records
from storage.database import Database
from tests.agents.buying_room import MICRO_PER_CREDIT, Shop, Source, intend
from tests.scripted import START

PAGES = [
    frozenset({"a", "b", "c"}),
    frozenset({"c", "d"}),
    frozenset(),
    frozenset({"a", "d", "e", "f"}),
]
EVERYWHERE = (
    "intent.before",
    "intent.after",
    "vendor.before",
    "vendor.after",
    "commit.before",
    "commit.after",
)
MINUTE = timedelta(minutes=1)


def shop(database: Database, **options: object) -> Shop:
    return Shop(database, Source(PAGES), **options)  # pyright: ignore[reportArgumentType]


async def granted(purchases: Purchases, database: Database, number: int = 0) -> Intended:
    async with database.transaction() as db:
        intended = await intend(purchases, db, number, START)
    assert isinstance(intended, Intended)
    return intended


async def settled(
    purchases: Purchases, database: Database, intended: Intended, *billed: str
) -> Spent:
    async with database.transaction() as db:
        return await purchases.settle(db, intended, billed, now=START)


async def test_pages_that_share_records_pay_for_each_once(database: Database) -> None:
    market = shop(database)
    await market.order([0, 1, 2, 3])

    await market.work()

    assert market.source.asked == [0, 1, 2, 3]
    await market.books_agree()


@pytest.mark.parametrize("place", EVERYWHERE)
@pytest.mark.parametrize("time", [1, 2, 4])
async def test_a_crash_anywhere_counts_every_record_once(
    database: Database, place: str, time: int
) -> None:
    market = shop(database)
    await market.order([0, 1, 2, 3])

    fleet = await market.work(f"{place}:crash:{time}")

    assert fleet.crashes == 1
    await market.books_agree()
    assert await market.states() == ["committed"] * 4


@pytest.mark.parametrize("seed", range(6))
async def test_repeated_crashes_and_lost_answers_count_every_record_once(
    database: Database, seed: int
) -> None:
    chance = Random(seed)
    market = shop(database)
    lost = VendorError("uplead", "no answer", retry_after=MINUTE, in_doubt=True)
    busy = VendorError("uplead", "busy", retry_after=MINUTE, throttled=True)
    market.source.failures = [chance.choice([None, lost, busy]) for _ in range(6)]
    await market.order([0, 1, 2, 3])

    points = chance.sample(EVERYWHERE, 4)
    fleet = await market.work(",".join(f"{p}:crash:{chance.randint(1, 3)}" for p in points))

    assert fleet.crashes >= 1
    await market.books_agree()


async def test_of_workers_that_race_for_the_last_credit_one_gets_it(database: Database) -> None:
    workers = [shop(database, credits_per_month=1).purchases() for _ in range(8)]

    async def race(purchases: Purchases, number: int) -> object:
        async with database.transaction() as db:
            return await intend(purchases, db, number, START, credits=1)

    told = await asyncio.gather(*(race(who, n) for n, who in enumerate(workers)))

    assert sum(isinstance(one, Intended) for one in told) == 1
    refused = [one for one in told if isinstance(one, Capped)]
    assert len(refused) == 7
    assert {one.account for one in refused} == {"credits:uplead:2026-11"}
    assert {one.until for one in refused} == {START.replace(month=12, day=1, hour=0)}


async def test_workers_that_get_the_same_records_at_once_pay_once(database: Database) -> None:
    workers = [shop(database).purchases() for _ in range(6)]
    records = [f"r{n}" for n in range(40)]
    intents = [await granted(who, database, n) for n, who in enumerate(workers)]

    async def buy(who: Purchases, intended: Intended) -> Spent:
        mixed = Random(intended.entry_id.int).sample(records, 30)
        return await settled(who, database, intended, *mixed)

    spent = await asyncio.gather(*map(buy, workers, intents))

    new = [record for one in spent for record in one.new_records]
    assert len(new) == len(set(new)) == sum(one.credits for one in spent)
    accounts = await shop(database).accounts()
    assert accounts["credits:uplead:2026-11"] == (0, len(new))
    assert accounts["usd:vendors:2026-11-24"] == (0, len(new) * MICRO_PER_CREDIT)


async def test_the_days_cap_is_shared_by_all_lead_vendors_and_ends_at_midnight(
    database: Database,
) -> None:
    purchases = shop(database, usd_per_day=2.0).purchases()
    async with database.transaction() as db:
        capped = await intend(purchases, db, 0, START, credits=4)

    assert capped == Capped("usd:vendors:2026-11-24", START.replace(day=25, hour=0))
    async with database.transaction() as db:
        assert isinstance(await intend(purchases, db, 0, START, credits=3), Intended)


async def test_a_searchs_budget_caps_it_for_good(database: Database) -> None:
    purchases = shop(database).purchases()

    async def ask(number: int) -> object:
        async with database.transaction() as db:
            return await purchases.intend(
                db,
                entry_id=UUID(int=number),
                credits=2,
                purpose="search",
                reference=None,
                now=START,
                search=("usd:search:x", 3 * MICRO_PER_CREDIT),
            )

    first = await ask(1)
    assert isinstance(first, Intended)
    assert await ask(2) == Capped("usd:search:x", None)
    assert (await settled(purchases, database, first, "a")).usd_micro == MICRO_PER_CREDIT
    assert isinstance(await ask(2), Intended)
    accounts = await shop(database).accounts()
    assert accounts["usd:search:x"] == (2 * MICRO_PER_CREDIT, MICRO_PER_CREDIT)


async def test_a_hold_that_expired_is_granted_again_and_settled_once(database: Database) -> None:
    market = shop(database)
    await granted(market.purchases(), database)
    async with database.transaction() as db:
        assert await ledger.expire(db, now=START + timedelta(hours=2)) == 1
    assert await market.states() == ["unknown"]

    again = await granted(market.purchases(), database)

    assert again.repeated
    assert await market.states() == ["held"]
    spent = await settled(market.purchases(), database, again, "a", "b")
    assert (spent.credits, spent.usd_micro) == (2, 2 * MICRO_PER_CREDIT)
    accounts = await market.accounts()
    assert accounts["credits:uplead:2026-11"] == (0, 2)


async def test_what_is_settled_already_says_so_and_is_not_bought_again(database: Database) -> None:
    purchases = shop(database).purchases()
    intended = await granted(purchases, database)
    await settled(purchases, database, intended, "a", "b")

    async with database.transaction() as db:
        told = await intend(purchases, db, 0, START)

    assert told == Settled(Spent(2, 2 * MICRO_PER_CREDIT, frozenset({"a", "b"})))


async def test_a_hold_of_yesterday_is_settled_in_yesterdays_account(database: Database) -> None:
    market = shop(database)
    await granted(market.purchases(), database)
    tomorrow = START + timedelta(days=1)
    async with database.transaction() as db:
        again = await intend(market.purchases(), db, 0, tomorrow)
        await market.purchases().settle(db, again, ["a"], now=tomorrow)

    accounts = await market.accounts()
    assert accounts["usd:vendors:2026-11-24"] == (0, MICRO_PER_CREDIT)
    assert accounts["usd:vendors:2026-11-25"] == (0, 0)


async def test_what_surely_bought_nothing_is_given_back(database: Database) -> None:
    market = shop(database)
    intended = await granted(market.purchases(), database)
    async with database.transaction() as db:
        await market.purchases().release(db, intended, now=START)

    assert set((await market.accounts()).values()) == {(0, 0)}
    assert not (await granted(market.purchases(), database)).repeated


async def test_what_may_have_been_billed_by_an_earlier_try_stays_held(database: Database) -> None:
    market = shop(database)
    await granted(market.purchases(), database)
    again = await granted(market.purchases(), database)
    async with database.transaction() as db:
        await market.purchases().release(db, again, now=START)

    assert await market.states() == ["held"]


async def test_what_was_given_back_meanwhile_cannot_be_settled_and_nothing_is_written(
    database: Database,
) -> None:
    market = shop(database)
    intended = await granted(market.purchases(), database)
    async with database.transaction() as db:
        await ledger.release(db, [intended.entry_id], now=START)

    with pytest.raises(NotOpen, match="intend it afresh"):
        await settled(market.purchases(), database, intended, "a")

    async with database.transaction() as db:
        assert await vendor_records.owned(db, "uplead", ["a"]) == set()
    assert (await settled(market.purchases(), database, intended)).credits == 0


async def test_a_vendor_that_is_away_reserves_nothing(database: Database) -> None:
    market = shop(database)
    away = VendorError("uplead", "status 503", retry_after=MINUTE)
    for _ in range(5):
        with pytest.raises(VendorError):
            async with market.purchases().calling("page"):
                raise away

    async with database.transaction() as db:
        closed = await intend(market.purchases(), db, 0, START)

    assert isinstance(closed, Closed)
    assert closed.until >= START + MINUTE
    assert await market.states() == []


async def test_an_account_without_credit_stops_what_is_bought_but_not_what_is_free(
    database: Database,
) -> None:
    market = shop(database)
    broke = VendorError("uplead", "no credit", retry_after=MINUTE, out_of_credit=True)
    with pytest.raises(VendorError):
        async with market.purchases().calling("page"):
            raise broke

    async with database.transaction() as db:
        assert await intend(market.purchases(), db, 0, START) == Closed(START + MINUTE)
    assert not isinstance(await market.governor().enter(START), Closed)
    async with database.transaction() as db:
        told = await intend(market.purchases(), db, 0, START + MINUTE)
    assert isinstance(told, Intended)


async def test_two_purchases_in_one_transaction_never_wait_in_a_ring(database: Database) -> None:
    """Were records kept before the ledger is reached, these would: PostgreSQL would end one."""
    purchases = shop(database).purchases()
    ones = [await granted(purchases, database, n) for n in range(3)]
    others = [await granted(purchases, database, 10 + n) for n in range(3)]
    together = asyncio.Barrier(3)

    async def buy(number: int, first: str, second: str) -> None:
        async with database.transaction() as db:
            await together.wait()
            await purchases.settle(db, ones[number], [first], now=START)
            await asyncio.sleep(0.1)
            await purchases.settle(db, others[number], [second], now=START)

    async with asyncio.timeout(20):
        await asyncio.gather(buy(0, "a", "b"), buy(1, "b", "c"), buy(2, "c", "a"))

    assert (await shop(database).accounts())["credits:uplead:2026-11"] == (0, 3)
