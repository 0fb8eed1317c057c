"""The CRM syncer brings leads into the CRM, each once, and takes back what becomes of them.

Every record bears our id of its lead as its external id, so whatever is repeated after a crash
finds the record that is there. A few leads go by collections, many by a bulk job; one that the
CRM refuses for good is put aside with the CRM's own words and holds up nobody.

Nothing that the CRM lacks just now is a failure of a message: it comes again when the CRM is back.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import ClassVar

from agents.agent import Done, Outcome, Refuse, Snooze, Turn
from agents.crm_syncer.bulk import BulkJobs
from agents.crm_syncer.checking import Checking
from agents.crm_syncer.collections import Collections
from agents.crm_syncer.comparing import Comparison
from agents.crm_syncer.erasing import Eraser
from agents.crm_syncer.line import Later, Line
from agents.crm_syncer.listening import Listener
from agents.crm_syncer.ports import Crm, SyncOptions
from agents.crm_syncer.records import Records
from agents.crm_syncer.scanning import Scan
from agents.errors import VendorError
from agents.governor import Governor
from agents.messages import CheckCrm, FollowJob, Message, SyncLead, Tick, WebhookReceived
from policies.crm_records import MOST_ROWS
from storage import crm
from storage.sealing import Sealer

__all__ = ["Crm", "CrmSyncer", "SyncOptions"]

MISCONFIGURED = timedelta(minutes=15)
SHORTEST_WAIT = timedelta(seconds=1)


class CrmSyncer:
    """Keeps a CRM and our leads in step.

    Args:
        sealer: opens the people's data.
        clock: the time (aware UTC).
    """

    role: ClassVar[str] = "crm_syncer"
    batches: ClassVar[Mapping[str, int]] = {"crm.sync": MOST_ROWS, "webhook.received": 100}

    def __init__(
        self,
        sealer: Sealer,
        crm: Crm,
        governor: Governor,
        clock: Callable[[], datetime],
        options: SyncOptions | None = None,
    ) -> None:
        chosen = options or SyncOptions()
        line, records = Line(crm, governor, clock), Records(sealer)
        eraser = Eraser(line)
        self._collections = Collections(records, line, eraser, chosen)
        self._jobs = BulkJobs(records, line, eraser, chosen)
        self._scan = Scan(chosen)
        self._listener = Listener(sealer, line, chosen)
        self._comparison = Comparison(records, line, chosen)
        self._checking = Checking(line, unasked=chosen.unasked)

    async def handle(self, messages: Sequence[Message], turn: Turn) -> Outcome:
        """Deal with the messages of one turn."""
        passing = isinstance(messages[0], Tick | CheckCrm)
        try:
            return await self._handle(messages, turn)
        except Later as later:
            # What the clock asks for comes by itself; everything else waits.
            return Done() if passing else Snooze(later.until, later.reason)
        except VendorError as error:
            async with turn.database.transaction() as db:
                await crm.troubled(db, str(error), now=turn.now)
            wait = MISCONFIGURED if error.retry_after is None else error.retry_after
            until = turn.now + max(wait, SHORTEST_WAIT)
            return Done() if passing else Snooze(until, str(error))

    async def _handle(self, messages: Sequence[Message], turn: Turn) -> Outcome:
        match messages[0]:
            case SyncLead():
                ids = [m.lead_id for m in messages if isinstance(m, SyncLead)]
                return await self._collections.sync(list(dict.fromkeys(ids)), turn)
            case FollowJob(job_id=job_id):
                return await self._jobs.follow(job_id, turn)
            case WebhookReceived(source="salesforce"):
                told = [m.event_id for m in messages if isinstance(m, WebhookReceived)]
                return await self._listener.heard(told, turn)
            case CheckCrm():
                return await self._checking.check(turn)
            case Tick() as tick:
                return await self._tick(tick, turn)
            case other:
                return Refuse(f"the CRM syncer does not read {other.kind}")

    async def _tick(self, tick: Tick, turn: Turn) -> Outcome:
        match tick.schedule:
            case "crm.sync":
                problem = await self._checking.ready(turn)
                return await self._scan.walk(tick, turn, deletions_only=problem is not None)
            case "crm.poll":
                return await self._listener.poll(turn)
            case "crm.drift":
                return await self._comparison.compare(turn)
            case other:
                return Refuse(f"the CRM syncer has no schedule {other!r}")
