"""A small honest CRM in memory, leads to bring there, and a look at what became of them."""

import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from agents.agent import Agent
from agents.crm_syncer import CrmSyncer, SyncOptions
from agents.crm_syncer.ports import Operation
from agents.errors import AnswerError, VendorError
from agents.governor import Governor
from agents.messages import Message, Tick, encode
from agents.runtime import Worker
from policies.crm_csv import rows_of
from policies.crm_document import parse
from policies.crm_records import (
    JSON,
    Account,
    ApiUsage,
    Description,
    Field,
    JobPhase,
    JobResults,
    JobRow,
    JobState,
    RowError,
    RowResult,
    full_id,
)
from policies.lead import LeadDraft, LeadId, LeadStatus, Person
from policies.llm import Usage
from storage import crm, crm_links, leads, mailbox
from storage.crm_links import LEAD, Link
from storage.database import Database
from storage.leads import Scored
from storage.mailbox import Letter, Mailbox
from storage.sealing import Sealer
from tests.flows.harness import Fleet
from tests.scripted import START, Clock

KEY = "LeadEngine_Id__c"
AWAY = VendorError("salesforce", "away", retry_after=timedelta(seconds=30), in_doubt=True)
MAPPING = {
    "fields": [
        {"to": "LastName", "from": "person.last_name", "default": "Unknown"},
        {"to": "Company", "from": "company"},
        {"to": "Email", "from": "person.email"},
        {"to": "Rating", "from": "score"},
    ]
}


def refused(problem: str = "refused") -> AnswerError:
    return AnswerError("salesforce", problem, retry_after=None, usage=Usage())


@dataclass(slots=True)
class Record:
    """A record of the org."""

    id: str
    sobject: str
    values: dict[str, Any]
    modified_at: datetime
    deleted: bool = False


@dataclass(slots=True)
class _Job:
    state: JobPhase = JobPhase.OPEN
    csv: bytes | None = None
    polls: int = 0
    results: JobResults = field(default_factory=lambda: JobResults([], [], []))


@dataclass(slots=True)
class Org:
    """A CRM that keeps records by external id and refuses what it is told to.

    Attributes:
        errors: of a record whose Company contains the word, for so many writes.
        before, after: raised in order by the next calls, instead of doing anything, or once it is
            done; None lets one pass.
        created: times that a record of an external id was created.
        whole_call: word in a Company for which a whole call is refused.
        meanwhile: done once, while a call of that name is under way.
        unanswered: rows of a job that are left unprocessed.
        patience: polls until a job is over.
    """

    clock: Clock
    errors: dict[str, tuple[RowError, int]] = field(default_factory=dict[str, tuple[RowError, int]])
    before: list[Exception | None] = field(default_factory=list[Exception | None])
    after: list[Exception | None] = field(default_factory=list[Exception | None])
    records: dict[str, Record] = field(default_factory=dict[str, Record])
    created: dict[str, int] = field(default_factory=dict[str, int])
    calls: list[str] = field(default_factory=list[str])
    jobs: dict[str, _Job] = field(default_factory=dict[str, _Job])
    usage: ApiUsage = field(default_factory=lambda: ApiUsage(0, 100_000))
    whole_call: str | None = None
    meanwhile: dict[str, Callable[[], Awaitable[None]]] = field(
        default_factory=dict[str, Callable[[], Awaitable[None]]]
    )
    unanswered: int = 0
    patience: int = 1
    next_id: int = 1

    def add(self, sobject: str, **values: object) -> str:
        """Let a sales person create a record."""
        return self._insert(sobject, dict(values))

    def live(self, sobject: str = LEAD) -> list[Record]:
        """Records that are not deleted."""
        found = self.records.values()
        return [each for each in found if each.sobject == sobject and not each.deleted]

    def of(self, lead_id: UUID, sobject: str = LEAD) -> Record:
        """The one record of a lead."""
        (found,) = [r for r in self.live(sobject) if r.values.get(KEY) == str(lead_id)]
        return found

    def change(self, crm_id: str, *, deleted: bool | None = None, **values: object) -> None:
        """Let a sales person change a record."""
        record = self.records[crm_id]
        record.values |= values
        record.modified_at = self.clock()
        record.deleted = record.deleted if deleted is None else deleted

    async def describe(self, sobject: str) -> Description:
        self._call("describe")
        names = ("LastName", "Company", "Email", "Rating", "Name", "StageName", "CloseDate")
        fields = [Field(name, length=255) for name in names]
        rating = Field("Rating", "double", digits=10)
        fields = [rating if each.name == "Rating" else each for each in fields]
        key = Field(KEY, length=36, external_id=True, unique=True)
        return Description(sobject, (key, *fields))

    async def upsert(
        self,
        sobject: str,
        external_field: str,
        records: Sequence[Mapping[str, JSON]],
        *,
        save_duplicates: bool = False,
    ) -> list[RowResult]:
        self._call("upsert")
        await self._happens("upsert")
        if self.whole_call and any(self.whole_call in str(r.get("Company")) for r in records):
            raise refused("status 400, JSON_PARSER_ERROR")
        results = [
            self._upsert(sobject, dict(each), save_duplicates=save_duplicates) for each in records
        ]
        self._done()
        return results

    async def update(
        self,
        sobject: str,
        records: Sequence[Mapping[str, JSON]],
        *,
        save_duplicates: bool = False,
    ) -> list[RowResult]:
        self._call("update")
        results: list[RowResult] = []
        for each in records:
            values = dict(each)
            results.append(self._update(str(values.pop("Id")), values))
        self._done()
        return results

    async def delete(self, sobject: str, ids: Sequence[str]) -> list[RowResult]:
        self._call("delete")
        results: list[RowResult] = []
        for each in ids:
            record = self.records.get(each)
            if record is None or record.deleted:
                results.append(RowResult(errors=(RowError("ENTITY_IS_DELETED"),)))
            else:
                self.change(each, deleted=True)
                results.append(RowResult(each))
        self._done()
        return results

    async def query(
        self, soql: str, *, include_deleted: bool = False
    ) -> AsyncGenerator[Mapping[str, Any]]:
        self._call("query")
        sobject = re.findall(r"FROM (\w+)", soql)[0]
        where = re.findall(r"WHERE (.*?)(?: ORDER BY (\w+))?(?: LIMIT (\d+))?$", soql)[0]
        condition, order, limit = where
        found = [r for r in self.records.values() if r.sobject == sobject]
        found = [r for r in found if include_deleted or not r.deleted]
        found = [r for r in found if _holds(condition, _shown(r))]
        found.sort(key=lambda r: str(_shown(r).get(order)))
        for record in found[: int(limit) if limit else None]:
            yield _shown(record)

    async def limits(self) -> ApiUsage:
        return self.usage

    async def who(self) -> Account:
        self._call("who")
        return Account("00D000000000001EAA", "us@example.com", "https://acme.example")

    async def start_job(
        self, sobject: str, operation: Operation, external_field: str | None = None
    ) -> str:
        self._call("start_job")
        job_id = f"750{len(self.jobs):012d}"
        self.jobs[job_id] = _Job()
        self._done()
        return job_id

    async def upload(self, job_id: str, csv: bytes) -> None:
        self._call("upload")
        await self._happens("upload")
        job = self.jobs[job_id]
        if job.csv is not None or job.state is not JobPhase.OPEN:
            raise refused("it has rows")
        job.csv = csv
        self._done()

    async def close(self, job_id: str) -> JobState:
        self._call("close")
        await self._happens("close")
        job = self.jobs[job_id]
        if job.state is not JobPhase.OPEN:
            raise refused("it is not open")
        job.state = JobPhase.UPLOADED
        self._done()
        return JobState(job_id, job.state)

    async def abort(self, job_id: str) -> JobState:
        self._call("abort")
        job = self.jobs[job_id]
        if job.state.ended:
            raise refused("it is over")
        job.state = JobPhase.ABORTED
        self._done()
        return JobState(job_id, job.state)

    async def job(self, job_id: str) -> JobState:
        self._call("job")
        job = self.jobs[job_id]
        job.polls += 1
        if job.state is JobPhase.UPLOADED and job.polls >= self.patience:
            self._work(job)
        self._done()
        processed = len(job.results.succeeded) + len(job.results.failed)
        return JobState(job_id, job.state, processed, len(job.results.failed))

    async def job_results(self, job_id: str) -> JobResults:
        self._call("job_results")
        self._done()
        return self.jobs[job_id].results

    async def _happens(self, name: str) -> None:
        if happens := self.meanwhile.pop(name, None):
            await happens()

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if self.before and (error := self.before.pop(0)) is not None:
            raise error

    def _done(self) -> None:
        if self.after and (error := self.after.pop(0)) is not None:
            raise error

    def _work(self, job: _Job) -> None:
        rows = list(rows_of(job.csv or b""))
        left = rows[len(rows) - self.unanswered :] if self.unanswered else []
        job.results = JobResults([], [], [row[KEY] for row in left])
        for row in reversed(rows[: len(rows) - len(left)]):
            values = {name: value for name, value in row.items() if value}
            result = self._upsert(LEAD, values, save_duplicates=False)
            told = JobRow(row[KEY], result.id, result.created, result.errors)
            (job.results.succeeded if result.success else job.results.failed).append(told)
        job.state = JobPhase.COMPLETE

    def _upsert(self, sobject: str, values: dict[str, Any], *, save_duplicates: bool) -> RowResult:
        found = [r for r in self.live(sobject) if r.values.get(KEY) == values[KEY]]
        if found:
            return self._update(found[0].id, values)
        error = self._refusal(values)
        if error is not None and not (error.code == "DUPLICATES_DETECTED" and save_duplicates):
            return RowResult(errors=(error,))
        key = f"{sobject} {values[KEY]}"
        self.created[key] = self.created.get(key, 0) + 1
        return RowResult(self._insert(sobject, values), created=True)

    def _update(self, crm_id: str, values: dict[str, Any]) -> RowResult:
        record = self.records[crm_id]
        if record.deleted:
            return RowResult(errors=(RowError("ENTITY_IS_DELETED", "entity is deleted"),))
        if record.values.get("IsConverted"):
            return RowResult(errors=(RowError("CANNOT_UPDATE_CONVERTED_LEAD", "converted"),))
        error = self._refusal(values)
        if error is not None and error.code != "DUPLICATES_DETECTED":
            return RowResult(errors=(error,))
        self.change(crm_id, **values)
        return RowResult(crm_id)

    def _refusal(self, values: Mapping[str, Any]) -> RowError | None:
        for word, (error, left) in self.errors.items():
            if left and word in str(values.get("Company") or values.get("Name")):
                self.errors[word] = (error, left - 1)
                return error
        return None

    def _insert(self, sobject: str, values: dict[str, Any]) -> str:
        crm_id = full_id(f"{'00Q' if sobject == LEAD else '006'}{self.next_id:012d}")
        self.next_id += 1
        self.records[crm_id] = Record(crm_id, sobject, values, self.clock())
        return crm_id


def _shown(record: Record) -> dict[str, Any]:
    fixed = {"Id": record.id, "IsDeleted": record.deleted}
    at = f"{record.modified_at:%Y-%m-%dT%H:%M:%S}.000+0000"
    usual = {"IsConverted": False, "Status": "Open", "ConvertedOpportunityId": None}
    return usual | record.values | fixed | {"SystemModstamp": at}


def _holds(condition: str, shown: Mapping[str, Any]) -> bool:
    return any(
        all(_one(part, shown) for part in either.split(" AND "))
        for either in condition.split(" OR ")
    )


def _one(part: str, shown: Mapping[str, Any]) -> bool:
    name, sign, right = part.split(" ", 2)
    value = shown.get(name)
    match sign:
        case "IN":
            return value in re.findall(r"'([^']*)'", right)
        case "!=":
            return value is not None
        case ">":
            return value is not None and value > right.strip("'")
        case ">=":
            return str(value)[:19] >= right[:19]
        case _:
            raise AssertionError(f"the little org knows no {sign}")


@dataclass(slots=True)
class Room:
    """A syncer with a CRM in memory, and leads."""

    database: Database
    sealer: Sealer
    clock: Clock = field(default_factory=Clock)
    options: SyncOptions = field(default_factory=SyncOptions)
    org: Org = field(init=False)

    def __post_init__(self) -> None:
        self.org = Org(self.clock)

    async def open(self, **more: Any) -> None:
        """Keep a mapping."""
        async with self.database.transaction() as db:
            wanted = parse({**MAPPING, **more})
            await crm.put_mapping(db, wanted, created_by="test", now=START)

    async def scored(self, count: int, *, first: int = 0, company: str = "Firm") -> list[LeadId]:
        """Keep ``count`` leads with a score."""
        drafts = [
            LeadDraft(
                source="test",
                person=Person("Ada", f"Byron{n}", f"ada{n}@{company.lower()}{n}.example"),
                company=f"{company} {n}",
            )
            for n in range(first, first + count)
        ]
        async with self.database.transaction() as db:
            ids = [one.id for one in await leads.keep(db, self.sealer, drafts, now=self.clock())]
            rows = [Scored(each, 70, 0.9, "warm") for each in ids]
            await leads.set_scores(db, rows, now=self.clock())
        return ids

    async def rescored(self, ids: Sequence[LeadId], score: int) -> None:
        """Give leads another score."""
        async with self.database.transaction() as db:
            rows = [Scored(each, score, 0.9, "hot") for each in ids]
            await leads.set_scores(db, rows, now=self.clock())

    async def qualified(self, lead_id: LeadId) -> None:
        """Qualify a lead."""
        async with self.database.transaction() as db:
            change = leads.LeadChange(status=LeadStatus.QUALIFIED)
            await leads.update(
                db, self.sealer, lead_id, change, expected_version=None, now=self.clock()
            )

    async def remove(self, lead_id: LeadId) -> None:
        """Delete a lead."""
        async with self.database.transaction() as db:
            await leads.remove(db, lead_id, now=self.clock())

    async def tell(self, *messages: Message) -> None:
        """Post to the syncer."""
        letters = [Letter("crm_syncer", m.kind, encode(m)) for m in messages]
        async with self.database.transaction() as db:
            await mailbox.post(db, letters, now=self.clock())

    def syncer(self) -> Agent:
        """A fresh syncer, as a new process has."""
        governor = Governor(
            self.database, "salesforce", requests_per_minute=60_000, clock=self.clock
        )
        return CrmSyncer(self.sealer, self.org, governor, self.clock, self.options)

    async def tick(self, schedule: str, **options: Any) -> Fleet:
        """Let a schedule come round and work until nothing is left."""
        await self.tell(Tick(schedule, self.clock()))
        return await self.work(**options)

    async def work(self, **options: Any) -> Fleet:
        """Work until nothing is left."""
        fleet = Fleet(self.database, lambda: [self.syncer()], self.clock, **options)
        await fleet.finish()
        return fleet

    async def another_works(self) -> None:
        """Let a second worker take what is there now."""
        mailbox = Mailbox(self.database.url, "crm_syncer", "crm_syncer:1", virtual=True)
        worker = Worker(
            self.syncer(), self.database, mailbox, self.clock, lambda: 0.5, virtual=True
        )
        await mailbox.open(self.clock())
        await worker.step()
        await mailbox.close()

    async def links(self, sobject: str = LEAD) -> dict[LeadId, Link]:
        """Every link."""
        async with self.database.transaction() as db:
            found = await crm_links.page(db, limit=100_000, sobject=sobject)
        return {link.lead_id: link for link in found}

    async def states(self) -> dict[str, int]:
        """How many links are in which state."""
        async with self.database.transaction() as db:
            return {str(k): n for k, n in (await crm_links.counts(db)).items() if n}

    async def rows(self, query: str, **values: object) -> list[dict[str, Any]]:
        """Ask the database."""
        async with self.database.transaction() as db:
            return [dict(row) for row in (await db.execute(text(query), values)).mappings()]

    async def timeline(self, lead_id: UUID) -> list[str]:
        """Kinds of what happened to a lead."""
        query = "SELECT kind FROM activities WHERE lead_id = :id ORDER BY at, id"
        return [row["kind"] for row in await self.rows(query, id=lead_id)]
