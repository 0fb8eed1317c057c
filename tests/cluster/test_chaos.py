"""Leads flow while processes die at random: each is scored once, and the books agree.

The judge is never our own tables alone: the sandbox keeps its own account of what it billed.
"""

import asyncio
import os
import random
import signal
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import text

from agents.messages import ImportLeads, encode
from cluster import roles
from cluster.first_run import prepare_storage
from cluster.settings import Settings
from policies.csv_layout import HEAD_BYTES
from policies.import_plan import ImportOptions, plan_file
from scripts.sandbox.process import KEY, SandboxProcess
from scripts.sandbox.settings import Conditions
from scripts.sandbox.settings import Settings as SandboxSettings
from storage import decisions, imports, invariants, mailbox
from storage.database import Database
from storage.mailbox import Letter
from tests.cluster.tiny import now as clock

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.timeout(400)]
LEADS = 2000
SEED = 20_261_124
KILLS = 15
PATIENCE = 120.0
PART = 16 * 1024


@dataclass(slots=True)
class Street:
    """Everything between an uploaded file and a scored lead, as real processes."""

    database: Database
    settings: Settings
    sandbox: SandboxProcess
    fleet: Any

    def start(self, role: str, number: int, **changes: Any) -> None:
        """Start one worker, with settings of its own."""
        from cluster import actors

        given = self.settings.model_copy(update=changes)
        table = roles.table(given)
        actors.start(table[role], number, "chaos", given.model_dump(exclude_none=True))

    async def pid(self, name: str) -> int | None:
        """The process of a worker; None while it is away."""
        with suppress(Exception):
            return int((await self.fleet.status(name))["pid"])
        return None

    async def number(self, query: str) -> int:
        """Ask the database for one number."""
        async with self.database.transaction() as db:
            return int((await db.execute(text(query))).scalar_one())

    async def upload(self, leads: int) -> None:
        """Let a file of so many people wait for the prospector."""
        rows = [
            f"p{n}@firm{n}.com,Pat{n},Firm {n},{('CEO', 'Student', 'Engineer')[n % 3]},{n % 11}"
            for n in range(leads)
        ]
        data = "\n".join(["Email,First name,Company,Job title,Visits", *rows]).encode()
        now = clock()
        options = ImportOptions(filename="chaos.csv")
        head = data[:HEAD_BYTES]
        plan = plan_file(head, whole=len(data) <= HEAD_BYTES, options=options)
        async with (
            roles.opened(self.settings, "test", 2) as kit,
            kit.database.transaction() as db,
        ):
            made = await imports.create(
                db,
                filename="chaos.csv",
                source="chaos",
                plan=plan.model_dump(mode="json"),
                correlation_id="chaos",
                now=now,
            )
            for number, at in enumerate(range(0, len(data), PART)):
                piece = data[at : at + PART]
                await imports.add_part(db, kit.sealer, made.id, number, piece)
            await imports.close_receiving(db, made.id, bytes_total=len(data), now=now)
            message = ImportLeads(made.id)
            await mailbox.post(db, [Letter("prospector", message.kind, encode(message))])

    async def until(self, done: Callable[[], Any]) -> None:
        """Wait until ``done`` says so."""
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while not await done():
            assert asyncio.get_running_loop().time() < deadline, await self.where_it_stands()
            await asyncio.sleep(0.3)

    async def scored(self) -> int:
        """Leads that have a score."""
        return await self.number("SELECT count(*) FROM leads WHERE scored_at IS NOT NULL")

    async def at_rest(self) -> bool:
        """Whether nothing waits, and no call is open."""
        waiting = "SELECT (SELECT count(*) FROM messages) + (SELECT count(*) FROM delayed_messages)"
        held = "SELECT count(*) FROM ledger_entries WHERE state IN ('held', 'unknown')"
        return not await self.number(waiting) and not await self.number(held)

    async def where_it_stands(self) -> str:
        """For the message of a test that waited in vain."""
        async with self.database.transaction() as db:
            mail = (
                await db.execute(
                    text(
                        "SELECT recipient, kind, count(*), max(attempts), max(last_error) "
                        "FROM messages GROUP BY 1, 2"
                    )
                )
            ).all()
            dead = (await db.execute(text("SELECT kind, reason FROM dead_letters LIMIT 3"))).all()
        return f"{await self.scored()} scored; waiting {mail}; dead {dead}"


@pytest.fixture
async def street(
    fleet: Any, ray_cluster: Settings, database: Database
) -> AsyncGenerator[Street, None]:
    conditions = Conditions(latency=0.05, rpm=1_000_000, tpm=1_000_000_000)
    with SandboxProcess(SandboxSettings(conditions=conditions)) as sandbox:
        settings = ray_cluster.model_copy(
            update={
                "openai_api_key": KEY,
                "openai_base_url": sandbox.openai_url,
                "openai_timeout_seconds": 2.0,
                "openai_requests_per_minute": 1_000_000,
                "openai_tokens_per_minute": 1_000_000_000,
                "llm_usd_per_day": 1000.0,
                "lease_seconds": 15.0,
            }
        )
        async with roles.opened(settings, "test", 2) as kit:
            await prepare_storage(kit, roles.table(settings), clock())
        yield Street(database, settings, sandbox, fleet)
        await fleet.remove_all()


async def test_leads_are_scored_once_and_the_ledger_is_the_bill_while_processes_die(
    street: Street,
) -> None:
    workers = [("prospector", 0), ("enricher", 0), ("scorer", 0), ("scorer", 1)]
    for role, number in workers:
        street.start(role, number)
    await street.upload(LEADS)

    kills = await kill_until_scored(street, [f"agent:{role}:{n}" for role, n in workers])
    await street.until(street.at_rest)

    assert kills >= KILLS // 2
    assert await street.number("SELECT count(*) FROM leads") == LEADS
    assert await street.number("SELECT count(*) FROM scoring_results") == LEADS
    assert await street.number("SELECT count(DISTINCT lead_id) FROM scoring_results") == LEADS
    assert await street.number("SELECT count(*) FROM dead_letters") == 0
    await the_books_agree(street)
    async with street.database.transaction() as db:
        assert await invariants.run(db) == []
        assert await decisions.verify(db) == []


async def kill_until_scored(street: Street, names: list[str]) -> int:
    """Kill a random worker each time that another share of the leads is scored."""
    chance, kills = random.Random(SEED), 0
    for share in sorted(chance.uniform(0, 0.95) for _ in range(KILLS)):
        await street.until(lambda share=share: reached(street, int(share * LEADS)))
        if (pid := await street.pid(chance.choice(names))) is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                kills += 1
    await street.until(lambda: reached(street, LEADS))
    return kills


async def the_books_agree(street: Street) -> None:
    """Compare our ledger, call by call, with what the sandbox billed."""
    book = street.sandbox.book()
    async with street.database.transaction() as db:
        entries = (
            await db.execute(
                text("SELECT id::text, settled[2] FROM ledger_entries WHERE state = 'committed'")
            )
        ).all()
    ours = dict(entries)
    theirs = {
        call: tally["prompt_tokens"] + tally["completion_tokens"]
        for call, tally in book["by_call"].items()
    }
    assert len(ours) == book["calls"]
    assert ours == theirs
    spent = await street.number("SELECT sum(spent) FROM ledger_accounts WHERE unit = 'tokens'")
    assert spent == sum(theirs.values())
    assert await street.number("SELECT sum(held) FROM ledger_accounts") == 0


async def test_a_worker_frozen_past_its_lease_cannot_commit(street: Street) -> None:
    leads = 12
    street.start("prospector", 0)
    street.start("enricher", 0)
    street.start("scorer", 0, lease_seconds=3.0, failpoint="commit.before:stop")
    await street.upload(leads)
    frozen = await frozen_pid(street)
    street.start("scorer", 1, lease_seconds=3.0)

    await street.until(lambda: reached(street, leads))
    os.kill(frozen, signal.SIGCONT)
    await street.until(lambda: lost(street, "agent:scorer:0"))

    assert await street.number("SELECT count(*) FROM scoring_results") == leads
    await street.until(street.at_rest)
    await the_books_agree(street)


async def frozen_pid(street: Street) -> int:
    """Wait until the scorer has stopped itself, and return its process."""
    found: list[int] = []

    async def stopped() -> bool:
        for pid in found or [await street.pid("agent:scorer:0")]:
            if pid is not None:
                found[:] = [pid]
                with open(f"/proc/{pid}/stat") as file:  # noqa: ASYNC230, PTH123
                    return file.read().rsplit(")", 1)[1].split()[0] == "T"
        return False

    await street.until(stopped)
    return found[0]


async def reached(street: Street, leads: int) -> bool:
    return await street.scored() >= leads


async def lost(street: Street, name: str) -> bool:
    with suppress(Exception):
        return (await street.fleet.status(name))["lost"] > 0
    return False
