"""The embedded PostgreSQL: it keeps its data through everything that can happen to it."""

import asyncio
import os
import shutil
import signal
import subprocess
from collections.abc import Generator
from pathlib import Path

import asyncpg
import psutil
import pytest

from cluster.postgres import ELSEWHERE, EmbeddedPostgres, PostgresError

FAST = {"fsync": "off", "shared_buffers": "16MB", "max_wal_size": "128MB"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[EmbeddedPostgres, None, None]:
    root = tmp_path_factory.mktemp("pg")
    for folder in (root, *root.parents[:2]):
        folder.chmod(0o711)
    server = EmbeddedPostgres(root, settings=FAST)
    server.start()
    server.ensure_database("kept")
    yield server
    server.stop("immediate")


def ask(server: EmbeddedPostgres, *queries: str) -> object:
    async def run() -> object:
        url = server.url("kept").replace("+asyncpg", "")
        connection = await asyncpg.connect(url, timeout=10)
        try:
            return [await connection.fetchval(query) for query in queries][-1]
        finally:
            await connection.close()

    return asyncio.run(run())


def pid(server: EmbeddedPostgres) -> int:
    return int((server.data / "postmaster.pid").read_text().split()[0])


def test_a_second_start_finds_the_server_and_starts_nothing(server: EmbeddedPostgres) -> None:
    again = EmbeddedPostgres(server.root, settings=FAST)
    assert again.start() is False
    assert (again.port, pid(again)) == (server.port, pid(server))


def test_a_database_is_made_once(server: EmbeddedPostgres) -> None:
    ask(server, "CREATE TABLE notes (n int)", "INSERT INTO notes VALUES (1)")
    server.ensure_database("kept")
    assert ask(server, "SELECT count(*) FROM notes") == 1


def test_a_killed_server_comes_back_with_what_was_committed(server: EmbeddedPostgres) -> None:
    ask(server, "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (7)")
    os.kill(pid(server), signal.SIGKILL)
    wait_for_end(pid(server))

    assert server.start() is True

    assert ask(server, "SELECT n FROM kept") == 7


def test_the_note_of_a_dead_server_deceives_nobody(server: EmbeddedPostgres) -> None:
    server.stop()
    with subprocess.Popen(["sleep", "60"]) as other:
        note = server.data / "postmaster.pid"
        note.write_text(f"{other.pid}\n{server.data}\n0\n{server.port}\n\n127.0.0.1\n")
        try:
            assert server.serves is False
            assert server.start() is True
        finally:
            other.kill()
    assert server.is_running()


def test_stopping_what_does_not_run_is_fine(server: EmbeddedPostgres) -> None:
    server.stop()
    assert server.is_running() is False
    server.stop()
    assert server.start() is True


def test_nobody_comes_in_without_the_password(server: EmbeddedPostgres) -> None:
    async def enter() -> None:
        await asyncpg.connect(
            host="127.0.0.1", port=server.port, user="postgres", password="guess", database="kept"
        )

    with pytest.raises(asyncpg.InvalidPasswordError):
        asyncio.run(enter())
    assert (server.root / "password").stat().st_mode & 0o077 == 0


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o711)
    broken = EmbeddedPostgres(tmp_path / "pg", settings={"shared_buffers": "a lot"})
    with pytest.raises(PostgresError, match="shared_buffers"):
        broken.start(timeout=20)


def wait_for_end(number: int) -> None:
    try:
        psutil.Process(number).wait(20)
    except (psutil.NoSuchProcess, psutil.TimeoutExpired):
        return


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's server runs as another user")
def test_below_a_folder_that_root_has_closed_the_cluster_is_kept_elsewhere(tmp_path: Path) -> None:
    closed = tmp_path / "home"
    closed.mkdir(mode=0o700)

    server = EmbeddedPostgres(closed / "project" / "postgres")

    assert server.root.parent == ELSEWHERE
    assert server.root == EmbeddedPostgres(closed / "project" / "postgres").root
    try:
        assert server.start()
        assert server.is_running()
        assert closed.stat().st_mode & 0o777 == 0o700
    finally:
        server.stop("immediate")
        shutil.rmtree(server.root, ignore_errors=True)
