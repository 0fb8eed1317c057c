"""Named places where a test makes the process die, freeze, wait or fail.

Written ``name:action:count`` (``commit.before:kill:3``): at the third time that a turn
reaches the place, act. Several are separated by commas. Empty in production.
"""

import asyncio
import os
import signal
from dataclasses import dataclass, field


class FailpointReached(Exception):
    """A fail point told this turn to fail."""


class Crashed(BaseException):
    """A fail point ended the process, as far as a test inside it can tell: nothing is settled."""


@dataclass(slots=True)
class Failpoints:
    """The fail points of one process and how often each was reached.

    Attributes:
        actions: name to (action, count); actions are ``kill``, ``stop``, ``raise``, ``crash``
            and ``sleep=<seconds>``.
    """

    actions: dict[str, tuple[str, int]] = field(default_factory=dict)
    reached: dict[str, int] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> "Failpoints":
        """Read ``name:action:count,...``.

        Raises:
            ValueError: if the text has another form.
        """
        actions: dict[str, tuple[str, int]] = {}
        for part in filter(None, (p.strip() for p in text.split(","))):
            name, action, *count = part.split(":")
            actions[name] = (action, int(count[0]) if count else 1)
        return cls(actions)

    async def reach(self, name: str) -> None:
        """Act if it is this place's time.

        Raises:
            FailpointReached: if the action is ``raise``.
            Crashed: if the action is ``crash``.
        """
        if name not in self.actions:
            return
        self.reached[name] = self.reached.get(name, 0) + 1
        action, count = self.actions[name]
        if self.reached[name] == count:
            await _act(name, action)


async def _act(name: str, action: str) -> None:
    match action.split("="):
        case ["kill"]:
            os.kill(os.getpid(), signal.SIGKILL)
        case ["stop"]:
            os.kill(os.getpid(), signal.SIGSTOP)
        case ["sleep", seconds]:
            await asyncio.sleep(float(seconds))
        case ["crash"]:
            raise Crashed(name)
        case ["raise"]:
            raise FailpointReached(name)
        case _:
            raise ValueError(f"no such action at a fail point: {action!r}")
