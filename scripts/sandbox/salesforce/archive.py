"""The org beyond a restart: its records, ids and counts, a line for each call that changed any.

A line has the states that the records have after the call, so that what a call took back again is
never read as done, and a call whose line is only half there did not happen. Sessions, jobs, open
queries and messages on their way are not kept: they end with the process.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from scripts.sandbox.journal import Journal
from scripts.sandbox.salesforce.book import OrgBook
from scripts.sandbox.salesforce.store import Row, Store

_LITTLE = 2_000
"""States that may be in the file in vain, however few are not."""
_CHUNK = 500
Line = dict[str, Any]


class Archive:
    """Keeps what an org has written.

    Args:
        journal: where; what stands there is read into the org at once.
        store: its records, none of them written yet.
        book: its counts.
    """

    def __init__(self, journal: Journal, store: Store, book: OrgBook) -> None:
        self._journal: Journal | None = journal
        self._store, self._book = store, book
        read = self._read(journal)
        kept = sum(len(table.rows) for table in store.tables.values() if table.sobject.writable)
        if read - kept > max(kept, _LITTLE):
            journal.replace(self._whole())
        self._last = self._marks()

    def write(self) -> None:
        """Have in the file what has changed since the last time."""
        records, created, marks = self._store.touched, self._book.touched, self._marks()
        if self._journal is not None and (records or created or marks != self._last):
            self._journal.append(self._line(records, created))
        self._last = marks
        records.clear()
        created.clear()

    def end(self) -> None:
        """Keep nothing any more: another org has the file now."""
        self._journal = None

    def _marks(self) -> Line:
        book = self._book
        ids = dict(self._store.ids.counted)
        return {"writes": book.writes, "converted": book.converted, "ids": ids}

    def _line(self, records: Iterable[tuple[str, str]], created: Iterable[tuple[str, str]]) -> Line:
        """The present state of these records and counts; None stands for none."""
        rows: dict[str, dict[str, Row | None]] = {}
        for sobject, record_id in records:
            state = self._store.tables[sobject].rows.get(record_id)
            rows.setdefault(sobject, {})[record_id] = state
        times: dict[str, dict[str, int]] = {}
        for sobject, external in created:
            counted = self._book.created_by[sobject].get(external, 0)
            times.setdefault(sobject, {})[external] = counted
        return {"rows": rows, "created": times, **self._marks()}

    def _whole(self) -> Iterator[Line]:
        """Everything, in as few lines as are read well."""
        tables = [table for table in self._store.tables.values() if table.sobject.writable]
        records = ((table.sobject.name, one) for table in tables for one in table.rows)
        created = ((name, one) for name, times in self._book.created_by.items() for one in times)
        yield from (self._line(some, ()) for some in _chunks(records))
        yield from (self._line((), some) for some in _chunks(created))
        yield self._line((), ())

    def _read(self, journal: Journal) -> int:
        """Take over what the file has; how many states of records that was."""
        latest: dict[str, dict[str, Row | None]] = {}
        read = 0
        for line in journal.read():
            for sobject, rows in line["rows"].items():
                latest.setdefault(sobject, {}).update(rows)
                read += len(rows)
            self._count(line)
        for sobject, states in latest.items():
            rows = [row for row in states.values() if row is not None]
            table = self._store.table(sobject)
            for row in sorted(rows, key=lambda row: row["SystemModstamp"]):
                table.put(row)
        return read

    def _count(self, line: Mapping[str, Any]) -> None:
        for sobject, times in line["created"].items():
            known = self._book.created_by.setdefault(sobject, {})
            known.update(times)
            for external in [one for one, counted in times.items() if not counted]:
                del known[external]
        self._book.writes, self._book.converted = line["writes"], line["converted"]
        self._store.ids.counted.update(line["ids"])


def _chunks(each: Iterator[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    while some := list(islice(each, _CHUNK)):
        yield some
