"""Leads in the sandbox's Salesforce through the real adapter, with crashes and faults at random.

The sandbox keeps its own account: which external id was created how often, and every call.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, Generator
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

import pytest

from agents.agent import Agent
from agents.crm_syncer import CrmSyncer, SyncOptions
from agents.failpoints import Failpoints
from agents.governor import Governor
from agents.messages import CheckCrm
from agents.runtime import Worker, WorkerOptions
from agents.vendors.salesforce import Salesforce
from agents.vendors.salesforce.credentials import credentials
from policies.crm_outbound import ACKNOWLEDGED, parse_message
from policies.lead import LeadId
from scripts.sandbox.process import SandboxProcess
from scripts.sandbox.salesforce.steer import OrgControl
from storage import crm, vendor_states
from storage.database import Database
from storage.mailbox import Mailbox
from storage.sealing import Sealer
from tests.agents.crm_room import Room
from tests.flows.harness import Fleet

VENDOR = "salesforce"
MODES = ("500", "503", "html", "truncated", "disconnect", "act_then_timeout", "token_expired")
PLACES = ("claim.after", "intent.after", "crm.before", "crm.after", "commit.before")
MAPPING = [
    {"to": "LastName", "from": "person.last_name", "default": "Unknown"},
    {"to": "FirstName", "from": "person.first_name"},
    {"to": "Company", "from": "company"},
    {"to": "Email", "from": "person.email"},
    {"to": "LeadEngine_Score__c", "from": "score"},
]


class WideFleet(Fleet):
    """A fleet whose workers claim as much as one call takes."""

    def _worker(self, agent: Agent) -> Worker:
        mailbox = Mailbox(self.database.url, agent.role, f"{agent.role}:0", virtual=True)
        return Worker(
            agent,
            self.database,
            mailbox,
            self.clock,
            lambda: 0.5,
            options=WorkerOptions(claim=200),
            failpoints=self.failpoints,
            virtual=True,
        )


@dataclass(slots=True)
class Rehearsal(Room):
    """A syncer with the real adapter."""

    adapter: Salesforce | None = None
    chance: Random = field(default_factory=lambda: Random(7))
    crashes: int = 0

    def syncer(self) -> Agent:
        assert self.adapter is not None
        governor = Governor(self.database, VENDOR, requests_per_minute=600_000, clock=self.clock)
        return CrmSyncer(self.sealer, self.adapter, governor, self.clock, self.options)

    async def work(self, **options: object) -> Fleet:
        """Work until nothing is left."""
        failpoints = options.get("failpoints", Failpoints())
        assert isinstance(failpoints, Failpoints)
        fleet = WideFleet(self.database, lambda: [self.syncer()], self.clock, failpoints)
        await fleet.finish()
        self.crashes += fleet.crashes
        return fleet

    def somewhere(self) -> Failpoints:
        """A place to crash at, at random."""
        places = self.chance.sample(PLACES, 3)
        named = (f"{place}:crash:{self.chance.randint(1, 6)}" for place in places)
        return Failpoints.parse(",".join(named))

    async def until_done(self, sandbox: SandboxProcess, ids: list[LeadId]) -> None:
        """Let the schedule come round, through crashes and faults, until everybody is there."""
        for _ in range(12):
            for mode in self.chance.sample(MODES, 3):
                sandbox.arm(mode, vendor=VENDOR, share=0.1, delay=0.0)
            await self.tick("crm.sync", failpoints=self.somewhere())
            sandbox.clear(VENDOR)
            self.clock.pass_(timedelta(minutes=10))
            states = await self.states()
            if states.get("synced", 0) + states.get("quarantined", 0) == len(ids):
                return
        raise AssertionError(f"they never got there: {await self.states()}")


@pytest.fixture(scope="module")
def sandbox() -> Generator[SandboxProcess, None, None]:
    with SandboxProcess() as process:
        yield process


@pytest.fixture
def org(sandbox: SandboxProcess) -> Generator[OrgControl, None, None]:
    sandbox.reset()
    control = OrgControl(sandbox.url)
    control.calm()
    yield control
    control.close()


@pytest.fixture
async def room(
    database: Database, sealer: Sealer, sandbox: SandboxProcess, org: OrgControl
) -> AsyncGenerator[Rehearsal]:
    adapter = Salesforce(
        credentials(
            domain="leadengine-sandbox.my",
            consumer_key="sandbox-key",
            consumer_secret="sandbox-secret",
            version="62.0",
        ),
        base_url=sandbox.vendor_urls[VENDOR],
        timeout=timedelta(seconds=20),
    )
    room = Rehearsal(database, sealer, options=SyncOptions(bulk_from=1_000), adapter=adapter)
    await room.open(fields=MAPPING)
    yield room
    await adapter.close_connections()


async def rehearse(room: Rehearsal, sandbox: SandboxProcess, org: OrgControl, count: int) -> None:
    """Sync ``count`` leads, change them, sync again; convert some, delete some."""
    good = await room.scored(count - 5)
    poisoned = await room.scored(5, first=count, company="Poison")
    ids = [*good, *poisoned]
    org.set(lock_share=0.01)
    await room.tell(CheckCrm())
    await room.work()
    before = org.book(each=False)["api_calls"]
    await room.until_done(sandbox, ids)

    room.clock.pass_(timedelta(minutes=1))
    await room.rescored(ids, 88)
    await room.until_done(sandbox, ids)
    calls = org.book(each=False)["api_calls"] - before
    told = org.book(each=False)["calls"]
    assert room.crashes >= 4
    most = 2 * count / (150 if count >= 5_000 else 75)
    assert calls <= most, str(told)

    book = org.book()
    assert book["records"]["Lead"] == len(good), "exactly those, and none twice"
    assert book["created_twice"] == 0
    assert set(book["by_external_id"]) == {str(each) for each in good}
    links = await room.links()
    aside = {each for each, link in links.items() if link.state == "quarantined"}
    assert aside == set(poisoned)
    scores = {each.get("LeadEngine_Score__c") async for each in _records(room)}
    assert scores == {88.0}
    await _taken_back(room, org, good)


async def _taken_back(room: Rehearsal, org: OrgControl, good: list[LeadId]) -> None:
    """Conversions come back within one poll, deletions go there, and nothing differs."""
    org.set(lock_share=0.0)
    converted = [str(each) for each in good[:20]]
    assert org.act("convert", external_ids=converted)["done"] == len(converted)
    await room.tick("crm.poll")
    outcomes = await room.rows("SELECT id FROM leads WHERE outcome AND status = 'converted'")
    assert {str(row["id"]) for row in outcomes} == set(converted)

    await room.remove(good[30])
    room.clock.pass_(timedelta(minutes=1))
    await room.tick("crm.sync")
    assert org.book()["records"]["Lead"] == len(good) - 1
    await room.tick("crm.drift")
    found = await room.rows("SELECT field, why FROM crm_drift WHERE why <> 'not_sent_yet'")
    assert found == []


async def _records(room: Rehearsal) -> AsyncGenerator[dict[str, object]]:
    assert room.adapter is not None
    soql = "SELECT Id, LeadEngine_Score__c FROM Lead WHERE LeadEngine_Id__c != null"
    async for record in room.adapter.query(soql):
        yield dict(record)


async def test_1500_leads_are_there_once_through_crashes_and_faults(
    room: Rehearsal, sandbox: SandboxProcess, org: OrgControl
) -> None:
    await rehearse(room, sandbox, org, 1_500)


@pytest.mark.slow
async def test_5000_leads_are_there_once_through_crashes_and_faults(
    room: Rehearsal, sandbox: SandboxProcess, org: OrgControl
) -> None:
    await rehearse(room, sandbox, org, 5_000)


async def test_a_bulk_job_costs_less_than_a_call_for_150_records(
    room: Rehearsal, org: OrgControl
) -> None:
    await room.scored(1_500)
    await room.tell(CheckCrm())
    await room.work()
    before = org.book(each=False)["api_calls"]
    await room.tick("crm.sync")

    assert org.book(each=False)["records"]["Lead"] == 1_500
    assert org.book(each=False)["api_calls"] - before <= 1_500 / 150


async def test_600_leads_go_by_collections_of_200(room: Rehearsal, org: OrgControl) -> None:
    ids = await room.scored(600)
    await room.tell(CheckCrm())
    await room.work()
    before = org.book(each=False)["api_calls"]
    await room.tick("crm.sync")
    assert org.book(each=False)["api_calls"] - before == 3
    assert set(org.book()["by_external_id"]) == {str(each) for each in ids}


async def test_duplicates_of_sales_people_are_merged(room: Rehearsal, org: OrgControl) -> None:
    org.set(duplicate_rule="alert")
    made = org.act(
        "create", fields={"LastName": "B", "Company": "F", "Email": "ada0@firm0.example"}
    )
    ids = await room.scored(2)
    await room.tick("crm.sync")

    links = await room.links()
    assert links[ids[0]].crm_id == made["ids"][0]
    assert org.book()["records"]["Lead"] == 2


@pytest.mark.parametrize("mode", [*MODES, "concurrent", "limit_exceeded", "token_invalid"])
async def test_a_fault_of_any_kind_loses_nobody_and_ends(
    room: Rehearsal, sandbox: SandboxProcess, org: OrgControl, mode: str
) -> None:
    ids = await room.scored(30)
    await room.tell(CheckCrm())
    await room.work()
    # What is used up comes back by the hour.
    times = 1 if mode == "limit_exceeded" else 7
    sandbox.arm(mode, vendor=VENDOR, count=times, delay=0.0)
    for _ in range(8):
        await room.tick("crm.sync")
        room.clock.pass_(timedelta(minutes=6))

    assert await room.states() == {"synced": len(ids)}
    assert set(org.book()["by_external_id"].values()) == {1}
    assert org.book(each=False)["requests"] < 40, "nobody hammers what is broken"
    async with room.database.transaction() as db:
        state = await vendor_states.of(db, VENDOR)
        assert state is not None
        assert state["breaker"]["open_until"] is None
        assert (await crm.state(db)).problem is None


async def test_what_the_org_tells_is_read_and_its_acknowledgement_is_what_it_waits_for(
    room: Rehearsal, org: OrgControl
) -> None:
    told: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(re.findall(rb"(?i)content-length: (\d+)", head)[0])
        told.append(await reader.readexactly(length))
        body = ACKNOWLEDGED.encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nConnection: close\r\n")
        writer.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        ids = await room.scored(3)
        await room.tick("crm.sync")
        await asyncio.to_thread(org.tell, f"http://127.0.0.1:{port}/webhooks/salesforce/x")
        await asyncio.to_thread(org.act, "convert", external_ids=[str(ids[0])])
        for _ in range(100):
            if told and not await asyncio.to_thread(org.waiting):
                break
            await asyncio.sleep(0.05)
    assert await asyncio.to_thread(org.waiting) == 0
    links = await room.links()
    named = {each.record_id for body in told for each in parse_message(body).notifications}
    assert links[ids[0]].crm_id in named
    assert room.adapter is not None
    account = await room.adapter.who()
    assert {parse_message(body).organization_id for body in told} == {account.organization_id}
