"""An agent for tests, small enough to travel to Ray's workers by value."""

import os
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import text

from agents.agent import Done, Outcome, Turn
from agents.messages import LeadFound, Message, Tick
from agents.runtime import WorkerOptions
from cluster.roles import Kit, Role

TABLE = "CREATE TABLE IF NOT EXISTS tally (message bigint PRIMARY KEY, pid int)"


class Tally:
    """Notes each message with the process that handled it; ``block`` freezes its event loop."""

    role: ClassVar[str] = "tally"
    batches: ClassVar[dict[str, int]] = {}

    async def handle(self, messages: Sequence[Message], turn: Turn) -> Outcome:
        match messages[0]:
            case LeadFound():
                async with turn.commit() as db:
                    note = text("INSERT INTO tally VALUES (:message, :pid)")
                    await db.execute(note, {"message": turn.envelopes[0].id, "pid": os.getpid()})
            case Tick(schedule="block"):
                time.sleep(600)  # noqa: ASYNC251 - that is the point
            case _:
                pass
        return Done()


def build(_kit: Kit) -> Any:
    return Tally()


def tally_role(**changes: Any) -> Role:
    return Role("tally", build, options=WorkerOptions(concurrency=4), **changes)


def now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - real workers run by the real clock
