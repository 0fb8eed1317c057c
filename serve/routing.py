"""Routes that let nothing in by default.

A route says which scope it needs when it is added; `build` fails for one that does not. Before a
handler or its validation sees anything, a route admits the caller, refuses query parameters that
it does not know, and reads a JSON body strictly and only up to its limit.
"""

from collections.abc import Callable, Collection, Coroutine, Mapping
from typing import Any, get_origin

from fastapi import Depends, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import Message, Receive

from serve.problems import FieldError, Problem
from serve.scopes import Scope
from serve.strict_json import loads

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class Needs:
    """The declaration of what a route needs; a dependency that does nothing by itself.

    Attributes:
        scope: that the caller's key must have.
        costly: whether the route counts against the smaller limit.
    """

    def __init__(self, scope: Scope, *, costly: bool = False) -> None:
        self.scope = scope
        self.costly = costly

    def __call__(self) -> None:
        """Do nothing: `StrictRoute` has admitted the caller before."""


def needs(scope: Scope, *, costly: bool = False) -> Any:  # noqa: ANN401 - FastAPI's own type
    """Declare the scope of a route, in its ``dependencies``."""
    return Depends(Needs(scope, costly=costly))


def declared(route: BaseRoute) -> Needs | None:
    """Return what ``route`` declares to need."""
    if not isinstance(route, APIRoute):
        return None
    found = [d.call for d in route.dependant.dependencies if isinstance(d.call, Needs)]
    return found[0] if found else None


def refuse_open_routes(routes: Collection[BaseRoute], public: Collection[str]) -> None:
    """Fail when a route declares no scope and is not one of the ``public`` paths.

    Raises:
        RuntimeError: naming the routes.
    """
    paths = [getattr(r, "path", repr(r)) for r in routes if declared(r) is None]
    if open_paths := sorted(set(paths) - set(public)):
        raise RuntimeError(f"these routes declare no scope: {', '.join(open_paths)}")


class StrictRoute(APIRoute):
    """A route that admits, checks and reads strictly."""

    def get_route_handler(self) -> Handler:
        """Wrap what FastAPI makes of the handler."""
        handler = super().get_route_handler()
        wanted = declared(self)
        names = _query_names(self.dependant)
        takes_json = self.body_field is not None
        needs_json = self.body_field is not None and self.body_field.field_info.is_required()

        async def strict(request: Request) -> Response:
            api = request.app.state.api
            if wanted is not None:
                await api.gate.admit(request, wanted)
            refuse_unknown(request, names)
            if takes_json and (needs_json or not is_bare(request.headers)):
                receive = bounded_receive(request, api.limits.body)
                require_json(request.headers)
                return await handler(await read(request, receive))
            return await handler(request)

        return strict


class StrictRequest(Request):
    """A request whose JSON is read by `strict_json.loads`."""

    async def json(self) -> Any:  # noqa: ANN401
        """Read the body."""
        if not hasattr(self, "_json"):
            self._json = loads(await self.body())
        return self._json


async def read(request: Request, receive: Receive) -> StrictRequest:
    """Return the request with its body read.

    Raises:
        Problem: 400 if there is none.
    """
    strict = StrictRequest(request.scope, receive)
    if not await strict.body():
        raise Problem(400, "malformed_json", "Send a JSON body: there is none.")
    return strict


def require_json(headers: Headers) -> None:
    """Refuse a body that does not call itself JSON.

    Raises:
        Problem: 415.
    """
    if media_type(headers) != "application/json":
        raise Problem(
            415,
            "unsupported_media_type",
            "Send Content-Type: application/json.",
            field="Content-Type",
            headers={"Accept-Post": "application/json"},
        )


def is_bare(headers: Headers) -> bool:
    """Say whether a request comes without a body."""
    framed = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
    return not framed and not media_type(headers)


def media_type(headers: Headers) -> str:
    """Return the media type of the body without its parameters."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def bounded_receive(request: Request, limit: int) -> Receive:
    """Return a ``receive`` that refuses a body of more than ``limit`` bytes.

    Raises:
        Problem: 413, at once if the length is declared, else when it is passed.
    """
    length = request.headers.get("content-length", "0")
    if not length.isdecimal() or int(length[:20]) > limit:
        raise _too_large(limit)
    taken = 0

    async def receive() -> Message:
        nonlocal taken
        message = await request.receive()
        taken += len(message.get("body", b""))
        if taken > limit:
            raise _too_large(limit)
        return message

    return receive


def _too_large(limit: int) -> Problem:
    detail = f"Send at most {limit:,} bytes."
    return Problem(413, "too_large", detail, headers={"Connection": "close"})


def refuse_unknown(request: Request, names: Mapping[str, bool]) -> None:
    """Refuse query parameters that are unknown, or given twice where once is meant.

    Raises:
        Problem: 422, with the names that exist.
    """
    seen: set[str] = set()
    errors: list[FieldError] = []
    for name, value in request.query_params.multi_items():
        if name not in names:
            known = ", ".join(sorted(names)) or "none"
            errors.append(_parameter(name, "unknown_parameter", f"is not known; known: {known}"))
        elif name in seen and not names[name]:
            errors.append(_parameter(name, "invalid_parameter", "may be given once only"))
        elif "\0" in value:
            errors.append(_parameter(name, "invalid_parameter", "may not hold the character NUL"))
        seen.add(name)
    if errors:
        first = errors[0]
        detail = f"The parameter {first.field} {first.message}."
        raise Problem(422, first.reason, detail, errors=errors)


def _parameter(name: str, reason: str, message: str) -> FieldError:
    return FieldError(field=name[:100], reason=reason, message=message)


def _query_names(dependant: Dependant) -> dict[str, bool]:
    """Return the query parameters of a route, and whether each may be given often."""
    names: dict[str, bool] = {}
    for param in dependant.query_params:
        annotation = param.field_info.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            for name, field in annotation.model_fields.items():
                names[field.alias or name] = _is_list(field.annotation)
        else:
            names[param.alias] = _is_list(annotation)
    for child in dependant.dependencies:
        names |= _query_names(child)
    return names


def _is_list(annotation: object) -> bool:
    return get_origin(annotation) in {list, tuple}
