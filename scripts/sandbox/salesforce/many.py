"""``composite/sobjects``: up to 200 records in a call, each with an answer of its own.

The answer is 200 even when rows fail, in the order of the rows; a failed row has no ``id`` and
tells ``statusCode`` (reference, section 7). Two rows with one external id both fail with
DUPLICATE_VALUE "Duplicate external id specified" (salesforce.stackexchange.com/questions/104048,
read 2026-11-25; that both fail, and the code of too many rows: [M]).
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from scripts.sandbox.salesforce.errors import Problem, Refused
from scripts.sandbox.salesforce.fields import Field
from scripts.sandbox.salesforce.ids import PREFIXES, whole
from scripts.sandbox.salesforce.org import Asked, Org
from scripts.sandbox.salesforce.query import attributes, shown
from scripts.sandbox.salesforce.records import key_field, rows_of, texts_of, writable
from scripts.sandbox.salesforce.sobject import SObject
from scripts.sandbox.salesforce.writes import How
from scripts.sandbox.server import Answer, as_json

MOST_ROWS = 200
MOST_CHUNKS = 10
Row = dict[str, Any]
Write = Callable[[Row], Row]


class Many:
    """Several records in one call.

    Args:
        org: whose.
    """

    def __init__(self, org: Org) -> None:
        self._org = org

    def create(self, asked: Asked) -> Answer:
        """``POST composite/sobjects``."""
        body = asked.json_object()
        rows = _few(rows_of(body.get("records")))
        kinds = self._kinds(rows)

        def write(row: Row) -> Row:
            made = self._org.writer.insert(kinds[_kind(row)], row, asked.how)
            return {"id": made, "success": True, "errors": []}

        return self._each(rows, write, all_or_none=body.get("allOrNone") is True)

    def update(self, asked: Asked) -> Answer:
        """``PATCH composite/sobjects``."""
        body = asked.json_object()
        rows = _few(rows_of(body.get("records")))
        kinds = self._kinds(rows)
        twice = _twice(str(row.get("id") or row.get("Id") or "") for row in rows)

        def write(row: Row) -> Row:
            given = dict(row)
            named = str(given.pop("id", None) or given.pop("Id", None) or "")
            if not named:
                told = "Id not specified in an update call"
                raise Refused.because("MISSING_ARGUMENT", told, ["Id"])
            if named in twice:
                raise Refused.because("DUPLICATE_VALUE", f"Duplicate id specified: {named}", ["Id"])
            self._org.writer.update(kinds[_kind(row)], named, given, asked.how)
            return {"id": whole(named), "success": True, "errors": []}

        return self._each(rows, write, all_or_none=body.get("allOrNone") is True)

    def upsert(self, asked: Asked) -> Answer:
        """``PATCH composite/sobjects/{object}/{field}``."""
        body = asked.json_object()
        rows = _few(rows_of(body.get("records")))
        sobject = self._object(asked.params["object"])
        field = key_field(sobject, asked.params["field"])
        if any(_kind(row).lower() not in {"", sobject.name.lower()} for row in rows):
            told = f"all records of this call must be of type {sobject.name}"
            raise Refused.because("INVALID_TYPE", told, None)
        wanted = body.get("allOrNone") is True
        return as_json(200, self.upserted(sobject, field, rows, asked.how, all_or_none=wanted))

    def upserted(
        self, sobject: SObject, field: Field, rows: Sequence[Row], how: How, *, all_or_none: bool
    ) -> list[Row]:
        """What becomes of rows that are one chunk of an upsert."""
        name = field.name
        twice = _twice(_external(row, name).casefold() for row in rows)

        def write(row: Row) -> Row:
            value = _external(row, name)
            if not value and name != "Id":
                raise Refused.because("MISSING_ARGUMENT", f"{name} not specified", [name])
            if value.casefold() in twice:
                told = f"Duplicate external id specified: {value}"
                raise Refused.because("DUPLICATE_VALUE", told, [name])
            given = {key: v for key, v in row.items() if key.lower() != name.lower()}
            if name != "Id" and any(key.lower() == "id" for key in given):
                told = "Id must not be specified in an upsert by another field"
                raise Refused.because("INVALID_FIELD", told, ["Id"])
            if name == "Id" and not value:
                made, created = self._org.writer.insert(sobject, given, how), True
            else:
                made, created = self._org.writer.upsert(sobject, field, value, given, how)
            return {"id": made, "success": True, "errors": [], "created": created}

        return self.results(rows, write, all_or_none=all_or_none)

    def delete(self, asked: Asked) -> Answer:
        """``DELETE composite/sobjects?ids=``."""
        ids = [one.strip() for one in asked.query.get("ids", "").split(",") if one.strip()]
        rows: list[Row] = _few([{"id": one} for one in ids])
        twice = _twice(whole(one) or one for one in ids)

        def write(row: Row) -> Row:
            full = whole(row["id"])
            sobject = next(
                (o for o in self._org.schema if full and PREFIXES[o.name] == full[:3]), None
            )
            if full is None or sobject is None:
                told = f"bad id {row['id']}"
                raise Refused.because("MALFORMED_ID", told, [])
            if full in twice:
                raise Refused.because("DUPLICATE_VALUE", f"Duplicate id specified: {full}", ["Id"])
            self._org.writer.delete(writable(sobject), full, asked.how)
            return {"id": full, "success": True, "errors": []}

        wanted = asked.query.get("allOrNone", "false").lower() == "true"
        return self._each(rows, write, all_or_none=wanted)

    def retrieve(self, asked: Asked) -> Answer:
        """``GET`` or ``POST composite/sobjects/{object}``: records by id, null for each missing."""
        sobject = self._object(asked.params["object"])
        if asked.method == "POST":
            body = asked.json_object()
            ids, names = texts_of(body.get("ids")), texts_of(body.get("fields"))
        else:
            ids = asked.query.get("ids", "").split(",")
            names = asked.query.get("fields", "").split(",")
        fields = [field for field in map(sobject.field, names) if field is not None]
        table = self._org.store.table(sobject.name)
        told: list[Row | None] = []
        for one in ids:
            row = table.rows.get(whole(one) or "")
            if row is None or row["IsDeleted"]:
                told.append(None)
                continue
            known = {"attributes": attributes(sobject.name, row["Id"], asked.version)}
            told.append({**known, **{f.name: shown(f, row) for f in fields}, "Id": row["Id"]})
        return as_json(200, told)

    def results(self, rows: Sequence[Row], write: Write, *, all_or_none: bool) -> list[Row]:
        """Write each row; what became of it, in order."""
        store = self._org.store
        mark = store.begin()
        start = mark or 0
        results: list[Row] = []
        try:
            for row in rows:
                try:
                    results.append(write(row))
                except Refused as refused:
                    results.append({"success": False, "errors": [refused.problem.of_row()]})
            if all_or_none and not all(result["success"] for result in results):
                store.rollback(start)
                results = [_rolled_back() if r["success"] else r for r in results]
        finally:
            store.end(mark)
        return results

    def _each(self, rows: Sequence[Row], write: Write, *, all_or_none: bool) -> Answer:
        return as_json(200, self.results(rows, write, all_or_none=all_or_none))

    def _kinds(self, rows: Sequence[Row]) -> dict[str, SObject]:
        kinds = [_kind(row) for row in rows]
        chunks = sum(a != b for a, b in zip(kinds, ["", *kinds], strict=False))
        if chunks > MOST_CHUNKS:
            told = f"the records make {chunks} chunks of one type; {MOST_CHUNKS} are allowed"
            raise Refused.because("LIMIT_EXCEEDED", told, None)
        return {kind: self._object(kind) for kind in set(kinds)}

    def _object(self, name: str) -> SObject:
        sobject = self._org.schema.find(name)
        if sobject is None:
            told = (
                f"sObject type '{name}' is not supported." if name else "attributes.type is missing"
            )
            raise Refused.because("INVALID_TYPE", told, None)
        return writable(sobject)


def _few(rows: list[Row]) -> list[Row]:
    if len(rows) > MOST_ROWS:
        told = f"record limit reached. cannot submit more than {MOST_ROWS} records in this request"
        raise Refused.because("EXCEEDED_ID_LIMIT", told, None)
    if not rows:
        raise Refused.because("REQUIRED_FIELD_MISSING", "records are missing", None)
    return rows


def _kind(row: Row) -> str:
    attributes = row.get("attributes")
    return str(attributes.get("type", "")) if isinstance(attributes, dict) else ""


def _external(row: Row, name: str) -> str:
    value = row.get(name)
    if value is None:
        value = next((v for key, v in row.items() if key.lower() == name.lower()), None)
    return "" if value is None else str(value)


def _twice(values: Any) -> set[str]:  # noqa: ANN401
    return {value for value, times in Counter(values).items() if value and times > 1}


def _rolled_back() -> Row:
    told = (
        "Record rolled back because not all records were valid and the request was using "
        "AllOrNone header"
    )
    problem = Problem("ALL_OR_NONE_OPERATION_ROLLED_BACK", told)
    return {"success": False, "errors": [problem.of_row()]}
