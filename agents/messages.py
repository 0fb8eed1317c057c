"""Everything agents say to each other.

A message states something that happened (``LeadEnriched``) or asks for something
(``ImportLeads``). It carries ids, not rows: the reader fetches what is true now. A field
may be added with a default; none is ever renamed or removed (ADR-0003).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias
from uuid import UUID

from pydantic import Field, TypeAdapter


@dataclass(frozen=True, slots=True)
class ImportLeads:
    """Read on in an uploaded file, from where the last turn stopped."""

    import_id: UUID
    kind: Literal["leads.import"] = "leads.import"


@dataclass(frozen=True, slots=True)
class LeadFound:
    """A lead was created or learned something new."""

    lead_id: UUID
    kind: Literal["lead.found"] = "lead.found"


@dataclass(frozen=True, slots=True)
class LeadEnriched:
    """The enricher has filled in what can be known about a lead."""

    lead_id: UUID
    kind: Literal["lead.enriched"] = "lead.enriched"


@dataclass(frozen=True, slots=True)
class Rescore:
    """Score a lead again, with the algorithm that is active now."""

    lead_id: UUID
    kind: Literal["lead.rescore"] = "lead.rescore"


@dataclass(frozen=True, slots=True)
class FindLeads:
    """Read on in a search for leads, from where the last turn stopped."""

    search_id: UUID
    kind: Literal["leads.find"] = "leads.find"


@dataclass(frozen=True, slots=True)
class PreviewSearch:
    """Say what each source would make of a profile: whom it can look for, and how many."""

    preview_id: UUID
    kind: Literal["leads.preview"] = "leads.preview"


@dataclass(frozen=True, slots=True)
class BuyFacts:
    """Ask the vendors what a lead still lacks, as far as that is worth its price.

    Attributes:
        refresh: ask again for what is known but old.
    """

    lead_id: UUID
    refresh: bool = False
    kind: Literal["facts.buy"] = "facts.buy"


@dataclass(frozen=True, slots=True)
class SyncLead:
    """Bring the CRM's record of a lead up to date."""

    lead_id: UUID
    kind: Literal["crm.sync"] = "crm.sync"


@dataclass(frozen=True, slots=True)
class FollowJob:
    """Go on with a bulk job of the CRM, from the step that it has reached."""

    job_id: UUID
    kind: Literal["crm.job"] = "crm.job"


@dataclass(frozen=True, slots=True)
class CheckCrm:
    """Look now whether the CRM answers: who we are there, and how its objects look."""

    kind: Literal["crm.check"] = "crm.check"


@dataclass(frozen=True, slots=True)
class WebhookReceived:
    """An outside system told us something; it is kept among the inbound events.

    Attributes:
        source: who, such as ``"linkedin"``.
        event_id: of the kept event.
    """

    source: str
    event_id: int
    kind: Literal["webhook.received"] = "webhook.received"


@dataclass(frozen=True, slots=True)
class SettleCalls:
    """Look up what became of calls to a language model whose answers never arrived.

    Attributes:
        vendor: whose calls.
    """

    vendor: str
    kind: Literal["llm.settle"] = "llm.settle"


@dataclass(frozen=True, slots=True)
class FitAlgorithm:
    """Fit a learned scoring algorithm on the outcomes known so far."""

    algorithm_id: UUID
    kind: Literal["algorithm.fit"] = "algorithm.fit"


@dataclass(frozen=True, slots=True)
class Tick:
    """A schedule came round.

    Attributes:
        schedule: its name, such as ``"partitions"``.
        due_at: the moment it stands for (aware UTC).
    """

    schedule: str
    due_at: datetime
    kind: Literal["tick"] = "tick"


Message: TypeAlias = Annotated[
    ImportLeads
    | FindLeads
    | PreviewSearch
    | LeadFound
    | BuyFacts
    | LeadEnriched
    | Rescore
    | SettleCalls
    | FitAlgorithm
    | SyncLead
    | FollowJob
    | CheckCrm
    | WebhookReceived
    | Tick,
    Field(discriminator="kind"),
]
_codec: TypeAdapter[Message] = TypeAdapter(Message)


def encode(message: Message) -> dict[str, Any]:
    """Turn a message into JSON values."""
    encoded: dict[str, Any] = _codec.dump_python(message, mode="json")
    return encoded


def decode(body: dict[str, Any]) -> Message:
    """Turn JSON values back into a message.

    Raises:
        pydantic.ValidationError: if ``body`` is of no known kind or shape.
    """
    return _codec.validate_python(body)
