"""One sandbox for all tests beside it, as new before each."""

from collections.abc import Generator

import pytest

from scripts.sandbox.market.world import World
from scripts.sandbox.process import SandboxProcess
from scripts.sandbox.settings import Conditions, Settings

PLENTY = Conditions(latency=0.0, rpm=1_000_000, tpm=1_000_000_000)
PEOPLE = 6_000
LEAD_SOURCES = ("uplead", "zoominfo", "linkedin")


@pytest.fixture(scope="session")
def running() -> Generator[SandboxProcess, None, None]:
    with SandboxProcess(Settings(conditions=PLENTY, people=PEOPLE)) as process:
        yield process


@pytest.fixture
def sandbox(running: SandboxProcess) -> SandboxProcess:
    running.reset()
    running.set(**PLENTY.model_dump())
    return running


@pytest.fixture
def sources(sandbox: SandboxProcess) -> Generator[SandboxProcess, None, None]:
    """The same; what a test changes of the lead sources is set right after it."""
    before = {name: sandbox.told(name, "settings") for name in LEAD_SOURCES}
    yield sandbox
    for name, conditions in before.items():
        sandbox.set(name, **conditions)


@pytest.fixture(scope="session")
def world() -> World:
    """The market of that sandbox."""
    return World(0, PEOPLE)
