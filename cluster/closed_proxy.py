"""Closes Ray's own HTTP proxy where HAProxy is not: the same rules as in `cluster.haproxy`.

The proxy calls `middlewares` when it starts, as its environment tells it to (`ray_environment`).
"""

from functools import partial

import uvicorn
from starlette.middleware import Middleware
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from cluster.haproxy import PROBLEM

_CLIENTS_MAY_NOT = {
    b"x-request-timeout-seconds",
    b"x-request-disconnect-disabled",
    b"x-forwarded-for",
}


class Closed:
    """Answers nothing under ``/-/``, and drops what a client may not choose."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["path"].lower().startswith("/-/"):
            answer = JSONResponse(PROBLEM, 404, media_type="application/problem+json")
            await answer(scope, receive, send)
            return
        kept = [(k, v) for k, v in scope["headers"] if k.lower() not in _CLIENTS_MAY_NOT]
        await self._app({**scope, "headers": kept}, receive, send)


def middlewares() -> list[Middleware]:
    """What the proxy puts in front; from here on it does not say what it is either."""
    uvicorn.Config = partial(uvicorn.Config, server_header=False)  # type: ignore[misc]
    return [Middleware(Closed)]
