"""People fill in forms at the sandbox's LinkedIn: each becomes one lead, told or looked for."""

import json
import time
from collections.abc import AsyncGenerator, Generator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from agents.governor import Governor
from agents.messages import Message, Tick, WebhookReceived, encode
from agents.prospector import Forms, Prospector
from agents.prospector.forms import POLL
from agents.vendors.linkedin import LinkedIn
from scripts.sandbox.process import KEY, SandboxProcess
from scripts.sandbox.settings import Settings
from storage import inbound, mailbox
from storage.database import Database
from storage.inbound import Event
from storage.mailbox import Letter
from tests.agents.source_room import SEALER
from tests.flows.harness import Fleet
from tests.scripted import Clock

OWNERS = ("urn:li:sponsoredAccount:512345", "urn:li:organization:2414183")


@dataclass
class Street:
    """LinkedIn, the prospector and the database."""

    database: Database
    sandbox: SandboxProcess
    adapter: LinkedIn
    clock: Clock = field(default_factory=lambda: Clock(datetime.fromtimestamp(time.time(), UTC)))

    async def tell(self, *messages: Message) -> None:
        async with self.database.transaction() as db:
            letters = [Letter("prospector", each.kind, encode(each)) for each in messages]
            await mailbox.post(db, letters, now=self.clock())
        await Fleet(self.database, self._agents, self.clock).finish()

    def _agents(self) -> list[Prospector]:
        pace = Governor(self.database, "linkedin", requests_per_minute=1e9, clock=self.clock)
        return [Prospector(SEALER, forms=Forms(self.adapter, pace), clock=self.clock)]

    async def notify(self, response_id: str, action: str) -> None:
        told = {"type": "LEAD_ACTION", "leadAction": action, "leadGenFormResponse": response_id}
        event = Event("linkedin", f"{response_id}:{action}", json.dumps(told))
        async with self.database.transaction() as db:
            event_id = await inbound.add(db, SEALER, event, now=self.clock())
        assert event_id is not None
        await self.tell(WebhookReceived("linkedin", event_id))

    async def leads(self) -> dict[str, Any]:
        query = "SELECT external_id, email_key FROM leads WHERE deleted_at IS NULL"
        async with self.database.transaction() as db:
            return {row[0]: row[1] for row in await db.execute(text(query))}


@pytest.fixture(scope="module")
def running() -> Generator[SandboxProcess, None, None]:
    with SandboxProcess(Settings(people=500)) as process:
        yield process


@pytest.fixture
async def street(database: Database, running: SandboxProcess) -> AsyncGenerator[Street, None]:
    running.reset()
    url = running.vendor_urls["linkedin"]
    adapter = LinkedIn(KEY, OWNERS, "202610", base_url=url, timeout=timedelta(seconds=20))
    yield Street(database, running, adapter)
    await adapter.close()


async def test_what_people_submit_becomes_leads_once_and_what_they_delete_is_erased(
    street: Street,
) -> None:
    made = street.sandbox.tell("linkedin", "submit", count=5, notify=False)["responses"]
    ids = [each["id"] for each in made]
    await street.notify(ids[0], "CREATED")
    assert list(await street.leads()) == ids[:1]

    street.clock.pass_(timedelta(minutes=1))
    await street.tell(Tick(POLL, street.clock()))
    street.clock.pass_(timedelta(minutes=5))
    await street.tell(Tick(POLL, street.clock()))

    before = await street.leads()
    assert set(before) == set(ids)
    street.sandbox.tell("linkedin", "delete", ids=[ids[1]], notify=False)
    await street.notify(ids[1], "DELETED")
    assert set(await street.leads()) == set(ids) - {ids[1]}


async def test_a_forged_deletion_erases_nobody(street: Street) -> None:
    (made,) = street.sandbox.tell("linkedin", "submit", count=1, notify=False)["responses"]
    await street.notify(made["id"], "CREATED")

    await street.notify(made["id"], "DELETED")

    assert list(await street.leads()) == [made["id"]]
