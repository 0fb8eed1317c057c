"""Leads out of the engine: streamed as CSV or JSON lines, however many they are.

Each batch is a transaction of its own and goes on after the last lead of the one before. Every
cell is quoted, and a cell that a spreadsheet would run is opened as text.

Sources:
    RFC 4180. OWASP, CSV injection; ASVS 5.0, V1.2.10.
"""

import csv
import io
from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import asdict
from typing import Annotated

import orjson
from fastapi import APIRouter, Query
from starlette.responses import StreamingResponse

from policies.decision import Decision
from policies.lead import Lead
from serve.calls import Call, Caller, Effects
from serve.scopes import Scope
from serve.shapes.leads import LeadOut
from serve.shapes.selection import LeadExportQuery
from serve.table import Routes
from storage import lead_search
from storage.lead_search import LeadFilter, Page

BATCH = 500
POLICY = "operator"
COLUMNS = tuple(LeadOut.model_fields)
_MARKS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_FORMS = {
    "text/csv": {"schema": {"type": "string"}, "example": '"id","source"\r\n"0193…","import"\r\n'},
    "application/x-ndjson": {"schema": {"type": "string"}, "example": '{"id":"0193…"}\n'},
}


def add_routes(router: APIRouter) -> None:
    """Add the export."""
    routes = Routes(router, "leads")
    routes.add(
        "GET", "/api/leads/export", export_leads, Scope.LEADS_READ, content=_FORMS, costly=True
    )


async def export_leads(
    call: Caller, wanted: Annotated[LeadExportQuery, Query()]
) -> StreamingResponse:
    """Stream all leads that meet the criteria, newest first.

    In CSV, a cell that begins like a formula (`=`, `+`, `-`, `@`) is preceded by `'`.
    """
    criteria = wanted.filter()
    used = sorted(name for name, value in asdict(criteria).items() if value is not None)

    async def note(effects: Effects) -> None:
        reason = "Leads were exported with everything that is known of them."
        inputs = {"format": wanted.format, "filtered_by": used}
        await effects.decide(Decision("leads.export", None, "allow", (reason,), POLICY, inputs))

    await call.write(note)
    first = await _page(call, criteria, None)
    lines = _csv(call, criteria, first) if wanted.format == "csv" else _json(call, criteria, first)
    kind = "text/csv; charset=utf-8" if wanted.format == "csv" else "application/x-ndjson"
    name = f'attachment; filename="leads.{wanted.format}"'
    return StreamingResponse(lines, headers={"Content-Disposition": name}, media_type=kind)


def csv_line(cells: Iterable[object]) -> str:
    """Return one line of CSV, everything quoted, nothing that a spreadsheet would run."""
    line = io.StringIO()
    csv.writer(line, quoting=csv.QUOTE_ALL).writerow([_cell(cell) for cell in cells])
    return line.getvalue()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return orjson.dumps(value).decode() if value else ""
    text = str(value).replace("\0", "")
    return f"'{text}" if text.lstrip(" ").startswith(_MARKS) else text


async def _csv(call: Call, wanted: LeadFilter, first: Page) -> AsyncGenerator[str, None]:
    yield csv_line(COLUMNS)
    async for batch in _batches(call, wanted, first):
        shown = (LeadOut.of(lead).model_dump(mode="json") for lead in batch)
        yield "".join(csv_line(lead[name] for name in COLUMNS) for lead in shown)


async def _json(call: Call, wanted: LeadFilter, first: Page) -> AsyncGenerator[bytes, None]:
    async for batch in _batches(call, wanted, first):
        shown = (LeadOut.of(lead).model_dump(mode="json") for lead in batch)
        yield b"".join(orjson.dumps(lead) + b"\n" for lead in shown)


async def _batches(
    call: Call, wanted: LeadFilter, page: Page
) -> AsyncGenerator[Sequence[Lead], None]:
    while True:
        yield page.items
        if page.next is None:
            return
        page = await _page(call, wanted, page.next)


async def _page(call: Call, wanted: LeadFilter, after: lead_search.Cursor | None) -> Page:
    async with call.reading() as db:
        return await lead_search.page(db, call.api.sealer, wanted, after=after, limit=BATCH)
