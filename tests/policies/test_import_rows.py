"""Rows and JSON objects in, drafts of leads and problems out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.csv_files import Record
from policies.import_plan import ImportOptions, plan_file
from policies.import_rows import RowProblem, RowReader
from policies.json_leads import draft_from_json
from policies.lead import LeadDraft, Person
from policies.person_names import split_name
from policies.personal import may_be_personal

HEADER = "id,email,full name,phone,company,website,title,industry,country,won,visits,remark"
FIELDS = (
    *("id=external_id", "email=email", "full name=full_name", "phone=phone", "company=company"),
    *("website=domain", "title=title", "industry=industry", "country=country"),
)


def read(**cells: str) -> tuple[LeadDraft | None, list[RowProblem]]:
    mapping = dict(each.split("=") for each in FIELDS)
    options = ImportOptions("f.csv", outcome="won", mapping=mapping)
    plan = plan_file(f"{HEADER}\n".encode(), whole=True, options=options)
    row = [cells.get(name.replace(" ", "_"), "") for name in plan.header]
    return RowReader(plan).row(Record(2, 1, row))


def test_a_full_row_becomes_a_full_draft() -> None:
    draft, problems = read(
        id="7",
        email=" Ann@Acme.de ",
        full_name="Dr. Ann van Lee",
        phone="030 901820",
        company="Acme",
        website="https://www.Acme.de/about?x=1",
        title="CEO",
        industry="Maschinenbau",
        country="Deutschland",
        won="Won",
        visits="1,234",
        remark="likes tea",
    )
    assert problems == []
    assert draft == LeadDraft(
        source="import",
        person=Person("Ann", "van Lee", "Ann@Acme.de", "+4930901820", {"remark": "likes tea"}),
        external_id="7",
        company="Acme",
        domain="acme.de",
        title="CEO",
        industry="manufacturing",
        country="DE",
        attributes={"visits": "1,234"},
        outcome=True,
    )


@pytest.mark.parametrize(
    ("cells", "column", "told"),
    [
        ({"email": "ann@"}, "email", "left out: its domain"),
        ({"phone": "030 901820"}, "phone", "names no country"),
        ({"phone": "123", "country": "DE"}, "phone", "can be dialled"),
        ({"website": "not a site"}, "website", "write it as example.com"),
        ({"country": "Atlantis"}, "country", "names no country"),
        ({"won": "perhaps"}, "won", "neither yes nor no"),
        ({"company": "ask bob@x.org"}, "company", "it was sealed"),
        ({"title": "x" * 301}, "title", "longer than 300"),
    ],
)
def test_a_field_that_cannot_be_read_is_a_warning_and_the_row_is_kept(
    cells: dict[str, str], column: str, told: str
) -> None:
    draft, problems = read(id="7", **cells)
    assert draft is not None
    assert [(p.severity, p.column, p.line, p.record) for p in problems] == [
        ("warning", column, 2, None)
    ]
    assert told in problems[0].problem
    kept = {**draft.person.notes, **draft.attributes}
    assert column == "won" or kept[column] == cells[column]


@pytest.mark.parametrize(
    ("cells", "accepted"),
    [
        ({"email": "a@x.org"}, True),
        ({"phone": "+4930901820"}, True),
        ({"id": "7"}, True),
        ({"full_name": "Ann", "company": "Acme"}, True),
        ({"full_name": "Ann"}, False),
        ({"company": "Acme"}, False),
        ({"id": "n/a"}, False),
    ],
)
def test_a_row_needs_something_that_tells_it_from_others(
    cells: dict[str, str], accepted: bool
) -> None:
    draft, problems = read(**cells)
    assert (draft is not None) == accepted
    if not accepted:
        assert problems[-1].severity == "error"
        assert problems[-1].record is not None


def test_an_id_that_is_an_address_is_not_kept_in_the_clear() -> None:
    draft, problems = read(id="ann@x.org", email="ann@x.org")
    assert draft is not None
    assert (draft.external_id, draft.person.notes) == (None, {"id": "ann@x.org"})
    assert problems[0].column == "id"


@pytest.mark.parametrize(
    ("value", "sealed"),
    [
        ("write to ann@x.org", True),
        ("+49 30 901820", True),
        ("(415) 555-2671", True),
        ("415-555-2671", True),
        ("030 901820", True),
        ("x" * 300, True),
        ("2021-05-03 10:22:01", False),
        ("02-03-2021", False),
        ("01/02/2021", False),
        ("579533", False),
        ("1234567890", False),
        ("10,001-50,000", False),
        ("-0.00012345678", False),
        ("571b5c8e-0012-3456-8522-f2ffb06fdeff", False),
        ("192.168.100.200", False),
        ("Email Opened", False),
        ("@home", False),
    ],
)
def test_values_that_may_be_personal_are_told_from_numbers_and_dates(
    value: str, sealed: bool
) -> None:
    assert may_be_personal(value) == sealed
    draft, _ = read(id="7", visits=value)
    assert draft is not None
    assert (draft.person.notes if sealed else draft.attributes) == {"visits": value}


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("Ann Lee", "Ann", "Lee"),
        ("Lee, Ann", "Ann", "Lee"),
        ("Ludwig van Beethoven", "Ludwig", "van Beethoven"),
        ("Prof. Dr. Ann B. Lee, PhD", "Ann B.", "Lee"),
        ("Cher", "Cher", None),
        ("Ann Lee Jr.", "Ann", "Lee"),
        ("María de la Cruz", "María", "de la Cruz"),
        ("  ", None, None),
    ],
)
def test_a_name_in_one_piece_is_split(text: str, first: str | None, last: str | None) -> None:
    assert split_name(text) == (first, last)


def test_json_gives_the_same_draft_as_a_row() -> None:
    drafted = draft_from_json(
        {
            "id": 7,
            "email": "ann@acme.de",
            "name": "Ann Lee",
            "website": "acme.de",
            "notes": {"hobby": "tea"},
            "attributes": {"visits": 12, "Date of birth": "1980-01-01", "vip": True},
            "channel": "web",
            "outcome": False,
        },
        "crm",
    )
    assert drafted.problems == []
    assert drafted.draft == LeadDraft(
        source="crm",
        person=Person(
            "Ann", "Lee", "ann@acme.de", None, {"hobby": "tea", "Date of birth": "1980-01-01"}
        ),
        external_id="7",
        domain="acme.de",
        attributes={"visits": 12, "vip": True, "channel": "web"},
        outcome=False,
    )


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ({"id": "7", "x": [1]}, "x"),
        ({"id": "7", "x": float("nan")}, "x"),
        ({"id": "7", "x": 2**60}, "x"),
        ({"id": "7", "x": "a\0b"}, "x"),
        ({"id": "7", "x": "\ud800"}, "x"),
        ({"id": "7", "x": "y" * 40_000}, "x"),
        ({"id": "7", "attributes": 3}, "attributes"),
        ({"id": "7", "notes": 3}, "notes"),
        ({"id": "7", "": 3}, ""),
        ({"id": "7", **{f"c{n}": n for n in range(600)}}, None),
        ({}, None),
    ],
)
def test_json_that_cannot_be_kept_is_refused_by_field(
    row: dict[str, object], column: str | None
) -> None:
    drafted = draft_from_json(row, "api")
    assert drafted.draft is None
    assert [(p.severity, p.column) for p in drafted.problems] == [("error", column)]


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)


@given(st.dictionaries(st.text(max_size=10) | st.sampled_from(HEADER.split(",")), VALUES))
def test_any_object_is_read_or_refused_without_an_exception(row: dict[str, object]) -> None:
    drafted = draft_from_json(row, "api")
    assert (drafted.draft is None) == any(p.severity == "error" for p in drafted.problems)
