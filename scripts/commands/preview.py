"""How a file would be read, column by column, before anything is kept."""

from typing import TYPE_CHECKING

from scripts.client import Json
from scripts.output import line, table

if TYPE_CHECKING:
    from rich.console import RenderableType

PERSON = frozenset({"first_name", "last_name", "email", "phone"})
_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}


def previewed(preview: Json) -> "list[RenderableType]":
    """What each column becomes, what was assumed, and what is wrong with the first rows."""
    delimiter = _DELIMITERS.get(preview["delimiter"], preview["delimiter"])
    first: Json = preview["leads"][0] if preview["leads"] else {}
    headers = ("Column", "Becomes", "In the first lead")
    shown = [
        line(f"{preview['encoding']}, {delimiter}; {preview['rows']} rows looked at\n"),
        table(headers, _columns(preview, first)),
    ]
    shown += [line(("! ", "yellow"), remark) for remark in preview["remarks"]]
    if problems := preview["problems"]:
        rows = [(one["line"], one["severity"], one["column"], one["problem"]) for one in problems]
        shown += [line(""), table(("Line", "", "Column", "Problem"), rows, right=("Line",))]
    return shown


def _columns(preview: Json, first: Json) -> list[tuple[object, object, object]]:
    rows: list[tuple[object, object, object]] = [
        (column, field.replace("_", " "), _value(first, field))
        for column, field in preview["mapping"].items()
    ]
    if outcome := preview["outcome"]:
        rows.append((outcome, "outcome", first.get("outcome")))
    attributes: Json = first.get("attributes") or {}
    rows += [(name, "attribute", attributes.get(name)) for name in preview["attributes"]]
    rows += [(name, "note, sealed", "") for name in preview["sealed"]]
    return rows + [(name, "left out", "") for name in preview["ignored"]]


def _value(first: Json, field: str) -> object:
    holder: Json = (first.get("person") or {}) if field in PERSON else first
    return holder.get(field)
