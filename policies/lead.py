"""A lead: the chance of business with a person at a company, and the states it passes through."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType
from uuid import UUID

from policies.features import Value

LeadId = NewType("LeadId", UUID)
PERSONAL = ("first_name", "last_name", "email", "phone")
"""The fields that are sealed at rest, beside every note."""


class LeadStatus(StrEnum):
    """Where a lead stands."""

    NEW = "new"
    ENRICHED = "enriched"
    SCORED = "scored"
    QUALIFIED = "qualified"
    DISQUALIFIED = "disqualified"
    CONVERTED = "converted"


_MOVES: Mapping[LeadStatus, frozenset[LeadStatus]] = {
    LeadStatus.NEW: frozenset({LeadStatus.ENRICHED, LeadStatus.DISQUALIFIED}),
    LeadStatus.ENRICHED: frozenset({LeadStatus.SCORED, LeadStatus.DISQUALIFIED}),
    LeadStatus.SCORED: frozenset(
        {LeadStatus.QUALIFIED, LeadStatus.DISQUALIFIED, LeadStatus.CONVERTED}
    ),
    LeadStatus.QUALIFIED: frozenset({LeadStatus.DISQUALIFIED, LeadStatus.CONVERTED}),
    LeadStatus.DISQUALIFIED: frozenset({LeadStatus.SCORED}),
    LeadStatus.CONVERTED: frozenset(),
}


class StatusError(ValueError):
    """A lead cannot move from where it stands to where it was to go."""


def advance(current: LeadStatus, wanted: LeadStatus) -> LeadStatus:
    """Return ``wanted`` if a lead may move there; to stay is always allowed.

    Raises:
        StatusError: if there is no such move.
    """
    if wanted is current or wanted in _MOVES[current]:
        return wanted
    allowed = ", ".join(sorted(_MOVES[current])) or "nothing"
    raise StatusError(f"a lead that is {current} cannot become {wanted}, only {allowed}")


@dataclass(frozen=True, slots=True)
class Person:
    """Who a lead is: everything here is personal data, sealed wherever it is kept.

    Attributes:
        email: as it was typed; its normal form is looked up.
        phone: E.164, such as ``+4930901820``.
        notes: free notes and every other personal field, by name.
    """

    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    phone: str | None = None
    notes: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class LeadDraft:
    """A lead as a file, a form or the API tells of it, validated but not yet kept.

    Attributes:
        source: where it came from, such as ``"import"``.
        external_id: its name at the source; unique there.
        domain: of the company, without ``www.``.
        industry: one of `policies.enrichment.INDUSTRIES`, or the source's own word.
        country: ISO 3166-1 alpha-2.
        attributes: everything else that is not personal.
        outcome: whether it converted; None while open.
    """

    source: str
    person: Person = field(default_factory=Person)
    external_id: str | None = None
    company: str = ""
    domain: str | None = None
    title: str = ""
    industry: str | None = None
    country: str | None = None
    attributes: Mapping[str, Value] = field(default_factory=dict[str, Value])
    outcome: bool | None = None


@dataclass(frozen=True, slots=True)
class Lead:
    """A lead as it is kept, its person opened.

    Attributes:
        score: 0 to 100; None until scored.
        confidence: 0 to 1.
        version: grows with every change; for optimistic locking.
        created_at, updated_at, scored_at: aware UTC.
    """

    id: LeadId
    source: str
    status: LeadStatus
    person: Person
    external_id: str | None
    company: str
    domain: str | None
    title: str
    industry: str | None
    country: str | None
    attributes: Mapping[str, Value]
    outcome: bool | None
    score: int | None
    confidence: float | None
    tier: str | None
    tags: tuple[str, ...]
    version: int
    created_at: datetime
    updated_at: datetime
    scored_at: datetime | None = None
    import_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that one source says about a lead.

    Attributes:
        field: such as ``"seniority"``.
        source: who says so: ``"title"``, ``"email"``, a vendor.
        confidence: 0 to 1.
        cost_micro: micro-dollars it cost.
        observed_at: aware UTC.
    """

    field: str
    source: str
    value: Value
    confidence: float
    observed_at: datetime
    cost_micro: int = 0
