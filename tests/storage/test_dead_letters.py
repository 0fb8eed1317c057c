"""Dead letters: read, replay, drop; nothing is replayed twice."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta

import pytest

from storage import dead_letters, mailbox
from storage.database import Database
from storage.dead_letters import DeadLetter
from storage.mailbox import Lane, Letter, Mailbox

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
async def box(database: Database) -> AsyncGenerator[Mailbox, None]:
    box = Mailbox(database.url, "scorer", "scorer-1", virtual=True)
    await box.open(NOW)
    yield box
    await box.close()


async def buried(database: Database, box: Mailbox, messages: int) -> list[int]:
    letters = [
        Letter("scorer", "lead.found", {"n": n}, Lane.BULK, correlation_id="request-1")
        for n in range(messages)
    ]
    async with database.transaction() as db:
        await mailbox.post(db, letters)
    envelopes = await box.claim(messages, now=NOW)
    await box.bury(envelopes, "this version cannot read it", now=NOW + timedelta(hours=1))
    return [envelope.id for envelope in envelopes]


async def all_of(database: Database, recipient: str | None = None) -> list[DeadLetter]:
    async with database.reading() as db:
        return (await dead_letters.page(db, recipient=recipient)).items


async def replay(database: Database, ids: list[int]) -> list[str]:
    async with database.transaction() as db:
        return await dead_letters.replay(db, ids)


async def test_a_dead_letter_tells_what_it_was_and_why(database: Database, box: Mailbox) -> None:
    (letter_id,) = await buried(database, box, 1)
    (found,) = await all_of(database)

    assert (found.id, found.recipient, found.kind, found.body) == (
        letter_id,
        "scorer",
        "lead.found",
        {"n": 0},
    )
    assert (found.lane, found.attempts, found.correlation_id) == (Lane.BULK, 1, "request-1")
    assert found.reason == "this version cannot read it"
    assert found.dead_at == NOW + timedelta(hours=1)
    async with database.reading() as db:
        assert await dead_letters.get(db, letter_id) == found
        assert await dead_letters.get(db, letter_id + 1) is None


async def test_a_replayed_letter_is_delivered_again_with_all_attempts_ahead(
    database: Database, box: Mailbox
) -> None:
    ids = await buried(database, box, 3)

    assert await replay(database, ids[:2]) == ["scorer", "scorer"]

    again = await box.claim(10, now=NOW)
    assert [(e.id, e.attempts, e.lane, e.correlation_id) for e in again] == [
        (letter_id, 1, Lane.BULK, "request-1") for letter_id in ids[:2]
    ]
    assert [letter.id for letter in await all_of(database)] == ids[2:]


async def test_a_letter_that_dies_again_is_there_once(database: Database, box: Mailbox) -> None:
    ids = await buried(database, box, 1)
    await replay(database, ids)
    await box.bury(await box.claim(1, now=NOW), "again", now=NOW)

    assert [(letter.id, letter.reason) for letter in await all_of(database)] == [(ids[0], "again")]


async def test_a_letter_replayed_by_several_at_once_comes_back_once(
    database: Database, box: Mailbox
) -> None:
    ids = await buried(database, box, 5)
    replayed = await asyncio.gather(*(replay(database, ids) for _ in range(4)))

    assert sum(map(len, replayed)) == 5
    assert len(await box.claim(100, now=NOW)) == 5


async def test_a_dropped_letter_is_gone(database: Database, box: Mailbox) -> None:
    ids = await buried(database, box, 3)
    async with database.transaction() as db:
        assert await dead_letters.drop(db, [*ids[:2], 10**12]) == 2
        assert await dead_letters.drop(db, ids[:2]) == 0
    assert await replay(database, ids[:2]) == []
    assert len(await all_of(database)) == 1


async def test_pages_go_from_the_newest_to_the_oldest_and_by_recipient(
    database: Database, box: Mailbox
) -> None:
    ids = await buried(database, box, 5)
    async with database.reading() as db:
        first = await dead_letters.page(db, limit=3)
        second = await dead_letters.page(db, limit=3, after=first.next)
        assert await dead_letters.ids(db, "scorer", limit=4) == ids[:4]
        assert await dead_letters.ids(db, "nobody") == []

    assert [letter.id for letter in (*first.items, *second.items)] == ids[::-1]
    assert second.next is None
    assert len(await all_of(database, "scorer")) == 5
    assert await all_of(database, "enricher") == []
