"""The walk through the leads that changed: it posts what is due, or begins a bulk job.

So no lost message leaves a lead behind: the walk finds it again, and once a day from the first
lead on.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from agents.agent import Done, Outcome, Turn
from agents.crm_syncer.outcomes import ROLE
from agents.crm_syncer.ports import SyncOptions
from agents.messages import FollowJob, SyncLead, Tick
from policies.crm_sync import Spending, spending
from policies.lead import LeadId
from storage import crm, crm_jobs, crm_scan
from storage.crm import CrmState, KeptMapping
from storage.crm_scan import LOST_AFTER, Due
from storage.database import Connection
from storage.mailbox import Lane

MOST_STRETCHES = 25
FIRST = UUID(int=0)
Place = tuple[datetime, UUID]


class Scan:
    """Finds the leads that the CRM has to hear of."""

    def __init__(self, options: SyncOptions) -> None:
        self._options = options

    async def walk(self, tick: Tick, turn: Turn, *, deletions_only: bool = False) -> Outcome:
        """Go on with the walk, as far as one turn goes.

        Args:
            deletions_only: post what is to be deleted, and stay where the walk is.
        """
        async with turn.database.transaction() as db:
            kept, state = await crm.mapping(db), await crm.state(db)
            jobs = await crm_jobs.unfinished(db)
        start = self._start(state, kept, turn.now)
        found, reached, more = await self._look(start, kept, turn)
        gone, alive = [d for d in found if d.gone], [d for d in found if not d.gone]
        left = None if deletions_only else self._jobs_wanted(alive, state, turn.now)
        async with turn.commit() as db:
            await self._post_each(db, gone, turn)
            await self._follow_lost(db, turn)
            if left is None or (left and len(jobs) >= self._options.jobs_at_once):
                return Done()  # the walk stays where it is: they are due until they are sent
            if left:
                await self._begin_jobs(db, alive, kept.version, turn)
            else:
                await self._post_each(db, alive, turn)
            place = reached if more else self._back(reached or start, turn.now)
            swept_at = turn.now if start is None else None
            await crm.scanned(db, place, kept.version, swept_at=swept_at)
            if more:
                turn.post(ROLE, tick)
        return Done()

    def _start(self, state: CrmState, kept: KeptMapping, now: datetime) -> Place | None:
        """Where the walk goes on; None is the first lead."""
        swept = state.swept_at is not None and now - state.swept_at < self._options.sweep
        if not swept or state.scanned_mapping != kept.version or state.scanned_until is None:
            return None
        return (state.scanned_until, state.scanned_id or FIRST)

    def _back(self, reached: Place | None, now: datetime) -> Place | None:
        """Where the walk begins the next time: a bit earlier, for what is committed late."""
        if reached is None:
            return None
        return min(reached, (now - self._options.overlap, FIRST))

    def _jobs_wanted(self, alive: Sequence[Due], state: CrmState, now: datetime) -> bool | None:
        """Whether a bulk job carries them; None if they have to wait."""
        allowed = spending(state.usage, state.usage_at, reserve=self._options.reserve, now=now)
        match allowed:
            case Spending.FREE:
                return len(alive) > self._options.bulk_from
            case Spending.SPARING:
                return True if len(alive) > self._options.bulk_short else (None if alive else False)
            case _:
                return None if alive else False

    async def _look(
        self, start: Place | None, kept: KeptMapping, turn: Turn
    ) -> tuple[list[Due], Place | None, bool]:
        found: list[Due] = []
        reached, more = start, True
        most = self._options.bulk_rows * self._options.jobs_at_once
        for _ in range(MOST_STRETCHES):
            async with turn.database.transaction() as db:
                part = await crm_scan.stretch(
                    db,
                    kept.mapping.audience,
                    mapping_version=kept.version,
                    after=reached,
                    now=turn.now,
                )
                if start is None and not found:
                    lost = await crm_scan.orphans(db, now=turn.now)
                    found += [Due(lead_id, 0, gone=True) for lead_id in lost]
            found += part.due
            reached, more = part.reached or reached, part.more
            if not more or len(found) >= most:
                break
        return found, reached, more

    async def _post_each(self, db: Connection, due: Sequence[Due], turn: Turn) -> None:
        await crm_scan.queue(db, due, now=turn.now)
        for each in due:
            turn.post(ROLE, SyncLead(each.lead_id), lane=Lane.BULK)

    async def _begin_jobs(
        self, db: Connection, due: Sequence[Due], mapping_version: int, turn: Turn
    ) -> None:
        leads: list[tuple[LeadId, int]] = [(each.lead_id, each.version) for each in due]
        for start in range(0, len(leads), self._options.bulk_rows):
            part = leads[start : start + self._options.bulk_rows]
            job = await crm_jobs.create(db, part, mapping_version=mapping_version, now=turn.now)
            turn.post(ROLE, FollowJob(job.id))

    async def _follow_lost(self, db: Connection, turn: Turn) -> None:
        """Go on with jobs of which nothing was heard for long."""
        for job_id in await crm_jobs.lost(db, before=turn.now - LOST_AFTER, now=turn.now):
            turn.post(ROLE, FollowJob(job_id))
