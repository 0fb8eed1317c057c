"""Forget what only had to be remembered for a while, a bounded batch at a time."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from storage import agents, vendor_calls
from storage.database import Connection, count, driver

MESSAGE_KEYS_KEPT = timedelta(days=30)
IDEMPOTENCY_KEYS_KEPT = timedelta(hours=24)
DEAD_WORKERS_KEPT = timedelta(hours=1)
BATCH = 5000


@dataclass(frozen=True, slots=True)
class Purged:
    """How many rows were deleted.

    Attributes:
        more: whether a batch was full, so that there may be more to delete.
    """

    message_keys: int
    idempotency_keys: int
    workers: int
    more: bool
    vendor_hours: int = 0


async def purge(db: Connection, *, now: datetime, batch: int = BATCH) -> Purged:
    """Delete up to ``batch`` rows of each kind that are old enough at ``now``.

    Commit, and call it again while there is more.
    """
    connection = await driver(db)
    messages = await count(connection, _MESSAGE_KEYS, now - MESSAGE_KEYS_KEPT, batch)
    requests = await count(connection, _IDEMPOTENCY_KEYS, now - IDEMPOTENCY_KEYS_KEPT, batch)
    workers = await agents.forget_dead_workers(db, before=now - DEAD_WORKERS_KEPT)
    hours = await vendor_calls.forget(db, now=now, batch=batch)
    return Purged(messages, requests, workers, batch in (messages, requests, hours), hours)


_MESSAGE_KEYS = """
WITH gone AS (
  DELETE FROM message_keys WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM message_keys WHERE seen_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED))
  RETURNING 1)
SELECT count(*) FROM gone
"""
_IDEMPOTENCY_KEYS = """
WITH gone AS (
  DELETE FROM idempotency_keys WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM idempotency_keys WHERE created_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED))
  RETURNING 1)
SELECT count(*) FROM gone
"""
