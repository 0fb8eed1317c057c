"""Which leads: the same criteria in an address, in a body and in an export."""

from dataclasses import replace
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StringConstraints,
)

from policies.contact_points import normal_phone
from policies.lead import LeadStatus
from serve.paging import CURSOR_LETTERS, PageSize, plain_digits
from serve.shapes.common import WHOLE, Asked, text
from storage.lead_search import LeadFilter, Sort

Word = Annotated[str, text(200)]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2}$"), AfterValidator(str.upper)]
Points = Annotated[int, Field(ge=0, le=100), BeforeValidator(plain_digits)]
Score = Annotated[StrictInt, Field(ge=0, le=100), WHOLE]


class _Criteria(BaseModel):
    model_config = ConfigDict(frozen=True)

    status: LeadStatus | None = None
    source: Word | None = None
    external_id: Word | None = Field(default=None, description="its name at its source, exact")
    country: Country | None = Field(default=None, description="ISO 3166-1 alpha-2")
    industry: Word | None = None
    tier: Word | None = None
    tag: Word | None = Field(default=None, description="one that the lead has")
    import_id: UUID | None = None
    q: Word | None = Field(
        default=None, description="beginnings of a person's names, or words of company and title"
    )
    email: Annotated[str, text(254)] | None = Field(default=None, description="exact")
    phone: Annotated[str, text(40)] | None = Field(
        default=None, description="exact, with its country code"
    )
    algorithm_behind: UUID | None = Field(
        default=None, description="not scored by this algorithm last, or never"
    )

    def _filter(self, **more: Any) -> LeadFilter:  # noqa: ANN401
        given = {name: getattr(self, name) for name in _Criteria.model_fields}
        wanted = LeadFilter(**given | more)
        if wanted.phone is None:
            return wanted
        return replace(wanted, phone=normal_phone(wanted.phone, None) or wanted.phone)


class LeadQuery(_Criteria):
    """Criteria in an address."""

    min_score: Points | None = None
    max_score: Points | None = None
    outcome: Literal["true", "false"] | None = Field(default=None, description="as it turned out")

    def filter(self) -> LeadFilter:
        """Return what storage looks for."""
        outcome = None if self.outcome is None else self.outcome == "true"
        return self._filter(min_score=self.min_score, max_score=self.max_score, outcome=outcome)


class LeadListQuery(LeadQuery):
    """Criteria, order and page."""

    sort: Sort = Field(default=Sort.NEWEST, description="newest, or best score first")
    limit: PageSize = 50
    cursor: str | None = Field(
        default=None,
        max_length=1_000,
        description="`next` of the page before; signed, and bound to the filter and the order",
        json_schema_extra=CURSOR_LETTERS,
    )


class LeadExportQuery(LeadQuery):
    """Criteria and form."""

    format: Literal["csv", "jsonl"] = "csv"


class LeadCriteria(Asked, _Criteria):
    """Criteria in a body; all leads if there is none."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    min_score: Score | None = None
    max_score: Score | None = None
    outcome: StrictBool | None = None

    def filter(self) -> LeadFilter:
        """Return what storage looks for."""
        return self._filter(
            min_score=self.min_score, max_score=self.max_score, outcome=self.outcome
        )
