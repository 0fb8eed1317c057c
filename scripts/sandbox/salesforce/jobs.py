"""A job of Bulk API 2.0: what it is told, its lines of CSV, and what becomes of each.

Sources: Bulk API 2.0 Developer Guide, read 2026-11-22; the texts of failed jobs [M].
"""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from scripts.sandbox.salesforce.errors import Problem, Refused
from scripts.sandbox.salesforce.fields import stamp
from scripts.sandbox.salesforce.sobject import SObject
from scripts.sandbox.salesforce.writes import How

DELIMITERS = {
    "BACKQUOTE": "`",
    "CARET": "^",
    "COMMA": ",",
    "PIPE": "|",
    "SEMICOLON": ";",
    "TAB": "\t",
}
EMPTIED = "#N/A"
"""A cell that empties the field; an empty cell leaves it as it is."""
ENDED = {"JobComplete", "Failed", "Aborted"}
Line = list[str]


class Unreadable(Exception):
    """The whole job fails; its text is the ``errorMessage``."""


@dataclass(slots=True)
class Job:
    """One ingest job.

    Attributes:
        created, ended: Unix seconds.
        data: what was uploaded; None before that.
        done: lines that have been worked on.
        succeeded: line, id, and whether the record is new.
        failed: line, id ("" if it has none) and error.
    """

    id: str
    sobject: SObject
    operation: str
    key: str | None
    line_ending: str
    delimiter: str
    version: str
    how: How
    created: float
    state: str = "Open"
    changed: float = 0.0
    ended: float = 0.0
    data: bytes | None = None
    header: Line = field(default_factory=list[str])
    lines: list[Line] = field(default_factory=list[Line])
    done: int = 0
    succeeded: list[tuple[Line, str, bool]] = field(default_factory=list[tuple[Line, str, bool]])
    failed: list[tuple[Line, str, str]] = field(default_factory=list[tuple[Line, str, str]])
    error: str | None = None

    def move(self, state: str, now: float) -> None:
        """Be in another state from now on."""
        self.state, self.changed = state, now
        if state in ENDED:
            self.ended = now

    def is_in(self, state: str) -> bool:
        """Whether the job is in that state now; it may be given up at any time."""
        return self.state == state

    def told(self) -> dict[str, Any]:
        """The job as its creation tells it."""
        told: dict[str, Any] = {
            "id": self.id,
            "operation": self.operation,
            "object": self.sobject.name,
            "createdById": self.how.user,
            "createdDate": stamp(int(self.created)),
            "systemModstamp": stamp(int(self.changed or self.created)),
            "state": self.state,
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": float(self.version),
            "contentUrl": f"services/data/v{self.version}/jobs/ingest/{self.id}/batches",
            "lineEnding": self.line_ending,
            "columnDelimiter": self.delimiter,
        }
        if self.key is not None:
            told["externalIdFieldName"] = self.key
        return told

    def progress(self) -> dict[str, Any]:
        """The job as a poll tells it."""
        took = int(max(0.0, self.ended - self.created) * 1000)
        told = {
            **self.told(),
            "jobType": "V2Ingest",
            "retries": 0,
            "totalProcessingTime": took,
            "apiActiveProcessingTime": took,
            "apexProcessingTime": 0,
            "numberRecordsProcessed": self.done,
            "numberRecordsFailed": len(self.failed),
        }
        return told if self.error is None else {**told, "errorMessage": self.error}

    def read(self) -> None:
        """Read the upload into `header` and `lines`.

        Raises:
            Unreadable: if it is not what the job was told to expect.
        """
        try:
            text = (self.data or b"").decode("utf-8-sig")
        except UnicodeDecodeError:
            raise Unreadable("InvalidBatch : the file is not UTF-8") from None
        first, newline, _ = text.partition("\n")
        if newline and first.endswith("\r") != (self.line_ending == "CRLF"):
            told = "LineEnding is invalid on user data. Current LineEnding setting is"
            raise Unreadable(f"InvalidBatch : {told} {self.line_ending}")
        source = io.StringIO(text, newline="")
        try:
            lines = list(csv.reader(source, delimiter=DELIMITERS[self.delimiter], strict=True))
        except csv.Error as error:
            raise Unreadable(f"InvalidBatch : Failed to parse CSV: {error}") from None
        lines = [line for line in lines if line]
        self.header = lines[0] if lines else []
        self.lines = lines[1:]
        self._check_header()
        if any(len(line) != len(self.header) for line in self.lines):
            raise Unreadable("InvalidBatch : a row has more or fewer columns than the header")

    def row(self, line: Line) -> dict[str, Any]:
        """The fields that a line sets."""
        row: dict[str, Any] = {}
        for name, cell in zip(self.header, line, strict=True):
            if not cell:
                continue
            value = None if cell == EMPTIED else cell
            through, _, inner = name.partition(".")
            if inner:
                row[through] = {inner: value}
            else:
                row[name] = value
        return row

    def settle(self, lines: Sequence[Line], results: Iterable[dict[str, Any]]) -> None:
        """Note what became of lines."""
        place = next((i for i, name in enumerate(self.header) if name.lower() == "id"), None)
        for line, result in zip(lines, results, strict=True):
            if result["success"]:
                self.succeeded.append((line, result["id"], result.get("created", False)))
            else:
                known = "" if place is None else line[place]
                self.failed.append((line, known, cell_of(result["errors"][0])))
        self.done += len(lines)

    def result(self, which: str) -> str:
        """One of its three results as CSV.

        Raises:
            Refused: if there is none of that name.
        """
        match which.lower():
            case "successfulresults":
                rows = [[i, str(new).lower(), *line] for line, i, new in self.succeeded]
                return written(["sf__Id", "sf__Created", *self.header], self._shuffled(rows))
            case "failedresults":
                rows = [[i, error, *line] for line, i, error in self.failed]
                return written(["sf__Id", "sf__Error", *self.header], self._shuffled(rows))
            case "unprocessedrecords":
                return written(self.header, self.lines[self.done :])
            case _:
                raise Refused.because("NOT_FOUND", "there is no such result", None, 404)

    def _shuffled(self, rows: list[Line]) -> list[Line]:
        Random(self.id).shuffle(rows)  # noqa: S311  (results come in no order)
        return rows

    def _check_header(self) -> None:
        if not self.header:
            raise Unreadable("InvalidBatch : the file has no header")
        for name in self.header:
            through, _, inner = name.partition(".")
            known = self.sobject.related(through) if inner else self.sobject.field(name)
            if known is None:
                raise Unreadable(f"InvalidBatch : Field name not found : {name}")
        lower = {name.lower() for name in self.header}
        key = (self.key or "id").lower()
        if self.operation != "insert" and key not in lower:
            raise Unreadable(f"InvalidBatch : Field name not found : {self.key or 'Id'} is needed")
        if self.operation in {"delete", "hardDelete"} and lower != {"id"}:
            raise Unreadable("InvalidBatch : a delete takes the column Id and no other")


def cell_of(error: dict[str, Any]) -> str:
    """An error of a row as ``sf__Error`` has it."""
    fields = ", ".join(error["fields"])
    return f"{error['statusCode']}:{error['message']}:{fields + ' ' if fields else ''}--"


def written(header: Line, rows: Iterable[Sequence[Any]]) -> str:
    """CSV as Salesforce writes it: LF, every cell in quotes."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(header)
    writer.writerows(["" if cell is None else cell for cell in row] for row in rows)
    return out.getvalue()


def wrong_state(told: str) -> Refused:
    """The job is not in a state for that."""
    return Refused(Problem("INVALIDJOBSTATE", told, None))
