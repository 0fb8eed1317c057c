"""The real API and the real agents in one thread, without Ray: what the commands talk to."""

import asyncio
import os
import random
import socket
import threading
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path

import httpx
import uvicorn

from agents.runtime import Worker, WorkerOptions
from cluster import roles
from cluster.clock import now
from cluster.first_run import operator_key, prepare_storage
from cluster.roles import opened
from cluster.settings import Settings
from serve.app import build
from serve.dependencies import Dependencies
from storage.database import Database
from storage.mailbox import Mailbox
from storage.sealing import Sealer

QUICK = WorkerOptions(poll=timedelta(seconds=0.05), beat=timedelta(seconds=0.1))


class LocalEngine:
    """Runs until it is stopped; speaks HTTP on a free port."""

    def __init__(self, database_url: str, directory: Path) -> None:
        self.directory = directory
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.settings = Settings(
            data_dir=directory, database_url=database_url, port=self.port, openai_api_key=None
        )
        self.key = ""
        self._stop = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def environment(self) -> dict[str, str]:
        return {"LEADENGINE_URL": self.settings.url, "LEADENGINE_API_KEY": self.key}

    def start(self) -> None:
        self._thread.start()
        deadline = time.monotonic() + 60
        while not self._answers():
            assert time.monotonic() < deadline, "the engine did not start"
            time.sleep(0.05)

    def _answers(self) -> bool:
        with suppress(httpx.TransportError):
            return httpx.get(f"{self.settings.url}/health/ready").is_success
        return False

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(30)

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        async with opened(self.settings, "cli-tests", 8) as kit, AsyncExitStack() as closing:
            table = roles.table(self.settings)
            await prepare_storage(kit, table, now())
            self.key = await operator_key(kit.database, "", now())
            workers = [self._worker(kit, role) for role in table.values()]
            tasks = [asyncio.create_task(worker.run()) for worker in workers]
            server = uvicorn.Server(
                uvicorn.Config(self._app(kit), port=self.port, log_level="warning", lifespan="on")
            )
            serving = asyncio.create_task(server.serve())
            await self._stop.wait()
            server.should_exit = True
            for worker in workers:
                worker.stop()
            await asyncio.gather(serving, *tasks)
            await closing.aclose()

    def _worker(self, kit: roles.Kit, role: roles.Role) -> Worker:
        url = kit.database.url
        mailbox = Mailbox(url, role.name, f"{role.name}:0")
        return Worker(role.build(kit), kit.database, mailbox, now, random.random, options=QUICK)

    def _app(self, kit: roles.Kit) -> object:
        @asynccontextmanager
        async def open_storage() -> AsyncGenerator[tuple[Database, Sealer], None]:
            yield kit.database, kit.sealer

        return build(
            Dependencies(
                open=open_storage,
                wake=lambda roles: None,
                clock=now,
                version="test",
                cursor_secret=os.urandom(32),
            )
        )
