"""Searches as values: what is kept of each, and of each source in it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

import asyncpg

from policies.profiles import Profile
from storage.errors import NotFound


class SearchStatus(StrEnum):
    """Where a search stands."""

    RUNNING = "running"
    DONE = "done"
    EXHAUSTED = "exhausted"
    OVER_BUDGET = "over_budget"
    FAILED = "failed"
    CANCELLED = "cancelled"


class SearchNotFound(NotFound):
    """There is no such search."""

    def __init__(self, search_id: UUID) -> None:
        super().__init__(f"there is no search {search_id}")


class SearchClosed(Exception):
    """The search has ended; the text says how."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody found but not bought.

    Attributes:
        record_id: at the source.
        name, company, linkedin: keyed hashes (hexadecimal) by which the person may be known.
    """

    record_id: str
    name: str | None = None
    company: str | None = None
    linkedin: str | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """What a source is asked.

    Attributes:
        number: counts the source's questions in this search.
        cursor: of the page, for a search.
        record_ids: to be bought, else.
    """

    number: int
    how: Literal["search", "buy"]
    most: int
    cursor: str | None = None
    record_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Counts:
    """What one or many answers came to.

    Attributes:
        seen: people told of.
        billed: records paid for, the first time we got them.
        usable: new leads.
        duplicates: who were leads before.
        unfit: who do not fit, or have no address that is sure enough.
        suppressed: who must not be made a lead.
        null_results: asked about, and nothing came of it.
    """

    seen: int = 0
    billed: int = 0
    usable: int = 0
    duplicates: int = 0
    unfit: int = 0
    suppressed: int = 0
    null_results: int = 0
    credits: int = 0
    cost_micro: int = 0


@dataclass(frozen=True, slots=True)
class NewSource:
    """A source that takes part in a search.

    Attributes:
        criteria: the profile in its words.
        impossible: why it cannot serve the profile; None if it can.
        price_micro: micro-dollars of a record.
    """

    source: str
    criteria: Mapping[str, Any]
    unexpressed: Sequence[str]
    impossible: str | None
    price_micro: int


@dataclass(frozen=True, slots=True)
class SourceProgress:
    """How far one source was read.

    Attributes:
        candidates: found, not bought yet.
        questions: answered so far.
        pending: the question under way, or whose answer was lost.
        failures: in a row, since ``failing_since``.
        rests_until, out_of_credit_until: not to be asked before (aware).
    """

    source: str
    criteria: Mapping[str, Any]
    unexpressed: tuple[str, ...]
    price_micro: int
    total: int | None
    cursor: str | None
    candidates: tuple[Candidate, ...]
    questions: int
    pending: Question | None
    state: Literal["ready", "exhausted", "failed", "impossible"]
    counts: Counts
    failures: int
    failing_since: datetime | None
    rests_until: datetime | None
    out_of_credit_until: datetime | None
    last_problem: str | None


@dataclass(frozen=True, slots=True)
class Search:
    """One search.

    Attributes:
        profile: its name; ``definition`` is the profile as it was.
        budget_micro: None: only the limits of the day and the month.
        found: distinct usable leads that were not there before.
        reason: why it ended, or what it waits for until ``waits_until``.
        sources: empty until the first turn.
    """

    id: UUID
    profile: str
    definition: Profile
    wanted: int
    budget_micro: int | None
    status: SearchStatus
    found: int
    reason: str | None
    waits_until: datetime | None
    correlation_id: str | None
    created_by: str
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None
    sources: tuple[SourceProgress, ...] = field(default=())

    @property
    def running(self) -> bool:
        """Whether it goes on."""
        return self.status is SearchStatus.RUNNING

    @property
    def missing(self) -> int:
        """How many are still wanted."""
        return max(0, self.wanted - self.found)

    def of(self, source: str) -> SourceProgress | None:
        """How far a source was read; None if it takes no part."""
        return next((part for part in self.sources if part.source == source), None)

    @property
    def spent_micro(self) -> int:
        """Micro-dollars spent so far."""
        return sum(source.counts.cost_micro for source in self.sources)


@dataclass(frozen=True, slots=True)
class Answered:
    """What becomes of a source once a question of it is answered.

    Attributes:
        counts: to be added.
        cursor: where the next page begins.
        candidates: found and not bought yet, all of them.
        exhausted: whether nobody is left.
        total: people that match, if the source says so.
        out_of_credit_until: if it ran out of credit half way.
    """

    counts: Counts
    cursor: str | None
    candidates: Sequence[Candidate]
    exhausted: bool
    total: int | None = None
    out_of_credit_until: datetime | None = None


def search_of(row: asyncpg.Record, sources: tuple[SourceProgress, ...]) -> Search:
    """Return the search that a row holds."""
    told = {name: row[name] for name in _SEARCH_FIELDS}
    definition = Profile.model_validate(row["definition"])
    status = SearchStatus(row["status"])
    return Search(**told, definition=definition, status=status, sources=sources)


def source_of(row: asyncpg.Record) -> SourceProgress:
    """Return the part of one source that a row holds."""
    told = {name: row[name] for name in _SOURCE_FIELDS}
    return SourceProgress(
        **told,
        unexpressed=tuple(row["unexpressed"]),
        candidates=tuple(Candidate(**each) for each in row["candidates"]),
        pending=_question(row["pending"]),
        counts=Counts(**{name: row[name] for name in _COUNT_FIELDS}),
    )


def _question(told: Mapping[str, Any] | None) -> Question | None:
    if told is None:
        return None
    ids: list[str] = told["record_ids"]
    return Question(told["number"], told["how"], told["most"], told["cursor"], tuple(ids))


_SEARCH_FIELDS = (
    "id", "profile", "wanted", "budget_micro", "found", "reason", "waits_until", "correlation_id",
    "created_by", "created_at", "updated_at", "finished_at",
)  # fmt: skip
_SOURCE_FIELDS = (
    "source", "criteria", "price_micro", "total", "cursor", "questions", "state", "failures",
    "failing_since", "rests_until", "out_of_credit_until", "last_problem",
)  # fmt: skip
_COUNT_FIELDS = tuple(asdict(Counts()))
