"""The description of the API, complete enough to write a client from, at /api/openapi.json."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic.json_schema import models_json_schema
from starlette.requests import Request
from starlette.responses import JSONResponse

from serve.edge import VERSIONS
from serve.problems import ProblemDetails
from serve.routing import declared

PATH = "/api/openapi.json"
SCHEME = "ApiKey"
ABOUT = """
Leads go in, agents enrich and score them, every decision is explained.

**Keys.** `Authorization: Bearer lge_live_...`. Each operation names the scope that it needs. A
revoked key stops working within 30 seconds.

**Versions.** Send `API-Version: v1` or nothing; the version used is answered back.

**Problems** are RFC 9457 documents (`application/problem+json`): switch on `code` and
`errors[].reason`. Bodies are JSON read strictly: duplicate keys, NUL, numbers that are not finite
and unknown fields are refused.

**Correlation.** `X-Request-ID` (up to 128 letters, digits and `._:/-`) is taken over, answered
back and carried through every message, decision and log line.

**Pages** go on with `next` as `cursor`; `Link: <...>; rel="next"` says the same.

**Repeating.** Every POST that creates takes an `Idempotency-Key`: a repetition gets the stored
answer with `Idempotency-Replayed: true`.

**Limits** are told in `RateLimit-Policy` and `RateLimit`; a 429 has `Retry-After`.
"""
TAGS = {
    "leads": "The chance of business with a person at a company",
    "imports": "Files of leads, streamed in, with a report by row",
    "scores": "Ask for scores and read why they are what they are",
    "scoring": "The algorithms that score, versioned",
    "enrichment": "What the vendors can tell of a lead, and who said what",
    "crm": "What Salesforce has of our leads, and by which mapping it gets it",
    "sources": "Where leads are bought: profiles, previews, searches, credits",
    "agents": "The workers, how they are doing, pause and resume",
    "dead letters": "Messages that no attempt could deal with",
    "decisions": "Who decided what, why and by which rules",
    "ledger": "What was reserved and spent",
    "webhooks": "What outside systems tell us; known by signature, not by a key",
    "keys": "Who may ask for what",
    "status": "The engine at a glance",
    "health": "For load balancers and Prometheus",
}


def add_routes(app: FastAPI) -> None:
    """Add the description of all routes that were added before."""
    document = describe(app)

    async def openapi_json(_: Request) -> JSONResponse:
        return JSONResponse(document)

    app.router.add_route(PATH, openapi_json, methods=["GET"], include_in_schema=False)


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=ABOUT,
        routes=app.routes,
        tags=[{"name": name, "description": what} for name, what in TAGS.items()],
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )
    _add_problem_schema(document)
    scopes = _scopes(app)
    components = document["components"]
    components["securitySchemes"] = {
        SCHEME: {"type": "http", "scheme": "bearer", "bearerFormat": "lge_live_<id>_<secret>"}
    }
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            _complete(operation, scopes.get((method.upper(), path)))
    for leftover in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(leftover, None)
    return document


def _scopes(app: FastAPI) -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    for route in app.routes:
        if isinstance(route, APIRoute) and (needs := declared(route)):
            for method in route.methods or ():
                found[method, route.path_format] = needs.scope.value
    return found


def _complete(operation: dict[str, Any], scope: str | None) -> None:
    parameters = operation.setdefault("parameters", [])
    for parameter in parameters:
        parameter["schema"] = _without_null(parameter["schema"])
    parameters.append(_VERSION)
    operation["security"] = [{SCHEME: [scope]}] if scope else []
    if scope:
        about = operation.get("description", "")
        operation["description"] = f"{about}\n\nNeeds the scope `{scope}`.".strip()
    operation["responses"].setdefault("400", _bad_request())
    for answer in operation["responses"].values():
        answer.setdefault("headers", {}).update(_HEADERS)


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter that is left out is no null: an address knows none."""
    kept = [part for part in schema.get("anyOf", ()) if part != {"type": "null"}]
    if len(kept) != 1:
        return schema
    rest = {name: value for name, value in schema.items() if name != "anyOf"}
    return kept[0] | rest


def _bad_request() -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/ProblemDetails"}
    return {
        "description": "An unknown API-Version",
        "content": {"application/problem+json": {"schema": schema}},
    }


def _add_problem_schema(document: dict[str, Any]) -> None:
    _, schemas = models_json_schema(
        [(ProblemDetails, "serialization")], ref_template="#/components/schemas/{model}"
    )
    document.setdefault("components", {}).setdefault("schemas", {}).update(schemas["$defs"])


_VERSION = {
    "name": "API-Version",
    "in": "header",
    "required": False,
    "description": "of this API; the newest that you know",
    "schema": {"type": "string", "enum": list(VERSIONS), "default": VERSIONS[0]},
}
_HEADERS = {
    "X-Request-ID": {"description": "the correlation id", "schema": {"type": "string"}},
    "API-Version": {"description": "the version used", "schema": {"type": "string"}},
}
