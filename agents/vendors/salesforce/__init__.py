"""Salesforce: records by external id, one by one, by the hundred and by the ten thousand.

The client is simple-salesforce, which blocks; its calls run in a few threads of our own. It logs
in and speaks REST; bulk jobs go through its session by hand, because its own bulk client renews no
token, loses the columns' order and cannot delete a job. Renewing is ours as well: at most once a
call, where the library would go on until the stack is full.

No call is tried again here, but for a token that ran out.

API: REST and Bulk 2.0 guides, v62 to v68; simple-salesforce 1.12.10; read 2026-11-22.
"""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Literal
from urllib.parse import quote

from simple_salesforce.api import Salesforce as Client

from agents.errors import VendorError
from agents.vendors.salesforce import bulk, failures, wire
from agents.vendors.salesforce.connection import Connection, rest
from agents.vendors.salesforce.credentials import Credentials
from policies.crm_records import (
    JSON,
    MOST_ROWS,
    Account,
    ApiUsage,
    Description,
    JobResults,
    JobState,
    RowResult,
)

Operation = Literal["insert", "update", "upsert", "delete"]

_COLLECTIONS = "composite/sobjects"


class Salesforce:
    """An organisation of Salesforce, or a server that plays one.

    Args:
        credentials: how to log in.
        base_url: of a server that plays Salesforce; None for Salesforce itself.
        timeout: for a whole call, however slowly its answer drips.
        calls: under way at the same time, each in a thread.

    Raises:
        ValueError: if ``base_url`` is neither https nor on this machine.
    """

    def __init__(
        self,
        credentials: Credentials,
        *,
        base_url: str | None = None,
        timeout: timedelta = timedelta(seconds=120),
        calls: int = 4,
    ) -> None:
        self._credentials = credentials
        self._connection = Connection(
            credentials, base_url=base_url, seconds=timeout.total_seconds(), calls=calls
        )
        self._call = self._connection.call

    async def describe(self, sobject: str) -> Description:
        """Return an object with its fields.

        Raises:
            VendorError: nobody answers, or our user may not see the object.
        """
        answer = await self._call(_getting(f"sobjects/{_name(sobject)}/describe"))
        return wire.read(wire.DescriptionShape, answer).told()

    async def upsert(
        self,
        sobject: str,
        external_field: str,
        records: Sequence[Mapping[str, JSON]],
        *,
        save_duplicates: bool = False,
    ) -> list[RowResult]:
        """Create or change records by their external id; what became of each, in order.

        Args:
            records: 200 at most, each with the external field.
            save_duplicates: save although a duplicate rule of the kind that allows it objects.

        Raises:
            AnswerError: Salesforce refuses the records as a whole because of one of them: send
                fewer at a time to find it.
            VendorError: nobody answers, or nothing can be written; ``in_doubt`` says whether some
                may have been. Sending them again is safe.
        """
        if not all(record.get(external_field) for record in records):
            raise ValueError(f"every record needs {external_field}")
        path = f"{_COLLECTIONS}/{_name(sobject)}/{_name(external_field)}"
        return await self._write(path, sobject, records, save_duplicates=save_duplicates)

    async def update(
        self,
        sobject: str,
        records: Sequence[Mapping[str, JSON]],
        *,
        save_duplicates: bool = False,
    ) -> list[RowResult]:
        """Change records by ``Id``; what became of each, in order.

        Raises:
            AnswerError, VendorError: as `upsert` does.
        """
        if not all(record.get("Id") for record in records):
            raise ValueError("every record needs Id")
        renamed = [{("id" if k == "Id" else k): v for k, v in each.items()} for each in records]
        return await self._write(_COLLECTIONS, sobject, renamed, save_duplicates=save_duplicates)

    async def delete(self, sobject: str, ids: Sequence[str]) -> list[RowResult]:
        """Delete records, which then are in the recycle bin; what became of each, in order.

        One that is gone already is refused with ``ENTITY_IS_DELETED`` or ``NOT_FOUND``.

        Raises:
            VendorError: nobody answers.
        """
        _name(sobject)
        _counted(ids)
        params = {"ids": ",".join(map(_name, ids)), "allOrNone": "false"}
        answer = await self._call(
            lambda client: rest(client, "DELETE", _COLLECTIONS, params=params)
        )
        return wire.rows(answer, len(ids))

    async def query(
        self, soql: str, *, include_deleted: bool = False
    ) -> AsyncGenerator[Mapping[str, Any]]:
        """Yield the records that a query finds, page by page.

        Raises:
            AnswerError: the query is wrong.
            VendorError: nobody answers.
        """
        first = "queryAll" if include_deleted else "query"
        page = await self._page(_getting(f"{first}/", {"q": soql}))
        while True:
            for record in page.records:
                yield {name: value for name, value in record.items() if name != "attributes"}
            if page.done:
                return
            path = _rest_of(page.nextRecordsUrl, self._credentials.version)
            page = await self._page(_getting(path))

    async def limits(self) -> ApiUsage:
        """Return the calls of the last 24 hours, as the last answer told them, else asked for.

        Raises:
            VendorError: nobody answers.
        """
        if self._connection.usage is not None:
            return self._connection.usage
        answer = await self._call(_getting("limits"))
        return self._connection.usage or wire.read(wire.LimitsShape, answer).told()

    async def who(self) -> Account:
        """Return who we are there; the connection test.

        Raises:
            VendorError: we cannot log in, or nobody answers.
        """
        host = await self._connection.host()
        try:
            answer = await self._call(lambda client: client.oauth2("userinfo"))
            told = wire.read(wire.UserInfoShape, answer)
            org, user = told.organization_id, told.preferred_username
        except VendorError as error:
            if error.retry_after is not None:
                raise
            org, user = await self._organization(), self._credentials.username
        return Account(org, user, f"https://{host}")

    async def start_job(
        self, sobject: str, operation: Operation, external_field: str | None = None
    ) -> str:
        """Open a bulk job and return its id; CSV with commas and LF.

        Raises:
            VendorError: nobody answers, or the job cannot be; ``in_doubt`` says that one may be
                open all the same (it does nothing, and is removed after seven days).
        """
        wanted = bulk.new_job(_name(sobject), operation, external_field)
        answer = await self._call(_sending("POST", bulk.JOBS, wanted))
        return wire.read(wire.JobShape, answer).id

    async def upload(self, job_id: str, csv: bytes) -> None:
        """Hand a job its rows; once a job, 100 MB at most.

        Raises:
            AnswerError: the job takes none: it has some, or is closed.
            VendorError: nobody answers.
        """
        if len(csv) > bulk.LARGEST_UPLOAD:
            raise ValueError("a bulk job takes 100 MB: make several")
        await self._call(bulk.uploading(_name(job_id), csv))

    async def close(self, job_id: str) -> JobState:
        """Let Salesforce begin to work on a job.

        Raises:
            AnswerError: it is not open.
            VendorError: nobody answers.
        """
        return await self._set_state(job_id, "UploadComplete")

    async def abort(self, job_id: str) -> JobState:
        """Stop a job; what it has done stays done.

        Raises:
            AnswerError: it is over.
            VendorError: nobody answers.
        """
        return await self._set_state(job_id, "Aborted")

    async def job(self, job_id: str) -> JobState:
        """Return where a job stands.

        Raises:
            AnswerError: there is none.
            VendorError: nobody answers.
        """
        answer = await self._call(_getting(bulk.path(_name(job_id))))
        return wire.read(wire.JobShape, answer).told()

    async def job_results(self, job_id: str) -> JobResults:
        """Return what became of every row of a job that is over, by external id (else ``Id``).

        Raises:
            AnswerError: there is no such job.
            VendorError: nobody answers.
        """
        answer = await self._call(_getting(bulk.path(_name(job_id))))
        key = wire.read(wire.JobShape, answer).externalIdFieldName or "Id"
        bodies = [await self._call(bulk.downloading(job_id, what)) for what in bulk.RESULTS]
        return bulk.results(*bodies, key=key)

    async def delete_job(self, job_id: str) -> None:
        """Remove a job that is over, with its rows.

        Raises:
            AnswerError: there is none, or it is not over.
            VendorError: nobody answers.
        """
        path = bulk.path(_name(job_id))
        await self._call(lambda client: rest(client, "DELETE", path))

    async def close_connections(self) -> None:
        """Close the connections; calls under way end by their deadline."""
        self._connection.close()

    async def _write(
        self,
        path: str,
        sobject: str,
        records: Sequence[Mapping[str, JSON]],
        *,
        save_duplicates: bool,
    ) -> list[RowResult]:
        _counted(records)
        typed = [{"attributes": {"type": _name(sobject)}, **record} for record in records]
        body = {"allOrNone": False, "records": typed}
        headers = {"Sforce-Duplicate-Rule-Header": f"allowSave={str(save_duplicates).lower()}"}
        answer = await self._call(
            lambda client: rest(client, "PATCH", path, json=body, headers=headers)
        )
        return wire.rows(answer, len(records))

    async def _set_state(self, job_id: str, state: str) -> JobState:
        answer = await self._call(_sending("PATCH", bulk.path(_name(job_id)), {"state": state}))
        return wire.read(wire.JobShape, answer).told()

    async def _page(self, get: Callable[[Client], object]) -> wire.QueryShape:
        return wire.read(wire.QueryShape, await self._call(get))

    async def _organization(self) -> str:
        async for record in self.query("SELECT Id FROM Organization LIMIT 1"):
            return wire.read(wire.OrganizationShape, dict(record)).Id
        raise failures.not_salesforce("no organisation")


def _getting(path: str, query: dict[str, str] | None = None) -> Callable[[Client], object]:
    return lambda client: rest(client, "GET", path, params=query)


def _sending(method: str, path: str, body: object) -> Callable[[Client], object]:
    return lambda client: rest(client, method, path, json=body)


def _rest_of(url: str | None, version: str) -> str:
    base = f"/services/data/v{version}/"
    if url is None or not url.startswith(f"{base}query"):
        raise failures.not_salesforce("a page without the address of the next")
    return url.removeprefix(base)


def _name(text: str) -> str:
    """A name or id as a part of a path.

    Raises:
        ValueError: if it could be more than that.
    """
    if not text or quote(text, safe="") != text:
        raise ValueError("names and ids are letters, digits and underscores")
    return text


def _counted(records: Sequence[object]) -> None:
    if not 1 <= len(records) <= MOST_ROWS:
        raise ValueError(f"between 1 and {MOST_ROWS} records at a time, not {len(records)}")
