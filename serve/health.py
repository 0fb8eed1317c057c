"""Health over HTTP: is the process alive, and can it do its work.

Both are open to everybody, so they say little, and ready asks the database once a second at most.
"""

from datetime import timedelta
from typing import Literal

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from serve.calls import Api
from serve.edge import log
from serve.shapes.common import Told
from storage import agents, schema_version
from storage.database import Connection

ASK_EVERY = timedelta(seconds=1)
STALE = timedelta(seconds=90)


class Live(Told):
    """The process answers."""

    status: Literal["live"] = "live"


class Ready(Told):
    """Whether requests can be served.

    Attributes:
        agents: whether every agent that should work has reported of late.
    """

    status: Literal["ready", "not_ready"]
    database: bool
    migrations: bool
    agents: bool


def add_routes(router: APIRouter) -> None:
    """Add both."""
    router.add_api_route(
        "/health/live",
        live,
        methods=["GET"],
        tags=["health"],
        operation_id="live",
        response_model=Live,
    )
    router.add_api_route(
        "/health/ready",
        ready,
        methods=["GET"],
        tags=["health"],
        operation_id="ready",
        response_model=Ready,
        responses={503: {"description": "Not ready; the answer says why", "model": Ready}},
    )


async def live() -> Live:
    """Say that the process answers."""
    return Live()


async def ready(request: Request) -> Response:
    """Say whether the database answers, is migrated, and the agents report."""
    found = await _current(request.app.state.api)
    status = 200 if found.status == "ready" else 503
    headers = {} if status == 200 else {"Retry-After": "5"}
    return JSONResponse(found.model_dump(), status, headers)


async def _current(api: Api) -> Ready:
    now = api.given.clock()
    if api.readiness is None or now - api.readiness[0] >= ASK_EVERY:
        api.readiness = (now, await _asked(api))
    return api.readiness[1]


async def _asked(api: Api) -> Ready:
    try:
        async with api.database.reading() as db:
            migrated = await schema_version.is_current(db)
            beating = migrated and await _beating(api, db)
    except Exception as error:  # noqa: BLE001 - whatever it is, we are not ready
        log().warning("health.not_ready", error=type(error).__name__)
        return Ready(status="not_ready", database=False, migrations=False, agents=False)
    status = "ready" if migrated and beating else "not_ready"
    return Ready(status=status, database=True, migrations=migrated, agents=beating)


async def _beating(api: Api, db: Connection) -> bool:
    since = api.given.clock() - STALE
    reporting = {worker.role for worker in await agents.workers(db) if worker.beat_at >= since}
    wanted = {role for role, bounds in (await agents.bounds(db)).items() if bounds.least > 0}
    return wanted <= reporting
