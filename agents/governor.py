"""One pace and one circuit breaker for a vendor, shared by every worker that calls it.

The state is one row in the database, so it outlives any actor. A worker asks for slots before it
calls and tells what happened after; nothing is written when nothing would change.

The rules: `policies.pacing` and `policies.failure`. How calls went is counted beside them
(`storage.vendor_calls`): those figures are written every few seconds.
"""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from pydantic import TypeAdapter

from agents.errors import AnswerError, VendorError
from policies import failure, pacing
from policies.failure import Breaker
from policies.llm import RateLimits
from policies.pacing import Allowance, Pace
from storage import vendor_calls, vendor_states
from storage.database import Connection, Database
from storage.vendor_calls import CallOutcome, Slot, Tally, hour_of

FLUSH_EVERY = timedelta(seconds=5)
SHORTEST_WAIT = timedelta(seconds=1)
NO_CREDIT = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Admitted:
    """The calls may be made, each not before its moment has come.

    Attributes:
        waits: how long each call waits from now.
    """

    waits: tuple[timedelta, ...]


@dataclass(frozen=True, slots=True)
class Closed:
    """The vendor is away or out of credit; nobody may call before ``until`` (aware)."""

    until: datetime


@dataclass(frozen=True, slots=True)
class _State:
    pace: Pace
    breaker: Breaker = field(default_factory=Breaker)
    no_credit_until: datetime | None = None

    @property
    def at_ease(self) -> bool:
        return self.pace.factor >= 1 and self.breaker == Breaker()


_codec = TypeAdapter(_State)


class Governor:
    """Keeps the calls to one vendor within its limits, for the cluster as a whole.

    Args:
        requests_per_minute: the ceiling that the operator sets.
        tokens_per_minute: the same for tokens; None where the vendor counts none.
        clock: the time (aware UTC); needed by `calling` only.
        patience: how long one probe of a half-open breaker may take.
    """

    def __init__(
        self,
        database: Database,
        vendor: str,
        *,
        requests_per_minute: float,
        tokens_per_minute: float | None = None,
        clock: Callable[[], datetime] | None = None,
        patience: timedelta = timedelta(minutes=1),
    ) -> None:
        self.vendor = vendor
        self._database = database
        self._ceilings = Pace(requests_per_minute, tokens_per_minute)
        self._clock = clock
        self._patience = patience
        self._last: _State | None = None
        self._announced = Allowance()
        self._tallies: dict[Slot, Tally] = {}
        self._flushed_at: datetime | None = None

    async def admit(
        self, db: Connection, tokens: Sequence[int], now: datetime
    ) -> Admitted | Closed:
        """Ask for one slot a call, in the transaction that intends the calls.

        A half-open breaker admits one batch, and keeps the others waiting for its answers.

        Args:
            tokens: what the vendor's limiter will count for each call; 0 where it counts none.
        """
        state = await self._read(db)
        if not failure.may_call(state.breaker, now):
            return Closed(state.breaker.open_until or now)
        pace, slots = pacing.take(state.pace, list(tokens), now)
        breaker = failure.probe(state.breaker, now, self._patience)
        await self._write(db, replace(state, pace=pace, breaker=breaker), now)
        return Admitted(tuple(max(slot - now, timedelta()) for slot in slots))

    async def enter(self, now: datetime) -> Admitted | Closed:
        """Ask for one slot, for a call that costs nothing, in a transaction of its own."""
        async with self._database.transaction() as db:
            if (until := await self.closed_until(db, now)) is not None:
                return Closed(until)
            return await self.admit(db, [0], now)

    def is_closed(self, now: datetime) -> bool:
        """Whether the vendor was away when last heard of, and should still be left alone."""
        return self._last is not None and not failure.may_call(self._last.breaker, now)

    async def out_of_credit_until(self, db: Connection, now: datetime) -> datetime | None:
        """Until when nothing can be bought from the vendor; None if it can, as far as we know."""
        state = await self._peek(db)
        until = state.no_credit_until
        return until if until is not None and until > now else None

    async def closed_until(self, db: Connection, now: datetime) -> datetime | None:
        """Until when nobody may call: it is away, or asked for a pause; None if it may be called.

        Asks for no slot.
        """
        state = await self._peek(db)
        ends = (state.breaker.open_until, state.pace.held_until)
        return max((end for end in ends if end is not None and end > now), default=None)

    def heard(self, allowance: Allowance) -> None:
        """Keep what the vendor announced; the end of the `calling` that is open follows it."""
        if allowance.windows:
            self._announced = allowance

    @asynccontextmanager
    async def calling(
        self, operation: str, *, clock: Callable[[], datetime] | None = None
    ) -> AsyncGenerator[None, None]:
        """Make one admitted call within: it is timed and counted, and its outcome told to all.

        Where the vendor has asked in the meantime to be left alone for a while, nothing is called
        and a throttled `VendorError` says for how long. Errors are raised again. An `AnswerError`
        and an account without credit do not count against the vendor, which is well; anything but
        a `VendorError` is not its doing.

        Args:
            operation: a word of ours for the figures, such as ``"search"``; a constant.
            clock: in place of the governor's own.
        """
        clock = clock or self._must_have_clock()
        began = clock()
        await self._must_not_be_held(began)
        try:
            yield
        except VendorError as error:
            now = clock()
            self._count(operation, now - began, now, error)
            await self._told(error, now)
            raise
        now = clock()
        self._count(operation, now - began, now, None)
        await self._well(now)

    async def succeeded(self, limits: Sequence[RateLimits], now: datetime) -> None:
        """Hear of good answers and of the limits announced with them."""
        newest = next((known for known in reversed(limits) if known.requests), RateLimits())
        if self._nothing_new(newest.requests, newest.tokens):
            return
        async with self._database.transaction() as db:
            state = await self._read(db)
            pace = pacing.heard(state.pace, newest.requests, newest.tokens, now)
            breaker = failure.succeeded(state.breaker)
            await self._write(db, replace(state, pace=pace, breaker=breaker), now)

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

    async def flush(self, db: Connection, now: datetime) -> None:
        """Write how calls went in the transaction that is open; if it fails, they are lost."""
        told, self._tallies, self._flushed_at = self._tallies, {}, now
        await vendor_calls.add(db, self.vendor, told)

    async def close(self) -> None:
        """Write the figures that are left."""
        if self._tallies:
            await self._flush_now(self._flushed_at or max(hour for _, hour in self._tallies))

    async def _told(self, error: VendorError, now: datetime) -> None:
        if error.out_of_credit:
            await self._ran_out(error.retry_after or NO_CREDIT, now)
        elif isinstance(error, AnswerError):
            await self._well(now)
        elif error.throttled:
            await self._slow_down(error.retry_after or SHORTEST_WAIT, now)
        else:
            await self._fail(error.retry_after or timedelta(), now)
        await self._flush_now(now)

    async def _must_not_be_held(self, now: datetime) -> None:
        async with self._database.transaction() as db:
            until = (await self._peek(db)).pace.held_until
        if until is not None and until > now:
            problem = f"it asked to be left alone until {until:%H:%M:%S} UTC"
            raise VendorError(self.vendor, problem, retry_after=until - now, throttled=True)

    async def _fail(self, at_least: timedelta, now: datetime) -> None:
        """As `failed`, and what the vendor asked for beside it holds everybody back."""
        pause = self._take_announced().pause
        async with self._database.transaction() as db:
            state = await self._read(db)
            pace = pacing.hold(state.pace, pause, now)
            breaker = failure.failed(state.breaker, now, at_least=at_least)
            await self._write(db, replace(state, pace=pace, breaker=breaker), now)

    async def _slow_down(self, wait: timedelta, now: datetime) -> None:
        """As `throttled`, but a vendor that turns a probe away is well."""
        wait = max(wait, self._take_announced().pause)
        async with self._database.transaction() as db:
            state = await self._read(db)
            pace = pacing.throttled(state.pace, wait, now)
            breaker = failure.succeeded(state.breaker)
            await self._write(db, replace(state, pace=pace, breaker=breaker), now)

    async def _ran_out(self, wait: timedelta, now: datetime) -> None:
        async with self._database.transaction() as db:
            state = await self._read(db)
            breaker = failure.succeeded(state.breaker)
            out = replace(state, breaker=breaker, no_credit_until=now + wait)
            await self._write(db, out, now)

    async def _well(self, now: datetime) -> None:
        announced = self._take_announced()
        if not self._nothing_new(announced.per_minute, None) or announced.pause:
            async with self._database.transaction() as db:
                state = await self._read(db)
                pace = pacing.allowed(state.pace, announced, now)
                breaker = failure.succeeded(state.breaker)
                await self._write(db, replace(state, pace=pace, breaker=breaker), now)
        if self._flushed_at is None or now - self._flushed_at >= FLUSH_EVERY:
            await self._flush_now(now)

    def _take_announced(self) -> Allowance:
        announced, self._announced = self._announced, Allowance()
        return announced

    def _count(
        self, operation: str, took: timedelta, now: datetime, error: VendorError | None
    ) -> None:
        outcome = CallOutcome.OK
        if error is not None:
            outcome = CallOutcome.THROTTLED if error.throttled else CallOutcome.FAILED
        tally = self._tallies.setdefault((operation, hour_of(now)), Tally())
        tally.count(took, now, outcome, str(error or ""))

    async def _flush_now(self, now: datetime) -> None:
        pending = self._tallies
        try:
            async with self._database.transaction() as db:
                await self.flush(db, now)
        except BaseException:
            later, self._tallies = self._tallies, pending
            for slot, tally in later.items():
                self._tallies.setdefault(slot, Tally()).merge(tally)
            raise

    def _must_have_clock(self) -> Callable[[], datetime]:
        if self._clock is None:
            raise ValueError("calls are timed: give the governor a clock")
        return self._clock

    def _nothing_new(self, requests: float | None, tokens: int | None) -> bool:
        last = self._last
        if last is None or not last.at_ease:
            return False
        known = (last.pace.announced_requests, last.pace.announced_tokens)
        return requests is None or known == (requests, tokens)

    async def _read(self, db: Connection) -> _State:
        return self._understood(await vendor_states.locked(db, self.vendor))

    async def _peek(self, db: Connection) -> _State:
        return self._understood(await vendor_states.of(db, self.vendor))

    def _understood(self, kept: dict[str, Any] | None) -> _State:
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
