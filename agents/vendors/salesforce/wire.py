"""The shapes that Salesforce sends, as far as we read them; anything else is an error of its own.

Sources:
    REST API guide: sObject Collections, Describe, Query, Limits; Bulk API 2.0 guide: Get Job Info;
    v62, read 2026-11-22. Row errors of collections use ``statusCode``, those of a call
    ``errorCode``; a duplicate rule's findings come under the misspelled ``duplicateResut``.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, Field, TypeAdapter, ValidationError

from agents.vendors.salesforce.failures import not_salesforce
from policies import crm_records
from policies.crm_records import ApiUsage, Description, JobPhase, JobState, RowError, RowResult

A = TypeVar("A")

RecordId = Annotated[str, AfterValidator(crm_records.full_id)]
_LONGEST_MESSAGE = 2_000
_USAGE = re.compile(r"(?:^|[;,\s])api-usage=(\d{1,12})/(\d{1,12})")


class RowErrorShape(BaseModel):
    """Why a row was refused."""

    statusCode: str | None = None
    errorCode: str | None = None
    message: str | None = None
    fields: list[str] | None = None
    duplicateResut: dict[str, Any] | None = None
    duplicateResult: dict[str, Any] | None = None

    def told(self) -> RowError:
        """Return it as the engine has it."""
        found = self.duplicateResut or self.duplicateResult or {}
        return RowError(
            self.statusCode or self.errorCode or "UNKNOWN_EXCEPTION",
            (self.message or "")[:_LONGEST_MESSAGE],
            tuple(self.fields or ()),
            tuple(dict.fromkeys(_matches(found))),
        )


class RowShape(BaseModel):
    """What became of a row."""

    id: RecordId | None = None
    success: bool
    created: bool = False
    errors: list[RowErrorShape] = Field(default_factory=list[RowErrorShape])

    def told(self) -> RowResult:
        """Return it as the engine has it; a refused row always has an error."""
        if self.success:
            return RowResult(self.id, self.created)
        errors = tuple(error.told() for error in self.errors)
        return RowResult(None, False, errors or (RowError("UNKNOWN_EXCEPTION"),))  # noqa: FBT003


class PicklistValueShape(BaseModel):
    """A value of a picklist."""

    value: str
    active: bool = True


class FieldShape(BaseModel):
    """A field of an object."""

    name: str
    type: str
    label: str = ""
    length: int = 0
    precision: int = 0
    scale: int = 0
    digits: int = 0
    createable: bool = False
    updateable: bool = False
    nillable: bool = True
    defaultedOnCreate: bool = False
    externalId: bool = False
    unique: bool = False
    restrictedPicklist: bool = False
    compoundFieldName: str | None = None
    picklistValues: list[PicklistValueShape] | None = None


class DescriptionShape(BaseModel):
    """An object."""

    name: str
    fields: list[FieldShape] = Field(min_length=1)

    def told(self) -> Description:
        """Return it as the engine has it."""
        compound = {each.compoundFieldName for each in self.fields} - {None}
        fields = (_field(each, each.name in compound) for each in self.fields)
        return Description(self.name, tuple(fields))


class QueryShape(BaseModel):
    """A page of a query."""

    done: bool
    records: list[dict[str, Any]]
    nextRecordsUrl: str | None = None


class JobShape(BaseModel):
    """A bulk job."""

    id: str = Field(pattern=r"^[A-Za-z0-9]{15}([A-Za-z0-9]{3})?$")
    state: JobPhase
    numberRecordsProcessed: int = Field(default=0, ge=0)
    numberRecordsFailed: int = Field(default=0, ge=0)
    errorMessage: str | None = None
    externalIdFieldName: str | None = None

    def told(self) -> JobState:
        """Return it as the engine has it."""
        return JobState(
            self.id,
            self.state,
            self.numberRecordsProcessed,
            self.numberRecordsFailed,
            (self.errorMessage or "")[:_LONGEST_MESSAGE],
        )


class _Limit(BaseModel):
    Max: int = Field(ge=0)
    Remaining: int


class LimitsShape(BaseModel):
    """The limits that we look at."""

    DailyApiRequests: _Limit

    def told(self) -> ApiUsage:
        """Return it as the engine has it."""
        limit = self.DailyApiRequests
        return ApiUsage(max(limit.Max - limit.Remaining, 0), limit.Max)


class UserInfoShape(BaseModel):
    """Who we are."""

    organization_id: RecordId
    preferred_username: str


class OrganizationShape(BaseModel):
    """The one row of Organization."""

    Id: RecordId


_rows: TypeAdapter[list[RowShape]] = TypeAdapter(list[RowShape])


def read(shape: type[A], answer: object) -> A:
    """Read JSON values that came with a status of success.

    Raises:
        VendorError: they are no such thing.
    """
    try:
        return TypeAdapter(shape).validate_python(answer)
    except ValidationError:
        name = shape.__name__.removesuffix("Shape").lower()
        raise not_salesforce(f"a good status, but no {name}") from None


def rows(answer: object, expected: int) -> list[RowResult]:
    """Read what became of rows, in the order in which they were sent.

    Raises:
        VendorError: there are not as many as were sent, or one is no such thing.
    """
    try:
        found = _rows.validate_python(answer if answer is not None else [])
    except ValidationError:
        raise not_salesforce("a good status, but no rows") from None
    if len(found) != expected or any(row.success and row.id is None for row in found):
        raise not_salesforce(f"{len(found)} rows were answered where {expected} were sent")
    return [row.told() for row in found]


def usage(headers: Mapping[str, str]) -> ApiUsage | None:
    """Read ``Sforce-Limit-Info``: ``api-usage=18/5000; api-bursts=…``; None without one."""
    found = _USAGE.search(headers.get("Sforce-Limit-Info", ""))
    return ApiUsage(int(found[1]), int(found[2])) if found else None


def _field(shape: FieldShape, compound: bool) -> crm_records.Field:  # noqa: FBT001 - one of many
    values = shape.picklistValues or ()
    return crm_records.Field(
        name=shape.name,
        type=shape.type.lower(),
        label=shape.label,
        length=shape.length,
        digits=shape.digits or max(shape.precision - shape.scale, 0),
        scale=shape.scale,
        createable=shape.createable,
        updateable=shape.updateable,
        nillable=shape.nillable,
        defaulted=shape.defaultedOnCreate,
        external_id=shape.externalId,
        unique=shape.unique,
        picklist=tuple(each.value for each in values if each.active),
        restricted=shape.restrictedPicklist,
        compound=compound or shape.type.lower() in {"address", "location"},
    )


def _matches(found: Mapping[str, Any]) -> Iterator[str]:
    """Ids of the records that a duplicate rule names, wherever they stand in what it found."""
    for result in _dicts(found.get("matchResults")):
        for match in _dicts(result.get("matchRecords")):
            record = match.get("record")
            stated: Any = record.get("Id") if isinstance(record, dict) else None
            try:
                yield crm_records.full_id(str(stated))
            except ValueError:
                continue


def _dicts(value: object) -> Sequence[dict[str, Any]]:
    items: list[Any] = value if isinstance(value, list) else []
    return [item for item in items if isinstance(item, dict)]
