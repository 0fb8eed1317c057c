"""A vendor that bills a record only the first time, and an agent that buys pages of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar
from uuid import NAMESPACE_URL, UUID, uuid5

from sqlalchemy import text

from agents.agent import Done, Outcome, Snooze, Turn
from agents.errors import VendorError
from agents.failpoints import Failpoints
from agents.governor import Closed, Governor
from agents.messages import FindLeads, Message, encode
from agents.purchases import Capped, Intended, Purchases, Settled
from storage import invariants, mailbox
from storage.database import Connection, Database
from storage.mailbox import Letter
from tests.flows.harness import Fleet
from tests.scripted import START, Clock

USD_PER_CREDIT = 0.58
MICRO_PER_CREDIT = 580_000


@dataclass(slots=True)
class Source:
    """A vendor and its own book.

    Attributes:
        pages: the records of each.
        billed: every record that it took a credit for.
        failures: raised in order, each after the page was given and billed if it is in doubt.
    """

    pages: Sequence[frozenset[str]]
    billed: set[str] = field(default_factory=set[str])
    asked: list[int] = field(default_factory=list[int])
    failures: list[VendorError | None] = field(default_factory=list[VendorError | None])

    async def page(self, number: int) -> frozenset[str]:
        self.asked.append(number)
        failure = self.failures.pop(0) if self.failures else None
        if failure is None or failure.in_doubt:
            self.billed |= self.pages[number]
        if failure is not None:
            raise failure
        return self.pages[number]


@dataclass(slots=True)
class Buyer:
    """Buys one page a message.

    Attributes:
        outcomes: what the intents said that were not granted.
    """

    source: Source
    purchases: Purchases
    outcomes: list[object] = field(default_factory=list[object])
    role: ClassVar[str] = "prospector"
    batches: ClassVar[Mapping[str, int]] = {}

    async def handle(self, messages: Sequence[Message], turn: Turn) -> Outcome:
        (message,) = messages
        assert isinstance(message, FindLeads)
        number = message.search_id.int
        async with turn.intent() as db:
            intended = await intend(self.purchases, db, number, turn.now)
        if not isinstance(intended, Intended):
            return self._refused(intended, turn)
        await turn.reach("vendor.before")
        async with self.purchases.calling("page"):
            page = await self.source.page(number)
        await turn.reach("vendor.after")
        async with turn.commit() as db:
            await self.purchases.settle(db, intended, page, now=turn.now)
        return Done()

    def _refused(self, refusal: Closed | Capped | Settled, turn: Turn) -> Outcome:
        self.outcomes.append(refusal)
        if isinstance(refusal, Closed):
            return Snooze(refusal.until, "the vendor is away")
        if isinstance(refusal, Capped):
            return Snooze(refusal.until or turn.now + timedelta(days=1), "the cap is reached")
        return Done()


async def intend(
    purchases: Purchases, db: Connection, number: int, now: Any, credits: int = 5
) -> Any:
    """Intend to buy a page."""
    return await purchases.intend(
        db,
        entry_id=uuid5(NAMESPACE_URL, f"{purchases.vendor}/page/{number}"),
        credits=credits,
        purpose="search",
        reference=None,
        now=now,
    )


@dataclass(slots=True)
class Shop:
    """A database, a vendor, and workers that buy from it."""

    database: Database
    source: Source
    clock: Clock = field(default_factory=Clock)
    usd_per_day: float = 1000.0
    credits_per_month: int | None = None
    buyers: list[Buyer] = field(default_factory=list[Buyer])

    def governor(self) -> Governor:
        return Governor(self.database, "uplead", requests_per_minute=6000, clock=self.clock)

    def purchases(self) -> Purchases:
        """As a fresh process has them."""
        return Purchases(
            self.governor(),
            usd_per_credit=USD_PER_CREDIT,
            usd_per_day=self.usd_per_day,
            credits_per_month=self.credits_per_month,
            clock=self.clock,
        )

    def buyer(self) -> Buyer:
        self.buyers.append(Buyer(self.source, self.purchases()))
        return self.buyers[-1]

    async def order(self, pages: Sequence[int]) -> None:
        """Ask for pages."""
        messages = [FindLeads(UUID(int=number)) for number in pages]
        letters = [Letter("prospector", m.kind, encode(m)) for m in messages]
        async with self.database.transaction() as db:
            await mailbox.post(db, letters, now=self.clock())

    async def work(self, failpoints: str = "") -> Fleet:
        """Buy everything that is asked for, through crashes."""
        fleet = Fleet(
            self.database, lambda: [self.buyer()], self.clock, Failpoints.parse(failpoints)
        )
        await fleet.finish()
        return fleet

    async def rows(self, query: str) -> list[dict[str, Any]]:
        async with self.database.transaction() as db:
            return [dict(row) for row in (await db.execute(text(query))).mappings()]

    async def accounts(self) -> dict[str, tuple[int, int]]:
        """Held and spent, by account."""
        found = await self.rows("SELECT id, held, spent FROM ledger_accounts")
        return {row["id"]: (row["held"], row["spent"]) for row in found}

    async def states(self) -> list[str]:
        """Of the ledger's entries."""
        found = await self.rows("SELECT state FROM ledger_entries ORDER BY state")
        return [row["state"] for row in found]

    async def books_agree(self) -> None:
        """What we counted is what the vendor billed, and nothing is held."""
        credits = len(self.source.billed)
        month, day = f"credits:uplead:{START:%Y-%m}", f"usd:vendors:{START:%Y-%m-%d}"
        assert await self.accounts() == {
            month: (0, credits),
            day: (0, credits * MICRO_PER_CREDIT),
        }
        owned = await self.rows("SELECT record_id FROM vendor_records")
        assert {row["record_id"] for row in owned} == self.source.billed
        async with self.database.transaction() as db:
            assert await invariants.run(db) == []
