"""Answers as a gateway of the real Salesforce sends them: compressed, in chunks, redirected."""

import gzip
import json
import threading
from collections.abc import AsyncGenerator, Callable, Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from agents.errors import VendorError
from agents.vendors.salesforce import Salesforce, transport
from tests.vendors.salesforce.conftest import PATIENCE, by_client

LOGIN = {"access_token": "00D!t", "instance_url": "https://acme.my.salesforce.com"}
LIMITS = json.dumps({"DailyApiRequests": {"Max": 5_000, "Remaining": 4_000}}).encode()
Says = Callable[[BaseHTTPRequestHandler], None]


class Gateway:
    """Gives a token, and to everything else the one answer that it is told to give."""

    def __init__(self) -> None:
        self.says: Says = lambda _: None
        self.asked: list[str] = []
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}/prefix"
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def any(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                gateway.asked.append(self.path)
                if self.path.endswith("/oauth2/token"):
                    whole(self, 200, json.dumps(LOGIN).encode())
                else:
                    gateway.says(self)

            do_GET = do_POST = do_PATCH = any

            def log_message(self, format: str, *args: object) -> None:
                del format, args

        return Handler


def whole(handler: BaseHTTPRequestHandler, status: int, body: bytes, **headers: str) -> None:
    handler.send_response(status)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(body)))
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


@pytest.fixture
def gateway() -> Generator[Gateway]:
    made = Gateway()
    yield made
    made.stop()


@pytest.fixture
async def crm(gateway: Gateway) -> AsyncGenerator[Salesforce]:
    adapter = Salesforce(by_client(), base_url=gateway.url, timeout=PATIENCE)
    yield adapter
    await adapter.close_connections()


@pytest.mark.parametrize("packed", [False, True])
async def test_an_answer_in_chunks_is_read_to_its_end(
    gateway: Gateway, crm: Salesforce, packed: bool
) -> None:
    def says(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        if packed:
            handler.send_header("Content-Encoding", "gzip")
        handler.end_headers()
        body = gzip.compress(LIMITS) if packed else LIMITS
        for start in range(0, len(body), 7):
            piece = body[start : start + 7]
            handler.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        handler.wfile.write(b"0\r\n\r\n")

    gateway.says = says
    for _ in range(3):  # over one connection
        usage = await crm.limits()
        assert (usage.used, usage.allowed) == (1_000, 5_000)
    assert gateway.asked[1:] == ["/prefix/services/data/v62.0/limits"] * 3


async def test_a_small_answer_that_unpacks_without_end_is_given_up(
    gateway: Gateway, crm: Salesforce, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "LARGEST_ANSWER", 1_000_000)
    bomb = gzip.compress(bytes(20_000_000))
    gateway.says = lambda handler: whole(handler, 200, bomb, Content_Encoding="gzip")
    with pytest.raises(VendorError, match="too large"):
        await crm.limits()


async def test_broken_compression_is_no_crash(gateway: Gateway, crm: Salesforce) -> None:
    gateway.says = lambda handler: whole(handler, 200, b"no gzip", Content_Encoding="gzip")
    with pytest.raises(VendorError) as failed:
        await crm.limits()
    assert failed.value.retry_after is not None


async def test_a_redirect_is_not_followed_with_our_token(gateway: Gateway, crm: Salesforce) -> None:
    gateway.says = lambda handler: whole(handler, 302, b"", Location="https://evil.example/")
    with pytest.raises(VendorError, match="is not followed") as failed:
        await crm.limits()
    assert failed.value.retry_after is None
    assert len(gateway.asked) == 2


@pytest.mark.parametrize("body", [b"5", b"null", b"[]", b"[1]", b'"x"', b"{}", b"\xff", b""])
async def test_an_answer_of_any_other_shape_is_an_error_that_passes(
    gateway: Gateway, crm: Salesforce, body: bytes
) -> None:
    gateway.says = lambda handler: whole(handler, 200, body)
    for call in (crm.limits(), crm.describe("Lead"), crm.job("750000000000001AAA")):
        with pytest.raises(VendorError) as failed:
            await call
        assert failed.value.in_doubt
        assert failed.value.retry_after is not None
