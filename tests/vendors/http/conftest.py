"""A real HTTP server on this machine that answers just what a test wants, well-formed or not."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field

import orjson
import pytest


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came over the wire.

    Attributes:
        target: path and query, as sent.
        headers: by lower-case name.
    """

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Say:
    """An answer.

    Attributes:
        length: announced; None is the true one.
        drip: seconds between its pieces.
        hang: send nothing, for so many seconds.
    """

    status: int = 200
    body: bytes | object = field(default_factory=dict[str, object])
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    length: int | None = None
    drip: float = 0.0
    hang: float = 0.0
    dropped: bool = False

    @property
    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else orjson.dumps(self.body)


Script = Callable[[Asked], Say]


class Server:
    """Answers by a script, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.script: Script = lambda _: Say()
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        assert self._server is not None
        host, port = self._server.sockets[0].getsockname()
        return f"http://{host}:{port}"

    def says(self, *answers: Say) -> None:
        """Answer in order; the last one for ever."""
        left = list(answers)
        self.script = lambda _: left.pop(0) if len(left) > 1 else left[0]

    def paths(self, path: str) -> Sequence[Asked]:
        return [one for one in self.asked if one.target.partition("?")[0] == path]

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (asked := await _request(reader)) is not None:
                self.asked.append(asked)
                said = self.script(asked)
                if said.dropped or not await _answer(said, writer):
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


async def _request(reader: asyncio.StreamReader) -> Asked | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    except asyncio.IncompleteReadError:
        return None
    method, target, _ = head[0].split(" ")
    pairs = (line.partition(": ") for line in head[1:] if line)
    headers = {name.lower(): value for name, _, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Asked(method, target, headers, body)


async def _answer(said: Say, writer: asyncio.StreamWriter) -> bool:
    """Send it; False ends the connection."""
    if said.hang:
        await asyncio.sleep(said.hang)
    length = len(said.content) if said.length is None else said.length
    headers = {"Content-Type": "application/json", "Content-Length": str(length)}
    lines = [f"{name}: {value}" for name, value in (headers | dict(said.headers)).items()]
    head = f"HTTP/1.1 {said.status} Any\r\n" + "\r\n".join(lines) + "\r\n\r\n"
    writer.write(head.encode("latin-1"))
    if said.drip:
        for at in range(len(said.content)):
            writer.write(said.content[at : at + 1])
            await writer.drain()
            await asyncio.sleep(said.drip)
    else:
        writer.write(said.content)
    await writer.drain()
    return length == len(said.content)


@pytest.fixture
async def server() -> AsyncGenerator[Server]:
    server = Server()
    await server.start()
    yield server
    await server.stop()
