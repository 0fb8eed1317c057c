"""Files of leads in, leads and problems out."""

from pathlib import Path

import pytest

from storage.database import Database
from storage.imports import ImportStatus
from tests.agents.import_room import all_leads, fetch, report, upload, work

PEOPLE = b"""Email,First Name,Last Name,Phone,Company,Title,Country,Score card,Won
ann@acme.de,Ann,Lee,030 901820,Acme,CEO,Germany,12,yes
bob@initech.com,Bob,Ray,,Initech,Clerk,USA,7,no
ANN@ACME.DE,,,,Acme GmbH,Chief,DE,,
nobody,,,,,,,1,
eve@x.org,Eve,Orr,12,,,Atlantis,3,maybe
"""


async def test_rows_become_leads_with_their_problems_told_by_line(database: Database) -> None:
    import_id = await upload(database, PEOPLE, outcome="Won")
    await work(database)

    done, problems = await report(database, import_id)
    assert (done.status, done.rows_read, done.created, done.merged, done.failed, done.warnings) == (
        ImportStatus.DONE,
        5,
        3,
        1,
        1,
        4,
    )
    assert done.bytes_done == done.bytes_total == len(PEOPLE)
    assert [(p.line, p.row_number, p.severity, p.column) for p in problems] == [
        (5, 4, "warning", "Email"),
        (5, 4, "error", None),
        (6, 5, "warning", "Country"),
        (6, 5, "warning", "Phone"),
        (6, 5, "warning", "Won"),
    ]
    assert problems[1].record is not None
    assert problems[1].record.startswith("nobody,")
    ann, bob, eve = await all_leads(database)
    assert (ann.person.phone, ann.country, ann.outcome) == ("+4930901820", "DE", True)
    assert ann.company == "Acme"
    assert dict(ann.attributes) == {"Score card": "12"}
    assert bob.outcome is False
    assert (eve.outcome, eve.person.notes) == (None, {"Phone": "12"})
    assert eve.attributes == {"Score card": "3", "Country": "Atlantis"}


async def test_every_lead_is_handed_on_once_in_the_bulk_lane(database: Database) -> None:
    await upload(database, PEOPLE, outcome="Won")
    await work(database)
    rows = await fetch(database, "SELECT recipient, lane, count(*) FROM messages GROUP BY 1, 2")
    assert [tuple(row) for row in rows] == [("scorer", 2, 3)]


async def test_the_file_is_gone_when_it_is_read(database: Database) -> None:
    await upload(database, PEOPLE)
    await work(database)
    assert await fetch(database, "SELECT 1 FROM import_parts") == []


async def test_the_same_file_twice_changes_nothing(database: Database) -> None:
    await upload(database, PEOPLE)
    await work(database)
    before = await all_leads(database)
    second = await upload(database, PEOPLE)
    await work(database)
    assert await all_leads(database) == before
    done, _ = await report(database, second)
    assert (done.created, done.merged) == (0, 4)


def made(rows: int) -> bytes:
    lines = [
        f'p{n}@firm{n % 50}.com,"Ann {n},\nthe great",{"bad" if n % 10 == 0 else ""},{n}'
        for n in range(rows)
    ]
    return "\n".join(["email,full name,phone,visits", *lines]).encode()


@pytest.mark.parametrize(
    "where",
    [
        *("commit.before:raise", "commit.after:raise"),
        *("commit.before:crash", "commit.after:crash", "claim.after:crash"),
    ],
)
@pytest.mark.parametrize("nth", range(1, 5))
async def test_a_crash_at_any_commit_ends_as_without_it(
    database: Database, where: str, nth: int
) -> None:
    import_id = await upload(database, made(60), part=500, mapping={"phone": "phone"})
    await work(database, rows=25, failpoints=f"{where}:{nth}")

    done, problems = await report(database, import_id)
    assert done.status is ImportStatus.DONE
    assert (done.rows_read, done.created, done.merged, done.warnings) == (60, 60, 0, 6)
    assert [p.line for p in problems] == [2 + 20 * n for n in range(6)]
    assert len(await all_leads(database)) == 60
    [(enriched,)] = await fetch(database, "SELECT count(*) FROM leads WHERE status = 'enriched'")
    assert enriched == 60
    [(posted, distinct)] = await fetch(
        database,
        "SELECT count(*), count(DISTINCT body->>'lead_id') FROM messages WHERE recipient='scorer'",
    )
    assert (posted, distinct) == (60, 60)
    [(events,)] = await fetch(database, "SELECT count(*) FROM activities")
    assert events == 60
    assert await fetch(database, "SELECT 1 FROM dead_letters") == []


@pytest.mark.parametrize("part", [7, 333, 10_000_000])
@pytest.mark.parametrize("rows", [1, 40, 2000])
async def test_parts_and_turns_of_any_size_read_the_same(
    database: Database, part: int, rows: int
) -> None:
    if part == 7 and rows == 1:
        pytest.skip("slow, and says no more than its neighbours")
    import_id = await upload(database, made(60), part=part)
    await work(database, rows=rows)
    done, _ = await report(database, import_id)
    assert (done.created, done.rows_read, done.status) == (60, 60, ImportStatus.DONE)
    assert done.bytes_done == done.bytes_total


async def test_an_upload_that_lost_a_part_fails_and_says_what_to_do(database: Database) -> None:
    import_id = await upload(database, made(60), part=500, mapping={"phone": "phone"})
    await fetch(database, "DELETE FROM import_parts WHERE part > 1 RETURNING 1")
    await work(database)
    done, _ = await report(database, import_id)
    assert done.status is ImportStatus.FAILED
    assert done.problem == "The upload is incomplete: send the file again."


async def test_a_file_in_which_no_row_can_be_read_ends_early(database: Database) -> None:
    data = b"email,name\n" + b"nobody,x\n" * 5000
    import_id = await upload(database, data, mapping={"email": "email"})
    await work(database)
    done, _ = await report(database, import_id)
    assert done.status is ImportStatus.FAILED
    assert done.problem is not None
    assert done.problem.startswith("None of the first 2,000 rows could be read. Nothing tells")


async def test_a_message_delivered_again_after_the_end_does_nothing(database: Database) -> None:
    import_id = await upload(database, PEOPLE)
    await fetch(
        database,
        "INSERT INTO messages (recipient, lane, id, kind, body) "
        "SELECT recipient, lane, 0, kind, body FROM messages RETURNING 1",
    )
    await work(database)
    done, _ = await report(database, import_id)
    assert (done.created, done.rows_read) == (3, 5)
    assert await fetch(database, "SELECT 1 FROM dead_letters") == []


async def test_nothing_personal_is_readable_in_the_database(database: Database) -> None:
    secrets = [
        "ann@acme.de",
        "Xanthippe",
        "Quillfeather",
        "63648018",
        "secret@inside.org",
        "Elm St",
    ]
    data = (
        b"Email,First Name,Last Name,Phone,Street,Remark,Company\n"
        b"ann@acme.de,Xanthippe,Quillfeather,+49 89 63648018,Elm St,write secret@inside.org,Acme\n"
        b'nope,Xanthippe,Quillfeather,63648018,Elm St,secret@inside.org,""\n'
    )
    await upload(database, data)
    await work(database)
    tables = await fetch(
        database, "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 2200"
    )
    for (table,) in tables:
        rows = await fetch(database, f'SELECT t::text FROM "{table}" t')
        everything = "\n".join(row[0] for row in rows)
        assert not [secret for secret in secrets if secret in everything], table


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "options", "rows", "won"),
    [
        (
            "x_education_leads.csv",
            {"mapping": {"Prospect ID": "external_id"}, "outcome": "Converted"},
            7392,
            2877,
        ),
        ("bank-full.csv", {"key": "row", "outcome": "y"}, 45211, 5289),
    ],
)
async def test_real_files_are_read_whole(
    database: Database, shared: Path, name: str, options: dict[str, object], rows: int, won: int
) -> None:
    data = (shared / "data" / name).read_bytes()
    import_id = await upload(database, data, part=2**20, filename=name, **options)
    await work(database)
    done, _ = await report(database, import_id)
    assert (done.status, done.created, done.failed) == (ImportStatus.DONE, rows, 0)
    [(enriched, converted)] = await fetch(
        database,
        "SELECT count(*), count(*) FILTER (WHERE outcome) FROM leads WHERE status = 'enriched'",
    )
    assert (enriched, converted) == (rows, won)
