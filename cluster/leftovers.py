"""Finds and ends the processes of an engine, by the mark that they inherited in their environment.

A killed engine cannot stop what it started: Ray follows by itself, HAProxy would keep the port.
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from cluster.ray_environment import MARK

FAREWELL = 5.0


def of_engine(directory: Path, *, spare: Sequence[str] = ("postgres",)) -> list[psutil.Process]:
    """The living processes that the engine in ``directory`` started, but never this one.

    Args:
        spare: names of programs to leave out.
    """
    own = {os.getpid(), *(p.pid for p in psutil.Process().parents())}
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.pid in own or process.environ().get(MARK) != str(directory):
                continue
            if process.name() not in spare and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def end(directory: Path) -> int:
    """End them, by force if need be; return how many there were."""
    processes = of_engine(directory)
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    _, stubborn = psutil.wait_procs(processes, timeout=FAREWELL)
    for process in stubborn:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(stubborn, timeout=FAREWELL)
    return len(processes)
