"""Whether the database's schema is the one that this release was written for."""

from functools import cache
from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory

from storage.database import Connection, driver


async def is_current(db: Connection) -> bool:
    """Say whether every migration of this release has run, and none of a later one."""
    rows = await (await driver(db)).fetch("SELECT version_num FROM alembic_version")
    return frozenset(str(row["version_num"]) for row in rows) == _heads()


@cache
def _heads() -> frozenset[str]:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return frozenset(ScriptDirectory.from_config(config).get_heads())
