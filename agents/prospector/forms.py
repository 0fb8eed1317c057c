"""Responses to our forms at LinkedIn: told by webhook, and looked for by the clock.

A notification holds no answers, and anybody could send one: the response is always fetched with
our own token. So a response becomes a lead only if LinkedIn has it, and a person is erased only if
LinkedIn has it no more. The same response may be told of many times; it is known by its id.

What people submit is theirs to give: suppressions of others' making do not bar it, only that of the
very response. A tick reads one page a turn and posts itself until every owner's forms are read.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from agents.agent import Done, Outcome, Refuse, Snooze, Turn
from agents.errors import AnswerError, VendorError
from agents.governor import Closed, Governor
from agents.messages import LeadFound, Tick
from agents.prospector.files import ROLE
from policies.lead import LeadDraft
from policies.linkedin_forms import SOURCE, FormLead, FormPage, poll_window
from policies.linkedin_webhook import Action, NotificationError, parse_notification
from policies.person_keys import person_keys
from storage import activities, erasing, inbound, lead_sources, leads, source_accounts, suppressions
from storage.activities import Activity
from storage.database import Connection
from storage.lead_sources import Keys, Record
from storage.sealing import Sealer
from storage.source_accounts import Seen
from storage.suppressions import LINKEDIN_NOTE, Reason

POLL = "linkedin.poll"
"""The schedule by which new responses are looked for."""
MISCONFIGURED = timedelta(minutes=15)
"""After which a source that refuses us is asked again."""
SHORTEST_WAIT = timedelta(seconds=1)


class FormSource(Protocol):
    """Where people submit forms (see `agents.vendors.linkedin`).

    Attributes:
        owners: URNs of the accounts whose forms are read.
    """

    name: str
    owners: tuple[str, ...]

    async def import_leads(
        self, owner_urn: str, since: datetime, until: datetime, cursor: str | None = None
    ) -> FormPage:
        """Return one page of what was submitted in a stretch of time."""
        ...

    async def lead(self, response_id: str) -> FormLead | None:
        """Return one response; None if it was deleted."""
        ...


@dataclass(frozen=True, slots=True)
class Forms:
    """A form source that is connected, and its pace and breaker."""

    adapter: FormSource
    governor: Governor


class FormReader:
    """Makes leads of what people submit.

    Args:
        forms: None while no form source is connected.
        clock: the time (aware UTC); None takes the beginning of each turn.
    """

    def __init__(
        self, sealer: Sealer, forms: Forms | None, *, clock: Callable[[], datetime] | None
    ) -> None:
        self._sealer = sealer
        self._forms = forms
        self._clock = clock

    async def told(self, event_id: int, turn: Turn) -> Outcome:
        """Deal with a notification.

        While the source is away, or refuses us, the notification waits; it is never given up.

        Raises:
            AnswerError: the source refuses this one question for ever.
        """
        if self._forms is None:
            return Refuse("LinkedIn is not connected: set LINKEDIN_ACCESS_TOKEN")
        async with turn.database.transaction() as db:
            event = await inbound.get(db, self._sealer, event_id)
        if event is None:
            return Refuse("there is no such event any more")
        try:
            told = parse_notification(event.payload.encode())
        except NotificationError as error:
            return Refuse(f"it cannot be understood: {error}")
        admitted = await self._forms.governor.enter(self._now(turn))
        if isinstance(admitted, Closed):
            return Snooze(admitted.until, "LinkedIn is away")
        await turn.reach("source.before")
        try:
            async with self._forms.governor.calling("response", clock=lambda: self._now(turn)):
                found = await self._forms.adapter.lead(told.response_id)
        except AnswerError:
            raise
        except VendorError as error:
            async with turn.database.transaction() as db:
                await source_accounts.failed(
                    db, self._forms.adapter.name, str(error), now=self._now(turn)
                )
            wait = MISCONFIGURED if error.retry_after is None else error.retry_after
            return Snooze(self._now(turn) + max(wait, SHORTEST_WAIT), str(error))
        await turn.reach("source.after")
        async with turn.commit() as db:
            if found is not None:
                await self._take_in(db, [found], turn)
            elif told.action is Action.DELETED:
                await self._erase(db, told.response_id, turn)
        return Done()

    async def poll(self, tick: Tick, turn: Turn) -> Outcome:
        """Read the next page of new responses; if the source fails, the next tick goes on there."""
        if self._forms is None:
            return Done()
        adapter, now = self._forms.adapter, self._now(turn)
        async with turn.database.transaction() as db:
            await source_accounts.seen(db, [Seen(adapter.name, 0, None)], now=now)
            before = await source_accounts.position(db, adapter.name)
        place = _next_place(before, adapter.owners, tick.due_at, now)
        if place is None:
            return Done()
        admitted = await self._forms.governor.enter(now)
        if isinstance(admitted, Closed):
            return Snooze(admitted.until, "LinkedIn is away")
        await turn.reach("source.before")
        try:
            async with self._forms.governor.calling("responses", clock=lambda: self._now(turn)):
                page = await adapter.import_leads(
                    place.owner, place.since, place.until, place.cursor
                )
        except VendorError as error:
            async with turn.commit() as db:
                await source_accounts.failed(db, adapter.name, str(error), now=self._now(turn))
            return Done()
        await turn.reach("source.after")
        async with turn.commit() as db:
            await lead_sources.lock(db)
            if await source_accounts.position(db, adapter.name) != before:
                return Done()  # another turn was here, and goes on
            await self._take_in(db, page.leads, turn)
            after = {**before, place.owner: place.after(page, tick.due_at)}
            await source_accounts.move(db, adapter.name, after)
            turn.post(ROLE, tick)
        return Done()

    async def _take_in(self, db: Connection, found: Sequence[FormLead], turn: Turn) -> None:
        """Make leads of responses that were never seen."""
        records = [(SOURCE, each.response_id) for each in found]
        await lead_sources.lock(db)
        known = await lead_sources.known(db, records, [])
        keys = [suppressions.record_key(self._sealer, *record) for record in records]
        barred = await suppressions.find(db, keys)
        new = {
            each.response_id: (each, each.draft)
            for each, record, key in zip(found, records, keys, strict=True)
            if record not in known.records and key not in barred and each.draft is not None
        }
        drafts = [draft for _, draft in new.values()]
        kept = await leads.keep(db, self._sealer, drafts, now=self._now(turn))
        rows = [
            Record(SOURCE, response_id, each.id, self._keys(draft))
            for (response_id, (_, draft)), each in zip(new.items(), kept, strict=True)
        ]
        await lead_sources.keep(db, rows, search_id=None, now=self._now(turn))
        for (lead, _), each in zip(new.values(), kept, strict=True):
            await activities.record(db, [self._submitted(lead, each.id, turn)])
        for lead_id in dict.fromkeys(each.id for each in kept if each.created or each.changed):
            turn.post("enricher", LeadFound(lead_id))

    async def _erase(self, db: Connection, response_id: str, turn: Turn) -> None:
        """Erase the person of a response that was deleted, and keep it from coming back."""
        now = self._now(turn)
        record = suppressions.record_key(self._sealer, SOURCE, response_id)
        await suppressions.add(db, [record], reason=Reason.ERASED, source=SOURCE, now=now)
        lead_id = await lead_sources.lead_of(db, SOURCE, response_id)
        if lead_id is None:
            return
        await suppressions.bar_lead(
            db, self._sealer, lead_id, reason=Reason.ERASED, source=SOURCE, now=now
        )
        await erasing.erase(db, lead_id, now=now)
        told = Activity(now, lead_id, "lead.erased", ROLE, {"source": SOURCE}, turn.correlation_id)
        await activities.record(db, [told])

    def _submitted(self, lead: FormLead, lead_id: UUID, turn: Turn) -> Activity:
        """What the timeline says: the form, and what was consented to."""
        consents = [
            {"id": each.id, "given": each.given, "text": each.text, "text_hash": each.text_hash}
            for each in lead.consents
        ]
        details: dict[str, Any] = {
            "source": SOURCE,
            "form": lead.form_urn,
            "submitted_at": lead.submitted_at.isoformat(),
            "consents": consents,
            "problems": [problem.problem for problem in lead.problems],
        }
        return Activity(
            self._now(turn), lead_id, "form.submitted", ROLE, details, turn.correlation_id
        )

    def _keys(self, draft: LeadDraft) -> Keys:
        told = person_keys(
            draft.person.first_name,
            draft.person.last_name,
            domain=draft.domain,
            company=draft.company,
            linkedin_url=draft.person.notes.get(LINKEDIN_NOTE),
        )
        blind = self._sealer.blind
        return Keys(
            blind("person", told.name),
            blind("person", told.company),
            blind("linkedin", told.linkedin),
        )

    def _now(self, turn: Turn) -> datetime:
        return self._clock() if self._clock is not None else turn.now


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an owner's responses are read on: a page of a stretch of time."""

    owner: str
    since: datetime
    until: datetime
    cursor: str | None
    read_to: str | None

    def after(self, page: FormPage, due_at: datetime) -> dict[str, Any]:
        """The owner's place once the page is kept."""
        if page.next is None:
            return {"read_to": self.until.isoformat(), "tick": due_at.isoformat()}
        return {
            "read_to": self.read_to,
            "since": self.since.isoformat(),
            "until": self.until.isoformat(),
            "cursor": page.next,
        }


def _next_place(
    position: dict[str, Any], owners: Sequence[str], due_at: datetime, now: datetime
) -> _Place | None:
    """The next page of the first owner that is not read to its end for this tick."""
    for owner in owners:
        told: dict[str, Any] = position.get(owner, {})
        read_to: str | None = told.get("read_to")
        if told.get("cursor"):
            since, until = (datetime.fromisoformat(told[name]) for name in ("since", "until"))
            return _Place(owner, since, until, told["cursor"], read_to)
        if (done := told.get("tick")) is None or datetime.fromisoformat(done) < due_at:
            last = None if read_to is None else datetime.fromisoformat(read_to)
            return _Place(owner, *poll_window(last, now), None, read_to)
    return None
