"""One sandbox for all tests beside it, as new before each."""

from collections.abc import Generator

import pytest

from scripts.sandbox.process import SandboxProcess
from scripts.sandbox.settings import Conditions, Settings

PLENTY = Conditions(latency=0.0, rpm=1_000_000, tpm=1_000_000_000)
PEOPLE = 4_000


@pytest.fixture(scope="session")
def running() -> Generator[SandboxProcess, None, None]:
    with SandboxProcess(Settings(conditions=PLENTY, people=PEOPLE)) as process:
        yield process


@pytest.fixture
def sandbox(running: SandboxProcess) -> SandboxProcess:
    running.reset()
    running.set(**PLENTY.model_dump())
    return running
