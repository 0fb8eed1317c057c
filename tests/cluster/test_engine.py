"""The whole engine, as a person starts and stops it: nothing is lost, nothing is left running."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from pathlib import Path

import httpx
import psutil
import pytest

from cluster import leftovers
from cluster.ray_environment import temporary_folder
from cluster.settings import ROOT

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
def directory() -> Generator[Path, None, None]:
    root = Path(tempfile.mkdtemp(prefix="le-engine-"))
    root.chmod(0o711)
    yield root / "data"
    command("down", root / "data")
    shutil.rmtree(temporary_folder(root / "data"), ignore_errors=True)
    shutil.rmtree(root, ignore_errors=True)


def command(verb: str, directory: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("LEADENGINE_", "RAY_"))}
    return subprocess.run(
        [sys.executable, "-m", "scripts.cli", verb, f"--data-dir={directory}", *arguments],
        env=kept,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
    )


def test_it_starts_survives_being_killed_and_stops_without_a_trace(directory: Path) -> None:
    port = free_port()
    started = command("up", directory, f"--port={port}", "--detach")
    assert started.returncode == 0, started.stderr
    assert f"http://127.0.0.1:{port}" in started.stderr
    key = (directory / "operator.key").read_text().strip()
    assert post_lead(port, key) == 201

    os.kill(note(directory)["pid"], signal.SIGKILL)
    time.sleep(1)
    again = command("up", directory, f"--port={port}", "--detach")

    assert again.returncode == 0, again.stderr
    assert (directory / "operator.key").read_text().strip() == key
    assert number_of_leads(port, key) == 1
    logs = "".join(file.read_text() for file in (directory / "logs").glob("*.log"))
    assert "ada@example.com" not in logs
    assert "Lovelace" not in logs

    stopped = command("down", directory)

    assert stopped.returncode == 0, stopped.stderr
    assert leftovers.of_engine(directory, spare=()) == []
    assert not any(str(directory) in " ".join(p.info["cmdline"] or []) for p in processes())
    assert command("down", directory).returncode == 0


def post_lead(port: int, key: str) -> int:
    lead = {"email": "ada@example.com", "first_name": "Ada", "last_name": "Lovelace"}
    return httpx.post(
        f"http://127.0.0.1:{port}/api/leads",
        json={"source": "test", **lead},
        headers={"Authorization": f"Bearer {key}"},
        timeout=30,
    ).status_code


def number_of_leads(port: int, key: str) -> int:
    answer = httpx.get(
        f"http://127.0.0.1:{port}/api/leads",
        headers={"Authorization": f"Bearer {key}"},
        timeout=30,
    )
    return len(answer.json()["items"])


def note(directory: Path) -> dict[str, int]:
    return json.loads((directory / "engine.json").read_text())


def processes() -> list[psutil.Process]:
    return list(psutil.process_iter(["cmdline"]))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
