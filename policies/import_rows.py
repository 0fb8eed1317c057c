"""One row of a file: the draft of a lead, and what is wrong with it."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from policies.csv_files import CsvProblem, Record, Slice
from policies.features import EMPTY_WORDS, Value
from policies.import_plan import ImportPlan
from policies.lead import LeadDraft
from policies.lead_drafts import Typed, draft_of
from policies.personal import may_be_personal


@dataclass(frozen=True, slots=True)
class RowProblem:
    """What is wrong with one row.

    Attributes:
        line: physical line of the file, from 1.
        row: rows below the header, from 1.
        severity: of an "error" the row was left out, of a "warning" a field.
        problem: what it is and what to do, without a word of the row.
        record: the row as it stands in the file, for a person to repair; personal data.
    """

    line: int
    row: int
    severity: Literal["error", "warning"]
    column: str | None
    problem: str
    record: str | None = None


@dataclass(frozen=True, slots=True)
class RowDraft:
    """A row that becomes a lead."""

    line: int
    row: int
    draft: LeadDraft


@dataclass(frozen=True, slots=True)
class Rows:
    """What a slice of a file comes to."""

    drafts: Sequence[RowDraft]
    problems: Sequence[RowProblem]


class RowReader:
    """Reads rows as a plan says."""

    def __init__(self, plan: ImportPlan) -> None:
        place = {column: at for at, column in enumerate(plan.header)}
        self._plan = plan
        self._fields = [
            (name, place[column]) for column, name in plan.mapping.items() if name != "notes"
        ]
        self._called = {name: column for column, name in plan.mapping.items()}
        self._called["outcome"] = plan.outcome or "outcome"
        notes = [column for column, name in plan.mapping.items() if name == "notes"]
        self._notes = [(column, place[column]) for column in (*notes, *plan.personal)]
        self._attributes = [(column, place[column]) for column in plan.attributes]
        self._outcome = None if plan.outcome is None else place[plan.outcome]

    def read(self, found: Slice) -> Rows:
        """Read the rows of a slice, its own problems included, in the order of their lines."""
        problems = [_of_file(problem) for problem in found.problems]
        drafts: list[RowDraft] = []
        for record in found.records:
            draft, told = self.row(record)
            problems += told
            if draft is not None:
                drafts.append(RowDraft(record.line, record.row, draft))
        return Rows(drafts, sorted(problems, key=lambda problem: problem.line))

    def row(self, record: Record) -> tuple[LeadDraft | None, list[RowProblem]]:
        """Read one row."""
        drafted = draft_of(self._typed(record))
        problems = [
            RowProblem(
                record.line,
                record.row,
                problem.severity,
                problem.column,
                problem.problem,
                self._as_csv(record) if problem.severity == "error" else None,
            )
            for problem in drafted.problems
        ]
        return drafted.draft, problems

    def _typed(self, record: Record) -> Typed:
        plan, cells = self._plan, record.cells
        fields: dict[str, str] = {}
        for name, at in self._fields:
            text = cells[at].strip()
            if text and text.casefold() not in EMPTY_WORDS:
                fields[name] = text
        if plan.key == "row" and "external_id" not in fields:
            fields["external_id"] = f"{plan.filename}#{record.row}"
        notes = {column: text for column, at in self._notes if (text := cells[at].strip())}
        attributes: dict[str, Value] = {}
        for column, at in self._attributes:
            text = cells[at].strip()
            if may_be_personal(text):
                notes[column] = text
            else:
                attributes[column] = text
        outcome = None if self._outcome is None else cells[self._outcome]
        return Typed(plan.source, fields, self._called, notes, attributes, outcome, plan.country)

    def _as_csv(self, record: Record) -> str:
        text = io.StringIO()
        csv.writer(text, delimiter=self._plan.delimiter).writerow(record.cells)
        return text.getvalue()


def _of_file(problem: CsvProblem) -> RowProblem:
    severity = "error" if problem.lost else "warning"
    record = problem.raw or None
    return RowProblem(problem.line, problem.row, severity, problem.column, problem.text, record)
