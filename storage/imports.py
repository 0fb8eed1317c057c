"""Imported files: the upload in sealed parts, how far it was read, and every row that was refused.

A file is ``receiving`` while it is uploaded, ``queued`` until its first turn, ``running`` after it,
then ``done`` or ``failed``. Its parts are dropped as they are read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import RowMapping, insert, select, tuple_, update

from storage import tables
from storage.database import Connection, driver
from storage.errors import NotFound
from storage.ids import new_id
from storage.sealing import Sealer

Severity = Literal["error", "warning"]


class ImportStatus(StrEnum):
    """How far an import is."""

    RECEIVING = "receiving"
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class ImportNotFound(NotFound):
    """There is no such import."""


class ImportClosed(Exception):
    """The import is past the point where that can be done; the text says where it stands."""


@dataclass(frozen=True, slots=True)
class Import:
    """One imported file.

    Attributes:
        plan: dialect, mapping, outcome column (JSON values).
        position: where the next turn reads on (JSON values).
        bytes_total: 0 while receiving.
        problem: why it failed.
    """

    id: UUID
    filename: str
    source: str
    status: ImportStatus
    plan: Mapping[str, Any]
    position: Mapping[str, Any]
    bytes_total: int
    bytes_done: int
    rows_read: int
    created: int
    merged: int
    failed: int
    warnings: int
    problem: str | None
    correlation_id: str | None
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class Progress:
    """What one turn did; everything is added to what there is."""

    bytes_done: int = 0
    rows_read: int = 0
    created: int = 0
    merged: int = 0
    failed: int = 0
    warnings: int = 0


@dataclass(frozen=True, slots=True)
class ImportProblem:
    """One thing wrong with one row.

    Attributes:
        line: of the file, where the row begins, from 1.
        row_number: of the record, the header not counted, from 1.
        problem: what is wrong, without the value itself: it is not sealed.
        record: the row as it was read; sealed.
        id: of the entry, set when read; pages go by it.
    """

    line: int
    row_number: int
    severity: Severity
    problem: str
    column: str | None = None
    record: str | None = field(default=None, repr=False)
    id: int = 0


async def create(
    db: Connection,
    *,
    filename: str,
    source: str,
    plan: Mapping[str, Any],
    correlation_id: str | None,
    now: datetime,
) -> Import:
    """Begin an import: its parts are about to come."""
    import_id = new_id(now)
    values = {"id": import_id, "filename": filename, "source": source, "plan": dict(plan)}
    await db.execute(
        insert(tables.imports).values(
            **values,
            status=ImportStatus.RECEIVING.value,
            correlation_id=correlation_id,
            created_at=now,
        )
    )
    return await get(db, import_id)


async def add_part(
    db: Connection, sealer: Sealer, import_id: UUID, part: int, content: bytes
) -> None:
    """Keep one part of the file, sealed; parts count from 0. The same part again replaces it."""
    sealed = sealer.seal(_part_column(part), import_id, content.decode("latin-1"))
    connection = await driver(db)
    await connection.execute(_ADD_PART, import_id, part, len(content), sealed)


async def read_parts(
    db: Connection, sealer: Sealer, import_id: UUID, first_part: int, count: int
) -> list[bytes]:
    """Return up to ``count`` parts from ``first_part`` on; fewer at the end of the file."""
    connection = await driver(db)
    rows = await connection.fetch(_READ_PARTS, import_id, first_part, count)
    return [_opened_part(sealer, import_id, row["part"], row["content"]) for row in rows]


async def drop_parts_before(db: Connection, import_id: UUID, part: int | None) -> None:
    """Drop the parts before ``part``, all of them if it is None."""
    connection = await driver(db)
    await connection.execute(_DROP_PARTS, import_id, part)


async def close_receiving(
    db: Connection, import_id: UUID, *, bytes_total: int, now: datetime
) -> Import:
    """Say that the file is here whole: the import is queued.

    Raises:
        ImportNotFound: if there is none.
        ImportClosed: if it was not being received.
    """
    found = await lock(db, import_id)
    if found.status is not ImportStatus.RECEIVING:
        raise ImportClosed(f"import {import_id} is {found.status}, not receiving any more")
    await _set(db, import_id, status=ImportStatus.QUEUED.value, bytes_total=bytes_total)
    return await get(db, import_id)


async def get(db: Connection, import_id: UUID) -> Import:
    """Read an import.

    Raises:
        ImportNotFound: if there is none.
    """
    return await _get(db, import_id, locked=False)


async def lock(db: Connection, import_id: UUID) -> Import:
    """Read an import that nobody else may change until the transaction ends.

    Raises:
        ImportNotFound: if there is none.
    """
    return await _get(db, import_id, locked=True)


async def page(
    db: Connection, *, before: tuple[datetime, UUID] | None = None, limit: int = 50
) -> list[Import]:
    """Return imports, the newest first.

    Args:
        before: ``(created_at, id)`` of the last one of the page before.
    """
    table = tables.imports
    query = select(table).order_by(table.c.created_at.desc(), table.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(tuple_(table.c.created_at, table.c.id) < tuple_(*before))
    return [_import(row) for row in (await db.execute(query)).mappings()]


async def progress(
    db: Connection, import_id: UUID, position: Mapping[str, Any], done: Progress
) -> None:
    """Keep where the next turn reads on, and add what this one did."""
    table = tables.imports
    await _set(
        db,
        import_id,
        status=ImportStatus.RUNNING.value,
        position=dict(position),
        bytes_done=table.c.bytes_done + done.bytes_done,
        rows_read=table.c.rows_read + done.rows_read,
        created=table.c.created + done.created,
        merged=table.c.merged + done.merged,
        failed=table.c.failed + done.failed,
        warnings=table.c.warnings + done.warnings,
    )


async def finish(
    db: Connection,
    import_id: UUID,
    status: Literal[ImportStatus.DONE, ImportStatus.FAILED],
    *,
    problem: str | None = None,
    now: datetime,
) -> None:
    """End an import; what is left of its file is dropped."""
    await _set(db, import_id, status=status.value, problem=problem, finished_at=now)
    await drop_parts_before(db, import_id, None)


async def add_problems(
    db: Connection, sealer: Sealer, import_id: UUID, problems: Sequence[ImportProblem]
) -> None:
    """Keep what is wrong with rows, the rows themselves sealed."""
    connection = await driver(db)
    await connection.execute(
        _ADD_PROBLEMS,
        import_id,
        [each.line for each in problems],
        [each.row_number for each in problems],
        [each.severity for each in problems],
        [each.column for each in problems],
        [each.problem for each in problems],
        [sealer.seal(_record_column(each.row_number), import_id, each.record) for each in problems],
    )


async def problems_page(
    db: Connection, sealer: Sealer, import_id: UUID, *, after: int = 0, limit: int = 100
) -> list[ImportProblem]:
    """Return problems in the order they were found, their records opened.

    Args:
        after: id of the last one of the page before.
    """
    connection = await driver(db)
    rows = await connection.fetch(_PROBLEMS, import_id, after, limit)
    return [
        ImportProblem(
            line=row["line"],
            row_number=row["row_number"],
            severity=row["severity"],
            problem=row["problem"],
            column=row["column_name"],
            record=sealer.open(_record_column(row["row_number"]), import_id, row["record"]),
            id=row["id"],
        )
        for row in rows
    ]


async def _get(db: Connection, import_id: UUID, *, locked: bool) -> Import:
    query = select(tables.imports).where(tables.imports.c.id == import_id)
    found = await db.execute(query.with_for_update() if locked else query)
    row = found.mappings().one_or_none()
    if row is None:
        raise ImportNotFound(f"there is no import {import_id}")
    return _import(row)


async def _set(db: Connection, import_id: UUID, **values: Any) -> None:  # noqa: ANN401
    statement = update(tables.imports).where(tables.imports.c.id == import_id).values(**values)
    if (await db.execute(statement)).rowcount != 1:
        raise ImportNotFound(f"there is no import {import_id}")


def _import(row: RowMapping) -> Import:
    values: dict[str, Any] = {**dict(row), "status": ImportStatus(row["status"])}
    return Import(**values)


def _opened_part(sealer: Sealer, import_id: UUID, part: int, blob: bytes) -> bytes:
    return sealer.open(_part_column(part), import_id, blob).encode("latin-1")


def _part_column(part: int) -> str:
    """What a part is bound to, beside the import: its place."""
    return f"import_parts.content.{part}"


def _record_column(row_number: int) -> str:
    return f"import_problems.record.{row_number}"


_ADD_PART = """
INSERT INTO import_parts (import_id, part, size, content) VALUES ($1, $2, $3, $4)
ON CONFLICT (import_id, part) DO UPDATE SET size = excluded.size, content = excluded.content
"""
_READ_PARTS = """
SELECT part, content FROM import_parts
WHERE import_id = $1 AND part >= $2 ORDER BY part LIMIT $3
"""
_DROP_PARTS = """
DELETE FROM import_parts WHERE import_id = $1 AND ($2::int IS NULL OR part < $2)
"""
_ADD_PROBLEMS = """
INSERT INTO import_problems
  (import_id, line, row_number, severity, column_name, problem, record)
SELECT $1, u.* FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[],
  $7::bytea[]) u
"""
_PROBLEMS = """
SELECT id, line, row_number, severity, column_name, problem, record FROM import_problems
WHERE import_id = $1 AND id > $2 ORDER BY id LIMIT $3
"""
