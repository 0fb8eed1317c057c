"""Lead sources that know some people, and bill each record once; and what the tests ask of us."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from agents.enricher import Enricher, Seller
from agents.errors import VendorError
from agents.failpoints import Failpoints
from agents.governor import Governor
from agents.messages import BuyFacts, LeadFound, Message, encode
from agents.purchases import Purchases
from agents.runtime import Worker, drain
from policies.lead import LeadDraft, LeadId, Person
from policies.profiles import Profile
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
from policies.waterfall import Worth
from storage import leads, mailbox
from storage.database import Database
from storage.mailbox import Lane, Letter, Mailbox
from tests.agents.import_room import SEALER, fetch
from tests.flows.harness import Fleet
from tests.scripted import START, Clock

__all__ = ["fetch"]


@dataclass(slots=True)
class ScriptedSource:
    """A source that knows ``people`` by their names; it bills each record once, and keeps a book.

    Attributes:
        bills: whether it bills for what it tells.
        book: credits, by record.
        failures: raised in order, each instead of an answer; None answers.
        lose_answers: whether every answer gets lost, after it was billed.
        asked: every question, call by call.
    """

    name: str
    people: Sequence[Prospect] = ()
    most_at_once: int = 25
    bills: Callable[[Prospect], bool] = lambda prospect: True
    reveals: bool = False
    page_size: int = 25
    book: dict[str, int] = field(default_factory=dict[str, int])
    failures: list[VendorError | None] = field(default_factory=list[VendorError | None])
    lose_answers: bool = False
    asked: list[Sequence[PersonQuery]] = field(default_factory=list[Sequence[PersonQuery]])

    def criteria(self, profile: Profile) -> Criteria:
        return Criteria({})

    async def count(self, criteria: Criteria) -> int | None:
        return None

    async def search_contacts(
        self, criteria: Criteria, cursor: str | None, *, most: int | None = None
    ) -> SearchPage:
        return SearchPage(())

    async def get_usage_stats(self) -> UsageStats:
        return UsageStats()

    async def enrich_leads(self, queries: Sequence[PersonQuery]) -> Matches:
        assert len(queries) <= self.most_at_once
        self.asked.append(queries)
        if self.failures and (failure := self.failures.pop(0)) is not None:
            raise failure
        matches = [self._match(query) for query in queries]
        billed = {m.prospect.record_id for m in matches if m.prospect and self.bills(m.prospect)}
        for record in billed:
            self.book.setdefault(record, 1)
        if self.lose_answers:
            raise VendorError(
                self.name, "the answer was lost", retry_after=timedelta(), in_doubt=True
            )
        return Matches(matches, frozenset(billed))

    def _match(self, query: PersonQuery) -> Match:
        for person in self.people:
            if _is(query, person):
                if person.opted_out:
                    return Match(query.key, MatchStatus.OPTED_OUT)
                return Match(query.key, MatchStatus.FOUND, person)
        return Match(query.key, MatchStatus.NOT_FOUND)


def _is(query: PersonQuery, prospect: Prospect) -> bool:
    person = prospect.person
    if query.record_id is not None:
        return query.record_id == prospect.record_id
    if query.email is not None and query.email == person.email:
        return True
    names = (query.first_name, query.last_name) == (person.first_name, person.last_name)
    return names and (query.domain == prospect.domain or query.company == prospect.company)


def prospect(
    source: str, number: int, *, status: EmailStatus | None = EmailStatus.VALID, **more: Any
) -> Prospect:
    """Person ``number`` as a source tells of them; None as status tells no address."""
    known = more.pop("email", f"p{number}@c{number}.de")
    email = None if status is None else known
    told = Prospect(
        source,
        f"{source}-{number}",
        Person(f"First{number}", f"Last{number}", email),
        company=f"Company {number}",
        domain=f"c{number}.de",
        title="Head of Sales",
        industry="software",
        country="DE",
        email_status=status,
        facts={"company_size": "51-200"},
    )
    return replace(told, **more)


def uplead(people: Sequence[Prospect] = ()) -> ScriptedSource:
    """Bills only what can be written to, one person a call."""
    written = (EmailStatus.VALID, EmailStatus.CATCH_ALL)
    return ScriptedSource("uplead", people, 1, lambda told: told.email_status in written)


def zoominfo(people: Sequence[Prospect] = ()) -> ScriptedSource:
    """Bills everybody whom it knows, 25 a call."""
    return ScriptedSource("zoominfo", people)


PRICES: Mapping[str, float] = {"uplead": 0.58, "zoominfo": 0.80}


@dataclass(slots=True)
class Room:
    """An enricher with its sources, through crashes."""

    database: Database
    sources: Sequence[ScriptedSource]
    clock: Clock = field(default_factory=lambda: Clock(START))
    usd_per_day: float = 100.0
    credits_per_month: int | None = None
    worth: Worth = field(default_factory=Worth)
    failpoints: Failpoints = field(default_factory=Failpoints)

    def enricher(self) -> Enricher:
        sellers = [Seller(source, self._purchases(source)) for source in self.sources]
        return Enricher(SEALER, sellers, worth=self.worth, clock=self.clock)

    def fleet(self) -> Fleet:
        return Fleet(self.database, lambda: [self.enricher()], self.clock, self.failpoints)

    async def work(self, name: str = "enricher:0") -> None:
        """Work off what is due now, and nothing that is due later."""
        box = Mailbox(self.database.url, "enricher", name, virtual=True)
        worker = Worker(self.enricher(), self.database, box, self.clock, lambda: 0.5, virtual=True)
        await box.open(self.clock())
        await drain([worker])
        await box.close()
        assert worker.tally.failed == 0

    async def found(self, *numbers: int, lane: Lane = Lane.NORMAL, **more: Any) -> list[LeadId]:
        """Leads of whom we know name, company and domain."""
        drafts = [
            LeadDraft(
                "import",
                Person(f"First{n}", f"Last{n}", more.get("email")),
                company=f"Company {n}",
                domain=more.get("domain", f"c{n}.de"),
            )
            for n in numbers
        ]
        async with self.database.transaction() as db:
            kept = await leads.keep(db, SEALER, drafts, now=START)
        ids = [each.id for each in kept]
        await self.post(*[LeadFound(lead_id) for lead_id in ids], lane=lane)
        return ids

    async def post(self, *messages: Message, lane: Lane = Lane.NORMAL) -> None:
        async with self.database.transaction() as db:
            letters = [Letter("enricher", m.kind, encode(m), lane) for m in messages]
            await mailbox.post(db, letters, now=self.clock())

    async def buy(self, *ids: UUID, refresh: bool = False) -> None:
        await self.post(*[BuyFacts(lead_id, refresh) for lead_id in ids])

    async def lead(self, lead_id: UUID) -> Any:
        async with self.database.transaction() as db:
            return await leads.get(db, SEALER, lead_id)

    async def spent(self) -> dict[str, int]:
        """Credits by source, as our books have them; nothing may be held."""
        rows = await fetch(
            self.database, "SELECT id, held, spent FROM ledger_accounts WHERE unit = 'credits'"
        )
        assert all(held == 0 for _, held, _ in rows)
        spent: dict[str, int] = {}
        for account, _, credits in rows:
            vendor = account.split(":")[1]
            spent[vendor] = spent.get(vendor, 0) + credits
        return spent

    async def books_agree(self) -> bool:
        """Whether credits, records and dollars are what the sources billed."""
        spent = await self.spent()
        billed = {source.name: sum(source.book.values()) for source in self.sources}
        owned = await fetch(
            self.database, "SELECT vendor, count(*) FROM vendor_records GROUP BY vendor"
        )
        [(dollars,)] = await fetch(
            self.database,
            "SELECT coalesce(sum(spent + held), 0) FROM ledger_accounts WHERE unit = 'usd_micro'",
        )
        due = sum(round(PRICES[name] * 1e6) * count for name, count in billed.items())
        paid = {name: count for name, count in billed.items() if count}
        return (
            {name: count for name, count in spent.items() if count} == paid
            and dict(owned) == paid
            and int(dollars) == due
        )

    def _purchases(self, source: ScriptedSource) -> Purchases:
        governor = Governor(self.database, source.name, requests_per_minute=10**7, clock=self.clock)
        return Purchases(
            governor,
            usd_per_credit=PRICES[source.name],
            usd_per_day=self.usd_per_day,
            credits_per_month=self.credits_per_month,
            clock=self.clock,
        )
