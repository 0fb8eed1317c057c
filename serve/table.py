"""The table of routes: each says what it needs, what it answers and which problems it knows."""

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from serve.problems import MEDIA_TYPE, title_of
from serve.routing import needs
from serve.scopes import Scope

_WHY: Mapping[int, str] = {
    400: "Malformed JSON, a bad cursor or an unknown API-Version",
    401: "No valid API key",
    403: "The key lacks the scope that `detail` names",
    404: "There is no such thing, or no longer",
    409: "It conflicts with what is there; `detail` says with what",
    412: "It was changed since you read it",
    413: "The body is too large",
    414: "The address is too long",
    415: "Content-Type or Content-Encoding is not taken here",
    422: "Something in the request is invalid; `errors` says what",
    429: "Asked too often; `Retry-After` says when to come back",
    500: "The engine failed; `request_id` finds the reason in its log",
    503: "The database does not answer; nothing was changed",
}
_ALWAYS = (400, 401, 403, 414, 422, 429, 500, 503)
_BODY = (413, 415)


class Routes:
    """Adds routes to an application, with everything that OpenAPI is to say of them."""

    def __init__(self, router: APIRouter, tag: str) -> None:
        self._router = router
        self._tag = tag

    def add(  # noqa: PLR0913 - each is one fact about a route
        self,
        method: str,
        path: str,
        handler: Callable[..., Any],
        scope: Scope,
        *,
        answer: type | None = None,
        status: int = 200,
        problems: tuple[int, ...] = (),
        costly: bool = False,
        content: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        extra: dict[str, Any] | None = None,
        also: Mapping[int, type] | None = None,
        also_content: Mapping[str, Any] | None = None,
    ) -> None:
        """Add one route.

        Args:
            answer: model of the body; None for no body or for ``content``.
            problems: statuses beside those that every route knows.
            content: media types of the answer with their examples, where it is no JSON.
            headers: of the answer, by name with a sentence each.
            extra: further parts of the OpenAPI operation.
            also: models of other successes, by status.
            also_content: media types of the answer beside its model.
        """
        told: dict[int | str, dict[str, Any]] = {
            code: problem_response(code)
            for code in sorted({*_ALWAYS, *problems, *(_BODY if method in _WRITES else ())})
        }
        told[status] = _success(status, content or also_content, headers)
        for other, model in (also or {}).items():
            told[other] = {"description": _DONE.get(other, "Done"), "model": model}
        self._router.add_api_route(
            path,
            handler,
            methods=[method],
            tags=[self._tag],
            operation_id=handler.__name__,
            status_code=status,
            response_model=answer,
            response_class=JSONResponse if answer else Response,
            dependencies=[needs(scope, costly=costly)],
            responses=told,
            openapi_extra=extra,
        )


_WRITES = frozenset({"POST", "PATCH", "PUT"})


def problem_response(status: int) -> dict[str, Any]:
    """Return what OpenAPI says of a problem."""
    schema = {"$ref": "#/components/schemas/ProblemDetails"}
    return {
        "description": _WHY.get(status, title_of(status)),
        "content": {MEDIA_TYPE: {"schema": schema}},
    }


def _success(
    status: int, content: Mapping[str, Any] | None, headers: Mapping[str, str] | None
) -> dict[str, Any]:
    told: dict[str, Any] = {"description": _DONE.get(status, "Done")}
    if content is not None:
        told["content"] = dict(content)
    if headers:
        told["headers"] = {
            name: {"description": why, "schema": {"type": "string"}}
            for name, why in headers.items()
        }
    return told


_DONE = {200: "Done", 201: "Created", 202: "Accepted; the agents go on from here", 204: "Done"}
