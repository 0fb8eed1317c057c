"""Reading uploaded files: each row becomes a lead, or a problem somebody can repair.

A turn reads one slice and commits everything it came to together with where the next turn reads
on. So a crash anywhere repeats a slice whose effects were undone, and nothing is kept twice.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from agents.agent import Done, Outcome, Refuse, Turn
from agents.messages import ImportLeads, LeadFound
from policies.csv_files import SLICE_BYTES, Slice, read_slice
from policies.csv_layout import Position
from policies.import_plan import ImportPlan
from policies.import_rows import RowProblem, RowReader, Rows
from storage import activities, imports, leads
from storage.activities import Activity
from storage.database import Connection
from storage.imports import Import, ImportNotFound, ImportProblem, ImportStatus, Progress
from storage.leads import Kept
from storage.mailbox import Lane
from storage.sealing import Sealer

ROLE = "prospector"
ROWS_A_TURN = 5_000
PARTS_AT_ONCE = 4
MOST_PROBLEMS = 100_000
"""Kept of one import; more are only counted."""
HOPELESS_ROWS = 1000
"""If none of so many first rows can be read, the file is something else than its plan says."""


class FileReader:
    """Reads uploaded files of leads.

    Args:
        sealer: opens the parts of the file, seals its people.
        rows: read in one turn, at most.
    """

    def __init__(self, sealer: Sealer, *, rows: int = ROWS_A_TURN) -> None:
        self._sealer = sealer
        self._rows = rows
        self._ahead: dict[UUID, _Step] = {}

    async def read_on(self, import_id: UUID, turn: Turn) -> Outcome:
        """Read the next slice of a file, from where the last turn stopped."""
        try:
            async with turn.database.transaction() as db:
                found = await imports.get(db, import_id)
        except ImportNotFound:
            return Refuse("there is no such import any more")
        if found.status is ImportStatus.RECEIVING:
            return Refuse("the upload of this file was never finished: send the file again")
        if not _is_open(found):
            return Done()
        try:
            plan = ImportPlan.model_validate(found.plan)
        except ValidationError:
            return await self._fail(found, turn, "Its plan cannot be read by this version.")
        try:
            step = await self._step(found, plan, _Place.of(found, plan), turn)
        except _PartsMissing:
            return await self._fail(found, turn, "The upload is incomplete: send the file again.")
        return await self._commit_reading_ahead(found, plan, step, turn)

    async def _commit_reading_ahead(
        self, found: Import, plan: ImportPlan, step: "_Step", turn: Turn
    ) -> Outcome:
        """Commit a step; while the database is at it, read the next one.

        What was read ahead is only a copy of what the next turn would read itself.
        """
        reading = asyncio.create_task(self._read_ahead(found, plan, step, turn))
        try:
            outcome = await self._commit(found, step, turn)
        except BaseException:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            raise
        ahead = await reading
        if ahead is not None:
            self._ahead = {found.id: ahead}
        return outcome

    async def _read_ahead(
        self, found: Import, plan: ImportPlan, step: "_Step", turn: Turn
    ) -> "_Step | None":
        self._ahead.clear()
        if step.piece.done:
            return None
        try:
            return await self._step(found, plan, step.after, turn)
        except _PartsMissing:
            return None

    async def _step(self, found: Import, plan: ImportPlan, place: "_Place", turn: Turn) -> "_Step":
        """Read the slice that begins at ``place``; nothing is written."""
        ahead = self._ahead.pop(found.id, None)
        if ahead is not None and ahead.before == place:
            return ahead
        data, sizes = await self._data(found, place, turn)
        total = found.bytes_total
        return await asyncio.to_thread(_read, data, sizes, plan, place, total, self._rows)

    async def _data(
        self, found: Import, place: "_Place", turn: Turn
    ) -> tuple[bytes, Sequence[int]]:
        """The file from ``place`` on, a slice or all that is left; and the sizes of its parts."""
        parts: list[bytes] = []
        skip = place.position.offset - place.part_offset
        wanted = min(skip + SLICE_BYTES, found.bytes_total - place.part_offset)
        while sum(map(len, parts)) < wanted:
            async with turn.database.transaction() as db:
                more = await imports.read_parts(
                    db, self._sealer, found.id, place.part + len(parts), PARTS_AT_ONCE
                )
            if not more:
                raise _PartsMissing
            parts += more
        return b"".join(parts)[skip:], [len(part) for part in parts]

    async def _commit(self, found: Import, step: "_Step", turn: Turn) -> Outcome:
        """Keep everything a slice came to, or nothing."""
        drafts = [row.draft for row in step.rows.drafts]
        async with turn.commit() as db:
            current = await imports.lock(db, found.id)
            if not _is_open(current) or current.position != found.position:
                return Done()  # another turn was here, or a person ended it
            kept = await leads.keep(db, self._sealer, drafts, now=turn.now, import_id=found.id)
            await self._keep_problems(db, current, step.rows.problems)
            await _tell(db, kept, found, turn)
            progress = step.progress(kept)
            await imports.progress(db, found.id, step.after.as_json(), progress)
            await imports.drop_parts_before(db, found.id, step.after.part)
            for lead_id in dict.fromkeys(k.id for k in kept if k.created or k.changed):
                turn.post("enricher", LeadFound(lead_id), lane=Lane.BULK)
            await self._go_on(db, current, step, turn)
        return Done()

    async def _go_on(self, db: Connection, found: Import, step: "_Step", turn: Turn) -> None:
        """Ask for the next slice, or end the import."""
        if reason := _hopeless(found, step):
            await imports.finish(db, found.id, ImportStatus.FAILED, problem=reason, now=turn.now)
        elif step.piece.done:
            await imports.finish(db, found.id, ImportStatus.DONE, now=turn.now)
        else:
            turn.post(ROLE, ImportLeads(found.id), lane=Lane(turn.envelopes[0].lane))

    async def _keep_problems(
        self, db: Connection, found: Import, problems: Sequence[RowProblem]
    ) -> None:
        room = max(MOST_PROBLEMS - found.failed - found.warnings, 0)
        told = [
            ImportProblem(p.line, p.row, p.severity, p.problem, p.column, p.record)
            for p in problems[:room]
        ]
        if told:
            await imports.add_problems(db, self._sealer, found.id, told)

    async def _fail(self, found: Import, turn: Turn, problem: str) -> Outcome:
        async with turn.commit() as db:
            await imports.finish(db, found.id, ImportStatus.FAILED, problem=problem, now=turn.now)
        return Done()


class _PartsMissing(Exception):
    """The kept parts end before the file does."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a turn reads on: the record, and the kept part of the file that it begins in."""

    position: Position
    part: int
    part_offset: int

    @classmethod
    def of(cls, found: Import, plan: ImportPlan) -> "_Place":
        told = dict(found.position)
        if not told:
            return cls(plan.layout.start, 0, 0)
        part, part_offset = told.pop("part"), told.pop("part_offset")
        return cls(Position(**told), part, part_offset)

    def moved(self, position: Position, sizes: Sequence[int]) -> "_Place":
        """The place at ``position``, in one of the next parts, whose ``sizes`` are given."""
        part, part_offset = self.part, self.part_offset
        for size in sizes:
            if position.offset < part_offset + size:
                break
            part, part_offset = part + 1, part_offset + size
        return _Place(position, part, part_offset)

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self.position), "part": self.part, "part_offset": self.part_offset}


@dataclass(frozen=True, slots=True)
class _Step:
    """What one turn read."""

    before: _Place
    after: _Place
    piece: Slice
    rows: Rows

    def progress(self, kept: Sequence[Kept]) -> Progress:
        created = sum(each.created for each in kept)
        begun = 0 if self.before.position.row == 0 else self.before.position.offset
        errors = sum(problem.severity == "error" for problem in self.rows.problems)
        return Progress(
            bytes_done=self.after.position.offset - begun,
            rows_read=self.after.position.row - self.before.position.row,
            created=created,
            merged=len(kept) - created,
            failed=errors,
            warnings=len(self.rows.problems) - errors,
        )


def _read(
    data: bytes, sizes: Sequence[int], plan: ImportPlan, place: _Place, total: int, most: int
) -> _Step:
    """Read what ``data`` holds, in a thread; ``total`` is the size of the file."""
    last = place.position.offset + len(data) >= total
    piece = read_slice(data, plan.layout, place.position, last=last, most=most)
    return _Step(place, place.moved(piece.position, sizes), piece, RowReader(plan).read(piece))


def _is_open(found: Import) -> bool:
    return found.status in {ImportStatus.QUEUED, ImportStatus.RUNNING}


def _hopeless(found: Import, step: _Step) -> str | None:
    rows = step.after.position.row
    if rows < HOPELESS_ROWS or step.rows.drafts or found.created or found.merged:
        return None
    first = next((p.problem for p in step.rows.problems if p.severity == "error"), "")
    return f"None of the first {rows:,} rows could be read. {first}"


async def _tell(db: Connection, kept: Sequence[Kept], found: Import, turn: Turn) -> None:
    """Write the timelines of the leads."""
    details = {"import_id": str(found.id), "source": found.source}
    made = [each.id for each in kept if each.created]
    merged = [each.id for each in kept if each.changed and not each.created]
    for kind, ids in (("lead.created", made), ("lead.merged", merged)):
        told = Activity(turn.now, None, kind, ROLE, details, turn.correlation_id)
        await activities.record_for(db, ids, told)
