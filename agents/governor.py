"""One pace and one circuit breaker for a vendor, shared by every worker that calls it.

The state is one row in the database, so it outlives any actor. A worker asks for slots before it
calls and tells what happened after; nothing is written when nothing would change.

The rules: `policies.pacing` and `policies.failure`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from pydantic import TypeAdapter

from policies import failure, pacing
from policies.failure import Breaker
from policies.llm import RateLimits
from policies.pacing import Pace
from storage import vendor_states
from storage.database import Connection, Database


@dataclass(frozen=True, slots=True)
class Admitted:
    """The calls may be made, each not before its moment has come.

    Attributes:
        waits: how long each call waits from now.
    """

    waits: tuple[timedelta, ...]


@dataclass(frozen=True, slots=True)
class Closed:
    """The vendor is away; nobody may call before ``until`` (aware)."""

    until: datetime


@dataclass(frozen=True, slots=True)
class _State:
    pace: Pace
    breaker: Breaker = field(default_factory=Breaker)

    @property
    def at_ease(self) -> bool:
        return self.pace.factor >= 1 and self.breaker == Breaker()


_codec = TypeAdapter(_State)


class Governor:
    """Keeps the calls to one vendor within its limits, for the cluster as a whole.

    Args:
        requests_per_minute: the ceiling that the operator sets.
        tokens_per_minute: the same for tokens.
        patience: how long one probe of a half-open breaker may take.
    """

    def __init__(
        self,
        database: Database,
        vendor: str,
        *,
        requests_per_minute: float,
        tokens_per_minute: float,
        patience: timedelta = timedelta(minutes=1),
    ) -> None:
        self.vendor = vendor
        self._database = database
        self._ceilings = Pace(requests_per_minute, tokens_per_minute)
        self._patience = patience
        self._last: _State | None = None

    async def admit(
        self, db: Connection, tokens: Sequence[int], now: datetime
    ) -> Admitted | Closed:
        """Ask for one slot a call, in the transaction that intends the calls.

        A half-open breaker admits one batch, and keeps the others waiting for its answers.

        Args:
            tokens: what the vendor's limiter will count for each call.
        """
        state = await self._read(db)
        if not failure.may_call(state.breaker, now):
            return Closed(state.breaker.open_until or now)
        pace, slots = pacing.take(state.pace, list(tokens), now)
        breaker = failure.probe(state.breaker, now, self._patience)
        await self._write(db, _State(pace, breaker), now)
        return Admitted(tuple(max(slot - now, timedelta()) for slot in slots))

    def is_closed(self, now: datetime) -> bool:
        """Whether the vendor was away when last heard of, and should still be left alone."""
        return self._last is not None and not failure.may_call(self._last.breaker, now)

    async def succeeded(self, limits: Sequence[RateLimits], now: datetime) -> None:
        """Hear of good answers and of the limits announced with them."""
        newest = next((known for known in reversed(limits) if known.requests), RateLimits())
        if self._nothing_new(newest):
            return
        async with self._database.transaction() as db:
            state = await self._read(db)
            pace = pacing.heard(state.pace, newest.requests, newest.tokens, now)
            await self._write(db, _State(pace, failure.succeeded(state.breaker)), now)

    async def throttled(self, wait: timedelta, now: datetime) -> None:
        """Hear that the vendor was asked too often, and may be asked again after ``wait``."""
        async with self._database.transaction() as db:
            state = await self._read(db)
            pace = pacing.throttled(state.pace, wait, now)
            await self._write(db, replace(state, pace=pace), now)

    async def failed(self, at_least: timedelta | None, now: datetime) -> None:
        """Hear that the vendor is away, broken or refuses us; None where it named no pause."""
        async with self._database.transaction() as db:
            state = await self._read(db)
            breaker = failure.failed(state.breaker, now, at_least=at_least or timedelta())
            await self._write(db, replace(state, breaker=breaker), now)

    def _nothing_new(self, limits: RateLimits) -> bool:
        last = self._last
        if last is None or not last.at_ease:
            return False
        known = (last.pace.announced_requests, last.pace.announced_tokens)
        return limits.requests is None or known == (limits.requests, limits.tokens)

    async def _read(self, db: Connection) -> _State:
        kept = await vendor_states.locked(db, self.vendor)
        pace = self._ceilings
        if kept is None:
            return _State(pace)
        state = _codec.validate_python(kept)
        ceilings = {
            "requests_per_minute": pace.requests_per_minute,
            "tokens_per_minute": pace.tokens_per_minute,
        }
        return replace(state, pace=replace(state.pace, **ceilings))

    async def _write(self, db: Connection, state: _State, now: datetime) -> None:
        self._last = state
        shown: dict[str, Any] = _codec.dump_python(state, mode="json")
        await vendor_states.put(db, self.vendor, shown, now=now)
