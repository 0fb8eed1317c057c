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
from pydantic import BaseModel
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from scripts.sandbox.faults import Faults
from scripts.sandbox.settings import HOST

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
        path: its percent signs decoded.
        raw_path: as sent.
        params: what the route's ``{names}`` stand for.
        query: in order, as sent.
        headers: by lower-case name.
        raw_query: as sent.
    """

    method: str
    path: str
    params: Mapping[str, str]
    query: Sequence[tuple[str, str]]
    headers: Mapping[str, str]
    body: bytes
    raw_path: str = ""
    raw_query: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """A response.

    Attributes:
        body: the whole of it.
        wait: seconds before it begins.
        drip: seconds over which it is spread, byte by byte as it were.
        dropped: end the connection instead.
        cut: end the connection in the middle of the body.
    """

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    media_type: str = "application/json"
    wait: float = 0.0
    drip: float = 0.0
    dropped: bool = False
    cut: bool = False


Handler = Callable[[Call], Answer]


@dataclass(frozen=True, slots=True)
class Route:
    """Which handler answers what.

    Attributes:
        method: ``*`` takes every one.
        path: such as ``/v1/models/{model}``; a name takes one segment, ``{rest*}`` at the end all
            that are left.
        largest: bytes of a body that it takes.
    """

    method: str
    path: str
    handler: Handler
    largest: int = LARGEST_BODY


class Account(Protocol):
    """A vendor's own record of what it was asked and has billed."""

    def shown(self, *, each: bool = True) -> dict[str, Any]:
        """The account as JSON values; with every single call if ``each``."""
        ...

    def reset(self) -> None:
        """Forget everything."""
        ...

    def close(self) -> None:
        """Close its file."""
        ...


class Vendor(Protocol):
    """One outside system: a folder beside this file.

    Attributes:
        name: short, such as ``openai``; part of the control paths.
        modes: the faults that it knows.
    """

    name: str
    modes: frozenset[str]
    faults: Faults

    @property
    def book(self) -> Account:
        """What it was asked and has billed."""
        ...

    @property
    def conditions(self) -> BaseModel:
        """How it behaves now."""
        ...

    def change(self, conditions: Mapping[str, Any]) -> None:
        """Behave otherwise from now on; what is not named stays.

        Raises:
            pydantic.ValidationError: if there is no such condition, or not with such a value.
        """
        ...

    def reset(self) -> None:
        """Forget what happened, and what was armed."""
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
        self._exact = {(r.method, r.path): r for r in routes if "{" not in r.path}
        self._patterns = [(r.path.split("/"), r) for r in routes if "{" in r.path]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        raw_path = scope["raw_path"].decode("latin-1")
        route, params = self._find(scope["method"], unquote(raw_path))
        largest = route.largest if route else LARGEST_BODY
        body = await _body(receive, largest)
        if body is None:
            return
        answer = _answer(route, params, scope, body if len(body) <= largest else None)
        if answer.wait:
            await asyncio.sleep(answer.wait)
        if answer.dropped:
            scope["extensions"][DROP]()
            return
        await _send(answer, send)
        if answer.cut:
            scope["extensions"][DROP]()

    def _find(self, method: str, path: str) -> tuple[Route | None, dict[str, str]]:
        if exact := self._exact.get((method, path)):
            return exact, {}
        given = path.split("/")
        for pattern, route in self._patterns:
            if route.method in {method, "*"}:
                params = _matched(pattern, given)
                if params is not None:
                    return route, params
        return None, {}


def _matched(pattern: Sequence[str], given: Sequence[str]) -> dict[str, str] | None:
    """What the names of ``pattern`` stand for; None if it is another path."""
    params: dict[str, str] = {}
    if pattern[-1].endswith("*}"):
        here = len(pattern) - 1
        if len(given) < len(pattern):
            return None
        params[pattern[-1][1:-2]] = "/".join(given[here:])
        pattern, given = pattern[:here], given[:here]
    if len(pattern) != len(given):
        return None
    for wanted, said in zip(pattern, given, strict=True):
        if wanted.startswith("{") and said:
            params[wanted[1:-1]] = said
        elif wanted != said:
            return None
    return params


def _answer(
    route: Route | None, params: dict[str, str], scope: Scope, body: bytes | None
) -> Answer:
    method, raw_path = scope["method"], scope["raw_path"].decode("latin-1")
    path = unquote(raw_path)
    if body is None:
        return as_json(413, {"error": {"message": "The body is too large."}})
    if route is None:
        return as_json(404, {"error": {"message": f"Invalid URL ({method} {path})"}})
    if any(name == b"origin" for name, _ in scope["headers"]):
        return as_json(403, {"error": {"message": "The sandbox serves programs, not pages."}})
    raw_query = scope["query_string"].decode("latin-1")
    query = parse_qsl(raw_query, keep_blank_values=True)
    headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
    return route.handler(Call(method, path, params, query, headers, body, raw_path, raw_query))


async def _body(receive: Receive, largest: int) -> bytes | None:
    """The whole body; None if the caller went away, one byte too much if it is too large."""
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        size += len(message["body"])
        if size <= largest:
            parts.append(message["body"])
        more = message["more_body"]
    return b"".join(parts) if size <= largest else bytes(largest + 1)


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
    said = answer.body[: len(answer.body) // 2] if answer.cut else answer.body
    await send({"type": "http.response.body", "body": said, "more_body": answer.cut})


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
