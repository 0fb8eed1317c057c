"""How a file of leads is to be read: proposed from its header and first rows, changed by a person.

The header proposes, the values decide: a column "Email" that holds no addresses is not the
person's e-mail. What is not mapped becomes an attribute under its own name; what may be personal
is sealed among the notes instead.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel, ConfigDict

from policies.column_names import FIELDS, field_of
from policies.contact_points import normal_email, typed_email
from policies.countries import country_code, folded
from policies.csv_files import Record, read_slice
from policies.csv_layout import Layout, Position, read_layout
from policies.features import category, is_empty
from policies.outcome import NO, OPEN, YES
from policies.personal import holds_contact, is_personal_name
from policies.web_domains import domain_of

SAMPLE_ROWS = 200
LONGEST_FILENAME = 150
ATTRIBUTE, IGNORE = "attribute", "ignore"


class PlanError(ValueError):
    """The file cannot be read as asked; the text says what exists and what to do."""


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What a person says about a file; everything else is found out.

    Attributes:
        source: where the leads come from; they are told apart by it and their ``external_id``.
        outcome: the column that says whether a lead converted.
        mapping: column to field, `ATTRIBUTE` or `IGNORE`.
        key: "row" numbers the rows of a file that has nothing to tell leads apart by.
        country: ISO alpha-2, of phone numbers in rows that name none.
    """

    filename: str
    source: str = "import"
    outcome: str | None = None
    mapping: Mapping[str, str] = field(default_factory=dict[str, str])
    ignore: Sequence[str] = ()
    delimiter: str | None = None
    encoding: str | None = None
    key: Literal["row"] | None = None
    country: str | None = None


class ImportPlan(BaseModel):
    """How a file is read; kept with its import.

    Attributes:
        header: names of all columns.
        offset, line: where the records begin.
        mapping: column to field.
        personal: columns that are sealed among the notes.
        remarks: what was assumed, for the person who imports.
    """

    model_config = ConfigDict(frozen=True)

    filename: str
    source: str
    encoding: str
    delimiter: str
    header: tuple[str, ...]
    offset: int
    line: int
    mapping: dict[str, str]
    personal: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    outcome: str | None = None
    key: Literal["row"] | None = None
    country: str | None = None
    remarks: tuple[str, ...] = ()

    @property
    def layout(self) -> Layout:
        """How the file is written."""
        start = Position(self.offset, self.line)
        return Layout(self.encoding, self.delimiter, "", self.header, start)

    @property
    def attributes(self) -> tuple[str, ...]:
        """The columns that are kept under their own name."""
        used = {*self.mapping, *self.personal, *self.ignored, self.outcome}
        return tuple(column for column in self.header if column not in used)


def plan_file(head: bytes, *, whole: bool, options: ImportOptions) -> ImportPlan:
    """Propose how to read a file from its first `HEAD_BYTES` (or all of it, if ``whole``).

    Raises:
        CsvUnreadable: if it is no CSV.
        PlanError: if a column or field does not exist, or nothing tells its leads apart.
    """
    layout = read_layout(head, whole=whole, delimiter=options.delimiter, encoding=options.encoding)
    rest = head[layout.start.offset :]
    sample = read_slice(rest, layout, layout.start, last=whole, most=SAMPLE_ROWS)
    return propose(layout, sample.records, options)


def propose(layout: Layout, sample: Sequence[Record], options: ImportOptions) -> ImportPlan:
    """Propose how to read a file.

    Raises:
        PlanError: if a column or field does not exist, or nothing tells its leads apart.
    """
    _refuse_data_as_header(layout.header)
    columns = _Columns(layout.header, sample)
    outcome = columns.named(options.outcome, "outcome") if options.outcome else None
    asked = {columns.named(c, "--map"): _field(f) for c, f in options.mapping.items()}
    asked |= {columns.named(c, "--ignore"): IGNORE for c in options.ignore}
    mapping, remarks = _mapped(columns, asked, outcome)
    ignored = [column for column, wanted in asked.items() if wanted == IGNORE]
    free = [c for c in layout.header if c not in {*mapping, *asked, outcome}]
    personal = [c for c in free if columns.is_personal(c)]
    if outcome is not None:
        remarks += columns.unread_outcomes(outcome)
    if layout.assumed:
        remarks.insert(0, layout.assumed)
    plan = ImportPlan(
        filename=options.filename[:LONGEST_FILENAME],
        source=options.source,
        encoding=layout.encoding,
        delimiter=layout.delimiter,
        header=layout.header,
        offset=layout.start.offset,
        line=layout.start.line,
        mapping=mapping,
        personal=tuple(personal),
        ignored=tuple(ignored),
        outcome=outcome,
        key=options.key,
        country=_country(options.country),
        remarks=tuple(remarks),
    )
    _refuse_without_identity(plan)
    return plan


class _Columns:
    """The columns of a sample, by name."""

    def __init__(self, header: Sequence[str], sample: Sequence[Record]) -> None:
        self.header = header
        self._place = {name: place for place, name in enumerate(header)}
        self._sample = sample

    def named(self, name: str, asked_by: str) -> str:
        """Return the column that ``name`` means, whatever its case and spacing."""
        if name in self._place:
            return name
        same = [column for column in self.header if folded(column) == folded(name)]
        if len(same) != 1:
            raise PlanError(
                f"{asked_by}: the file has no column {name!r}; it has {_listed(self.header)}."
            )
        return same[0]

    def values(self, column: str) -> list[str]:
        """The cells of the sample that hold something."""
        place = self._place[column]
        cells = (record.cells[place].strip() for record in self._sample)
        return [cell for cell in cells if not is_empty(cell)]

    def fits(self, column: str, field_name: str) -> bool:
        """Whether the values are what ``field_name`` needs; no values object to nothing."""
        values = self.values(column)
        if not values or (check := _CHECKS.get(field_name)) is None:
            return True
        return sum(map(check, values)) * 2 >= len(values)

    def tells_apart(self, column: str) -> bool:
        """Whether no value comes twice, and each row has one."""
        values = self.values(column)
        return len(set(values)) == len(values) == len(self._sample)

    def is_personal(self, column: str) -> bool:
        """Whether the column is sealed: by its name, or because addresses stand in it."""
        values = self.values(column)
        if values and all(category(v) in YES | NO | OPEN for v in values):
            return False
        return is_personal_name(column) or sum(map(holds_contact, values)) * 5 > len(values)

    def unread_outcomes(self, column: str) -> list[str]:
        """Say which outcomes are neither yes nor no."""
        unread = {v for v in self.values(column) if category(v) not in YES | NO | OPEN}
        if not unread:
            return []
        return [
            f"The outcome column {column!r} holds {_listed(sorted(unread))}: only 1/0, yes/no, "
            "true/false, won/lost, converted are read; other rows stay open."
        ]


def _mapped(
    columns: _Columns, asked: Mapping[str, str], outcome: str | None
) -> tuple[dict[str, str], list[str]]:
    """Give each column its field: what was asked for first, then what its name says."""
    mapping = {c: f for c, f in asked.items() if f in FIELDS and c != outcome}
    _refuse_twice(mapping)
    taken = set(mapping.values())
    remarks: list[str] = []
    for column in columns.header:
        wanted = field_of(column)
        if column in asked or column == outcome or wanted is None:
            continue
        if wanted in taken and wanted != "notes":
            continue
        if not columns.fits(column, wanted):
            remarks.append(f"Column {column!r} does not hold what its name says ({wanted}).")
        elif wanted == "external_id" and not columns.tells_apart(column):
            remarks.append(f"Column {column!r} does not tell leads apart: it is no external_id.")
        elif wanted == "full_name" and {"first_name", "last_name"} <= taken:
            remarks.append(f"Column {column!r} repeats the names; it is sealed.")
        else:
            mapping[column] = wanted
            taken.add(wanted)
    return mapping, remarks


def _field(name: str) -> str:
    wanted = folded(name).replace(" ", "_")
    wanted = {"website": "domain", "name": "full_name", "id": "external_id"}.get(wanted, wanted)
    if wanted not in (*FIELDS, ATTRIBUTE, IGNORE):
        raise PlanError(
            f"--map: there is no field {name!r}; there are {', '.join(FIELDS)}, {ATTRIBUTE} (keep "
            f"under its own name) and {IGNORE}."
        )
    return wanted


def _country(name: str | None) -> str | None:
    if name is not None and country_code(name) is None:
        raise PlanError(f"--country: {name!r} is no country: write a code such as DE.")
    return None if name is None else country_code(name)


def _refuse_twice(mapping: Mapping[str, str]) -> None:
    for wanted in set(mapping.values()) - {"notes"}:
        same = [column for column, mapped in mapping.items() if mapped == wanted]
        if len(same) > 1:
            raise PlanError(f"--map: {_listed(same)} cannot all be {wanted}: choose one.")


def _refuse_data_as_header(header: Sequence[str]) -> None:
    if any(normal_email(name) for name in header):
        raise PlanError(
            "The first line holds data (an e-mail address), not names of columns: add a line "
            "such as email,first_name,last_name,company above it."
        )


def _refuse_without_identity(plan: ImportPlan) -> None:
    fields = set(plan.mapping.values())
    named = fields & {"first_name", "last_name", "full_name"} and "company" in fields
    if plan.key == "row" or fields & {"email", "phone", "external_id"} or named:
        return
    raise PlanError(
        "No column tells the leads apart. Name one: --map 'Column=external_id' (or email, phone, "
        "or both full_name and company); or --key row numbers the rows of this file. The columns "
        f"are {_listed(plan.header)}."
    )


def _listed(names: Sequence[str], most: int = 60) -> str:
    shown = ", ".join(repr(name) for name in names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")


def _is_name(text: str) -> bool:
    return any(map(str.isalpha, text)) and not any(map(str.isdigit, text)) and "@" not in text


def _is_phone(text: str) -> bool:
    digits = sum(map(str.isdigit, text))
    return 6 <= digits <= 17 and digits * 2 >= len(text)


def _is_title(text: str) -> bool:
    return _is_name(text) and folded(text) not in _SALUTATIONS


_SALUTATIONS = frozenset(
    ("mr", "mrs", "ms", "miss", "mx", "dr", "prof", "herr", "frau", "m", "mme", "mlle", "sr", "sra")
)
_CHECKS: Mapping[str, Callable[[str], bool]] = {
    "first_name": _is_name,
    "last_name": _is_name,
    "full_name": _is_name,
    "email": lambda text: normal_email(typed_email(text)) is not None,
    "phone": _is_phone,
    "domain": lambda text: domain_of(text) is not None,
    "title": _is_title,
    "country": lambda text: country_code(text) is not None,
    "external_id": lambda text: not holds_contact(text) and len(text) <= 200,
}
