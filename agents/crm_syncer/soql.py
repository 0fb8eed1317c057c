"""Parts of queries, their values escaped.

Source: SOQL and SOSL Reference, "Quoted String Escape Sequences" and "Date Formats".
"""

from collections.abc import Sequence
from datetime import UTC, datetime


def quoted(text: str) -> str:
    """Return a text as a query has it."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def moment(at: datetime) -> str:
    """Return a moment as a query has it, in UTC and whole seconds."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def among(field: str, texts: Sequence[str]) -> str:
    """Return the condition that a field has one of some values."""
    return f"{field} IN ({', '.join(map(quoted, texts))})"


def select(fields: Sequence[str], sobject: str, where: str, *rest: str) -> str:
    """Return a query."""
    return " ".join(["SELECT", ", ".join(fields), "FROM", sobject, "WHERE", where, *rest])
