"""Hints between processes that there may be a message: a Ray call, which may be lost.

A lost hint costs a poll interval, never a message. So nothing here waits for long, repeats
anything, or raises.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

PATIENCE = 1.0
FRESH = 3.0


@dataclass(slots=True)
class Waker:
    """Wakes the workers of roles; one call at a time to each, however often it is asked.

    Attributes:
        find: the actors of a role now; may take a while, so it runs in a thread.
    """

    find: Callable[[str], Sequence[Any]]
    _known: dict[str, tuple[float, Sequence[Any]]] = field(default_factory=dict)
    _running: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _again: set[str] = field(default_factory=set)

    def wake(self, roles: Iterable[str]) -> None:
        """Hint to the workers of ``roles``; call it inside an event loop."""
        for role in set(roles):
            if role in self._running:
                self._again.add(role)
            else:
                self._running[role] = asyncio.create_task(self._wake(role), name=f"wake:{role}")

    async def _wake(self, role: str) -> None:
        try:
            again = True
            while again:
                self._again.discard(role)
                handles = await self._handles(role)
                answers = await asyncio.gather(*map(_wake, handles), return_exceptions=True)
                if any(isinstance(answer, Exception) for answer in answers):
                    self._known.pop(role, None)
                again = role in self._again
        finally:
            self._running.pop(role, None)

    async def _handles(self, role: str) -> Sequence[Any]:
        since, handles = self._known.get(role, (0.0, []))
        if handles and time.monotonic() - since < FRESH:
            return handles
        with suppress(Exception):
            handles = await asyncio.to_thread(self.find, role)
            self._known[role] = (time.monotonic(), handles)
        return handles


async def _wake(handle: Any) -> None:  # noqa: ANN401 - Ray's proxy
    async with asyncio.timeout(PATIENCE):
        await handle.wake.remote()
