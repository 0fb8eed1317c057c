"""What a lead source tells: people found, people matched, and which of their records it bills."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from policies.features import Value
from policies.lead import Person


class EmailStatus(StrEnum):
    """What is known of an address without writing to it."""

    VALID = "valid"
    CATCH_ALL = "catch_all"
    RISKY = "risky"
    INVALID = "invalid"
    UNKNOWN = "unknown"


class MatchStatus(StrEnum):
    """What came of asking a source about one person."""

    FOUND = "found"
    NOT_FOUND = "not_found"
    OPTED_OUT = "opted_out"
    OUT_OF_CREDIT = "out_of_credit"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Prospect:
    """A person as one source tells of them.

    Attributes:
        source: such as ``"uplead"``.
        record_id: their name at the source; what it bills is counted by it.
        person: names, address and phone (E.164), as far as the source shows them.
        domain: of the company, without ``www.``.
        industry: one of `policies.industries.INDUSTRIES`, or the source's own word.
        country: ISO 3166-1 alpha-2.
        has_email: whether the source says it knows an address, shown or not; None untold.
        facts: what else is told that is not personal, by names of `policies.enrichment`.
        opted_out: the person objected to being sold: to be suppressed.
        observed_at: when the source last checked (aware UTC); None untold.
    """

    source: str
    record_id: str
    person: Person = field(default_factory=Person)
    company: str = ""
    domain: str | None = None
    title: str = ""
    industry: str | None = None
    country: str | None = None
    linkedin_url: str | None = None
    email_status: EmailStatus | None = None
    has_email: bool | None = None
    has_phone: bool | None = None
    facts: Mapping[str, Value] = field(default_factory=dict[str, Value])
    opted_out: bool = False
    observed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Criteria:
    """An ideal customer profile in the words of one source.

    Attributes:
        values: the source's own filters, in JSON values.
        unexpressed: what the profile wants and the source cannot filter by, in plain words; it is
            checked on the answers instead.
        impossible: why the source cannot serve the profile at all; None if it can.
    """

    values: Mapping[str, Any]
    unexpressed: tuple[str, ...] = ()
    impossible: str | None = None


@dataclass(frozen=True, slots=True)
class SearchPage:
    """One page of people.

    Attributes:
        billed: records for which the source takes a credit the first time that we get them.
        total: people that the search matches; None untold.
        next: where the next page begins, opaque; None on the last one.
    """

    prospects: Sequence[Prospect]
    billed: frozenset[str] = frozenset()
    total: int | None = None
    next: str | None = None


@dataclass(frozen=True, slots=True)
class PersonQuery:
    """Whom a source is asked about.

    Attributes:
        key: ours; answers are joined by it, never by position.
        record_id: their name at this source, if it is known.
        least: how sure their address must be to be wanted at all. A source that can holds back,
            and does not bill, what is less sure; others do not look at it.
    """

    key: UUID
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    company: str | None = None
    domain: str | None = None
    record_id: str | None = None
    least: EmailStatus | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """What a source said about one `PersonQuery`."""

    key: UUID
    status: MatchStatus
    prospect: Prospect | None = None


@dataclass(frozen=True, slots=True)
class Matches:
    """What a source said about several people.

    Attributes:
        billed: records for which it takes a credit the first time that we get them.
    """

    matches: Sequence[Match]
    billed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class UsageStats:
    """What a source says about our account.

    Attributes:
        credits_left: None untold or without limit.
        credits_used: since when is the source's own business; None untold.
        limits: requests left by window, such as ``{"minute": 480}``.
    """

    credits_left: int | None = None
    credits_used: int | None = None
    limits: Mapping[str, int] = field(default_factory=dict[str, int])
