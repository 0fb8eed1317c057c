"""The records of the org, in memory, found fast by id and by what is indexed.

The rows of a table stand in the order in which they were last written, so that the poll for what
changed since then reads only that. A journal takes back what a call with ``allOrNone`` has
written.
"""

from collections.abc import Callable, Iterator
from typing import Any

from scripts.sandbox.salesforce.ids import IdMaker
from scripts.sandbox.salesforce.sobject import Schema, SObject

Row = dict[str, Any]
"""The values of one record by field name; what it has not is missing."""
Undo = Callable[[], None]


class Table:
    """All records of one object, the deleted ones among them.

    Args:
        sobject: what they are.
    """

    def __init__(self, sobject: SObject) -> None:
        self.sobject = sobject
        self.rows: dict[str, Row] = {}
        self.live = 0
        self._in_order = True
        indexed = [f.name for f in sobject.fields.values() if f.indexed and f.name != "Id"]
        self._indexes: dict[str, dict[str, dict[str, None]]] = {name: {} for name in indexed}

    def found(self, field: str, value: str) -> list[str]:
        """Ids of the live records with that value in an indexed field, case left aside."""
        return list(self._indexes[field].get(value.casefold(), ()))

    def is_indexed(self, field: str) -> bool:
        """Whether `found` knows the field."""
        return field in self._indexes

    def latest_first(self) -> Iterator[Row]:
        """All records, the one written last first."""
        if not self._in_order:
            self.rows = dict(sorted(self.rows.items(), key=lambda i: i[1]["SystemModstamp"]))
            self._in_order = True
        return reversed(self.rows.values())

    def put(self, row: Row) -> None:
        """Add or replace a record; it is the latest now."""
        self.drop(row["Id"])
        self.rows[row["Id"]] = row
        if row["IsDeleted"]:
            return
        self.live += 1
        for name, index in self._indexes.items():
            value = row.get(name)
            if value is not None:
                index.setdefault(value.casefold(), {})[row["Id"]] = None

    def restore(self, row: Row) -> None:
        """Put a record back as it was before it was written last."""
        self.put(row)
        self._in_order = False

    def drop(self, record_id: str) -> None:
        """Forget a record altogether."""
        old = self.rows.pop(record_id, None)
        if old is None or old["IsDeleted"]:
            return
        self.live -= 1
        for name, index in self._indexes.items():
            value = old.get(name)
            if value is not None:
                key = value.casefold()
                ids = index[key]
                ids.pop(record_id, None)
                if not ids:
                    del index[key]


class Store:
    """Every table of the org, and the ids that it gives.

    Attributes:
        touched: object and id of what was written since somebody emptied it, see `archive`.
    """

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.ids = IdMaker()
        self.tables = {each.name: Table(each) for each in schema}
        self.touched: dict[tuple[str, str], None] = {}
        self._journal: list[Undo] | None = None

    def table(self, name: str) -> Table:
        """The records of an object."""
        return self.tables[name]

    def save(self, sobject: str, row: Row) -> None:
        """Write one record; a row once written is never changed in place."""
        table = self.tables[sobject]
        old = table.rows.get(row["Id"])
        table.put(row)
        self.touched[sobject, row["Id"]] = None
        if old is None:
            self.remember(lambda: table.drop(row["Id"]))
        else:
            self.remember(lambda: table.restore(old))

    def remember(self, undo: Undo) -> None:
        """Note how the last change is taken back, if anybody might want that."""
        if self._journal is not None:
            self._journal.append(undo)

    def begin(self) -> int | None:
        """Begin to note changes; how many are noted already, None if it is we who begin."""
        if self._journal is None:
            self._journal = []
            return None
        return len(self._journal)

    def rollback(self, start: int) -> None:
        """Take back everything since there were ``start`` notes; notes are still taken."""
        journal = self._journal or []
        while len(journal) > start:
            journal.pop()()

    def end(self, mark: int | None) -> None:
        """Stop taking notes, if it was the `begin` that gave ``mark`` which began it."""
        if mark is None:
            self._journal = None
