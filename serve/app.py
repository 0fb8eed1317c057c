"""The front door: verify, keep, post a message, answer.

`build` makes a plain FastAPI application; whoever starts it wraps it for Ray Serve or uvicorn.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from functools import partial

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import BaseRoute, Match

from policies.lead import StatusError
from serve import (
    agents,
    crm,
    crm_mappings,
    dead_letters,
    decisions,
    enrichment,
    export,
    health,
    imports,
    keys,
    lead_lists,
    leads,
    ledger,
    metrics,
    openapi,
    profiles,
    scores,
    scoring,
    scoring_tests,
    sources,
    status,
    webhooks,
    webhooks_salesforce,
)
from serve.calls import Api
from serve.dependencies import Dependencies
from serve.edge import Edge
from serve.problems import Problem, from_http, from_validation, invalid, response
from serve.routing import StrictRoute, refuse_open_routes
from storage.errors import DuplicateLead, NotFound, UnstorableText, VersionConflict
from storage.imports import ImportClosed
from storage.scoring import AlgorithmStatusError

PUBLIC = (
    "/health/live",
    "/health/ready",
    "/api/openapi.json",
    webhooks.PATH,
    webhooks_salesforce.PATH,
)


def build(given: Dependencies) -> FastAPI:
    """Make the application.

    Raises:
        RuntimeError: if a route declares no scope.
    """
    app = FastAPI(
        title="Lead Engine",
        version=given.version,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=partial(_opened, given),
    )
    app.router.route_class = StrictRoute
    app.add_middleware(Edge)
    _add_problems(app)
    for part in (
        imports, export, scores, lead_lists, leads, enrichment, scoring_tests, scoring,
        crm_mappings, crm, agents, dead_letters, decisions, ledger, sources, profiles, keys,
        webhooks, webhooks_salesforce, status, metrics, health,
    ):  # fmt: skip
        part.add_routes(app.router)
    openapi.add_routes(app)
    refuse_open_routes(app.routes, PUBLIC)
    return app


@asynccontextmanager
async def _opened(given: Dependencies, app: FastAPI) -> AsyncGenerator[None, None]:
    """Open the pool in the loop that answers; on the way out let writes finish."""
    async with given.open() as (database, sealer):
        api = Api(given, database, sealer)
        app.state.api = api
        yield
        await api.close()


def _add_problems(app: FastAPI) -> None:
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _validation)
    for kind in _REFUSED:
        app.add_exception_handler(kind, _refused)


def _answer(request: Request, problem: Problem) -> Response:
    return response(problem, path=request.url.path, request_id=request.state.request_id)


async def _http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    problem = from_http(error)
    if problem.status_code == 405:
        allowed = ", ".join(sorted(_methods(request.app.routes, request)))
        problem.headers = {"Allow": allowed}
    return _answer(request, problem)


async def _validation(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    return _answer(request, from_validation(error.errors()))


async def _refused(request: Request, error: Exception) -> Response:
    return _answer(request, refusal(error))


def refusal(error: Exception) -> Problem:
    """Turn what storage and policies refuse into a problem."""
    match error:
        case NotFound():
            return Problem(404, "not_found", _sentence(error))
        case VersionConflict():
            detail = f"{_sentence(error)} Read it again, then repeat the change."
            return Problem(412, "version_conflict", detail, field="If-Match")
        case DuplicateLead():
            return Problem(409, "duplicate_lead", _sentence(error))
        case UnstorableText():
            return invalid(error.field, str(error))
        case StatusError() | AlgorithmStatusError() | ImportClosed():
            return Problem(409, "invalid_status", _sentence(error), field="status")
        case _:
            raise error


_REFUSED = (
    NotFound,
    VersionConflict,
    DuplicateLead,
    UnstorableText,
    StatusError,
    AlgorithmStatusError,
    ImportClosed,
)


def _sentence(error: Exception) -> str:
    text = str(error)
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def _methods(routes: list[BaseRoute], request: Request) -> set[str]:
    """Return the methods that the request's path takes."""
    found: set[str] = set()
    for route in routes:
        matched, _ = route.matches(request.scope)
        methods: Mapping[str, object] | set[str] | None = getattr(route, "methods", None)
        if matched is not Match.NONE and methods:
            found |= set(methods)
    return found
