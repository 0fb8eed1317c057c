"""A request that is sent twice is done once: the second gets the first one's answer.

Call ``begin`` first and ``complete`` last in the transaction of the request's effects: then they
are kept together with the answer, or not at all. A request too long for one transaction commits
after ``begin``; what its process leaves behind when it dies may be done anew two minutes later.

Sources:
    The Idempotency-Key HTTP header field, draft-ietf-httpapi-idempotency-key-header-07.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import NAMESPACE_OID, UUID, uuid5

import orjson

from storage.database import Connection, count, driver
from storage.sealing import Sealer

COLUMN = "idempotency_keys.response"
ABANDONED = timedelta(minutes=2)


class KeyMismatch(Exception):
    """The key came with another request before."""

    def __init__(self) -> None:
        super().__init__("this idempotency key came with another request: choose a new one")


class KeyInProgress(Exception):
    """The same request is being done right now: ask again in a moment."""

    def __init__(self) -> None:
        super().__init__("the first request with this idempotency key is still under way")


@dataclass(frozen=True, slots=True)
class Stored:
    """The answer to a request.

    Attributes:
        status: of HTTP.
        body: UTF-8.
    """

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


async def begin(
    db: Connection, sealer: Sealer, principal: str, key: str, digest: bytes, *, now: datetime
) -> Stored | None:
    """Return the answer that was given before; None means that the request is yours to do.

    Args:
        principal: whose key; others may use the same.
        digest: of method, path and body.

    Raises:
        KeyMismatch: if the key came with another request.
        KeyInProgress: if the request is under way, in an open transaction or a committed ``begin``.
    """
    connection = await driver(db)
    if not await connection.fetchval(_LOCK, _row(principal, key).hex):
        raise KeyInProgress
    if await connection.fetchval(_BEGIN, principal, key, digest, now):
        return None
    row = await connection.fetchrow(_SEE, principal, key)
    if row is None:  # purged this moment
        raise KeyInProgress
    if row["request_digest"] != digest:
        raise KeyMismatch
    if row["status"] is not None:
        sealed: bytes = row["response"]
        return _opened(row["status"], sealer.open(COLUMN, _row(principal, key), sealed))
    if now - row["created_at"] < ABANDONED:
        raise KeyInProgress
    await connection.execute(_TAKE_OVER, principal, key, now)
    return None


async def complete(
    db: Connection, sealer: Sealer, principal: str, key: str, answer: Stored
) -> None:
    """Keep the answer, sealed.

    Raises:
        KeyInProgress: if another has completed the request meanwhile; roll back.
    """
    content = {"body": answer.body.decode(), "headers": dict(answer.headers)}
    sealed = sealer.seal(COLUMN, _row(principal, key), orjson.dumps(content).decode())
    connection = await driver(db)
    if not await count(connection, _COMPLETE, principal, key, answer.status, sealed):
        raise KeyInProgress


async def abandon(db: Connection, principal: str, key: str) -> None:
    """Forget a begun request that failed and left nothing behind: it may be sent again at once."""
    await (await driver(db)).execute(_ABANDON, principal, key)


def _opened(status: int, text: str) -> Stored:
    content = orjson.loads(text)
    return Stored(status, content["body"].encode(), content["headers"])


def _row(principal: str, key: str) -> UUID:
    return uuid5(NAMESPACE_OID, f"{len(principal)} {principal} {key}")


_LOCK = "SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0))"
_BEGIN = """
INSERT INTO idempotency_keys (principal, key, request_digest, created_at)
VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING RETURNING true
"""
_SEE = "SELECT * FROM idempotency_keys WHERE principal = $1 AND key = $2"
_TAKE_OVER = "UPDATE idempotency_keys SET created_at = $3 WHERE principal = $1 AND key = $2"
_COMPLETE = """
WITH completed AS (
  UPDATE idempotency_keys SET status = $3, response = $4
  WHERE principal = $1 AND key = $2 AND status IS NULL RETURNING 1)
SELECT count(*) FROM completed
"""
_ABANDON = "DELETE FROM idempotency_keys WHERE principal = $1 AND key = $2 AND status IS NULL"
