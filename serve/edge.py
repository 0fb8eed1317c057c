"""The outermost layer: correlation id, version, answers' headers, one log line, no bare 500.

Everything that the application lets through becomes a problem here: an outage of the database a
503 that says when to come back, anything else a 500 that says nothing but its correlation id.
"""

import re
import time
from collections.abc import MutableMapping
from typing import Any
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serve.problems import Problem, response
from storage.outage import is_outage

VERSIONS = ("v1",)
LONGEST_URL = 32_768
RETRY_AFTER = 5
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/-]{1,128}")
_SAFE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}


class Edge:
    """Wraps the whole application (pure ASGI, so that streams stay streams)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, send)
        bound = structlog.contextvars.bind_contextvars(request_id=exchange.request_id)
        try:
            await self._serve(exchange, scope, receive)
        finally:
            structlog.contextvars.reset_contextvars(**bound)

    async def _serve(self, exchange: "_Exchange", scope: Scope, receive: Receive) -> None:
        try:
            exchange.refuse_at_once()
            await self._app(scope, receive, exchange.send)
        except Exception as error:
            problem = _problem(error)
            if problem.status_code >= 500:
                exchange.log_failure(error)
            if exchange.status:
                raise
            answer = response(problem, path=scope["path"], request_id=exchange.request_id)
            await answer(scope, receive, exchange.send)
        finally:
            exchange.log()


class _Exchange:
    """One request and what is answered to it."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope = scope
        self._send = send
        self._headers = Headers(scope=scope)
        self._begun = time.perf_counter()
        self.status = 0
        given = self._headers.get("x-request-id", "")
        self.request_id = given if _REQUEST_ID.fullmatch(given) else uuid4().hex
        self.state: MutableMapping[str, Any] = scope.setdefault("state", {})
        self.state["request_id"] = self.request_id

    def refuse_at_once(self) -> None:
        """Raise a Problem for what no route takes."""
        version = self._headers.get("api-version", VERSIONS[0])
        if version not in VERSIONS:
            known = ", ".join(VERSIONS)
            raise Problem(
                400, "unknown_version", f"Send API-Version: {known}.", field="API-Version"
            )
        if self._headers.get("content-encoding", "identity").lower() != "identity":
            raise Problem(415, "unsupported_encoding", "Send the body without Content-Encoding.")
        url = len(self._scope.get("raw_path") or b"") + len(self._scope["query_string"])
        if url > LONGEST_URL:
            raise Problem(414, "too_long", f"Keep the address below {LONGEST_URL} characters.")

    async def send(self, message: Message) -> None:
        """Pass on what is answered, with the headers that every answer has."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-ID"] = self.request_id
            headers["API-Version"] = VERSIONS[0]
            for name, value in (_SAFE_HEADERS | self.state.get("headers", {})).items():
                headers.setdefault(name, value)
        await self._send(message)

    def log(self) -> None:
        """Say what was asked and answered, without query, body or address."""
        route = self._scope.get("route")
        log().info(
            "http.request",
            method=self._scope["method"],
            route=getattr(route, "path", None),
            status=self.status,
            milliseconds=round((time.perf_counter() - self._begun) * 1000, 1),
            principal=getattr(self.state.get("principal"), "id", None),
        )

    def log_failure(self, error: Exception) -> None:
        """Keep what happened for the operator; the caller learns only the correlation id."""
        log().error("http.failed", error=type(error).__name__, exc_info=error)


def log() -> structlog.stdlib.BoundLogger:
    """Return the logger of the API."""
    return structlog.get_logger("serve")


def _problem(error: Exception) -> Problem:
    if isinstance(error, Problem):
        return error
    if isinstance(error, ClientDisconnect):
        return Problem(400, "incomplete", "The body broke off before its end.")
    if is_outage(error):
        return Problem(
            503,
            "database_unavailable",
            "The database does not answer in time; nothing was changed. Try again.",
            headers={"Retry-After": str(RETRY_AFTER)},
        )
    return Problem(500, "internal", "The engine failed; its log tells more under this request_id.")
