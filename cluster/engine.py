"""The whole engine on one machine: everything is started in order, and stopped in reverse.

Ray is imported only after its environment is complete, so nothing here imports it at the top.
"""

import asyncio
import logging
import os
import shutil
import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, redirect_stderr, suppress
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import structlog

from cluster import leftovers, ray_environment, roles
from cluster.first_run import operator_key, prepare_storage, write_private
from cluster.postgres import EmbeddedPostgres
from cluster.settings import Settings, asyncpg_url
from storage import migrations

DATABASE = "leadengine"
LONGEST_START = 180.0
LOOK_EVERY = 2.0
LARGEST_LOG = 20 * 2**20
Report = Callable[[str], None]
log = structlog.get_logger("leadengine.cluster")


class EngineError(Exception):
    """The engine cannot start; the text says why and what to do."""


class Engine:
    """One engine: its database, its Ray, its workers and its API.

    Use it once, in the main thread, outside an event loop.

    Attributes:
        settings: completed while starting (address of the embedded PostgreSQL).
        proxy: what takes the requests, ``"HAProxy"`` or ``"Python"``.
    """

    def __init__(self, settings: Settings) -> None:
        directory = settings.directory
        self.settings = settings.model_copy(
            update={"data_dir": directory, "log_dir": settings.log_dir or directory / "logs"}
        )
        self.proxy = "Python"
        self._postgres: EmbeddedPostgres | None = None
        self._undo = ExitStack()
        self._stopping = threading.Event()

    @property
    def operator_key(self) -> Path:
        """The file that holds the operator's API key."""
        return self.settings.directory / "operator.key"

    def start(self, report: Report) -> None:
        """Start everything; ``report`` is told each step as it begins.

        Raises:
            EngineError: if something does not come up; what was started is stopped again.
        """
        try:
            self._prepare(report)
            self._start_database(report)
            self._start_ray(report)
            self._start_workers(report)
        except BaseException:
            self.stop(lambda _: None)
            raise

    def run(self, tick: Callable[[], None]) -> None:
        """Return when ``ask_to_stop`` was called; meanwhile restart what nobody else watches.

        Args:
            tick: called every few seconds.
        """
        while not self._stopping.wait(LOOK_EVERY):
            tick()
            if self._postgres is not None and not self._postgres.is_running():
                log.warning("engine.postgres_restarted")
                with suppress(Exception):
                    self._postgres.start()

    def ask_to_stop(self) -> None:
        """Make ``run`` return; may be called from a signal handler."""
        self._stopping.set()

    def stop(self, report: Report) -> None:
        """Stop everything that was started, gracefully, and leave nothing running."""
        report("Finishing what is under way")
        self._undo.close()
        leftovers.end(self.settings.directory)

    def _prepare(self, report: Report) -> None:
        report("Looking around")
        directory = self.settings.directory
        directory.mkdir(parents=True, exist_ok=True)
        os.environ.pop(ray_environment.MARK, None)
        leftovers.end(directory)
        _require_free(self.settings.host, self.settings.port)
        logs = directory / "logs"
        logs.mkdir(exist_ok=True)
        for file in logs.glob("*.log"):
            if file.stat().st_size > LARGEST_LOG:
                file.replace(file.with_suffix(".log.1"))
        # What Ray and its processes say is for whoever looks for a fault, not for the terminal.
        talk = self._undo.enter_context((logs / "ray.log").open("a", buffering=1))
        self._undo.enter_context(redirect_stderr(talk))

    def _start_database(self, report: Report) -> None:
        if self.settings.database_url is None:
            report("Starting PostgreSQL")
            self._postgres = EmbeddedPostgres(self.settings.directory / "postgres")
            self._undo.callback(self._postgres.stop)
            self._postgres.start()
            self._postgres.ensure_database(DATABASE)
            url = self._postgres.url(DATABASE)
            self.settings = self.settings.model_copy(update={"database_url": url})
        report("Bringing the database up to date")
        migrations.upgrade(asyncpg_url(self.settings.database_url or ""))
        asyncio.run(self._fill())

    async def _fill(self) -> None:
        async with roles.opened(self.settings, "engine", 2) as kit:
            now = datetime.now(UTC)
            await prepare_storage(kit, roles.table(self.settings), now)
            kept = self.operator_key.read_text().strip() if self.operator_key.exists() else ""
            write_private(self.operator_key, f"{await operator_key(kit.database, kept, now)}\n")

    def _start_ray(self, report: Report) -> None:
        report("Starting Ray")
        self.proxy = "HAProxy" if ray_environment.prepare(self.settings) else "Python"
        folder = ray_environment.temporary_folder(self.settings.directory)
        _clear(folder)
        ray: Any = import_module("ray")
        self._undo.callback(shutil.rmtree, folder, ignore_errors=True)
        self._undo.callback(ray.shutdown)
        ray_environment.begin(folder)

    def _start_workers(self, report: Report) -> None:
        report("Starting the agents and the API")
        deployment = import_module("cluster.deployment")
        logging.getLogger("ray.serve").setLevel(logging.WARNING)
        self._undo.callback(_stop_serving)
        deployment.start(self.settings)
        self._wait_until_ready()

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + LONGEST_START
        wanted = set(roles.table(self.settings))
        while missing := self._missing(wanted):
            if time.monotonic() > deadline:
                raise EngineError(
                    f"Not ready after {LONGEST_START:.0f} s: {_troubles(missing)}. "
                    f"Read the logs in {self.settings.log_dir}."
                )
            time.sleep(0.2)

    def _missing(self, wanted: set[str]) -> set[str]:
        with suppress(httpx.HTTPError):
            answer = httpx.get(f"{self.settings.url}/health/ready", timeout=5)
            working = asyncio.run(_working(self.settings))
            return (wanted - working) | (set() if answer.is_success else {"the API"})
        return {"the API"}


async def _working(settings: Settings) -> set[str]:
    from storage import agents

    database = roles.open_database(settings, "engine", 1)
    try:
        async with database.transaction() as db:
            return {worker.role for worker in await agents.workers(db)}
    finally:
        await database.close()


def _troubles(missing: set[str]) -> str:
    """Name what is missing, with what its workers say about it."""
    fleet = import_module("cluster.fleet").RayFleet("")
    said = dict.fromkeys(missing, "")
    with suppress(Exception):
        said |= asyncio.run(fleet.troubles(missing))
    return "; ".join(f"{name} ({why})" if why else name for name, why in sorted(said.items()))


def _stop_serving() -> None:
    """Close the door, let every worker finish its turns, then end Serve."""
    serve: Any = import_module("ray.serve")
    fleet = import_module("cluster.fleet").RayFleet("")
    with suppress(Exception):
        serve.delete("supervisor")
        asyncio.run(fleet.remove_all())
    serve.shutdown()


def _require_free(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise EngineError(
                f"Port {port} of {host} is taken ({error.strerror}). Stop what listens there, or "
                "choose another with --port."
            ) from None


def _clear(folder: Path) -> None:
    for entry in folder.iterdir() if folder.is_dir() else ():
        if entry.name != "h":
            shutil.rmtree(entry, ignore_errors=True) if entry.is_dir() else entry.unlink()
