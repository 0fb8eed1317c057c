"""A file on its way through prospector and enricher."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text

from agents.enricher import Enricher
from agents.failpoints import Failpoints
from agents.messages import ImportLeads, encode
from agents.prospector import Prospector
from policies.csv_layout import HEAD_BYTES
from policies.import_plan import ImportOptions, plan_file
from policies.lead import Lead, LeadId
from storage import imports, leads, mailbox
from storage.database import Database
from storage.imports import Import, ImportProblem
from storage.mailbox import Lane, Letter
from storage.sealing import Sealer
from tests.flows.harness import Fleet
from tests.scripted import START

NOW = START
SEALER = Sealer({1: bytes(range(32))}, 1, bytes(range(32, 64)))


async def upload(database: Database, data: bytes, *, part: int = 64 * 1024, **options: Any) -> UUID:
    """Keep a file in parts and ask for it to be read, as the API does."""
    asked = ImportOptions(**{"filename": "leads.csv", **options})
    plan = plan_file(data[:HEAD_BYTES], whole=len(data) <= HEAD_BYTES, options=asked)
    async with database.transaction() as db:
        made = await imports.create(
            db,
            filename=asked.filename,
            source=asked.source,
            plan=plan.model_dump(mode="json"),
            correlation_id="test",
            now=NOW,
        )
        for number, start in enumerate(range(0, len(data), part)):
            piece = data[start : start + part]
            await imports.add_part(db, SEALER, made.id, number, piece)
        await imports.close_receiving(db, made.id, bytes_total=len(data), now=NOW)
        message = ImportLeads(made.id)
        letter = Letter("prospector", message.kind, encode(message), Lane.BULK)
        await mailbox.post(db, [letter], now=NOW)
    return made.id


async def work(database: Database, *, rows: int = 2000, failpoints: str = "") -> Fleet:
    """Let both agents work, through crashes, until nothing is left to do."""
    fleet = Fleet(
        database,
        lambda: [Prospector(SEALER, rows=rows), Enricher(SEALER)],
        failpoints=Failpoints.parse(failpoints),
    )
    await fleet.finish()
    return fleet


async def report(database: Database, import_id: UUID) -> tuple[Import, list[ImportProblem]]:
    """How an import stands, and what was wrong with its rows."""
    async with database.transaction() as db:
        problems = await imports.problems_page(db, SEALER, import_id, limit=1000)
        return await imports.get(db, import_id), problems


async def all_leads(database: Database) -> list[Lead]:
    """Every lead, in the order of their ids at the source."""
    async with database.transaction() as db:
        ids = [row[0] for row in await db.execute(text("SELECT id FROM leads"))]
        found = await leads.get_many(db, SEALER, [LeadId(each) for each in ids])
    return sorted(found, key=lambda lead: (lead.external_id or "", lead.person.email or ""))


async def fetch(database: Database, query: str) -> Sequence[Any]:
    """Rows of a query."""
    async with database.transaction() as db:
        return (await db.execute(text(query))).all()
