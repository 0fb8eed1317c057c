"""The workers as Ray has them."""

import asyncio
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

import ray
from ray.actor import ActorHandle

from cluster import actors
from cluster.roles import Role
from cluster.worker_names import parse_name


@dataclass(frozen=True, slots=True)
class RayFleet:
    """Detached actors of this cluster; calls that may wait for Ray's head run in a thread.

    Attributes:
        patience: how long a worker may take to say how it is.
        farewell: how long a worker may take to finish its turns when it is removed.
    """

    version: str
    overrides: Mapping[str, Any] = field(default_factory=dict)
    patience: timedelta = timedelta(seconds=5)
    farewell: timedelta = timedelta(seconds=20)

    async def names(self) -> set[str]:
        """The names of all workers."""
        return await asyncio.to_thread(actors.names)

    async def status(self, name: str) -> Mapping[str, Any]:
        """What a worker says of itself.

        Raises:
            TimeoutError: if it does not answer; or what Ray raises when it is not there.
        """
        handle = await asyncio.to_thread(actors.get, name)
        async with asyncio.timeout(self.patience.total_seconds()):
            return await handle.status.remote()

    async def start(self, role: Role, number: int) -> None:
        """Start a worker unless it is there."""
        await asyncio.to_thread(actors.start, role, number, self.version, self.overrides)

    async def restart(self, name: str) -> None:
        """Kill a worker's process; Ray starts it anew."""
        await asyncio.to_thread(_kill, name, no_restart=False)

    async def remove(self, name: str) -> None:
        """Drain a worker, then end it for good."""
        with suppress(Exception):
            handle = await asyncio.to_thread(actors.get, name)
            async with asyncio.timeout(self.farewell.total_seconds()):
                await handle.drain.remote()
        await asyncio.to_thread(_kill, name, no_restart=True)

    async def troubles(self, roles: Collection[str]) -> dict[str, str]:
        """What keeps the workers of these roles from working, by role."""
        said: dict[str, str] = {}
        for name in await self.names():
            parsed = parse_name(name)
            if parsed is None or parsed[0] not in roles:
                continue
            try:
                said[parsed[0]] = (await self.status(name))["error"] or ""
            except Exception as error:  # noqa: BLE001 - that it does not answer is the trouble
                said[parsed[0]] = type(error).__name__
        return said

    async def remove_all(self) -> None:
        """Drain and end every worker, all at once."""
        await asyncio.gather(*map(self.remove, await self.names()))


def _kill(name: str, *, no_restart: bool) -> None:
    with suppress(ValueError):
        ray.kill(cast("ActorHandle[Any]", actors.get(name)), no_restart=no_restart)
