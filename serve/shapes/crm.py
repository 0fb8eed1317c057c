"""How the CRM looks on the wire: its state, the mapping, a preview, links, quarantine, drift."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import Field, JsonValue

from policies.confidence import CUTS, TIERS
from policies.crm_document import CrmMapping
from policies.crm_mapping import Problem
from policies.crm_records import JSON
from policies.lead import Lead, LeadId, LeadStatus
from serve.shapes.common import Asked, Told, example
from serve.shapes.leads import NewLead
from serve.shapes.selection import Score
from storage.crm import CrmState, KeptMapping

_SAMPLE_ID = LeadId(UUID(int=0))


class CrmApi(Told):
    """API calls of the last 24 hours, of the whole organisation."""

    used: int
    allowed: int
    told_at: datetime | None = Field(description="when the CRM said so")


class CrmBreaker(Told):
    """Whether the CRM is called just now."""

    open: bool = Field(description="after failures in a row nobody calls it for a while")
    until: datetime | None
    failures: int = Field(description="in a row")


class CrmOut(Told):
    """The CRM at a glance."""

    connected: bool | None = Field(description="null: it was never asked")
    problem: str | None = Field(description="what is wrong just now, and what to do")
    organization_id: str | None
    user: str | None
    instance: str | None
    api: CrmApi | None
    breaker: CrmBreaker
    records: dict[str, int] = Field(
        description="our leads by the state of their records",
        examples=[{"pending": 3, "synced": 4_981, "quarantined": 2}],
    )
    drift: dict[str, int] = Field(
        description="records that differ, by reason", examples=[{"changed_there": 3}]
    )
    mapping_version: int = Field(description="0: the one that comes with the engine")
    described_at: datetime | None = Field(description="when the fields were last looked at")
    checked_at: datetime | None
    polled_at: datetime | None = Field(description="when changes there were last read")
    polled_until: datetime | None = Field(description="changes up to then are known, by its clock")


class CrmTest(Told):
    """What a connection test found."""

    answered: bool = Field(description="false: the syncer is busy; look at GET /api/crm later")
    crm: CrmOut


class MappingProblem(Told):
    """What is wrong with a field of the mapping."""

    field: str = Field(examples=["Title"])
    message: str
    fatal: bool = Field(description="false: it may never show")

    @classmethod
    def of(cls, problem: Problem) -> Self:
        """Show a problem."""
        return cls(field=problem.field, message=problem.message, fatal=problem.fatal)


class MappingOut(Told):
    """A version of the mapping, held against the CRM's own description of the object."""

    version: int
    created_by: str | None
    created_at: datetime | None
    mapping: CrmMapping
    checked: bool = Field(description="false: the object's fields are not known yet")
    problems: list[MappingProblem]

    @classmethod
    def of(cls, kept: KeptMapping, problems: Sequence[Problem] | None) -> Self:
        """Show a mapping; None: it could not be checked."""
        return cls(
            version=kept.version,
            created_by=kept.created_by,
            created_at=kept.created_at,
            mapping=kept.mapping,
            checked=problems is not None,
            problems=[MappingProblem.of(each) for each in problems or ()],
        )


class MappingVersion(Told):
    """That a version of the mapping was kept."""

    version: int
    created_by: str | None
    created_at: datetime | None


class MappingVersions(Told):
    """The versions of the mapping, the newest first."""

    items: list[MappingVersion]


class SampleLead(NewLead):
    """A lead that need not exist."""

    score: Score | None = None

    def lead(self, now: datetime) -> Lead:
        """Return it as if it were kept and scored."""
        draft = self.draft()
        tier = None if self.score is None else TIERS[sum(self.score >= 100 * c for c in CUTS)]
        return Lead(
            id=_SAMPLE_ID,
            source=draft.source,
            status=LeadStatus.ENRICHED if self.score is None else LeadStatus.SCORED,
            person=draft.person,
            external_id=draft.external_id,
            company=draft.company,
            domain=draft.domain,
            title=draft.title,
            industry=draft.industry,
            country=draft.country,
            attributes=draft.attributes,
            outcome=draft.outcome,
            score=self.score,
            confidence=None,
            tier=tier,
            tags=(),
            version=1,
            created_at=now,
            updated_at=now,
        )


class MappedLead(Asked):
    """A preview of a lead that is kept."""

    model_config = example({"lead_id": "01935f0e-7c1a-7b3e-8f21-9a4b5c6d7e8f"})

    lead_id: UUID
    mapping: CrmMapping | None = Field(default=None, description="none: the one in use")


class MappedSample(Asked):
    """A preview of a lead that is made up."""

    model_config = example({"sample": {"last_name": "Example", "country": "DE", "score": 81}})

    sample: SampleLead
    mapping: CrmMapping | None = Field(default=None, description="none: the one in use")


class PreviewOut(Told):
    """A record exactly as it would be sent; null empties a field, the others stay as they are."""

    mapping_version: int | None = Field(description="null: the one that was sent along")
    sent: bool = Field(description="whether the lead goes into the CRM at all")
    why_not: str | None
    record: dict[str, JsonValue]
    opportunity: dict[str, JsonValue] | None
    problems: list[MappingProblem]


class LinkOut(Told):
    """What the CRM has of one lead."""

    lead_id: UUID
    object: str = Field(examples=["Lead"])
    crm_id: str | None
    url: str | None = Field(description="where the record opens")
    state: str
    attempts: int = Field(description="failed ones in a row")
    code: str | None = Field(description="of the last refusal, in the CRM's own words")
    problem: str | None
    fields: list[str] = Field(description="that the refusal names")
    crm_status: str | None = Field(description="of the record, as last read")
    lead_version: int | None = Field(description="of the lead, when its record was last taken")
    synced_at: datetime | None
    updated_at: datetime


class LinkPage(Told):
    """Links, the last changed first."""

    items: list[LinkOut]
    next: str | None


class Released(Told):
    """What was taken out of the quarantine."""

    lead_id: UUID
    state: str = Field(description="of the link now", examples=["pending"])


class DriftOut(Told):
    """A field that differs between us and the CRM; never its values."""

    lead_id: UUID
    object: str
    field: str | None = Field(description="null: the record as a whole")
    why: str = Field(examples=["changed_there"])
    seen_at: datetime | None


class DriftPage(Told):
    """What differs, as the last comparison found it."""

    compared_at: datetime | None = Field(description="when the comparison last came round")
    counts: dict[str, int] = Field(description="by reason")
    items: list[DriftOut]
    next: str | None


class SyncQueued(Told):
    """How many leads are looked at; those that wait for it already do not count."""

    queued: int


Version = Annotated[int, Field(ge=0, le=2**31 - 1)]


def shown_state(
    state: CrmState,
    breaker: CrmBreaker,
    *,
    records: dict[str, int],
    drift: dict[str, int],
    mapping_version: int,
) -> CrmOut:
    """Show the CRM."""
    account, usage = state.account, state.usage
    return CrmOut(
        connected=state.connected,
        problem=state.problem,
        organization_id=account.organization_id if account else None,
        user=account.user if account else None,
        instance=account.instance if account else None,
        api=CrmApi(used=usage.used, allowed=usage.allowed, told_at=state.usage_at)
        if usage
        else None,
        breaker=breaker,
        records=records,
        drift=drift,
        mapping_version=mapping_version,
        described_at=state.checked_at if state.descriptions else None,
        checked_at=state.checked_at,
        polled_at=state.polled_at,
        polled_until=state.polled_until,
    )


def plain(record: Any) -> dict[str, JsonValue]:  # noqa: ANN401 - a record
    """Return a record as JSON values."""
    values: dict[str, JSON] = dict(record)
    return {name: _json(value) for name, value in values.items()}


def _json(value: JSON) -> JsonValue:
    return value if isinstance(value, str | int | float | bool) or value is None else dict(value)
