"""What kind of CSV a file is: told from its beginning, or refused with what to do instead.

Sources:
    RFC 4180; what spreadsheets and CRMs write: UTF-8 with and without a byte order mark, UTF-16,
    Windows-1252, and a first line ``sep=;``.
"""

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

MOST_COLUMNS = 512
LONGEST_NAME = 100
LONGEST_RECORD = 131_072
"""Characters of one record; ``csv.field_size_limit()`` is the same."""
HEAD_BYTES = 2**18
"""Give at least so much of a file (or all of it) to `read_layout`."""
DELIMITERS = ",;\t|"
ENCODINGS = (
    *("utf-8", "utf-16-le", "utf-16-be", "cp1252", "cp1250", "cp1251", "cp1253", "cp1254"),
    *("cp1257", "latin-1", "iso8859-2", "iso8859-5", "iso8859-7", "iso8859-9", "iso8859-15"),
    *("koi8-r", "mac-roman"),
)
"""Each one can be cut between two characters and measured in bytes again."""


class CsvUnreadable(ValueError):
    """The file as a whole is no CSV that can be read; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Position:
    """A boundary between two records.

    Attributes:
        offset: bytes from the beginning of the file.
        line: the physical line that begins here, from 1.
        row: records below the header so far.
        skipping: whether the rest of an overlong line is still to be left out.
    """

    offset: int
    line: int
    row: int = 0
    skipping: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file is written.

    Attributes:
        assumed: what was not certain, in a sentence; "" if nothing was.
        header: names of the columns: none blank, no two the same.
        start: where the records begin.
    """

    encoding: str
    delimiter: str
    assumed: str
    header: tuple[str, ...]
    start: Position


def read_layout(
    head: bytes, *, whole: bool, delimiter: str | None = None, encoding: str | None = None
) -> Layout:
    """Tell encoding, delimiter and header from the beginning of a file.

    Args:
        head: its first `HEAD_BYTES`, or all of it.
        whole: whether that is all of it.
        delimiter: one character; None finds out.
        encoding: one of `ENCODINGS`, under any of its names; None finds out.

    Raises:
        CsvUnreadable: if it is something else than CSV with a header.
    """
    _refuse_other_formats(head)
    known, mark = _by_mark(head)
    asked = _named(encoding, known) if encoding else known
    chosen, assumed = (asked, "") if asked else _guessed(head, whole=whole)
    mark = mark if chosen == known else 0
    text = decoded(head[mark:], chosen, last=whole)
    if _is_binary(text):
        raise CsvUnreadable("This is a binary file, not a table: export it as CSV (UTF-8).")
    lines = list(io.StringIO(text, newline=""))
    skipped, told = _preamble(lines)
    separator = delimiter or told or _delimiter(lines[skipped:])
    if len(separator) != 1 or separator in '"\r\n':
        raise CsvUnreadable(f"The delimiter must be one character, not {separator!r}.")
    names, used = _header(lines[skipped:], separator)
    before = "".join(lines[: skipped + used])
    offset = mark + encoded_length(before, chosen)
    start = Position(offset, 1 + skipped + used)
    return Layout(chosen, separator, assumed, _distinct(names), start)


def decoded(data: bytes, encoding: str, *, last: bool) -> str:
    """Decode all whole characters; a byte that is none becomes a lone surrogate."""
    wide = encoding.startswith("utf-16")
    decoder = codecs.getincrementaldecoder(encoding)("surrogatepass" if wide else "surrogateescape")
    return decoder.decode(data if not (wide and last) else data[: len(data) & ~1], final=last)


def encoded_length(text: str, encoding: str) -> int:
    """Return how many bytes `decoded` made ``text`` of."""
    if encoding == "utf-8" and text.isascii():
        return len(text)
    wide = encoding.startswith("utf-16")
    return len(text.encode(encoding, "surrogatepass" if wide else "surrogateescape"))


def repaired(cell: str) -> str:
    """Return a cell without what no text holds: stray bytes read as Windows-1252, no NUL."""
    if cell.isascii():
        return cell.replace("\0", "")
    if is_damaged(cell):
        cell = "".join(_as_windows(c) if "\ud800" <= c <= "\udfff" else c for c in cell)
    return cell.replace("\0", "")


def is_damaged(text: str) -> bool:
    """Say whether a text needs to be `repaired`."""
    if "\0" in text:
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _as_windows(surrogate: str) -> str:
    byte = ord(surrogate) - 0xDC00
    return bytes([byte]).decode("cp1252", "replace") if 0x80 <= byte <= 0xFF else "\ufffd"


def _refuse_other_formats(head: bytes) -> None:
    if not head.strip(b"\0 \t\r\n\xef\xbb\xbf"):
        raise CsvUnreadable("The file is empty: it needs a line of column names and rows below.")
    if head[:4] in (b"\xff\xfe\0\0", b"\0\0\xfe\xff"):
        raise CsvUnreadable("The file is in UTF-32: save it as CSV (UTF-8).")
    if head.startswith(b"PK\x03\x04") and (b"xl/" in head or b"[Content_Types]" in head):
        raise CsvUnreadable("This is an Excel workbook: open it and save it as CSV (UTF-8).")
    for magic, what in _MAGIC.items():
        if head.startswith(magic):
            raise CsvUnreadable(what)
    start = head[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith(_MARKUP):
        raise CsvUnreadable(
            "This is a web page or XML, perhaps a log-in or error page instead of the export: "
            "download it again as CSV."
        )
    if re.match(rb'(?:\[\s*)?\{\s*"|\[\s*\]', start):
        raise CsvUnreadable("This is JSON: send it with Content-Type application/json, or as CSV.")


def _by_mark(head: bytes) -> tuple[str | None, int]:
    for mark, encoding in _MARKS.items():
        if head.startswith(mark):
            return encoding, len(mark)
    return None, 0


def _named(encoding: str, by_mark: str | None) -> str:
    try:
        found = codecs.lookup(encoding).name
    except LookupError:
        found = ""
    if found == "utf-16":
        found = by_mark or "utf-16-le"
    found = {"utf-8-sig": "utf-8", "iso8859-1": "latin-1"}.get(found, found)
    if found not in ENCODINGS:
        raise CsvUnreadable(
            f"The encoding {encoding!r} is not read; one of {', '.join(ENCODINGS)}."
        )
    return found


def _guessed(head: bytes, *, whole: bool) -> tuple[str, str]:
    sample = head[:4096]
    halves = sample[0::2], sample[1::2]
    for encoding, (low, high) in (("utf-16-le", halves), ("utf-16-be", halves[::-1])):
        if high.count(0) > len(high) * 0.6 and low.count(0) < len(low) * 0.1:
            return encoding, f"It has no byte order mark; read as {encoding.upper()}."
    text = decoded(head, "utf-8", last=whole)
    if text.isascii():
        return "utf-8", ""
    stray = sum("\ud800" <= c <= "\udfff" for c in text)
    if not stray:
        return "utf-8", ""
    if sum(c > "\x7f" for c in text) - stray > stray:
        return "utf-8", "Some bytes are no UTF-8; those were read as Windows-1252."
    return "cp1252", "It is no UTF-8; read as Windows-1252 (name the encoding if that is wrong)."


def _is_binary(text: str) -> bool:
    sample = text[:4096]
    odd = sum(c < " " and c not in "\t\r\n\f\0\x1a" for c in sample)
    return odd > 2 + len(sample) * 0.01 or sample.count("\0") > 32 + len(sample) * 0.1


def _preamble(lines: Sequence[str]) -> tuple[int, str | None]:
    """Count blank lines above the header, and read Excel's ``sep=``."""
    count, told = 0, None
    for line in lines:
        if match := _SEP.fullmatch(line):
            told = match[1]
        elif line.strip(" \t\r\n\0"):
            break
        count += 1
    return count, told


def _delimiter(lines: Sequence[str]) -> str:
    """Choose what splits the header into the most columns that the rows below agree with."""
    best, most = ",", 1.0
    sample = lines[:50]
    for candidate in DELIMITERS:
        widths = [len(cells) for cells in _sampled(sample, candidate) if cells]
        if not widths or widths[0] < 2:
            continue
        agreeing = Counter(widths)[widths[0]] / len(widths)
        if (worth := widths[0] * (0.05 + agreeing)) > most:
            best, most = candidate, worth
    return best


def _sampled(lines: Sequence[str], delimiter: str) -> list[list[str]]:
    try:
        return list(csv.reader(lines, delimiter=delimiter))
    except csv.Error:
        return []


def _header(lines: Sequence[str], delimiter: str) -> tuple[list[str], int]:
    """Return the names in the first record, and how many lines it takes."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        names = next(reader)
    except (csv.Error, StopIteration):
        if not lines:
            raise CsvUnreadable("The file holds only blank lines.") from None
        reader = csv.reader(lines[:1], delimiter=delimiter)
        names = next(reader)
    if len(names) > MOST_COLUMNS:
        raise CsvUnreadable(
            f"The header names {len(names):,} columns; at most {MOST_COLUMNS} are read. Export "
            f"only the columns you need, or check the delimiter (taken as {delimiter!r})."
        )
    if sum(map(len, names)) > LONGEST_RECORD // 2:
        raise CsvUnreadable("The first line is no line of column names: it is far too long.")
    return names, reader.line_num


def _distinct(names: Sequence[str]) -> tuple[str, ...]:
    """Give blank columns a name, and repeated ones a number."""
    taken: set[str] = set()
    result: list[str] = []
    for number, name in enumerate(names, start=1):
        plain = " ".join(repaired(name).replace("\ufeff", "").split())[:LONGEST_NAME]
        plain = plain or f"column {number}"
        wanted, count = plain, 1
        while wanted in taken:
            count += 1
            wanted = f"{plain} ({count})"
        taken.add(wanted)
        result.append(wanted)
    return tuple(result)


_SEP = re.compile(r'"?sep=(.)"?[\r\n]*', re.IGNORECASE)
_MARKS = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_MARKUP = (b"<!doctype", b"<html", b"<?xml", b"<table", b"<head", b"<body", b"<svg")
_PACKED = "This is a compressed archive: unpack it and send the CSV file inside."
_PICTURE = "This is a picture or a document, not a table: export the table as CSV (UTF-8)."
_MAGIC = {
    b"PK\x03\x04": _PACKED,
    b"PK\x05\x06": _PACKED,
    b"\x1f\x8b": _PACKED,
    b"BZh": _PACKED,
    b"7z\xbc\xaf": _PACKED,
    b"Rar!": _PACKED,
    b"\x28\xb5\x2f\xfd": _PACKED,
    b"\xfd7zXZ": _PACKED,
    b"\xd0\xcf\x11\xe0": "This is an old Excel workbook: open it and save it as CSV (UTF-8).",
    b"%PDF": _PICTURE,
    b"\x89PNG": _PICTURE,
    b"GIF8": _PICTURE,
    b"\xff\xd8\xff": _PICTURE,
    b"{\\rtf": _PICTURE,
    b"SQLite format": "This is a database: export its table as CSV (UTF-8).",
}
