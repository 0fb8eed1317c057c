"""What a verified contact costs, bought by our waterfall and by a fixed one.

Everybody of the sandbox's market is a lead of whom we know name, company and domain, as of an
import. Three ways to buy their addresses, from the sandbox's UpLead and ZoomInfo through the real
adapters over HTTP, at the prices of the settings:

- *fixed*: always UpLead's person search, then ZoomInfo, for every lead.
- *fixed, stopping*: the same, but ZoomInfo only for whom UpLead has no verified address.
- *ours*: the enricher itself with its database, which begins each seed knowing nothing and pays
  for what it learns within the run.

A contact is verified if a source called the address that we have of it valid; what was paid is
read from the sandbox's own books. *Null results* are records paid for that brought no verified
address. That ZoomInfo's contacts are wanted only if it rates them surely enough is part of our
waterfall (`policies.waterfall.Offer.insist`); the fixed ones take what comes.

What could be saved at most is told as well: no waste at all, each verified contact from the
cheaper source that has it.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeAlias
from uuid import UUID, uuid4

import asyncpg
import uvloop
from sqlalchemy import make_url

from agents.enricher import Enricher, Seller
from agents.governor import Governor
from agents.lead_sources import LeadSource
from agents.messages import LeadFound, encode
from agents.purchases import Purchases
from agents.runtime import Worker, WorkerOptions, drain
from agents.vendors.uplead import UpLead
from agents.vendors.zoominfo import ZoomInfo
from cluster.settings import Settings as EngineSettings
from policies.lead import LeadDraft
from policies.lead import Person as LeadPerson
from policies.prospect import EmailStatus, PersonQuery, Prospect
from scripts.bench.figures import Figure
from scripts.sandbox.market.world import Delivery, Person, World
from scripts.sandbox.process import KEY, SandboxProcess
from scripts.sandbox.settings import Conditions, Settings
from storage import leads, mailbox
from storage.database import Database, PoolOptions, driver
from storage.mailbox import Lane, Letter, Mailbox
from storage.migrations import upgrade
from storage.sealing import Sealer

SEEDS = (11, 12, 13)
"""Markets that were never looked at while the waterfall was written."""
PEOPLE, FEW = 3000, 800
AT_ONCE = 16
SAVED, MOST_NULL, SAME_COVERAGE = 0.75, 0.10, 0.01
PLENTY = 10**9
SEALER = Sealer({1: bytes(range(32))}, 1, bytes(range(32, 64)))
Prices: TypeAlias = "dict[str, float]"


@dataclass(frozen=True, slots=True)
class Bought:
    """What one way of buying came to.

    Attributes:
        verified: contacts with a valid address.
        reached: of them those whose address really is the person's.
        credits: by source, as the sandbox has them.
        null: records paid for without a verified address, by source.
        cheapest: verified contacts by the cheapest source that has each.
    """

    people: int
    verified: int
    reached: int
    credits: dict[str, int]
    null: dict[str, int]
    cheapest: dict[str, int] = field(default_factory=dict[str, int])

    def spent(self, prices: Prices) -> float:
        """US dollars."""
        return sum(prices[name] * count for name, count in self.credits.items())

    def apiece(self, prices: Prices) -> float:
        """US dollars for each verified contact."""
        return self.spent(prices) / max(1, self.verified)

    def wasted(self, prices: Prices) -> float:
        """The share of the money that went into null results."""
        null = sum(prices[name] * count for name, count in self.null.items())
        return null / max(self.spent(prices), 1e-9)

    @property
    def coverage(self) -> float:
        """The share of all leads that became verified contacts."""
        return self.verified / self.people


def run(url: str, *, quick: bool = False) -> list[Figure]:
    """Buy for three markets in three ways each."""
    settings = EngineSettings.model_construct()
    prices = {
        "uplead": settings.uplead_usd_per_credit,
        "zoominfo": settings.zoominfo_usd_per_credit,
    }
    figures: list[Figure] = []
    for seed in SEEDS:
        bench = uvloop.run(_fresh_database(url, seed))
        upgrade(bench)
        figures += uvloop.run(_market(bench, seed, FEW if quick else PEOPLE, prices))
    return figures


async def _market(url: str, seed: int, people: int, prices: Prices) -> list[Figure]:
    plenty = Conditions(latency=0.0)
    with SandboxProcess(Settings(seed=seed, people=people, conditions=plenty)) as sandbox:
        sandbox.set("uplead", per_minute=PLENTY, credits=PLENTY)
        sandbox.set("zoominfo", per_second=PLENTY, per_hour=PLENTY, per_day=PLENTY, credits=PLENTY)
        world = World(seed, people)
        sources = _sources(sandbox)
        both = await _fixed(sandbox, sources, world, stopping=False)
        sandbox.reset()
        stopping = await _fixed(sandbox, sources, world, stopping=True)
        sandbox.reset()
        ours = await _ours(url, sandbox, sources, world, prices)
        for source in sources:
            await source.close()
    return _figures(seed, ours, both, stopping, prices)


def _figures(
    seed: int, ours: Bought, both: Bought, stopping: Bought, prices: Prices
) -> list[Figure]:
    name = f"seed {seed}, {ours.people:,} leads"
    return [
        Figure(
            f"{name}: cost of a verified contact",
            ours.apiece(prices),
            "USD",
            both.apiece(prices),
            "fixed: both sources, every lead",
            SAVED,
            at_most=True,
        ),
        Figure(
            f"{name}: the same",
            ours.apiece(prices),
            "USD",
            stopping.apiece(prices),
            "fixed, stopping at a verified address",
        ),
        Figure(
            f"{name}: the same, without any waste",
            sum(prices[source] * count for source, count in both.cheapest.items())
            / max(1, both.verified),
            "USD",
            stopping.apiece(prices),
            "fixed, stopping at a verified address",
        ),
        Figure(
            f"{name}: coverage lost against fixed",
            100 * (both.coverage - ours.coverage),
            "points",
            target=100 * SAME_COVERAGE,
            at_most=True,
        ),
        Figure(
            f"{name}: spent on null results",
            100 * ours.wasted(prices),
            "%",
            target=100 * MOST_NULL,
            at_most=True,
        ),
        Figure(f"{name}: the same, fixed, stopping", 100 * stopping.wasted(prices), "%"),
        Figure(f"{name}: coverage", 100 * ours.coverage, "%", 100 * both.coverage, "fixed"),
        Figure(
            f"{name}: verified addresses that reach their person",
            100 * ours.reached / max(1, ours.verified),
            "%",
            100 * stopping.reached / max(1, stopping.verified),
            "fixed, stopping",
        ),
    ]


Source: TypeAlias = UpLead | ZoomInfo


def _sources(sandbox: SandboxProcess) -> tuple[UpLead, ZoomInfo]:
    urls = sandbox.vendor_urls
    token = f"{sandbox.url}/zoominfo/oauth2/default/v1/token"
    return (
        UpLead(KEY, base_url=urls["uplead"]),
        ZoomInfo(KEY, KEY, base_url=urls["zoominfo"], token_url=token),
    )


async def _fixed(
    sandbox: SandboxProcess, sources: tuple[UpLead, ZoomInfo], world: World, *, stopping: bool
) -> Bought:
    """UpLead about everybody, then ZoomInfo about all or about whom UpLead does not help."""
    queries = {uuid4(): person for person in world.people}
    told: dict[UUID, list[Prospect]] = {key: [] for key in queries}
    uplead, zoominfo = sources
    asked = [_query(key, person) for key, person in queries.items()]
    await _ask(uplead, asked, told)
    rest = [each for each in asked if not (stopping and _verified(told[each.key]))]
    await _ask(zoominfo, rest, told)
    verified = {key: found for key, tells in told.items() if (found := _verified(tells))}
    reached = sum(_reaches(world, queries[key], found) for key, found in verified.items())
    cheapest = Counter(found.source for found in verified.values())
    return Bought(
        len(queries), len(verified), reached, _credits(sandbox), _null(told, sandbox), cheapest
    )


async def _ask(
    source: LeadSource, asked: Sequence[PersonQuery], told: dict[UUID, list[Prospect]]
) -> None:
    size = source.most_at_once
    calls = [asked[start : start + size] for start in range(0, len(asked), size)]

    async def work(share: Sequence[Sequence[PersonQuery]]) -> None:
        for call in share:
            for match in (await source.enrich_leads(call)).matches:
                if match.prospect is not None:
                    told[match.key].append(match.prospect)

    await asyncio.gather(*(work(calls[start::AT_ONCE]) for start in range(AT_ONCE)))


async def _ours(
    url: str,
    sandbox: SandboxProcess,
    sources: tuple[UpLead, ZoomInfo],
    world: World,
    prices: Prices,
) -> Bought:
    """The enricher, from knowing nothing."""
    database = Database(url, options=PoolOptions(size=8))
    try:
        await _import(database, world)
        sellers = [Seller(each, _purchases(database, each, prices)) for each in sources]
        box = Mailbox(url, "enricher", "enricher:bench")
        worker = Worker(
            Enricher(SEALER, sellers, clock=_now),
            database,
            box,
            _now,
            lambda: 0.5,
            options=WorkerOptions(claim=400),
        )
        await box.open(_now())
        await drain([worker])
        await box.close()
        if worker.tally.failed:
            raise RuntimeError(f"{worker.tally.failed} turns failed: {worker.tally.last_error}")
        return await _counted(database, sandbox, world)
    finally:
        await database.close()


def _now() -> datetime:
    return datetime.now(UTC)


async def _import(database: Database, world: World) -> None:
    drafts = [
        LeadDraft(
            "import",
            LeadPerson(person.first_name, person.last_name),
            external_id=str(person.id),
            company=person.job.company.name,
            domain=person.job.company.domain,
        )
        for person in world.people
    ]
    for start in range(0, len(drafts), 1000):
        async with database.transaction() as db:
            kept = await leads.keep(db, SEALER, drafts[start : start + 1000], now=_now())
            messages = [LeadFound(each.id) for each in kept]
            letters = [Letter("enricher", m.kind, encode(m), Lane.BULK) for m in messages]
            await mailbox.post(db, letters)


def _purchases(database: Database, source: Source, prices: Prices) -> Purchases:
    governor = Governor(database, source.name, requests_per_minute=PLENTY, clock=_now)
    return Purchases(
        governor,
        usd_per_credit=prices[source.name],
        usd_per_day=PLENTY,
        credits_per_month=None,
        clock=_now,
    )


async def _counted(database: Database, sandbox: SandboxProcess, world: World) -> Bought:
    """What the database says of it, and that its books are the sandbox's."""
    credits = _credits(sandbox)
    async with database.transaction() as db:
        connection = await driver(db)
        spent = {
            row["id"].split(":")[1]: row["spent"]
            for row in await connection.fetch(
                "SELECT id, sum(spent)::bigint AS spent FROM ledger_accounts "
                "WHERE unit = 'credits' AND held = 0 GROUP BY id"
            )
        }
        if spent != credits:
            raise RuntimeError(f"our books say {spent}, the sandbox {credits}")
        rows = await connection.fetch(_VERIFIED)
        null = await connection.fetch(_NULL)
        found = await leads.get_many(db, SEALER, [row["lead_id"] for row in rows])
    reached = sum(
        _delivers(world, world.person(int(lead.external_id or -1)), lead.person.email)
        for lead in found
    )
    return Bought(
        len(world.people),
        len(found),
        reached,
        credits,
        {row["source"]: row["count"] for row in null},
    )


def _query(key: UUID, person: Person) -> PersonQuery:
    company = person.job.company
    return PersonQuery(key, None, person.first_name, person.last_name, company.name, company.domain)


def _verified(told: Sequence[Prospect]) -> Prospect | None:
    return next((each for each in told if each.email_status is EmailStatus.VALID), None)


def _reaches(world: World, person: Person, told: Prospect) -> bool:
    return _delivers(world, person, told.person.email)


def _delivers(world: World, person: Person, email: str | None) -> bool:
    if email is None or world.delivery(email) is not Delivery.DELIVERED:
        return False
    return world.whose(email) == person


def _credits(sandbox: SandboxProcess) -> dict[str, int]:
    return {name: int(sandbox.book(name, each=False)["credits"]) for name in ("uplead", "zoominfo")}


def _null(told: dict[UUID, list[Prospect]], sandbox: SandboxProcess) -> dict[str, int]:
    """Records that are billed but brought no verified address."""
    null: dict[str, int] = {}
    for name in ("uplead", "zoominfo"):
        billed = set(sandbox.book(name)["by_record"])
        good = {
            each.record_id
            for tells in told.values()
            for each in tells
            if each.source == name and each.email_status is EmailStatus.VALID
        }
        null[name] = len(billed - good)
    return null


async def _fresh_database(url: str, seed: int) -> str:
    name = f"leadengine_waterfall_{seed}"
    address = make_url(url)
    plain = address.set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await asyncpg.connect(plain)
    await connection.execute(f"DROP DATABASE IF EXISTS {name}")
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    made = address.set(drivername="postgresql+asyncpg", database=name)
    return made.render_as_string(hide_password=False)


_VERIFIED = """
SELECT DISTINCT f.lead_id FROM lead_facts f JOIN leads l ON l.id = f.lead_id
JOIN enrichment_asks a ON a.lead_id = f.lead_id AND a.source = f.source
  AND a.email_key = l.email_key
WHERE f.field = 'email_status' AND f.value = '"valid"'
"""
_NULL = """
SELECT details->>'source' AS source, count(*) FROM activities
WHERE kind = 'lead.asked' AND (details->>'spent_usd')::float > 0
  AND details->>'email_status' IS DISTINCT FROM 'valid' GROUP BY 1
"""
