"""What an import would do, shown before it does it."""

from dataclasses import asdict, dataclass
from typing import Any

from policies.csv_files import read_slice
from policies.import_plan import SAMPLE_ROWS, ImportPlan
from policies.import_rows import RowDraft, RowProblem, RowReader

SHOWN = 5


@dataclass(frozen=True, slots=True)
class ImportPreview:
    """The beginning of a file as it would be imported.

    Attributes:
        drafts: the first leads.
        problems: of the first rows, without the rows themselves.
        rows: how many rows were looked at.
    """

    plan: ImportPlan
    drafts: list[RowDraft]
    problems: list[RowProblem]
    rows: int

    def as_json(self) -> dict[str, Any]:
        """The preview as JSON values; it holds personal data of the person who asks."""
        plan = self.plan
        return {
            "encoding": plan.encoding,
            "delimiter": plan.delimiter,
            "mapping": plan.mapping,
            "attributes": list(plan.attributes),
            "sealed": list(plan.personal),
            "ignored": list(plan.ignored),
            "outcome": plan.outcome,
            "key": plan.key,
            "remarks": list(plan.remarks),
            "rows": self.rows,
            "leads": [
                {"line": draft.line, "row": draft.row, **asdict(draft.draft)}
                for draft in self.drafts
            ],
            "problems": [
                {
                    "line": problem.line,
                    "row": problem.row,
                    "severity": problem.severity,
                    "column": problem.column,
                    "problem": problem.problem,
                }
                for problem in self.problems
            ],
        }


def preview(head: bytes, plan: ImportPlan, *, whole: bool) -> ImportPreview:
    """Show what the beginning of a file, `HEAD_BYTES` or all of it, would become."""
    layout = plan.layout
    rest = head[plan.offset :]
    found = read_slice(rest, layout, layout.start, last=whole, most=SAMPLE_ROWS)
    rows = RowReader(plan).read(found)
    return ImportPreview(plan, list(rows.drafts[:SHOWN]), list(rows.problems), found.position.row)
