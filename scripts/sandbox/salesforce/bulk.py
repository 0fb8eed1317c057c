"""Bulk API 2.0, ingest: the life of a job.

``Open`` → ``UploadComplete`` → ``InProgress`` → ``JobComplete`` or ``Failed``, or ``Aborted`` on
the way. A closed job is worked off beside the calls, a chunk of 200 rows at a time.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from scripts.sandbox.salesforce.errors import Problem, Refused, not_found
from scripts.sandbox.salesforce.jobs import (
    DELIMITERS,
    ENDED,
    Job,
    Line,
    Unreadable,
    wrong_state,
)
from scripts.sandbox.salesforce.many import Many
from scripts.sandbox.salesforce.org import Asked, Org
from scripts.sandbox.salesforce.records import key_field, writable
from scripts.sandbox.server import Answer, as_json

OPERATIONS = ("insert", "update", "upsert", "delete", "hardDelete")
CHUNK = 200


class Ingest:
    """Every ingest job of the org.

    Args:
        org: whose.
    """

    def __init__(self, org: Org) -> None:
        self._org, self._many = org, Many(org)
        self._jobs: dict[str, Job] = {}
        self._working: set[asyncio.Task[None]] = set()

    def create(self, asked: Asked) -> Answer:
        """``POST jobs/ingest``."""
        body = asked.json_object()
        sobject = self._org.schema.find(str(body.get("object", "")))
        if sobject is None:
            raise _invalid(f"InvalidEntity : no object {body.get('object')!r}", "INVALIDENTITY")
        operation = _one_of(body, "operation", OPERATIONS, None)
        _one_of(body, "contentType", ("CSV",), "CSV")
        key = body.get("externalIdFieldName")
        if (operation == "upsert") != (key is not None):
            raise _invalid("InvalidJob : externalIdFieldName is needed for upsert, and only there")
        if key is not None:
            key = key_field(sobject, str(key)).name
        job = Job(
            id=self._org.store.ids.new("IngestJob"),
            sobject=writable(sobject),
            operation=operation,
            key=key,
            line_ending=_one_of(body, "lineEnding", ("LF", "CRLF"), "LF"),
            delimiter=_one_of(body, "columnDelimiter", tuple(DELIMITERS), "COMMA"),
            version=asked.version,
            how=asked.how,
            created=self._org.now(),
        )
        self._jobs[job.id] = job
        return as_json(200, job.told())

    def upload(self, asked: Asked) -> Answer:
        """``PUT jobs/ingest/{id}/batches``, once."""
        job = self._job(asked)
        if not asked.headers.get("content-type", "").lower().startswith("text/csv"):
            told = "Only text/csv is taken here"
            raise Refused.because("INVALIDCONTENTTYPE", told, None)
        if job.data is not None or job.state != "Open":
            raise wrong_state(
                f"Found multiple contents for job: <{job.id}>, please 'Close' / 'Abort' / 'Delete' "
                "the current Job then create a new Job and make sure you only do 'PUT' once on a "
                "given Job."
            )
        if len(asked.body) > self._org.conditions().bulk_largest:
            told = "the upload exceeds 150 MB once it is encoded in base64"
            raise Refused.because("REQUEST_ENTITY_TOO_LARGE", told, None, 413)
        job.data = asked.body
        return Answer(201, b"")

    def close(self, asked: Asked) -> Answer:
        """``PATCH jobs/ingest/{id}``: close it, or give it up."""
        job, wanted = self._job(asked), asked.json_object().get("state")
        if wanted == "Aborted":
            if job.state in ENDED:
                raise wrong_state(f"Aborting already {job.state} Job not allowed")
            job.move("Aborted", self._org.now())
        elif wanted == "UploadComplete":
            if job.state != "Open":
                raise wrong_state(f"Closing already {job.state} Job not allowed")
            if job.data is None:
                raise wrong_state("Closing a job without data is not allowed: upload it first")
            job.move("UploadComplete", self._org.now())
            task = asyncio.get_running_loop().create_task(self._work(job))
            self._working.add(task)
            task.add_done_callback(self._working.discard)
        else:
            raise _invalid("InvalidJob : state has to be UploadComplete or Aborted")
        return as_json(200, job.told())

    def poll(self, asked: Asked) -> Answer:
        """``GET jobs/ingest/{id}``."""
        return as_json(200, self._job(asked).progress())

    def listed(self, asked: Asked) -> Answer:
        """``GET jobs/ingest``; all in one page."""
        wanted = asked.query.get("jobType", "V2Ingest")
        jobs = self._jobs.values() if wanted == "V2Ingest" else []
        told = [{**job.told(), "jobType": "V2Ingest"} for job in jobs]
        return as_json(200, {"done": True, "records": told, "nextRecordsUrl": None})

    def results(self, asked: Asked) -> Answer:
        """``GET jobs/ingest/{id}/successfulResults`` and its like."""
        job = self._job(asked)
        if job.state not in ENDED:
            raise wrong_state(f"Job is in state {job.state}: results are there when it has ended")
        text = job.result(asked.params["results"])
        return Answer(200, text.encode(), media_type="text/csv;charset=UTF-8")

    def delete(self, asked: Asked) -> Answer:
        """``DELETE jobs/ingest/{id}``."""
        job = self._job(asked)
        if job.state in {"Open", "InProgress"}:
            raise wrong_state(f"Deleting {job.state} Job not allowed")
        if job.state not in ENDED:
            job.move("Aborted", self._org.now())
        del self._jobs[job.id]
        return Answer(204, b"")

    def _job(self, asked: Asked) -> Job:
        wanted = asked.params["id"]
        job = self._jobs.get(wanted) or next(
            (job for name, job in self._jobs.items() if name[:15] == wanted), None
        )
        if job is None:
            raise not_found()
        return job

    async def _work(self, job: Job) -> None:
        now = self._org.conditions()
        await asyncio.sleep(now.bulk_queued)
        if not job.is_in("UploadComplete"):
            return
        job.move("InProgress", self._org.now())
        try:
            job.read()
        except Unreadable as error:
            self._fail(job, str(error))
            return
        fails = bool(now.bulk_fails) and self._org.chance.random() < now.bulk_fails
        end = len(job.lines) // 2 if fails else len(job.lines)
        nap = now.bulk_seconds / max(1, -(-end // CHUNK))
        for start in range(0, end, CHUNK):
            await asyncio.sleep(nap)
            if not job.is_in("InProgress"):
                return
            lines = job.lines[start : min(start + CHUNK, end)]
            job.settle(lines, self._written(job, lines))
            self._org.archive.write()
        if fails:
            self._fail(job, "InternalServerError : the server ended the job before its end")
        elif job.is_in("InProgress"):
            job.move("JobComplete", self._org.now())

    def _fail(self, job: Job, told: str) -> None:
        job.error = told
        job.move("Failed", self._org.now())

    def _written(self, job: Job, lines: Sequence[Line]) -> list[dict[str, Any]]:
        rows = [job.row(line) for line in lines]
        writer, sobject, how = self._org.writer, job.sobject, job.how
        if job.operation == "upsert" and job.key is not None:
            field = key_field(sobject, job.key)
            return self._many.upserted(sobject, field, rows, how, all_or_none=False)

        def write(row: dict[str, Any]) -> dict[str, Any]:
            if job.operation == "insert":
                made = writer.insert(sobject, row, how)
                return {"id": made, "success": True, "errors": [], "created": True}
            given = dict(row)
            name = next((key for key in given if key.lower() == "id"), None)
            record = str(given.pop(name)) if name else ""
            if not record:
                raise Refused(Problem("MISSING_ARGUMENT", "Id not specified", ["Id"]))
            if job.operation == "update":
                writer.update(sobject, record, given, how)
            else:
                writer.delete(sobject, record, how)
            return {"id": record, "success": True, "errors": [], "created": False}

        return self._many.results(rows, write, all_or_none=False)


def _one_of(body: dict[str, Any], name: str, known: Sequence[str], usual: str | None) -> str:
    value = body.get(name, usual)
    if value not in known:
        raise _invalid(f"InvalidJob : {name} {value!r}; it has to be one of {', '.join(known)}")
    return str(value)


def _invalid(told: str, code: str = "INVALIDJOB") -> Refused:
    return Refused.because(code, told, None)
