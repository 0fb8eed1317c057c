"""How agents, dead letters, decisions, the ledger, keys and the status look on the wire."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AwareDatetime, Field, StrictInt, model_validator

from policies.lead import LeadStatus
from serve.scopes import ROLES, Role, Scope
from serve.shapes.common import WHOLE, Asked, Name, Reason, Told, example


class Pause(Asked):
    """Why an agent is to stop."""

    model_config = example({"reason": "The model's answers look odd"})

    reason: Reason


class WorkerOut(Told):
    """One worker of an agent."""

    name: str
    started_at: datetime
    beat_at: datetime = Field(description="when it last reported")
    report: dict[str, Any] = Field(description="what it did since it started, by name")


class AgentOut(Told):
    """One agent and how it is doing."""

    role: str = Field(examples=["scorer"])
    paused: bool
    paused_by: str | None
    paused_reason: str | None
    least_workers: int
    most_workers: int
    waiting: int = Field(description="messages that nobody works on yet; up to 10,000")
    delayed: int = Field(description="messages due later; up to 10,000")
    dead: int = Field(description="messages put aside; up to 10,000")
    oldest_seconds: float | None = Field(description="how long the first in line has waited")
    workers: list[WorkerOut]


class AgentList(Told):
    """The agents, by role."""

    items: list[AgentOut]


class DeadLetterOut(Told):
    """A message that no attempt could deal with."""

    id: int
    recipient: str
    kind: str
    body: dict[str, Any] = Field(description="the message: ids, no personal data")
    lane: int = Field(description="0 urgent, 1 normal, 2 bulk")
    attempts: int
    reason: str
    correlation_id: str | None
    created_at: datetime
    dead_at: datetime


class DeadLetterPage(Told):
    """Dead letters, newest first."""

    items: list[DeadLetterOut]
    next: str | None


LetterId = Annotated[StrictInt, Field(ge=1, le=2**53), WHOLE]


class TheseLetters(Asked):
    """Letters by id."""

    model_config = example({"ids": [17, 18]})

    ids: Annotated[list[LetterId], Field(min_length=1, max_length=10_000)]


class LettersOf(Asked):
    """All letters of one recipient."""

    model_config = example({"recipient": "scorer"})

    recipient: Name


class Replayed(Told):
    """How many letters were put back into their mailboxes."""

    replayed: int


class Dropped(Told):
    """How many letters were deleted for good."""

    dropped: int


class DecisionOut(Told):
    """What was decided, why and by which rules."""

    made_at: datetime
    agent: str
    action: str = Field(examples=["score"])
    subject: UUID | None
    verdict: str = Field(examples=["82"])
    reasons: list[str]
    policy: str = Field(examples=["scoring/general@3"])
    inputs: dict[str, Any] | None = Field(description="what it rested on; null once erased")
    correlation_id: str | None
    chain: int
    seq: int
    hash: str = Field(description="hexadecimal; covers every decision before it in its chain")


class DecisionPage(Told):
    """Decisions, newest first."""

    items: list[DecisionOut]
    next: str | None


class BrokenOut(Told):
    """A place at which the book of decisions does not hold."""

    chain: int
    seq: int
    problem: str


class Verification(Told):
    """Whether nobody changed the book of decisions."""

    sound: bool
    broken: list[BrokenOut]


class SpendingOut(Told):
    """An account of the ledger and where it stands."""

    id: str = Field(examples=["usd:openai:2026-11-24"])
    unit: str = Field(examples=["usd_micro"])
    limit: int | None = Field(description="null: counted, not limited")
    held: int = Field(description="reserved, not yet settled")
    spent: int
    left: int | None


class AccountOut(SpendingOut):
    """An account of the ledger, when it was opened and where it stands."""

    opened_at: datetime


class Ledger(Told):
    """The newest accounts."""

    items: list[AccountOut]


class NewKey(Asked):
    """A key to make: by role, or by single scopes."""

    model_config = example(
        {"name": "importer", "scopes": ["leads:read", "leads:write"]},
        anyOf=[{"required": ["role"]}, {"required": ["scopes"]}],
    )

    name: Name
    role: Role = Field(default=Role.VIEWER, description="gives the scopes of that role")
    scopes: list[Scope] = Field(
        default_factory=list[Scope],
        min_length=1,
        max_length=len(Scope),
        description="beside those of the role",
    )
    expires_at: AwareDatetime | None = Field(default=None, description="null: never")

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set & {"role", "scopes"}:
            raise ValueError("give a role, or scopes, or both")
        return self

    def granted(self) -> frozenset[Scope]:
        """Return the scopes that the key is to have."""
        of_role = ROLES[self.role] if "role" in self.model_fields_set else frozenset[Scope]()
        return of_role | frozenset(self.scopes)


class KeyOut(Told):
    """A key as it is kept; its text is never shown again."""

    id: str
    name: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None = Field(description="to the minute")
    revoked_at: datetime | None


class MadeKey(KeyOut):
    """A new key with its text."""

    key: str | None = Field(
        description="keep it now: it is shown once; null when a request is repeated",
        examples=["lge_live_ab3kd9x2_..."],
    )


class KeyList(Told):
    """Every key, newest first."""

    items: list[KeyOut]


class ActiveAlgorithm(Told):
    """The algorithm that scores."""

    id: UUID
    name: str
    version: int
    kind: str


class Status(Told):
    """The engine at a glance."""

    version: str
    now: datetime
    leads: dict[LeadStatus, int] = Field(description="how many stand where")
    total: int
    scored: int
    average_score: float | None
    imports_open: int
    unknown_calls: int = Field(description="paid calls of which nobody knows whether they count")
    active_algorithm: ActiveAlgorithm | None
    sandboxed: list[str] = Field(description="vendors that are simulated: nothing real happens")
    agents: list[AgentOut]
    spending: list[SpendingOut] = Field(description="accounts opened today")
