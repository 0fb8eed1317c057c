"""Which of our values goes into which field of the CRM: a document that an operator writes.

Nothing is sent but the fields that are mapped, and the external id by which a record is found
again: our own id of the lead. A field without a value is left as it is in the CRM (``skip``) or
emptied there (``clear``).

Sources:
    Lengths of the default mapping: standard fields of Lead, Object Reference, API v62.
"""

import json
import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Literal, Self

from pydantic import (
    ConfigDict,
    Field,
    JsonValue,
    StrictFloat,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from policies.binned import StrictModel
from policies.crm_transforms import Given, Text, Transform, Whole
from policies.crm_values import (
    Kind,
    kind_of,
)
from policies.lead import LeadStatus

EXTERNAL_ID = "LeadEngine_Id__c"
_NAME = r"^[A-Za-z][A-Za-z0-9_]{0,79}$"
_COLUMNS: Mapping[str, Kind] = {
    "id": Kind.TEXT,
    "source": Kind.TEXT,
    "status": Kind.TEXT,
    "external_id": Kind.TEXT,
    "company": Kind.TEXT,
    "domain": Kind.TEXT,
    "title": Kind.TEXT,
    "industry": Kind.TEXT,
    "country": Kind.TEXT,
    "outcome": Kind.TRUTH,
    "score": Kind.NUMBER,
    "confidence": Kind.NUMBER,
    "tier": Kind.TEXT,
    "reasons": Kind.TEXT,
    "tags": Kind.LIST,
    "created_at": Kind.MOMENT,
    "updated_at": Kind.MOMENT,
    "scored_at": Kind.MOMENT,
}
_PERSON = ("first_name", "last_name", "full_name", "email", "phone")
_NAMED = ("attributes.", "fact.", "person.notes.")
ALWAYS_THERE = frozenset({"id", "source", "status", "created_at", "updated_at"})
"""What no lead is without."""
SOURCES = (*(f"person.{name}" for name in _PERSON), *_COLUMNS)
"""What a field can be filled from, beside `_NAMED` with a name behind it."""
SOURCE_PATTERN = (
    rf"^(?:{'|'.join(re.escape(name) for name in SOURCES)}"
    r"|(?:attributes|fact|person\.notes)\.[^\x00{}]{1,200})$"
)

FieldName = Annotated[str, StringConstraints(pattern=_NAME)]
Source = Annotated[str, StringConstraints(pattern=SOURCE_PATTERN)]


class FieldMapping(StrictModel):
    """How one field of the CRM is filled: from a value of ours, or with a constant.

    Attributes:
        to: the field's API name.
        source: as ``from`` in JSON: ``person.email``, ``company``, ``score``, ``reasons``,
            ``attributes.X``, ``fact.X``, …
        transform: functions that are applied in order.
        default: stands in where there is no value in the end.
        when_empty: whether a field without a value is left as it is or emptied.
    """

    model_config = ConfigDict(serialize_by_alias=True)

    to: FieldName
    source: Source | None = Field(default=None, alias="from")
    constant: Given | None = None
    transform: tuple[Transform, ...] = Field(default=(), max_length=10)
    default: Given | None = None
    when_empty: Literal["skip", "clear"] = "skip"

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.source is None) == (self.constant is None):
            raise ValueError(f"{self.to}: give either 'from' or 'constant'")
        return self

    def kind(self) -> Kind:
        """Return the kind of what is sent, as far as that is known beforehand."""
        if self.transform:
            return self.transform[-1].result()
        return self.first_kind()

    def first_kind(self) -> Kind:
        """Return the kind of the value before any function."""
        if self.source is None:
            return kind_of(self.constant)
        if self.source.startswith(("attributes.", "fact.")):
            return Kind.ANY
        return _COLUMNS.get(self.source, Kind.TEXT)


class Audience(StrictModel):
    """Which leads the CRM gets; what is empty does not narrow.

    Attributes:
        min_score: unscored leads have none, so they stay here if it is given.
    """

    min_score: Whole | None = Field(default=None, ge=0, le=100)
    tiers: tuple[Literal["hot", "warm", "cool", "cold"], ...] = ()
    statuses: tuple[LeadStatus, ...] = (LeadStatus.SCORED, LeadStatus.QUALIFIED)
    sources: tuple[Text, ...] = Field(default=(), max_length=100)


class Opportunity(StrictModel):
    """The opportunity that is made for a lead; made once, then it belongs to the sales people.

    Attributes:
        name: text in which ``{company}`` and every other source stand for their values.
        close_in_days: until the day on which it is expected to close.
        amount: None leaves it open.
    """

    when_status: Literal["scored", "qualified", "converted"] = "qualified"
    stage: Annotated[Text, Field(min_length=1)] = "Prospecting"
    name: Annotated[Text, Field(min_length=1)] = "{company}"
    close_in_days: Whole = Field(default=90, ge=0, le=3_650)
    amount: StrictFloat | None = Field(default=None, ge=0, le=1e12)
    external_id: FieldName = EXTERNAL_ID

    @model_validator(mode="after")
    def _known_places(self) -> Self:
        for place in PLACE.findall(self.name):
            if not re.match(SOURCE_PATTERN, place):
                raise ValueError(f"name: there is no {{{place}}}; {_sources_told()}")
        return self


PLACE = re.compile(r"\{([^{}]*)\}")


_EXAMPLE: dict[str, JsonValue] = {
    "fields": [
        {
            "to": "LastName",
            "from": "person.last_name",
            "transform": [{"name": "truncate", "length": 80}],
            "default": "Unknown",
        },
        {"to": "Company", "from": "company", "default": "Unknown"},
        {
            "to": "Rating",
            "from": "tier",
            "transform": [{"name": "map", "table": {"hot": "Hot", "warm": "Warm", "cold": "Cold"}}],
        },
    ],
    "audience": {"min_score": 50},
}


class CrmMapping(StrictModel):
    """The whole mapping of leads to an object of the CRM.

    Attributes:
        external_id: field that holds our id of the lead: text, external id, unique.
        duplicates: what is done when a duplicate rule of the CRM finds somebody else's record:
            ``merge`` links ours to it, ``save_anyway`` makes another, ``quarantine`` asks you.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    object: Literal["Lead"] = "Lead"
    external_id: FieldName = EXTERNAL_ID
    fields: tuple[FieldMapping, ...] = Field(min_length=1, max_length=200)
    audience: Audience = Audience()
    opportunity: Opportunity | None = None
    duplicates: Literal["merge", "save_anyway", "quarantine"] = "merge"

    @model_validator(mode="after")
    def _each_field_once(self) -> Self:
        seen = {self.external_id.casefold()}
        for field in self.fields:
            if field.to.casefold() in seen:
                raise ValueError(f"{field.to} is filled twice: remove one of the two")
            seen.add(field.to.casefold())
        return self

    def document(self) -> dict[str, Any]:
        """Return the mapping as JSON values, `parse` reads them again."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)

    @property
    def columns(self) -> tuple[str, ...]:
        """All fields in order, the external id first: the columns of a bulk job."""
        return (self.external_id, *(field.to for field in self.fields))


class MappingError(ValueError):
    """A document that is no mapping; the text says where and why."""


def parse(document: object) -> CrmMapping:
    """Read a mapping from JSON values.

    Raises:
        MappingError: naming every fault by its place.
    """
    try:
        return CrmMapping.model_validate_json(_json(document))
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False)
        raise MappingError("; ".join(dict.fromkeys(map(_fault_told, _deepest(faults))))) from None


def _sources_told() -> str:
    return f"choose one of {', '.join(SOURCES)} or a name behind {', '.join(_NAMED)}"


def _deepest(faults: list[ErrorDetails]) -> list[ErrorDetails]:
    """Leave out what only follows from a fault further inside."""
    places = [fault["loc"] for fault in faults]
    return [
        fault
        for fault, place in zip(faults, places, strict=True)
        if not any(len(other) > len(place) and other[: len(place)] == place for other in places)
    ]


def _fault_told(fault: ErrorDetails) -> str:
    *before, last = map(str, fault["loc"] or ("mapping",))
    if last in _PLAIN:
        return f"{'.'.join(before)}: it must be text, a number, true or false"
    place = ".".join((*before, last))
    if fault["type"] == "string_pattern_mismatch" and last == "from":
        close = get_close_matches(str(fault["input"]), SOURCES, n=1)
        hint = f"did you mean {close[0]}?" if close else _sources_told()
        return f"{place}: there is no such source; {hint}"
    return f"{place}: {fault['msg'].removeprefix('Value error, ')}"


_PLAIN = frozenset({"constrained-str", "bool", "int", "float"})
"""How pydantic calls the branches of `Given`."""


def _json(document: object) -> bytes:
    try:
        return json.dumps(document).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise MappingError(f"mapping: it is no JSON ({type(error).__name__})") from None
