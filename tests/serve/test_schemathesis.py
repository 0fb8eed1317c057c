"""The API keeps to its own description, whatever is made up from that: Schemathesis over HTTP."""

import asyncio
import re
import socket
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import uvicorn

from serve.app import build
from serve.dependencies import Limits
from serve.scopes import Role
from storage.database import Database
from tests.serve.conftest import Clock, dependencies, prepare

ROOT = Path(__file__).parents[2]
COMMAND = Path(sys.executable).with_name("schemathesis")


@asynccontextmanager
async def served(database: Database) -> AsyncGenerator[tuple[str, str], None]:
    """The API behind a real HTTP server; its address and the admin's key."""
    clock = Clock()
    keys = await prepare(database, clock())
    plenty = Limits(requests=10**6, costly=10**6, failed=10**6)
    app = build(replace(dependencies(database, clock, []), limits=plenty))
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_level="error", lifespan="on", server_header=False)
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve([listener]))
    yield f"http://127.0.0.1:{listener.getsockname()[1]}", keys[Role.ADMIN]
    server.should_exit = True
    await running


@pytest.mark.slow
@pytest.mark.parametrize(
    ("phases", "seconds"), [("examples,fuzzing,stateful", 40), ("coverage", 60)]
)
async def test_nothing_that_the_description_allows_breaks_it(
    database: Database, tmp_path: Path, phases: str, seconds: int
) -> None:
    async with served(database) as (address, key):
        process = await asyncio.create_subprocess_exec(
            COMMAND, "--config-file", ROOT / "schemathesis.toml",
            "run", f"{address}/api/openapi.json", "--checks", "all", "--phases", phases,
            "--max-examples", "6", "--max-time", str(seconds), "--workers", "1",
            "--header", f"Authorization: Bearer {key}",
            cwd=tmp_path, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        async with asyncio.timeout(280):
            output = (await process.communicate())[0].decode()
    assert process.returncode == 0, output[-20_000:]
    assert (cases := re.search(r"(\d+) generated", output))
    assert int(cases[1]) > 200
