"""A real PostgreSQL for every test: one server a run, every table emptied before each test."""

import os
import shutil
import tempfile
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest
from sqlalchemy import text

from cluster.postgres import EmbeddedPostgres
from storage.database import Database
from storage.migrations import upgrade
from storage.sealing import Sealer

SHARED = Path(__file__).parents[2] / "shared"


@pytest.fixture(scope="session")
def server_url() -> Generator[str, None, None]:
    """The address of a migrated database; ``TEST_DATABASE_URL`` names one that runs already."""
    if url := os.environ.get("TEST_DATABASE_URL"):
        upgrade(url)
        yield url
        return
    root = Path(tempfile.mkdtemp(prefix="le-pg-"))
    server = EmbeddedPostgres(root, settings={"fsync": "off", "full_page_writes": "off"})
    server.start()
    server.ensure_database("leadengine_test")
    url = server.url("leadengine_test")
    upgrade(url)
    yield url
    server.stop("immediate")
    shutil.rmtree(root, ignore_errors=True)


@pytest.fixture
async def database(server_url: str) -> AsyncGenerator[Database, None]:
    """An empty database with every table."""
    database = Database(server_url)
    await empty_every_table(database)
    yield database
    await database.close()


async def empty_every_table(database: Database) -> None:
    """Delete all rows but those the migrations put there; far faster than TRUNCATE."""
    async with database.transaction() as db:
        await db.execute(text(EMPTY))


EMPTY = """
DO $$ DECLARE t text; BEGIN
  SET LOCAL session_replication_role = replica;
  FOR t IN SELECT format('%I', relname) FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
      AND relname NOT IN ('alembic_version', 'decision_chains')
  LOOP EXECUTE 'DELETE FROM ' || t; END LOOP;
  UPDATE decision_chains SET seq = 0, hash = '\\x';
END $$
"""


@pytest.fixture(scope="session")
def sealer() -> Sealer:
    """Seals under keys of this run."""
    return Sealer({1: os.urandom(32)}, 1, os.urandom(32))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of data and corpora beside the project; tests skip where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("the folder ../shared with real data is not here")
    return SHARED
