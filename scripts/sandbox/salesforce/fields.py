"""What a field is, how ``describe`` tells it, and which values it takes."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from scripts.sandbox.salesforce.errors import Problem

_EMAIL = re.compile(
    r"[^@\s,;<>()\[\]\\\"]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?\.[A-Za-z]{2,}\Z"
)
_TEXT = {"string", "textarea", "phone", "url", "email", "picklist", "id", "reference"}
_SOAP = {
    "id": "tns:ID",
    "reference": "tns:ID",
    "boolean": "xsd:boolean",
    "int": "xsd:int",
    "double": "xsd:double",
    "currency": "xsd:double",
    "percent": "xsd:double",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
}
_LONG = 32_000


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an object.

    Attributes:
        type: in the words of ``describe``.
        length: characters that a text takes.
        digits: before and after the point, of a number.
        writable: whether anybody but Salesforce itself may set it.
        required: whether a record must have it.
        values: of a picklist.
        restricted: whether a picklist takes no other value.
        refers: objects that a reference may point to.
        relation: the name under which a query follows the reference.
        default: what a record has without being given a value.
    """

    name: str
    label: str
    type: str = "string"
    length: int = 0
    digits: tuple[int, int] = (0, 0)
    writable: bool = True
    required: bool = False
    external_id: bool = False
    unique: bool = False
    lookup: bool = False
    values: Sequence[str] = ()
    restricted: bool = False
    refers: Sequence[str] = ()
    relation: str | None = None
    default: Any = None

    @property
    def custom(self) -> bool:
        """Whether the org itself has added it."""
        return self.name.endswith("__c")

    @property
    def indexed(self) -> bool:
        """Whether records are found by it without looking at each."""
        return self.external_id or self.unique or self.lookup

    @property
    def filterable(self) -> bool:
        """Whether a query may ask for its value; a long text may not be asked for."""
        return self.length < _LONG

    def described(self) -> dict[str, Any]:
        """The field as ``describe`` tells it."""
        before, after = self.digits
        return {
            "aggregatable": self.type not in {"textarea", "boolean"},
            "autoNumber": False,
            "byteLength": self.length * 3,
            "calculated": False,
            "caseSensitive": False,
            "createable": self.writable,
            "custom": self.custom,
            "defaultValue": self.default,
            "defaultedOnCreate": self.default is not None,
            "deprecatedAndHidden": False,
            "digits": before if self.type == "int" else 0,
            "externalId": self.external_id,
            "filterable": self.filterable,
            "idLookup": self.lookup or self.external_id,
            "inlineHelpText": None,
            "label": self.label,
            "length": self.length,
            "name": self.name,
            "nameField": self.name == "Name",
            "nillable": not self.required and self.type != "boolean" and self.default is None,
            "picklistValues": [
                {
                    "active": True,
                    "defaultValue": value == self.default,
                    "label": value,
                    "validFor": None,
                    "value": value,
                }
                for value in self.values
            ],
            "precision": before + after if self.type not in {"int"} else 0,
            "referenceTo": list(self.refers),
            "relationshipName": self.relation,
            "restrictedPicklist": self.restricted,
            "scale": after,
            "soapType": _SOAP.get(self.type, "xsd:string"),
            "sortable": self.filterable,
            "type": self.type,
            "unique": self.unique,
            "updateable": self.writable,
        }

    def taken(self, value: Any) -> Any:  # noqa: ANN401  (JSON)
        """``value`` as it is stored: None for an empty one, a moment as Unix seconds.

        Raises:
            Unfit: if the field cannot hold it.
        """
        if value is None or value == "":
            return None if self.type != "boolean" else self._unfit_type(value)
        if self.type in _TEXT:
            return self._text(value)
        if self.type == "boolean":
            return self._flag(value)
        if self.type in {"date", "datetime"}:
            return self._moment(value)
        return self._number(value)

    def shown(self, value: Any) -> Any:  # noqa: ANN401  (JSON)
        """A stored value as an answer has it."""
        if self.type == "datetime" and value is not None:
            return stamp(value)
        return value

    def _text(self, value: Any) -> str:  # noqa: ANN401
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            self._unfit_type(value)
        text = str(value).rstrip() if self.type != "textarea" else str(value)
        if self.length and len(text) > self.length:
            told = f"{self.label}: data value too large: {text} (max length={self.length})"
            raise Unfit(Problem("STRING_TOO_LONG", told, [self.name]))
        if self.type == "email" and not _EMAIL.match(text):
            told = f"{self.label}: invalid email address: {text}"
            raise Unfit(Problem("INVALID_EMAIL_ADDRESS", told, [self.name]))
        if self.restricted and text not in self.values:
            told = f"{self.label}: bad value for restricted picklist field: {text}"
            raise Unfit(Problem("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", told, [self.name]))
        return text

    def _flag(self, value: Any) -> bool:  # noqa: ANN401
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.lower() in {"true", "false", "1", "0"}:
            return value.lower() in {"true", "1"}
        return self._unfit_type(value)

    def _number(self, value: Any) -> float | int:  # noqa: ANN401
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            self._unfit_type(value)
        try:
            number = float(value)
        except ValueError:
            return self._unfit_type(value)
        before, after = self.digits
        if not abs(number) < 10**before:
            told = f"{self.label}: value outside of valid range on numeric field: {value}"
            raise Unfit(Problem("NUMBER_OUTSIDE_VALID_RANGE", told, [self.name]))
        return int(number) if self.type == "int" else round(number, after)

    def _moment(self, value: Any) -> str | int:  # noqa: ANN401
        try:
            if self.type == "date":
                return date.fromisoformat(str(value)[:10]).isoformat()
            return moment(str(value))
        except ValueError:
            return self._unfit_type(value)

    def _unfit_type(self, value: Any) -> Any:  # noqa: ANN401
        told = f"{self.label}: value not of required type: {value}"
        raise Unfit(Problem("INVALID_TYPE_ON_FIELD_IN_RECORD", told, [self.name]))


class Unfit(Exception):
    """A field cannot hold a value; `problem` says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def stamp(seconds: int) -> str:
    """Unix seconds as Salesforce writes a moment; it keeps no fraction of a second."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.000+0000"


def moment(text: str) -> int:
    """Unix seconds of a moment such as ``2026-11-25T01:02:03Z``; UTC where nothing is said.

    Raises:
        ValueError: if it is none.
    """
    read = datetime.fromisoformat(text)
    return int((read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp())
