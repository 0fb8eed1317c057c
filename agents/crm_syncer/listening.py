"""What happened over there: conversions, other statuses, deletions, taken back to us.

Records are read by ``SystemModstamp``, by the CRM's own clock, from a while before the newest one
seen. An outbound message is but a hint: it comes in no order and bears no signature, so the
record that it names is looked at.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from agents.agent import Done, Outcome, Turn
from agents.crm_syncer.line import Line
from agents.crm_syncer.outcomes import ROLE
from agents.crm_syncer.ports import SyncOptions
from agents.crm_syncer.soql import among, moment, select
from agents.messages import SyncLead
from policies.crm_records import full_id
from policies.crm_sync import Spending, spending
from policies.lead import LeadId
from storage import activities, crm, crm_drift, crm_links, crm_tries, inbound, lead_conversion
from storage.activities import Activity
from storage.crm_drift import Difference, Why
from storage.crm_links import LEAD, OPPORTUNITY, Link, LinkState
from storage.crm_tries import Seen
from storage.database import Connection
from storage.sealing import Sealer

OURS_TO_SEE = frozenset(LinkState) - {LinkState.DELETING, LinkState.DELETED}
CHUNK = 2_000
SPARING_EVERY: Mapping[Spending, timedelta] = {
    Spending.FREE: timedelta(),
    Spending.SPARING: timedelta(minutes=15),
    Spending.NOTHING: timedelta(hours=1),
}
_FIELDS = ("Status", "IsConverted", "IsDeleted", "ConvertedOpportunityId", "SystemModstamp")


@dataclass(frozen=True, slots=True)
class Read:
    """A record as it was read.

    Attributes:
        lead_id: that it bears; None if that is no id of ours.
    """

    crm_id: str
    lead_id: LeadId | None
    status: str | None
    converted: bool
    deleted: bool
    opportunity: str | None
    modified_at: datetime


@dataclass(slots=True)
class News:
    """What is new of records that were read."""

    seen: list[Seen] = field(default_factory=list[Seen])
    told: list[Activity] = field(default_factory=list[Activity])
    converted: list[LeadId] = field(default_factory=list[LeadId])
    opportunities: list[tuple[LeadId, str]] = field(default_factory=list[tuple[LeadId, str]])
    drift: list[Difference] = field(default_factory=list[Difference])
    again: list[LeadId] = field(default_factory=list[LeadId])


class Listener:
    """Reads back what happened over there."""

    def __init__(self, sealer: Sealer, line: Line, options: SyncOptions) -> None:
        self._sealer = sealer
        self._line = line
        self._options = options

    async def poll(self, turn: Turn) -> Outcome:
        """Read what changed since the last time.

        Raises:
            Later, VendorError: if the CRM cannot be asked.
        """
        async with turn.database.transaction() as db:
            state, kept = await crm.state(db), await crm.mapping(db)
            first = await crm_links.earliest(db)
        since = state.polled_until or first
        told = (state.usage, state.usage_at)
        pause = SPARING_EVERY[spending(*told, reserve=self._options.reserve, now=turn.now)]
        rested = state.polled_at is None or turn.now - state.polled_at >= pause
        if since is None or not rested:
            return Done()
        changed = f"SystemModstamp >= {moment(since - self._options.poll_overlap)}"
        key = kept.mapping.external_id
        where = f"{changed} AND {key} != null"
        rows, whole = await self._read(where, key, turn, self._options.poll_most)
        until = max((row.modified_at for row in rows), default=None)
        if until is not None and not whole:
            until += self._options.poll_overlap  # else the same ones would be read for ever
        await self._keep(rows, turn, polled=True, until=until)
        return Done()

    async def heard(self, event_ids: Sequence[int], turn: Turn) -> Outcome:
        """Look at the records that outbound messages name.

        Raises:
            Later, VendorError: if the CRM cannot be asked.
        """
        async with turn.database.transaction() as db:
            events = [await inbound.get(db, self._sealer, each) for each in event_ids]
            kept = await crm.mapping(db)
        ids = sorted({each for event in events if event for each in _named(event.payload)})
        if ids:
            key = kept.mapping.external_id
            rows, _ = await self._read(among("Id", ids), key, turn, len(ids))
            await self._keep([row for row in rows if row.lead_id], turn, polled=False)
        return Done()

    async def _read(self, where: str, key: str, turn: Turn, most: int) -> tuple[list[Read], bool]:
        """Read records; and whether those are all."""
        soql = select(["Id", key, *_FIELDS], LEAD, where, "ORDER BY SystemModstamp")
        rows: list[Read] = []
        async with self._line.calling(turn.database, "crm.query") as to:
            async for told in to.query(soql, include_deleted=True):
                if (row := _read(told, key)) is not None:
                    rows.append(row)
                if len(rows) >= most:
                    return rows, False
        return rows, True

    async def _keep(
        self,
        rows: Sequence[Read],
        turn: Turn,
        *,
        polled: bool,
        until: datetime | None = None,
    ) -> None:
        usage = await self._line.usage()
        async with turn.commit() as db:
            await crm.heard(db, usage, now=turn.now)
            for start in range(0, len(rows), CHUNK):
                await self._take(db, rows[start : start + CHUNK], turn)
            if polled:
                await crm.polled(db, until, now=turn.now)

    async def _take(self, db: Connection, rows: Sequence[Read], turn: Turn) -> None:
        crm_ids = [row.crm_id for row in rows]
        lead_ids = [row.lead_id for row in rows if row.lead_id]
        await crm_tries.lock(db, lead_ids, crm_ids)
        by_record = await crm_links.by_records(db, crm_ids)
        by_lead = await crm_links.get_many(db, lead_ids)
        news = News()
        for row in _newest(rows):
            link = by_record.get(row.crm_id)
            if link is None and row.lead_id and not row.deleted:
                link = by_lead.get(row.lead_id)
            if link is not None:
                self._compare(link, row, news, turn.now)
            elif row.lead_id is not None and not row.deleted:
                news.drift.append(Difference(row.lead_id, "", Why.UNKNOWN_HERE))
        await _write(db, news, turn)

    def _compare(self, link: Link, row: Read, news: News, now: datetime) -> None:
        """Find out what is new of one record."""
        older = link.crm_modified_at is not None and row.modified_at < link.crm_modified_at
        if older or link.state not in OURS_TO_SEE:
            return
        state, crm_id, again = link.state, link.crm_id or row.crm_id, False
        if row.deleted:
            state, crm_id, again = self._deleted(link, row, news, now)
        elif row.converted and link.state is not LinkState.CONVERTED:
            state = LinkState.CONVERTED
            news.converted.append(link.lead_id)
            news.told.append(_told(link, "converted", now, {"status": row.status}))
        elif not row.converted and link.state is LinkState.GONE and link.crm_id == row.crm_id:
            state, again = LinkState.PENDING, True
            news.again.append(link.lead_id)
            news.told.append(_told(link, "restored", now, {}))
        if row.converted and row.opportunity:
            news.opportunities.append((link.lead_id, row.opportunity))
        if not row.deleted and link.crm_status not in {None, row.status} and not row.converted:
            change = {"from": link.crm_status, "to": row.status}
            news.told.append(_told(link, "status", now, change))
        seen = Seen(link.lead_id, state, crm_id, row.status, row.modified_at, again)
        if seen != Seen(
            link.lead_id, link.state, link.crm_id, link.crm_status, link.crm_modified_at
        ):
            news.seen.append(seen)

    def _deleted(
        self, link: Link, row: Read, news: News, now: datetime
    ) -> tuple[LinkState, str | None, bool]:
        """Somebody deleted the record: so it stays, or it is made again."""
        if link.state is LinkState.GONE or link.crm_id != row.crm_id:
            return link.state, link.crm_id, False
        news.told.append(_told(link, "gone", now, {}))
        if self._options.recreate and link.state is not LinkState.CONVERTED:
            news.again.append(link.lead_id)
            return LinkState.PENDING, None, True
        news.drift.append(Difference(link.lead_id, "", Why.GONE_THERE))
        return LinkState.GONE, link.crm_id, False


async def _write(db: Connection, news: News, turn: Turn) -> None:
    await crm_tries.see(db, news.seen, now=turn.now)
    await lead_conversion.convert(db, news.converted, now=turn.now)
    await crm_tries.adopt(db, news.opportunities, now=turn.now, sobject=OPPORTUNITY)
    await crm_drift.note(db, news.drift, now=turn.now)
    await activities.record(db, news.told)
    for lead_id in news.again:
        turn.post(ROLE, SyncLead(lead_id))


def _newest(rows: Iterable[Read]) -> list[Read]:
    """One row a record, the newest; those that are alive first, so that they are linked first."""
    by_id = {row.crm_id: row for row in sorted(rows, key=lambda row: row.modified_at)}
    return sorted(by_id.values(), key=lambda row: row.deleted)


def _told(link: Link, what: str, now: datetime, details: Mapping[str, Any]) -> Activity:
    return Activity(now, link.lead_id, f"crm.{what}", ROLE, {"record": link.crm_id, **details})


def _read(told: Mapping[str, Any], key: str) -> Read | None:
    """A record, or None if it is not as it should be."""
    try:
        modified = datetime.fromisoformat(str(told.get("SystemModstamp")))
        crm_id = full_id(str(told.get("Id")))
    except ValueError:
        return None
    opportunity, status = told.get("ConvertedOpportunityId"), told.get("Status")
    return Read(
        crm_id,
        _lead_id(told.get(key)),
        str(status)[:255] if status is not None else None,
        bool(told.get("IsConverted")),
        bool(told.get("IsDeleted")),
        str(opportunity) if opportunity else None,
        modified if modified.tzinfo else modified.replace(tzinfo=UTC),
    )


def _lead_id(text: object) -> LeadId | None:
    try:
        return LeadId(UUID(str(text)))
    except ValueError:
        return None


def _named(payload: str) -> list[str]:
    """The record that a kept outbound message names (`policies.crm_outbound`)."""
    try:
        told = orjson.loads(payload)
        return [full_id(str(told["id"]))] if told.get("type") == LEAD else []
    except (ValueError, KeyError, AttributeError, TypeError):
        return []
