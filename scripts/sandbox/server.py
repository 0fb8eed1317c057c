"""The HTTP server under every vendor of the sandbox.

It answers on 127.0.0.1 only and does no more than a vendor's protocol needs, because it shares
the machine with the engine that it serves.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, cast
from urllib.parse import parse_qsl, unquote

import orjson
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from scripts.sandbox.book import Book
from scripts.sandbox.faults import Faults
from scripts.sandbox.settings import HOST, Conditions

DROP = "sandbox.drop"
"""The ASGI extension that ends a connection without a word."""
LARGEST_BODY = 4 * 1024 * 1024
DRIPS = 20
"""Pieces in which a slow answer drips."""
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Call:
    """A request.

    Attributes:
        params: what the route's ``{names}`` stand for.
        query: in order, as sent.
        headers: by lower-case name.
    """

    method: str
    path: str
    params: Mapping[str, str]
    query: Sequence[tuple[str, str]]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """A response.

    Attributes:
        body: the whole of it.
        wait: seconds before it begins.
        drip: seconds over which it is spread, byte by byte as it were.
        dropped: end the connection instead.
    """

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    media_type: str = "application/json"
    wait: float = 0.0
    drip: float = 0.0
    dropped: bool = False


Handler = Callable[[Call], Answer]


@dataclass(frozen=True, slots=True)
class Route:
    """Which handler answers what.

    Attributes:
        path: such as ``/v1/models/{model}``; a name takes one segment.
    """

    method: str
    path: str
    handler: Handler


class Vendor(Protocol):
    """One outside system: a folder beside this file.

    Attributes:
        name: short, such as ``openai``; part of the control paths.
        modes: the faults that it knows.
    """

    name: str
    modes: frozenset[str]
    book: Book
    faults: Faults

    @property
    def conditions(self) -> Conditions:
        """How it behaves now."""
        ...

    def set_conditions(self, conditions: Conditions) -> None:
        """Behave otherwise from now on."""
        ...

    def base_url(self, root: str) -> str:
        """What its client is told as the base of every address."""
        ...

    def routes(self) -> Sequence[Route]:
        """What it answers."""
        ...


def as_json(status: int, value: object) -> Answer:
    """An answer of JSON."""
    return Answer(status, orjson.dumps(value))


class App:
    """The ASGI application that hands each request to its route.

    Args:
        routes: of all vendors and of the control.
    """

    def __init__(self, routes: Sequence[Route]) -> None:
        self._exact = {(r.method, r.path): r.handler for r in routes if "{" not in r.path}
        self._patterns = [(r.method, r.path.split("/"), r.handler) for r in routes if "{" in r.path]
        self._paths = {r.path for r in routes}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        body = await _body(receive)
        if body is None:
            return
        answer = self._answer(scope, body)
        if answer.wait:
            await asyncio.sleep(answer.wait)
        if answer.dropped:
            scope["extensions"][DROP]()
            return
        await _send(answer, send)

    def _answer(self, scope: Scope, body: bytes) -> Answer:
        if len(body) > LARGEST_BODY:
            return as_json(413, {"error": {"message": "The body is too large."}})
        method, path = scope["method"], unquote(scope["raw_path"].decode("latin-1"))
        handler, params = self._find(method, path)
        if handler is None:
            return as_json(404, {"error": {"message": f"Invalid URL ({method} {path})"}})
        if any(name == b"origin" for name, _ in scope["headers"]):
            return as_json(403, {"error": {"message": "The sandbox serves programs, not pages."}})
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
        return handler(Call(method, path, params, query, headers, body))

    def _find(self, method: str, path: str) -> tuple[Handler | None, dict[str, str]]:
        if exact := self._exact.get((method, path)):
            return exact, {}
        given = path.split("/")
        for wanted, pattern, handler in self._patterns:
            if wanted == method and len(pattern) == len(given):
                pairs = list(zip(pattern, given, strict=True))
                if all(p == g or (p.startswith("{") and g) for p, g in pairs):
                    return handler, {p[1:-1]: g for p, g in pairs if p.startswith("{")}
        return None, {}


async def _body(receive: Receive) -> bytes | None:
    """The whole body, as far as it is allowed; None if the caller went away."""
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        size += len(message["body"])
        if size <= LARGEST_BODY or not parts:
            parts.append(message["body"])
        more = message["more_body"]
    return b"".join(parts) if size <= LARGEST_BODY else bytes(LARGEST_BODY + 1)


async def _send(answer: Answer, send: Send) -> None:
    headers = [
        (b"content-type", answer.media_type.encode("latin-1")),
        (b"content-length", str(len(answer.body)).encode()),
    ]
    headers += [(k.encode("latin-1"), v.encode("latin-1")) for k, v in answer.headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    if answer.drip:
        step = -(-len(answer.body) // DRIPS) or 1
        for start in range(0, len(answer.body), step):
            piece = answer.body[start : start + step]
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            await asyncio.sleep(answer.drip / DRIPS)
        await send({"type": "http.response.body", "body": b"", "more_body": False})
        return
    await send({"type": "http.response.body", "body": answer.body, "more_body": False})


class _Droppable(HttpToolsProtocol):
    """HTTP/1.1 over a connection that an application may cut."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        scope = cast("Scope", self.scope)
        scope["extensions"] = {DROP: self.transport.abort}


def listening(port: int) -> socket.socket:
    """A socket that takes connections from now on.

    Raises:
        OSError: if the port is taken.
    """
    return socket.create_server((HOST, port), backlog=2048)


def http_server(app: App) -> uvicorn.Server:
    """The server for `app`; ``run(sockets=[…])`` serves until a signal or ``should_exit``."""
    config = uvicorn.Config(
        app,
        http=_Droppable,
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        date_header=True,
        server_header=False,
        timeout_graceful_shutdown=1,
        timeout_keep_alive=75,
    )
    return uvicorn.Server(config)
