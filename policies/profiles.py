"""The ideal customer profile: whom a search is for, in our own words.

Each source says the same in its own (`agents.vendors`), and what it cannot say is checked here on
what it answers. What a prospect does not tell never counts against it, because its source was
asked for it already; only words in a title and a list of companies are needed to be seen.
"""

from collections.abc import Callable, Iterable
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from policies.contact_points import email_domain, is_role_address, normal_email
from policies.countries import folded
from policies.enrichment import COMPANY_SIZE, FUNCTION, SENIORITY
from policies.industries import industry_of
from policies.job_titles import function_of, seniority_of
from policies.profile_words import (
    country_word,
    domain_word,
    function_word,
    industry_word,
    seniority_word,
    size_word,
    title_word,
)
from policies.prospect import EmailStatus, Prospect
from policies.regions import REGIONS

Words = Annotated[tuple[str, ...], Field(max_length=100)]


class Profile(BaseModel):
    """Whom to look for; an empty list does not narrow.

    Words are taken as people write them (``fintech``, ``Germany``, ``VP``) and kept as ours.

    Attributes:
        industries: of `policies.industries.INDUSTRIES`.
        countries: ISO 3166-1 alpha-2, or one of `policies.regions.REGIONS`.
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

    @field_validator("industries")
    @classmethod
    def _industries(cls, words: tuple[str, ...]) -> tuple[str, ...]:
        return _each(industry_word, words)

    @field_validator("countries")
    @classmethod
    def _countries(cls, words: tuple[str, ...]) -> tuple[str, ...]:
        return _each(country_word, words)

    @field_validator("seniorities")
    @classmethod
    def _seniorities(cls, words: tuple[str, ...]) -> tuple[str, ...]:
        return _each(seniority_word, words)

    @field_validator("functions")
    @classmethod
    def _functions(cls, words: tuple[str, ...]) -> tuple[str, ...]:
        return _each(function_word, words)

    @field_validator("titles")
    @classmethod
    def _titles(cls, words: tuple[str, ...]) -> tuple[str, ...]:
        return _each(title_word, words)

    @field_validator("company_sizes")
    @classmethod
    def _sizes(cls, words: tuple[str, ...]) -> tuple[str, ...]:
        return _each(size_word, words)

    @field_validator("domains", "excluded_domains")
    @classmethod
    def _domains(cls, words: tuple[str, ...]) -> tuple[str, ...]:
        return _each(domain_word, words)


def countries_of(profile: Profile) -> tuple[str, ...]:
    """The countries of a profile, its regions taken apart, in order; none means all the world."""
    parts = (REGIONS.get(word, (word,)) for word in profile.countries)
    return tuple(sorted({code for part in parts for code in part}))


def matches(profile: Profile, prospect: Prospect) -> tuple[str, ...]:
    """Say what of a prospect does not fit; empty if it fits, as far as it tells.

    A title and its source's own word for the rank may differ in good faith ("Managing Director"):
    it fits if one of the two does. A text that is none of our words (an industry that we do not
    know) tells nothing.
    """
    problems = (
        _misfit("the industry", {_industry(prospect)}, profile.industries),
        _misfit("the country", {prospect.country}, countries_of(profile)),
        _misfit("the seniority", _seniorities(prospect), profile.seniorities),
        _misfit("the function", _functions(prospect), profile.functions),
        _misfit("the company size", {_fact(prospect, COMPANY_SIZE)}, profile.company_sizes),
        _misfit_of_title(profile, prospect),
        *_misfits_of_domain(profile, prospect),
    )
    return tuple(problem for problem in problems if problem is not None)


def why_unusable(profile: Profile, prospect: Prospect) -> tuple[str, ...]:
    """Say why nobody could write to a prospect on behalf of a profile; empty if one could.

    Usable is who has an address of their own that is as sure as the profile wants, did not object
    to being sold, and fits.
    """
    objection = ("the person objected to being sold",) if prospect.opted_out else ()
    return (*objection, *_problems_of_email(profile, prospect), *matches(profile, prospect))


def usable(profile: Profile, prospect: Prospect) -> bool:
    """Whether a prospect makes a lead: see `why_unusable`."""
    return not why_unusable(profile, prospect)


def _each(read: Callable[[str], str], words: Iterable[str]) -> tuple[str, ...]:
    """Read every word, each result once; all that are wrong are told at once."""
    good: dict[str, None] = {}
    bad: list[str] = []
    for word in words:
        try:
            good[read(word)] = None
        except ValueError as error:
            bad.append(str(error))
    if bad:
        raise ValueError("; ".join(bad))
    return tuple(good)


def _misfit(what: str, told: Iterable[str | None], wanted: Iterable[str]) -> str | None:
    known = sorted(word for word in told if word is not None)
    allowed = tuple(wanted)
    if not known or not allowed or not set(allowed).isdisjoint(known):
        return None
    return f"{what} is {' or '.join(known)}"


def _industry(prospect: Prospect) -> str | None:
    return None if prospect.industry is None else industry_of(prospect.industry)


def _seniorities(prospect: Prospect) -> set[str | None]:
    return {seniority_of(prospect.title), _fact(prospect, SENIORITY)}


def _functions(prospect: Prospect) -> set[str | None]:
    return {function_of(prospect.title), _fact(prospect, FUNCTION)}


def _fact(prospect: Prospect, name: str) -> str | None:
    value = prospect.facts.get(name)
    return value if isinstance(value, str) and value else None


def _misfit_of_title(profile: Profile, prospect: Prospect) -> str | None:
    if not profile.titles:
        return None
    title = f" {folded(prospect.title)} "
    if any(f" {folded(words)} " in title for words in profile.titles):
        return None
    return "the title holds none of the wanted words" if title.strip() else "no title is told"


def _misfits_of_domain(profile: Profile, prospect: Prospect) -> Iterable[str]:
    domains = _domains(prospect)
    if _any_within(domains, profile.excluded_domains):
        yield "the company is one to pass over"
    if profile.domains and domains and not _any_within(domains, profile.domains):
        yield "the company is none of those wanted"
    if profile.domains and not domains and not prospect.company:
        yield "no company is told"


def _domains(prospect: Prospect) -> tuple[str, ...]:
    normal = normal_email(prospect.person.email or "")
    by_address = None if normal is None else email_domain(normal)
    return tuple(domain for domain in (prospect.domain, by_address) if domain)


def _any_within(domains: Iterable[str], companies: Iterable[str]) -> bool:
    return any(
        domain == company or domain.endswith(f".{company}")
        for domain in domains
        for company in companies
    )


def _problems_of_email(profile: Profile, prospect: Prospect) -> Iterable[str]:
    normal = normal_email(prospect.person.email or "")
    if normal is None:
        yield "no e-mail address is known"
        return
    if is_role_address(normal.partition("@")[0]):
        yield "the address is a desk's, not a person's"
    enough = {EmailStatus.VALID}
    if profile.email == "catch_all":
        enough.add(EmailStatus.CATCH_ALL)
    if prospect.email_status not in enough:
        yield f"the address is not sure enough: {prospect.email_status or 'not checked'}"


_DECISION_MAKERS = ("owner", "c_level", "vp", "director", "head")

STARTERS = {
    "fintech-eu": Profile(
        industries=("financial_services",),
        countries=("EU",),
        seniorities=_DECISION_MAKERS,
        functions=("finance", "engineering", "it", "data", "product", "operations", "executive"),
    ),
    "saas-us": Profile(
        industries=("software", "it_services"),
        countries=("US",),
        seniorities=_DECISION_MAKERS,
        functions=("sales", "marketing", "product", "engineering", "executive"),
    ),
    "manufacturing-dach": Profile(
        industries=("manufacturing", "automotive", "chemicals"),
        countries=("DACH",),
        seniorities=(*_DECISION_MAKERS, "manager"),
        functions=("operations", "purchasing", "logistics", "engineering", "it", "executive"),
    ),
    "healthcare-nordics": Profile(
        industries=("healthcare", "pharmaceuticals"),
        countries=("NORDICS",),
        seniorities=_DECISION_MAKERS,
        functions=("medical", "operations", "purchasing", "it", "executive"),
        email="catch_all",
    ),
}
"""Profiles to begin with, by name."""
