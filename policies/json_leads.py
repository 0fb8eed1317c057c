"""Leads that come as JSON: our fields by name, everything else an attribute."""

import math
from collections.abc import Mapping

from policies.column_names import FIELDS
from policies.csv_files import LONGEST_CELL
from policies.csv_layout import LONGEST_NAME, MOST_COLUMNS, is_damaged
from policies.features import Value, is_empty
from policies.lead_drafts import Drafted, FieldProblem, Typed, draft_of
from policies.personal import is_personal_name, may_be_personal

_ALSO = {"name": "full_name", "website": "domain", "id": "external_id", "job_title": "title"}
_LARGEST = 2**53


def draft_from_json(
    row: Mapping[str, object],
    source: str,
    *,
    outcome_field: str | None = None,
    country: str | None = None,
) -> Drafted:
    """Read one lead.

    ``notes`` is a text or an object of texts, ``attributes`` an object of values; nothing else is
    nested. ``name`` is split, ``website`` gives the domain, ``outcome`` says whether it converted.

    Args:
        outcome_field: another name of ``outcome``.
        country: ISO alpha-2, of phone numbers in leads that name none.
    """
    fields: dict[str, str] = {}
    outcome_name = outcome_field or "outcome"
    typed = Typed(source, fields, {"outcome": outcome_name}, country=country)
    problems: list[FieldProblem] = []
    for name, value in _flat(row, problems).items():
        if (problem := _refused(name, value)) is not None:
            problems.append(FieldProblem("error", name[:LONGEST_NAME], problem))
        elif name == outcome_name:
            typed.outcome = _value(value)
        else:
            _sort_in(typed, fields, name, _value(value))
    _note(typed, row.get("notes"), problems)
    if problems:
        return Drafted(None, problems)
    return draft_of(typed)


def _flat(row: Mapping[str, object], problems: list[FieldProblem]) -> dict[str, object]:
    flat = {str(name): value for name, value in row.items() if name not in {"attributes", "notes"}}
    attributes = row.get("attributes")
    if isinstance(attributes, Mapping):
        for name, value in attributes.items():
            flat.setdefault(str(name), value)
    elif attributes is not None:
        problems.append(FieldProblem("error", "attributes", "It must be an object of values."))
    if len(flat) > MOST_COLUMNS:
        problem = f"It has {len(flat):,} fields; at most {MOST_COLUMNS} are kept."
        problems.append(FieldProblem("error", None, problem))
        flat.clear()
    return flat


def _note(typed: Typed, notes: object, problems: list[FieldProblem]) -> None:
    told = notes if isinstance(notes, Mapping) else {"notes": notes}
    for name, text in told.items():
        if text is None or text == "":
            continue
        if not isinstance(text, str):
            problems.append(FieldProblem("error", "notes", "It must be a text, or texts by name."))
        elif (problem := _refused(str(name), text)) is not None:
            problems.append(FieldProblem("error", "notes", problem))
        else:
            typed.notes[str(name)] = text


def _refused(name: str, value: object) -> str | None:
    if not name.strip() or len(name) > LONGEST_NAME or is_damaged(name):
        return f"The name of a field must be a text of at most {LONGEST_NAME} characters."
    if isinstance(value, str):
        if len(value) > LONGEST_CELL:
            return f"It holds {len(value):,} characters; at most {LONGEST_CELL:,} are kept."
        return "It holds a character that no text column can keep." if is_damaged(value) else None
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, int):
        return None if abs(value) <= _LARGEST else "The number is too large: send it as a text."
    if isinstance(value, float):
        return None if math.isfinite(value) else "It is not a number."
    return "It must be a text, a number, true, false or null, not an object or a list."


def _value(value: object) -> Value:
    return value if isinstance(value, str | int | float) else None


def _sort_in(typed: Typed, fields: dict[str, str], name: str, value: Value) -> None:
    known = _ALSO.get(name, name)
    if known in FIELDS:
        if not is_empty(value):
            fields[known] = str(value).strip()
            typed.called = {**typed.called, known: name}
    elif isinstance(value, str) and value and (is_personal_name(name) or may_be_personal(value)):
        typed.notes[name] = value
    elif may_be_personal(name) or (is_personal_name(name) and not isinstance(value, bool)):
        if not is_empty(value):
            typed.notes[name] = str(value)
    else:
        typed.attributes[name] = value
