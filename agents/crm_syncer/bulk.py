"""A bulk job, step by step: each is kept before the next is taken, and may be taken twice.

A job that was opened twice leaves an empty one behind, which does nothing and is removed by the
CRM after seven days. An upload that is refused was taken before. Results are joined by external
id; what the CRM never looked at comes again by collections.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from agents.agent import Done, Outcome, Turn
from agents.crm_syncer.erasing import Eraser
from agents.crm_syncer.line import Later, Line
from agents.crm_syncer.outcomes import ROLE, Outcomes
from agents.crm_syncer.ports import SyncOptions
from agents.crm_syncer.records import Records, Row
from agents.errors import AnswerError, VendorError
from agents.messages import FollowJob, SyncLead
from policies.crm_csv import csv_of
from policies.crm_document import CrmMapping
from policies.crm_mapping import fits
from policies.crm_records import JobPhase, JobResults, JobRow, JobState
from policies.crm_sync import Verdict, poll_after
from policies.lead import LeadId
from storage import crm, crm_jobs, crm_tries
from storage.crm_jobs import OVER, Job, Progress, Step
from storage.database import Connection

RESULT_CALLS = 4


@dataclass(frozen=True, slots=True)
class _Load:
    """What a job is handed.

    Attributes:
        rest: leads of which it carries nothing after all; they come by collections.
    """

    rows: list[Row]
    csv: bytes
    rest: list[LeadId]


class BulkJobs:
    """Follows bulk jobs."""

    def __init__(self, records: Records, line: Line, eraser: Eraser, options: SyncOptions) -> None:
        self._records = records
        self._line = line
        self._eraser = eraser
        self._options = options

    async def follow(self, job_id: UUID, turn: Turn) -> Outcome:
        """Take the next step of a job.

        Raises:
            Later, VendorError: if the CRM cannot be asked; the step is taken again.
        """
        async with turn.database.transaction() as db:
            job = await crm_jobs.get(db, job_id)
            kept = await crm.mapping_version(db, job.mapping_version)
        if job.step in OVER:
            return Done()
        mapping = kept.mapping if kept is not None else None
        if mapping is None:
            return await self._fail(job, "its mapping is gone", turn, calls=0)
        match job.step:
            case Step.INTENDED:
                return await self._create(job, mapping, turn)
            case Step.CREATED:
                return await self._upload(job, mapping, turn)
            case Step.UPLOADED:
                return await self._close(job, turn)
            case Step.CLOSED:
                return await self._poll(job, turn)
            case _:
                return await self._collect(job, mapping, turn)

    async def _create(self, job: Job, mapping: CrmMapping, turn: Turn) -> Outcome:
        if not job.records:
            return await self._fail(job, "there is nothing left to send", turn, calls=0)
        await turn.reach("crm.before")
        async with self._line.calling(turn.database, "crm.job.create") as to:
            crm_job_id = await to.start_job(job.sobject, "upsert", mapping.external_id)
        await turn.reach("crm.after")
        return await self._go_on(job, Progress(Step.CREATED, crm_job_id=crm_job_id), turn)

    async def _upload(self, job: Job, mapping: CrmMapping, turn: Turn) -> Outcome:
        load = await self._load(job, mapping, turn)
        if not load.rows:
            return await self._fail(job, "there is nothing left to send", turn, calls=0)
        await turn.reach("crm.before")
        try:
            async with self._line.calling(turn.database, "crm.job.upload") as to:
                await to.upload(_id_of(job), load.csv)
        except AnswerError as error:
            if not job.upload_tried:
                return await self._fail(job, str(error), turn)
        await turn.reach("crm.after")
        return await self._go_on(job, Progress(Step.UPLOADED), turn, rest=load.rest)

    async def _load(self, job: Job, mapping: CrmMapping, turn: Turn) -> _Load:
        """Choose what is handed over, and write that down."""
        async with turn.intent() as db:
            links = await crm_jobs.links(db, job.id)
            ids = [link.lead_id for link in links]
            rows = _worth_sending(await self._records.rows(db, ids, mapping), mapping)
            rows, csv = _bounded(rows, mapping, self._options.bulk_bytes)
            tries = [row.tried() for row in rows]
            await crm_jobs.handing_over(db, job.id, tries, turn.now)
        handed = {row.id for row in rows}
        return _Load(rows, csv, [each for each in ids if each not in handed])

    async def _close(self, job: Job, turn: Turn) -> Outcome:
        await turn.reach("crm.before")
        calls = 1
        try:
            async with self._line.calling(turn.database, "crm.job.close") as to:
                await to.close(_id_of(job))
        except AnswerError as error:
            calls += 1
            state = await self._state(job, turn)
            if state is None or state.state is JobPhase.OPEN:
                return await self._fail(job, str(error), turn, calls=calls)
        await turn.reach("crm.after")
        wait = poll_after(0)
        return await self._go_on(job, Progress(Step.CLOSED, calls), turn, wait)

    async def _poll(self, job: Job, turn: Turn) -> Outcome:
        state = await self._state(job, turn)
        if state is None:
            return await self._fail(job, "the CRM does not know it any more", turn)
        told = Progress(Step.ENDED, 1, None, state.processed, state.failed, state.message or None)
        if state.state.ended:
            return await self._go_on(job, told, turn)
        if turn.now - (job.closed_at or turn.now) < self._options.give_up:
            waiting = Progress(Step.CLOSED, 1, None, state.processed, state.failed)
            return await self._go_on(job, waiting, turn, poll_after(job.polls + 1))
        try:
            async with self._line.calling(turn.database, "crm.job.abort") as to:
                await to.abort(_id_of(job))
        except AnswerError:
            pass  # it is over by now: its results tell
        hours = self._options.give_up / timedelta(hours=1)
        given_up = f"it was not over after {hours:g} hours and was aborted"
        return await self._go_on(job, Progress(Step.ENDED, 2, problem=given_up), turn)

    async def _state(self, job: Job, turn: Turn) -> JobState | None:
        try:
            async with self._line.calling(turn.database, "crm.job.poll") as to:
                return await to.job(_id_of(job))
        except AnswerError:
            return None

    async def _collect(self, job: Job, mapping: CrmMapping, turn: Turn) -> Outcome:
        await turn.reach("crm.before")
        try:
            async with self._line.calling(turn.database, "crm.job.results") as to:
                results = await to.job_results(_id_of(job))
        except AnswerError:
            results = JobResults([], [], [])
        await turn.reach("crm.after")
        async with turn.database.transaction() as db:
            ids = [link.lead_id for link in await crm_jobs.links(db, job.id)]
            rows = {str(row.id): row for row in await self._records.rows(db, ids, mapping)}
        outcomes = Outcomes(mapping, job.mapping_version, self._options, job.id, turn.now)
        await self._taken(results.succeeded, rows, outcomes, turn)
        for told in results.failed:
            row = rows.get(told.key)
            if row is not None and told.errors:
                ruling = outcomes.refused(row, told.errors, bulk=True)
                if ruling.verdict in {Verdict.MERGE, Verdict.ONE_BY_ONE}:
                    outcomes.again[row.id] = None
        taken = [row for told in results.succeeded if (row := rows.get(told.key))]
        async with turn.database.transaction() as db:
            for row in await self._records.opportunities(db, taken, mapping, turn.now):
                outcomes.again.setdefault(row.id, None)
        usage = await self._line.usage()
        async with turn.commit() as db:
            await crm.heard(db, usage, now=turn.now)
            await self._over(db, job, results, outcomes, turn)
        return Done()

    async def _taken(
        self,
        succeeded: Sequence[JobRow],
        rows: dict[str, Row],
        outcomes: Outcomes,
        turn: Turn,
    ) -> None:
        pairs = [(rows[told.key], told) for told in succeeded if told.key in rows]
        made_anew = [
            (row, told.id)
            for row, told in pairs
            if told.id and told.created and row.is_other(told.id)
        ]
        undone: set[LeadId] = set()
        if made_anew and not self._options.recreate:
            undone = await self._eraser.undo(made_anew, turn.database)
        for row, told in pairs:
            if row.id in undone:
                outcomes.is_gone(row)
            else:
                outcomes.taken(row, told.id)

    async def _over(
        self,
        db: Connection,
        job: Job,
        results: JobResults,
        outcomes: Outcomes,
        turn: Turn,
    ) -> None:
        """Keep the results; what is left of the job, or changed meanwhile, comes again."""
        await crm_tries.lock(db, [link.lead_id for link in await crm_jobs.links(db, job.id)])
        await outcomes.keep(db, turn)
        settled = [each.lead_id for each in outcomes.results]
        left = await crm_jobs.release(db, job.id, None, now=turn.now)
        again = {*left, *await crm_jobs.behind(db, settled)} - outcomes.again.keys()
        for lead_id in sorted(again):
            turn.post(ROLE, SyncLead(lead_id))
        done = Progress(
            Step.DONE,
            RESULT_CALLS,
            None,
            len(results.succeeded) + len(results.failed),
            len(results.failed),
        )
        await crm_jobs.advance(db, job, done, now=turn.now)

    async def _go_on(
        self,
        job: Job,
        progress: Progress,
        turn: Turn,
        wait: timedelta | None = None,
        rest: Sequence[LeadId] = (),
    ) -> Outcome:
        """Keep a step and post the next, with what the job does not carry after all."""
        async with turn.commit() as db:
            if await crm_jobs.advance(db, job, progress, now=turn.now):
                due_at = turn.now + wait if wait else None
                turn.post(ROLE, FollowJob(job.id), due_at=due_at)
                for lead_id in await crm_jobs.release(db, job.id, rest, now=turn.now):
                    turn.post(ROLE, SyncLead(lead_id))
        return Done()

    async def _fail(self, job: Job, problem: str, turn: Turn, *, calls: int = 1) -> Outcome:
        """Give a job up; its leads come by collections."""
        if job.crm_job_id is not None and job.step is not Step.CLOSED:
            await self._abort(job, turn)
        async with turn.commit() as db:
            failed = Progress(Step.FAILED, calls, problem=problem)
            if await crm_jobs.advance(db, job, failed, now=turn.now):
                for lead_id in await crm_jobs.release(db, job.id, None, now=turn.now):
                    turn.post(ROLE, SyncLead(lead_id))
        return Done()

    async def _abort(self, job: Job, turn: Turn) -> None:
        try:
            async with self._line.calling(turn.database, "crm.job.abort") as to:
                await to.abort(_id_of(job))
        except (VendorError, Later):
            return  # it holds no rows, or is over: it does nothing more


def _worth_sending(rows: Sequence[Row], mapping: CrmMapping) -> list[Row]:
    """What is new or changed, and whatever may have been handed over before."""
    return [
        row
        for row in rows
        if (row.link is not None and row.link.tried_hash is not None)
        or (fits(mapping.audience, row.lead) and not row.unchanged)
    ]


def _bounded(rows: list[Row], mapping: CrmMapping, most: int) -> tuple[list[Row], bytes]:
    """The rows as CSV, as many of them as it takes."""
    while True:
        csv = csv_of((row.record for row in rows), mapping.columns)
        if len(csv) <= most or len(rows) <= 1:
            return rows, csv
        rows = rows[: max(1, len(rows) * most // len(csv) * 9 // 10)]


def _id_of(job: Job) -> str:
    if job.crm_job_id is None:
        raise ValueError(f"job {job.id} was never opened")
    return job.crm_job_id
