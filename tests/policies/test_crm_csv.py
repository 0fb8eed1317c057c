"""Records survive the way through a CSV, whatever is in them."""

import csv
import io
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.crm_csv import CsvError, csv_of, job_rows, keys_of, row_errors, rows_of
from policies.crm_records import JobRow, RowError, full_id

_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
_CELL = _TEXT | st.integers() | st.booleans() | st.none()
COLUMNS = ("Key", "A", 'B "quoted", with comma')


@given(st.lists(st.dictionaries(st.sampled_from(COLUMNS[1:]), _CELL), max_size=20))
def test_what_is_written_is_read_back_by_python(records: list[dict[str, str | int | None]]) -> None:
    keyed = [{"Key": str(n), **record} for n, record in enumerate(records)]
    body = csv_of(keyed, COLUMNS).decode()
    read = list(csv.DictReader(io.StringIO(body, newline="")))
    assert [tuple(row) for row in read] == [COLUMNS] * len(keyed)
    assert [dict(row) for row in rows_of(body.encode())] == read
    for record, row in zip(keyed, read, strict=True):
        assert row == {name: told(record, name) for name in COLUMNS}


def told(record: dict[str, str | int | None], name: str) -> str:
    match record.get(name, ...):
        case e if e is ...:
            return ""
        case None | "":
            return "#N/A"
        case bool() as truth:
            return str(truth).lower()
        case value:
            return str(value)


def test_lines_end_with_lf_and_the_columns_stand_in_the_order_given() -> None:
    records = [{"B": "x,y", "A": 'say "hi"'}, {"A": None}, {"B": "two\nlines", "A": " x"}, {}]
    assert csv_of(records, ["A", "B"]) == (
        b'A,B\n"say ""hi""","x,y"\n#N/A,\n" x","two\nlines"\n,\n'
    )


def test_a_value_without_a_column_is_not_lost_silently() -> None:
    with pytest.raises(ValueError, match="no column for B"):
        csv_of([{"A": 1, "B": 2}], ["A"])


def test_nul_never_reaches_the_file() -> None:
    assert b"\x00" not in csv_of([{"A": "a\x00b"}], ["A"])


@pytest.mark.parametrize(
    ("cell", "error"),
    [
        (
            "REQUIRED_FIELD_MISSING:Required fields are missing: [Company]:Company --",
            RowError(
                "REQUIRED_FIELD_MISSING", "Required fields are missing: [Company]", ("Company",)
            ),
        ),
        (
            "UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to this record or 200 "
            "records: 00Q:--",
            RowError(
                "UNABLE_TO_LOCK_ROW",
                "unable to obtain exclusive access to this record or 200 records: 00Q",
            ),
        ),
        ("X:a:b:A, B__c --", RowError("X", "a:b", ("A", "B__c"))),
        ("X:only a message", RowError("X", "only a message")),
        ("something else", RowError("UNKNOWN_EXCEPTION", "something else")),
    ],
)
def test_the_error_of_a_row_is_parted_into_code_message_and_fields(
    cell: str, error: RowError
) -> None:
    assert row_errors(cell) == (error,)


def test_results_are_joined_by_key_whatever_the_order_of_rows_and_columns() -> None:
    good = b'"sf__Id","sf__Created","A","Key"\n"00Q8d0000004C9G","true","x\ny","k2"\n'
    assert job_rows(good, "key") == [JobRow("k2", "00Q8d0000004C9GEAU", created=True)]
    bad = b"sf__Id,sf__Error,Key\n,X:no:--\n".replace(b":--", b":--,k1")
    assert job_rows(bad, "Key") == [JobRow("k1", errors=(RowError("X", "no"),))]
    assert keys_of(b"Key,A\nk3,\n\n", "Key") == ["k3"]
    assert keys_of(b"", "Key") == []
    assert job_rows(b"sf__Id,sf__Error,Key\n", "Key") == []


@pytest.mark.parametrize(
    "body",
    [
        b"<html><body>down</body></html>\nx\n",
        b"sf__Id,Key\n00Q8d0000004C9G\n",
        b"sf__Id,Key\nnonsense,k\n",
        b'sf__Id,Key\n"00Q8d0000004C9G,k\n',
        b"sf__Id,Key\n\xff\xfe,k\n",
        b"sf__Id,Key\nx\x00,k\n",
        b"A,B\n1,2\n",
    ],
)
def test_what_is_no_result_of_a_job_is_refused(body: bytes) -> None:
    with pytest.raises(CsvError):
        job_rows(body, "Key")


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader_otherwise(body: bytes) -> None:
    with suppress(CsvError):
        job_rows(b"sf__Id,sf__Error,Key\n" + body, "Key")


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("00Q8d0000004C9G", "00Q8d0000004C9GEAU"),
        ("001000000000001", "001000000000001AAA"),
        ("00Q8d0000004C9GEAU", "00Q8d0000004C9GEAU"),
        ("001A0000006Vm9u", "001A0000006Vm9uIAC"),
    ],
)
def test_an_id_has_one_form_of_18_characters(short: str, full: str) -> None:
    assert full_id(short) == full


@pytest.mark.parametrize("text", ["", "00Q", "00Q8d0000004C9G!", "00Q8d0000004C9GEAUX"])
def test_what_is_no_id_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="15 or 18"):
        full_id(text)
