"""The outside world at work: real workers and adapters, a sandbox, a database, and the real time.

Only idle stretches are left out: where nobody has anything to do for a while, the clock goes on to
the moment when somebody has. While a vendor has asked to be left alone nothing is left out, so that
who comes too early comes too early by the sandbox's log, too, which knows no time but the true one.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy import text

from agents.agent import Agent
from agents.enricher import Enricher, Seller
from agents.governor import Governor
from agents.messages import BuyFacts, FindLeads, Message, encode
from agents.prospector import Prospector, Source
from agents.purchases import Purchases
from agents.runtime import Worker, WorkerOptions
from agents.vendors.uplead import UpLead
from agents.vendors.zoominfo import ZoomInfo
from cluster.clock import now
from policies.lead import Lead, LeadDraft, LeadId, Person
from policies.profiles import STARTERS
from scripts.sandbox.market.catalogue import Catalogue, Record
from scripts.sandbox.market.world import World
from scripts.sandbox.process import SandboxProcess
from storage import invariants, leads, mailbox, searches, vendor_calls, vendor_states
from storage.database import Database
from storage.mailbox import Letter, Mailbox
from storage.searches import Search
from storage.vendor_calls import VendorOverview
from tests.agents.source_room import SEALER

SHORT = timedelta(seconds=0.3)
"""An idle stretch that is not worth leaving out."""
LOOK = timedelta(milliseconds=25)
PRICES = {"uplead": 0.58, "zoominfo": 0.8}
ROLES = ("prospector", "enricher")
BOUGHT = {"uplead": "person-search", "zoominfo": "contacts.enrich"}
SEARCHED = {"uplead": "prospector-pro-search", "zoominfo": "contacts.search"}
"""What the sandbox calls a search and a purchase."""
UNHINDERED = {
    "uplead": {"latency": 0.01, "per_minute": 600_000},
    "zoominfo": {"latency": 0.01, "per_second": 100_000},
}
PROFILE = "fintech-eu"
SURE = 85
"""At least how sure a vendor must be of a person, of 100."""


@dataclass(slots=True)
class Clock:
    """The time of day, but for what was left out so far."""

    left_out: timedelta = timedelta()

    def __call__(self) -> datetime:
        return now() + self.left_out

    def leave_out(self, time: timedelta) -> None:
        self.left_out += time


@dataclass(slots=True)
class Outside:
    """A search and purchases at work, and what can be seen of them.

    Attributes:
        vendors: that are connected.
        world: the market of the sandbox.
        timeout: of the adapters, for a whole call.
        workers: at work now.
    """

    database: Database
    sandbox: SandboxProcess
    world: World
    vendors: Sequence[str] = ("uplead", "zoominfo")
    timeout: timedelta = timedelta(seconds=0.5)
    clock: Clock = field(default_factory=Clock)
    workers: list[Worker] = field(default_factory=list[Worker])
    _tasks: list[asyncio.Task[None]] = field(default_factory=list[asyncio.Task[None]])

    @asynccontextmanager
    async def at_work(self, *, each: int = 1) -> AsyncGenerator[None, None]:
        """Let ``each`` workers of every role work, each with connections of its own."""
        async with AsyncExitStack() as closing:
            self.workers = [
                self._worker(agent, number)
                for number in range(each)
                for agent in self._agents(number, closing)
            ]
            self._tasks = [asyncio.create_task(worker.run()) for worker in self.workers]
            try:
                yield
            finally:
                for worker in self.workers:
                    worker.stop()
                await asyncio.gather(*self._tasks)

    async def finish(self, search_id: UUID | None = None, *, within: float = 30.0) -> None:
        """Wait until nothing is left to do, or until a search has ended."""
        await self.until(lambda: self._is_over(search_id), within=within)
        assert [worker.tally.failed for worker in self.workers] == [0] * len(self.workers)

    async def until(
        self,
        holds: Callable[[], Awaitable[bool]],
        *,
        within: float = 30.0,
        leaving_out: bool = True,
    ) -> None:
        """Wait until something holds."""
        async with asyncio.timeout(within):
            while not await holds():
                self._raise_what_went_wrong()
                if leaving_out:
                    await self._leave_out()
                await asyncio.sleep(LOOK.total_seconds())

    async def pass_(self, time: timedelta) -> None:
        """Let so much time pass, with all the work that falls due in it."""
        end = self.clock() + time
        while self.clock() < end:
            ready, due = await self._waiting()
            if not ready:
                self.clock.leave_out(max(min(due or end, end) - self.clock(), timedelta()))
            await asyncio.sleep(LOOK.total_seconds())

    async def find(self, wanted: int) -> UUID:
        """Ask for leads, as the API does."""
        async with self.database.transaction() as db:
            made = await searches.create(
                db,
                profile=PROFILE,
                definition=STARTERS[PROFILE],
                wanted=wanted,
                budget_micro=None,
                created_by="test",
                correlation_id="test",
                now=self.clock(),
            )
        await self._post("prospector", [FindLeads(made.id)])
        return made.id

    async def buy(self, vendor: str, many: int, *, after: int = 0) -> dict[LeadId, Record]:
        """Have facts bought about people whom ``vendor`` knows, and no search looks for."""
        known = _known_to(self.world, vendor)[after : after + many]
        assert len(known) == many
        async with self.database.transaction() as db:
            kept = await leads.keep(db, SEALER, [_draft(each) for each in known], now=self.clock())
        found = {each.id: record for each, record in zip(kept, known, strict=True)}
        assert len(found) == many
        await self._post("enricher", [BuyFacts(lead_id) for lead_id in found])
        return found

    async def buy_again(self, leads: Collection[LeadId]) -> None:
        """Have facts bought about leads of which some are known."""
        await self._post("enricher", [BuyFacts(lead_id) for lead_id in leads])

    async def search(self, search_id: UUID) -> Search:
        async with self.database.transaction() as db:
            return await searches.get(db, search_id)

    async def lead(self, lead_id: UUID) -> Lead:
        async with self.database.transaction() as db:
            return await leads.get(db, SEALER, lead_id)

    async def overview(self, vendor: str) -> VendorOverview:
        async with self.database.transaction() as db:
            return (await vendor_calls.overview(db, now=self.clock()))[vendor]

    async def breaker(self, vendor: str) -> dict[str, Any]:
        async with self.database.transaction() as db:
            return (await vendor_states.all(db)).get(vendor, {}).get("breaker", {})

    async def rows(self, query: str) -> list[tuple[Any, ...]]:
        async with self.database.transaction() as db:
            return [tuple(row) for row in await db.execute(text(query))]

    def log(self, vendor: str) -> list[dict[str, Any]]:
        """Every request that the sandbox got."""
        return self.sandbox.book(vendor)["log"]

    async def handed_on(self) -> set[str]:
        """Leads that are ready for the scorer."""
        found = await self.rows(
            "SELECT body ->> 'lead_id' FROM messages "
            "WHERE recipient = 'scorer' AND kind = 'lead.enriched'"
        )
        return {lead_id for (lead_id,) in found}

    async def the_books_agree(self, *, held: int = 0) -> None:
        """What we own and what we paid for is what each vendor billed.

        Args:
            held: credits of questions whose answers were lost and that nobody asks again.
        """
        usd = 0
        for vendor in PRICES:
            book = self.sandbox.book(vendor)
            billed = set(book["by_record"])
            owned = await self.rows(
                f"SELECT record_id FROM vendor_records WHERE vendor = '{vendor}'"
            )
            assert {record for (record,) in owned} == billed, vendor
            assert len(owned) == book["credits"], vendor
            paid = await self.rows(
                "SELECT coalesce(sum(spent), 0)::int "
                f"FROM ledger_accounts WHERE id LIKE 'credits:{vendor}:%'"
            )
            assert paid == [(book["credits"],)], vendor
            usd += round(PRICES[vendor] * 1e6) * book["credits"]
        paid = await self.rows(
            "SELECT coalesce(sum(spent) FILTER (WHERE unit = 'usd_micro'), 0)::bigint, "
            "coalesce(sum(held) FILTER (WHERE unit = 'credits'), 0)::int FROM ledger_accounts"
        )
        assert paid == [(usd, held)]
        async with self.database.transaction() as db:
            assert await invariants.run(db) == []

    async def nothing_is_dead(self) -> None:
        """No message was given up."""
        assert await self.rows("SELECT recipient, kind, reason FROM dead_letters") == []

    async def are_handed_on(self, leads: Collection[LeadId]) -> bool:
        """Whether leads are ready for the scorer, all of them."""
        return {str(lead_id) for lead_id in leads} <= await self.handed_on()

    async def _is_over(self, search_id: UUID | None) -> bool:
        if search_id is not None:
            return not (await self.search(search_id)).running
        return await self._waiting() == (0, None)

    def _raise_what_went_wrong(self) -> None:
        for task in self._tasks:
            if task.done():
                task.result()

    async def _leave_out(self) -> None:
        """Go on to the next moment at which there is something to do, if that is far away."""
        ready, due = await self._waiting()
        if ready or due is None:
            return
        idle = due - self.clock()
        if idle > SHORT and not self._is_told_to_wait():
            self.clock.leave_out(idle)

    async def _waiting(self) -> tuple[int, datetime | None]:
        """Messages that are read or can be, and when the next one comes due."""
        roles = ", ".join(f"'{role}'" for role in ROLES)
        [waiting] = await self.rows(
            f"SELECT (SELECT count(*)::int FROM messages WHERE recipient IN ({roles})), "
            "(SELECT min(due_at) FROM delayed_messages)"
        )
        return waiting[0], waiting[1]

    def _is_told_to_wait(self) -> bool:
        """Whether a vendor has asked to be left alone until later than now, by the true time."""
        logs = (entry for vendor in self.vendors for entry in self.log(vendor))
        ends = (entry["at"] + entry.get("retry_after", 0.0) for entry in logs)
        return max(ends, default=0.0) > now().timestamp()

    async def _post(self, role: str, messages: Sequence[Message]) -> None:
        letters = [Letter(role, message.kind, encode(message)) for message in messages]
        async with self.database.transaction() as db:
            await mailbox.post(db, letters, now=self.clock())

    def _agents(self, number: int, closing: AsyncExitStack) -> Sequence[Agent]:
        shops = [self._shop(vendor, closing) for vendor in self.vendors]
        sources = [Source(adapter, governor, bought) for adapter, governor, bought in shops]
        prospector = Prospector(SEALER, sources, clock=self.clock, chance=Random(number).random)
        shops = [self._shop(vendor, closing) for vendor in self.vendors]
        sellers = [Seller(adapter, bought) for adapter, _, bought in shops]
        return prospector, Enricher(SEALER, sellers, clock=self.clock)

    def _shop(
        self, vendor: str, closing: AsyncExitStack
    ) -> tuple[UpLead | ZoomInfo, Governor, Purchases]:
        """One vendor, wired as `cluster.shops` does it."""
        governor = Governor(self.database, vendor, requests_per_minute=6_000, clock=self.clock)
        closing.push_async_callback(governor.close)
        adapter = self._adapter(vendor, governor)
        closing.push_async_callback(adapter.close)
        purchases = Purchases(
            governor,
            usd_per_credit=PRICES[vendor],
            usd_per_day=10_000.0,
            credits_per_month=None,
            clock=self.clock,
        )
        return adapter, governor, purchases

    def _adapter(self, vendor: str, governor: Governor) -> UpLead | ZoomInfo:
        url, root = self.sandbox.vendor_urls[vendor], self.sandbox.url
        if vendor == "uplead":
            return UpLead("sandbox-key", base_url=url, timeout=self.timeout, heard=governor.heard)
        return ZoomInfo(
            "sandbox-id",
            "sandbox-secret",
            base_url=url,
            token_url=f"{root}/zoominfo/oauth2/default/v1/token",
            timeout=self.timeout,
            heard=governor.heard,
        )

    def _worker(self, agent: Agent, number: int) -> Worker:
        return Worker(
            agent,
            self.database,
            Mailbox(self.database.url, agent.role, f"{agent.role}:{number}", virtual=True),
            self.clock,
            Random(number).random,
            self._wake,
            options=WorkerOptions(poll=LOOK, beat=LOOK),
            virtual=True,
        )

    def _wake(self, roles: Any) -> None:
        for worker in self.workers:
            if worker.agent.role in roles:
                worker.wake()


@lru_cache
def _known_to(world: World, vendor: str) -> Sequence[Record]:
    """People in America with a good address, each with a name that nobody else there has."""
    catalogue = Catalogue(world, vendor)
    alone = {found[0].id for found in catalogue.by_name.values() if len(found) == 1}
    return [record for record in catalogue.records if record.id in alone and _is_plain(record)]


def _is_plain(record: Record) -> bool:
    known = record.status == "valid" and record.score >= SURE and not record.person.opted_out
    return known and record.job.company.country.code == "US"


def _draft(record: Record) -> LeadDraft:
    person = Person(record.first_name, record.last_name)
    company = record.job.company
    return LeadDraft("import", person, company=company.name, domain=company.domain)
