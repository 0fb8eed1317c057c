"""How many workers a role should have.

Up at once when messages wait, down one at a time after a quiet while: a worker costs
memory, a backlog costs time, and flapping costs both.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

QUIET = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Pool:
    """The pool of one role.

    Attributes:
        least: workers, at least.
        most: workers, at most.
        per_worker: waiting messages that justify one more worker.
        size: workers wanted now.
        busy_at: when the present size was last needed (aware).
    """

    least: int
    most: int
    per_worker: int = 50
    size: int = 0
    busy_at: datetime | None = None


def resize(pool: Pool, waiting: int, now: datetime) -> Pool:
    """Say how many workers are wanted for ``waiting`` messages."""
    needed = min(pool.most, max(pool.least, -(-waiting // pool.per_worker)))
    size = min(pool.most, max(pool.least, pool.size))
    if needed >= size:
        return replace(pool, size=needed, busy_at=now)
    if pool.busy_at is not None and now - pool.busy_at < QUIET:
        return replace(pool, size=size)
    return replace(pool, size=size - 1, busy_at=now)
