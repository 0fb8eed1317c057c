"""Whoever takes the database's dump, or the logs, learns nobody's name, address or number."""

import os
import subprocess
from urllib.parse import urlsplit

import pytest

from agents.enricher import Enricher
from agents.prospector import Prospector
from cluster.postgres import binaries
from storage.database import Database
from tests.agents.import_room import SEALER, report, upload
from tests.agents.scoring_room import Room
from tests.flows.harness import Fleet

CANARIES = {
    "first": "Xiomara",
    "last": "Quetzalcoatlus",
    "email": "xiomara.q@kanarienvogel.example.com",
    "phone": "+4930901820",
    "second_mail": "zweitpost@wellensittich.example.org",
    "mobile": "+4915112345678",
    "broken_mail": "nicht ganz@stieglitz.example.net",
    "spare": "Rumpelstilz",
}
FILE = f"""Email,First name,Last name,Phone,Company,Job title,Remarks,Second mail,Kept by
{CANARIES["email"]},{CANARIES["first"]},{CANARIES["last"]},{CANARIES["phone"]},Acme,CEO,\
call {CANARIES["first"]} on {CANARIES["mobile"]},{CANARIES["second_mail"]},us
{CANARIES["broken_mail"]},{CANARIES["spare"]},,,Bolt,CTO,,,us
""".encode()


@pytest.mark.parametrize("form", ["plain", "custom"])
async def test_a_dump_of_the_filled_database_holds_no_imported_person(
    database: Database, form: str, capfd: pytest.CaptureFixture[str]
) -> None:
    room = Room(database, SEALER)
    await room.open()
    import_id = await upload(database, FILE)
    fleet = Fleet(
        database, lambda: [Prospector(SEALER), Enricher(SEALER), room.scorer()], room.clock
    )
    await fleet.finish()
    _, problems = await report(database, import_id)
    logged = "".join(capfd.readouterr())

    dumped = dump(database.url, form)

    (kept,) = await room.rows("SELECT count(*) n FROM leads WHERE scored_at IS NOT NULL")
    assert kept["n"] >= 1
    assert problems
    assert b"Acme" in dumped or form == "custom"
    for what, canary in CANARIES.items():
        for spelling in {canary, canary.lower(), canary.split("@")[0]}:
            assert spelling.encode() not in dumped, what
            assert spelling not in logged, what


def dump(url: str, form: str) -> bytes:
    """The whole database as its own tool writes it; the custom form uncompressed."""
    at = urlsplit(url)
    done = subprocess.run(
        [
            str(binaries() / "pg_dump"),
            f"--format={form}",
            *(["--compress=0"] if form == "custom" else []),
            f"--host={at.hostname}",
            f"--port={at.port}",
            f"--username={at.username}",
            at.path.lstrip("/"),
        ],
        env={**os.environ, "PGPASSWORD": at.password or ""},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout
