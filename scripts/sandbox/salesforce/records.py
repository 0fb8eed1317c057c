"""Single records, descriptions, queries and limits: the plain REST resources."""

from itertools import islice
from typing import Any

from scripts.sandbox.salesforce import soql
from scripts.sandbox.salesforce.errors import Refused, not_found
from scripts.sandbox.salesforce.fields import Field, moment, stamp
from scripts.sandbox.salesforce.ids import whole
from scripts.sandbox.salesforce.org import Asked, Cursor, Org, parser_error
from scripts.sandbox.salesforce.query import Query, attributes, shown
from scripts.sandbox.salesforce.sobject import SObject
from scripts.sandbox.salesforce.store import Row
from scripts.sandbox.server import Answer, as_json

CREATED_IS_TOLD = 46.0
"""The version from which an upsert that updates answers 200 with a body instead of 204."""
_LEAST_PAGE, _MOST_PAGE = 200, 2000


class Records:
    """The plain REST resources.

    Args:
        org: what they are of.
    """

    def __init__(self, org: Org) -> None:
        self._org = org

    def objects(self, asked: Asked) -> Answer:
        """``GET sobjects``."""
        told = [each.summary(asked.version) for each in self._org.schema]
        return as_json(200, {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": told})

    def metadata(self, asked: Asked) -> Answer:
        """``GET sobjects/{object}``."""
        sobject = self.sobject(asked)
        recent = [
            {"attributes": attributes(sobject.name, row["Id"], asked.version), "Id": row["Id"]}
            for row in islice(self._org.store.table(sobject.name).latest_first(), 5)
            if not row["IsDeleted"]
        ]
        described = sobject.summary(asked.version)
        return as_json(200, {"objectDescribe": described, "recentItems": recent})

    def describe(self, asked: Asked) -> Answer:
        """``GET sobjects/{object}/describe``."""
        return as_json(200, self.sobject(asked).described(asked.version))

    def create(self, asked: Asked) -> Answer:
        """``POST sobjects/{object}``."""
        sobject = self._written(asked)
        made = self._org.writer.insert(sobject, asked.json_object(), asked.how)
        return as_json(201, {"id": made, "success": True, "errors": []})

    def get(self, asked: Asked) -> Answer:
        """``GET sobjects/{object}/{id}``."""
        sobject = self.sobject(asked)
        return self._one(asked, sobject, self._existing(sobject, asked.params["id"]))

    def update(self, asked: Asked) -> Answer:
        """``PATCH sobjects/{object}/{id}``."""
        sobject = self._written(asked)
        row = self._existing(sobject, asked.params["id"])
        self._org.writer.update(sobject, row["Id"], asked.json_object(), asked.how)
        return Answer(204, b"")

    def delete(self, asked: Asked) -> Answer:
        """``DELETE sobjects/{object}/{id}``."""
        sobject = self._written(asked)
        row = self._existing(sobject, asked.params["id"])
        self._org.writer.delete(sobject, row["Id"], asked.how)
        return Answer(204, b"")

    def get_external(self, asked: Asked) -> Answer:
        """``GET sobjects/{object}/{field}/{value}``."""
        sobject = self.sobject(asked)
        found = self._external(asked, sobject)
        if len(found) > 1:
            return _several(asked, sobject, found)
        if not found:
            raise not_found()
        return self._one(asked, sobject, self._existing(sobject, found[0]))

    def upsert(self, asked: Asked) -> Answer:
        """``PATCH sobjects/{object}/{field}/{value}``."""
        sobject = self._written(asked)
        field = key_field(sobject, asked.params["field"])
        given = asked.json_object()
        if any(name.lower() == field.name.lower() for name in given):
            told = f"The {field.name} field should not be specified in the sobject data."
            raise Refused.because("INVALID_FIELD", told, None)
        found = self._external(asked, sobject)
        if len(found) > 1:
            return _several(asked, sobject, found)
        value = asked.params["value"]
        made, created = self._org.writer.upsert(sobject, field, value, given, asked.how)
        if not created and float(asked.version) < CREATED_IS_TOLD:
            return Answer(204, b"")
        told = {"id": made, "success": True, "errors": [], "created": created}
        return as_json(201 if created else 200, told)

    def delete_external(self, asked: Asked) -> Answer:
        """``DELETE sobjects/{object}/{field}/{value}``."""
        sobject = self._written(asked)
        found = self._external(asked, sobject)
        if len(found) > 1:
            return _several(asked, sobject, found)
        if not found:
            raise not_found()
        self._org.writer.delete(sobject, found[0], asked.how)
        return Answer(204, b"")

    def changed(self, asked: Asked) -> Answer:
        """``GET sobjects/{object}/updated`` and ``…/deleted`` between ``start`` and ``end``."""
        sobject = self.sobject(asked)
        try:
            start, end = moment(asked.query["start"]), moment(asked.query["end"])
        except (KeyError, ValueError):
            told = "start and end are needed as 2026-11-25T00:00:00Z, their + sent as %2B"
            raise Refused.because("INVALID_REPLICATION_DATE", told, None) from None
        gone = asked.params["what"].lower() == "deleted"
        rows = [
            row
            for row in self._org.store.table(sobject.name).rows.values()
            if row["IsDeleted"] == gone and start <= row["SystemModstamp"] <= end
        ]
        covered = {"latestDateCovered": stamp(min(end, int(self._org.now())))}
        if not gone:
            return as_json(200, {"ids": [row["Id"] for row in rows], **covered})
        deleted = [{"id": r["Id"], "deletedDate": stamp(r["SystemModstamp"])} for r in rows]
        earliest = {"earliestDateAvailable": stamp(0)}
        return as_json(200, {"deletedRecords": deleted, **earliest, **covered})

    def query(self, asked: Asked) -> Answer:
        """``GET query?q=`` and ``queryAll?q=``."""
        if "q" not in asked.query:
            raise soql.malformed("A query string has to be specified")
        deleted = asked.params["what"].lower() == "queryall"
        query = Query(self._org.store, soql.read(asked.query["q"]), deleted=deleted)
        rows = query.rows()
        if query.counting:
            return as_json(200, {"totalSize": len(rows), "done": True, "records": []})
        return self._page(asked, Cursor(query, rows), 0, None)

    def query_more(self, asked: Asked) -> Answer:
        """``GET query/{cursor}``."""
        name, _, place = asked.params["cursor"].partition("-")
        cursor = self._org.cursors.get(name)
        if cursor is None or not place.isdecimal() or int(place) >= len(cursor.rows):
            raise Refused.because("INVALID_QUERY_LOCATOR", "invalid query locator", None)
        return self._page(asked, cursor, int(place), name)

    def limits(self, asked: Asked) -> Answer:
        """``GET limits``."""
        del asked
        daily = self._org.conditions().daily_calls
        told = {"DailyApiRequests": {"Max": daily, "Remaining": max(0, daily - self._org.used)}}
        jobs = self._org.book.calls
        for name, most, used in (
            ("DailyBulkV2QueryJobs", 10_000, jobs.get("query_job_create", 0)),
            ("DailyBulkApiBatches", 15_000, jobs.get("job_upload", 0)),
            ("DailyBulkV2QueryFileStorageMB", 976_562, 0),
            ("HourlyPublishedPlatformEvents", 50_000, 0),
            ("SingleEmail", 15, 0),
            ("DataStorageMB", 5, 0),
        ):
            told[name] = {"Max": most, "Remaining": most - used}
        return as_json(200, told)

    def sobject(self, asked: Asked) -> SObject:
        """The object that the path names.

        Raises:
            Refused: if there is none.
        """
        found = self._org.schema.find(asked.params["object"])
        if found is None:
            raise not_found()
        return found

    def _written(self, asked: Asked) -> SObject:
        return writable(self.sobject(asked))

    def _existing(self, sobject: SObject, record_id: str) -> Row:
        full = whole(record_id)
        row = self._org.store.table(sobject.name).rows.get(full or "")
        if row is None:
            told = "Provided external ID field does not exist or is not accessible: "
            raise not_found(told + record_id)
        if row["IsDeleted"]:
            raise Refused.because("ENTITY_IS_DELETED", "entity is deleted", [], 404)
        return row

    def _external(self, asked: Asked, sobject: SObject) -> list[str]:
        field = key_field(sobject, asked.params["field"])
        return self._org.writer.find(sobject, field, asked.params["value"])

    def _one(self, asked: Asked, sobject: SObject, row: Row) -> Answer:
        names = [name.strip() for name in asked.query.get("fields", "").split(",") if name.strip()]
        fields = [_named(sobject, name) for name in names] or list(sobject.fields.values())
        told: dict[str, Any] = {"attributes": attributes(sobject.name, row["Id"], asked.version)}
        told["Id"] = row["Id"]
        return as_json(200, {**told, **{field.name: shown(field, row) for field in fields}})

    def _page(self, asked: Asked, cursor: Cursor, start: int, name: str | None) -> Answer:
        end = start + self._page_size(asked)
        page = [cursor.query.record(row, asked.version) for row in cursor.rows[start:end]]
        done = end >= len(cursor.rows)
        told: dict[str, Any] = {"totalSize": len(cursor.rows), "done": done}
        if not done:
            name = name or self._org.keep(cursor)
            told["nextRecordsUrl"] = f"/services/data/v{asked.version}/query/{name}-{end}"
        return as_json(200, {**told, "records": page})

    def _page_size(self, asked: Asked) -> int:
        option = asked.headers.get("sforce-query-options", "").replace(" ", "")
        _, _, wanted = option.lower().partition("batchsize=")
        if wanted.isdecimal():
            return min(max(int(wanted), _LEAST_PAGE), _MOST_PAGE)
        return self._org.conditions().page


def writable(sobject: SObject) -> SObject:
    """The object, if the API may write its records.

    Raises:
        Refused: if not.
    """
    if not sobject.writable:
        told = f"entity type {sobject.name} does not support create or update in the sandbox"
        raise Refused.because("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", told, None)
    return sobject


def key_field(sobject: SObject, name: str) -> Field:
    """The field of an object by which records are found.

    Raises:
        Refused: if there is none, or nothing is found by it.
    """
    field = sobject.field(name)
    if field is None or not field.indexed:
        told = "Provided external ID field does not exist or is not accessible: "
        raise not_found(told + name)
    return field


def rows_of(value: Any) -> list[dict[str, Any]]:  # noqa: ANN401  (JSON)
    """``records`` of a body.

    Raises:
        Refused: if they are no list of objects.
    """
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise parser_error("Cannot deserialize: 'records' has to be a list of objects")
    return value


def texts_of(value: Any) -> list[str]:  # noqa: ANN401  (JSON)
    """A list of names or ids of a body.

    Raises:
        Refused: if it is none.
    """
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise parser_error("Cannot deserialize: a list of texts is wanted")
    return value


def _named(sobject: SObject, name: str) -> Field:
    field = sobject.field(name)
    if field is None:
        told = f"No such column '{name}' on sobject of type {sobject.name}"
        raise Refused.because("INVALID_FIELD", told, None)
    return field


def _several(asked: Asked, sobject: SObject, found: list[str]) -> Answer:
    base = f"/services/data/v{asked.version}/sobjects/{sobject.name}"
    return as_json(300, [f"{base}/{one}" for one in found])
