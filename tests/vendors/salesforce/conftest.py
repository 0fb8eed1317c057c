"""An organisation of the sandbox for all tests beside it, as new before each."""

from collections.abc import AsyncGenerator, Generator
from datetime import timedelta

import pytest

from agents.vendors.salesforce import Salesforce
from agents.vendors.salesforce.credentials import Credentials, credentials
from scripts.sandbox.process import SandboxProcess
from scripts.sandbox.salesforce.conditions import OrgConditions

VENDOR = "salesforce"
PATIENCE = timedelta(seconds=20)


def by_client(version: str = "62.0") -> Credentials:
    return credentials(
        domain="leadengine-sandbox.my",
        consumer_key="sandbox-key",
        consumer_secret="sandbox-secret",
        version=version,
    )


@pytest.fixture(scope="session")
def running() -> Generator[SandboxProcess, None, None]:
    with SandboxProcess() as process:
        yield process


@pytest.fixture
def org(running: SandboxProcess) -> SandboxProcess:
    running.reset()
    running.set(VENDOR, **OrgConditions().model_dump())
    return running


@pytest.fixture
async def crm(org: SandboxProcess) -> AsyncGenerator[Salesforce]:
    adapter = Salesforce(by_client(), base_url=org.vendor_urls[VENDOR], timeout=PATIENCE)
    yield adapter
    await adapter.close_connections()
