"""Salesforce under every fault: every lead becomes exactly one record, and changes reach it."""

from collections.abc import Generator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar

import pytest

from agents.agent import Agent
from agents.crm_syncer import CrmSyncer, SyncOptions
from agents.messages import CheckCrm, SyncLead, Tick
from agents.runtime import WorkerOptions
from agents.vendors.salesforce import Salesforce
from agents.vendors.salesforce.credentials import credentials
from policies.lead import LeadId
from scripts.sandbox.process import SandboxProcess
from scripts.sandbox.salesforce import mishaps
from scripts.sandbox.salesforce.conditions import OrgConditions
from storage.database import Database
from storage.sealing import Sealer
from tests.agents.crm_room import KEY, Room
from tests.flows.stage import Stage

VENDOR = "salesforce"
LEADS = 60
STEPS = ("job_create", "job_upload", "job_close", "job_poll", "job_results")
"""Calls of a bulk job, as the sandbox names them."""
MAPPING = [
    {"to": "LastName", "from": "person.last_name", "default": "Unknown"},
    {"to": "Company", "from": "company"},
    {"to": "Email", "from": "person.email"},
    {"to": "LeadEngine_Score__c", "from": "score"},
]


@dataclass(slots=True, kw_only=True)
class Office(Stage):
    """A syncer at work, and the org that it writes to."""

    roles: ClassVar[Sequence[str]] = ("crm_syncer",)
    options: ClassVar[WorkerOptions] = WorkerOptions(concurrency=2, claim=400)
    sealer: Sealer
    vendors: Sequence[str] = (VENDOR,)
    how: SyncOptions = field(default_factory=SyncOptions)

    @property
    def room(self) -> Room:
        """Where leads come from."""
        return Room(self.database, self.sealer, self.clock)  # pyright: ignore[reportArgumentType]

    def agents(self, number: int, closing: AsyncExitStack) -> Sequence[Agent]:
        adapter = self.adapter()
        closing.push_async_callback(adapter.close_connections)
        governor = self.governor(VENDOR, closing)
        return [CrmSyncer(self.sealer, adapter, governor, self.clock, self.how)]

    def adapter(self) -> Salesforce:
        return Salesforce(
            credentials(
                domain="leadengine-sandbox.my",
                consumer_key="sandbox-key",
                consumer_secret="sandbox-secret",
                version="62.0",
            ),
            base_url=self.sandbox.vendor_urls[VENDOR],
            timeout=timedelta(seconds=0.5),
        )

    async def come_round(self, times: int = 1) -> None:
        """Let the schedule come round, ten minutes apart, until everything is done."""
        for _ in range(times):
            await self.post("crm_syncer", [Tick("crm.sync", self.clock())])
            await self.pass_(timedelta(minutes=10))

    async def in_step(self, *, times: int) -> None:
        """Let the schedule come round until every lead is where it belongs."""
        for _ in range(times):
            await self.come_round()
            if await self.room.states() == {"synced": LEADS}:
                return
        raise AssertionError(f"they never got there: {await self.room.states()}")

    async def records(self) -> dict[str, Any]:
        """The score of every record in the org, by our name of its lead."""
        adapter = self.adapter()
        soql = f"SELECT {KEY}, LeadEngine_Score__c FROM Lead"
        found = [(r[KEY], r["LeadEngine_Score__c"]) async for r in adapter.query(soql)]
        await adapter.close_connections()
        assert len(found) == len(dict(found))
        return dict(found)


@pytest.fixture(scope="module")
def running() -> Generator[SandboxProcess, None, None]:
    with SandboxProcess() as process:
        yield process


@pytest.fixture
async def office(database: Database, running: SandboxProcess, sealer: Sealer) -> Office:
    running.reset()
    running.set(VENDOR, **OrgConditions().model_dump())
    office = Office(database=database, sandbox=running, sealer=sealer)
    await office.room.open(fields=MAPPING)
    return office


async def all_is_well(office: Office, ids: Sequence[LeadId], score: int) -> None:
    """Every lead is one record, with its score, made once; nothing is dead."""
    office.sandbox.clear(VENDOR)
    assert await office.records() == {str(lead_id): score for lead_id in ids}
    book = office.sandbox.book(VENDOR)
    assert (book["records"]["Lead"], book["created_twice"]) == (len(ids), 0)
    await office.nothing_is_wrong(but=["a lead has its score from a scoring result"])


MODES = sorted(mishaps.TURNED_AWAY | mishaps.DONE)


@pytest.mark.parametrize("mode", MODES)
async def test_a_fault_that_passes_costs_no_lead_and_makes_no_record_twice(
    office: Office, mode: str
) -> None:
    async with office.at_work():
        ids = await office.room.scored(LEADS)
        office.sandbox.arm(mode, vendor=VENDOR, operation="collections", count=2, delay=0.6)
        await office.in_step(times=14)
        await office.room.rescored(ids, 90)
        office.sandbox.arm(mode, vendor=VENDOR, count=2, delay=0.6)
        await office.in_step(times=14)
        await all_is_well(office, ids, 90)
    assert len(office.log(VENDOR)) <= 30


@pytest.mark.parametrize("mode", ["500", "truncated", "act_then_timeout", "html"])
async def test_a_bulk_job_survives_a_fault_at_every_step(office: Office, mode: str) -> None:
    office.how = SyncOptions(bulk_from=LEADS // 2)
    async with office.at_work():
        await office.post("crm_syncer", [CheckCrm()])
        await office.finish()
        ids = await office.room.scored(LEADS)
        for operation in STEPS:
            office.sandbox.arm(mode, vendor=VENDOR, operation=operation, count=1, delay=0.6)
        await office.in_step(times=8)
        await all_is_well(office, ids, 70)
    log = office.log(VENDOR)
    hit = {entry["operation"] for entry in log if entry.get("fault") == mode}
    assert hit == set(STEPS)
    assert len(log) <= 30


@pytest.mark.parametrize("mode", ["503", "html", "limit_exceeded", "token_invalid"])
async def test_a_fault_that_lasts_is_met_with_ever_fewer_calls_and_then_all_is_done(
    office: Office, mode: str
) -> None:
    async with office.at_work():
        ids = await office.room.scored(LEADS)
        await office.in_step(times=1)
        await office.room.rescored(ids, 90)
        office.sandbox.arm(mode, vendor=VENDOR)
        before = len(office.log(VENDOR))
        await office.come_round(times=6)
        asked = len(office.log(VENDOR)) - before
        seen = await office.overview(VENDOR)
        office.sandbox.clear(VENDOR)
        await office.in_step(times=12)
        await all_is_well(office, ids, 90)
    assert 1 <= asked <= 40
    assert seen.last_problem is not None
    assert (seen.open_until is None) == (mode == "limit_exceeded"), "the breaker is open to see"


async def test_two_syncers_in_a_storm_make_every_record_once(office: Office) -> None:
    async with office.at_work(each=2):
        ids = await office.room.scored(LEADS)
        await office.post("crm_syncer", [SyncLead(each) for each in ids])
        for mode in ("500", "act_then_timeout", "truncated", "disconnect"):
            office.sandbox.arm(mode, vendor=VENDOR, share=0.06, delay=0.1)
        await office.in_step(times=14)
        await all_is_well(office, ids, 70)
