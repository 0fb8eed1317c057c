"""The master key is changed from the command line, with the engine running or not."""

import asyncio
from pathlib import Path

import pytest

from storage.database import Database
from storage.keyring import KeyRing
from storage.vault import open_sealer
from tests.cli.conftest import Cli
from tests.conftest import empty_every_table


@pytest.fixture
def directory(server_url: str, tmp_path: Path) -> Path:
    """A data directory whose key ring has sealed something in the database."""
    ring = KeyRing.at(tmp_path / "keyring.json")
    asyncio.run(_with_first_key(server_url, ring))
    return tmp_path


async def _with_first_key(url: str, ring: KeyRing) -> None:
    database = Database(url)
    await empty_every_table(database)
    await open_sealer(database, ring)
    await database.close()


async def _opens(url: str, ring: KeyRing) -> bool:
    database = Database(url)
    try:
        await open_sealer(database, ring)
    finally:
        await database.close()
    return True


def test_a_new_master_key_wraps_what_the_old_one_did(server_url: str, directory: Path) -> None:
    cli = Cli({"DATABASE_URL": server_url, "LEADENGINE_DATA_DIR": str(directory)})
    old = KeyRing.at(directory / "keyring.json")
    ran = cli("keys", "rotate-master", "--json")
    new = KeyRing.at(directory / "keyring.json")

    assert ran.code == 0
    assert ran.data["rewrapped"] == 1
    assert ran.data["current"] == new.current != old.current
    assert set(new.masters) == {old.current, new.current}
    alone = new.model_copy(update={"masters": {new.current: new.masters[new.current]}})
    assert asyncio.run(_opens(server_url, alone))
    assert (directory / "keyring.json").stat().st_mode & 0o077 == 0


def test_a_ring_of_the_environment_is_not_touched(server_url: str, directory: Path) -> None:
    ring = (directory / "keyring.json").read_text()
    environment = {
        "DATABASE_URL": server_url,
        "LEADENGINE_DATA_DIR": str(directory),
        "LEADENGINE_KEYRING": ring,
    }
    ran = Cli(environment)("keys", "rotate-master")

    assert ran.code == 1
    assert "LEADENGINE_KEYRING" in ran.err
    assert (directory / "keyring.json").read_text() == ring


def test_without_a_ring_there_is_nothing_to_rotate(server_url: str, tmp_path: Path) -> None:
    cli = Cli({"DATABASE_URL": server_url, "LEADENGINE_DATA_DIR": str(tmp_path)})
    ran = cli("keys", "rotate-master")

    assert ran.code == 3
    assert not (tmp_path / "keyring.json").exists()
