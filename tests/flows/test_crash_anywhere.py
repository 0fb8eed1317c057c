"""Every flow ends the same, wherever and whenever the process dies on the way."""

from dataclasses import dataclass
from itertools import count
from typing import Any
from uuid import UUID

import pytest

from agents.analyst import Analyst
from agents.enricher import Enricher
from agents.failpoints import Failpoints
from agents.messages import FitAlgorithm, SettleCalls, Tick, encode
from agents.prospector import Prospector
from agents.supervisor import Supervisor
from policies.algorithm import Learned, dump_definition
from policies.llm_prices import price
from storage import decisions, invariants, mailbox, scoring
from storage.database import Database
from storage.mailbox import Letter
from tests.agents.import_room import SEALER, report, upload
from tests.agents.scoring_room import Room
from tests.conftest import empty_every_table
from tests.flows.harness import Fleet
from tests.scripted import START, USAGE, ScriptedJudge

FILE = b"""Email,First name,Company,Job title,Won
ada@acme.com,Ada,Acme,CEO,1
bob@bolt.de,Bob,Bolt,Student,0
ADA@acme.com,Ada,Acme,CEO,1
not-an-address,,,,
cy@core.fr,Cy,Core,Head of Sales,1
dee@deep.io,Dee,Deep,Engineer,0
"""
PLACES = (
    "claim.after",
    "intent.before",
    "intent.after",
    "llm.before",
    "llm.after",
    "commit.before",
    "commit.after",
)
COST = price("gpt-4.1-mini", USAGE)


@dataclass(frozen=True, slots=True)
class End:
    """All that a flow may leave behind, but for times and ids."""

    leads: list[tuple[Any, ...]]
    results: list[tuple[Any, ...]]
    counts: dict[str, Any]
    book: tuple[int, int, int]


@pytest.mark.parametrize("place", PLACES)
async def test_a_file_becomes_scored_leads_once_wherever_it_crashes(
    database: Database, place: str
) -> None:
    expected = await import_and_score(database, Failpoints())
    assert len(expected.leads) == 4
    for nth in count(1):
        await empty_every_table(database)
        failpoints = Failpoints.parse(f"{place}:crash:{nth}")
        end = await import_and_score(database, failpoints)
        assert end == expected, f"after a crash at {place}, time {nth}"
        if failpoints.reached.get(place, 0) < nth:
            assert nth > 1, f"{place} is never reached"
            return


async def import_and_score(database: Database, failpoints: Failpoints) -> End:
    room = Room(database, SEALER, judge=ScriptedJudge())
    await room.open()
    import_id = await upload(database, FILE, part=40, outcome="Won")
    fleet = Fleet(
        database,
        lambda: [Prospector(SEALER, rows=3), Enricher(SEALER), room.scorer()],
        room.clock,
        failpoints,
    )
    await fleet.finish()
    return await look(room, import_id)


async def look(room: Room, import_id: UUID) -> End:
    judge = room.judge
    assert judge is not None
    await nothing_is_left_over(room)
    held, spent = (await room.spent())["usd_micro"]
    assert (held, spent) == (0, COST * len(judge.billed)), "the ledger is not the bill"
    found, problems = await report(room.database, import_id)
    counts = {
        "status": found.status,
        "read": found.rows_read,
        "created": found.created,
        "merged": found.merged,
        "failed": found.failed,
        "problems": len(problems),
    }
    leads = await room.rows(
        "SELECT company, title, outcome, score, tier, tags, status FROM leads ORDER BY company"
    )
    results = await room.rows(
        "SELECT l.company, r.score, r.judges FROM scoring_results r "
        "JOIN leads l ON l.id = r.lead_id ORDER BY 1, 2"
    )
    return End(
        [tuple(row.values()) for row in leads],
        [tuple(row.values()) for row in results],
        counts,
        (len(judge.billed), held, spent),
    )


async def nothing_is_left_over(room: Room) -> None:
    for table in ("messages", "delayed_messages", "dead_letters"):
        (left,) = await room.rows(f"SELECT count(*) n FROM {table}")
        assert left["n"] == 0, table
    async with room.database.transaction() as db:
        assert await invariants.run(db) == []
        assert await decisions.verify(db) == []


@pytest.mark.parametrize("place", ["claim.after", "commit.before", "commit.after"])
async def test_forgotten_calls_are_settled_once_wherever_it_crashes(
    database: Database, place: str
) -> None:
    for nth in (1, 2, 3):
        await empty_every_table(database)
        room = Room(database, SEALER, judge=ScriptedJudge(lose_answers=True))
        await room.open()
        await room.enriched(2)
        await room.work()
        await room.tell([SettleCalls("openai")])

        await room.work(failpoints=Failpoints.parse(f"{place}:crash:{nth}"))

        assert room.judge is not None
        assert await room.states() == {"committed": len(room.judge.billed)}
        await nothing_is_left_over(room)


@pytest.mark.parametrize("place", ["intent.after", "fit.after", "commit.before", "commit.after"])
async def test_an_algorithm_is_fitted_once_wherever_it_crashes(
    database: Database, place: str
) -> None:
    await upload(database, many_outcomes(), outcome="Won")
    room = Room(database, SEALER, judge=None)
    await room.open()
    read = Fleet(database, lambda: [Prospector(SEALER), Enricher(SEALER)], room.clock)
    await read.finish()
    await room.rows_done("DELETE FROM messages")
    async with database.transaction() as db:
        made = await scoring.create(
            db,
            name="ours",
            definition=dump_definition(Learned()),
            ready=False,
            created_by="test",
            now=START,
        )
        message = FitAlgorithm(made.id)
        await mailbox.post(db, [Letter("analyst", message.kind, encode(message))], now=START)

    fleet = Fleet(
        database,
        lambda: [Analyst(room.clock)],
        room.clock,
        Failpoints.parse(f"{place}:crash"),
    )
    await fleet.finish()

    assert fleet.crashes == 1
    async with database.transaction() as db:
        fitted = await scoring.get(db, made.id)
    assert fitted.status is scoring.AlgorithmStatus.CHALLENGER
    assert fitted.report is not None
    assert fitted.report["cross_validated"]["n"] == 120
    await nothing_is_left_over(room)


def many_outcomes() -> bytes:
    rows = ["id,plan,visits,Won"]
    rows += [
        f"{n},{'gold' if n % 3 else 'tin'},{n % 7},{int(n % 3 > 0 and n % 7 > 2)}"
        for n in range(120)
    ]
    return "\n".join(rows).encode()


@pytest.mark.parametrize("schedule", ["partitions", "purge", "ledger", "invariants"])
async def test_what_the_clock_asks_for_is_done_wherever_it_crashes(
    database: Database, schedule: str
) -> None:
    for place in ("claim.after", "intent.after", "commit.before", "commit.after"):
        await empty_every_table(database)
        room = Room(database, SEALER, judge=None)
        message = Tick(schedule, START)
        async with database.transaction() as db:
            await mailbox.post(db, [Letter("supervisor", message.kind, encode(message))])
        fleet = Fleet(
            database,
            lambda room=room: [Supervisor(room.clock)],
            room.clock,
            Failpoints.parse(f"{place}:crash"),
        )
        await fleet.finish()
        await nothing_is_left_over(room)
