"""The command line as people run it, against a small honest server and against the real API."""

import json
import threading
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from typer.testing import CliRunner

from scripts.cli import build


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)


class Cli:
    """Runs commands in this process, as a terminal that is none would."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = dict(environment)

    def __call__(self, *arguments: str, typed: str | None = None) -> Ran:
        app = build()
        found = CliRunner().invoke(app, list(arguments), env=self.environment, input=typed)
        if found.exception is not None and not isinstance(found.exception, SystemExit):
            raise found.exception
        return Ran(found.exit_code, found.stdout, found.stderr)


@dataclass
class Answer:
    """What the server says once."""

    status: int = 200
    body: Any = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Asked:
    """What the server was asked."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class SmallServer:
    """Speaks real HTTP and gives the answers of its script, the last one for ever."""

    def __init__(self) -> None:
        self.script: dict[str, list[Answer]] = {}
        self.asked: list[Asked] = []
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._http.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def says(self, path: str, *answers: Answer) -> None:
        self.script[path] = list(answers)

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def answer(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        answers = self.script.get(asked.path.partition("?")[0])
        if answers is None:
            return Answer(404, {"title": "Not Found", "detail": "There is nothing here."})
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                body = self._body()
                asked = Asked(self.command, self.path, dict(self.headers), body)
                answer = server.answer(asked)
                whole = answer.body if isinstance(answer.body, bytes) else None
                content = json.dumps(answer.body).encode() if whole is None else whole
                self.send_response(answer.status)
                for name, value in {"Content-Type": "application/json", **answer.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_DELETE = handle_any

            def _body(self) -> bytes:
                if self.headers.get("Transfer-Encoding") == "chunked":
                    return b"".join(iter(self._chunk, b""))
                return self.rfile.read(int(self.headers.get("Content-Length") or 0))

            def _chunk(self) -> bytes:
                chunk = self.rfile.read(int(self.rfile.readline(), 16))
                self.rfile.readline()
                return chunk

            def log_message(self, format: str, *args: object) -> None:
                del format, args

        return Handler


@pytest.fixture
def server() -> Generator[SmallServer, None, None]:
    small = SmallServer()
    yield small
    small.stop()


@pytest.fixture
def cli(server: SmallServer) -> Cli:
    return Cli({"LEADENGINE_URL": server.url, "LEADENGINE_API_KEY": "lge_live_test_key"})
