"""Reading CSV that people export: any encoding and delimiter they meet, a slice at a time.

A file is read in slices of bytes that may be cut anywhere. What a slice yields ends at a record
boundary, whose `Position` is all that is needed to read on; where slices are cut never changes
what is read. Line numbers are physical lines of the file, as an editor shows them.

One bad record never takes others with it: a quote that is never closed costs the line on which it
was opened, and reading goes on with the next line.

Sources:
    RFC 4180; the cases of csv-spectrum; cells as spreadsheets limit them (32,767 characters).
"""

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from policies.csv_layout import (
    LONGEST_RECORD,
    Layout,
    Position,
    decoded,
    encoded_length,
    is_damaged,
    repaired,
)

LONGEST_CELL = 32_768
SLICE_BYTES = 2**20
"""Give at least so much of a file at once (or all that is left): then every slice gets on."""
RAW_KEPT = 4_000
"""Characters of a lost record that are kept for the person who repairs it."""


@dataclass(frozen=True, slots=True)
class Record:
    """One row of the file, with as many cells as the header has.

    Attributes:
        line: physical line on which it begins, from 1.
        row: counts records below the header, from 1; blank lines are none.
    """

    line: int
    row: int
    cells: Sequence[str]


@dataclass(frozen=True, slots=True)
class CsvProblem:
    """What is wrong with one record.

    Attributes:
        lost: whether the record was left out; if not, it was repaired as the text says.
        text: what it is and what to do, without a word of the record.
        raw: the record, or its beginning: personal data.
    """

    line: int
    row: int
    lost: bool
    text: str
    raw: str
    column: str | None = None


@dataclass(slots=True)
class Slice:
    """What a slice of the file holds.

    Attributes:
        position: where to read on.
        done: whether the file ends there.
    """

    position: Position
    done: bool
    records: list[Record] = field(default_factory=list[Record])
    problems: list[CsvProblem] = field(default_factory=list[CsvProblem])


def read_slice(
    data: bytes, layout: Layout, position: Position, *, last: bool, most: int = 2**31
) -> Slice:
    """Read the records that ``data`` holds whole, about ``most`` at the most.

    Args:
        data: the file's bytes from ``position.offset`` on, `SLICE_BYTES` or more unless ``last``.
        last: whether the file ends with ``data``.
    """
    text = decoded(data, layout.encoding, last=last)
    lines = list(io.StringIO(text, newline=""))
    if lines and not last and not lines[-1].endswith("\n"):
        lines.pop()  # it may go on; so may a CR, with an LF
    reading = _Reading(lines, layout, position, last=last, sound=not is_damaged(text))
    if lines or last:
        reading.read(most)
    elif len(text) > LONGEST_RECORD:
        return reading.skip(text)
    consumed = encoded_length("".join(lines[: reading.at]), layout.encoding)
    done = last and reading.at == len(lines)
    offset = position.offset + (len(data) if done else consumed)
    end = Position(offset, position.line + reading.at, reading.row, reading.skipping)
    return Slice(end, done, reading.records, reading.problems)


class _Waiting(Exception):
    """The record goes on behind the end of the slice."""


class _Unclosed(Exception):
    """The record does not end within `LONGEST_RECORD` characters, or within the file."""


class _Stray(Exception):
    """A quote stands where none may; ``used`` lines were read by then."""

    def __init__(self, used: int) -> None:
        super().__init__()
        self.used = used


class _Feed:
    """Gives lines to the csv module, as long as they may be one record."""

    def __init__(self, lines: Sequence[str], at: int) -> None:
        self.exhausted = False
        self._lines = lines
        self._at = at
        self._length = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self._at == len(self._lines):
            self.exhausted = True
            raise StopIteration
        line = self._lines[self._at]
        self._at += 1
        self._length += len(line)
        if self._length > LONGEST_RECORD:
            raise _Unclosed
        return line


class _Reading:
    """Turns physical lines into records; ``at`` of them are dealt with."""

    def __init__(
        self, lines: list[str], layout: Layout, position: Position, *, last: bool, sound: bool
    ) -> None:
        self.at = 0
        self.row = position.row
        self.skipping = position.skipping
        self.records: list[Record] = []
        self.problems: list[CsvProblem] = []
        self._lines = lines
        self._layout = layout
        self._position = position
        self._last = last
        self._sound = sound
        self._width = len(layout.header)

    def read(self, most: int) -> None:
        """Read records until ``most``, or the end of the slice."""
        lines, delimiter = self._lines, self._layout.delimiter
        if self.skipping and lines:
            self.at, self.skipping = 1, False
        while self.at < len(lines) and len(self.records) + len(self.problems) < most:
            line = lines[self.at]
            if len(line) > LONGEST_RECORD:
                self._lose(_TOO_LONG)
            elif '"' not in line:
                self._keep(line.rstrip("\r\n").split(delimiter), 1)
            else:
                try:
                    self._quoted(line)
                except _Waiting:
                    return

    def skip(self, text: str) -> Slice:
        """Leave out the slice: all of it is one line."""
        start = self._position
        if not self.skipping:
            self.row += 1
            self._report(_TOO_LONG, text, lost=True)
        offset = start.offset + encoded_length(text, self._layout.encoding)
        moved = Position(offset, start.line, self.row, skipping=True)
        return Slice(moved, done=False, records=self.records, problems=self.problems)

    def _quoted(self, line: str) -> None:
        try:
            cells, used = self._closed()
        except _Unclosed:
            self._lose(_UNCLOSED)
        except _Stray as error:
            if error.used > 1:
                self._lose(_UNCLOSED)
            else:
                self._stray(line)
        else:
            if used > 1 and len(cells) != self._width and self._next_line_is_a_row():
                self._lose(_UNCLOSED)
            else:
                self._keep(cells, used)

    def _closed(self) -> tuple[list[str], int]:
        """Read the record that begins here; return it and how many lines it takes."""
        line = self._lines[self.at]
        with suppress(csv.Error):  # most take one line, and this is the fast way to read it
            alone = csv.reader((line,), delimiter=self._layout.delimiter, strict=True)
            return next(alone), 1
        feed = _Feed(self._lines, self.at)
        reader = csv.reader(feed, delimiter=self._layout.delimiter, strict=True)
        try:
            return next(reader), reader.line_num
        except csv.Error:
            if not feed.exhausted:
                raise _Stray(reader.line_num) from None
        if self._last:
            raise _Unclosed
        raise _Waiting

    def _stray(self, line: str) -> None:
        cells = next(csv.reader([line], delimiter=self._layout.delimiter))
        if len(cells) == self._width:
            self._keep([cell.rstrip("\r\n") for cell in cells], 1, _STRAY)
        else:
            self._lose(_STRAY_LOST)

    def _next_line_is_a_row(self) -> bool:
        line = self._lines[self.at + 1]
        cells = next(csv.reader([line], delimiter=self._layout.delimiter), [])
        return len(cells) == self._width > 1

    def _keep(self, cells: list[str], used: int, repair: str | None = None) -> None:
        """Take ``cells`` as the record that ``used`` lines hold."""
        if not any(cells):
            self.at += used
            return
        if len(cells) != self._width:
            misfit = _misfit(cells, self._width)
            if misfit.lost:
                self._lose(misfit.text, used)
                return
            repair = misfit.text or repair
            cells = [*cells[: self._width], *[""] * (self._width - len(cells))]
        self.row += 1
        line = self._position.line + self.at
        if used > 1 or len(self._lines[self.at]) > LONGEST_CELL:
            for name, cell in zip(self._layout.header, cells, strict=True):
                if len(cell) > LONGEST_CELL:
                    self._report(_BIG_CELL.format(len(cell)), self._raw(used), name, lost=True)
                    self.at += used
                    return
        if not self._sound and any(map(is_damaged, cells)):
            cells = list(map(repaired, cells))
            repair = repair or _DAMAGED
        if repair:
            self._report(repair, "", lost=False)
        self.records.append(Record(line, self.row, cells))
        self.at += used

    def _lose(self, text: str, used: int = 1) -> None:
        """Leave out ``used`` lines and say why."""
        self.row += 1
        self._report(text, self._raw(used), lost=True)
        self.at += used

    def _raw(self, used: int) -> str:
        return repaired("".join(self._lines[self.at : self.at + used])[:RAW_KEPT])

    def _report(self, text: str, raw: str, column: str | None = None, *, lost: bool) -> None:
        line = self._position.line + self.at
        raw = repaired(raw[:RAW_KEPT])
        self.problems.append(CsvProblem(line, self.row, lost, text, raw, column))


@dataclass(frozen=True, slots=True)
class _Misfit:
    lost: bool
    text: str = ""


def _misfit(cells: Sequence[str], width: int) -> _Misfit:
    count = len(cells)
    if count > width:
        if not any(cells[width:]):
            return _Misfit(lost=False)
        return _Misfit(
            lost=True,
            text=f"The row has {count} cells, the header names {width}: put quotes around a cell "
            "that holds the delimiter.",
        )
    told = f"The row has only {count} of {width} cells"
    if count * 2 < width:
        return _Misfit(lost=True, text=f"{told}: complete it, or delete the line if it is none.")
    return _Misfit(lost=False, text=f"{told}; the rest was taken as empty.")


_TOO_LONG = (
    f"The line is longer than {LONGEST_RECORD:,} characters: check how the file was exported."
)
_UNCLOSED = (
    "A quote that is opened here is never closed: close it, or write it twice if it belongs to "
    "the text. Only this line was left out."
)
_STRAY = "A quote stands inside a quoted cell; it was read as part of the text."
_STRAY_LOST = (
    "A quote stands where none may, and the row does not have as many cells as the header: write "
    "quotes that belong to the text twice."
)
_BIG_CELL = "The cell holds {:,} characters; at most " + f"{LONGEST_CELL:,} are read: shorten it."
_DAMAGED = (
    "Some characters were not in the file's encoding; they were read as Windows-1252, and NUL "
    "characters left out."
)
