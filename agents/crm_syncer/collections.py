"""Up to 200 leads at a time: one call of the sObject collections, and what follows from it.

The links say beforehand what is tried. A repetition after a crash sends the same records by the
same external ids, so it changes nothing and creates nothing twice.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

from agents.agent import Done, Outcome, Turn
from agents.crm_syncer.erasing import Eraser
from agents.crm_syncer.line import Later, Line
from agents.crm_syncer.outcomes import ROLE, Outcomes, split
from agents.crm_syncer.ports import SyncOptions
from agents.crm_syncer.records import Batch, Records, Row
from agents.crm_syncer.sending import Sender
from agents.errors import VendorError
from policies.crm_records import MOST_ROWS, RowError, RowResult
from policies.crm_sync import Ruling, Spending, Verdict, spending, taken_already
from policies.lead import LeadId
from storage import crm, crm_links, crm_tries
from storage.crm import KeptMapping
from storage.crm_links import LEAD, OPPORTUNITY, LinkState
from storage.database import Connection

SPARING = timedelta(minutes=15)
AFTER_A_DEATH = 2
"""Deliveries of a message whose worker died with it. It comes alone, lest it be what kills; so the
first of a whole batch takes the others along, which then have nothing left to send. If that kills
again, it stays alone."""


class Collections:
    """Brings the CRM's records of some leads up to date."""

    def __init__(self, records: Records, line: Line, eraser: Eraser, options: SyncOptions) -> None:
        self._records = records
        self._line = line
        self._eraser = eraser
        self._sender = Sender(line)
        self._options = options

    async def sync(self, ids: Sequence[UUID], turn: Turn) -> Outcome:
        """Deal with leads: send, leave out, or delete their records.

        Raises:
            Later: if nothing can be done now.
            VendorError: if the CRM fails; nothing is lost by trying again.
        """
        async with turn.database.transaction() as db:
            kept = await crm.mapping(db)
            state = await crm.state(db)
            if [each.attempts for each in turn.envelopes] == [AFTER_A_DEATH]:
                others = await crm_tries.waiting(db, now=turn.now, limit=MOST_ROWS - len(ids))
                ids = list(dict.fromkeys([*ids, *others]))
            batch = await self._records.batch(db, ids, kept.mapping)
        outcomes = Outcomes(kept.mapping, kept.version, self._options, uuid4(), turn.now)
        told = (state.usage, state.usage_at)
        if spending(*told, reserve=self._options.reserve, now=turn.now) is not Spending.FREE:
            # The rest of the day's calls is for others; only what must be deleted is.
            outcomes.again |= {row.id: turn.now + SPARING for row in batch.send}
            batch = replace(batch, send=[], settled=[])
        if batch.send:
            await self._send(batch.send, outcomes, turn)
        erased = await self._eraser.erase(batch.erase, kept.mapping.external_id, turn)
        made = await self._opportunities(batch, outcomes, kept, turn)
        usage = await self._line.usage() if batch.send or batch.erase else None
        async with turn.commit() as db:
            if batch.send:
                await crm.heard(db, usage, now=turn.now)
            await self._keep(db, batch, outcomes, kept, turn)
            await erased.keep(db, turn, ROLE)
            if made is not None:
                await made.keep(db, turn)
        return Done()

    async def _keep(
        self, db: Connection, batch: Batch, outcomes: Outcomes, kept: KeptMapping, turn: Turn
    ) -> None:
        everybody = [*(row.id for row in batch.unchanged), *batch.left_out]
        everybody += [each.lead_id for each in outcomes.results]
        await crm_tries.lock(db, everybody)
        await outcomes.keep(db, turn)
        same = [(row.id, row.lead.version) for row in batch.unchanged]
        await crm_tries.unchanged(db, same, mapping_version=kept.version, now=turn.now)
        await crm_tries.left_out(db, batch.left_out, now=turn.now)

    async def _send(self, rows: Sequence[Row], outcomes: Outcomes, turn: Turn) -> None:
        async with turn.intent() as db:
            wait = await self._line.admit(db)
            tries = [row.tried() for row in rows]
            taken = await crm_tries.intend(db, tries, attempt=outcomes.attempt, now=turn.now)
        rows = [row for row in rows if row.id in taken]
        if not rows:
            return
        await turn.reach("crm.before")
        mapping = outcomes.mapping
        results = await self._sender.upsert(
            LEAD,
            mapping.external_id,
            rows,
            turn.database,
            save_duplicates=mapping.duplicates == "save_anyway",
            wait=wait,
        )
        await turn.reach("crm.after")
        taken_rows, refused = split(rows, results)
        await self._taken(taken_rows, outcomes, turn)
        merging: list[tuple[Row, Ruling]] = []
        for row, result in refused:
            ruling = outcomes.refused(row, result.errors)
            if ruling.verdict is Verdict.MERGE:
                merging.append((row, ruling))
        await self._merge(merging, outcomes, turn)

    async def _taken(
        self, rows: Sequence[tuple[Row, RowResult]], outcomes: Outcomes, turn: Turn
    ) -> None:
        """Keep what was taken, but take back what somebody had deleted and we made anew."""
        made_anew = [
            (row, result.id)
            for row, result in rows
            if result.id and result.created and row.is_other(result.id)
        ]
        undone: set[LeadId] = set()
        if made_anew and not self._options.recreate:
            undone = await self._eraser.undo(made_anew, turn.database)
        for row, result in rows:
            if row.id in undone:
                outcomes.is_gone(row)
            else:
                outcomes.taken(row, result.id)

    async def _merge(
        self, merging: Sequence[tuple[Row, Ruling]], outcomes: Outcomes, turn: Turn
    ) -> None:
        """Make the records that a duplicate rule names ours, unless they are ours already."""
        matches = [ruling.match for _, ruling in merging if ruling.match]
        async with turn.database.transaction() as db:
            owners = await crm_links.by_records(db, matches)
        free: list[tuple[Row, str]] = []
        for row, ruling in merging:
            owner = owners.get(ruling.match or "")
            twice = ruling.match in {match for _, match in free}
            if ruling.match is None or twice or (owner is not None and owner.lead_id != row.id):
                taken = replace(ruling, verdict=Verdict.QUARANTINE)
                outcomes.decide(row, replace(taken, error=taken_already(ruling.error)))
            else:
                free.append((row, ruling.match))
        if free:
            await self._adopt(free, outcomes, turn)

    async def _adopt(
        self, pairs: Sequence[tuple[Row, str]], outcomes: Outcomes, turn: Turn
    ) -> None:
        records = [{"Id": crm_id, **row.record} for row, crm_id in pairs]
        rows = [row for row, _ in pairs]
        try:
            async with self._line.calling(turn.database, "crm.update") as to:
                results = await to.update(LEAD, records, save_duplicates=True)
        except (VendorError, Later):
            for row in rows:
                outcomes.later(row, RowError("DUPLICATES_DETECTED", "it is to be merged"))
            return
        taken, refused = split(rows, results)
        for row, result in taken:
            outcomes.taken(row, result.id)
        for row, result in refused:
            outcomes.refused(row, result.errors, merging=True)

    async def _opportunities(
        self, batch: Batch, leads: Outcomes, kept: KeptMapping, turn: Turn
    ) -> Outcomes | None:
        """Make the opportunities of leads whose records are there."""
        wanted = kept.mapping.opportunity
        if wanted is None:
            return None
        there = {each.lead_id for each in leads.results if each.state is LinkState.SYNCED}
        there |= {row.id for row in batch.unchanged}
        candidates = [row for row in batch.settled if row.id in there]
        async with turn.database.transaction() as db:
            rows = await self._records.opportunities(db, candidates, kept.mapping, turn.now)
        if not rows:
            return None
        made = leads.of(OPPORTUNITY)
        async with turn.intent() as db:
            tries = [row.tried() for row in rows]
            free = await crm_tries.intend(
                db, tries, attempt=made.attempt, now=turn.now, sobject=OPPORTUNITY
            )
        rows = [row for row in rows if row.id in free]
        try:
            results = await self._sender.upsert(
                OPPORTUNITY, wanted.external_id, rows, turn.database
            )
        except (VendorError, Later) as error:
            for row in rows:
                made.later(row, RowError("SERVER_UNAVAILABLE", str(error)))
            return made
        for row, result in zip(rows, results, strict=True):
            if result.success:
                made.taken(row, result.id)
            else:
                made.refused(row, result.errors, merging=True)
        return made
