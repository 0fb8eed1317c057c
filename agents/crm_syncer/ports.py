"""What the syncer needs of a CRM, and how it is set (see `agents.vendors.salesforce`)."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal, Protocol

from policies.crm_records import (
    JSON,
    Account,
    ApiUsage,
    Description,
    JobResults,
    JobState,
    RowResult,
)
from policies.crm_sync import Patience

Operation = Literal["insert", "update", "upsert", "delete"]


class Crm(Protocol):
    """A CRM with records by external id, collections and bulk jobs.

    Every call raises `VendorError`; an `AnswerError` says that this one question is refused.
    """

    async def describe(self, sobject: str) -> Description:
        """Return an object with its fields."""
        ...

    async def upsert(
        self,
        sobject: str,
        external_field: str,
        records: Sequence[Mapping[str, JSON]],
        *,
        save_duplicates: bool = False,
    ) -> list[RowResult]:
        """Create or change up to 200 records by external id; what became of each, in order."""
        ...

    async def update(
        self,
        sobject: str,
        records: Sequence[Mapping[str, JSON]],
        *,
        save_duplicates: bool = False,
    ) -> list[RowResult]:
        """Change up to 200 records by ``Id``; what became of each, in order."""
        ...

    async def delete(self, sobject: str, ids: Sequence[str]) -> list[RowResult]:
        """Delete up to 200 records; what became of each, in order."""
        ...

    def query(
        self, soql: str, *, include_deleted: bool = False
    ) -> AsyncIterator[Mapping[str, Any]]:
        """Yield the records that a query finds, page by page."""
        ...

    async def limits(self) -> ApiUsage:
        """Return the calls of the last 24 hours, as the last answer told them."""
        ...

    async def who(self) -> Account:
        """Return who we are there."""
        ...

    async def start_job(
        self, sobject: str, operation: Operation, external_field: str | None = None
    ) -> str:
        """Open a bulk job and return its id."""
        ...

    async def upload(self, job_id: str, csv: bytes) -> None:
        """Hand a job its rows, once."""
        ...

    async def close(self, job_id: str) -> JobState:
        """Let the CRM begin to work on a job."""
        ...

    async def abort(self, job_id: str) -> JobState:
        """Stop a job; what it has done stays done."""
        ...

    async def job(self, job_id: str) -> JobState:
        """Return where a job stands."""
        ...

    async def job_results(self, job_id: str) -> JobResults:
        """Return what became of every row of a job that is over."""
        ...


@dataclass(frozen=True, slots=True)
class SyncOptions:
    """How the syncer works.

    Attributes:
        bulk_from: leads due at once from which on a bulk job carries them.
        bulk_rows: records of one job, at most; Salesforce works in batches of 10,000.
        bulk_bytes: of one job's CSV, at most.
        bulk_short: as ``bulk_from``, when few calls are left.
        jobs_at_once: bulk jobs that are not over, at most.
        give_up: how long a job may take before it is aborted.
        reserve: share of the day's calls, 0 to 1, that is left to others.
        overlap: how far back the walk looks again: a change becomes visible only when its
            transaction is over.
        poll_overlap: the same for what is read back from the CRM.
        poll_most: records read back in one turn, at most.
        sweep: how often the walk begins at the first lead.
        recreate: whether a record that somebody deleted over there is made again.
        drift_pages: queries of one comparison, at most; 2,000 records each.
        patience: how often a refused record is tried.
        unasked: whether leads are sent by the clock before anybody has kept a mapping.
    """

    bulk_from: int = 2_000
    bulk_rows: int = 10_000
    bulk_bytes: int = 80_000_000
    bulk_short: int = 200
    jobs_at_once: int = 4
    give_up: timedelta = timedelta(hours=2)
    reserve: float = 0.2
    overlap: timedelta = timedelta(minutes=15)
    poll_overlap: timedelta = timedelta(minutes=5)
    poll_most: int = 50_000
    sweep: timedelta = timedelta(hours=24)
    recreate: bool = False
    drift_pages: int = 10
    patience: Patience = field(default_factory=Patience)
    unasked: bool = True
