"""Records as the CSV of a bulk job, and the CSV of its results.

An empty cell leaves a field as it is, ``#N/A`` empties it. The order of the columns is given: a
job must look the same whenever it is made again.

Sources:
    Bulk API 2.0 guide, "Prepare CSV Files": comma, LF, RFC 4180 quotes; read 2026-11-22.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from policies.crm_records import JSON, JobRow, RowError, full_id
from policies.crm_values import CLEARING_WORD

_NEEDS_QUOTES = re.compile(r'[",\r\n]|^\s|\s$')
_CELL_LIMIT = 2**20
_ERROR = re.compile(r"(?P<code>[A-Z][A-Z0-9_]*):(?P<rest>.*)", re.DOTALL)
_FIELDS = re.compile(r"(?P<message>.*):(?P<fields>[\w .,]*)--\s*", re.DOTALL)


class CsvError(ValueError):
    """Text that is no CSV of a bulk job."""


def csv_of(records: Iterable[Mapping[str, JSON]], columns: Sequence[str]) -> bytes:
    """Return records as UTF-8, a header first, LF at the end of every line.

    Raises:
        ValueError: if a record has a field that is no column: it would be lost silently.
    """
    lines = [",".join(map(_quoted, columns))]
    known = set(columns)
    for record in records:
        if strange := set(record) - known:
            raise ValueError(f"no column for {', '.join(sorted(strange))}")
        lines.append(",".join(_cell(record, name) for name in columns))
    return ("\n".join(lines) + "\n").encode()


def rows_of(body: bytes) -> Iterator[dict[str, str]]:
    """Read the rows of a result; columns by name.

    Raises:
        CsvError: if it is no CSV, or a row has more or fewer cells than the header.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CsvError("it is not UTF-8") from None
    if "\x00" in text:
        raise CsvError("it holds NUL")
    csv.field_size_limit(max(csv.field_size_limit(), _CELL_LIMIT))
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(reader, [])
        for row in reader:
            if not row:
                continue
            if len(row) != len(header):
                raise CsvError(f"row {reader.line_num} does not fit its header")
            yield dict(zip(header, row, strict=True))
    except csv.Error as error:
        raise CsvError(str(error)) from None


def job_rows(body: bytes, key: str) -> list[JobRow]:
    """Read successful or failed rows of a job, joined by the column ``key``.

    Raises:
        CsvError: if it is no such CSV.
    """
    return [_job_row(row, _key_of(row, key)) for row in rows_of(body)]


def keys_of(body: bytes, key: str) -> list[str]:
    """Read the keys of rows that were not looked at.

    Raises:
        CsvError: if it is no such CSV.
    """
    return [_key_of(row, key) for row in rows_of(body)]


def row_errors(cell: str) -> tuple[RowError, ...]:
    """Read the cell ``sf__Error``: ``CODE:message:fields --``."""
    if not cell.strip():
        return ()
    found = _ERROR.fullmatch(cell.strip())
    if found is None:
        return (RowError("UNKNOWN_EXCEPTION", cell.strip()),)
    parted = _FIELDS.fullmatch(found["rest"])
    if parted is None:
        return (RowError(found["code"], found["rest"].strip()),)
    fields = re.split(r"[\s,]+", parted["fields"].strip())
    return (
        RowError(found["code"], parted["message"].strip(), tuple(name for name in fields if name)),
    )


def _job_row(row: Mapping[str, str], key: str) -> JobRow:
    stated = row.get("sf__Id", "")
    try:
        record_id = full_id(stated) if stated else None
    except ValueError:
        raise CsvError("sf__Id holds no id") from None
    created = row.get("sf__Created", "").casefold() == "true"
    return JobRow(key, record_id, created, row_errors(row.get("sf__Error", "")))


def _key_of(row: Mapping[str, str], key: str) -> str:
    wanted = key.casefold()
    for name, value in row.items():
        if name.casefold() == wanted:
            return value
    raise CsvError(f"the column {key} is missing")


def _cell(record: Mapping[str, JSON], name: str) -> str:
    if name not in record:
        return ""
    match record[name]:
        case None | "":
            return CLEARING_WORD
        case bool() as truth:
            return "true" if truth else "false"
        case str() as text:
            return _quoted(text.replace("\x00", ""))
        case int() | float() as number:
            return repr(number)
        case _:
            raise ValueError(f"{name}: a related record has a column of its own")


def _quoted(text: str) -> str:
    return f'"{text.replace(chr(34), chr(34) * 2)}"' if _NEEDS_QUOTES.search(text) else text
