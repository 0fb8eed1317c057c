"""Runs agents: claim messages, give the agent its turns, settle what is left.

A ``Worker`` is one agent at work; it knows neither Ray nor the clock. What it is told
through ``wake`` is only a hint: it polls anyway.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from pydantic import ValidationError

from agents.agent import Agent, Done, Outcome, Refuse, Snooze, Turn
from agents.errors import VendorError
from agents.failpoints import Failpoints
from agents.messages import Message, decode
from policies.failure import backoff
from storage.database import Database
from storage.mailbox import Envelope, LeaseLost, Mailbox

log = structlog.get_logger("leadengine.agents")


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """How a worker works.

    Attributes:
        concurrency: turns under way at once.
        claim: messages claimed at once, at most.
        poll: how long to wait for a hint before looking anyway.
        beat: how often to report.
    """

    concurrency: int = 4
    claim: int = 100
    poll: timedelta = timedelta(seconds=1)
    beat: timedelta = timedelta(seconds=2)


@dataclass(slots=True)
class Tally:
    """What a worker did since it started."""

    done: int = 0
    failed: int = 0
    refused: int = 0
    snoozed: int = 0
    lost: int = 0
    turns: int = 0
    last_error: str | None = None


@dataclass(slots=True)
class Worker:
    """One agent at work in one mailbox.

    Attributes:
        clock: gives the time (aware UTC).
        chance: gives uniform draws from 0 to 1.
        wake_others: told the roles that were posted to, after each commit.
    """

    agent: Agent
    database: Database
    mailbox: Mailbox
    clock: Callable[[], datetime]
    chance: Callable[[], float]
    wake_others: Callable[[Iterable[str]], None] = lambda roles: None
    options: WorkerOptions = field(default_factory=WorkerOptions)
    failpoints: Failpoints = field(default_factory=Failpoints)
    virtual: bool = False
    tally: Tally = field(default_factory=Tally)
    _hint: asyncio.Event = field(default_factory=asyncio.Event)
    _stopping: bool = False
    _working: dict[asyncio.Task[None], Sequence[Envelope]] = field(default_factory=dict)

    def wake(self) -> None:
        """Take the hint that there may be a message."""
        self._hint.set()

    def stop(self) -> None:
        """Claim nothing more; ``run`` returns when the turns under way are over."""
        self._stopping = True
        self._hint.set()

    @property
    def working(self) -> int:
        """Turns under way."""
        return len(self._working)

    async def run(self) -> None:
        """Work until ``stop``; raises what the database raises when it goes away."""
        await self.mailbox.open(self.clock())
        keeper = asyncio.create_task(self._keep(), name=f"keep:{self.agent.role}")
        try:
            while not self._stopping:
                self._raise_if_over(keeper)
                await self._fill()
            await self._settle_all()
        finally:
            keeper.cancel()
            for task in self._working:
                task.cancel()
            await asyncio.gather(keeper, *self._working, return_exceptions=True)
            await self.mailbox.close()

    async def step(self) -> int:
        """Claim once and work it off; return the number of messages claimed."""
        envelopes = await self.mailbox.claim(self.options.claim, now=self.clock())
        for batch in _batches(envelopes, self.agent):
            await self._turn(batch)
        return len(envelopes)

    async def _fill(self) -> None:
        self._hint.clear()
        free = self.options.concurrency - len(self._working)
        claimed = await self._claim(free) if free > 0 else []
        for batch in claimed:
            self._start(batch)
        if not claimed:
            await self._wait()

    async def _claim(self, free: int) -> list[list[Envelope]]:
        largest = max(self.agent.batches.values(), default=1)
        limit = min(self.options.claim, free * largest)
        envelopes = await self.mailbox.claim(limit, now=self.clock())
        return _batches(envelopes, self.agent)

    def _start(self, batch: list[Envelope]) -> None:
        task = asyncio.create_task(self._turn(batch))
        self._working[task] = batch
        task.add_done_callback(self._over)

    def _over(self, task: "asyncio.Task[None]") -> None:
        self._working.pop(task, None)
        self._hint.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            self.tally.last_error = type(error).__name__
            log.warning("turn.unsettled", role=self.agent.role, error=type(error).__name__)

    async def _wait(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self.options.poll.total_seconds()):
                await self._hint.wait()

    async def _settle_all(self) -> None:
        while self._working:
            await asyncio.wait(self._working)

    def _raise_if_over(self, keeper: "asyncio.Task[None]") -> None:
        if keeper.done():
            keeper.result()

    async def _keep(self) -> None:
        """Renew the leases of what is under way, promote what came due, and report."""
        while True:
            now = self.clock()
            if envelopes := [e for batch in self._working.values() for e in batch]:
                await self.mailbox.renew(envelopes, now=now)
            due = await self.mailbox.promote(now=now)
            self.wake_others(due)
            if self.agent.role in due:
                self._hint.set()
            await self.mailbox.beat(self.report(), now=now)
            await asyncio.sleep(min(self.options.beat, self.mailbox.lease / 3).total_seconds())

    def report(self) -> dict[str, int | str | None]:
        """Say what this worker did, and does."""
        tally = self.tally
        return {
            "working": self.working,
            "done": tally.done,
            "failed": tally.failed,
            "refused": tally.refused,
            "snoozed": tally.snoozed,
            "lost": tally.lost,
            "turns": tally.turns,
            "last_error": tally.last_error,
        }

    async def _turn(self, batch: Sequence[Envelope]) -> None:
        await self.failpoints.reach("claim.after")
        self.tally.turns += 1
        turn = self._new_turn(batch)
        try:
            messages = [_read(envelope) for envelope in batch]
            with structlog.contextvars.bound_contextvars(correlation_id=turn.correlation_id):
                outcome = await self.agent.handle(messages, turn)
        except LeaseLost:
            self.tally.lost += len(batch)
        except Exception as error:  # noqa: BLE001 - whatever a turn raises is settled
            await self._failed(batch, turn, error)
        else:
            await self._settle(batch, turn, outcome)
        self.wake_others(turn.posted)

    def _new_turn(self, batch: Sequence[Envelope]) -> Turn:
        return Turn(
            self.database,
            batch,
            now=self.clock(),
            lease=self.mailbox.lease,
            virtual=self.virtual,
            failpoints=self.failpoints,
        )

    async def _settle(self, batch: Sequence[Envelope], turn: Turn, outcome: Outcome) -> None:
        match outcome:
            case _ if turn.finished:
                self.tally.done += len(batch)
            case Done():
                async with turn.commit():
                    self.tally.done += len(batch)
            case Snooze(until=until, reason=reason):
                await self.mailbox.defer(batch, until, reason, counts=False)
                self.tally.snoozed += len(batch)
            case Refuse(reason=reason):
                await self.mailbox.bury(batch, reason, now=self.clock())
                self.tally.refused += len(batch)

    async def _failed(self, batch: Sequence[Envelope], turn: Turn, error: Exception) -> None:
        if turn.finished:
            self.tally.done += len(batch)
            return
        if len(batch) > 1:
            for envelope in batch:
                await self._turn([envelope])
            return
        self.tally.failed += 1
        self.tally.last_error = type(error).__name__
        log.warning(
            "turn.failed",
            role=self.agent.role,
            kind=batch[0].kind,
            attempt=batch[0].attempts,
            error=type(error).__name__,
        )
        await self._try_later(batch[0], error)

    async def _try_later(self, envelope: Envelope, error: Exception) -> None:
        reason = describe(error)
        if _is_final(error) or envelope.attempts >= envelope.max_attempts:
            await self.mailbox.bury([envelope], reason, now=self.clock())
            return
        asked = error.retry_after if isinstance(error, VendorError) else None
        wait = backoff(envelope.attempts, self.chance(), at_least=asked or timedelta())
        await self.mailbox.defer([envelope], self.clock() + wait, reason, counts=True)


def describe(error: Exception) -> str:
    """Say what happened in words that hold no personal data.

    A vendor's words are our own text; anything else may quote its input, so only its
    type is told.
    """
    if isinstance(error, VendorError | UnreadableMessage):
        return str(error)
    return type(error).__name__


class UnreadableMessage(Exception):
    """The message is of no kind or shape that this version knows."""


def _read(envelope: Envelope) -> Message:
    try:
        return decode(envelope.body)
    except ValidationError as error:
        raise UnreadableMessage(f"this version cannot read {envelope.kind!r}") from error


def _is_final(error: Exception) -> bool:
    if isinstance(error, VendorError):
        return error.retry_after is None
    return isinstance(error, UnreadableMessage)


def _batches(envelopes: Sequence[Envelope], agent: Agent) -> list[list[Envelope]]:
    """Group messages of one kind and lane, in order, as large as the agent takes them."""
    open_batches: dict[str, list[Envelope]] = {}
    batches: deque[list[Envelope]] = deque()
    for envelope in envelopes:
        batch = open_batches.get(envelope.kind)
        if batch is None or len(batch) >= agent.batches.get(envelope.kind, 1):
            batch = open_batches[envelope.kind] = []
            batches.append(batch)
        batch.append(envelope)
    return list(batches)


async def drain(workers: Sequence[Worker]) -> int:
    """Step all workers in turn until every mailbox is empty; return the messages handled."""
    handled = 0
    while True:
        stepped = [await worker.step() for worker in workers]
        due = [await worker.mailbox.promote(now=worker.clock()) for worker in workers]
        if not any(stepped) and not any(due):
            return handled
        handled += sum(stepped)
