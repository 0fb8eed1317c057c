"""Answers a question about the org's records."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any

from scripts.sandbox.salesforce.errors import Refused
from scripts.sandbox.salesforce.fields import Field, moment
from scripts.sandbox.salesforce.ids import whole
from scripts.sandbox.salesforce.sobject import SObject
from scripts.sandbox.salesforce.soql import (
    Both,
    Condition,
    Either,
    Literal,
    Not,
    Question,
    Test,
    malformed,
)
from scripts.sandbox.salesforce.store import Row, Store

Getter = Callable[[Row], Any]
Check = Callable[[Row], bool]
_ALL = {"FIELDS(ALL)", "FIELDS(STANDARD)", "FIELDS(CUSTOM)"}
_MOST_OF_ALL = 200
_NUMBERS = {"int", "double", "currency", "percent"}
_STAMPS = {"SystemModstamp", "LastModifiedDate"}
_IDS = {"id", "reference"}


class Query:
    """A question made ready for the store.

    Args:
        store: what is asked.
        question: what is to be known.
        deleted: whether deleted records are told too.

    Raises:
        Refused: if an object or a field does not exist, or is compared with what it cannot be.
    """

    def __init__(self, store: Store, question: Question, *, deleted: bool) -> None:
        found = store.schema.find(question.sobject)
        if found is None:
            told = (
                f"sObject type '{question.sobject}' is not supported. If you are attempting to use "
                "a custom object, be sure to append the '__c' after the entity name."
            )
            raise Refused.because("INVALID_TYPE", told, None)
        self.sobject = found
        self.counting = list(question.fields) == ["COUNT()"]
        self._store, self._question, self._deleted = store, question, deleted
        self.columns = [] if self.counting else self._columns()
        self._paths = [self._path(name) for name in self.columns]
        self._check = None if question.where is None else self._compiled(question.where)
        self._orders = [(self._path(o.field), o) for o in question.order]

    def rows(self) -> list[Row]:
        """The records that it is about, in order."""
        rows = [
            row
            for row in self._candidates()
            if (self._deleted or not row["IsDeleted"]) and (self._check is None or self._check(row))
        ]
        rows.sort(key=lambda row: row["Id"])
        for path, order in reversed(self._orders):
            get = self._getter(path)
            rows.sort(key=lambda row: _sortable(get(row)), reverse=order.descending)
            empty = [row for row in rows if get(row) is None]
            given = [row for row in rows if get(row) is not None]
            rows = given + empty if order.nulls_last else empty + given
        end = None if self._question.limit is None else self._question.offset + self._question.limit
        return rows[self._question.offset : end]

    def record(self, row: Row, version: str) -> dict[str, Any]:
        """A record as an answer has it."""
        told: dict[str, Any] = {"attributes": attributes(self.sobject.name, row["Id"], version)}
        for path in self._paths:
            if len(path) == 1:
                told[path[0].name] = shown(path[0], row)
                continue
            through, field = path
            assert through.relation is not None  # noqa: S101
            other = self._follow(through, row)
            if other is None:
                told[through.relation] = None
                continue
            inner = attributes(through.refers[0], other["Id"], version)
            nested = told.setdefault(through.relation, {"attributes": inner})
            nested[field.name] = shown(field, other)
        return told

    def cells(self, row: Row) -> list[Any]:
        """A record as a line of CSV has it, in the order of `columns`."""
        cells: list[Any] = []
        for path in self._paths:
            other = row if len(path) == 1 else self._follow(path[0], row)
            value = None if other is None else shown(path[-1], other)
            cells.append(str(value).lower() if isinstance(value, bool) else value)
        return cells

    def _columns(self) -> list[str]:
        if not _ALL & set(self._question.fields):
            return [name for name in self._question.fields if name != "COUNT()"]
        limit = self._question.limit
        if limit is None or limit > _MOST_OF_ALL:
            raise malformed("The SOQL FIELDS function must have a LIMIT of at most 200")
        return list(self.sobject.fields)

    def _path(self, name: str) -> list[Field]:
        before, _, last = name.rpartition(".")
        if not before or before.lower() == self.sobject.name.lower():
            return [self._field(self.sobject, last)]
        through = self.sobject.related(before)
        other = None if through is None else self._store.schema.find(through.refers[0])
        if through is None or other is None:
            told = (
                f"Didn't understand relationship '{before}' in field path. If you are attempting "
                "to use a custom relationship, be sure to append the '__r' after the custom "
                "relationship name."
            )
            raise Refused.because("INVALID_FIELD", told, None)
        return [through, self._field(other, last)]

    def _field(self, sobject: SObject, name: str) -> Field:
        field = sobject.field(name)
        if field is None:
            told = (
                f"No such column '{name}' on entity '{sobject.name}'. If you are attempting to use "
                "a custom field, be sure to append the '__c' after the custom field name. Please "
                "reference your WSDL or the describe call for the appropriate names."
            )
            raise Refused.because("INVALID_FIELD", told, None)
        return field

    def _follow(self, through: Field, row: Row) -> Row | None:
        table = self._store.table(through.refers[0])
        return table.rows.get(row.get(through.name) or "")

    def _getter(self, path: Sequence[Field]) -> Getter:
        last = path[-1]
        name, default = last.name, False if last.type == "boolean" else None
        if len(path) == 1:
            return lambda row: row.get(name, default)
        through = path[0]

        def get(row: Row) -> Any:  # noqa: ANN401
            other = self._follow(through, row)
            return None if other is None else other.get(name, default)

        return get

    def _candidates(self) -> Iterable[Row]:
        table = self._store.table(self.sobject.name)
        where = self._question.where
        parts = where.parts if isinstance(where, Both) else [where]
        tests = [part for part in parts if isinstance(part, Test)]
        for test in tests:
            field = self.sobject.field(test.field)
            if field is None or test.sign not in {"=", "IN"} or self._deleted:
                continue
            texts = [str(v.value) for v in test.values if v.kind == "text"]
            if len(texts) == len(test.values) and (field.name == "Id"):
                ids = {whole(text) for text in texts}
                return [table.rows[one] for one in ids if one in table.rows]
            if len(texts) == len(test.values) and table.is_indexed(field.name):
                found = {one for text in texts for one in table.found(field.name, text)}
                return [table.rows[one] for one in found]
        since = [_since(t) for t in tests if t.field in _STAMPS and t.sign in {">", ">=", "="}]
        return _later(table.latest_first(), max(since)) if since else table.rows.values()

    def _compiled(self, condition: Condition) -> Check:
        if isinstance(condition, Not):
            inner = self._compiled(condition.part)
            return lambda row: not inner(row)
        if isinstance(condition, Test):
            return self._compared(condition)
        checks = [self._compiled(part) for part in condition.parts]
        if isinstance(condition, Either):
            return lambda row: any(check(row) for check in checks)
        return lambda row: all(check(row) for check in checks)

    def _compared(self, test: Test) -> Check:
        path = self._path(test.field)
        field, get = path[-1], self._getter(path)
        if not field.filterable:
            told = f"field '{field.name}' can not be filtered in a query call"
            raise Refused.because("INVALID_FIELD", told, None)
        fold = _fold(field)
        if test.sign == "LIKE":
            like = _like(str(test.values[0].value))
            return lambda row: bool(like.match(str(get(row) or "")))
        values = [comparable(field, literal) for literal in test.values]
        if test.sign == "IN":
            known = set(values)
            return lambda row: fold(get(row)) in known
        if values[0] is None and test.sign not in {"=", "!="}:
            raise malformed(f"null cannot be compared with {test.sign}")
        return _comparison(test.sign, values[0], lambda row: fold(get(row)))


def attributes(sobject: str, record_id: str, version: str) -> dict[str, str]:
    """What every record in an answer begins with."""
    url = f"/services/data/v{version}/sobjects/{sobject}/{record_id}"
    return {"type": sobject, "url": url}


def shown(field: Field, row: Row) -> Any:  # noqa: ANN401
    """The value of a field of a record as an answer has it."""
    value = row.get(field.name)
    if value is None:
        return False if field.type == "boolean" else None
    return field.shown(value)


def comparable(field: Field, literal: Literal) -> Any:  # noqa: ANN401
    """A literal of a query as the values of a field are compared with it.

    Raises:
        Refused: if it is of another kind.
    """
    kind, value = literal.kind, literal.value
    if kind == "null":
        return None
    wanted = _kind(field)
    if wanted == "datetime" and kind in {"date", "datetime"}:
        return moment(value)
    if kind != wanted:
        quotes = "should be enclosed" if wanted == "text" else "should not be enclosed"
        told = (
            f"value of filter criterion for field '{field.name}' must be of type "
            f"{'string' if wanted == 'text' else field.type} and {quotes} in quotes"
        )
        raise Refused.because("INVALID_FIELD", told, None)
    if field.type in _IDS:
        return whole(value) or value
    return value.casefold() if kind == "text" else value


def _kind(field: Field) -> str:
    if field.type in _NUMBERS:
        return "number"
    if field.type == "boolean":
        return "flag"
    return field.type if field.type in {"date", "datetime"} else "text"


def _fold(field: Field) -> Callable[[Any], Any]:
    if _kind(field) == "text" and field.type not in _IDS:
        return lambda value: None if value is None else value.casefold()
    return lambda value: value


def _comparison(sign: str, wanted: Any, get: Getter) -> Check:  # noqa: ANN401
    match sign:
        case "=":
            return lambda row: get(row) == wanted
        case "!=":
            return lambda row: get(row) != wanted
        case "<":
            return lambda row: (value := get(row)) is not None and value < wanted
        case "<=":
            return lambda row: (value := get(row)) is not None and value <= wanted
        case ">":
            return lambda row: (value := get(row)) is not None and value > wanted
        case _:
            return lambda row: (value := get(row)) is not None and value >= wanted


def _like(pattern: str) -> re.Pattern[str]:
    parts = {"%": ".*", "_": "."}
    written = "".join(parts.get(char) or re.escape(char) for char in pattern)
    return re.compile(written + r"\Z", re.IGNORECASE | re.DOTALL)


def _since(test: Test) -> int:
    literal = test.values[0]
    return moment(literal.value) if literal.kind in {"date", "datetime"} else 0


def _later(rows: Iterator[Row], since: int) -> Iterator[Row]:
    for row in rows:
        if row["SystemModstamp"] < since:
            return
        yield row


def _sortable(value: Any) -> Any:  # noqa: ANN401
    if value is None:
        return (0, "")
    return (1, value.casefold() if isinstance(value, str) else value)


def today(now: float) -> date:
    """The org's day; it keeps UTC."""
    return datetime.fromtimestamp(now, UTC).date()
