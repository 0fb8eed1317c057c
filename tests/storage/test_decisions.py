"""The book of decisions: whatever is changed in it afterwards is found."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from policies.decision import Decision
from storage import decisions
from storage.database import Database, PoolOptions, driver
from storage.decisions import Filter, Recorded

NOW = datetime(2026, 11, 24, 12, 0, 0, 123456, tzinfo=UTC)
LEAD = uuid4()
INPUTS: dict[str, Any] = {"z": 1.50, "a": [1e22, None, True], "é": "\u2028", "b": {"y": 1, "x": 2}}


def decision(verdict: str = "82", subject: UUID | None = LEAD, **inputs: Any) -> Decision:
    reasons = ("Title says who decides.", 'They said "yes".')
    return Decision("score", subject, verdict, reasons, "scoring/general@3", INPUTS | inputs)


async def keep(
    database: Database, *kept: Decision, agent: str = "scorer", at: datetime = NOW
) -> None:
    async with database.transaction() as db:
        await decisions.keep(db, agent, kept, correlation_id="request-1", now=at)


async def problems(database: Database) -> set[str]:
    async with database.transaction() as db:
        return {broken.problem for broken in await decisions.verify(db)}


async def page(database: Database, only: Filter | None = None) -> list[Recorded]:
    async with database.reading() as db:
        return (await decisions.page(db, only)).items


@pytest.fixture
async def book(server_url: str, database: Database) -> Database:
    """Five decisions in one chain: one connection appends to one chain."""
    one = Database(server_url, options=PoolOptions(size=1))
    try:
        for number in range(5):
            await keep(one, decision(str(number)), at=NOW + timedelta(seconds=number))
    finally:
        await one.close()
    return database


async def tamper(database: Database, statement: str) -> None:
    async with database.transaction() as db:
        await (await driver(db)).execute(statement)


async def test_a_decision_reads_as_it_was_made(database: Database) -> None:
    await keep(database, decision())
    (found,) = await page(database)

    assert found.place.made_at == NOW
    assert (found.agent, found.action, found.subject) == ("scorer", "score", LEAD)
    assert (found.verdict, found.policy) == ("82", "scoring/general@3")
    assert found.reasons == decision().reasons
    assert found.inputs == INPUTS
    assert found.correlation_id == "request-1"


async def test_an_untouched_book_is_whole_whatever_its_inputs_look_like(
    database: Database,
) -> None:
    odd = [
        decision(n=value)
        for value in (
            0.1 + 0.2,
            -0.0,
            1e-320,
            2**63 - 1,
            "",
            "\x00",
            "\\u0000",
            "\U0001f600",
            [],
            {},
        )
    ]
    await keep(database, *odd, decision(subject=None))
    await keep(database, Decision("x", None, "", (), "", {}))

    assert await problems(database) == set()


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("made_at", "made_at + interval '1 microsecond'"),
        ("agent", "'somebody'"),
        ("action", "'other'"),
        ("subject", "gen_random_uuid()"),
        ("subject", "NULL"),
        ("verdict", "'99'"),
        ("reasons", "reasons || 'More.'::text"),
        ("reasons", "reasons[2:1]"),
        ("policy", "'scoring/general@4'"),
        ("inputs", "inputs || '{\"z\": 1.51}'"),
        ("inputs_digest", "sha256('other')"),
        ("correlation_id", "NULL"),
        ("hash", "sha256('other')"),
        ("chain", "(chain + 1) % 16"),
        ("seq", "seq + 10"),
    ],
)
async def test_a_changed_column_is_found(book: Database, column: str, value: str) -> None:
    assert await problems(book) == set()
    await tamper(book, f"UPDATE decisions SET {column} = {value} WHERE seq = 3")

    assert await problems(book) != set()


async def test_inputs_changed_together_with_their_digest_are_found(book: Database) -> None:
    await tamper(
        book,
        "UPDATE decisions SET inputs = '{}', inputs_digest = sha256(convert_to('{}', 'UTF8')) "
        "WHERE seq = 3",
    )
    assert await problems(book) == {"its content was changed"}


@pytest.mark.parametrize("seq", [1, 3])
async def test_a_deleted_decision_is_found(book: Database, seq: int) -> None:
    await tamper(book, f"DELETE FROM decisions WHERE seq = {seq}")

    assert "a decision before it is missing" in await problems(book)


@pytest.mark.parametrize("left", [4, 0])
async def test_a_cut_end_is_found(book: Database, left: int) -> None:
    await tamper(book, f"DELETE FROM decisions WHERE seq > {left}")

    assert await problems(book) == {"the newest decisions are missing"}


async def test_a_cut_end_is_found_though_the_chains_count_was_set_back(book: Database) -> None:
    await tamper(book, "DELETE FROM decisions WHERE seq > 4")
    await tamper(book, "UPDATE decision_chains SET seq = 4 WHERE seq > 4")

    assert await problems(book) == {"the newest decisions are missing"}


async def test_two_decisions_that_changed_places_are_found(book: Database) -> None:
    await tamper(book, "UPDATE decisions SET seq = 100 WHERE seq = 2")
    await tamper(book, "UPDATE decisions SET seq = 2 WHERE seq = 3")
    await tamper(book, "UPDATE decisions SET seq = 3 WHERE seq = 100")

    assert await problems(book) == {"its content was changed"}


async def test_erased_inputs_leave_the_chain_whole_and_everything_else_checked(
    book: Database,
) -> None:
    async with book.transaction() as db:
        assert await decisions.erase_inputs(db, LEAD) == 5
    assert await problems(book) == set()
    assert [found.inputs for found in await page(book)] == [None] * 5

    await tamper(book, "UPDATE decisions SET verdict = '0' WHERE seq = 4")
    assert await problems(book) == {"its content was changed"}


async def test_a_rolled_back_decision_leaves_no_gap(book: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        await _keep_and_fail(book)
    await keep(book, decision())

    assert await problems(book) == set()


async def _keep_and_fail(database: Database) -> None:
    async with database.transaction() as db:
        await decisions.keep(db, "scorer", [decision()], correlation_id=None, now=NOW)
        raise ZeroDivisionError


async def test_many_writers_at_once_keep_every_chain_whole(
    server_url: str, database: Database
) -> None:
    many = Database(server_url, options=PoolOptions(size=8))
    try:
        await asyncio.gather(
            *(keep(many, *(decision(f"{n}.{k}") for k in range(5))) for n in range(40))
        )
    finally:
        await many.close()

    assert await problems(database) == set()
    async with database.transaction() as db:
        found = await decisions.page(db, limit=500)
    assert len(found.items) == 200


async def test_pages_follow_one_another_without_gap_or_repetition(database: Database) -> None:
    for number in range(3):
        same = [decision(f"{number}.{k}") for k in range(5)]
        await keep(database, *same, at=NOW + timedelta(seconds=number))
    seen: list[Recorded] = []
    after = None
    async with database.reading() as db:
        while True:
            part = await decisions.page(db, after=after, limit=4)
            seen += part.items
            after = part.next
            if after is None:
                break

    assert len({found.hash for found in seen}) == len(seen) == 15
    assert [f.place.made_at for f in seen] == sorted((f.place.made_at for f in seen), reverse=True)


async def test_a_page_shows_only_what_was_asked_for(database: Database) -> None:
    other = uuid4()
    await keep(database, decision("mine"))
    await keep(database, decision("other", subject=other))
    await keep(database, Decision("activate", None, "v2", (), "p", {}), agent="analyst")

    assert [f.verdict for f in await page(database, Filter(subject=other))] == ["other"]
    assert [f.verdict for f in await page(database, Filter(agent="analyst"))] == ["v2"]
    assert [f.verdict for f in await page(database, Filter(action="activate"))] == ["v2"]
    assert await page(database, Filter(subject=other, action="activate")) == []
    assert len(await page(database)) == 3
