"""A small honest world of people, two sources that sell them, and a search at work in it.

A source bills a record the first time that it hands it out with its address, keeps a book of what
it billed and of every question, and can be told to fail in order.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import text

from agents.failpoints import Failpoints
from agents.governor import Governor
from agents.messages import FindLeads, encode
from agents.prospector import Prospector, Source
from agents.purchases import Purchases
from policies.lead import Person
from policies.profiles import STARTERS, Profile
from policies.prospect import (
    Criteria,
    EmailStatus,
    Match,
    Matches,
    MatchStatus,
    PersonQuery,
    Prospect,
    SearchPage,
    UsageStats,
)
from storage import invariants, mailbox, searches
from storage.database import Database
from storage.mailbox import Letter
from storage.sealing import Sealer
from storage.searches import Search
from tests.flows.harness import Fleet
from tests.scripted import START, Clock

SEALER = Sealer({1: bytes(range(32))}, 1, bytes(range(32, 64)))
PROFILE = STARTERS["fintech-eu"]


def person(
    n: int, source: str, *, status: EmailStatus | None = EmailStatus.VALID, **more: Any
) -> Prospect:
    """The ``n``-th person of the world, as ``source`` tells of them."""
    told: dict[str, Any] = {
        "source": source,
        "record_id": f"{source}-{n:04}",
        "person": Person(f"First{n}", f"Last{n}", f"first{n}.last{n}@firm{n % 50}.eu"),
        "company": f"Firm {n % 50} GmbH",
        "domain": f"firm{n % 50}.eu",
        "title": "CFO",
        "industry": "financial_services",
        "country": "DE",
        "email_status": status,
        "has_email": True,
    }
    return Prospect(**(told | more))


@dataclass
class FakeSource:
    """A source over a list of people.

    Attributes:
        failures: raised in order, each instead of an answer; None answers.
        fail_after: whether a failure comes after the records were billed.
        billed: records sold so far; how often each was handed out.
        asked: every question.
    """

    name: str
    people: list[Prospect]
    reveals: bool = True
    page_size: int = 100
    most_at_once: int = 25
    failures: list[Exception | None] = field(default_factory=list[Exception | None])
    fail_after: bool = False
    impossible: str | None = None
    credits: int | None = None
    usage_failure: Exception | None = None
    billed: Counter[str] = field(default_factory=Counter[str])
    asked: list[tuple[Any, ...]] = field(default_factory=list[tuple[Any, ...]])

    def criteria(self, profile: Profile) -> Criteria:
        return Criteria({"countries": list(profile.countries)}, ("nothing",), self.impossible)

    async def count(self, criteria: Criteria) -> int | None:
        return len(self.people)

    async def search_contacts(
        self, criteria: Criteria, cursor: str | None, *, most: int | None = None
    ) -> SearchPage:
        start, size = int(cursor or 0), min(most or self.page_size, self.page_size)
        self.asked.append(("search", cursor, size))
        self._fail(after=False)
        size = max(n for n in range(1, size + 1) if start % n == 0)
        found = self.people[start : start + size]
        following = str(start + size) if start + size < len(self.people) else None
        if not self.reveals:
            self._fail(after=True)
            hidden = [_hidden(prospect) for prospect in found]
            return SearchPage(hidden, total=len(self.people), next=following)
        sold = frozenset(p.record_id for p in found if _is_sold(p))
        self.billed.update(sold)
        self._fail(after=True)
        return SearchPage(found, sold, len(self.people), following)

    async def enrich_leads(self, queries: Sequence[PersonQuery]) -> Matches:
        assert len(queries) <= self.most_at_once
        self.asked.append(("buy", *sorted(query.record_id or "" for query in queries)))
        self._fail(after=False)
        known = {prospect.record_id: prospect for prospect in self.people}
        matches = [self._match(query, known) for query in reversed(queries)]
        sold = frozenset(m.prospect.record_id for m in matches if m.prospect is not None)
        self._fail(after=True)
        return Matches(matches, sold)

    async def get_usage_stats(self) -> UsageStats:
        if self.usage_failure is not None:
            raise self.usage_failure
        return UsageStats(credits_left=1000 - len(self.billed), credits_used=len(self.billed))

    def _match(self, query: PersonQuery, known: dict[str, Prospect]) -> Match:
        prospect = known.get(query.record_id or "")
        if prospect is None or prospect.person.email is None:
            return Match(query.key, MatchStatus.NOT_FOUND)
        if prospect.opted_out:
            return Match(query.key, MatchStatus.OPTED_OUT)
        if self.credits is not None and len(self.billed) >= self.credits:
            return Match(query.key, MatchStatus.OUT_OF_CREDIT)
        self.billed.update([prospect.record_id])
        return Match(query.key, MatchStatus.FOUND, prospect)

    def _fail(self, *, after: bool) -> None:
        if after is not self.fail_after or not self.failures:
            return
        if (failure := self.failures.pop(0)) is not None:
            raise failure


def _is_sold(prospect: Prospect) -> bool:
    return prospect.email_status in {EmailStatus.VALID, EmailStatus.CATCH_ALL}


def _hidden(prospect: Prospect) -> Prospect:
    shown = Person(prospect.person.first_name, prospect.person.last_name)
    return Prospect(
        prospect.source,
        prospect.record_id,
        shown,
        company=prospect.company,
        domain=prospect.domain,
        title=prospect.title,
        linkedin_url=prospect.linkedin_url,
        has_email=prospect.has_email,
    )


@dataclass
class SourceRoom:
    """A database, sources, and what can be seen of a search."""

    database: Database
    sources: list[FakeSource]
    prices: dict[str, float] = field(default_factory=lambda: {"uplead": 0.5, "zoominfo": 0.8})
    usd_per_day: float = 10_000.0
    credits_per_month: int | None = None
    clock: Clock = field(default_factory=Clock)

    def prospector(self) -> Prospector:
        return Prospector(SEALER, [self._source(fake) for fake in self.sources], clock=self.clock)

    def _source(self, fake: FakeSource) -> Source:
        governor = Governor(self.database, fake.name, requests_per_minute=1e9, clock=self.clock)
        purchases = Purchases(
            governor,
            usd_per_credit=self.prices[fake.name],
            usd_per_day=self.usd_per_day,
            credits_per_month=self.credits_per_month,
            clock=self.clock,
        )
        return Source(fake, governor, purchases)

    async def find(
        self, wanted: int, *, budget: float | None = None, profile: Profile = PROFILE
    ) -> UUID:
        """Ask for leads, as the API does."""
        async with self.database.transaction() as db:
            made = await searches.create(
                db,
                profile="fintech-eu",
                definition=profile,
                wanted=wanted,
                budget_micro=None if budget is None else round(budget * 1e6),
                created_by="test",
                correlation_id="test",
                now=self.clock(),
            )
        await self.tell(made.id)
        return made.id

    async def tell(self, search_id: UUID) -> None:
        message = FindLeads(search_id)
        async with self.database.transaction() as db:
            letter = Letter("prospector", message.kind, encode(message))
            await mailbox.post(db, [letter], now=self.clock())

    async def work(self, failpoints: str | Failpoints = "") -> Fleet:
        """Let the prospector work through crashes until nothing is left to do."""
        if isinstance(failpoints, str):
            failpoints = Failpoints.parse(failpoints)
        fleet = Fleet(self.database, self.agents(), self.clock, failpoints)
        await fleet.finish()
        return fleet

    def agents(self) -> Callable[[], Sequence[Any]]:
        return lambda: [self.prospector()]

    async def search(self, search_id: UUID) -> Search:
        async with self.database.transaction() as db:
            return await searches.get(db, search_id)

    async def rows(self, query: str) -> list[dict[str, Any]]:
        async with self.database.transaction() as db:
            return [dict(row) for row in (await db.execute(text(query))).mappings()]

    async def count(self, table: str) -> int:
        (row,) = await self.rows(f"SELECT count(*) n FROM {table}")
        return row["n"]

    async def the_books_agree(self, search_id: UUID | None = None) -> None:
        """Our ledger equals what each source billed, and nothing is left open."""
        for fake in self.sources:
            (owned,) = await self.rows(
                f"SELECT count(*) n FROM vendor_records WHERE vendor = '{fake.name}'"
            )
            assert owned["n"] == len(fake.billed), f"{fake.name} billed {len(fake.billed)}"
            (spent,) = await self.rows(
                "SELECT coalesce(sum(spent), 0) n, coalesce(sum(held), 0) held FROM "
                f"ledger_accounts WHERE id LIKE 'credits:{fake.name}:%'"
            )
            assert (spent["n"], spent["held"]) == (len(fake.billed), 0)
        if search_id is not None:
            found = await self.search(search_id)
            price = {name: round(usd * 1e6) for name, usd in self.prices.items()}
            expected = sum(price[fake.name] * len(fake.billed) for fake in self.sources)
            assert found.spent_micro == expected
        async with self.database.transaction() as db:
            assert await invariants.run(db) == []


__all__ = ["PROFILE", "SEALER", "START", "FakeSource", "SourceRoom", "person"]
