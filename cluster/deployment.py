"""The parts that run under Ray Serve: the API, and the supervisor as its one-replica neighbour.

Both are applications of their own, so neither can starve or redeploy the other. Serve restarts
what dies or reports itself ill; a new cluster gets both with its configuration.
"""

import asyncio
import hmac
import os
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from importlib.metadata import version
from typing import Any

import ray.serve
import structlog
from fastapi import FastAPI
from ray.serve.config import HTTPOptions
from ray.serve.schema import LoggingConfig

import serve.app
from cluster import actors, logs, vendors
from cluster.clock import now
from cluster.fleet import RayFleet
from cluster.replica_ports import stay_on_loopback
from cluster.roles import key_ring, open_database, opened, table
from cluster.schedules import Schedule, schedules, ticks
from cluster.settings import Settings
from cluster.supervisor import Need, Supervisor
from cluster.wake import Waker
from serve.dependencies import Dependencies
from storage import agents, mailbox
from storage.database import Database
from storage.sealing import Sealer

API = "api"
SUPERVISOR = "supervisor"
PERIOD = timedelta(seconds=2)
SILENT = timedelta(seconds=60)
ONGOING = 200
QUEUED = 400
API_CONNECTIONS = 16
LONGEST_REQUEST = 1800.0
log = structlog.get_logger("leadengine.cluster")


class Api:
    """The class that Serve wants around an ASGI application."""


def build_asgi() -> FastAPI:
    """Make the API inside its replica, so that nothing of it is pickled."""
    stay_on_loopback()
    settings = Settings()
    _log_to(settings, "api.log")

    @asynccontextmanager
    async def open_storage() -> AsyncGenerator[tuple[Database, Sealer], None]:
        async with opened(settings, "api", API_CONNECTIONS) as kit:
            yield kit.database, kit.sealer

    return serve.app.build(
        Dependencies(
            open=open_storage,
            wake=Waker(actors.find).wake,
            clock=now,
            version=code_version(),
            cursor_secret=hmac.digest(key_ring(settings).index_key, b"page cursors", "sha256"),
            sandboxed=tuple(vendors.sandboxed(settings)),
            webhook_secrets=vendors.webhook_secrets(settings),
            trusted_proxies=frozenset({"127.0.0.1"} if behind_haproxy() else ()),
        )
    )


class SupervisorReplica:
    """Runs the supervisor's loop; ill once the loop is over or silent."""

    def __init__(self, overrides: Mapping[str, Any]) -> None:
        stay_on_loopback()
        self._overrides = dict(overrides)
        self._seen = now()
        self._main = asyncio.get_running_loop().create_task(self._run(), name="supervise")

    async def _run(self) -> None:
        settings = Settings(**self._overrides)
        _log_to(settings, "supervisor.log")
        roles, wanted = table(settings), schedules(settings)
        fleet = RayFleet(code_version(), self._overrides)
        supervisor = Supervisor(fleet, roles, code_version())
        database = open_database(settings, "supervisor", 2)
        waker = Waker(actors.find)
        while True:
            moment = now()
            needs = None
            try:
                needs = await read_needs(database)
                waker.wake(await post_ticks(database, wanted))
            except Exception as error:  # noqa: BLE001 - the database is away; workers still matter
                log.warning("supervisor.database", error=type(error).__name__)
            try:
                await supervisor.reconcile(needs, moment)
                self._seen = moment
            except Exception as error:  # noqa: BLE001 - Ray's head is away; it comes back
                log.warning("supervisor.ray", error=type(error).__name__)
            await asyncio.sleep(PERIOD.total_seconds())

    def check_health(self) -> None:
        """Called by Serve.

        Raises:
            RuntimeError: if the loop is over or silent; Serve then starts another replica.
        """
        if self._main.done() or now() - self._seen > SILENT:
            raise RuntimeError("the supervisor's loop is over or silent")


async def read_needs(database: Database) -> dict[str, Need]:
    """Read each role's backlog and bounds."""
    async with database.transaction() as db:
        bounds, backlog = await agents.bounds(db), await agents.backlog(db)
    return {role: Need(backlog.get(role, 0), b.least, b.most) for role, b in bounds.items()}


async def post_ticks(database: Database, wanted: Sequence[Schedule]) -> set[str]:
    """Post the ticks that are due and not posted yet; return whom they concern."""
    letters = ticks(wanted, now())
    async with database.transaction() as db:
        posted = await mailbox.post(db, letters)
    return {letter.recipient for letter in letters} if posted else set()


def start(settings: Settings, overrides: Mapping[str, Any] | None = None) -> None:
    """Start Serve and both applications in the Ray of this process; return when they run."""
    quiet = LoggingConfig(enable_access_log=False, log_level="WARNING")
    ray.serve.start(
        proxy_location="HeadOnly",
        http_options=HTTPOptions(
            host="127.0.0.1" if behind_haproxy() else settings.host,
            port=settings.port,
            request_timeout_s=LONGEST_REQUEST,
            keep_alive_timeout_s=90,
        ),
        logging_config=quiet,
    )
    ray.serve.run(
        supervisor_application(overrides or {}),
        name=SUPERVISOR,
        route_prefix=None,
        logging_config=quiet,
    )
    ray.serve.run(api_application(settings.api_replicas), name=API, logging_config=quiet)


def api_application(replicas: int) -> ray.serve.Application:
    """The API: many requests at once, a bounded queue, time to finish them on the way out."""
    ingress = ray.serve.ingress(build_asgi)(Api)
    return ray.serve.deployment(
        name="Api",
        num_replicas=replicas,
        max_ongoing_requests=ONGOING,
        max_queued_requests=QUEUED,
        health_check_period_s=2,
        health_check_timeout_s=10,
        graceful_shutdown_timeout_s=20,
        graceful_shutdown_wait_loop_s=0.5,
        ray_actor_options={"num_cpus": 0},
    )(ingress).bind()


def supervisor_application(overrides: Mapping[str, Any]) -> ray.serve.Application:
    """The supervisor: exactly one replica."""
    return ray.serve.deployment(
        name="Supervisor",
        num_replicas=1,
        max_ongoing_requests=10,
        health_check_period_s=5,
        health_check_timeout_s=10,
        graceful_shutdown_timeout_s=5,
        graceful_shutdown_wait_loop_s=0.2,
        ray_actor_options={"num_cpus": 0},
    )(SupervisorReplica).bind(dict(overrides))


def behind_haproxy() -> bool:
    """Whether HAProxy takes the requests: it tells who asks, and listens where it should."""
    return os.environ.get("RAY_SERVE_ENABLE_HA_PROXY") == "1"


def code_version() -> str:
    """The version of the code that runs; ``LEADENGINE_VERSION`` names an image more precisely."""
    return os.environ.get("LEADENGINE_VERSION") or version("lead-engine")


def _log_to(settings: Settings, name: str) -> None:
    file = settings.log_dir / name if settings.log_dir else None
    logs.configure(settings.log_level, settings.log_format, file)
