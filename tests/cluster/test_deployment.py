"""The API and the supervisor under Ray Serve, behind HAProxy where there is one."""

import os
import socket
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import httpx
import psutil
import pytest

from cluster import ray_environment, roles
from cluster.first_run import operator_key, prepare_storage
from cluster.settings import Settings
from storage.database import Database

pytestmark = pytest.mark.cluster


async def test_the_front_door_answers_and_tells_nothing_about_the_house(
    ray_cluster: Settings, database: Database
) -> None:
    import ray.serve

    from cluster import deployment
    from cluster.fleet import RayFleet

    settings = ray_cluster.model_copy(update={"port": free_port()})
    now = datetime.now(UTC)  # noqa: TID251 - keys are made for the real clock
    async with roles.opened(settings, "test", 2) as kit:
        await prepare_storage(kit, roles.table(settings), now)
        key = await operator_key(database, "", now)
        assert await operator_key(database, key, now) == key
    deployment.start(settings)
    try:
        with httpx.Client(base_url=settings.url, timeout=20) as client:
            answers_for_itself(client, key)
            if ray_environment.haproxy_binary() is not None:
                says_nothing_more(client, key)
        listens_on_loopback_only(ray_environment.temporary_folder(ray_cluster.directory))
    finally:
        ray.serve.delete("supervisor")
        await RayFleet("").remove_all()
        ray.serve.shutdown()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers_for_itself(client: httpx.Client, key: str) -> None:
    assert client.get("/health/live").status_code == 200
    assert client.get("/api/leads").status_code == 401
    leads = client.get("/api/leads", headers={"Authorization": f"Bearer {key}"})
    assert leads.json()["items"] == []


def says_nothing_more(client: httpx.Client, key: str) -> None:
    for path in ("/-/routes", "/-/healthz", "/-/ROUTES"):
        answer = client.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND"), path
    hurried = client.get(
        "/api/leads",
        headers={"Authorization": f"Bearer {key}", "x-request-timeout-seconds": "0.0001"},
    )
    assert hurried.status_code == 200
    assert "server" not in hurried.headers


def listens_on_loopback_only(folder: Path) -> None:
    """Every port of every process that belongs to this Ray."""
    ours = [p for p in psutil.Process().children(recursive=True) if belongs(p, folder)]
    listening = {address: words for p in ours for address, words in listens(p)}
    assert any("ServeReplica" in words for words in listening.values())
    for (host, _), words in listening.items():
        assert host in {"127.0.0.1", "::1", "::ffff:127.0.0.1"}, words


def listens(process: psutil.Process) -> list[tuple[tuple[str, int], str]]:
    """The addresses a process listens on, with its command; none if it has ended meanwhile."""
    with suppress(psutil.NoSuchProcess):
        words = " ".join(process.cmdline())
        found = [c for c in process.net_connections("tcp") if c.status == psutil.CONN_LISTEN]
        return [((str(c.laddr[0]), int(c.laddr[1])), words) for c in found]
    return []


def belongs(process: psutil.Process, folder: Path) -> bool:
    try:
        return process.pid != os.getpid() and ray_environment.MARK in process.environ()
    except psutil.Error:
        return False
