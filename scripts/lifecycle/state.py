"""Which engine runs in a data directory: a lock held while it lives, and a note of how far it is.

The lock is what counts: the system lets go of it however the process ends, so a note that a killed
engine left behind deceives nobody.
"""

import fcntl
import json
import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import IO

LOCK = "engine.lock"
NOTE = "engine.json"


class AlreadyRuns(Exception):
    """Another engine holds the data directory."""


@dataclass(frozen=True, slots=True)
class State:
    """How far an engine is.

    Attributes:
        step: what it does now, in words for people.
        ready: whether it answers.
        error: why it could not start.
        proxy: what takes its requests.
    """

    pid: int
    url: str
    step: str = ""
    ready: bool = False
    error: str = ""
    proxy: str = ""
    sandboxed: list[str] = field(default_factory=list[str])
    log: str = ""


@contextmanager
def held(directory: Path) -> Generator[None, None, None]:
    """Hold the data directory; its note is gone afterwards, unless it tells of an error.

    Raises:
        AlreadyRuns: if an engine holds it.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / LOCK).open("w") as file:
        if not _locked(file):
            raise AlreadyRuns(str(directory))
        yield
        said = read(directory)
        if said is None or not said.error:
            (directory / NOTE).unlink(missing_ok=True)


def is_held(directory: Path) -> bool:
    """Whether an engine lives in ``directory``."""
    try:
        with (directory / LOCK).open("r+") as file:
            return not _locked(file)
    except FileNotFoundError:
        return False


def write(directory: Path, state: State) -> None:
    """Say how far the engine is."""
    draft = directory / f"{NOTE}.new"
    draft.write_text(json.dumps(asdict(state)))
    draft.replace(directory / NOTE)


def read(directory: Path) -> State | None:
    """What the engine in ``directory`` said last; also what a dead one said."""
    with suppress(OSError, ValueError, TypeError):
        return State(**json.loads((directory / NOTE).read_text()))
    return None


def running(directory: Path) -> State | None:
    """The engine that lives in ``directory``, if there is one."""
    return read(directory) or State(0, "") if is_held(directory) else None


class Notebook:
    """Keeps the note of this process's engine up to date."""

    def __init__(self, directory: Path, url: str, sandboxed: list[str], log: str = "") -> None:
        self._directory = directory
        self._state = State(os.getpid(), url, sandboxed=sandboxed, log=log)
        write(directory, self._state)

    @property
    def state(self) -> State:
        """What it says now."""
        return self._state

    def step(self, text: str) -> None:
        """Note what is done now."""
        self._note(step=text)

    def ready(self, proxy: str) -> None:
        """Note that the engine answers."""
        self._note(ready=True, proxy=proxy, step="")

    def failed(self, error: str) -> None:
        """Note why it could not start."""
        self._note(error=error)

    def _note(self, **changes: object) -> None:
        self._state = replace(self._state, **changes)  # type: ignore[arg-type]
        write(self._directory, self._state)


def _locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
