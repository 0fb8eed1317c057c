"""``leadengine keys rotate-master``: a new master key for personal data."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.output import ExitCode, Output, Problem, line

if TYPE_CHECKING:
    from cluster.settings import Settings
    from storage.keyring import KeyRing

RUNBOOK = "docs/runbooks/rotate-the-master-key.md"


def rotate_master(out: Output) -> None:
    """Make a new master key and wrap the data keys anew. No lead is touched.

    It works on the data directory and the database directly; the engine may be running.
    """
    import asyncio

    from cluster.settings import Settings
    from storage.keyring import KeyRing, KeyRingError

    settings = Settings()  # pyright: ignore[reportCallIssue]
    path = _path(settings)
    try:
        ring = KeyRing.parse(path.read_text())
        new = ring.with_new_master(f"master-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
        new.save(path)
        rewrapped = asyncio.run(_rewrap(settings, ring, new))
    except KeyRingError as error:
        raise Problem(str(error), next_steps=(RUNBOOK,)) from error
    data = {"current": new.current, "rewrapped": rewrapped, "keyring": str(path)}
    words = f"{new.current} wraps {rewrapped} data keys now."
    out.result(data, line(("✓ ", "green"), words))
    out.next(f"put a copy of {path} where its backup is kept", "leadengine doctor")


def _path(settings: "Settings") -> Path:
    if settings.keyring is not None:
        raise Problem(
            "The key ring comes from LEADENGINE_KEYRING, so it cannot be changed here.",
            "Add a master key to that JSON, make it `current`, and start the engine with it.",
            next_steps=(RUNBOOK,),
        )
    path = settings.directory / "keyring.json"
    if not path.exists():
        raise Problem(
            "There is no key ring here.",
            f"{path} does not exist.",
            next_steps=("leadengine up", "LEADENGINE_DATA_DIR=… if it is elsewhere"),
            code=ExitCode.NOT_READY,
        )
    return path


async def _rewrap(settings: "Settings", ring: "KeyRing", new: "KeyRing") -> int:
    """Rewrap in the database of the settings; one that is embedded is started if need be."""
    import asyncio

    from cluster.engine import DATABASE
    from cluster.postgres import EmbeddedPostgres
    from cluster.settings import asyncpg_url

    if settings.database_url:
        return await _rewrap_at(asyncpg_url(settings.database_url), ring, new)
    server = EmbeddedPostgres(settings.directory / "postgres")
    started = await asyncio.to_thread(server.start)
    try:
        return await _rewrap_at(server.url(DATABASE), ring, new)
    finally:
        if started:
            await asyncio.to_thread(server.stop)


async def _rewrap_at(url: str, ring: "KeyRing", new: "KeyRing") -> int:
    from storage import vault
    from storage.database import Database

    database = Database(url)
    try:
        return await vault.rotate_master(database, ring, new)
    finally:
        await database.close()
