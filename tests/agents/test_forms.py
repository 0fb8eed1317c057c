"""Responses to forms: each becomes one lead, whoever tells of it; who is deleted is erased."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

import pytest

from agents.errors import VendorError
from agents.failpoints import Failpoints
from agents.governor import Governor
from agents.messages import Tick, WebhookReceived, encode
from agents.prospector import Forms, Prospector
from agents.prospector.forms import POLL
from policies.lead import LeadDraft, Person
from policies.linkedin_forms import Consent, FormLead, FormPage
from storage import inbound, leads, mailbox, suppressions
from storage.database import Database
from storage.inbound import Event
from storage.mailbox import Letter
from tests.agents.source_room import SEALER, SourceRoom
from tests.conftest import empty_every_table
from tests.flows.harness import Fleet
from tests.scripted import START
from tests.serve.test_webhooks import notification

OWNER = "urn:li:sponsoredAccount:512345"
OTHER = "urn:li:organization:7"


def form_lead(n: int, owner: str = OWNER, at: datetime = START) -> FormLead:
    person = Person(f"Form{n}", "Filler", f"form{n}@firm.eu", notes={"question": "yes"})
    draft = LeadDraft("linkedin", person, external_id=f"response-{n}", company="Firm")
    consents = (Consent(9, given=True, text="Contact me", text_hash="abc"),)
    return FormLead(f"response-{n}", at, "SPONSORED", owner, "urn:form", draft, (), consents)


@dataclass
class FakeForms:
    """Forms with responses, two on a page; ``failures`` are raised in order."""

    responses: list[FormLead]
    name: str = "linkedin"
    owners: tuple[str, ...] = (OWNER, OTHER)
    failures: list[VendorError | None] = field(default_factory=list[VendorError | None])
    asked: list[tuple[str, datetime, datetime]] = field(
        default_factory=list[tuple[str, datetime, datetime]]
    )

    async def import_leads(
        self, owner_urn: str, since: datetime, until: datetime, cursor: str | None = None
    ) -> FormPage:
        self._fail()
        self.asked.append((owner_urn, since, until))
        mine = [
            each
            for each in self.responses
            if each.owner == owner_urn and since <= each.submitted_at < until
        ]
        start = int(cursor or 0)
        following = str(start + 2) if start + 2 < len(mine) else None
        return FormPage(mine[start : start + 2], following)

    async def lead(self, response_id: str) -> FormLead | None:
        self._fail()
        return next((each for each in self.responses if each.response_id == response_id), None)

    def _fail(self) -> None:
        if self.failures and (failure := self.failures.pop(0)) is not None:
            raise failure


@dataclass
class FormRoom(SourceRoom):
    """A database, forms, and what was told of them."""

    forms: FakeForms = field(default_factory=lambda: FakeForms([]))

    def prospector(self) -> Prospector:
        pace = Governor(self.database, "linkedin", requests_per_minute=1e9, clock=self.clock)
        return Prospector(SEALER, forms=Forms(self.forms, pace), clock=self.clock)

    async def notified(self, n: int, action: str = "CREATED") -> None:
        body = notification(leadGenFormResponse=f"urn:li:x:response-{n}", leadAction=action)
        event = Event("linkedin", f"{n}:{action}", body.decode())
        async with self.database.transaction() as db:
            event_id = await inbound.add(db, SEALER, event, now=self.clock())
            assert event_id is not None
            message = WebhookReceived("linkedin", event_id)
            letter = Letter("prospector", message.kind, encode(message))
            await mailbox.post(db, [letter], now=self.clock())

    async def tick(self) -> None:
        message = Tick(POLL, self.clock())
        async with self.database.transaction() as db:
            letter = Letter("prospector", message.kind, encode(message))
            await mailbox.post(db, [letter], now=self.clock())

    async def names(self) -> Sequence[str]:
        rows = await self.rows(
            "SELECT external_id FROM leads WHERE deleted_at IS NULL ORDER BY external_id"
        )
        return [row["external_id"] for row in rows]


async def test_a_notification_becomes_a_lead_with_what_was_consented_to(
    database: Database,
) -> None:
    room = FormRoom(database, [], forms=FakeForms([form_lead(1)]))
    await room.notified(1)

    await room.work()

    assert await room.names() == ["response-1"]
    (told,) = await room.rows("SELECT details FROM activities WHERE kind = 'form.submitted'")
    assert told["details"]["consents"] == [
        {"id": 9, "given": True, "text": "Contact me", "text_hash": "abc"}
    ]
    assert await room.count("messages WHERE kind = 'lead.found'") == 1


@pytest.mark.parametrize(
    "place",
    ["claim.after", "source.before", "source.after", "commit.before", "commit.after"],
)
async def test_a_poll_reads_every_page_of_every_owner_once_wherever_it_crashes(
    database: Database, place: str
) -> None:
    told = [form_lead(n, at=START - timedelta(days=n)) for n in range(1, 6)]
    told += [form_lead(n, OTHER, START - timedelta(hours=n)) for n in range(6, 9)]
    for nth in count(1):
        await empty_every_table(database)
        room = FormRoom(database, [], forms=FakeForms(told))
        await room.tick()
        await room.notified(3)
        failpoints = Failpoints.parse(f"{place}:crash:{nth}")

        await room.work(failpoints)

        assert await room.names() == [f"response-{n}" for n in range(1, 9)]
        assert await room.count("messages WHERE kind = 'lead.found'") == 8
        assert await room.count("activities WHERE kind = 'form.submitted'") == 8
        if failpoints.reached.get(place, 0) < nth:
            return


async def test_the_next_poll_reads_on_with_an_overlap_and_makes_nobody_twice(
    database: Database,
) -> None:
    room = FormRoom(database, [], forms=FakeForms([form_lead(1, at=START)]))
    room.clock.pass_(timedelta(minutes=1))
    await room.tick()
    await room.work()
    began = room.clock()
    room.forms.responses.append(form_lead(2, at=START - timedelta(minutes=10)))
    room.clock.pass_(timedelta(minutes=15))
    await room.tick()

    await room.work()

    assert await room.names() == ["response-1", "response-2"]
    assert room.forms.asked[-1][1] == began - timedelta(hours=1)
    assert await room.count("activities WHERE kind = 'form.submitted'") == 2


async def test_who_was_deleted_at_linkedin_is_erased_here_and_stays_away(
    database: Database,
) -> None:
    forms = FakeForms([form_lead(1), form_lead(2)])
    room = FormRoom(database, [], forms=forms)
    await room.tick()
    room.clock.pass_(timedelta(minutes=1))
    await room.work()
    (gone,) = await room.rows("SELECT id FROM leads WHERE external_id = 'response-1'")
    forms.responses = [form_lead(2)]
    await room.notified(1, "DELETED")
    await room.work()
    forms.responses = [form_lead(1), form_lead(2)]
    await room.notified(1)

    await room.work()

    assert await room.names() == ["response-2"]
    (row,) = await room.rows(
        f"SELECT first_name, email, notes, email_key, phone FROM leads WHERE id = '{gone['id']}'"
    )
    assert set(row.values()) == {None}
    async with database.transaction() as db:
        key = suppressions.value_key(SEALER, suppressions.Kind.EMAIL, "form1@firm.eu")
        assert key is not None
        assert key in await suppressions.find(db, [key])


async def test_a_deletion_that_linkedin_does_not_confirm_erases_nobody(
    database: Database,
) -> None:
    room = FormRoom(database, [], forms=FakeForms([form_lead(1)]))
    await room.notified(1)
    await room.notified(1, "DELETED")

    await room.work()

    assert await room.names() == ["response-1"]


async def test_a_response_that_was_deleted_before_it_was_fetched_is_nobody(
    database: Database,
) -> None:
    room = FormRoom(database, [], forms=FakeForms([]))
    await room.notified(1)

    await room.work()

    assert await room.names() == []
    assert await room.count("dead_letters") == 0


async def test_linkedin_being_away_loses_nothing(database: Database) -> None:
    away = VendorError("linkedin", "it is away", retry_after=timedelta(seconds=5))
    forms = FakeForms([form_lead(1)], failures=[away, away])
    room = FormRoom(database, [], forms=forms)
    await room.notified(1)

    await room.work()

    assert await room.names() == ["response-1"]


async def test_a_lead_that_an_operator_removed_does_not_come_back_with_the_next_poll(
    database: Database,
) -> None:
    room = FormRoom(database, [], forms=FakeForms([form_lead(1)]))
    await room.notified(1)
    await room.work()
    (lead,) = await room.rows("SELECT id FROM leads")
    async with database.transaction() as db:
        await suppressions.bar_lead(
            db,
            SEALER,
            lead["id"],
            reason=suppressions.Reason.DELETED,
            source="test",
            now=START,
        )
        await leads.remove(db, lead["id"], now=START)
    room.clock.pass_(timedelta(minutes=1))
    await room.tick()

    await room.work()

    assert await room.names() == []


async def test_without_linkedin_a_notification_says_what_to_set(database: Database) -> None:
    room = FormRoom(database, [])
    await room.notified(1)
    fleet = Fleet(database, lambda: [Prospector(SEALER)], room.clock)

    await fleet.finish()

    (dead,) = await room.rows("SELECT reason FROM dead_letters")
    assert "LINKEDIN_ACCESS_TOKEN" in dead["reason"]
