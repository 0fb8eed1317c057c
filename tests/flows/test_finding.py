"""Searches over the sandbox's UpLead and ZoomInfo: we book what they billed, to the cent."""

from collections.abc import AsyncGenerator, Generator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from agents.failpoints import Failpoints
from agents.governor import Governor
from agents.messages import FindLeads, encode
from agents.prospector import Prospector, Source
from agents.purchases import Purchases
from agents.vendors.uplead import UpLead
from agents.vendors.zoominfo import ZoomInfo
from policies.contact_points import normal_email
from policies.profiles import STARTERS
from scripts.sandbox.market.catalogue import Catalogue
from scripts.sandbox.market.world import World
from scripts.sandbox.process import KEY, SandboxProcess
from scripts.sandbox.settings import Conditions, Settings
from storage import invariants, leads, mailbox, searches
from storage.database import Database
from storage.mailbox import Letter
from storage.searches import Search, SearchStatus
from tests.agents.source_room import SEALER
from tests.flows.harness import Fleet
from tests.scripted import Clock

PRICES = {"uplead": 0.58, "zoominfo": 0.80}
WANTED = 200
PEOPLE = 20_000
CRASHES = ("intent.after", "source.before", "source.after", "commit.before", "commit.after")


@dataclass
class Outside:
    """Both sources, their sandbox, and what was bought there before the test."""

    database: Database
    sandbox: SandboxProcess
    adapters: Sequence[UpLead | ZoomInfo]
    clock: Clock

    def agents(self) -> list[Prospector]:
        return [
            Prospector(SEALER, [self._source(each) for each in self.adapters], clock=self.clock)
        ]

    def _source(self, adapter: UpLead | ZoomInfo) -> Source:
        pace = Governor(self.database, adapter.name, requests_per_minute=1e9, clock=self.clock)
        purchases = Purchases(
            pace,
            usd_per_credit=PRICES[adapter.name],
            usd_per_day=10_000,
            credits_per_month=None,
            clock=self.clock,
        )
        return Source(adapter, pace, purchases)

    async def find(self, wanted: int, budget: float | None = None) -> UUID:
        async with self.database.transaction() as db:
            made = await searches.create(
                db,
                profile="fintech-eu",
                definition=STARTERS["fintech-eu"],
                wanted=wanted,
                budget_micro=None if budget is None else round(budget * 1e6),
                created_by="test",
                correlation_id="test",
                now=self.clock(),
            )
            message = FindLeads(made.id)
            letter = Letter("prospector", message.kind, encode(message))
            await mailbox.post(db, [letter], now=self.clock())
        return made.id

    async def work(self, failpoints: str = "") -> Fleet:
        fleet = Fleet(self.database, self.agents, self.clock, Failpoints.parse(failpoints))
        await fleet.finish()
        return fleet

    async def the_books_agree(self, search: Search) -> None:
        """Credits, money and records are what the vendors' own books say."""
        billed = 0
        for adapter in self.adapters:
            book = self.sandbox.book(adapter.name)
            part = search.of(adapter.name)
            assert part is not None
            assert part.counts.credits == book["credits"], adapter.name
            assert part.counts.billed == len(book["by_record"])
            assert set(book["by_record"].values()) <= {1}, "nothing was paid for twice"
            records = await self._column(
                f"SELECT record_id FROM vendor_records WHERE vendor = '{adapter.name}'"
            )
            assert set(records) == set(book["by_record"])
            billed += book["credits"] * round(PRICES[adapter.name] * 1e6)
        assert search.spent_micro == billed
        (spent,) = await self._column(
            "SELECT sum(spent)::bigint FROM ledger_accounts WHERE id LIKE 'usd:vendors:%'"
        )
        (held,) = await self._column("SELECT sum(held)::bigint FROM ledger_accounts")
        assert (spent, held) == (billed, 0)
        async with self.database.transaction() as db:
            assert await invariants.run(db) == []

    async def everybody(self) -> list[Any]:
        async with self.database.transaction() as db:
            ids = [row[0] for row in await db.execute(text("SELECT id FROM leads"))]
            return await leads.get_many(db, SEALER, ids)

    async def _column(self, query: str) -> list[Any]:
        async with self.database.transaction() as db:
            return [row[0] for row in await db.execute(text(query))]


@pytest.fixture(scope="module")
def running() -> Generator[SandboxProcess, None, None]:
    plenty = Conditions(latency=0.0, rpm=1_000_000, tpm=1_000_000_000)
    with SandboxProcess(Settings(conditions=plenty, people=PEOPLE)) as process:
        yield process


@pytest.fixture
def sandbox(running: SandboxProcess) -> SandboxProcess:
    running.reset()
    return running


@pytest.fixture
async def outside(database: Database, sandbox: SandboxProcess) -> AsyncGenerator[Outside, None]:
    sandbox.set("uplead", per_minute=1_000_000, credits=100_000)
    sandbox.set("zoominfo", per_second=100_000, per_hour=1_000_000, credits=100_000)
    token_url = f"{sandbox.url}/zoominfo/oauth2/default/v1/token"
    urls, patience = sandbox.vendor_urls, timedelta(seconds=20)
    adapters = (
        UpLead(KEY, base_url=urls["uplead"], timeout=patience),
        ZoomInfo(KEY, KEY, base_url=urls["zoominfo"], token_url=token_url, timeout=patience),
    )
    yield Outside(database, sandbox, adapters, Clock())
    for adapter in adapters:
        await adapter.close()


async def test_two_hundred_usable_leads_cost_what_the_sources_say(outside: Outside) -> None:
    search_id = await outside.find(WANTED)

    await outside.work()

    await they_are_there(outside, search_id)


@pytest.mark.parametrize("seed", range(3))
async def test_five_random_crashes_change_neither_the_leads_nor_the_bill(
    outside: Outside, seed: int
) -> None:
    search_id = await outside.find(WANTED)
    chance = Random(seed)
    crashes = ",".join(f"{place}:crash:{chance.randint(1, 5)}" for place in CRASHES)

    fleet = await outside.work(crashes)

    assert fleet.crashes == 5
    await they_are_there(outside, search_id)


async def they_are_there(outside: Outside, search_id: UUID) -> None:
    async with outside.database.transaction() as db:
        found = await searches.get(db, search_id)
    assert (found.status, found.found) == (SearchStatus.DONE, WANTED)
    people = await outside.everybody()
    assert len(people) == WANTED
    assert len({normal_email(each.person.email) for each in people}) == WANTED
    await outside.the_books_agree(found)


async def test_whoever_both_sources_know_is_one_lead_and_nobody_is_taken_for_another(
    outside: Outside,
) -> None:
    await outside.find(2_000)

    await outside.work()

    world = World(0, PEOPLE)
    really = {name: Catalogue(world, name).by_id for name in PRICES}
    async with outside.database.transaction() as db:
        rows = await db.execute(text("SELECT lead_id, source, record_id FROM lead_sources"))
        known = [(row.lead_id, really[row.source][row.record_id].person) for row in rows]
    pairs = {(lead_id, person.id) for lead_id, person in known}
    assert len(pairs) == len({lead for lead, _ in pairs}) == len({who for _, who in pairs})
    assert len(known) > len(pairs) + 20, "many are known to both"


async def test_a_budget_is_kept_to_the_cent(outside: Outside) -> None:
    search_id = await outside.find(WANTED, budget=25.0)

    await outside.work()

    async with outside.database.transaction() as db:
        found = await searches.get(db, search_id)
    assert found.status is SearchStatus.OVER_BUDGET
    assert 24_000_000 < found.spent_micro <= 25_000_000
    await outside.the_books_agree(found)
