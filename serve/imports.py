"""Imports over HTTP: a file streamed in, or leads as JSON; progress, and what was refused."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Header, Path, Query
from starlette.responses import Response, StreamingResponse

from serve.calls import Call, Caller, IdempotencyKey
from serve.export import csv_line
from serve.json_imports import import_json
from serve.paging import Cursor, Limit
from serve.problems import Problem
from serve.routing import media_type
from serve.scopes import Scope
from serve.shapes.imports import (
    CsvQuery,
    ImportOut,
    ImportPage,
    ImportPreview,
    JsonImport,
    ProblemOut,
    ProblemPage,
)
from serve.table import Routes
from serve.uploads import receive_file
from storage import imports
from storage.imports import ImportProblem

BATCH = 500
TAKEN = "text/csv, application/json"
COLUMNS = tuple(ProblemOut.model_fields)
ImportId = Annotated[UUID, Path(alias="id", description="of the import")]


@dataclass(frozen=True, slots=True)
class _Place:
    created_at: datetime
    id: UUID


def add_routes(router: APIRouter) -> None:
    """Add what can be done with imports."""
    routes = Routes(router, "imports")
    base = "/api/leads/import"
    one = f"{base}/{{id:uuid}}"
    routes.add(
        "POST",
        base,
        import_leads,
        Scope.LEADS_WRITE,
        answer=ImportOut,
        status=202,
        problems=(409,),
        costly=True,
        extra=_body(),
        headers={"Location": "address of the import"},
        also={200: ImportPreview},
    )
    routes.add("GET", base, list_imports, Scope.LEADS_READ, answer=ImportPage)
    routes.add(
        "GET",
        f"{base}/{{id:uuid}}",
        get_import,
        Scope.LEADS_READ,
        answer=ImportOut,
        problems=(404,),
    )
    routes.add(
        "GET",
        f"{one}/problems",
        list_problems,
        Scope.LEADS_READ,
        answer=ProblemPage,
        problems=(404,),
        also_content={"text/csv": {"schema": {"type": "string"}}},
    )


async def import_leads(
    call: Caller, wanted: Annotated[CsvQuery, Query()], key: IdempotencyKey = None
) -> Response:
    """Import leads: a CSV file streamed in, or leads as JSON.

    A file is kept in sealed parts and read by the prospector; follow the import's progress. With
    `dry_run=true` nothing is kept: the answer (200) shows how the file would be read. Of a file
    that is repeated with an Idempotency-Key, address and length are compared, not the content.
    The query speaks of files; of JSON only `dry_run`'s absence is meant.
    """
    match media_type(call.request.headers):
        case "text/csv":
            return await receive_file(call, wanted, key)
        case "application/json":
            return await import_json(call, key)
        case _:
            raise Problem(
                415,
                "unsupported_media_type",
                f"Send Content-Type: {TAKEN}.",
                field="Content-Type",
                headers={"Accept-Post": TAKEN},
            )


async def list_imports(call: Caller, limit: Limit = 50, cursor: Cursor = None) -> ImportPage:
    """List imports, newest first."""
    scope = ("imports",)
    after = call.api.cursors.read(scope, cursor, _Place) if cursor else None
    before = None if after is None else (after.created_at, after.id)
    async with call.reading() as db:
        found = await imports.page(db, before=before, limit=limit + 1)
    shown = found[:limit]
    more = _Place(shown[-1].created_at, shown[-1].id) if len(found) > limit else None
    return ImportPage(
        items=[ImportOut.of(each) for each in shown], next=call.next_page(scope, more)
    )


async def get_import(import_id: ImportId, call: Caller) -> ImportOut:
    """Tell how far an import is."""
    async with call.reading() as db:
        return ImportOut.of(await imports.get(db, import_id))


async def list_problems(
    import_id: ImportId,
    call: Caller,
    limit: Limit = 100,
    cursor: Cursor = None,
    format: Annotated[
        Literal["json", "csv"] | None, Query(description="csv: all of them, streamed")
    ] = None,
    accept: Annotated[str, Header(include_in_schema=False)] = "",
) -> Response | ProblemPage:
    """List what is wrong with rows: JSON pages, or all of it as CSV (`format` or `Accept`)."""
    async with call.reading() as db:
        await imports.get(db, import_id)
    if format == "csv" or (format is None and accept.startswith("text/csv")):
        name = f'attachment; filename="import-problems-{import_id}.csv"'
        return StreamingResponse(
            _lines(call, import_id),
            headers={"Content-Disposition": name},
            media_type="text/csv; charset=utf-8",
        )
    scope = ("problems", import_id)
    after = call.api.cursors.read(scope, cursor, int) if cursor else 0
    found = await _problems(call, import_id, after, limit + 1)
    more = found[limit - 1].id if len(found) > limit else None
    items = [ProblemOut.of(each) for each in found[:limit]]
    return ProblemPage(items=items, next=call.next_page(scope, more))


async def _problems(call: Call, import_id: UUID, after: int, limit: int) -> list[ImportProblem]:
    async with call.reading() as db:
        return await imports.problems_page(db, call.api.sealer, import_id, after=after, limit=limit)


async def _lines(call: Call, import_id: UUID) -> AsyncGenerator[str, None]:
    yield csv_line(COLUMNS)
    after = 0
    while found := await _problems(call, import_id, after, BATCH):
        shown = (ProblemOut.of(each).model_dump() for each in found)
        yield "".join(csv_line(row[name] for name in COLUMNS) for row in shown)
        after = found[-1].id
        await asyncio.sleep(0)


def _body() -> dict[str, object]:
    example = "email,company,Converted\r\nann@example.com,Example GmbH,1\r\n"
    return {
        "requestBody": {
            "required": True,
            "content": {
                "text/csv": {"schema": {"type": "string"}, "example": example},
                "application/json": {"schema": JsonImport.model_json_schema()},
            },
        }
    }
