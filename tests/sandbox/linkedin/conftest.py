"""A client of the sandbox's LinkedIn, and a webhook that it may call."""

import hmac
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import orjson
import pytest

from scripts.sandbox.process import KEY, SandboxProcess

SECRET = "sandbox-linkedin-secret"
ACCOUNT = {"sponsoredAccount": "urn:li:sponsoredAccount:512345"}
OWNER = "owner=(sponsoredAccount:urn%3Ali%3AsponsoredAccount%3A512345)"
HEADERS = {
    "authorization": f"Bearer {KEY}",
    "linkedin-version": "202610",
    "x-restli-protocol-version": "2.0.0",
}


@pytest.fixture
def linkedin(sources: SandboxProcess) -> Generator[httpx.Client, None, None]:
    url = sources.vendor_urls["linkedin"]
    with httpx.Client(base_url=url, headers=HEADERS, trust_env=False, timeout=5) as client:
        yield client


@dataclass
class Receiver:
    """A webhook.

    Attributes:
        answers: how it answers a challenge, with status, content type and body.
        got: bodies and signatures of what it was sent.
    """

    url: str = ""
    answers: Callable[[str], tuple[int, str, bytes]] = field(default=lambda code: proper(code))
    got: list[tuple[bytes, str | None]] = field(default_factory=list[tuple[bytes, str | None]])

    @property
    def notes(self) -> list[dict[str, Any]]:
        return [orjson.loads(body) for body, _ in self.got]


def proper(code: str) -> tuple[int, str, bytes]:
    digest = hmac.new(SECRET.encode(), code.encode(), sha256).hexdigest()
    told = {"challengeCode": code, "challengeResponse": digest}
    return 200, "application/json", orjson.dumps(told)


@pytest.fixture
def receiver() -> Generator[Receiver, None, None]:
    ours = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            code = parse_qs(urlsplit(self.path).query)["challengeCode"][0]
            self.say(*ours.answers(code))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            ours.got.append((body, self.headers.get("X-LI-Signature")))
            self.say(202, "text/plain", b"")

        def say(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    ours.url = f"http://127.0.0.1:{server.server_port}/hook"
    yield ours
    server.shutdown()
    thread.join()
    server.server_close()


def settled(sandbox: SandboxProcess) -> dict[str, Any]:
    """The hooks, once nothing is on its way any more."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        told = sandbox.told("linkedin", "hooks")
        if not told["pending"]:
            return told
        time.sleep(0.02)
    raise AssertionError("notifications are still on their way after 10 s")
