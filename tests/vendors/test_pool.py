"""Several workers, one vendor: what it asks for and how it fares is known to all of them.

What was asked, and when, is read from the vendor's own log.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agents.errors import VendorError
from agents.governor import Admitted, Closed, Governor
from agents.vendors.uplead import UpLead
from policies.failure import THRESHOLD
from scripts.sandbox.process import KEY, SandboxProcess
from storage.database import Database
from tests.scripted import Clock

VENDOR = "uplead"
UNDER_WAY = 0.1
"""Seconds in which a request may still arrive that was sent before the pause was heard of."""
ROUNDING = 0.05


def real() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)


class Worker:
    """Asks how much credit is left, again and again, as agents do."""

    def __init__(self, database: Database, url: str, clock: Callable[[], datetime]) -> None:
        self.governor = Governor(database, VENDOR, requests_per_minute=300, clock=clock)
        self.uplead = UpLead(KEY, base_url=url, heard=self.governor.heard)
        self.clock = clock
        self.answered = 0

    async def enter(self) -> Admitted | Closed:
        return await self.governor.enter(self.clock())

    async def ask(self) -> None:
        async with self.governor.calling("usage"):
            await self.uplead.get_usage_stats()
        self.answered += 1

    async def work(self, until: float) -> None:
        """Ask until that moment of the event loop, waiting as long as one is told to."""
        while asyncio.get_running_loop().time() < until:
            admitted = await self.enter()
            if isinstance(admitted, Closed):
                await asyncio.sleep((admitted.until - self.clock()).total_seconds())
                continue
            await asyncio.sleep(admitted.waits[0].total_seconds())
            try:
                await self.ask()
            except VendorError as error:
                wait = error.retry_after or timedelta()
                await asyncio.sleep(wait.total_seconds())


Pool = Callable[[Callable[[], datetime]], list[Worker]]


@pytest.fixture
async def pool(database: Database, sandbox: SandboxProcess) -> AsyncGenerator[Pool]:
    sandbox.set(VENDOR, per_minute=1_000_000)
    pool: list[Worker] = []

    def hire(clock: Callable[[], datetime]) -> list[Worker]:
        pool.extend(Worker(database, sandbox.vendor_urls[VENDOR], clock) for _ in range(6))
        return pool

    yield hire
    for worker in pool:
        await worker.uplead.close()


def log(sandbox: SandboxProcess) -> list[dict[str, Any]]:
    return sandbox.book(VENDOR)["log"]


@pytest.mark.parametrize(("mode", "late"), [("429", 0), ("429_date", 2)])
async def test_a_pool_that_is_told_to_wait_does_not_ask_before_its_time(
    pool: Pool, sandbox: SandboxProcess, mode: str, late: int
) -> None:
    """Nor do those who had a slot. A date is in whole seconds, as is the clock that measures it."""
    workers = pool(real)
    until = asyncio.get_running_loop().time() + 3.5 + late
    work = asyncio.gather(*(worker.work(until) for worker in workers))
    await asyncio.sleep(0.3)
    sandbox.arm(mode, vendor=VENDOR, count=1, retry_after=2)
    await work

    asked = log(sandbox)
    (turned_away,) = [one for one in asked if one["status"] == 429]
    resumes = turned_away["at"] + turned_away["retry_after"] - ROUNDING
    early = [one for one in asked if turned_away["at"] + UNDER_WAY < one["at"] < resumes]
    assert early == []
    assert len(asked) > 1
    assert asked[-1]["at"] >= resumes


async def test_a_vendor_that_is_away_is_probed_by_one_and_taken_up_by_all(
    pool: Pool, sandbox: SandboxProcess
) -> None:
    clock = Clock()
    workers = pool(clock)
    sandbox.arm("503", vendor=VENDOR, count=THRESHOLD + 1)
    for worker in workers[:THRESHOLD]:
        assert isinstance(await worker.enter(), Admitted)
        with pytest.raises(VendorError, match="503"):
            await worker.ask()

    told = [await worker.enter() for worker in workers]
    assert all(isinstance(one, Closed) for one in told)
    clock.pass_(timedelta(seconds=15))
    assert await probing(workers) == 1
    clock.pass_(timedelta(minutes=2))
    assert await probing(workers) == 1
    assert await probing(workers) == len(workers)

    assert [one["status"] for one in log(sandbox)] == [503] * (THRESHOLD + 1) + [200] * 7


async def probing(workers: list[Worker]) -> int:
    """Let all ask at once who may; return how many those were."""
    told = await asyncio.gather(*(worker.enter() for worker in workers))
    admitted = [w for w, said in zip(workers, told, strict=True) if isinstance(said, Admitted)]
    await asyncio.gather(*(worker.ask() for worker in admitted), return_exceptions=True)
    return len(admitted)
