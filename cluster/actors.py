"""One worker is one detached, named Ray actor: ``agent:<role>:<n>``.

What each choice is for, measured:
- ``__init__`` assigns and starts the loop: an exception there kills the actor for good, and a
  loop that starts itself needs nobody after a restart;
- no concurrency groups: each is another thread with another loop, and asyncpg belongs to one;
- work runs in the background task, so ``status`` is answered however much there is to do;
- the worker is named like its actor, so a restarted one frees its predecessor's leases at once.
"""

import asyncio
import os
import random
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, TypeAlias, cast

import ray
import ray.util
import structlog
from ray.actor import ActorProxy

from agents.failpoints import Failpoints
from agents.runtime import Worker
from cluster import logs, memory
from cluster.clock import now
from cluster.ray_environment import NAMESPACE
from cluster.roles import Kit, Role, opened, pool_options
from cluster.settings import Settings, asyncpg_url
from cluster.wake import Waker
from cluster.worker_names import actor_name, parse_name
from storage.mailbox import Mailbox

FIRST_WAIT = 0.2
LONGEST_WAIT = 5.0
STEADY = 10.0
log = structlog.get_logger("leadengine.cluster")


class AgentHost:
    """Keeps one worker at work: starts again whenever it ends, as when the database is away.

    Args:
        role: whose worker.
        name: of the actor and of the worker.
        version: of the code and the settings; the supervisor replaces another one.
        overrides: settings that differ from those in the environment.
    """

    def __init__(
        self, role: Role, name: str, version: str, overrides: Mapping[str, Any] | None = None
    ) -> None:
        self._role = role
        self._name = name
        self._version = version
        self._overrides = dict(overrides or {})
        self._worker: Worker | None = None
        self._state = "starting"
        self._error: str | None = None
        self._stopping = asyncio.Event()
        self._waker = Waker(find)
        self._main = asyncio.get_running_loop().create_task(self._live(), name=name)

    @ray.method
    async def wake(self) -> None:
        """Take the hint that there may be a message."""
        if self._worker is not None:
            self._worker.wake()

    @ray.method
    async def status(self) -> dict[str, Any]:
        """Say how it is; ``main_alive`` is whether it still tries to work."""
        report = self._worker.report() if self._worker else {}
        return {
            **report,
            "name": self._name,
            "role": self._role.name,
            "version": self._version,
            "state": self._state,
            "error": self._error,
            "main_alive": not self._main.done(),
            "pid": os.getpid(),
        }

    @ray.method
    async def drain(self) -> None:
        """Claim nothing more; return when the turns under way are over."""
        self._stopping.set()
        if self._worker is not None:
            self._worker.stop()
        await asyncio.wait([self._main])

    async def _live(self) -> None:
        wait = FIRST_WAIT
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                await self._work()
            except Exception as error:  # noqa: BLE001 - stay alive, say so, try again
                self._state, self._error = "retrying", f"{type(error).__name__}: {error}"[:300]
                log.warning("host.retrying", name=self._name, error=self._error)
            wait = FIRST_WAIT if time.monotonic() - began > STEADY else min(wait * 2, LONGEST_WAIT)
            await self._pause(wait * random.uniform(0.5, 1))  # noqa: S311
        self._state = "stopped"

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()

    async def _work(self) -> None:
        settings = Settings(**self._overrides)
        file = settings.log_dir / "agents.log" if settings.log_dir else None
        logs.configure(settings.log_level, settings.log_format, file)
        async with opened(settings, self._name, self._role.connections) as kit:
            self._worker = self._new_worker(kit)
            memory.settle()
            try:
                if not self._stopping.is_set():
                    self._state, self._error = "running", None
                    await self._worker.run()
            finally:
                self._worker = None

    def _new_worker(self, kit: Kit) -> Worker:
        settings, role = kit.settings, self._role
        mailbox = Mailbox(
            asyncpg_url(settings.database_url or ""),
            role.name,
            self._name,
            lease=settings.lease,
            options=pool_options(settings, f"{self._name}:mailbox", 1),
        )
        return Worker(
            role.build(kit),
            kit.database,
            mailbox,
            clock=now,
            chance=random.random,
            wake_others=self._wake_others,
            options=role.options,
            failpoints=Failpoints.parse(settings.failpoint),
        )

    def _wake_others(self, roles: Iterable[str]) -> None:
        others = set(roles)
        if self._role.name in others and self._role.most == 1 and self._worker is not None:
            others.discard(self._role.name)
            self._worker.wake()
        self._waker.wake(others)


AgentActor = ray.remote(AgentHost)
Handle: TypeAlias = "ActorProxy[AgentHost]"


def start(
    role: Role, number: int, version: str, overrides: Mapping[str, Any] | None = None
) -> None:
    """Start a worker's actor unless it is there."""
    name = actor_name(role.name, number)
    AgentActor.options(
        name=name,
        namespace=NAMESPACE,
        lifetime="detached",
        get_if_exists=True,
        max_restarts=-1,
        max_task_retries=2,
        max_concurrency=100,
        num_cpus=0.1,
        enable_task_events=False,
    ).remote(role, name, version, overrides)


def names() -> set[str]:
    """The names of every worker's actor that lives, starts or restarts."""
    actors = cast("list[dict[str, str]]", ray.util.list_named_actors(all_namespaces=True))
    ours = {a["name"] for a in actors if a["namespace"] == NAMESPACE}
    return {name for name in ours if parse_name(name)}


def get(name: str) -> "Handle":
    """The actor of that name.

    Raises:
        ValueError: if there is none.
    """
    return cast("Handle", ray.get_actor(name, namespace=NAMESPACE))


def find(role: str) -> "list[Handle]":
    """The actors of a role's workers."""
    handles: list[Handle] = []
    for name in sorted(names()):
        parsed = parse_name(name)
        if parsed is not None and parsed[0] == role:
            with suppress(ValueError):
                handles.append(get(name))
    return handles
