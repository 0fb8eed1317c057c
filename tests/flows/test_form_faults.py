"""LinkedIn's forms under every fault: every response becomes one lead, and nobody gives up."""

from collections.abc import Generator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

import pytest

from agents.agent import Agent
from agents.messages import Tick, WebhookReceived
from agents.prospector import Forms, Prospector
from agents.prospector.forms import POLL
from agents.vendors.linkedin import LinkedIn
from scripts.sandbox.common import COMMON_MODES
from scripts.sandbox.process import KEY, SandboxProcess
from scripts.sandbox.settings import Settings
from storage import inbound
from storage.database import Database
from storage.inbound import Event
from tests.agents.source_room import SEALER
from tests.flows.stage import Stage
from tests.serve.test_webhooks import notification

VENDOR = "linkedin"
OWNER = "urn:li:sponsoredAccount:512345"
FILLED = 12


@dataclass(slots=True, kw_only=True)
class Desk(Stage):
    """A prospector that reads forms."""

    roles: ClassVar[Sequence[str]] = ("prospector",)
    vendors: Sequence[str] = (VENDOR,)

    def agents(self, number: int, closing: AsyncExitStack) -> Sequence[Agent]:
        governor = self.governor(VENDOR, closing)
        url = self.sandbox.vendor_urls[VENDOR]
        patience = timedelta(seconds=0.5)
        adapter = LinkedIn(
            KEY, [OWNER], "202610", base_url=url, timeout=patience, heard=governor.heard
        )
        closing.push_async_callback(adapter.close)
        return [Prospector(SEALER, forms=Forms(adapter, governor), clock=self.clock)]

    async def come_round(self, times: int = 1) -> None:
        """Let the schedule come round, five minutes apart."""
        for _ in range(times):
            await self.post("prospector", [Tick(POLL, self.clock())])
            await self.pass_(timedelta(minutes=5))

    def fill_in(self, count: int = FILLED) -> set[str]:
        """Have people fill in forms; the ids of their responses."""
        told = self.sandbox.tell(VENDOR, "submit", count=count, notify=False)
        return {one["id"] for one in told["responses"]}

    async def notify(self, response_id: str) -> None:
        """Tell of a deletion, as LinkedIn's webhook does."""
        body = notification(
            leadGenFormResponse=f"urn:li:leadGenFormResponse:{response_id}", leadAction="DELETED"
        )
        event = Event(VENDOR, response_id, body.decode())
        async with self.database.transaction() as db:
            event_id = await inbound.add(db, SEALER, event, now=self.clock())
        assert event_id is not None
        await self.post("prospector", [WebhookReceived(VENDOR, event_id)])

    async def found(self) -> list[str]:
        return [
            one
            for (one,) in await self.rows(
                "SELECT external_id FROM leads WHERE deleted_at IS NULL ORDER BY 1"
            )
        ]


@pytest.fixture(scope="module")
def running() -> Generator[SandboxProcess, None, None]:
    with SandboxProcess(Settings(people=300)) as process:
        yield process


@pytest.fixture
def desk(database: Database, running: SandboxProcess) -> Desk:
    running.reset()
    running.set(VENDOR, latency=0.01)
    return Desk(database=database, sandbox=running)


@pytest.mark.parametrize("mode", sorted(COMMON_MODES | {"token_expired"}))
async def test_a_fault_that_passes_loses_no_response(desk: Desk, mode: str) -> None:
    filled = desk.fill_in()
    for operation in ("leadForms", "leadFormResponses"):
        desk.sandbox.arm(
            mode, vendor=VENDOR, operation=operation, count=2, delay=0.6, retry_after=0.5
        )
    async with desk.at_work():
        await desk.come_round(times=3)
        filled |= desk.fill_in()
        await desk.come_round(times=3)
    assert await desk.found() == sorted(filled)
    await desk.nothing_is_wrong()
    assert len(desk.log(VENDOR)) <= 30


@pytest.mark.parametrize("mode", ["503", "token_invalid", "denied"])
async def test_a_fault_that_lasts_ends_with_the_fault(desk: Desk, mode: str) -> None:
    filled = desk.fill_in()
    desk.sandbox.arm(mode, vendor=VENDOR, count=1_000)
    async with desk.at_work():
        await desk.come_round(times=6)
        assert len(desk.log(VENDOR)) <= 40
        seen = await desk.overview(VENDOR)
        desk.sandbox.clear(VENDOR)
        await desk.come_round(times=3)
    assert seen.last_problem is not None
    assert await desk.found() == sorted(filled)
    await desk.nothing_is_wrong()


@pytest.mark.parametrize("mode", ["503", "token_invalid"])
async def test_a_deletion_told_during_a_long_outage_is_carried_out_after_it(
    desk: Desk, mode: str
) -> None:
    [gone, stays] = sorted(desk.fill_in(2))
    async with desk.at_work():
        await desk.come_round()
        desk.sandbox.tell(VENDOR, "delete", ids=[gone], notify=False)
        desk.sandbox.arm(mode, vendor=VENDOR, count=1_000)
        await desk.notify(gone)
        await desk.pass_(timedelta(hours=2))
        assert len(desk.log(VENDOR)) <= 50
        desk.sandbox.clear(VENDOR)
        await desk.pass_(timedelta(minutes=20))
    assert await desk.found() == [stays]
    await desk.nothing_is_wrong()
