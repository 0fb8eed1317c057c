"""The mailbox on a real PostgreSQL: exactly once, in order, and cheap whatever lies about."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

import asyncpg
import orjson
import pytest

from storage import agents, mailbox
from storage.agents import Bounds
from storage.database import Connection, Database, PoolOptions, count, driver
from storage.mailbox import Envelope, Lane, LeaseLost, Letter, Mailbox, connect

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
LEASE = timedelta(seconds=60)
AFTER = NOW + LEASE + timedelta(seconds=1)
ONCE = "INSERT INTO vendor_states (vendor, state, updated_at) VALUES ($1, '{}', now())"

Opener = Callable[..., Awaitable[Mailbox]]


def letter(name: object = "x", **others: Any) -> Letter:
    return Letter("scorer", "test", {"name": name}, **others)


@pytest.fixture
async def opened(database: Database) -> AsyncGenerator[Opener, None]:
    """Opens mailboxes and closes them all in the end."""
    boxes: list[Mailbox] = []

    async def open_one(name: str = "scorer-1", **options: Any) -> Mailbox:
        box = Mailbox(database.url, "scorer", name, **{"virtual": True, "lease": LEASE, **options})
        await box.open(NOW)
        boxes.append(box)
        return box

    yield open_one
    for box in boxes:
        await box.close()


async def post(database: Database, *letters: Letter) -> int:
    async with database.transaction() as db:
        return await mailbox.post(db, letters, now=NOW)


async def finish(database: Database, envelopes: Sequence[Envelope], effect: str = "") -> None:
    async with database.transaction() as db:
        await mailbox.finish(db, envelopes)
        if effect:
            await (await driver(db)).execute(ONCE, effect)


async def rows(database: Database, table: str) -> int:
    async with database.transaction() as db:
        return await count(await driver(db), f"SELECT count(*) FROM {table}")


def names(envelopes: Sequence[Envelope]) -> list[Any]:
    return [envelope.body["name"] for envelope in envelopes]


# Posting


class Boom(Exception):
    """What a test raises."""


async def test_a_message_exists_only_if_its_senders_transaction_commits(
    database: Database, opened: Opener
) -> None:
    async def fail() -> None:
        async with database.transaction() as db:
            await mailbox.post(db, [letter()])
            raise Boom

    with pytest.raises(Boom):
        await fail()

    assert await (await opened()).claim(10, now=NOW) == []


@pytest.mark.parametrize("alike", [True, False])
async def test_a_message_arrives_as_it_was_posted(
    database: Database, opened: Opener, *, alike: bool
) -> None:
    first = letter({"é": [1, None, "\u2028"]}, correlation_id="request-1", causation_id=7)
    second = replace(first, kind="test" if alike else "other", body={"name": 2})
    assert await post(database, first, second) == 2

    got = await (await opened()).claim(10, now=NOW)

    assert [(e.kind, e.body, e.correlation_id) for e in got] == [
        (o.kind, o.body, o.correlation_id) for o in (first, second)
    ]
    assert [(e.recipient, e.lane, e.attempts, e.max_attempts) for e in got] == [
        ("scorer", Lane.NORMAL, 1, 8)
    ] * 2
    assert got[0].id < got[1].id


async def test_messages_of_others_are_left_alone(database: Database, opened: Opener) -> None:
    await post(database, Letter("enricher", "test", {"name": "not mine"}), letter("mine"))

    assert names(await (await opened()).claim(10, now=NOW)) == ["mine"]


async def test_a_key_posts_once_in_a_batch_and_ever_after(
    database: Database, opened: Opener
) -> None:
    assert await post(database, letter(1, key="k"), letter(2, key="k"), letter(3)) == 2
    assert await post(database, letter(4, key="k"), letter(5, key="other")) == 1
    box = await opened()
    got = await box.claim(10, now=NOW)
    await finish(database, got)

    assert names(got) == [1, 3, 5]
    assert await post(database, letter(6, key="k")) == 0


async def test_a_key_is_the_recipients_own(database: Database) -> None:
    other = replace(letter(key="k"), recipient="enricher")
    assert await post(database, letter(key="k"), other) == 2


async def test_two_senders_of_one_key_at_once_post_it_once(database: Database) -> None:
    posted = await asyncio.gather(*(post(database, letter(n, key="k")) for n in range(8)))

    assert sum(posted) == 1


async def test_a_key_whose_sender_rolled_back_may_be_posted_again(database: Database) -> None:
    async def fail() -> None:
        async with database.transaction() as db:
            await mailbox.post(db, [letter(key="k")])
            raise Boom

    with pytest.raises(Boom):
        await fail()
    assert await post(database, letter(key="k")) == 1


# Order


async def test_urgent_comes_before_normal_before_bulk_and_old_before_new(
    database: Database, opened: Opener
) -> None:
    lanes = [Lane.BULK, Lane.NORMAL, Lane.URGENT]
    await post(database, *(letter(f"{lane.name} {n}", lane=lane) for n in (1, 2) for lane in lanes))

    got = await (await opened()).claim(5, now=NOW)

    assert names(got) == ["URGENT 1", "URGENT 2", "NORMAL 1", "NORMAL 2", "BULK 1"]


@pytest.mark.parametrize("limit", [1, 2, 7, 50])
async def test_never_more_than_the_limit_is_claimed(
    database: Database, opened: Opener, limit: int
) -> None:
    await post(database, *(letter(n, lane=Lane(n % 3)) for n in range(60)))
    box, seen = await opened(), list[Any]()
    while got := await box.claim(limit, now=NOW):
        assert len(got) <= limit
        seen += names(got)
    assert sorted(seen) == list(range(60))


async def test_workers_that_claim_at_once_share_without_overlap(
    database: Database, opened: Opener
) -> None:
    await post(database, *(letter(n) for n in range(200)))
    boxes = [await opened(f"scorer-{n}") for n in range(4)]

    async def all_of(box: Mailbox) -> list[Any]:
        seen: list[Any] = []
        while got := await box.claim(7, now=NOW):
            seen += names(got)
        return seen

    claimed = await asyncio.gather(*map(all_of, boxes))
    assert sorted(name for seen in claimed for name in seen) == list(range(200))


# Exactly once


async def test_effects_and_the_end_of_the_message_commit_together_or_not_at_all(
    database: Database, opened: Opener
) -> None:
    await post(database, letter())
    box = await opened()
    got = await box.claim(1, now=NOW)

    async def fail() -> None:
        async with database.transaction() as db:
            await mailbox.finish(db, got)
            await (await driver(db)).execute(ONCE, "a")
            raise Boom

    with pytest.raises(Boom):
        await fail()
    assert (await rows(database, "messages"), await rows(database, "vendor_states")) == (1, 0)
    await finish(database, got, "a")
    assert (await rows(database, "messages"), await rows(database, "vendor_states")) == (0, 1)


async def test_a_zombie_whose_lease_was_lost_can_neither_finish_nor_hold(
    database: Database, opened: Opener
) -> None:
    await post(database, letter())
    zombie, heir = await opened("scorer-1"), await opened("scorer-2")
    stale = await zombie.claim(1, now=NOW)
    fresh = await heir.claim(1, now=AFTER)
    assert [e.attempts for e in fresh] == [2]

    with pytest.raises(LeaseLost):
        await finish(database, stale, "from the grave")
    with pytest.raises(LeaseLost):
        await hold(database, stale)
    await finish(database, fresh, "alive")

    async with database.transaction() as db:
        assert await (await driver(db)).fetchval("SELECT vendor FROM vendor_states") == "alive"


async def test_the_same_worker_is_fenced_against_its_own_older_turn(
    database: Database, opened: Opener
) -> None:
    await post(database, letter())
    box = await opened()
    stale = await box.claim(1, now=NOW)
    fresh = await box.claim(1, now=AFTER)

    with pytest.raises(LeaseLost):
        await finish(database, stale)
    await finish(database, fresh)


async def test_one_lost_message_undoes_the_whole_batch(database: Database, opened: Opener) -> None:
    await post(database, letter(1), letter(2, lane=Lane.BULK), letter(3))
    box = await opened()
    batch = await box.claim(3, now=NOW)
    await finish(database, batch[1:2])

    with pytest.raises(LeaseLost, match="1 of 3"):
        await finish(database, batch, "half")

    assert await rows(database, "messages") == 2
    assert await rows(database, "vendor_states") == 0


async def test_a_message_cannot_be_finished_twice(database: Database, opened: Opener) -> None:
    await post(database, letter())
    got = await (await opened()).claim(1, now=NOW)
    done = await asyncio.gather(
        *(finish(database, got, f"effect {n}") for n in range(4)), return_exceptions=True
    )

    assert sorted(type(result).__name__ for result in done) == ["LeaseLost"] * 3 + ["NoneType"]
    assert await rows(database, "vendor_states") == 1


async def hold(database: Database, envelopes: Sequence[Envelope]) -> None:
    async with database.transaction() as db:
        await mailbox.hold(db, envelopes, LEASE, now=NOW)


async def test_renewing_keeps_a_slow_turn_alive(database: Database, opened: Opener) -> None:
    await post(database, letter())
    slow, other = await opened("scorer-1"), await opened("scorer-2")
    got = await slow.claim(1, now=NOW)
    await slow.renew(got, now=NOW + LEASE / 2)

    assert await other.claim(1, now=AFTER) == []
    await finish(database, got)


# Later


async def test_a_delayed_message_comes_when_it_is_due(database: Database, opened: Opener) -> None:
    due = NOW + timedelta(hours=1)
    await post(database, letter("later", due_at=due), letter("past", due_at=NOW))
    box = await opened()

    past = await box.claim(10, now=NOW)
    assert names(past) == ["past"]
    await finish(database, past)
    assert await box.promote(now=due - timedelta(seconds=1)) == []
    assert await box.promote(now=due) == ["scorer"]
    assert names(await box.claim(10, now=due)) == ["later"]


async def test_a_snooze_is_not_a_failed_attempt(database: Database, opened: Opener) -> None:
    await post(database, letter())
    box = await opened()
    first = await box.claim(1, now=NOW)
    await box.defer(first, NOW, "the vendor is away", counts=False)
    await box.promote(now=NOW)
    second = await box.claim(1, now=NOW)
    await box.defer(second, NOW, "it failed", counts=True)
    await box.promote(now=NOW)
    third = await box.claim(1, now=NOW)

    assert [e.attempts for e in (*first, *second, *third)] == [1, 1, 2]
    assert {e.id for e in (*first, *second, *third)} == {first[0].id}


async def test_a_message_deferred_by_a_zombie_stays_where_it_is(
    database: Database, opened: Opener
) -> None:
    await post(database, letter())
    zombie, heir = await opened("scorer-1"), await opened("scorer-2")
    stale = await zombie.claim(1, now=NOW)
    fresh = await heir.claim(1, now=AFTER)

    await zombie.defer(stale, NOW, "late", counts=True)
    await zombie.bury(stale, "late", now=NOW)

    assert await rows(database, "delayed_messages") == await rows(database, "dead_letters") == 0
    await finish(database, fresh)


# Poison


async def test_what_a_dead_worker_held_comes_back_one_by_one(
    database: Database, opened: Opener
) -> None:
    await post(database, *(letter(n) for n in range(3)))
    dead, heir = await opened("scorer-1"), await opened("scorer-2")
    assert len(await dead.claim(3, now=NOW)) == 3
    await post(database, letter("innocent"))

    claims = [names(await heir.claim(10, now=AFTER)) for _ in range(4)]

    assert claims == [[0], [1], [2], ["innocent"]]


async def test_a_message_that_kills_its_workers_ends_among_the_dead_letters(
    database: Database, opened: Opener
) -> None:
    await post(database, letter("poison"))
    box, now, deliveries = await opened(), NOW, 0
    while got := await box.claim(1, now=now):
        deliveries += 1
        assert got[0].attempts == deliveries
        now += 2 * LEASE

    assert deliveries == mailbox.MAX_ATTEMPTS
    async with database.transaction() as db:
        dead = await (await driver(db)).fetchrow("SELECT * FROM dead_letters")
    assert dead is not None
    assert "died" in dead["reason"]
    assert await rows(database, "messages") == 0


async def test_a_restarted_worker_frees_what_it_held_at_once(
    database: Database, opened: Opener
) -> None:
    await post(database, letter())
    before = await opened("scorer-1")
    stale = await before.claim(1, now=NOW)
    again = await opened("scorer-1")
    fresh = await again.claim(1, now=NOW)

    assert [e.attempts for e in fresh] == [2]
    with pytest.raises(LeaseLost):
        await finish(database, stale)
    await finish(database, fresh)


async def test_another_name_frees_nothing(database: Database, opened: Opener) -> None:
    await post(database, letter())
    await (await opened("scorer-1")).claim(1, now=NOW)

    assert await (await opened("scorer-2")).claim(1, now=NOW) == []


# Pauses


async def test_a_paused_role_claims_nothing_until_it_is_resumed(
    database: Database, opened: Opener
) -> None:
    await post(database, letter("before"))
    box = await opened()
    held = await box.claim(1, now=NOW)
    await post(database, letter("during"))
    async with database.transaction() as db:
        await agents.ensure(db, {"scorer": Bounds(1, 1)})
        await agents.pause(db, "scorer", by="ada", reason="a check", now=NOW)

    assert await box.claim(10, now=AFTER) == []
    await finish(database, held)
    async with database.transaction() as db:
        await agents.resume(db, "scorer", now=NOW)
    assert names(await box.claim(10, now=NOW)) == ["during"]


# What claims cost, and what they must not miss


async def test_a_commit_below_the_floor_is_found_at_the_next_sweep(
    database: Database, opened: Opener
) -> None:
    box = await opened(virtual=False, sweep=timedelta(milliseconds=200))
    async with database.transaction() as slow:
        await mailbox.post(slow, [letter("early seq, late commit")])
        await post(database, letter("late seq, early commit"))
        assert names(await box.claim(10, now=NOW)) == ["late seq, early commit"]

    assert await box.claim(10, now=NOW) == []
    await asyncio.sleep(0.25)
    assert names(await box.claim(10, now=NOW)) == ["early seq, late commit"]


async def test_leases_run_out_by_the_databases_clock(database: Database, opened: Opener) -> None:
    brief: dict[str, Any] = {
        "virtual": False,
        "lease": timedelta(milliseconds=100),
        "sweep": timedelta(),
    }
    await post(database, letter())
    first, second = await opened("scorer-1", **brief), await opened("scorer-2", **brief)
    assert len(await first.claim(1, now=AFTER)) == 1
    assert await second.claim(1, now=AFTER) == []
    await asyncio.sleep(0.15)
    assert len(await second.claim(1, now=NOW)) == 1


async def fill(connection: asyncpg.Connection, messages: int) -> None:
    await connection.execute(
        "INSERT INTO messages (recipient, lane, id, kind, body) "
        "SELECT 'scorer', 1, n, 'test', '{}' FROM generate_series(1, $1::int) n",
        messages,
    )


async def cost(connection: asyncpg.Connection, floor: int = 0) -> float:
    """Buffers that a claim of ten touches; now and then one also tidies a page up."""
    touched: list[int] = []
    for _ in range(9):
        plan = await connection.fetchval(
            "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT * FROM "
            "mailbox_claim('scorer', 1, 10, '1 minute', $1::bigint[], NULL)",
            [floor] * 3,
        )
        top = plan[0]["Plan"]
        touched.append(top["Shared Hit Blocks"] + top["Shared Read Blocks"])
    return median(touched)


@pytest.fixture
async def bare(database: Database) -> AsyncGenerator[asyncpg.Connection, None]:
    """A connection of its own, as a worker has, that reads JSON."""
    connection = await connect(database.url, PoolOptions())
    await connection.set_type_codec(
        "json", schema="pg_catalog", encoder=str, decoder=orjson.loads, format="text"
    )
    yield connection
    await connection.close()


async def test_a_claim_costs_the_same_with_200000_messages_waiting(
    bare: asyncpg.Connection,
) -> None:
    await cost(bare)  # plans are cached while the table is empty: the trap
    await fill(bare, 100)
    few = await cost(bare)
    await fill(bare, 200_000)

    assert await cost(bare) < 2 * few


async def test_a_claim_costs_the_same_while_an_old_snapshot_is_held(
    database: Database, bare: asyncpg.Connection
) -> None:
    await fill(bare, 100)
    few = await cost(bare)
    await bare.execute("DELETE FROM messages")
    async with database.reading() as reader:
        await snapshot(reader)
        await fill(bare, 30_000)
        await bare.execute("DELETE FROM messages")
        floor = await count(bare, "SELECT nextval('message_seq')")
        await fill(bare, 1000)

        with_floor, without = await cost(bare, floor), await cost(bare)

    assert with_floor < 2 * few
    assert without > 10 * with_floor  # or the floor would not be worth its trouble


async def snapshot(reader: Connection) -> None:
    connection = await driver(reader)
    await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    await connection.fetchval("SELECT 1 FROM messages LIMIT 1")
