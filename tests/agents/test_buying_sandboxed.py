"""Facts bought from the sandbox's UpLead and ZoomInfo, through the real adapters and any fault."""

from collections.abc import AsyncGenerator, Generator
from datetime import timedelta

import pytest

from agents.enricher import Enricher, Seller
from agents.failpoints import Failpoints
from agents.governor import Governor
from agents.messages import LeadFound, encode
from agents.purchases import Purchases
from agents.vendors.uplead import UpLead
from agents.vendors.zoominfo import ZoomInfo
from policies.lead import LeadDraft, Person
from scripts.sandbox.market.world import World
from scripts.sandbox.process import KEY, SandboxProcess
from scripts.sandbox.settings import Conditions, Settings
from storage import leads, mailbox
from storage.database import Database
from storage.mailbox import Letter
from tests.agents.import_room import SEALER, fetch
from tests.flows.harness import Fleet
from tests.scripted import START, Clock

PEOPLE, SEED = 300, 5
LEADS = 60
PRICES = {"uplead": 0.58, "zoominfo": 0.80}
Sources = tuple[UpLead, ZoomInfo]


@pytest.fixture(scope="module")
def running() -> Generator[SandboxProcess, None, None]:
    plenty = Conditions(latency=0.0)
    with SandboxProcess(Settings(seed=SEED, people=PEOPLE, conditions=plenty)) as sandbox:
        yield sandbox


@pytest.fixture
async def sources(running: SandboxProcess) -> AsyncGenerator[Sources, None]:
    running.reset()
    urls = running.vendor_urls
    token = f"{running.url}/zoominfo/oauth2/default/v1/token"
    patience = timedelta(seconds=1)
    made = (
        UpLead(KEY, base_url=urls["uplead"], timeout=patience),
        ZoomInfo(KEY, KEY, base_url=urls["zoominfo"], token_url=token, timeout=patience),
    )
    yield made
    for source in made:
        await source.close()


async def bought(database: Database, sources: Sources, failpoints: str = "") -> Fleet:
    """Buy about the first people of the market, until nothing is left to do."""
    clock = Clock(START)
    drafts = [
        LeadDraft(
            "import",
            Person(each.first_name, each.last_name),
            str(each.id),
            each.job.company.name,
            each.job.company.domain,
        )
        for each in World(SEED, PEOPLE).people[:LEADS]
    ]
    async with database.transaction() as db:
        kept = await leads.keep(db, SEALER, drafts, now=START)
        messages = [LeadFound(each.id) for each in kept]
        letters = [Letter("enricher", m.kind, encode(m)) for m in messages]
        await mailbox.post(db, letters, now=START)

    def enricher() -> Enricher:
        sellers = [Seller(each, _purchases(database, each, clock)) for each in sources]
        return Enricher(SEALER, sellers, clock=clock)

    fleet = Fleet(database, lambda: [enricher()], clock, Failpoints.parse(failpoints))
    await fleet.finish()
    return fleet


def _purchases(database: Database, source: UpLead | ZoomInfo, clock: Clock) -> Purchases:
    governor = Governor(database, source.name, requests_per_minute=10**7, clock=clock)
    return Purchases(
        governor,
        usd_per_credit=PRICES[source.name],
        usd_per_day=1000.0,
        credits_per_month=None,
        clock=clock,
    )


async def books(database: Database, sandbox: SandboxProcess) -> None:
    """Ours are the sandbox's, to the credit and the record, and nothing is held."""
    held = await fetch(database, "SELECT coalesce(sum(held), 0) FROM ledger_accounts")
    assert held == [(0,)]
    for vendor in PRICES:
        theirs = sandbox.book(vendor)["by_record"]
        ours = await fetch(
            database, f"SELECT record_id FROM vendor_records WHERE vendor = '{vendor}'"
        )
        assert {record for (record,) in ours} == set(theirs)
        [(spent,)] = await fetch(
            database,
            "SELECT coalesce(sum(spent), 0) FROM ledger_accounts "
            f"WHERE starts_with(id, 'credits:{vendor}:')",
        )
        assert spent == sum(theirs.values())


async def verified(database: Database) -> int:
    [(count,)] = await fetch(
        database,
        "SELECT count(DISTINCT lead_id) FROM lead_facts "
        "WHERE field = 'email_status' AND value = '\"valid\"'",
    )
    return count


async def test_the_books_are_the_sandboxs(
    database: Database, running: SandboxProcess, sources: Sources
) -> None:
    await bought(database, sources)
    await books(database, running)
    assert await verified(database) > LEADS // 3


@pytest.mark.parametrize("place", ["buy.before", "buy.after", "intent.after", "commit.before"])
async def test_so_they_are_after_any_crash(
    database: Database, running: SandboxProcess, sources: Sources, place: str
) -> None:
    fleet = await bought(database, sources, f"{place}:crash:2")
    assert fleet.crashes == 1
    await books(database, running)
    assert await verified(database) > LEADS // 3


@pytest.mark.parametrize(
    "mode", ["429", "500", "503", "html", "truncated", "disconnect", "act_then_timeout"]
)
async def test_a_fault_loses_no_lead_and_no_credit(
    database: Database, running: SandboxProcess, sources: Sources, mode: str
) -> None:
    for vendor in PRICES:
        running.arm(mode, vendor=vendor, count=3, delay=2.0)
    await bought(database, sources)
    await books(database, running)
    assert await verified(database) > LEADS // 3
    [(handed,)] = await fetch(
        database,
        "SELECT count(DISTINCT body->>'lead_id') FROM messages WHERE recipient = 'scorer'",
    )
    assert handed == LEADS
    dead = await fetch(database, "SELECT count(*) FROM dead_letters")
    assert dead == [(0,)]
