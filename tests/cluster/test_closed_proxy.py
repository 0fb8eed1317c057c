"""Ray's own proxy, where HAProxy is not: it keeps the same secrets."""

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from cluster.closed_proxy import Closed


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    request = Request(scope)
    await JSONResponse({"headers": dict(request.headers)})(scope, receive, send)


@pytest.fixture
def client() -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=Closed(echo))
    return httpx.AsyncClient(transport=transport, base_url="http://engine")


@pytest.mark.parametrize("path", ["/-/routes", "/-/healthz", "/-/", "/-/Routes"])
async def test_nothing_under_the_proxys_own_path_is_answered(
    client: httpx.AsyncClient, path: str
) -> None:
    answer = await client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")


async def test_a_client_chooses_neither_its_time_limit_nor_its_address(
    client: httpx.AsyncClient,
) -> None:
    told = {
        "X-Request-Timeout-Seconds": "0.001",
        "x-request-disconnect-disabled": "?1",
        "X-Forwarded-For": "192.0.2.7",
        "X-Request-ID": "kept",
    }
    arrived = (await client.get("/api/leads", headers=told)).json()["headers"]
    assert arrived["x-request-id"] == "kept"
    assert not {name.lower() for name in told} - {"x-request-id"} & arrived.keys()
