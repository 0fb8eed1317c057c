import os
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from storage import imports
from storage.database import Database, driver
from storage.imports import (
    Import,
    ImportClosed,
    ImportNotFound,
    ImportProblem,
    ImportStatus,
    Progress,
)
from storage.sealing import Sealer, SealError

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
SEALER = Sealer({1: os.urandom(32)}, 1, os.urandom(32))
PARTS = [bytes(range(256)), "Name;E-Mail\nJörg;jörg@x.org\n".encode(), b""]


async def begun(database: Database, *parts: bytes, now: datetime = NOW) -> Import:
    async with database.transaction() as db:
        made = await imports.create(
            db,
            filename="leads.csv",
            source="import",
            plan={"delimiter": ";"},
            correlation_id="c1",
            now=now,
        )
        for number, part in enumerate(parts):
            await imports.add_part(db, SEALER, made.id, number, part)
    return made


async def test_a_file_comes_back_as_it_was_sent(database: Database) -> None:
    made = await begun(database, *PARTS)

    async with database.transaction() as db:
        queued = await imports.close_receiving(db, made.id, bytes_total=300, now=NOW)
        whole = await imports.read_parts(db, SEALER, made.id, 0, 10)
        middle = await imports.read_parts(db, SEALER, made.id, 1, 1)

    assert (made.status, made.plan) == (ImportStatus.RECEIVING, {"delimiter": ";"})
    assert (queued.status, queued.bytes_total) == (ImportStatus.QUEUED, 300)
    assert whole == PARTS
    assert middle == PARTS[1:2]


async def test_a_part_that_is_sent_again_replaces_the_first(database: Database) -> None:
    made = await begun(database, b"half")

    async with database.transaction() as db:
        await imports.add_part(db, SEALER, made.id, 0, b"whole")
        assert await imports.read_parts(db, SEALER, made.id, 0, 10) == [b"whole"]


async def test_parts_and_refused_rows_are_sealed_in_their_place(database: Database) -> None:
    made = await begun(database, b"jane@x.org", b"other")
    problem = ImportProblem(2, 1, "error", "no e-mail address", "E-Mail", "jane@x;Jane")
    async with database.transaction() as db:
        await imports.add_problems(db, SEALER, made.id, [problem])
        connection = await driver(db)
        content = await connection.fetchval("SELECT content FROM import_parts WHERE part = 0")
        record = await connection.fetchval("SELECT record FROM import_problems")
        await connection.execute("UPDATE import_parts SET part = 5 WHERE part = 0")
        with pytest.raises(SealError, match="import_parts"):
            await imports.read_parts(db, SEALER, made.id, 5, 1)

    assert b"jane" not in content
    assert b"jane" not in record.lower()


async def test_a_file_can_be_closed_once(database: Database) -> None:
    made = await begun(database, b"x")
    async with database.transaction() as db:
        await imports.close_receiving(db, made.id, bytes_total=1, now=NOW)
        with pytest.raises(ImportClosed, match="queued, not receiving"):
            await imports.close_receiving(db, made.id, bytes_total=1, now=NOW)


async def test_progress_adds_up_and_says_where_to_read_on(database: Database) -> None:
    made = await begun(database, b"x")
    done = Progress(bytes_done=10, rows_read=5, created=3, merged=1, failed=1, warnings=2)

    async with database.transaction() as db:
        await imports.progress(db, made.id, {"part": 0, "offset": 10}, done)
        await imports.progress(db, made.id, {"part": 1, "offset": 0}, done)
        found = await imports.lock(db, made.id)

    assert (found.status, found.position) == (ImportStatus.RUNNING, {"part": 1, "offset": 0})
    assert (found.bytes_done, found.rows_read, found.created) == (20, 10, 6)
    assert (found.merged, found.failed, found.warnings) == (2, 2, 4)


async def test_a_finished_import_keeps_its_figures_and_drops_its_file(database: Database) -> None:
    made = await begun(database, *PARTS)
    async with database.transaction() as db:
        await imports.drop_parts_before(db, made.id, 1)
        assert len(await imports.read_parts(db, SEALER, made.id, 0, 10)) == 2
        await imports.finish(db, made.id, ImportStatus.FAILED, problem="no header", now=LATER)
        found = await imports.get(db, made.id)
        left = await imports.read_parts(db, SEALER, made.id, 0, 10)

    assert (found.status, found.problem, found.finished_at) == ("failed", "no header", LATER)
    assert left == []


async def test_problems_come_in_pages_with_their_rows(database: Database) -> None:
    made, other = await begun(database), await begun(database)
    many = [ImportProblem(n + 2, n + 1, "warning", f"p{n}", None, f"row {n}") for n in range(5)]
    async with database.transaction() as db:
        await imports.add_problems(db, SEALER, made.id, many)
        await imports.add_problems(db, SEALER, other.id, many[:1])
        first = await imports.problems_page(db, SEALER, made.id, limit=3)
        rest = await imports.problems_page(db, SEALER, made.id, after=first[-1].id, limit=3)

    assert [each.record for each in (*first, *rest)] == [f"row {n}" for n in range(5)]
    assert (first[0].line, first[0].row_number, first[0].problem) == (2, 1, "p0")
    assert "row 0" not in repr(first[0])


async def test_imports_are_listed_newest_first_in_pages(database: Database) -> None:
    made = [await begun(database, now=NOW + timedelta(minutes=n // 2)) for n in range(5)]

    async with database.transaction() as db:
        first = await imports.page(db, limit=3)
        last = first[-1]
        rest = await imports.page(db, before=(last.created_at, last.id), limit=3)

    listed = [each.id for each in (*first, *rest)]
    assert sorted(listed) == sorted(each.id for each in made)
    assert [each.created_at for each in (*first, *rest)] == sorted(
        (each.created_at for each in made), reverse=True
    )


async def test_an_unknown_import_is_named(database: Database) -> None:
    unknown = uuid4()
    async with database.transaction() as db:
        for attempt in (
            imports.get(db, unknown),
            imports.lock(db, unknown),
            imports.progress(db, unknown, {}, Progress()),
            imports.finish(db, unknown, ImportStatus.DONE, now=NOW),
        ):
            with pytest.raises(ImportNotFound, match=str(unknown)):
                await attempt
