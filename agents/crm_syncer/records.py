"""Leads as the CRM gets them, with what is known of their records there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from policies.crm_document import CrmMapping
from policies.crm_mapping import fits, opportunity_of, records_of
from policies.crm_records import Record
from policies.crm_sync import record_hash
from policies.lead import Fact, Lead, LeadId
from storage import crm_links, facts, leads, scoring_results
from storage.crm_links import OPPORTUNITY, Link, LinkState
from storage.crm_tries import Try
from storage.database import Connection
from storage.sealing import Sealer

SENDABLE = frozenset({LinkState.PENDING, LinkState.SYNCED, LinkState.RETRY})
HAS_RECORD = frozenset({LinkState.SYNCED, LinkState.CONVERTED})


@dataclass(frozen=True, slots=True)
class Row:
    """A lead, its record and its link.

    Attributes:
        link: None if it was never sent.
    """

    lead: Lead
    record: Record
    hash: bytes
    link: Link | None

    @property
    def id(self) -> LeadId:
        """The lead."""
        return self.lead.id

    @property
    def unchanged(self) -> bool:
        """Whether the CRM has it like that already."""
        link = self.link
        return link is not None and link.sent_hash == self.hash and not link.again

    @property
    def personal(self) -> tuple[str | None, ...]:
        """What tells who the lead is."""
        person = self.lead.person
        names = (person.first_name, person.last_name, person.email, person.phone)
        return (*names, *person.notes.values())

    def is_other(self, crm_id: str) -> bool:
        """Whether that is another record than the one that the lead had."""
        return self.link is not None and self.link.crm_id not in {None, crm_id}

    def tried(self) -> Try:
        """What is written down before it is sent."""
        return Try(self.id, self.hash, self.lead.version)


@dataclass(frozen=True, slots=True)
class Batch:
    """Leads that are to be brought up to date, sorted by what that takes.

    Attributes:
        send: records that are new or changed.
        unchanged: records that the CRM has like that.
        left_out: leads that it does not get.
        erase: links of leads that are gone.
        settled: leads whose Lead record is there, or is being sent, for what follows from it.
    """

    send: list[Row]
    unchanged: list[Row]
    left_out: list[LeadId]
    erase: list[Link]
    settled: list[Row]


class Records:
    """Reads leads and makes records of them.

    Args:
        sealer: opens the people's data.
    """

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    async def rows(self, db: Connection, ids: Sequence[UUID], mapping: CrmMapping) -> list[Row]:
        """Return a row for each lead that is there."""
        found = await leads.get_many(db, self._sealer, ids)
        links = await crm_links.get_many(db, ids)
        there = [lead.id for lead in found]
        known = await facts.of(db, there) if _uses(mapping, "fact.") else {}
        reasons = await _reasons(db, there) if _uses(mapping, "reasons") else {}
        return [
            _row(mapping, lead, known.get(lead.id, []), reasons.get(lead.id, ""), links)
            for lead in found
        ]

    async def batch(self, db: Connection, ids: Sequence[UUID], mapping: CrmMapping) -> Batch:
        """Return what is to be done for leads."""
        rows = await self.rows(db, ids, mapping)
        here = {row.id for row in rows}
        gone = await crm_links.get_many(db, [each for each in ids if each not in here])
        batch = Batch([], [], [], [*gone.values()], [])
        for row in rows:
            self._sort(batch, row, mapping)
        return batch

    async def opportunities(
        self, db: Connection, rows: Sequence[Row], mapping: CrmMapping, now: datetime
    ) -> list[Row]:
        """Return the opportunities that are to be made: each once, then it is the sales people's.

        A lead that was converted over there got one by that.
        """
        wanted = mapping.opportunity
        due = [row for row in rows if wanted and row.lead.status == wanted.when_status]
        if not due:
            return []
        links = await crm_links.get_many(db, [row.id for row in due], sobject=OPPORTUNITY)
        known = await facts.of(db, [row.id for row in due])
        made: list[Row] = []
        for row in due:
            link = links.get(row.id)
            if link is not None and (link.crm_id or link.state not in SENDABLE):
                continue
            since = (link.created_at if link else now).date()
            mapped = opportunity_of(mapping, row.lead, known[row.id], today=since)
            if mapped is not None:
                made.append(Row(row.lead, mapped.record, record_hash(mapped.record), link))
        return made

    def _sort(self, batch: Batch, row: Row, mapping: CrmMapping) -> None:
        link = row.link
        if not fits(mapping.audience, row.lead):
            batch.left_out.append(row.id)
        elif link is not None and (link.job_id or link.state not in SENDABLE):
            return
        elif row.unchanged:
            batch.unchanged.append(row)
            batch.settled.append(row)
        else:
            batch.send.append(row)
            batch.settled.append(row)


def _row(
    mapping: CrmMapping,
    lead: Lead,
    known: Sequence[Fact],
    reasons: str,
    links: dict[LeadId, Link],
) -> Row:
    record = records_of(mapping, lead, known, reasons=reasons).record
    return Row(lead, record, record_hash(record), links.get(lead.id))


def _uses(mapping: CrmMapping, source: str) -> bool:
    return any((field.source or "").startswith(source) for field in mapping.fields)


async def _reasons(db: Connection, ids: Sequence[UUID]) -> dict[LeadId, str]:
    results = await scoring_results.latest(db, ids)
    return {each: str(found.detail.get("reasoning") or "") for each, found in results.items()}
