"""The values that travel into a CRM: of what kind they are, and how their text is cleaned."""

import math
import re
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import lru_cache
from typing import TypeAlias

from policies.country_names import NAMES
from policies.crm_records import Scalar

Raw: TypeAlias = str | int | float | bool | datetime | date | tuple[str, ...] | None
"""A value on its way; a datetime is aware UTC."""

LONGEST_TEXT = 32_000
"""Characters of one field that the bulk API takes."""
CLEARING_WORD = "#N/A"
"""What empties a field in the bulk API; a text of ours never reads so."""
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_LINE_END = re.compile(r"\r\n?")


class Unfit(ValueError):
    """A value cannot be what it was to become; the text says why, without the value."""


class Kind(StrEnum):
    """What sort of value it is, as far as that is known before it is there."""

    TEXT = "text"
    NUMBER = "number"
    TRUTH = "yes or no"
    MOMENT = "time"
    DAY = "date"
    LIST = "list"
    ANY = "any value"


def kind_of(value: Raw) -> Kind:
    """Return the kind of a value; None may be any."""
    match value:
        case None:
            return Kind.ANY
        case bool():
            return Kind.TRUTH
        case int() | float():
            return Kind.NUMBER
        case datetime():
            return Kind.MOMENT
        case date():
            return Kind.DAY
        case str():
            return Kind.TEXT
        case _:
            return Kind.LIST


def is_blank(value: Raw) -> bool:
    """Whether there is nothing to send."""
    if isinstance(value, float):
        return not math.isfinite(value)
    if isinstance(value, str):
        return not clean(value) or clean(value) == CLEARING_WORD
    return value is None or value == ()


def clean(text: str) -> str:
    """Return text as a CRM keeps it: no control characters, LF line ends, no space around it."""
    if _CONTROL.search(text):
        text = _CONTROL.sub("", text)
    return _LINE_END.sub("\n", text).strip()


def scalar(value: Raw) -> Scalar:
    """Return a value as JSON has it; whole numbers without a point, lists as multi-selects.

    Raises:
        Unfit: if a whole number is too large for the CRM.
    """
    match value:
        case str():
            return clean(value) or None
        case datetime():
            return f"{value.astimezone(UTC).strftime('%Y-%m-%dT%H:%M:%S')}.000Z"
        case date():
            return value.isoformat()
        case tuple():
            return multi_select(value) or None
        case float() if not math.isfinite(value):
            return None
        case float() if value.is_integer() and abs(value) < 2**53:
            return int(value)
        case int() if abs(value) >= 10**18:
            raise Unfit("the number has more than 18 digits")
        case _:
            return value


def multi_select(values: tuple[str, ...]) -> str:
    """Join the values of a multi-select picklist, each once; a semicolon parts them."""
    cleaned = (clean(value.replace(";", ",")) for value in values)
    return ";".join(dict.fromkeys(value for value in cleaned if value))


def shortened(text: str, most: int) -> str:
    """Return at most ``most`` characters as Salesforce counts them: UTF-16 units."""
    if text.isascii() or units(text) <= most:
        return text[:most].rstrip()
    cut = text.encode("utf-16-le", "replace")[: 2 * most]
    return cut.decode("utf-16-le", "ignore").rstrip()


def units(text: str) -> int:
    """Return the length of text as Salesforce counts it: a rare character counts twice."""
    return len(text) + sum(c > "\uffff" for c in text)


@lru_cache(512)
def country_name(code: str) -> str | None:
    """Return the English name of a country by its ISO 3166-1 alpha-2 code; None if unknown."""
    wanted = code.strip().lower()
    if len(wanted) != 2 or not (wanted.isascii() and wanted.isalpha()):
        return None
    if known := _SPELLED.get(wanted):
        return known
    found = re.search(rf"^{wanted}\|[a-z]{{3}}\|([^|\n]+(?:\n    [^|\n]+)*)", NAMES, re.MULTILINE)
    if found is None:
        return None
    words = found[1].split()
    return " ".join(word if word in _SMALL else word.capitalize() for word in words)


_SMALL = frozenset({"and", "of", "the"})
_SPELLED = {
    "ax": "Åland Islands",
    "bl": "Saint Barthélemy",
    "bq": "Bonaire, Sint Eustatius and Saba",
    "cd": "Congo, the Democratic Republic of the",
    "ci": "Côte d'Ivoire",
    "cn": "China",
    "cw": "Curaçao",
    "gw": "Guinea-Bissau",
    "mk": "North Macedonia",
    "re": "Réunion",
    "st": "São Tomé and Príncipe",
    "sx": "Sint Maarten",
    "sz": "Eswatini",
    "tl": "Timor-Leste",
    "vi": "U.S. Virgin Islands",
}


def word_of(value: Raw) -> str:
    """Return a value as a table looks it up: without case, with single spaces."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return " ".join(str(value).split()).casefold()


def truth_of(value: Raw) -> bool:
    """Read yes or no.

    Raises:
        Unfit: if it is neither.
    """
    if isinstance(value, bool):
        return value
    word = word_of(value)
    if word in _YES or word in _NO:
        return word in _YES
    raise Unfit("it is neither yes nor no")


def moment_of(value: Raw) -> datetime:
    """Read a moment; a date is its midnight in UTC.

    Raises:
        Unfit: if it is none.
    """
    match value:
        case datetime():
            return value.astimezone(UTC)
        case date():
            return datetime(value.year, value.month, value.day, tzinfo=UTC)
        case _:
            pass
    try:
        read = datetime.fromisoformat(str(value).strip())
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Unfit("it is no date in ISO 8601, such as 2026-11-25") from None


_YES = frozenset({"true", "yes", "y", "1", "on", "x", "ja", "oui", "si", "sí", "sim", "wahr"})
_NO = frozenset({"false", "no", "n", "0", "off", "nein", "non", "não", "nao", "nee", "falsch"})
