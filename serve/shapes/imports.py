"""How imports look on the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from policies.features import Value
from serve.shapes.common import Asked, Name, Told, example, text
from storage.imports import Import, ImportProblem, ImportStatus

Column = Annotated[str, text(200, solid=True)]


class CsvQuery(BaseModel):
    """What a person says about a file; everything else is found out."""

    model_config = ConfigDict(frozen=True)

    filename: Annotated[str, text(255, solid=True)] = "upload.csv"
    source: Name = Field(default="import", description="where the leads come from")
    outcome: Column | None = Field(default=None, description="column: whether a lead converted")
    map: list[Annotated[str, text(300, solid=True)]] = Field(
        default_factory=list[str], max_length=100, description="`Column=field`, repeatable"
    )
    ignore: list[Column] = Field(
        default_factory=list[str], max_length=100, description="column to leave out, repeatable"
    )
    delimiter: Annotated[str, text(3)] | None = Field(default=None, description="one character")
    encoding: Annotated[str, text(40)] | None = None
    key: Literal["row"] | None = Field(
        default=None, description="`row` numbers leads that nothing else tells apart"
    )
    country: Annotated[str, text(60)] | None = Field(
        default=None, description="of phone numbers in rows that name none"
    )
    dry_run: Literal["true", "false"] = Field(default="false", description="only show the plan")


class JsonImport(Asked):
    """Leads to import."""

    model_config = example(
        {
            "source": "fair",
            "outcome_field": "Converted",
            "leads": [{"email": "ann@example.com", "company": "Example", "Converted": 1}],
        }
    )

    source: Name = "import"
    outcome_field: Column | None = None
    leads: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=100_000)] = Field(
        description="our fields by name; everything else becomes an attribute"
    )


class ImportOut(Told):
    """An import and how far it is."""

    id: UUID
    filename: str
    source: str
    status: ImportStatus
    bytes_total: int = Field(description="0 while receiving")
    bytes_done: int
    rows_read: int
    created: int
    merged: int
    failed: int = Field(description="rows that were refused; see its problems")
    warnings: int
    problem: str | None = Field(description="why the import as a whole failed")
    correlation_id: str | None
    created_at: datetime
    finished_at: datetime | None

    @classmethod
    def of(cls, found: Import) -> Self:
        """Show an import."""
        return cls(**{name: getattr(found, name) for name in cls.model_fields})


class ImportPage(Told):
    """Imports, newest first."""

    items: list[ImportOut]
    next: str | None


class ProblemOut(Told):
    """One thing wrong with one row."""

    line: int = Field(description="of the file, where the row begins, from 1")
    row_number: int = Field(description="the header not counted, from 1")
    severity: Literal["error", "warning"]
    column: str | None
    problem: str
    record: str | None = Field(description="the row as it was read")

    @classmethod
    def of(cls, problem: ImportProblem) -> Self:
        """Show a problem."""
        return cls(**{name: getattr(problem, name) for name in cls.model_fields})


class ProblemPage(Told):
    """What is wrong with rows, in the order it was found."""

    items: list[ProblemOut]
    next: str | None


class PreviewPerson(Told):
    """Who a lead is."""

    first_name: str | None
    last_name: str | None
    email: str | None
    phone: str | None
    notes: dict[str, str]


class PreviewLead(Told):
    """One lead as it would be kept."""

    line: int
    row: int
    source: str
    person: PreviewPerson
    external_id: str | None
    company: str
    domain: str | None
    title: str
    industry: str | None
    country: str | None
    attributes: dict[str, Value]
    outcome: bool | None


class PreviewProblem(Told):
    """One thing wrong with one of the first rows."""

    line: int
    row: int
    severity: Literal["error", "warning"]
    column: str | None
    problem: str


class ImportPreview(Told):
    """How a file would be read; nothing was kept."""

    encoding: str
    delimiter: str
    mapping: dict[str, str] = Field(description="column to field")
    attributes: list[str] = Field(description="columns kept under their own name")
    sealed: list[str] = Field(description="columns that may be personal, kept among the notes")
    ignored: list[str]
    outcome: str | None
    key: str | None
    remarks: list[str] = Field(description="what was assumed")
    rows: int = Field(description="how many rows were looked at")
    leads: list[PreviewLead] = Field(description="the first ones")
    problems: list[PreviewProblem]
