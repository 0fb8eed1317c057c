"""What a CRM says: how an object is described, what became of rows, jobs and calls.

The words are Salesforce's, because that is the CRM we speak to; nothing here does.

Sources:
    REST and Bulk 2.0 guides, API v62 to v68, read 2026-11-22: `describe`, sObject collections,
    ingest jobs, `Sforce-Limit-Info`.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

Scalar: TypeAlias = str | int | float | bool | None
JSON: TypeAlias = Scalar | Mapping[str, Scalar]
"""A value of a record; a mapping names a related record by its external id."""
Record: TypeAlias = Mapping[str, JSON]

MOST_ROWS = 200
"""Rows in one call of the sObject collections."""
_ID = re.compile(r"[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?")
_SUFFIX = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def full_id(record_id: str) -> str:
    """Return the form of 18 characters of a record's id, which may come with 15.

    The suffix says which of the letters are capitals, five a character.

    Raises:
        ValueError: if it is no id.
    """
    if not _ID.fullmatch(record_id):
        raise ValueError("no id of Salesforce: 15 or 18 letters and digits")
    stem = record_id[:15]
    parts = (stem[at : at + 5] for at in (0, 5, 10))
    bits = (sum(c.isupper() << place for place, c in enumerate(part)) for part in parts)
    return stem + "".join(_SUFFIX[each] for each in bits)


@dataclass(frozen=True, slots=True)
class Field:
    """A field of an object.

    Attributes:
        type: such as ``string``, ``email``, ``double``, ``picklist``, ``multipicklist``,
            ``boolean``, ``date``, ``datetime``, ``reference``, ``url``, ``phone``, ``textarea``.
        length: characters at most; 0 where that says nothing.
        digits: before the decimal point at most; 0 where that says nothing.
        scale: digits behind the decimal point.
        defaulted: the CRM fills it when a record is created without it.
        picklist: the active values, as they are sent.
        restricted: no other value than those is taken.
        compound: such as Name and Address: written through their parts.
    """

    name: str
    type: str = "string"
    label: str = ""
    length: int = 0
    digits: int = 0
    scale: int = 0
    createable: bool = True
    updateable: bool = True
    nillable: bool = True
    defaulted: bool = False
    external_id: bool = False
    unique: bool = False
    picklist: tuple[str, ...] = ()
    restricted: bool = False
    compound: bool = False

    @property
    def required(self) -> bool:
        """Whether no record can be created without it."""
        return self.createable and not self.nillable and not self.defaulted


@dataclass(frozen=True, slots=True)
class Description:
    """An object with the fields that our user may see."""

    sobject: str
    fields: tuple[Field, ...]

    def field(self, name: str) -> Field | None:
        """Return a field; names are compared without case, as the CRM does."""
        wanted = name.casefold()
        return next((each for each in self.fields if each.name.casefold() == wanted), None)


class ErrorCode(StrEnum):
    """The codes that we act upon; there are many more."""

    DUPLICATES = "DUPLICATES_DETECTED"
    DUPLICATE_VALUE = "DUPLICATE_VALUE"
    MANY_MATCH = "DUPLICATE_EXTERNAL_ID"
    LOCKED = "UNABLE_TO_LOCK_ROW"
    DELETED = "ENTITY_IS_DELETED"
    CONVERTED = "CANNOT_UPDATE_CONVERTED_LEAD"
    NOT_FOUND = "NOT_FOUND"
    ROLLED_BACK = "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    LIMIT = "REQUEST_LIMIT_EXCEEDED"
    SESSION = "INVALID_SESSION_ID"


@dataclass(frozen=True, slots=True)
class RowError:
    """Why a row was refused.

    Attributes:
        code: such as ``REQUIRED_FIELD_MISSING`` (`ErrorCode` or another).
        message: the CRM's own words; they may quote what we sent.
        fields: that it names.
        matches: ids (18 characters) of the records that a duplicate rule found.
    """

    code: str
    message: str = ""
    fields: tuple[str, ...] = ()
    matches: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the code and the CRM's own words."""
        return f"{self.code}: {self.message}" if self.message else self.code


@dataclass(frozen=True, slots=True)
class RowResult:
    """What became of one row.

    Attributes:
        id: of the record (18 characters); None if the row was refused.
    """

    id: str | None = None
    created: bool = False
    errors: tuple[RowError, ...] = ()

    @property
    def success(self) -> bool:
        """Whether the record is now as we sent it."""
        return self.id is not None and not self.errors


class JobPhase(StrEnum):
    """Where a bulk job stands."""

    OPEN = "Open"
    UPLOADED = "UploadComplete"
    RUNNING = "InProgress"
    COMPLETE = "JobComplete"
    FAILED = "Failed"
    ABORTED = "Aborted"

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen; complete does not mean that every row succeeded."""
        return self in {JobPhase.COMPLETE, JobPhase.FAILED, JobPhase.ABORTED}


@dataclass(frozen=True, slots=True)
class JobState:
    """A bulk job.

    Attributes:
        processed: rows looked at so far, the failed ones among them.
        message: why the whole job failed; empty otherwise.
    """

    id: str
    state: JobPhase
    processed: int = 0
    failed: int = 0
    message: str = ""


@dataclass(frozen=True, slots=True)
class JobRow:
    """What became of one row of a bulk job.

    Attributes:
        key: its value of the job's external id field (of ``Id`` for a job without one).
        id: of the record (18 characters); None if the row was refused before it had one.
    """

    key: str
    id: str | None = None
    created: bool = False
    errors: tuple[RowError, ...] = ()


@dataclass(frozen=True, slots=True)
class JobResults:
    """What became of all rows of a bulk job, joined by key: the order is not ours.

    Attributes:
        unprocessed: keys of rows that were never looked at; send them again.
    """

    succeeded: list[JobRow]
    failed: list[JobRow]
    unprocessed: list[str]


@dataclass(frozen=True, slots=True)
class ApiUsage:
    """Calls of the last 24 hours, of the whole organisation."""

    used: int
    allowed: int

    @property
    def share(self) -> float:
        """Between 0 and 1, or more when the allowance is overdrawn."""
        return self.used / self.allowed if self.allowed else 1.0


@dataclass(frozen=True, slots=True)
class Account:
    """Who we are at the CRM.

    Attributes:
        organization_id: 18 characters.
        user: the user name, which looks like an e-mail address.
        instance: address that records open under.
    """

    organization_id: str
    user: str
    instance: str


def missing_keys(sent: Iterable[str], results: JobResults) -> set[str]:
    """Return the keys of which a job's results say nothing."""
    told = {row.key for row in (*results.succeeded, *results.failed)} | set(results.unprocessed)
    return set(sent) - told
