"""The durable mailbox: post with the change that causes a message, finish with its effects.

A message exists if and only if its sender's transaction committed, and the effects of
its turn commit exactly once: ``finish`` deletes it in the transaction of its effects,
fenced by owner and attempt. Claims run on a connection of their own that does not wait
for the disk: to lose one in a crash costs a redelivery, never a message.

Sources:
    Why own code, and every choice of index and setting: measured, ADR-0010.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any

import asyncpg
import orjson
from sqlalchemy import make_url

from storage.database import Connection, PoolOptions, count, driver, server_settings

MAX_ATTEMPTS = 8
SWEEP = timedelta(seconds=1)
PROMOTED_AT_ONCE = 1000
_ANYWHERE = 2**62


class LeaseLost(Exception):
    """The message was delivered to another worker since; what this turn wrote is undone."""


class Lane(IntEnum):
    """How urgent a message is; a lower lane is always read first."""

    URGENT = 0
    NORMAL = 1
    BULK = 2


@dataclass(frozen=True, slots=True)
class Letter:
    """A message on its way into a mailbox.

    Attributes:
        kind: stable name of the message type.
        body: JSON values, or a dataclass of such.
        key: posted at most once per recipient while the key is remembered (30 days).
        due_at: not delivered before (aware); None is at once.
    """

    recipient: str
    kind: str
    body: object
    lane: Lane = Lane.NORMAL
    key: str | None = None
    due_at: datetime | None = None
    correlation_id: str | None = None
    causation_id: int | None = None


@dataclass(frozen=True, slots=True)
class Envelope:
    """One delivery of a message.

    Attributes:
        seq: place in the lane; a new one after each delay.
        id: the same over all deliveries.
        attempts: deliveries so far, this one included; the fence together with ``owner``.
    """

    recipient: str
    owner: int
    lane: int
    seq: int
    id: int
    kind: str
    body: dict[str, Any]
    correlation_id: str | None
    attempts: int
    max_attempts: int
    created_at: datetime


async def post(db: Connection, letters: Sequence[Letter], *, now: datetime | None = None) -> int:
    """Post ``letters`` in the caller's transaction; return how many were new.

    Args:
        now: what "due" is measured against; None is the database's clock.
    """
    if not letters:
        return 0
    connection = await driver(db)
    if any(letter.key is not None or letter.due_at is not None for letter in letters):
        keys = [letter.key for letter in letters]
        dues = [letter.due_at for letter in letters]
        return await count(connection, _POST, *_columns(letters), keys, dues, now)
    if _alike(letters):
        return await count(connection, _POST_ALIKE, *_head_and_bodies(letters))
    return await count(connection, _POST_PLAIN, *_columns(letters))


async def finish(db: Connection, envelopes: Sequence[Envelope]) -> None:
    """Delete what is dealt with, in the transaction of its effects.

    Raises:
        LeaseLost: if one of them has been delivered to another worker since.
    """
    connection = await driver(db)
    first = envelopes[0]
    gone = await count(
        connection,
        _FINISH,
        first.recipient,
        first.owner,
        list({e.lane for e in envelopes}),
        [e.seq for e in envelopes],
        [e.attempts for e in envelopes],
    )
    if gone != len(envelopes):
        raise LeaseLost(f"{len(envelopes) - gone} of {len(envelopes)} messages moved on")


async def hold(
    db: Connection, envelopes: Sequence[Envelope], lease: timedelta, *, now: datetime | None = None
) -> None:
    """Fence a transaction that does not finish its messages, and renew their lease.

    Raises:
        LeaseLost: if one of them has been delivered to another worker since.
    """
    connection = await driver(db)
    held = await count(connection, _HOLD, *_fence(envelopes), lease, now)
    if held != len(envelopes):
        raise LeaseLost(f"{len(envelopes) - held} of {len(envelopes)} messages moved on")


class Mailbox:
    """A worker's hands in one mailbox.

    Args:
        url: ``postgresql+asyncpg://...``.
        role: whose mailbox.
        name: of this worker; a restarted worker of the same name frees its predecessor's
            leases at once.
        lease: how long a delivery may take before it is due again.
        virtual: whether the caller gives the time (simulation, tests) or the database.
        sweep: how often to look for expired leases and late commits.
    """

    def __init__(
        self,
        url: str,
        role: str,
        name: str,
        *,
        lease: timedelta = timedelta(seconds=60),
        options: PoolOptions | None = None,
        virtual: bool = False,
        sweep: timedelta = SWEEP,
    ) -> None:
        self.role = role
        self.name = name
        self.lease = lease
        self._url = url
        self._options = options or PoolOptions()
        self._virtual = virtual
        self._sweep = sweep.total_seconds()
        self._swept = 0.0
        self._floors = [0] * len(Lane)
        self._drained = False
        self._connection: asyncpg.Connection | None = None
        self._owner = 0
        self._one_at_a_time = asyncio.Lock()

    async def open(self, now: datetime) -> None:
        """Connect, and take over from a dead predecessor of the same name."""
        await self.close()
        self._connection = await connect(self._url, self._options)
        self._owner = await self._ask(
            "SELECT mailbox_register($1, $2, $3)", self.role, self.name, self._time(now)
        )
        self._floors = [0] * len(Lane)
        self._swept = 0.0

    async def close(self) -> None:
        """Disconnect; what is still claimed becomes due again when its lease runs out."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def claim(self, limit: int, *, now: datetime) -> list[Envelope]:
        """Take up to ``limit`` due messages, most urgent lane first, oldest first.

        A message whose lease ran out comes alone, and goes to the dead letters when its
        attempts are used up.
        """
        if self._sweep_is_due():
            suspect = await self._claim_suspect(now)
            if suspect:
                return suspect
            self._swept = time.monotonic()
            self._floors = [0] * len(Lane)
        rows = await self._fetch(
            _CLAIM, self.role, self._owner, limit, self.lease, self._floors, self._time(now)
        )
        self._drained = len(rows) < limit
        for row in rows:
            self._floors[row["lane"]] = max(self._floors[row["lane"]], row["seq"])
        return sorted(map(self._envelope, rows), key=lambda e: (e.lane, e.seq))

    async def renew(self, envelopes: Sequence[Envelope], *, now: datetime) -> None:
        """Prolong the leases of messages still being worked on."""
        lanes, seqs = [e.lane for e in envelopes], [e.seq for e in envelopes]
        await self._fetch(_RENEW, self.role, self._owner, lanes, seqs, self.lease, self._time(now))

    async def defer(
        self, envelopes: Sequence[Envelope], due_at: datetime, reason: str, *, counts: bool
    ) -> None:
        """Deliver again at ``due_at``; ``counts`` says whether this was a failed attempt."""
        await self._ask(_DEFER, *_fence(envelopes), due_at, reason, counts)

    async def bury(self, envelopes: Sequence[Envelope], reason: str, *, now: datetime) -> None:
        """Put messages aside for a person to read, replay or drop."""
        await self._ask(_BURY, *_fence(envelopes), reason, self._time(now))

    async def promote(self, *, now: datetime) -> list[str]:
        """Move what has come due into the mailboxes; return the recipients concerned."""
        rows = await self._fetch(
            "SELECT recipient FROM mailbox_promote($1, $2)", PROMOTED_AT_ONCE, self._time(now)
        )
        return [row["recipient"] for row in rows]

    async def beat(self, report: dict[str, Any], *, now: datetime) -> None:
        """Say that this worker is alive and how it is doing."""
        await self._fetch(
            "UPDATE agent_workers SET beat_at = coalesce($2, clock_timestamp()), "
            "report = $3::jsonb WHERE epoch = $1",
            self._owner,
            self._time(now),
            orjson.dumps(report).decode(),
        )

    async def _fetch(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        if self._connection is None:
            raise ConnectionError(f"the mailbox of {self.role} is not open")
        async with self._one_at_a_time:
            return await self._connection.fetch(query, *arguments)

    async def _ask(self, query: str, *arguments: object) -> Any:  # noqa: ANN401
        return (await self._fetch(query, *arguments))[0][0]

    def _time(self, now: datetime) -> datetime | None:
        return now if self._virtual else None

    def _sweep_is_due(self) -> bool:
        return self._virtual or time.monotonic() - self._swept >= self._sweep

    async def _claim_suspect(self, now: datetime) -> list[Envelope]:
        ceilings = [_ANYWHERE if self._drained else f or _ANYWHERE for f in self._floors]
        while True:
            rows = await self._fetch(
                _CLAIM_SUSPECT, self.role, self._owner, self.lease, ceilings, self._time(now)
            )
            suspects = [self._envelope(row) for row in rows]
            if not suspects or suspects[0].attempts <= suspects[0].max_attempts:
                return suspects
            await self.bury(suspects, "its worker died, or was too slow, at every attempt", now=now)

    def _envelope(self, row: asyncpg.Record) -> Envelope:
        lane, seq, message_id, kind, body, correlation_id, attempts, most, created_at = row
        return Envelope(
            self.role,
            self._owner,
            lane,
            seq,
            message_id,
            kind,
            orjson.loads(body),
            correlation_id,
            attempts,
            most,
            created_at,
        )


async def connect(url: str, options: PoolOptions) -> asyncpg.Connection:
    """Open the raw connection on which a worker claims, renews and promotes."""
    address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    timeout = int(options.network_timeout.total_seconds())
    if options.pgbouncer:
        return await asyncpg.connect(
            address, timeout=timeout, command_timeout=timeout, statement_cache_size=0
        )
    settings = server_settings(options) | {"synchronous_commit": "off"}
    return await asyncpg.connect(
        address, timeout=timeout, command_timeout=timeout, server_settings=settings
    )


def _alike(letters: Sequence[Letter]) -> bool:
    heads = {(o.recipient, o.kind, o.lane, o.correlation_id, o.causation_id) for o in letters}
    return len(heads) == 1


def _head_and_bodies(letters: Sequence[Letter]) -> tuple[object, ...]:
    first = letters[0]
    return (
        first.recipient,
        int(first.lane),
        first.kind,
        orjson.dumps([letter.body for letter in letters], default=str).decode(),
        first.correlation_id,
        first.causation_id,
        MAX_ATTEMPTS,
    )


def _columns(letters: Sequence[Letter]) -> tuple[object, ...]:
    return (
        [letter.recipient for letter in letters],
        [int(letter.lane) for letter in letters],
        [letter.kind for letter in letters],
        [orjson.dumps(letter.body, default=str).decode() for letter in letters],
        [letter.correlation_id for letter in letters],
        [letter.causation_id for letter in letters],
        MAX_ATTEMPTS,
    )


def _fence(envelopes: Sequence[Envelope]) -> tuple[object, ...]:
    first = envelopes[0]
    return (
        first.recipient,
        first.owner,
        [e.lane for e in envelopes],
        [e.seq for e in envelopes],
        [e.attempts for e in envelopes],
    )


_POST_ALIKE = "SELECT mailbox_post_alike($1, $2, $3, $4, $5, $6, $7::smallint)"
_POST_PLAIN = "SELECT mailbox_post_plain($1, $2, $3, $4, $5, $6, $7::smallint)"
_POST = "SELECT mailbox_post($1, $2, $3, $4, $5, $6, $7::smallint, $8, $9, $10)"
_CLAIM = "SELECT * FROM mailbox_claim($1, $2, $3, $4, $5, $6)"
_CLAIM_SUSPECT = "SELECT * FROM mailbox_claim_suspect($1, $2, $3, $4, $5)"
_FINISH = "SELECT mailbox_finish($1, $2, $3, $4, $5)"
_HOLD = "SELECT mailbox_hold($1, $2, $3, $4, $5, $6, $7)"
_DEFER = "SELECT mailbox_defer($1, $2, $3, $4, $5, $6, $7, $8)"
_BURY = "SELECT mailbox_bury($1, $2, $3, $4, $5, $6, $7)"
_RENEW = "SELECT * FROM mailbox_renew($1, $2, $3, $4, $5, $6)"
