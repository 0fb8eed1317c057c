"""What became of records that were sent: kept, told on the timeline, and tried again where due."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from agents.agent import Turn
from agents.crm_syncer.ports import SyncOptions
from agents.crm_syncer.records import Row
from agents.messages import SyncLead
from policies.crm_document import CrmMapping
from policies.crm_records import RowError, RowResult
from policies.crm_sync import Ruling, Verdict, retry_after, rule, told
from policies.lead import LeadId
from storage import activities, crm, crm_drift, crm_tries, lead_conversion
from storage.activities import Activity
from storage.crm_drift import Difference, Why
from storage.crm_links import LEAD, LinkState
from storage.crm_tries import Result
from storage.database import Connection

ROLE = "crm_syncer"
SETUP_PAUSE = timedelta(minutes=15)


@dataclass(slots=True)
class Outcomes:
    """What became of the records of one attempt.

    Attributes:
        attempt: that they were tried by; a bulk job's is its id.
        setup: what is wrong with the mapping or our rights, where records were refused for that.
        converted: leads of which the CRM says so.
        again: leads that are to come again, and when; None is at once.
    """

    mapping: CrmMapping
    mapping_version: int
    options: SyncOptions
    attempt: UUID
    now: datetime
    sobject: str = LEAD
    results: list[Result] = field(default_factory=list[Result])
    told: list[Activity] = field(default_factory=list[Activity])
    converted: list[LeadId] = field(default_factory=list[LeadId])
    gone: list[LeadId] = field(default_factory=list[LeadId])
    again: dict[LeadId, datetime | None] = field(default_factory=dict[LeadId, datetime | None])
    setup: str | None = None

    def of(self, sobject: str) -> "Outcomes":
        """Return fresh outcomes of another attempt, at the records of another object."""
        return Outcomes(
            self.mapping, self.mapping_version, self.options, uuid4(), self.now, sobject
        )

    @property
    def _chance(self) -> float:
        """One draw for all, so that what comes again comes together."""
        return (self.attempt.int & 0xFFFF) / 0xFFFF

    def taken(self, row: Row, crm_id: str | None) -> None:
        """The record is there as it was sent."""
        self.results.append(Result(row.id, LinkState.SYNCED, crm_id))
        if row.link is None or row.link.synced_at is None:
            self._tell(row.id, "created", {"record": crm_id})

    def refused(
        self, row: Row, errors: Sequence[RowError], *, bulk: bool = False, merging: bool = False
    ) -> Ruling:
        """Decide about a refused record; to merge it, or to send it by itself, is left to others.

        Args:
            merging: whether it was refused where it was to be merged.
        """
        ruling = rule(
            errors,
            failed=row.link.attempts if row.link else 0,
            duplicates="quarantine" if merging else self.mapping.duplicates,
            external_field=self.mapping.external_id,
            bulk=bulk,
            patience=self.options.patience,
        )
        if ruling.verdict not in {Verdict.MERGE, Verdict.ONE_BY_ONE}:
            self.decide(row, ruling)
        return ruling

    def decide(self, row: Row, ruling: Ruling) -> None:
        """Let become of a record what was decided."""
        error = ruling.error
        match ruling.verdict:
            case Verdict.CONVERTED:
                self.converted.append(row.id)
                self.results.append(self._result(row, LinkState.CONVERTED, error))
                self._tell(row.id, "converted", {})
            case Verdict.GONE:
                self.is_gone(row)
            case Verdict.QUARANTINE:
                self.results.append(self._result(row, LinkState.QUARANTINED, error))
                named = {"code": error.code, "fields": list(error.fields)}
                self._tell(row.id, "quarantined", named)
            case Verdict.SETUP:
                self.setup = f"{error.code}: correct the mapping, or the rights of our user"
                due = self.now + SETUP_PAUSE
                self.results.append(self._result(row, LinkState.RETRY, error, due))
                self.again[row.id] = due
            case _:
                self.later(row, error)

    def later(self, row: Row, error: RowError) -> None:
        """Try the record again after a while."""
        failed = (row.link.attempts if row.link else 0) + 1
        due = self.now + retry_after(failed, self._chance)
        self.results.append(self._result(row, LinkState.RETRY, error, due))
        self.again[row.id] = due

    def is_gone(self, row: Row) -> None:
        """Somebody deleted the record over there: it stays so."""
        self.gone.append(row.id)
        self.results.append(Result(row.id, LinkState.GONE))
        self._tell(row.id, "gone", {})

    async def keep(self, db: Connection, turn: Turn) -> None:
        """Keep all of it, and post what comes again."""
        crossed = await crm_tries.settle(
            db,
            self.results,
            attempt=self.attempt,
            mapping_version=self.mapping_version,
            now=self.now,
            sobject=self.sobject,
        )
        for lead_id in sorted(crossed):
            self.again[lead_id] = None
        await activities.record(db, [each for each in self.told if each.lead_id not in crossed])
        await lead_conversion.convert(db, self.converted, now=self.now)
        differences = [Difference(each, "", Why.GONE_THERE) for each in self.gone]
        await crm_drift.note(db, differences, now=self.now, sobject=self.sobject)
        for lead_id, due_at in self.again.items():
            turn.post(ROLE, SyncLead(lead_id), due_at=due_at)
        if self.setup is not None:
            await crm.troubled(db, self.setup, now=self.now)

    def _result(
        self, row: Row, state: LinkState, error: RowError, due_at: datetime | None = None
    ) -> Result:
        words = told(error, row.personal)
        return Result(row.id, state, None, error.code, words, error.fields, due_at)

    def _tell(self, lead_id: LeadId, what: str, details: Mapping[str, Any]) -> None:
        prefix = "crm" if self.sobject == LEAD else f"crm.{self.sobject.lower()}"
        self.told.append(Activity(self.now, lead_id, f"{prefix}.{what}", ROLE, details))


def split(
    rows: Sequence[Row], results: Sequence[RowResult]
) -> tuple[list[tuple[Row, RowResult]], list[tuple[Row, RowResult]]]:
    """Return the rows that were taken and those that were refused."""
    pairs = list(zip(rows, results, strict=True))
    return (
        [pair for pair in pairs if pair[1].success],
        [pair for pair in pairs if not pair[1].success],
    )
