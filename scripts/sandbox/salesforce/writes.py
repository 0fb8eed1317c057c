"""Every way in which a record is written, one at a time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from scripts.sandbox.salesforce import rules
from scripts.sandbox.salesforce.book import OrgBook
from scripts.sandbox.salesforce.conditions import OrgConditions
from scripts.sandbox.salesforce.errors import Problem, Refused, locked, not_found
from scripts.sandbox.salesforce.fields import Field
from scripts.sandbox.salesforce.ids import PREFIXES, made, whole
from scripts.sandbox.salesforce.sobject import SObject
from scripts.sandbox.salesforce.store import Row, Store

INTEGRATION_USER = made("User", 1_000_001)
SALES_USER = made("User", 1_000_002)


@dataclass(frozen=True, slots=True)
class How:
    """How a caller wants its rows written.

    Attributes:
        user: who writes.
        version: of the API, such as ``59.0``.
        allow_save: save in spite of a duplicate rule that only warns.
    """

    user: str = INTEGRATION_USER
    version: str = "59.0"
    allow_save: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """One record that was written.

    Attributes:
        before: None for a new one.
        fields: names of those that differ.
    """

    sobject: str
    before: Row | None
    after: Row
    fields: frozenset[str]


class Writer:
    """Writes records by the org's rules.

    Args:
        store: where they are.
        book: counts them.
        conditions: how the org behaves now.
        now: Unix seconds.
        chance: of a row lock.
    """

    def __init__(
        self,
        store: Store,
        book: OrgBook,
        conditions: Callable[[], OrgConditions],
        now: Callable[[], float],
        chance: Random,
    ) -> None:
        self.store, self.book = store, book
        self.now = now
        self._conditions, self._chance = conditions, chance
        self.listeners: list[Callable[[Change], None]] = []

    def insert(self, sobject: SObject, given: Mapping[str, Any], how: How) -> str:
        """Create a record and return its id.

        Raises:
            Refused: if the org does not take it.
        """
        values = rules.taken(self.store, sobject, given)
        now = int(self.now())
        row: Row = {
            "Id": self.store.ids.new(sobject.name),
            "IsDeleted": False,
            "OwnerId": how.user,
            "CreatedDate": now,
            "CreatedById": how.user,
            **{f.name: f.default for f in sobject.fields.values() if f.default},
            **{name: value for name, value in values.items() if value is not None},
        }
        self._check(sobject, row, values, how)
        self._save(sobject, None, row, how)
        self.book.created(sobject.name, row)
        return row["Id"]

    def update(self, sobject: SObject, record_id: str, given: Mapping[str, Any], how: How) -> None:
        """Change a record.

        Raises:
            Refused: if there is none, or the org does not take the change.
        """
        old = self.live(sobject, record_id)
        values = rules.taken(self.store, sobject, given)
        if old.get("IsConverted"):
            told = "cannot reference converted lead"
            raise Refused.because("CANNOT_UPDATE_CONVERTED_LEAD", told, [])
        merged = {**old, **values}
        row = {name: value for name, value in merged.items() if value is not None}
        changed = {name: v for name, v in values.items() if old.get(name) != v}
        self._check(sobject, row, changed, how)
        self._save(sobject, old, row, how)

    def upsert(
        self, sobject: SObject, field: Field, value: str, given: Mapping[str, Any], how: How
    ) -> tuple[str, bool]:
        """Update the record with that external id, or create it; its id and whether it is new.

        Raises:
            Refused: as the two do, and if several records have it.
        """
        found = self.find(sobject, field, value)
        if len(found) > 1:
            several = ", ".join(found)
            told = f"{field.name}: more than one record found for external id field: [{several}]"
            raise Refused.because("DUPLICATE_EXTERNAL_ID", told, [field.name])
        if found:
            self.update(sobject, found[0], given, how)
            return found[0], False
        if field.name == "Id":
            raise not_found("Provided external ID field does not exist or is not accessible: Id")
        return self.insert(sobject, {**given, field.name: value}, how), True

    def find(self, sobject: SObject, field: Field, value: str) -> list[str]:
        """Ids of the live records with that value in a field that is an index."""
        if field.name != "Id":
            return self.store.table(sobject.name).found(field.name, value)
        full = whole(value)
        row = self.store.table(sobject.name).rows.get(full or "")
        return [row["Id"]] if row is not None and not row["IsDeleted"] else []

    def delete(self, sobject: SObject, record_id: str, how: How) -> None:
        """Put a record into the bin.

        Raises:
            Refused: if it is there already, or never was.
        """
        old = self.live(sobject, record_id)
        if problem := self._lock(old["Id"]):
            raise Refused(problem)
        self._save(sobject, old, {**old, "IsDeleted": True}, how)

    def undelete(self, sobject: SObject, record_id: str, how: How) -> None:
        """Take a record out of the bin.

        Raises:
            Refused: if it is not in it.
        """
        old = self.store.table(sobject.name).rows.get(record_id)
        if old is None or not old["IsDeleted"]:
            raise Refused.because("UNDELETE_FAILED", "entity is not in the recycle bin", [])
        self._save(sobject, old, {**old, "IsDeleted": False}, how)

    def put(self, sobject: SObject, old: Row, changes: Mapping[str, Any], how: How) -> None:
        """Write what only the org itself may write, such as the marks of a conversion."""
        self._save(sobject, old, {**old, **changes}, how)

    def live(self, sobject: SObject, record_id: str) -> Row:
        """A record that is not deleted.

        Raises:
            Refused: if there is none of that id.
        """
        full = whole(record_id)
        if full is None or full[:3] != PREFIXES[sobject.name]:
            told = f"{sobject.label} ID: id value of incorrect type: {record_id}"
            raise Refused.because("MALFORMED_ID", told, ["Id"])
        row = self.store.table(sobject.name).rows.get(full)
        if row is None:
            raise Refused.because(
                "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [], 404
            )
        if row["IsDeleted"]:
            raise Refused.because("ENTITY_IS_DELETED", "entity is deleted", [], 404)
        return row

    def _check(self, sobject: SObject, row: Row, changed: Row, how: How) -> None:
        problem = rules.check(self.store, sobject, row, changed=changed)
        if problem is None and "Email" in changed:
            problem = self._same_person(sobject, row, how)
        problem = problem or self._lock(row["Id"])
        if problem is not None:
            raise Refused(problem)

    def _same_person(self, sobject: SObject, row: Row, how: How) -> Problem | None:
        rule = self._conditions().duplicate_rule
        if rule == "off" or (rule == "alert" and how.allow_save):
            return None
        return rules.same_person(
            self.store, sobject, row, allow_save=rule == "alert", version=how.version
        )

    def _lock(self, record_id: str) -> Problem | None:
        share = self._conditions().lock_share
        if share and self._chance.random() < share:
            return locked(record_id)
        return None

    def _save(self, sobject: SObject, before: Row | None, row: Row, how: How) -> None:
        now = int(self.now())
        row["LastModifiedDate"] = row["SystemModstamp"] = now
        row["LastModifiedById"] = how.user
        if "LastName" in row:
            row["Name"] = " ".join(filter(None, (row.get("FirstName"), row["LastName"])))
        if "StageName" in row:
            row["IsClosed"] = row["StageName"].startswith("Closed")
            row["IsWon"] = row["StageName"] == "Closed Won"
        self.store.save(sobject.name, row)
        if how.user == INTEGRATION_USER:
            self.book.wrote()
        old = before or {}
        fields = frozenset(
            name for name in row.keys() | old.keys() if old.get(name) != row.get(name)
        )
        for listener in self.listeners:
            listener(Change(sobject.name, before, row, fields))
