"""Keeps every pool as it should be: as large as its backlog wants, and all of it at work.

Ray restarts processes that died. What it cannot see is done here: workers that are missing (a new
cluster, a killed actor), that hang, whose loop has ended, or that run older code. What must last
lies in PostgreSQL and in Ray; what is kept here (missed pings, since when a pool is idle) is
rebuilt within a minute, so this may be killed at any time, and two may run at once.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import structlog

from cluster.roles import Role
from cluster.worker_names import actor_name, parse_name
from policies.scaling import Pool, resize

STRIKES = 2
log = structlog.get_logger("leadengine.cluster")


class Fleet(Protocol):
    """The workers that exist."""

    async def names(self) -> set[str]:
        """The names of all."""
        ...

    async def status(self, name: str) -> Mapping[str, Any]:
        """What a worker says of itself; raises if it does not answer in time."""
        ...

    async def start(self, role: Role, number: int) -> None:
        """Start a worker."""
        ...

    async def restart(self, name: str) -> None:
        """Kill a worker's process; it begins anew."""
        ...

    async def remove(self, name: str) -> None:
        """Let a worker finish what it does, then end it for good."""
        ...


@dataclass(frozen=True, slots=True)
class Need:
    """What the database says about a role.

    Attributes:
        waiting: messages that could be worked on now; none while the role is paused.
        least: workers, at least.
        most: workers, at most.
    """

    waiting: int
    least: int
    most: int


@dataclass(slots=True)
class Supervisor:
    """Brings the fleet into line with what is declared and needed.

    Attributes:
        version: of the workers that are wanted.
    """

    fleet: Fleet
    roles: Mapping[str, Role]
    version: str
    _strikes: dict[str, int] = field(default_factory=dict)
    _busy: dict[str, datetime] = field(default_factory=dict)
    _leaving: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    async def reconcile(self, needs: Mapping[str, Need] | None, now: datetime) -> dict[str, str]:
        """Look once at every worker and do what is to be done; return what was done.

        Args:
            needs: by role; None when the database is away: pools then keep their size.
        """
        there = await self.fleet.names()
        wanted = self._wanted(there, needs, now)
        looks = [self._look(name, *wanted[name], there=name in there) for name in sorted(wanted)]
        done = dict(zip(sorted(wanted), await asyncio.gather(*looks), strict=True))
        for name in there - wanted.keys() - self._leaving.keys():
            self._let_go(name)
            done[name] = "leaving"
        for name, what in done.items():
            if what not in {"well", "missed", "leaving"}:
                log.warning("worker.changed", name=name, what=what)
        return done

    def _wanted(
        self, there: set[str], needs: Mapping[str, Need] | None, now: datetime
    ) -> dict[str, tuple[Role, int]]:
        wanted: dict[str, tuple[Role, int]] = {}
        for role in self.roles.values():
            numbers = [p[1] for n in there if (p := parse_name(n)) and p[0] == role.name]
            size = self._size(role, len(numbers), needs, now)
            wanted |= {actor_name(role.name, n): (role, n) for n in range(size)}
        return wanted

    def _size(
        self, role: Role, present: int, needs: Mapping[str, Need] | None, now: datetime
    ) -> int:
        if needs is None:
            return max(present, role.least)
        need = needs.get(role.name, Need(0, role.least, role.most))
        busy = self._busy.setdefault(role.name, now)
        pool = resize(
            Pool(need.least, need.most, role.per_worker, present, busy), need.waiting, now
        )
        self._busy[role.name] = pool.busy_at or now
        return pool.size

    async def _look(self, name: str, role: Role, number: int, *, there: bool) -> str:
        if name in self._leaving:
            return "leaving"
        if not there:
            await self.fleet.start(role, number)
            return "started"
        try:
            status = await self.fleet.status(name)
        except Exception:  # noqa: BLE001 - hangs, restarts or died: the count of misses decides
            return await self._missed(name)
        self._strikes.pop(name, None)
        if not status["main_alive"]:
            await self.fleet.restart(name)
            return "restarted"
        if status["version"] != self.version:
            self._let_go(name)
            return "replaced"
        return "well"

    async def _missed(self, name: str) -> str:
        missed = self._strikes.get(name, 0) + 1
        if missed < STRIKES:
            self._strikes[name] = missed
            return "missed"
        self._strikes.pop(name, None)
        await self.fleet.restart(name)
        return "restarted"

    def _let_go(self, name: str) -> None:
        self._leaving[name] = asyncio.create_task(self._remove(name), name=f"remove:{name}")

    async def _remove(self, name: str) -> None:
        with suppress(Exception):
            await self.fleet.remove(name)
        self._leaving.pop(name, None)
