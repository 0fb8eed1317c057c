"""Runs agents to the end of their work in one process, through crashes, on a clock of its own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import text

from agents.agent import Agent
from agents.failpoints import Crashed, Failpoints
from agents.runtime import Worker, drain
from storage.database import Database
from storage.mailbox import Mailbox
from tests.scripted import Clock

MOST_CRASHES = 20
MOST_WAITS = 50


@dataclass(slots=True)
class Fleet:
    """One worker for each agent; a crash ends them all, and they start again by the same names.

    Attributes:
        agents: makes fresh agents, as a new process would.
        crashes: how often everything ended.
    """

    database: Database
    agents: Callable[[], Sequence[Agent]]
    clock: Clock = field(default_factory=Clock)
    failpoints: Failpoints = field(default_factory=Failpoints)
    crashes: int = 0

    async def finish(self) -> None:
        """Work until nothing is left, waiting (by the clock) for what is due later."""
        for _ in range(MOST_WAITS):
            await self._drain()
            if not await self._delayed():
                return
            self.clock.pass_(timedelta(minutes=2))
        raise AssertionError("the work never ends")

    async def _drain(self) -> None:
        while self.crashes < MOST_CRASHES:
            workers = [self._worker(agent) for agent in self.agents()]
            try:
                for worker in workers:
                    await worker.mailbox.open(self.clock())
                await drain(workers)
            except Crashed:
                self.crashes += 1
            else:
                return
            finally:
                for worker in workers:
                    await worker.mailbox.close()
        raise AssertionError("it crashes for ever")

    def _worker(self, agent: Agent) -> Worker:
        return Worker(
            agent,
            self.database,
            Mailbox(self.database.url, agent.role, f"{agent.role}:0", virtual=True),
            self.clock,
            lambda: 0.5,
            failpoints=self.failpoints,
            virtual=True,
        )

    async def _delayed(self) -> int:
        async with self.database.transaction() as db:
            waiting = await db.execute(text("SELECT count(*) FROM delayed_messages"))
            return int(waiting.scalar_one())
