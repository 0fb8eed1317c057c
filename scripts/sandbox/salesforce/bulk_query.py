"""Bulk API 2.0, query: a small one, whose answer is ready as soon as the conditions say.

Sources: the wire reference, section 9: ``Sforce-Locator`` is the word ``null`` on the last page.
"""

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from scripts.sandbox.salesforce import soql
from scripts.sandbox.salesforce.errors import Refused, not_found
from scripts.sandbox.salesforce.fields import stamp
from scripts.sandbox.salesforce.jobs import written, wrong_state
from scripts.sandbox.salesforce.org import Asked, Org
from scripts.sandbox.salesforce.query import Query
from scripts.sandbox.salesforce.store import Row
from scripts.sandbox.salesforce.writes import INTEGRATION_USER
from scripts.sandbox.server import Answer, as_json

_USUAL_PAGE = 50_000


@dataclass(slots=True)
class _QueryJob:
    id: str
    operation: str
    query: Query
    rows: list[Row]
    version: str
    created: float
    aborted: bool = False


class BulkQuery:
    """Every query job of the org.

    Args:
        org: whose.
    """

    def __init__(self, org: Org) -> None:
        self._org = org
        self._jobs: dict[str, _QueryJob] = {}

    def create(self, asked: Asked) -> Answer:
        """``POST jobs/query``."""
        body = asked.json_object()
        operation = body.get("operation")
        if operation not in ("query", "queryAll"):
            told = "InvalidJob : operation has to be query or queryAll"
            raise Refused.because("INVALIDJOB", told, None)
        question = soql.read(str(body.get("query", "")))
        query = Query(self._org.store, question, deleted=operation == "queryAll")
        if query.counting:
            raise soql.malformed("aggregates are not supported by the Bulk API")
        new = self._org.store.ids.new("IngestJob")
        job = _QueryJob(new, operation, query, query.rows(), asked.version, self._org.now())
        self._jobs[job.id] = job
        return as_json(200, self._told(job, "UploadComplete"))

    def poll(self, asked: Asked) -> Answer:
        """``GET jobs/query/{id}``."""
        job = self._job(asked)
        state = self._state(job)
        told = self._told(job, state)
        if state == "JobComplete":
            told["numberRecordsProcessed"] = len(job.rows)
        return as_json(200, {**told, "retries": 0, "totalProcessingTime": 10})

    def abort(self, asked: Asked) -> Answer:
        """``PATCH jobs/query/{id}``."""
        job = self._job(asked)
        if asked.json_object().get("state") != "Aborted" or self._state(job) == "JobComplete":
            raise wrong_state("a query job can only be aborted, and only before its end")
        job.aborted = True
        return as_json(200, self._told(job, "Aborted"))

    def delete(self, asked: Asked) -> Answer:
        """``DELETE jobs/query/{id}``."""
        del self._jobs[self._job(asked).id]
        return Answer(204, b"")

    def results(self, asked: Asked) -> Answer:
        """``GET jobs/query/{id}/results``."""
        job = self._job(asked)
        if self._state(job) != "JobComplete":
            raise wrong_state("the job has no results yet")
        start = _place(asked.query.get("locator", ""))
        most = asked.query.get("maxRecords", "")
        end = start + (int(most) if most.isdecimal() and int(most) else _USUAL_PAGE)
        page = [job.query.cells(row) for row in job.rows[start:end]]
        left = end < len(job.rows)
        headers = {
            "Sforce-NumberOfRecords": str(len(page)),
            "Sforce-Locator": base64.b64encode(str(end).encode()).decode() if left else "null",
        }
        text = written(list(job.query.columns), page)
        return Answer(200, text.encode(), headers, "text/csv;charset=UTF-8")

    def _job(self, asked: Asked) -> _QueryJob:
        job = self._jobs.get(asked.params["id"])
        if job is None:
            raise not_found()
        return job

    def _state(self, job: _QueryJob) -> str:
        if job.aborted:
            return "Aborted"
        now = self._org.conditions()
        age = self._org.now() - job.created
        if age < now.bulk_queued:
            return "UploadComplete"
        return "InProgress" if age < now.bulk_queued + now.bulk_seconds else "JobComplete"

    def _told(self, job: _QueryJob, state: str) -> dict[str, Any]:
        return {
            "id": job.id,
            "operation": job.operation,
            "object": job.query.sobject.name,
            "createdById": INTEGRATION_USER,
            "createdDate": stamp(int(job.created)),
            "systemModstamp": stamp(int(job.created)),
            "state": state,
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "jobType": "V2Query",
            "apiVersion": float(job.version),
            "lineEnding": "LF",
            "columnDelimiter": "COMMA",
        }


def _place(locator: str) -> int:
    if not locator or locator == "null":
        return 0
    try:
        return int(base64.b64decode(locator, validate=True))
    except (binascii.Error, ValueError):
        raise Refused.because("INVALID_QUERY_LOCATOR", "invalid query locator", None) from None
