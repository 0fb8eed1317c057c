"""The drift report: what differs between us and the CRM, and why.

The records are read in the order of their external ids, 2,000 in one call, beside our links in
the same order. A field differs if the CRM does not have what we sent last; its value is not kept.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from agents.agent import Done, Outcome, Turn
from agents.crm_syncer.line import Line
from agents.crm_syncer.ports import SyncOptions
from agents.crm_syncer.records import HAS_RECORD, Records, Row
from agents.crm_syncer.soql import quoted, select
from policies.crm_document import CrmMapping
from policies.crm_sync import Spending, columns_of, differs, spending
from policies.lead import LeadId
from storage import crm, crm_drift
from storage.crm_drift import Difference, Why
from storage.crm_links import LEAD, Link, LinkState
from storage.database import Connection

PAGE = 2_000
NOT_COMPARED = frozenset(
    {LinkState.CONVERTED, LinkState.DELETED, LinkState.DELETING, LinkState.DROPPED}
)
Record = Mapping[str, Any]


class Comparison:
    """Compares our leads with the CRM's records."""

    def __init__(self, records: Records, line: Line, options: SyncOptions) -> None:
        self._records = records
        self._line = line
        self._options = options

    async def compare(self, turn: Turn) -> Outcome:
        """Go on with the comparison, some pages further.

        Raises:
            Later, VendorError: if the CRM cannot be asked.
        """
        async with turn.database.transaction() as db:
            kept, state = await crm.mapping(db), await crm.state(db)
        told = (state.usage, state.usage_at)
        if spending(*told, reserve=self._options.reserve, now=turn.now) is not Spending.FREE:
            return Done()
        after = state.compared_until
        for _ in range(self._options.drift_pages):
            page = await self._page(kept.mapping, after, turn)
            whole = len(page) < PAGE
            until = None if whole else _last(page, kept.mapping.external_id)
            if until is None and not whole:
                break  # nothing but ids that others gave
            async with turn.database.transaction() as db:
                await self._keep(db, kept.mapping, page, (_uuid(after), _uuid(until)), turn)
                await crm.compared(db, until, now=turn.now)
            after = until
            if whole:
                break
        return Done()

    async def _page(
        self, mapping: CrmMapping, after: str | None, turn: Turn
    ) -> list[dict[str, Any]]:
        key = mapping.external_id
        fields = ["Id", "IsConverted", *mapping.columns]
        where = f"{key} != null" if after is None else f"{key} > {quoted(after)}"
        soql = select(fields, LEAD, where, f"ORDER BY {key}", f"LIMIT {PAGE}")
        found: list[dict[str, Any]] = []
        async with self._line.calling(turn.database, "crm.query") as to:
            async for record in to.query(soql):
                found.append(columns_of(record, fields))
        return found

    async def _keep(
        self,
        db: Connection,
        mapping: CrmMapping,
        page: Sequence[Record],
        between: tuple[UUID | None, UUID | None],
        turn: Turn,
    ) -> None:
        links = await crm_drift.expected(db, between)
        theirs = {
            lead_id: each
            for each in page
            if (lead_id := _uuid(str(each[mapping.external_id]))) is not None
        }
        ids = [each for each in theirs if each in links]
        rows = {row.id: row for row in await self._records.rows(db, ids, mapping)}
        found: list[Difference] = []
        for lead_id, record in theirs.items():
            if lead_id not in links:
                found.append(Difference(lead_id, "", Why.UNKNOWN_HERE))
            elif (row := rows.get(LeadId(lead_id))) is not None:
                found += _differences(row, links[lead_id], record)
        found += _missing(links, set(theirs))
        await crm_drift.keep(db, between, found, now=turn.now)


def _differences(row: Row, link: Link, theirs: Record) -> list[Difference]:
    if link.state in NOT_COMPARED or link.job_id or theirs.get("IsConverted"):
        return []
    behind = link.lead_version != row.lead.version or link.again or not row.unchanged
    why = Why.NOT_SENT_YET if behind else Why.CHANGED_THERE
    return [
        Difference(row.id, name, why)
        for name, value in row.record.items()
        if differs(value, theirs.get(name))
    ]


def _missing(links: Mapping[UUID, Link], there: set[UUID]) -> list[Difference]:
    """Links whose record was not found."""
    gone = {LinkState.GONE, *HAS_RECORD}
    return [
        Difference(lead_id, "", Why.GONE_THERE if link.state in gone else Why.NOT_SENT_YET)
        for lead_id, link in links.items()
        if lead_id not in there and link.state not in NOT_COMPARED
    ]


def _last(page: Sequence[Record], key: str) -> str | None:
    """The last external id that is one of ours; ids that others gave may stand between."""
    ids = [str(each[key]) for each in page]
    return next((each for each in reversed(ids) if _uuid(each)), None)


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text is not None else None
    except ValueError:
        return None
