"""``doctor``: looks at everything that the engine needs, and says how to repair what is wrong."""

import asyncio
import os
import platform
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
from sqlalchemy import make_url

from cluster import ray_environment
from cluster.postgres import EmbeddedPostgres, PostgresError, binaries
from cluster.settings import ROOT, Settings, asyncpg_url
from scripts.lifecycle import credentials, state
from scripts.lifecycle.findings import Finding, Health
from scripts.lifecycle.options import DoctorOptions, WrongSettings, settings_for
from scripts.lifecycle.screen import command_name
from storage.keyring import KeyRing, KeyRingError

OLDEST_PYTHON = (3, 11)
LEAST_DISK = 2 * 2**30
GOOD_DISK = 10 * 2**30
LARGEST_DRIFT = timedelta(seconds=2)
PATIENCE = 5
GIB = 2**30


def doctor(options: DoctorOptions | None = None) -> list[Finding]:
    """Look at everything, the most basic first; nothing is changed."""
    options = options or DoctorOptions()
    findings = [_timed(_python), _timed(_packages)]
    try:
        settings = settings_for(options.port, options.data_dir)
    except WrongSettings as error:
        remedy = "Change it in the environment or in .env."
        return [*findings, Finding("settings", Health.BAD, str(error), remedy)]
    findings += [_timed(check, settings) for check in _CHECKS]
    return [*findings, *_vendors(settings)]


def _timed(check: Callable[..., Finding], *arguments: object) -> Finding:
    began = time.monotonic()
    try:
        found = check(*arguments)
    except Exception as error:  # noqa: BLE001 - a check that fails is a finding
        about = check.__name__.strip("_").replace("_", " ")
        found = Finding(about, Health.BAD, f"could not be checked: {type(error).__name__}: {error}")
    seconds = round(time.monotonic() - began, 3)
    return Finding(found.about, found.health, found.says, found.remedy, seconds)


def _python() -> Finding:
    says = f"{platform.python_version()} ({sys.executable})"
    if sys.version_info[:2] >= OLDEST_PYTHON:
        return Finding("Python", Health.GOOD, says)
    return Finding("Python", Health.BAD, says, "Install Python 3.11 or newer, then run scripts/up.")


def _packages() -> Finding:
    stamps = sorted((ROOT / ".venv").glob(".made-from.requirements*.lock"))
    newest = max((s.stat().st_mtime for s in stamps), default=0.0)
    lock = ROOT / "requirements.lock"
    if not stamps:
        says = "installed by other means than scripts/up"
        return Finding("packages", Health.WARNING, says, "scripts/up installs what the lock names.")
    if lock.exists() and lock.stat().st_mtime > newest + 1:
        says = "the lock is newer than what is installed"
        return Finding("packages", Health.WARNING, says, "Run scripts/up: it installs the change.")
    return Finding("packages", Health.GOOD, "as the lock names them")


def _ray(_settings: Settings) -> Finding:
    done = subprocess.run(
        [sys.executable, "-c", "import ray; print(ray.__version__)"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if done.returncode == 0:
        return Finding("Ray", Health.GOOD, done.stdout.strip())
    last = (done.stderr.strip().splitlines() or ["no message"])[-1]
    return Finding("Ray", Health.BAD, f"cannot be imported: {last}", "Run scripts/up again.")


def _haproxy(settings: Settings) -> Finding:
    binary = ray_environment.haproxy_binary()
    if not settings.haproxy:
        says = "switched off by LEADENGINE_HAPROXY"
        return Finding("HAProxy", Health.WARNING, says, "Unset it: requests are ten times faster.")
    if binary is None:
        says = "not installed: Ray's own proxy takes the requests, ten times slower"
        return Finding("HAProxy", Health.WARNING, says, "It comes with ray[serve] on Linux.")
    return Finding("HAProxy", Health.GOOD, str(binary))


def _port(settings: Settings) -> Finding:
    running = state.running(settings.directory)
    if running is not None and running.ready:
        return Finding("engine", Health.GOOD, f"runs at {running.url} (process {running.pid})")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            says = f"does not run, and port {settings.port} is taken ({error.strerror})"
            return Finding("engine", Health.BAD, says, f"{command_name()} up --port N")
    says = f"does not run; port {settings.port} is free"
    return Finding("engine", Health.WARNING, says, f"{command_name()} up")


def _disk(settings: Settings) -> Finding:
    folder = next(p for p in (settings.directory, *settings.directory.parents) if p.exists())
    if not os.access(folder, os.W_OK):
        return Finding(
            "disk",
            Health.BAD,
            f"{folder} cannot be written to",
            "Choose another folder: --data-dir or LEADENGINE_DATA_DIR.",
        )
    free = shutil.disk_usage(folder).free
    says = f"{free / GIB:,.0f} GiB free for {settings.directory}"
    if free < LEAST_DISK:
        remedy = "Make room, or choose another folder with --data-dir."
        return Finding("disk", Health.BAD, says, remedy)
    if free < GOOD_DISK:
        remedy = "A million leads take about 2 GiB: watch it."
        return Finding("disk", Health.WARNING, says, remedy)
    return Finding("disk", Health.GOOD, says)


def _postgres(settings: Settings) -> Finding:
    if settings.database_url is not None:
        host = make_url(asyncpg_url(settings.database_url)).host
        return Finding("PostgreSQL", Health.GOOD, f"DATABASE_URL names one at {host}")
    try:
        program = binaries() / "postgres"
    except PostgresError as error:
        return Finding("PostgreSQL", Health.BAD, str(error), "Run scripts/up again.")
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    if done.returncode:
        remedy = "Set DATABASE_URL, or name another with LEADENGINE_PG_BINDIR."
        return Finding("PostgreSQL", Health.BAD, done.stderr.strip()[:200], remedy)
    return Finding("PostgreSQL", Health.GOOD, f"{done.stdout.strip()}, in the data directory")


def _database(settings: Settings) -> Finding:
    url = _database_url(settings)
    if url is None:
        return Finding("database", Health.WARNING, "is not running", f"{command_name()} up")
    try:
        drift = asyncio.run(_drift(url))
    except (OSError, asyncpg.PostgresError, TimeoutError, ValueError) as error:
        says = f"does not answer: {type(error).__name__}"
        if settings.database_url is None:
            return Finding("database", Health.WARNING, says, f"{command_name()} up")
        return Finding("database", Health.BAD, says, "Check DATABASE_URL and that it is up.")
    if abs(drift) > LARGEST_DRIFT:
        says = f"its clock and ours differ by {abs(drift.total_seconds()):.1f} s"
        remedy = "Synchronise both clocks (NTP): due times and signatures depend on them."
        return Finding("database", Health.BAD, says, remedy)
    milliseconds = abs(drift.total_seconds()) * 1000
    return Finding("database", Health.GOOD, f"answers; clocks differ by {milliseconds:.0f} ms")


def _database_url(settings: Settings) -> str | None:
    if settings.database_url is not None:
        return asyncpg_url(settings.database_url)
    root = settings.directory / "postgres"
    if not (root / "data" / "postmaster.pid").exists():
        return None
    return EmbeddedPostgres(root, port=int((root / "port").read_text())).url("postgres")


async def _drift(url: str) -> timedelta:
    """How far the database's clock is ahead, measured against the middle of the question."""
    address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await asyncpg.connect(address, timeout=PATIENCE)
    try:
        before = datetime.now(UTC)
        theirs: datetime = await connection.fetchval("SELECT clock_timestamp()", timeout=PATIENCE)
        return theirs - (before + (datetime.now(UTC) - before) / 2)
    finally:
        await connection.close()


def _key_ring(settings: Settings) -> Finding:
    file = settings.directory / "keyring.json"
    if settings.keyring is not None:
        says, ring = "in LEADENGINE_KEYRING", settings.keyring.get_secret_value()
    elif not file.exists():
        return Finding("key ring", Health.WARNING, "is made at the first start")
    else:
        says, ring = str(file), file.read_text()
    try:
        KeyRing.parse(ring)
    except KeyRingError as error:
        return Finding("key ring", Health.BAD, str(error), "Restore it from its backup.")
    if open_to := _open_to_others(settings.directory):
        remedy = f"chmod 600 {' '.join(map(str, open_to))}"
        return Finding("key ring", Health.BAD, "others can read secrets", remedy)
    return Finding("key ring", Health.GOOD, f"{says}; keep a copy away from the database")


def _open_to_others(directory: Path) -> list[Path]:
    secrets = [directory / name for name in ("keyring.json", "operator.key", "ray.token")]
    return [file for file in secrets if file.exists() and file.stat().st_mode & 0o077]


def _vendors(settings: Settings) -> list[Finding]:
    running = state.running(settings.directory)
    return credentials.checks(settings, None if running is None else running.sandboxed)


def _memory(_settings: Settings) -> Finding:
    with suppress(ValueError, OSError):
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB
        if size < 3:
            remedy = "Give it 4 GiB: Ray, the agents and PostgreSQL take about 2."
            return Finding("memory", Health.WARNING, f"{size:.1f} GiB", remedy)
        return Finding("memory", Health.GOOD, f"{size:.0f} GiB")
    return Finding("memory", Health.GOOD, "unknown on this system")


_CHECKS: tuple[Callable[[Settings], Finding], ...] = (
    _disk, _memory, _postgres, _ray, _haproxy, _port, _database, _key_ring,
)  # fmt: skip


def worst(findings: list[Finding]) -> Health:
    """The worst of all."""
    order = list(Health)
    return max((f.health for f in findings), key=order.index, default=Health.GOOD)
