"""What UpLead's answers are made of, after the wire reference; nothing else is there."""

from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

Level = Literal["M", "D", "VP", "C", "CX"]
Status = Literal["valid", "invalid", "unknown", "accept_all"]
Band = Annotated[str, Field(pattern=r"^[\d,]+(-[\d,]+|\+)$")]
Revenue = Annotated[str, Field(pattern=r"^\d+[mb]?(-\d+[mb]|\+)$")]
_Read = TypeVar("_Read", bound="Fact")


class Fact(BaseModel):
    """A JSON object with exactly these members."""

    model_config = ConfigDict(extra="forbid", strict=True)

    @classmethod
    def of(cls: type[_Read], value: Any) -> _Read:
        """Read a JSON value."""
        return cls.model_validate(value)


class Person(Fact):
    id: Annotated[str, Field(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
    first_name: str
    last_name: str
    title: str
    job_function: str
    job_sub_function: str | None
    management_level: Level | None
    gender: str | None
    email: str | None
    email_status: Status
    phone_number: str | None
    mobile_directdial: str | None
    city: str
    state: str
    county: str | None
    country: str
    linkedin_url: str | None
    industry: str
    domain: str
    company_name: str


class Company(Fact):
    id: str
    company_name: str
    domain: str
    address: str | None
    city: str
    state: str
    zip: str | None
    county: str | None
    country: str
    phone_number: str | None
    fax_number: str | None
    employees: Band
    revenue: Revenue
    industry: str
    sic_code: str
    sic_description: str | None
    naics_code: str
    naics_description: str | None
    description: str
    year_founded: int
    logo: str
    type: str
    ticker: str | None
    exchange: str | None
    alexa_rank: int | None
    linkedin_url: str | None
    twitter_url: str | None
    facebook_url: str | None
    youtube_url: str | None
    crunchbase_url: str | None
    yelp_url: str | None
    instagram_url: str | None


class Combined(Person):
    company: Company


class UserInfo(Fact):
    availableCredits: int


class One(Fact):
    """The answer of a search for one record."""

    data: dict[str, Any] | None
    userInfo: UserInfo


class Meta(Fact):
    total: int
    page: int
    next_page: int | None
    previous_page: int | None
    first_page: bool
    last_page: bool


class Results(Fact):
    results: list[Person]
    meta: Meta


class Page(Fact):
    data: Results
    userInfo: UserInfo


class Problem(Fact):
    type: str
    message: str


class Error(Fact):
    error: Problem
