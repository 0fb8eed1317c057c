"""Keeps the house in order: partitions, purges, forgotten money, and the invariants.

It hears only ticks; what has to be done is read from the database each time, so a tick that was
missed is made up for by the next. The pools themselves are sized in `cluster.supervisor`.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import ClassVar

import structlog

from agents.agent import Done, Outcome, Refuse, Turn
from agents.messages import Message, SettleCalls, Tick
from storage import activities, invariants, leads, ledger, partitions, purge
from storage.activities import Activity

log = structlog.get_logger("leadengine.supervisor")

DELETED_FOR = timedelta(days=30)
PURGED_AT_ONCE = 1000
PAID_VENDORS = ("openai",)


class Supervisor:
    """The agent that looks after what nobody else does.

    Args:
        clock: the time (aware UTC).
    """

    role: ClassVar[str] = "supervisor"
    batches: ClassVar[Mapping[str, int]] = {}

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock

    async def handle(self, messages: Sequence[Message], turn: Turn) -> Outcome:
        """Do what the schedule asks for."""
        match messages[0]:
            case Tick(schedule="partitions"):
                return await self._partitions(turn)
            case Tick(schedule="purge"):
                return await self._purge(turn)
            case Tick(schedule="ledger"):
                return await self._ledger(turn)
            case Tick(schedule="invariants"):
                return await self._invariants(turn)
            case other:
                return Refuse(f"the supervisor does not know what to do with {other.kind}")

    async def _partitions(self, turn: Turn) -> Outcome:
        async with turn.commit() as db:
            made = await partitions.keep_partitions(db, now=self._clock())
        if made:
            log.info("partitions.made", names=made)
        return Done()

    async def _purge(self, turn: Turn) -> Outcome:
        """Remove what is due, in bounded steps, each its own transaction."""
        now = self._clock()
        more = True
        while more:
            async with turn.intent() as db:
                gone = await purge.purge(db, now=now)
                leads_gone = await leads.purge(db, before=now - DELETED_FOR, limit=PURGED_AT_ONCE)
            more = gone.more or leads_gone == PURGED_AT_ONCE
        return Done()

    async def _ledger(self, turn: Turn) -> Outcome:
        async with turn.commit() as db:
            await ledger.expire(db, now=self._clock())
            for vendor in PAID_VENDORS:
                if await ledger.unknown_entries(db, vendor, limit=1):
                    turn.post("scorer", SettleCalls(vendor))
        return Done()

    async def _invariants(self, turn: Turn) -> Outcome:
        now = self._clock()
        async with turn.database.transaction() as db:
            broken = await invariants.run(db)
        for violation in broken:
            log.error("invariant.broken", name=violation.name, rows=len(violation.rows))
        async with turn.commit() as db:
            found = [
                Activity(now, None, "invariant.broken", self.role, {"name": one.name})
                for one in broken
            ]
            await activities.record(db, found)
        return Done()
