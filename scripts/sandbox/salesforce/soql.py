"""SOQL as far as integrations use it, read into a question.

``SELECT fields FROM Object [WHERE …] [ORDER BY …] [LIMIT n] [OFFSET n]`` with ``= != < <= > >=
IN NOT IN LIKE AND OR NOT``, parentheses, ``COUNT()``, ``FIELDS(ALL)`` and one step through a
reference (``Owner.Name``). Aggregates, sub-queries and date functions are refused.

Source: SOQL and SOSL Reference, read 2026-11-22 [M for the wording of the errors].
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from scripts.sandbox.salesforce.errors import Refused

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<text>'(?:[^'\\]|\\.)*')
    | (?P<moment>\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))?)
    | (?P<number>[+-]?\d+(?:\.\d+)?)
    | (?P<word>[A-Za-z_][A-Za-z0-9_.]*)
    | (?P<sign><=|>=|!=|<>|=|<|>|\(|\)|,)
    )""",
    re.VERBOSE,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_MOST_SKIPPED = 2000


@dataclass(frozen=True, slots=True)
class Literal:
    """A value as it is written.

    Attributes:
        kind: ``text``, ``number``, ``date``, ``datetime``, ``flag`` or ``null``.
    """

    kind: str
    value: Any


@dataclass(frozen=True, slots=True)
class Test:
    """A comparison; ``IN`` has several values."""

    field: str
    sign: str
    values: Sequence[Literal]


@dataclass(frozen=True, slots=True)
class Both:
    """All must hold."""

    parts: Sequence["Condition"]


@dataclass(frozen=True, slots=True)
class Either:
    """One must hold."""

    parts: Sequence["Condition"]


@dataclass(frozen=True, slots=True)
class Not:
    """It must not hold."""

    part: "Condition"


Condition: TypeAlias = Test | Both | Either | Not


@dataclass(frozen=True, slots=True)
class Order:
    """By what the answers are sorted; empty values come first, unless ``nulls_last``."""

    field: str
    descending: bool = False
    nulls_last: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """A query.

    Attributes:
        fields: as written; ``COUNT()`` alone asks for no record.
    """

    fields: Sequence[str]
    sobject: str
    where: Condition | None = None
    order: Sequence[Order] = ()
    limit: int | None = None
    offset: int = 0


def read(text: str) -> Question:
    """Read a query.

    Raises:
        Refused: MALFORMED_QUERY, saying where.
    """
    return _Reader(text).question()


def malformed(told: str) -> Refused:
    """The query cannot be understood."""
    return Refused.because("MALFORMED_QUERY", told, None)


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: list[tuple[str, str, int]] = []
        place = 0
        while place < len(text.rstrip()):
            match = _TOKEN.match(text, place)
            if match is None or match.lastgroup is None:
                raise self._unexpected(text[place:].strip()[:1], place)
            kind = match.lastgroup
            self._tokens.append((kind, match.group(kind), match.start(kind)))
            place = match.end()
        self._at = 0

    def question(self) -> Question:
        self._must("SELECT")
        fields = self._fields()
        self._must("FROM")
        sobject = self._name()
        where = self._either() if self._take("WHERE") else None
        order = self._orders() if self._take("ORDER") else []
        limit = self._count() if self._take("LIMIT") else None
        offset = self._count() if self._take("OFFSET") else 0
        if offset > _MOST_SKIPPED:
            raise Refused.because(
                "NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOQL offset allowed is 2000", None
            )
        if self._at < len(self._tokens):
            raise self._unexpected(*self._tokens[self._at][1:])
        return Question(fields, sobject, where, order, limit, offset)

    def _fields(self) -> list[str]:
        fields = [self._one_field()]
        while self._take(","):
            fields.append(self._one_field())
        return fields

    def _one_field(self) -> str:
        name = self._name()
        if not self._take("("):
            return name
        inside = "" if self._peek() == ")" else self._name()
        self._must(")")
        called = f"{name.upper()}({inside.upper()})"
        if called not in {"COUNT()", "FIELDS(ALL)", "FIELDS(STANDARD)", "FIELDS(CUSTOM)"}:
            raise malformed(f"the sandbox knows no {called}: ask for the records themselves")
        return called

    def _either(self) -> Condition:
        parts = [self._both()]
        while self._take("OR"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else Either(parts)

    def _both(self) -> Condition:
        parts = [self._part()]
        while self._take("AND"):
            parts.append(self._part())
        return parts[0] if len(parts) == 1 else Both(parts)

    def _part(self) -> Condition:
        if self._take("NOT"):
            return Not(self._part())
        if self._take("("):
            inner = self._either()
            self._must(")")
            return inner
        return self._test()

    def _test(self) -> Condition:
        field = self._name()
        if self._take("NOT"):
            self._must("IN")
            return Not(Test(field, "IN", self._several()))
        if self._take("IN"):
            return Test(field, "IN", self._several())
        if self._take("LIKE"):
            return Test(field, "LIKE", [self._literal()])
        kind, sign, place = self._next()
        if kind != "sign" or sign in "(),":
            raise self._unexpected(sign, place)
        return Test(field, "!=" if sign == "<>" else sign, [self._literal()])

    def _several(self) -> list[Literal]:
        self._must("(")
        values = [self._literal()]
        while self._take(","):
            values.append(self._literal())
        self._must(")")
        return values

    def _literal(self) -> Literal:
        kind, text, place = self._next()
        if kind == "text":
            return Literal("text", re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[1]), text[1:-1]))
        if kind == "moment":
            return Literal("datetime" if "T" in text else "date", text)
        if kind == "number":
            return Literal("number", float(text))
        known = {"true": True, "false": False, "null": None}
        if text.lower() not in known:
            raise self._unexpected(text, place)
        value = known[text.lower()]
        return Literal("null" if value is None else "flag", value)

    def _orders(self) -> list[Order]:
        self._must("BY")
        orders = [self._order()]
        while self._take(","):
            orders.append(self._order())
        return orders

    def _order(self) -> Order:
        field = self._name()
        descending = self._take("DESC")
        if not descending:
            self._take("ASC")
        nulls_last = False
        if self._take("NULLS"):
            nulls_last = self._take("LAST")
            if not nulls_last:
                self._must("FIRST")
        return Order(field, descending, nulls_last)

    def _count(self) -> int:
        kind, text, place = self._next()
        if kind != "number" or not text.isdecimal():
            raise self._unexpected(text, place)
        return int(text)

    def _name(self) -> str:
        kind, text, place = self._next()
        if kind != "word":
            raise self._unexpected(text, place)
        return text

    def _next(self) -> tuple[str, str, int]:
        if self._at == len(self._tokens):
            raise self._unexpected("<EOF>", len(self._text))
        self._at += 1
        return self._tokens[self._at - 1]

    def _peek(self) -> str:
        return self._tokens[self._at][1].upper() if self._at < len(self._tokens) else ""

    def _take(self, word: str) -> bool:
        taken = self._peek() == word
        self._at += taken
        return taken

    def _must(self, word: str) -> None:
        if not self._take(word):
            _, text, place = self._next()
            raise self._unexpected(text, place)

    def _unexpected(self, token: str, place: int) -> Refused:
        here = f"\n{self._text}\n{' ' * place}^\nERROR at Row:1:Column:{place + 1}\n"
        return malformed(f"{here}unexpected token: '{token}'")
