"""How lead sources, profiles and searches look on the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import Field, StrictFloat, StrictInt, StringConstraints, ValidationError

from policies.job_titles import FUNCTIONS, SENIORITIES
from policies.profile_words import ALL_SIZES
from policies.profiles import Profile
from serve.problems import FieldError, Problem
from serve.shapes.common import WHOLE, Asked, Told, example, text
from storage.profiles import NamedProfile
from storage.search_values import Search, SourceProgress
from storage.source_previews import Preview, SourcePreview

MICRO = 1_000_000
MOST_WANTED = 100_000
PROFILE_NAME = r"^[a-z0-9][a-z0-9_-]{0,62}$"
ProfileName = Annotated[str, StringConstraints(pattern=PROFILE_NAME)]
Word = Annotated[str, text(200, solid=True)]
Words = Annotated[list[Word], Field(max_length=100)]


def _words(what: str) -> Any:  # noqa: ANN401 - a field
    return Field(default_factory=list[str], description=what)


class ProfileIn(Asked):
    """Whom to look for; an empty list does not narrow. Words are taken as people write them."""

    model_config = example(
        {
            "industries": ["fintech"],
            "countries": ["Germany", "NORDICS"],
            "seniorities": ["c_level", "vp"],
            "functions": ["finance"],
            "company_sizes": ["51-200", "201-1000"],
        }
    )

    industries: Words = _words("such as fintech")
    countries: Words = _words("names or ISO codes, or EU, EEA, DACH, NORDICS, BENELUX")
    seniorities: Words = _words(f"of {', '.join(SENIORITIES)}")
    functions: Words = _words(f"of {', '.join(FUNCTIONS)}")
    titles: Words = _words("words of which the title holds one")
    company_sizes: Words = _words(f"employees, of {', '.join(ALL_SIZES)}")
    domains: Words = _words("of companies to look at; no others")
    excluded_domains: Words = _words("of companies to pass over")
    email: Literal["valid", "catch_all"] = Field(
        default="valid", description="the least sure address that makes a lead usable"
    )

    def profile(self) -> Profile:
        """Read the words.

        Raises:
            Problem: 422, naming the words that are not known.
        """
        try:
            return Profile.model_validate(self.model_dump())
        except ValidationError as error:
            raise _unknown_words(error) from None


class NewProfile(ProfileIn):
    """A profile to keep."""

    model_config = example(
        {"name": "fintech-dach", "industries": ["fintech"], "countries": ["DACH"]}
    )

    name: ProfileName = Field(description="small letters, digits and hyphens")

    def profile(self) -> Profile:
        """Read the words.

        Raises:
            Problem: 422, naming the words that are not known.
        """
        return ProfileIn(**self.model_dump(exclude={"name"})).profile()


class ProfileOut(Told):
    """A profile."""

    name: str
    definition: dict[str, Any] = Field(description="in our own words")
    version: int = Field(description="0 for one that comes with the engine")
    created_by: str | None
    updated_at: datetime | None

    @classmethod
    def of(cls, named: NamedProfile) -> Self:
        """Show a profile."""
        return cls(
            name=named.name,
            definition=named.profile.model_dump(mode="json"),
            version=named.version,
            created_by=named.created_by,
            updated_at=named.updated_at,
        )


class ProfileList(Told):
    """Every profile, by name."""

    items: list[ProfileOut]


class AskPreview(Asked):
    """Whose search to preview."""

    model_config = example({"profile": "fintech-eu"})

    profile: ProfileName


class NewSearch(Asked):
    """Leads to be found."""

    model_config = example({"profile": "fintech-eu", "wanted": 200, "budget_usd": 150})

    profile: ProfileName
    wanted: Annotated[StrictInt, Field(ge=1, le=MOST_WANTED), WHOLE] = Field(
        description="distinct usable leads that are not there yet"
    )
    budget_usd: Annotated[StrictFloat | StrictInt, Field(ge=0, le=1_000_000)] | None = Field(
        default=None, description="never overrun; null: only the limits of the day and the month"
    )

    @property
    def budget_micro(self) -> int | None:
        """The budget in micro-dollars."""
        return None if self.budget_usd is None else round(self.budget_usd * MICRO)


class SourcePreviewOut(Told):
    """What one source makes of a profile."""

    source: str
    criteria: dict[str, Any] = Field(description="the profile in the source's words")
    unexpressed: list[str] = Field(description="checked on what it finds instead")
    impossible: str | None = Field(description="why it cannot serve the profile")
    count: int | None = Field(description="people that match; null if it does not tell")
    usd_per_record: float
    usd_per_lead: float = Field(description="expected of a usable lead")
    problem: str | None = Field(description="why it could not be asked")

    @classmethod
    def of(cls, told: SourcePreview) -> Self:
        """Show what a source said."""
        return cls(
            source=told.source,
            criteria=dict(told.criteria),
            unexpressed=list(told.unexpressed),
            impossible=told.impossible,
            count=told.count,
            usd_per_record=told.price_micro / MICRO,
            usd_per_lead=told.lead_micro / MICRO,
            problem=told.problem,
        )


class PreviewOut(Told):
    """A preview; ask again until `sources` is there."""

    id: UUID
    profile: str
    sources: list[SourcePreviewOut] | None
    created_at: datetime
    answered_at: datetime | None

    @classmethod
    def of(cls, preview: Preview) -> Self:
        """Show a preview."""
        answers = preview.answers
        return cls(
            id=preview.id,
            profile=preview.profile,
            sources=None if answers is None else [SourcePreviewOut.of(each) for each in answers],
            created_at=preview.created_at,
            answered_at=preview.answered_at,
        )


class SearchSourceOut(Told):
    """One source in a search."""

    source: str
    state: Literal["ready", "exhausted", "failed", "impossible"]
    problem: str | None = Field(description="what stands in the way, in plain words")
    rests_until: datetime | None
    out_of_credit_until: datetime | None
    criteria: dict[str, Any] = Field(description="the profile in the source's words")
    unexpressed: list[str] = Field(description="checked on what it finds instead")
    total: int | None = Field(description="people that match, as the source says")
    seen: int
    candidates: int = Field(description="found, not bought yet")
    billed: int = Field(description="records paid for, each the first time we got it")
    usable: int = Field(description="new leads")
    duplicates: int = Field(description="people who were leads already")
    unfit: int = Field(description="who do not fit, or whose address is not sure enough")
    suppressed: int = Field(description="who must not be made a lead")
    null_results: int = Field(description="asked about, and nothing came of it")
    credits: int
    cost_usd: float
    usd_per_lead: float | None

    @classmethod
    def of(cls, part: SourceProgress) -> Self:
        """Show how far a source was read."""
        counts = part.counts
        cost = counts.cost_micro / MICRO
        return cls(
            source=part.source,
            state=part.state,
            problem=part.last_problem,
            rests_until=part.rests_until,
            out_of_credit_until=part.out_of_credit_until,
            criteria=dict(part.criteria),
            unexpressed=list(part.unexpressed),
            total=part.total,
            seen=counts.seen,
            candidates=len(part.candidates),
            billed=counts.billed,
            usable=counts.usable,
            duplicates=counts.duplicates,
            unfit=counts.unfit,
            suppressed=counts.suppressed,
            null_results=counts.null_results,
            credits=counts.credits,
            cost_usd=cost,
            usd_per_lead=cost / counts.usable if counts.usable else None,
        )


class SearchOut(Told):
    """A search for leads, and what it came to so far."""

    id: UUID
    profile: str
    definition: dict[str, Any] = Field(description="the profile as it was")
    status: Literal["running", "done", "exhausted", "over_budget", "failed", "cancelled"]
    wanted: int
    found: int = Field(description="distinct usable leads that were not there before")
    budget_usd: float | None
    spent_usd: float
    reason: str | None = Field(description="why it ended, or what it waits for")
    waits_until: datetime | None
    created_by: str
    correlation_id: str | None
    created_at: datetime
    finished_at: datetime | None
    sources: list[SearchSourceOut]

    @classmethod
    def of(cls, search: Search) -> Self:
        """Show a search."""
        budget = search.budget_micro
        return cls(
            id=search.id,
            profile=search.profile,
            definition=search.definition.model_dump(mode="json"),
            status=search.status.value,
            wanted=search.wanted,
            found=search.found,
            budget_usd=None if budget is None else budget / MICRO,
            spent_usd=search.spent_micro / MICRO,
            reason=search.reason,
            waits_until=search.waits_until,
            created_by=search.created_by,
            correlation_id=search.correlation_id,
            created_at=search.created_at,
            finished_at=search.finished_at,
            sources=[SearchSourceOut.of(part) for part in search.sources],
        )


class SearchPage(Told):
    """Searches, newest first."""

    items: list[SearchOut]
    next: str | None


class SourceOut(Told):
    """A lead source and how it is doing."""

    name: str = Field(examples=["uplead"])
    configured: bool = Field(description="whether the engine is connected to it")
    sandboxed: bool = Field(description="whether the sandbox plays it")
    state: Literal["ready", "away", "out_of_credit", "not_configured"]
    away_until: datetime | None = Field(description="its circuit breaker is open until then")
    failures: int = Field(description="in a row")
    usd_per_credit: float | None
    credits_left: int | None = Field(description="as the source says, at `asked_at`")
    credits_used: int | None = Field(description="as the source says, at `asked_at`")
    limits: dict[str, int] = Field(description="requests left by window, as the source says")
    asked_at: datetime | None
    credits_this_month: int = Field(description="spent, by our ledger")
    credits_held: int = Field(description="reserved for calls under way, by our ledger")
    usd_this_month: float
    usd_today: float
    last_problem: str | None
    last_problem_at: datetime | None


class SourceList(Told):
    """The lead sources."""

    items: list[SourceOut]
    usd_today: float = Field(description="spent with all of them, by our ledger")
    usd_per_day: float | None = Field(description="the limit of a day; null until one is set")


def _unknown_words(error: ValidationError) -> Problem:
    errors = [
        FieldError(
            field=str(each["loc"][0]) if each["loc"] else "",
            reason="unknown_word",
            message=each["msg"].removeprefix("Value error, "),
        )
        for each in error.errors(include_url=False, include_input=False)
    ]
    first = errors[0]
    return Problem(422, "unknown_word", f"{first.field}: {first.message}", errors=errors)
