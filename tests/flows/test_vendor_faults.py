"""Every lead vendor under every fault: no lead is lost, nothing is asked for ever or paid twice."""

import asyncio
from collections.abc import Generator, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from agents.vendors.exchange import AWAY
from policies.failure import LONGEST_PAUSE, THRESHOLD
from scripts.sandbox.common import COMMON_MODES
from scripts.sandbox.market.world import World
from scripts.sandbox.process import SandboxProcess
from scripts.sandbox.settings import Settings
from storage.database import Database
from tests.flows.outside import BOUGHT, PRICES, SEARCHED, UNHINDERED, Outside

PEOPLE = 4_000
WANTED = 15
LEADS = 8
ZOOMINFO_TOO = ("token", "lookup")
"""What else ZoomInfo is asked for."""
LONG = frozenset({"429", "429_date", "429_no_header", "slow", "drip", "act_then_timeout"})
"""Faults that take a while each."""
UNDER_WAY = 0.5
"""Seconds in which other calls may have begun before a refusal was heard of by everybody."""
TOLERANCE = 0.05
TRIAL_PAGE = 10
"""People on the first page of a search for `WANTED`."""


@pytest.fixture(scope="module")
def running() -> Generator[SandboxProcess, None, None]:
    with SandboxProcess(Settings(people=PEOPLE)) as process:
        yield process


@pytest.fixture(scope="module")
def world() -> World:
    return World(0, PEOPLE)


@pytest.fixture
def outside(database: Database, running: SandboxProcess, world: World) -> Outside:
    running.reset()
    for vendor, conditions in UNHINDERED.items():
        running.set(vendor, **conditions)
    return Outside(database=database, sandbox=running, world=world)


def operations(vendor: str) -> list[str]:
    more = ZOOMINFO_TOO if vendor == "zoominfo" else ()
    return [*more, SEARCHED[vendor], BOUGHT[vendor]]


CURED = [(vendor, mode) for vendor in ("uplead", "zoominfo") for mode in sorted(COMMON_MODES)]


@pytest.mark.parametrize(("vendor", "mode"), [*CURED, ("zoominfo", "token_expired")])
async def test_a_fault_that_passes_costs_no_lead_and_no_credit(
    outside: Outside, vendor: str, mode: str
) -> None:
    outside.vendors = [vendor]
    count = 1 if mode in LONG or vendor == "zoominfo" else 2
    for operation in operations(vendor):
        outside.sandbox.arm(
            mode, vendor=vendor, operation=operation, count=count, delay=0.6, retry_after=0.5
        )
    async with outside.at_work():
        bought = await outside.buy(vendor, LEADS)
        search_id = await outside.find(WANTED)
        await outside.finish()

    found = await outside.search(search_id)
    assert (found.status, found.found) == ("done", WANTED)
    assert await outside.rows("SELECT count(*)::int FROM leads") == [(WANTED + LEADS,)]
    emails = {lead_id: (await outside.lead(lead_id)).person.email for lead_id in bought}
    assert emails == {lead_id: record.email for lead_id, record in bought.items()}
    assert len(await outside.handed_on()) == WANTED + LEADS
    await outside.nothing_is_wrong()
    await outside.the_books_agree()
    book = outside.sandbox.book(vendor)
    hit = [entry for entry in book["log"] if entry.get("fault") == mode]
    assert {e["operation"] for e in hit} >= set(operations(vendor)) - {"token"}
    assert sum(book["pages"].values()) - len(book["pages"]) <= len(hit)
    assert len(book["log"]) <= 30
    waited_as_told(book["log"])


LASTING = [
    ("uplead", "no_credit", "the account is out of credit: uplead"),
    ("uplead", "no_credit_402", "the account is out of credit: uplead"),
    ("uplead", "token_invalid", "no source can be asked: uplead"),
    ("uplead", "token_expired", "no source can be asked: uplead"),
    ("zoominfo", "no_credit", "the account is out of credit: zoominfo"),
    ("zoominfo", "no_credit_row", "the account is out of credit: zoominfo"),
    ("zoominfo", "token_invalid", "no source can be asked: zoominfo"),
    ("zoominfo", "client_invalid", "no source can be asked: zoominfo"),
]


@pytest.mark.parametrize(("vendor", "mode", "reason"), LASTING)
async def test_a_fault_that_lasts_ends_the_search_in_plain_words_and_keeps_every_lead(
    outside: Outside, vendor: str, mode: str, reason: str
) -> None:
    outside.vendors = [vendor]
    outside.sandbox.arm(mode, vendor=vendor, count=1_000)
    async with outside.at_work():
        search_id = await outside.find(WANTED)
        bought = await outside.buy(vendor, LEADS)
        await outside.until(lambda: ended(outside, [search_id]))
        await outside.until(lambda: outside.are_handed_on(bought))
        asked = len(outside.log(vendor))
        for _ in range(2):
            await outside.pass_(timedelta(hours=2))
        asked_since = len(outside.log(vendor)) - asked
        outside.sandbox.clear(vendor)
        await outside.finish()

    found = await outside.search(search_id)
    assert (found.status, found.reason) == ("exhausted", reason)
    assert outside.sandbox.book(vendor)["credits"] == LEADS
    emails = {lead_id: (await outside.lead(lead_id)).person.email for lead_id in bought}
    assert emails == {lead_id: record.email for lead_id, record in bought.items()}
    assert asked <= 3 * LEADS
    assert asked_since <= 3 * LEADS
    await outside.nothing_is_wrong()
    await outside.the_books_agree()


async def test_one_vendor_that_refuses_us_leaves_the_work_to_the_other(outside: Outside) -> None:
    outside.sandbox.arm("token_invalid", vendor="uplead")
    async with outside.at_work():
        search_id = await outside.find(WANTED)
        await outside.until(lambda: ended(outside, [search_id]))
        bought = await outside.buy("zoominfo", LEADS)
        await outside.until(lambda: outside.are_handed_on(bought))
        outside.sandbox.clear("uplead")
        await outside.finish()

    found = await outside.search(search_id)
    assert (found.status, found.found) == ("done", WANTED)
    refused = found.of("uplead")
    assert refused is not None
    assert "check UPLEAD_API_KEY" in (refused.last_problem or "")
    emails = {lead_id: (await outside.lead(lead_id)).person.email for lead_id in bought}
    assert emails == {lead_id: record.email for lead_id, record in bought.items()}
    await outside.nothing_is_wrong()
    await outside.the_books_agree()


@pytest.mark.parametrize("mode", ["429", "429_date"])
async def test_two_workers_keep_to_retry_after_with_everything_they_ask(
    outside: Outside, mode: str
) -> None:
    outside.vendors = ["uplead"]
    outside.sandbox.arm(mode, vendor="uplead", count=3, retry_after=2.0)
    async with outside.at_work(each=2):
        searches = [await outside.find(5) for _ in range(3)]
        await outside.buy("uplead", 4)
        await outside.until(lambda: ended(outside, searches))

    log = outside.log("uplead")
    told = [entry for entry in log if "retry_after" in entry]
    assert len(told) == 3
    assert all(entry["retry_after"] >= 2.0 for entry in told)
    waited_as_told(log)
    overview = await outside.overview("uplead")
    assert overview.throttled >= 3
    assert overview.open_until is None


async def ended(outside: Outside, searches: Sequence[UUID]) -> bool:
    return not any([(await outside.search(each)).running for each in searches])


async def test_the_breaker_opens_lets_one_probe_through_and_closes(outside: Outside) -> None:
    vendor, latency = "uplead", 0.3
    outside.vendors = [vendor]
    outside.sandbox.set(vendor, latency=latency)
    outside.timeout = timedelta(seconds=2)
    outside.sandbox.arm("503", vendor=vendor)
    async with outside.at_work(each=2):
        searches = [await outside.find(5) for _ in range(3)]
        bought = await outside.buy(vendor, 20)
        await outside.until(lambda: is_open(outside, vendor), as_it_is=True)
        await asyncio.sleep(1.0)
        burst, seen = outside.log(vendor), await outside.overview(vendor)
        assert seen.open_until is not None
        left = (seen.open_until - outside.clock()).total_seconds()
        assert 2 < left <= AWAY.total_seconds(), "calls that were under way count once"
        assert seen.failures >= THRESHOLD
        assert "status 503" in (seen.last_problem or "")
        outside.clock.leave_out(timedelta(seconds=left - 2))
        await asyncio.sleep(1.5)
        assert outside.log(vendor) == burst, "nobody asks while it is open"
        outside.sandbox.clear(vendor)
        await outside.until(lambda: is_closed(outside, vendor), as_it_is=True)
        await outside.finish()

    since = outside.log(vendor)[len(burst) :]
    probe, *others = since
    assert probe["status"] == 200
    assert others[0]["at"] >= probe["at"] + latency, "one probe, and the others wait for it"
    assert [(await outside.search(each)).status for each in searches] == ["done"] * 3
    emails = {lead_id: (await outside.lead(lead_id)).person.email for lead_id in bought}
    assert emails == {lead_id: record.email for lead_id, record in bought.items()}
    assert (await outside.overview(vendor)).open_until is None
    await outside.nothing_is_wrong()
    await outside.the_books_agree()


async def is_open(outside: Outside, vendor: str) -> bool:
    return (await outside.breaker(vendor)).get("open_until") is not None


async def is_closed(outside: Outside, vendor: str) -> bool:
    return not await is_open(outside, vendor)


@pytest.mark.slow
async def test_a_vendor_that_stays_away_is_asked_ever_more_seldom_and_given_up(
    outside: Outside,
) -> None:
    outside.vendors = ["uplead"]
    outside.sandbox.arm("503", vendor="uplead")
    async with outside.at_work():
        search_id = await outside.find(WANTED)
        bought = await outside.buy("uplead", LEADS)
        asked = [await asked_within(outside, timedelta(hours=1)) for _ in range(2)]
        outside.clock.leave_out(timedelta(hours=22))
        await outside.finish()
        found = await outside.search(search_id)
        assert (found.status, found.reason) == ("exhausted", "no source can be asked: uplead")
        assert await outside.are_handed_on(bought)
        outside.sandbox.clear("uplead")
        await outside.pass_(LONGEST_PAUSE)
        for again in (list(bought)[:1], list(bought)[1:]):  # the first one is the breaker's probe
            await outside.buy_again(again)
            await outside.finish()

    assert asked[1] < asked[0] <= 30
    assert asked[1] <= 60 / 5 + 1
    emails = {lead_id: (await outside.lead(lead_id)).person.email for lead_id in bought}
    assert emails == {lead_id: record.email for lead_id, record in bought.items()}
    await outside.nothing_is_wrong()
    await outside.the_books_agree(held=TRIAL_PAGE)


async def asked_within(outside: Outside, time: timedelta) -> int:
    before = len(outside.log("uplead"))
    await outside.pass_(time)
    return len(outside.log("uplead")) - before


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow)])
async def test_two_workers_of_each_role_in_a_storm_count_every_record_once(
    outside: Outside, seed: int
) -> None:
    for vendor in PRICES:
        for mode in ("500", "act_then_timeout", "truncated", "disconnect"):
            outside.sandbox.arm(mode, vendor=vendor, share=0.06, delay=0.1)
    async with outside.at_work(each=2):
        searches = [await outside.find(15) for _ in range(3)]
        bought = await outside.buy("uplead", 10, after=40 * seed)
        bought |= await outside.buy("zoominfo", 10, after=40 * seed)
        await outside.finish()

    found = [await outside.search(each) for each in searches]
    assert [each.status for each in found] == ["done"] * 3
    made = await outside.rows("SELECT count(*)::int FROM leads WHERE source <> 'import'")
    assert made == [(sum(each.found for each in found),)] == [(45,)]
    assert await outside.are_handed_on(bought)
    assert await outside.rows("SELECT 1 FROM enrichment_asks WHERE call_id IS NOT NULL") == []
    await outside.nothing_is_wrong()
    await outside.the_books_agree()
    assert any(e.get("fault") for vendor in PRICES for e in outside.log(vendor))


def waited_as_told(log: Sequence[dict[str, Any]], *, under_way: float = UNDER_WAY) -> None:
    """No request came earlier than a ``Retry-After`` before it allows."""
    for place, entry in enumerate(log):
        if "retry_after" not in entry:
            continue
        told, until = entry["at"] + under_way, entry["at"] + entry["retry_after"] - TOLERANCE
        early = [each for each in log[place + 1 :] if told < each["at"] < until]
        assert early == [], entry
