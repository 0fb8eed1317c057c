"""A person's deletion reaches the CRM: whatever bears the lead's id there is deleted."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from agents.agent import Turn
from agents.crm_syncer.line import Later, Line
from agents.crm_syncer.records import Row
from agents.crm_syncer.soql import among, select
from agents.errors import VendorError
from agents.messages import SyncLead
from policies.crm_records import MOST_ROWS, ErrorCode, RowResult
from policies.lead import LeadId
from storage import crm_scan, crm_tries
from storage.activities import Activity, record
from storage.crm_links import LEAD, Link, LinkState
from storage.crm_scan import Due
from storage.database import Connection, Database

ASKED_AT_ONCE = 100
"""Records named in one query, whose address has 16,384 characters at most."""
FIRST_WAIT = timedelta(minutes=5)
LONGEST_WAIT = timedelta(hours=6)
_GONE = frozenset({ErrorCode.DELETED, ErrorCode.NOT_FOUND, "INVALID_CROSS_REFERENCE_KEY"})


@dataclass(slots=True)
class Erased:
    """What came of an erasure.

    Attributes:
        removed: leads of which nothing is left there.
        never: leads that were never sent.
        refused: links whose record is still there, and the code that says why.
    """

    removed: list[LeadId] = field(default_factory=list[LeadId])
    never: list[LeadId] = field(default_factory=list[LeadId])
    refused: list[tuple[Link, str]] = field(default_factory=list[tuple[Link, str]])

    async def keep(self, db: Connection, turn: Turn, role: str) -> None:
        """Keep it; what is still there is tried again, ever more rarely, until it is gone."""
        await crm_tries.left_out(db, self.never, now=turn.now)
        await crm_tries.removed(db, self.removed, now=turn.now)
        told = [Activity(turn.now, each, "crm.deleted", role) for each in self.removed]
        await record(db, told)
        for link, code in self.refused:
            due_at = turn.now + min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(link.attempts, 10))
            await crm_tries.not_removed(db, link.lead_id, code, due_at=due_at, now=turn.now)
            turn.post(role, SyncLead(link.lead_id), due_at=due_at)


class Eraser:
    """Deletes records of the CRM."""

    def __init__(self, line: Line) -> None:
        self._line = line

    async def erase(self, links: Sequence[Link], external_field: str, turn: Turn) -> Erased:
        """Delete the records of leads that are gone; a bulk job's rows wait until it is over.

        Raises:
            Later, VendorError: if the CRM cannot be asked.
        """
        erased = Erased()
        due: list[Link] = []
        for link in links:
            if link.job_id or link.state in {LinkState.DELETED, LinkState.GONE}:
                continue
            if link.crm_id is None and link.attempt is None:
                erased.never.append(link.lead_id)
            else:
                due.append(link)
        if due:
            async with turn.intent() as db:
                gone = [Due(link.lead_id, link.lead_version or 0, gone=True) for link in due]
                await crm_scan.queue(db, gone, now=turn.now)
        for start in range(0, len(due), ASKED_AT_ONCE):
            part = due[start : start + ASKED_AT_ONCE]
            await self._part(part, external_field, turn.database, erased)
        return erased

    async def delete(self, ids: Sequence[str], database: Database) -> dict[str, str | None]:
        """Delete records; return by id why one is still there, None if it is not.

        Raises:
            Later, VendorError: if the CRM cannot be asked.
        """
        told: dict[str, str | None] = {}
        for start in range(0, len(ids), MOST_ROWS):
            part = ids[start : start + MOST_ROWS]
            async with self._line.calling(database, "crm.delete") as to:
                results = await to.delete(LEAD, part)
            told |= {each: _why(result) for each, result in zip(part, results, strict=True)}
        return told

    async def undo(self, made_anew: Sequence[tuple[Row, str]], database: Database) -> set[LeadId]:
        """Delete records that we made although somebody had deleted them; return whose are gone.

        If the CRM fails at that, they stay: they are linked to their leads, as any other.
        """
        try:
            told = await self.delete([crm_id for _, crm_id in made_anew], database)
        except (VendorError, Later):
            return set()
        return {row.id for row, crm_id in made_anew if told.get(crm_id, "?") is None}

    async def _part(
        self, links: Sequence[Link], external_field: str, database: Database, erased: Erased
    ) -> None:
        found = await self._found(links, external_field, database)
        told = await self.delete(list(found), database)
        left = {found[each]: why for each, why in told.items() if why is not None}
        for link in links:
            if code := left.get(link.lead_id):
                erased.refused.append((link, code))
            else:
                erased.removed.append(link.lead_id)

    async def _found(
        self, links: Sequence[Link], external_field: str, database: Database
    ) -> dict[str, UUID]:
        """The records that bear the ids of the leads, or none: not one that was given another."""
        by_key = {str(link.lead_id): link.lead_id for link in links}
        by_id = {link.crm_id: link.lead_id for link in links if link.crm_id}
        wanted = among(external_field, list(by_key))
        if by_id:
            wanted = f"{wanted} OR {among('Id', list(by_id))}"
        found: dict[str, UUID] = {}
        async with self._line.calling(database, "crm.query") as to:
            soql = select(["Id", external_field], LEAD, wanted)
            async for row in to.query(soql):
                key, crm_id = row.get(external_field), str(row.get("Id"))
                lead_id = by_key.get(str(key)) if key else by_id.get(crm_id)
                if lead_id is not None:
                    found[crm_id] = lead_id
        return found


def _why(result: RowResult) -> str | None:
    code = result.errors[0].code if result.errors else None
    return None if code in _GONE else code
