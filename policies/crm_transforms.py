"""The functions that turn a value of ours into one of the CRM's: a fixed list, each plain data.

Each says which kinds it takes and what it gives, so that a mapping is checked before anything is
sent. A value that is empty passes none of them; what a function makes empty stays empty.
"""

import html
import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import BeforeValidator, Field, StrictBool, StrictFloat, StrictInt, StringConstraints

from policies.binned import StrictModel
from policies.countries import country_code
from policies.crm_values import (
    LONGEST_TEXT,
    Kind,
    Raw,
    Unfit,
    clean,
    country_name,
    kind_of,
    moment_of,
    multi_select,
    shortened,
    truth_of,
    word_of,
)
from policies.features import number


def _whole(value: object) -> object:
    """JSON knows no integers: 3.0 is the same number as 3."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Text = Annotated[str, StringConstraints(max_length=1_000, pattern=r"^[^\x00]*$")]
Given = Text | StrictBool | StrictInt | StrictFloat
Whole = Annotated[StrictInt, BeforeValidator(_whole)]
ByName = Field(max_length=1_000, json_schema_extra={"additionalProperties": False})
"""A table: its schema says that its names must fit, as they must."""
_ANY = frozenset(Kind)
_TEXTS = frozenset({Kind.TEXT, Kind.ANY})


class _Transform(StrictModel):
    takes: ClassVar[frozenset[Kind]] = _TEXTS
    gives: ClassVar[Kind] = Kind.TEXT

    def result(self) -> Kind:
        """Return the kind of what comes out."""
        return self.gives

    def apply(self, value: Raw) -> Raw:
        """Return what becomes of a value that is not empty.

        Raises:
            Unfit: if it is of another kind, or cannot be read.
        """
        if kind_of(value) not in self.takes:
            raise Unfit(f"{self.model_dump()['name']} does not take a {kind_of(value)}")
        return self._applied(value)

    def _applied(self, value: Raw) -> Raw:
        return self._of_text(str(value))

    def _of_text(self, text: str) -> Raw:
        raise NotImplementedError


class Truncate(_Transform):
    """Cut text that is too long for a field."""

    name: Literal["truncate"]
    length: Whole = Field(ge=1, le=LONGEST_TEXT)

    def _of_text(self, text: str) -> Raw:
        return shortened(clean(text), self.length)


class Case(_Transform):
    """Capital or small letters; ``title`` begins each word with a capital."""

    name: Literal["upper", "lower", "title"]

    def _of_text(self, text: str) -> Raw:
        if self.name == "title":
            return re.sub(r"\w[\w'\u2019]*", lambda word: word[0].capitalize(), text)
        return text.upper() if self.name == "upper" else text.lower()


class OneLine(_Transform):
    """Turn line ends and runs of space into single spaces."""

    name: Literal["one_line"]

    def _of_text(self, text: str) -> Raw:
        return " ".join(text.split())


class StripHtml(_Transform):
    """Take out tags, scripts and styles; entities become characters."""

    name: Literal["strip_html"]

    def _of_text(self, text: str) -> Raw:
        text = _HIDDEN.sub(" ", text[: 4 * LONGEST_TEXT])
        text = html.unescape(_TAG.sub("", _BREAK.sub("\n", text)))
        lines = (" ".join(line.split()) for line in text.splitlines())
        return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


_HIDDEN = re.compile(r"<!--.*?-->|<(script|style)\b[^>]*>.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_BREAK = re.compile(r"<br\s*/?>|</(?:p|div|li|tr|h[1-6])\s*>", re.IGNORECASE)
_TAG = re.compile(r"</?[a-z!][^<>]*>", re.IGNORECASE)


class Affix(_Transform):
    """Put something before and behind."""

    name: Literal["affix"]
    prefix: Text = ""
    suffix: Text = ""

    def _of_text(self, text: str) -> Raw:
        return f"{self.prefix}{text}{self.suffix}"


class MapTable(_Transform):
    """Look a value up in a table, without regard to case and surrounding space.

    Attributes:
        otherwise: what becomes of a value that the table does not know: it is kept as it is, or
            counts as empty (then the field's default speaks).
    """

    name: Literal["map"]
    table: Annotated[Mapping[Text, Given], ByName] = Field(min_length=1)
    otherwise: Literal["keep", "empty"] = "empty"
    takes: ClassVar[frozenset[Kind]] = _ANY - {Kind.LIST}

    def result(self) -> Kind:
        """Return what all values of the table are, if they are of one kind."""
        kinds = {kind_of(value) for value in self.table.values()}
        return kinds.pop() if len(kinds) == 1 and self.otherwise == "empty" else Kind.ANY

    def _applied(self, value: Raw) -> Raw:
        wanted = word_of(value)
        found = next((to for key, to in self.table.items() if word_of(key) == wanted), None)
        return value if found is None and self.otherwise == "keep" else found


class Number(_Transform):
    """Read and round a number, half away from zero; text such as "1,250" or "51-200" is read.

    Attributes:
        factor: it is multiplied by this first: 100 turns a share into per cent.
        digits: behind the decimal point.
    """

    name: Literal["number"]
    factor: StrictFloat = Field(default=1.0, ge=-1e9, le=1e9)
    digits: Whole = Field(default=0, ge=0, le=10)
    takes: ClassVar[frozenset[Kind]] = frozenset({Kind.TEXT, Kind.NUMBER, Kind.ANY})
    gives: ClassVar[Kind] = Kind.NUMBER

    def _applied(self, value: Raw) -> Raw:
        read = number(value) if isinstance(value, str | int | float) else float("nan")
        if not abs(read * self.factor) < 1e18:
            raise Unfit("it is no number")
        exact = Decimal(repr(read)) * Decimal(repr(self.factor))
        rounded = exact.quantize(Decimal(1).scaleb(-self.digits), ROUND_HALF_UP)
        return float(rounded) if self.digits else int(rounded)


class DateFormat(_Transform):
    """Write a time as a date, a time, or a text as people of some country write it (UTC)."""

    name: Literal["date"]
    style: Literal["date", "datetime", "dd.mm.yyyy", "dd/mm/yyyy", "mm/dd/yyyy"] = "date"
    takes: ClassVar[frozenset[Kind]] = frozenset({Kind.TEXT, Kind.MOMENT, Kind.DAY, Kind.ANY})

    def result(self) -> Kind:
        """Return what the style gives."""
        return {"date": Kind.DAY, "datetime": Kind.MOMENT}.get(self.style, Kind.TEXT)

    def _applied(self, value: Raw) -> Raw:
        moment = moment_of(value)
        match self.style:
            case "datetime":
                return moment
            case "date":
                return moment.date()
            case style:
                return moment.strftime(_STYLES[style])


_STYLES = {"dd.mm.yyyy": "%d.%m.%Y", "dd/mm/yyyy": "%d/%m/%Y", "mm/dd/yyyy": "%m/%d/%Y"}


class Join(_Transform):
    """Join a list into one text."""

    name: Literal["join"]
    separator: Text = ", "
    takes: ClassVar[frozenset[Kind]] = frozenset({Kind.LIST, Kind.TEXT, Kind.ANY})

    def _applied(self, value: Raw) -> Raw:
        return self.separator.join(value) if isinstance(value, tuple) else value


class Split(_Transform):
    """Part a text into a list."""

    name: Literal["split"]
    separator: Annotated[Text, Field(min_length=1)] = ","
    gives: ClassVar[Kind] = Kind.LIST

    def _of_text(self, text: str) -> Raw:
        parts = (clean(part) for part in text.split(self.separator))
        return tuple(part for part in parts if part)


class MultiSelect(_Transform):
    """Write a list as a multi-select picklist wants it: parted by semicolons.

    Attributes:
        table: what our words are called there; a word that it lacks is left out, an empty table
            changes none.
    """

    name: Literal["multi_select"]
    table: Annotated[Mapping[Text, Text], ByName] = Field(default_factory=dict[str, str])
    takes: ClassVar[frozenset[Kind]] = frozenset({Kind.LIST, Kind.TEXT, Kind.ANY})

    def _applied(self, value: Raw) -> Raw:
        words = value if isinstance(value, tuple) else (str(value),)
        if self.table:
            known = {word_of(key): to for key, to in self.table.items()}
            words = tuple(known[word_of(word)] for word in words if word_of(word) in known)
        return multi_select(words)


class CountryName(_Transform):
    """Turn a country's code into its English name; what is no code is kept."""

    name: Literal["country_name"]

    def _of_text(self, text: str) -> Raw:
        return country_name(text) or text


class CountryCode(_Transform):
    """Turn a country's name into its code (ISO 3166-1 alpha-2)."""

    name: Literal["country_code"]

    def _of_text(self, text: str) -> Raw:
        return country_code(text)


class BooleanWord(_Transform):
    """Turn yes or no into a picklist's word for it."""

    name: Literal["boolean_word"]
    yes: Text = "Yes"
    no: Text = "No"
    takes: ClassVar[frozenset[Kind]] = frozenset({Kind.TRUTH, Kind.TEXT, Kind.ANY})

    def _applied(self, value: Raw) -> Raw:
        return self.yes if truth_of(value) else self.no


class Boolean(_Transform):
    """Read yes or no from words such as true, y, 1, ja, oui, si."""

    name: Literal["boolean"]
    takes: ClassVar[frozenset[Kind]] = _ANY - {Kind.LIST, Kind.MOMENT, Kind.DAY}
    gives: ClassVar[Kind] = Kind.TRUTH

    def _applied(self, value: Raw) -> Raw:
        return truth_of(value)


class AsText(_Transform):
    """Write anything as text: numbers without a needless point, lists with commas."""

    name: Literal["text"]
    takes: ClassVar[frozenset[Kind]] = _ANY

    def _applied(self, value: Raw) -> Raw:
        match value:
            case bool():
                return "true" if value else "false"
            case float() if value.is_integer():
                return str(int(value))
            case datetime() | date():
                return value.isoformat()
            case tuple():
                return ", ".join(value)
            case _:
                return str(value)


Transform: TypeAlias = Annotated[
    Truncate
    | Case
    | OneLine
    | StripHtml
    | Affix
    | MapTable
    | Number
    | DateFormat
    | Join
    | Split
    | MultiSelect
    | CountryName
    | CountryCode
    | BooleanWord
    | Boolean
    | AsText,
    Field(discriminator="name"),
]
