"""Real workers at work, with real adapters, a sandbox, a database, and the real time.

Only idle stretches are left out: where nobody has anything to do for a while, the clock goes on to
the moment when somebody has. While a vendor has asked to be left alone nothing is left out, so that
who comes too early comes too early by the sandbox's log, too, which knows no time but the true one.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any, ClassVar

from sqlalchemy import text

from agents.agent import Agent
from agents.governor import Governor
from agents.messages import Message, encode
from agents.runtime import Worker, WorkerOptions
from cluster.clock import now
from scripts.sandbox.process import SandboxProcess
from storage import invariants, mailbox, vendor_calls, vendor_states
from storage.database import Database
from storage.mailbox import Letter, Mailbox
from storage.vendor_calls import VendorOverview

SHORT = timedelta(seconds=0.3)
"""An idle stretch that is not worth leaving out."""
LOOK = timedelta(milliseconds=40)


@dataclass(slots=True)
class Clock:
    """The time of day, but for what was left out so far."""

    left_out: timedelta = timedelta()

    def __call__(self) -> datetime:
        return now() + self.left_out

    def leave_out(self, time: timedelta) -> None:
        self.left_out += time


@dataclass(slots=True, kw_only=True)
class Stage(ABC):
    """Workers of some roles, and what can be seen of them.

    Attributes:
        vendors: that are connected.
        workers: at work now.
        options: of the workers; how often they look is ours.
    """

    roles: ClassVar[Sequence[str]]
    options: ClassVar[WorkerOptions] = WorkerOptions()
    database: Database
    sandbox: SandboxProcess
    vendors: Sequence[str]
    clock: Clock = field(default_factory=Clock)
    workers: list[Worker] = field(default_factory=list[Worker])
    _tasks: list[asyncio.Task[None]] = field(default_factory=list[asyncio.Task[None]])

    @abstractmethod
    def agents(self, number: int, closing: AsyncExitStack) -> Sequence[Agent]:
        """One agent of every role, with connections of its own, which ``closing`` closes."""

    @asynccontextmanager
    async def at_work(self, *, each: int = 1) -> AsyncGenerator[None, None]:
        """Let ``each`` workers of every role work, each with connections of its own."""
        async with AsyncExitStack() as closing:
            self.workers = [
                self._worker(agent, number)
                for number in range(each)
                for agent in self.agents(number, closing)
            ]
            self._tasks = [asyncio.create_task(worker.run()) for worker in self.workers]
            try:
                yield
            finally:
                for worker in self.workers:
                    worker.stop()
                await asyncio.gather(*self._tasks)

    async def finish(self, *, within: float = 30.0) -> None:
        """Wait until nothing is left to do; no turn may have failed."""
        await self.until(self._is_over, within=within)
        assert [worker.tally.failed for worker in self.workers] == [0] * len(self.workers)

    async def until(
        self,
        holds: Callable[[], Awaitable[bool]],
        *,
        within: float = 30.0,
        as_it_is: bool = False,
    ) -> None:
        """Wait until something holds.

        Args:
            as_it_is: whether no time is left out.
        """
        async with asyncio.timeout(within):
            while not await holds():
                self._raise_what_went_wrong()
                if not as_it_is:
                    await self._leave_out()
                await asyncio.sleep(LOOK.total_seconds())

    async def pass_(self, time: timedelta) -> None:
        """Let so much time pass, with all the work that falls due in it."""
        end = self.clock() + time
        while self.clock() < end:
            ready, due = await self._waiting()
            if not ready:
                self.clock.leave_out(max(min(due or end, end) - self.clock(), timedelta()))
            await asyncio.sleep(LOOK.total_seconds())

    async def rows(self, query: str) -> list[tuple[Any, ...]]:
        async with self.database.transaction() as db:
            return [tuple(row) for row in await db.execute(text(query))]

    def log(self, vendor: str) -> list[dict[str, Any]]:
        """Every request that the sandbox got."""
        return self.sandbox.book(vendor)["log"]

    async def overview(self, vendor: str) -> VendorOverview:
        async with self.database.transaction() as db:
            return (await vendor_calls.overview(db, now=self.clock()))[vendor]

    async def breaker(self, vendor: str) -> dict[str, Any]:
        async with self.database.transaction() as db:
            return (await vendor_states.all(db)).get(vendor, {}).get("breaker", {})

    async def nothing_is_wrong(self, *, but: Collection[str] = ()) -> None:
        """No message was given up, and everything in storage is as it must be.

        Args:
            but: names of invariants that the way the test began breaks.
        """
        assert await self.rows("SELECT recipient, kind, reason FROM dead_letters") == []
        async with self.database.transaction() as db:
            broken = await invariants.run(db)
        assert [each for each in broken if each.name not in but] == []

    async def post(self, role: str, messages: Sequence[Message]) -> None:
        letters = [Letter(role, message.kind, encode(message)) for message in messages]
        async with self.database.transaction() as db:
            await mailbox.post(db, letters, now=self.clock())

    def governor(self, vendor: str, closing: AsyncExitStack) -> Governor:
        """A vendor's pace and breaker."""
        governor = Governor(self.database, vendor, requests_per_minute=6_000, clock=self.clock)
        closing.push_async_callback(governor.close)
        return governor

    async def _is_over(self) -> bool:
        return await self._waiting() == (0, None)

    def _raise_what_went_wrong(self) -> None:
        for task in self._tasks:
            if task.done():
                task.result()

    async def _leave_out(self) -> None:
        """Go on to the next moment at which there is something to do, if that is far away."""
        ready, due = await self._waiting()
        if ready or due is None:
            return
        idle = due - self.clock()
        if idle > SHORT and not self._is_told_to_wait():
            self.clock.leave_out(idle)

    async def _waiting(self) -> tuple[int, datetime | None]:
        """Messages that are read or can be, and when the next one comes due."""
        roles = ", ".join(f"'{role}'" for role in self.roles)
        [waiting] = await self.rows(
            f"SELECT (SELECT count(*)::int FROM messages WHERE recipient IN ({roles})), "
            "(SELECT min(due_at) FROM delayed_messages)"
        )
        return waiting[0], waiting[1]

    def _is_told_to_wait(self) -> bool:
        """Whether a vendor has asked to be left alone until later than now, by the true time."""
        logs = (entry for vendor in self.vendors for entry in self.log(vendor))
        ends = (entry["at"] + entry.get("retry_after", 0.0) for entry in logs)
        return max(ends, default=0.0) > now().timestamp()

    def _worker(self, agent: Agent, number: int) -> Worker:
        return Worker(
            agent,
            self.database,
            Mailbox(self.database.url, agent.role, f"{agent.role}:{number}", virtual=True),
            self.clock,
            Random(number).random,
            self._wake,
            options=replace(self.options, poll=LOOK, beat=LOOK),
            virtual=True,
        )

    def _wake(self, roles: Iterable[str]) -> None:
        for worker in self.workers:
            if worker.agent.role in roles:
                worker.wake()
