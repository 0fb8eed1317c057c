"""``down``: stop the engine of a data directory, and wait until nothing of it runs."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import psutil

from cluster import leftovers
from cluster.postgres import EmbeddedPostgres
from scripts.lifecycle import state
from scripts.lifecycle.options import DownOptions, WrongSettings, settings_for
from scripts.lifecycle.screen import Screen

OK, FAILED, USAGE = 0, 1, 2
PATIENCE = 120.0
LAST_WORDS = 10.0


def down(options: DownOptions) -> int:
    """Stop the engine; return the exit code."""
    screen = Screen()
    try:
        directory = settings_for(None, options.data_dir).directory
    except WrongSettings as error:
        screen.failed(str(error))
        return USAGE
    found = state.running(directory)
    if found is None:
        swept = _sweep(directory)
        what = "A dead engine's processes were ended." if swept else "No engine runs here."
        screen.console.print(f"{what} ({directory})")
        return OK
    return _stop(found.pid, directory, screen)


def _stop(pid: int, directory: Path, screen: Screen) -> int:
    screen.step("Finishing what is under way")
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + PATIENCE
    while state.is_held(directory) and time.monotonic() < deadline:
        time.sleep(0.1)
    if state.is_held(directory) or not _ended(pid):
        screen.failed(f"The engine did not stop within {PATIENCE:.0f} s; it is ended by force.")
        with suppress(psutil.NoSuchProcess):
            psutil.Process(pid).kill()
        _sweep(directory)
        return FAILED
    _sweep(directory)
    screen.finished()
    screen.console.print("Stopped. Nothing is left running; all data is kept.")
    return OK


def _ended(pid: int) -> bool:
    try:
        psutil.Process(pid).wait(LAST_WORDS)
    except psutil.NoSuchProcess:
        return True
    except psutil.TimeoutExpired:
        return False
    return True


def _sweep(directory: Path) -> bool:
    """End what a dead engine left behind; return whether there was anything."""
    ended = leftovers.end(directory) > 0
    if (directory / "postgres" / "data" / "postmaster.pid").exists():
        postgres = EmbeddedPostgres(directory / "postgres")
        ended = postgres.serves or ended
        postgres.stop()
    (directory / state.NOTE).unlink(missing_ok=True)
    return ended
