"""One Ray for the whole run; tests are kept apart by emptied tables and removed workers."""

import os
import shutil
import tempfile
from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from cluster import ray_environment
from cluster.settings import Settings
from storage import agents
from storage.agents import Bounds
from storage.database import Database
from tests.cluster import tiny


@pytest.fixture(scope="session")
def ray_cluster(server_url: str) -> Generator[Settings, None, None]:
    """A private Ray whose workers use the test database."""
    root = Path(tempfile.mkdtemp(prefix="le-ray-"))
    settings = Settings(
        data_dir=root / "data", database_url=server_url, port=8129, lease_seconds=600
    )
    settings.directory.mkdir()
    before = dict(os.environ)
    ray_environment.prepare(settings)
    import ray
    import ray.cloudpickle
    import ray.serve

    folder = ray_environment.temporary_folder(settings.directory)
    ray_environment.begin(folder)
    os.environ.clear()
    os.environ.update(before)
    ray.cloudpickle.register_pickle_by_value(tiny)
    yield settings
    ray.serve.shutdown()
    ray.shutdown()
    shutil.rmtree(root, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
async def fleet(ray_cluster: Settings, database: Database) -> AsyncGenerator[Any, None]:
    """No worker, an empty table to note what was handled, and the role known."""
    from cluster.fleet import RayFleet

    async with database.transaction() as db:
        await db.execute(text(tiny.TABLE))
        await db.execute(text("DELETE FROM tally"))
        await agents.ensure(db, {"tally": Bounds(1, 3)})
    fleet = RayFleet("test")
    yield fleet
    await fleet.remove_all()
