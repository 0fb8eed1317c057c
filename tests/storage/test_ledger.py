"""The ledger: never over the limit, whoever races; and what a crash leaves behind stays held."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from storage import invariants, ledger
from storage.database import Database, PoolOptions
from storage.ledger import Account, AccountState, Entry

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SOON = NOW + timedelta(minutes=2)
USD, TOKENS = "usd:openai:2026-11-24", "tokens:openai:2026-11-24"


async def opened(database: Database, usd: int | None = 100, tokens: int | None = 1000) -> None:
    async with database.transaction() as db:
        accounts = [Account(USD, "usd_micro", usd), Account(TOKENS, "tokens", tokens)]
        await ledger.open_accounts(db, accounts)


async def reserve(database: Database, *entries: Entry) -> set[UUID]:
    async with database.transaction() as db:
        return await ledger.reserve(
            db, [USD, TOKENS], entries, vendor="openai", purpose="rubric", expires_at=SOON, now=NOW
        )


async def state(database: Database, account: str = USD) -> AccountState:
    async with database.transaction() as db:
        (found,) = await ledger.accounts(db, account)
    return found


async def settle(database: Database, entry: Entry, *cost: int) -> int:
    async with database.transaction() as db:
        return await ledger.settle(db, {entry.id: cost}, now=NOW)


async def release(database: Database, *entries: Entry) -> int:
    async with database.transaction() as db:
        return await ledger.release(db, [entry.id for entry in entries], now=NOW)


def entry(*amounts: int, reference: UUID | None = None) -> Entry:
    return Entry(uuid4(), amounts, reference)


async def booked(database: Database) -> tuple[int, int]:
    found = await state(database)
    return found.held, found.spent


async def test_what_is_reserved_is_held_then_spent_at_what_it_really_cost(
    database: Database,
) -> None:
    await opened(database)
    call = entry(40, 400)
    assert await reserve(database, call) == {call.id}
    assert await booked(database) == (40, 0)

    assert await settle(database, call, 25, 210) == 1

    assert await booked(database) == (0, 25)
    tokens = await state(database, TOKENS)
    assert (tokens.held, tokens.spent, tokens.left) == (0, 210, 790)


async def test_what_is_released_is_free_again(database: Database) -> None:
    await opened(database)
    call = entry(100, 1000)
    await reserve(database, call)
    assert await reserve(database, entry(1, 1)) == set()

    assert await release(database, call) == 1

    assert await booked(database) == (0, 0)
    assert len(await reserve(database, entry(100, 1000))) == 1


async def test_as_many_in_order_are_granted_as_every_account_allows(database: Database) -> None:
    await opened(database, usd=100, tokens=50)
    calls = [entry(10, 20) for _ in range(5)]

    assert await reserve(database, *calls) == {call.id for call in calls[:2]}
    assert await booked(database) == (20, 0)


async def test_an_account_without_limit_only_counts(database: Database) -> None:
    await opened(database, usd=None, tokens=None)
    assert len(await reserve(database, *(entry(10**12, 10**12) for _ in range(3)))) == 3
    assert (await state(database)).left is None


async def test_a_reservation_repeated_is_granted_again_and_counted_once(
    database: Database,
) -> None:
    await opened(database)
    call = entry(60, 0)
    assert await reserve(database, call) == await reserve(database, call) == {call.id}
    assert await booked(database) == (60, 0)


async def test_a_released_reservation_may_be_made_again_but_needs_room(
    database: Database,
) -> None:
    await opened(database)
    call, other = entry(60, 0), entry(50, 0)
    await reserve(database, call)
    await release(database, call)
    await reserve(database, other)
    assert await reserve(database, call) == set()
    await release(database, other)
    assert await reserve(database, call) == {call.id}
    assert await booked(database) == (60, 0)


async def test_what_was_paid_for_is_never_reserved_again(database: Database) -> None:
    await opened(database)
    call = entry(10, 10)
    await reserve(database, call)
    await settle(database, call, 10, 10)

    with pytest.raises(asyncpg.PostgresError, match="already settled"):
        await reserve(database, call)


async def test_settling_or_releasing_twice_counts_once(database: Database) -> None:
    await opened(database)
    call = entry(10, 10)
    await reserve(database, call)
    assert [await settle(database, call, 7, 7), await settle(database, call, 9, 9)] == [1, 0]
    assert await release(database, call) == 0
    assert await booked(database) == (0, 7)


@pytest.fixture
async def wide(database: Database) -> AsyncGenerator[Database, None]:
    """The same database with as many connections as there are racers."""
    wide = Database(database.url, options=PoolOptions(size=8))
    yield wide
    await wide.close()


async def test_many_who_race_for_the_last_units_overshoot_by_nothing(wide: Database) -> None:
    database = wide
    await opened(database, usd=101, tokens=None)

    async def racer(chance: int) -> list[Entry]:
        mine: list[Entry] = []
        for turn in range(12):
            calls = [entry(1 + (chance + turn) % 3, 1) for _ in range(2)]
            granted = await reserve(database, *calls)
            mine += [call for call in calls if call.id in granted]
        return mine

    won = [call for calls in await asyncio.gather(*map(racer, range(8))) for call in calls]
    held = sum(call.amounts[0] for call in won)
    assert await booked(database) == (held, 0)
    assert 99 <= held <= 101

    await asyncio.gather(*(settle(database, call, call.amounts[0], 1) for call in won[::2]))
    await asyncio.gather(*(release(database, call) for call in won[1::2]))
    assert await booked(database) == (0, sum(call.amounts[0] for call in won[::2]))
    async with database.transaction() as db:
        assert await invariants.run(db) == []


async def test_accounts_named_in_another_order_do_not_deadlock(database: Database) -> None:
    await opened(database, None, None)

    async def both(accounts: Sequence[str]) -> None:
        for _ in range(10):
            async with database.transaction() as db:
                await ledger.reserve(
                    db, accounts, [entry(1, 1)], vendor="v", purpose="p", expires_at=SOON, now=NOW
                )

    await asyncio.gather(both([USD, TOKENS]), both([TOKENS, USD]))
    assert await booked(database) == (20, 0)


async def test_what_takes_too_long_is_unknown_and_stays_held(database: Database) -> None:
    await opened(database)
    lead = uuid4()
    call = entry(30, 300, reference=lead)
    await reserve(database, call)
    async with database.transaction() as db:
        assert await ledger.expire(db, now=SOON) == 0
        assert await ledger.expire(db, now=SOON + timedelta(seconds=1)) == 1
        (found,) = await ledger.open_entries(db, [lead])
        assert await ledger.unknown_entries(db, "openai") == [found]
        assert await ledger.unknown_entries(db, "other") == []

    assert (found.id, found.state, found.amounts) == (call.id, "unknown", {USD: 30, TOKENS: 300})
    assert await booked(database) == (30, 0)
    assert await settle(database, call, 30, 300) == 1


async def test_interrupted_calls_are_found_by_their_lead_until_they_are_closed(
    database: Database,
) -> None:
    await opened(database)
    leads = [uuid4() for _ in range(3)]
    calls = [entry(1, 1, reference=lead) for lead in leads]
    await reserve(database, *calls)
    await settle(database, calls[0], 1, 1)
    await release(database, calls[1])

    async with database.transaction() as db:
        assert [found.id for found in await ledger.open_entries(db, leads)] == [calls[2].id]
        assert await ledger.open_entries(db, []) == []


async def test_a_limit_can_be_raised_and_lowered_to_what_is_gone_already(
    database: Database,
) -> None:
    await opened(database, usd=100)
    call = entry(70, 0)
    await reserve(database, call)
    await opened(database, usd=50)
    assert (await state(database)).account.limit == 70
    assert await reserve(database, entry(1, 0)) == set()
    await opened(database, usd=500)
    assert len(await reserve(database, entry(430, 0))) == 1


async def test_an_account_that_is_not_open_is_an_error(database: Database) -> None:
    with pytest.raises(asyncpg.PostgresError, match="not open"):
        await reserve(database, entry(1, 1))


@pytest.mark.parametrize("amounts", [(1,), (1, 2, 3), (-1, 1)])
async def test_amounts_that_do_not_fit_are_refused(
    database: Database, amounts: tuple[int, ...]
) -> None:
    await opened(database)
    with pytest.raises(ValueError, match="amount"):
        await reserve(database, entry(*amounts))


async def test_an_account_named_twice_is_refused(database: Database) -> None:
    await opened(database)
    async with database.transaction() as db:
        with pytest.raises(ValueError, match="twice"):
            await ledger.reserve(
                db, [USD, USD], [entry(1, 1)], vendor="v", purpose="p", expires_at=SOON, now=NOW
            )


async def test_an_entry_is_found_with_what_became_of_it(database: Database) -> None:
    await opened(database)
    held, paid = Entry(uuid4(), (30, 300)), Entry(uuid4(), (5, 50))
    await reserve(database, held, paid)
    await settle(database, paid, 4, 0)

    async with database.transaction() as db:
        one, other = await ledger.find(db, held.id), await ledger.find(db, paid.id)
        assert await ledger.find(db, uuid4()) is None
        assert await ledger.left(db, [USD, TOKENS, "usd:none"]) == {USD: 66, TOKENS: 700}
    assert one is not None
    assert other is not None
    assert (one.open, one.amounts, one.settled) == (True, {USD: 30, TOKENS: 300}, None)
    assert (other.open, other.state, other.settled) == (False, "committed", {USD: 4, TOKENS: 0})


async def test_an_account_without_a_limit_has_no_end(database: Database) -> None:
    await opened(database, usd=None)
    async with database.transaction() as db:
        assert await ledger.left(db, [USD]) == {USD: None}


async def test_what_was_unknown_is_held_again_and_what_is_closed_stays_so(
    database: Database,
) -> None:
    await opened(database)
    lost, paid = Entry(uuid4(), (30, 300)), Entry(uuid4(), (5, 50))
    await reserve(database, lost, paid)
    await settle(database, paid, 4, 0)
    async with database.transaction() as db:
        assert await ledger.expire(db, now=SOON + timedelta(minutes=1)) == 1
        later = SOON + timedelta(hours=1)
        await ledger.renew(db, [lost.id, paid.id], expires_at=later)
        assert await ledger.expire(db, now=later) == 0
        assert await ledger.expire(db, now=later + timedelta(minutes=1)) == 1
        closed = await ledger.find(db, paid.id)
    assert closed is not None
    assert closed.state == "committed"
