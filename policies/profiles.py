"""The ideal customer profile: whom a search is for, in our own words.

Each source says the same in its own (`agents.vendors`), and what it cannot say is checked here on
what it answers.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Words = Annotated[tuple[str, ...], Field(max_length=100)]


class Profile(BaseModel):
    """Whom to look for; an empty list does not narrow.

    Attributes:
        industries: of `policies.industries.INDUSTRIES`.
        countries: ISO 3166-1 alpha-2, or ``EU``, ``EEA``, ``DACH``, ``NORDICS``, ``BENELUX``.
        seniorities: of `policies.job_titles.SENIORITIES`.
        functions: of `policies.job_titles.FUNCTIONS`.
        titles: words of which the title holds one.
        company_sizes: names of `policies.enrichment.SIZES`, or ``5001+``.
        domains: of companies to look at; no others.
        excluded_domains: companies to pass over (customers, rivals).
        email: the least sure address that makes a lead usable.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    industries: Words = ()
    countries: Words = ()
    seniorities: Words = ()
    functions: Words = ()
    titles: Words = ()
    company_sizes: Words = ()
    domains: Words = ()
    excluded_domains: Words = ()
    email: Literal["valid", "catch_all"] = "valid"
