"""What ZoomInfo's answers are made of, after the wire reference; nothing else is there."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Day = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")]
Digits = Annotated[str, Field(pattern=r"^\d+$")]
MatchStatus = Literal[
    "FULL_MATCH",
    "NO_MATCH",
    "NON_MATCH_BY_LAST_UPDATED_DATE",
    "NON_MATCH_BY_VALID_DATE",
    "NON_MATCH_BY_REQUIRED_FIELDS",
    "NON_MATCH_BY_CONTACT_ACCURACY_MIN",
    "COMPANY_ONLY_MATCH",
    "CONTACT_ONLY_MATCH",
    "OPT_OUT",
    "LIMIT_EXCEEDED",
    "INVALID_INPUT",
]


class Fact(BaseModel):
    """A JSON object with exactly these members."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Token(Fact):
    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int
    scope: str
    refresh_token: str | None = None


class Employer(Fact):
    id: int
    name: str


class Found(Fact):
    """Attributes of a hit: no address and no number, only whether there is one."""

    firstName: str
    lastName: str
    jobTitle: str
    contactAccuracyScore: Annotated[int, Field(ge=0, le=100)]
    hasEmail: bool
    hasSupplementalEmail: bool
    hasDirectPhone: bool
    hasMobilePhone: bool
    hasCompanyPhone: bool
    managementLevel: list[str]
    lastUpdatedDate: Day
    validDate: Day
    company: Employer


class Hit(Fact):
    id: Digits
    type: Literal["Contact"]
    attributes: Found


class PageNumber(Fact):
    number: int
    total: Annotated[int, Field(le=100)]


class Meta(Fact):
    totalResults: int
    page: PageNumber


class Links(Fact):
    first: str
    last: str
    prev: str | None
    next: str | None


class Search(Fact):
    data: list[Hit]
    meta: Meta
    links: Links


class MatchMeta(Fact):
    matchStatus: MatchStatus
    input: dict[str, Any]


class Match(Fact):
    id: Digits
    type: Literal["Contact", "Company"]
    attributes: dict[str, Any]
    meta: MatchMeta


class NoMatch(Fact):
    """No attributes at all."""

    id: Literal["0"]
    type: Literal["NoMatch"]
    meta: MatchMeta


class Enriched(Fact):
    data: list[Match | NoMatch]


class Contact(Fact):
    """Attributes of an enriched contact; the score is a text, unlike in a search."""

    id: Digits
    firstName: str
    lastName: str
    email: str
    phone: str
    mobilePhone: str
    directPhoneDoNotCall: bool
    mobilePhoneDoNotCall: bool
    jobTitle: str
    managementLevel: list[str]
    contactAccuracyScore: Digits
    personHasMoved: Literal["Yes", "No"]
    withinEu: bool
    withinCalifornia: bool
    withinCanada: bool
    lastUpdatedDate: Day
    country: str
    company: "ContactCompany"


class ContactCompany(Fact):
    id: int
    name: str
    website: str
    employeeCount: int
    primaryIndustry: list[str]


class Company(Fact):
    id: int
    name: str
    website: str
    domainList: list[str]
    employeeCount: int
    employeeRange: str
    revenue: int
    primaryIndustry: list[str]
    industries: list[str]
    foundedYear: str
    country: str
    isDefunct: bool


class Source(Fact):
    pointer: str | None = None
    parameter: str | None = None
    header: str | None = None
    cookie: str | None = None


class Problem(Fact):
    id: str
    code: Annotated[str, Field(pattern=r"^(PFAPI\d{4}|ZI\d{4})$")]
    status: Annotated[str, Field(pattern=r"^\d{3}$")]
    title: str
    detail: str
    source: Source


class Error(Fact):
    title: str
    detail: str
    errors: list[Problem]


class Brief(Fact):
    code: str
    message: str
    status: int
    requestId: str
    retryable: bool


class OtherError(Fact):
    error: Brief


class Limit(Fact):
    limitType: str
    description: str
    totalLimit: int
    currentUsage: int
    usageRemaining: int


class Limits(Fact):
    usage: list[Limit]


class UsageRow(Fact):
    id: str
    type: Literal["Usage"]
    attributes: Limits


class Usage(Fact):
    data: list[UsageRow]


class Name(Fact):
    name: str


class Value(Fact):
    id: str
    type: str
    attributes: Name


class Lookup(Fact):
    data: list[Value]
