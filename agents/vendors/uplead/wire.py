"""The shapes that UpLead sends, as far as we read them.

Sources: reference/uplead.md (2026-11-22): the envelope ``data`` is there in most readings and
missing in one, so both are read; ``data`` is null, or an empty list, for somebody unknown.
"""

from typing import Any

from pydantic import AliasChoices, Field, model_validator

from agents.vendors.fields import Flag, Id, Part, Text, Whole


class Company(Part):
    """The company within a record of prospector-pro-search."""

    company_name: Text = ""
    domain: Text = ""
    employees: Text = ""
    industry: Text = ""
    country: Text = ""


class Person(Part):
    """A contact."""

    id: Id
    first_name: Text = ""
    last_name: Text = ""
    title: Text = ""
    job_function: Text = ""
    management_level: Text = ""
    email: Text = ""
    email_status: Text = ""
    phone_number: Text = ""
    mobile_directdial: Text = ""
    country: Text = ""
    linkedin_url: Text = ""
    industry: Text = ""
    domain: Text = ""
    company_name: Text = ""
    company: Company = Company()

    @model_validator(mode="before")
    @classmethod
    def _company_is_told(cls, value: Any) -> Any:  # noqa: ANN401 - JSON
        if isinstance(value, dict) and not isinstance(value.get("company"), dict):
            return {key: part for key, part in value.items() if key != "company"}
        return value


class PersonAnswer(Part):
    """The answer about one person; none if UpLead does not know them."""

    data: Person | None

    @model_validator(mode="before")
    @classmethod
    def _unwrapped(cls, value: Any) -> Any:  # noqa: ANN401 - JSON
        data = _data(value)
        if isinstance(data, list):
            data = data[0] if data else None
        return {"data": data}


class Meta(Part):
    """Where a page stands."""

    total: Whole = None
    next_page: Whole = None
    last_page: Flag = None


class People(Part):
    """A page of people."""

    results: list[Person] = Field(max_length=1000)
    meta: Meta = Meta()

    @model_validator(mode="before")
    @classmethod
    def _unwrapped(cls, value: Any) -> Any:  # noqa: ANN401 - JSON
        data = _data(value)
        if data is None or data == []:
            return {"results": []}
        if isinstance(data, dict) and not isinstance(data.get("meta"), dict):
            return {key: part for key, part in data.items() if key != "meta"}
        return data


class Count(Part):
    """How many people match."""

    count: int = Field(ge=0, validation_alias=AliasChoices("count", "total"))

    @model_validator(mode="before")
    @classmethod
    def _unwrapped(cls, value: Any) -> Any:  # noqa: ANN401 - JSON
        return _data(value)


class Credits(Part):
    """What is left of the account."""

    credits: int = Field(ge=0)

    @model_validator(mode="before")
    @classmethod
    def _unwrapped(cls, value: Any) -> Any:  # noqa: ANN401 - JSON
        return _data(value)


def _data(value: Any) -> Any:  # noqa: ANN401 - JSON
    return value["data"] if isinstance(value, dict) and "data" in value else value
