"""The two real files with outcomes, and the columns of them that leak."""

import csv
from dataclasses import dataclass
from pathlib import Path

from policies.features import Columns
from policies.outcome import Outcomes, outcomes

X_EDUCATION_LEAKS = (
    "Tags",
    "Lead Quality",
    "Lead Profile",
    "Asymmetrique Activity Index",
    "Asymmetrique Profile Index",
    "Asymmetrique Activity Score",
    "Asymmetrique Profile Score",
    "Last Notable Activity",
)
"""What sales people or later events wrote: without these, feature set S1."""
S2 = (*X_EDUCATION_LEAKS, "Last Activity")


@dataclass(frozen=True, slots=True)
class RealData:
    """A file's columns in its order, and what became of the leads."""

    columns: Columns
    outcomes: Outcomes


def x_education(shared: Path) -> RealData:
    """7,392 inbound leads of a course provider, 39 % of which enrolled."""
    return _read(shared / "data" / "x_education_leads.csv", "Converted", ",")


def bank(shared: Path) -> RealData:
    """45,211 telephone contacts of a bank, 12 % of which bought."""
    return _read(shared / "data" / "bank-full.csv", "y", ";")


def _read(path: Path, target: str, delimiter: str) -> RealData:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter=delimiter))
    names = [name for name in rows[0] if name != target]
    columns = Columns({name: [row[name] for row in rows] for name in names})
    return RealData(columns, outcomes([row[target] for row in rows]))
