"""A client of the sandbox's ZoomInfo that knows nothing of our adapter."""

from collections.abc import Generator, Mapping
from typing import Any

import httpx
import orjson
import pytest

from scripts.sandbox.market.catalogue import Catalogue
from scripts.sandbox.market.world import World
from scripts.sandbox.process import SandboxProcess

MEDIA = "application/vnd.api+json"
TOKEN = "/zoominfo/oauth2/default/v1/token"
CLIENT = ("sandbox-id", "sandbox-secret")
SCOPE = "api:data:contact api:data:company"


class ZoomInfo:
    """Calls with a token.

    Args:
        root: of the sandbox.
    """

    def __init__(self, root: str) -> None:
        self.http = httpx.Client(base_url=root, trust_env=False, timeout=5)
        self.prefix = "/zoominfo/gtm/data/v1"
        self.token = self.fetched()

    def fetched(self, scope: str = SCOPE) -> str:
        form = {"grant_type": "client_credentials", "scope": scope}
        return self.http.post(TOKEN, data=form, auth=CLIENT).json()["access_token"]

    def post(self, path: str, attributes: Mapping[str, Any], **query: int | str) -> httpx.Response:
        thing, _, verb = path.strip("/").partition("/")
        kind = {"contacts": "Contact", "companies": "Company"}[thing] + verb.capitalize()
        body = orjson.dumps({"data": {"type": kind, "attributes": attributes}})
        params = {f"page[{name}]": value for name, value in query.items()}
        headers = {"authorization": f"Bearer {self.token}", "content-type": MEDIA}
        return self.http.post(self.prefix + path, content=body, params=params, headers=headers)

    def get(self, path: str, **query: str) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.token}"}
        return self.http.get(self.prefix + path, params=query, headers=headers)


@pytest.fixture
def zoominfo(sources: SandboxProcess) -> Generator[ZoomInfo, None, None]:
    sources.set("zoominfo", per_second=100_000)
    client = ZoomInfo(sources.url)
    yield client
    client.http.close()


@pytest.fixture(scope="session")
def catalogue(world: World) -> Catalogue:
    return Catalogue(world, "zoominfo")
