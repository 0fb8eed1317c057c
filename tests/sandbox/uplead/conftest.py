"""A client of the sandbox's UpLead that knows nothing of our adapter."""

from collections.abc import Generator

import httpx
import pytest

from scripts.sandbox.market.catalogue import Catalogue
from scripts.sandbox.market.world import World
from scripts.sandbox.process import KEY, SandboxProcess


@pytest.fixture
def uplead(sources: SandboxProcess) -> Generator[httpx.Client, None, None]:
    url = sources.vendor_urls["uplead"]
    headers = {"authorization": KEY}
    with httpx.Client(base_url=url, headers=headers, trust_env=False, timeout=5) as client:
        yield client


@pytest.fixture(scope="session")
def catalogue(world: World) -> Catalogue:
    return Catalogue(world, "uplead")
