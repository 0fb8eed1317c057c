"""What can be known about a lead without asking anybody: from its address, title and numbers.

Each thing found is a `Fact` with its source, so that a vendor's word can later weigh against it.
Facts hold no personal data.

Sources:
    How sure each is: our own estimates, to be replaced by measurements (0 to 1).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from policies.contact_points import email_domain, is_free_mail, is_role_address, normal_email
from policies.countries import (
    country_code,
    country_of_phone,
    folded,
    zone_of_country,
    zone_of_phone,
)
from policies.features import Value, number
from policies.industries import INDUSTRIES, industry_of
from policies.job_titles import function_of, seniority_of
from policies.lead import Fact, Lead

SENIORITY, FUNCTION, EMAIL_KIND = "seniority", "function", "email_kind"
COUNTRY, TIME_ZONE, DOMAIN = "country", "time_zone", "domain"
INDUSTRY, COMPANY_SIZE = "industry", "company_size"
FACTS = (
    SENIORITY,
    FUNCTION,
    EMAIL_KIND,
    COUNTRY,
    TIME_ZONE,
    DOMAIN,
    INDUSTRY,
    COMPANY_SIZE,
)
"""What a fact can be about."""

SOURCES = frozenset({"email", "title", "record", "phone", "domain", "country"})
"""Who says what we find out here."""

SIZES = ((10, "1-10"), (50, "11-50"), (200, "51-200"), (1000, "201-1000"), (5000, "1001-5000"))
LARGEST_SIZE = "5001+"


@dataclass(frozen=True, slots=True)
class Enrichment:
    """What was found out about a lead; None leaves its field as it is."""

    facts: tuple[Fact, ...]
    industry: str | None = None
    country: str | None = None
    domain: str | None = None


@dataclass(frozen=True, slots=True)
class _Found:
    field: str
    source: str
    value: str
    confidence: float


def enrich(lead: Lead, *, before: Sequence[Fact] = (), now: datetime) -> Enrichment:
    """Find out what a lead's own data tell; the same data always tell the same.

    Args:
        before: what is kept about the lead; what its data said then and say no more is withdrawn.
    """
    found = [*_of_email(lead), *_of_title(lead), *_of_place(lead, before), *_of_company(lead)]
    facts = tuple(Fact(f.field, f.source, f.value, f.confidence, now) for f in found)
    still = {(f.field, f.source) for f in found}
    facts += tuple(
        Fact(f.field, f.source, None, 0.0, now)
        for f in before
        if f.source in SOURCES and f.value is not None and (f.field, f.source) not in still
    )
    best = _best(found)
    known = lead.country is not None and country_code(lead.country) == lead.country
    industry = best.get(INDUSTRY)
    return Enrichment(
        facts,
        industry=industry if industry != lead.industry else None,
        country=None if known else best.get(COUNTRY),
        domain=None if lead.domain else best.get(DOMAIN),
    )


def size_of(employees: Value) -> str | None:
    """Return the size class of a number (or range) of employees; None if it is none."""
    count = number(employees)
    if not count >= 1:
        return None
    return next((name for most, name in SIZES if count <= most), LARGEST_SIZE)


def email_kind(email: str | None) -> str:
    """Return ``work``, ``free``, ``role`` or ``none``."""
    normal = None if email is None else normal_email(email)
    if normal is None:
        return "none"
    local, _, domain = normal.rpartition("@")
    if is_role_address(local):
        return "role"
    return "free" if is_free_mail(domain) else "work"


def _of_email(lead: Lead) -> Iterator[_Found]:
    yield _Found(EMAIL_KIND, "email", email_kind(lead.person.email), 0.9)
    normal = normal_email(lead.person.email or "")
    if normal is None or is_free_mail(domain := email_domain(normal)):
        return
    yield _Found(DOMAIN, "email", domain, 0.9)


def _of_title(lead: Lead) -> Iterator[_Found]:
    if not lead.title:
        return
    if seniority := seniority_of(lead.title):
        yield _Found(SENIORITY, "title", seniority, 0.8)
    if function := function_of(lead.title):
        yield _Found(FUNCTION, "title", function, 0.7)


def _of_place(lead: Lead, before: Sequence[Fact]) -> Iterator[_Found]:
    """Country and time zone: of the record, else of the number, else of the domain."""
    told = country_code(lead.country) if lead.country else None
    if told is not None and _is_ours(told, before):
        told = None
    country = told
    if told is not None:
        yield _Found(COUNTRY, "record", told, 0.95)
    if lead.person.phone:
        dialled = country_of_phone(lead.person.phone)
        country = country or dialled
        if dialled is not None:
            yield _Found(COUNTRY, "phone", dialled, 0.8)
        if zone := zone_of_phone(lead.person.phone):
            yield _Found(TIME_ZONE, "phone", zone.name, zone.confidence)
    if (by_domain := _country_of_domain(lead)) is not None:
        country = country or by_domain
        yield _Found(COUNTRY, "domain", by_domain, 0.6)
    if country is not None and (zone := zone_of_country(country)):
        yield _Found(TIME_ZONE, "country", zone.name, zone.confidence * 0.9)


def _of_company(lead: Lead) -> Iterator[_Found]:
    if lead.industry:
        known = lead.industry if lead.industry in INDUSTRIES else industry_of(lead.industry)
        if known is not None:
            yield _Found(INDUSTRY, "record", known, 0.9)
    for name, value in lead.attributes.items():
        if folded(name) in _EMPLOYEES and (size := size_of(value)):
            yield _Found(COMPANY_SIZE, "record", size, 0.8)
            return


def _is_ours(country: str, before: Sequence[Fact]) -> bool:
    """Whether the record holds a country only because we put it there."""
    said = {fact.source for fact in before if fact.field == COUNTRY and fact.value == country}
    return bool(said) and "record" not in said


def _country_of_domain(lead: Lead) -> str | None:
    domain = lead.domain or ""
    if not domain and (normal := normal_email(lead.person.email or "")):
        domain = email_domain(normal)
    ending = domain.rpartition(".")[2]
    if len(ending) != 2 or ending in _SOLD_TO_ANYBODY:
        return None
    return country_code(ending)


def _best(found: list[_Found]) -> dict[str, str]:
    """The surest value of each field."""
    ordered = sorted(found, key=lambda each: each.confidence)
    return {each.field: each.value for each in ordered}


_EMPLOYEES = frozenset(
    {
        *("employees", "number of employees", "no of employees", "employee count", "company size"),
        *("num employees", "headcount", "staff count", "mitarbeiter", "mitarbeiterzahl", "size"),
        *("anzahl mitarbeiter", "effectif", "nombre de salaries", "numero de empleados"),
        *("empleados", "company employees", "organization size", "firm size", "company headcount"),
    }
)
_SOLD_TO_ANYBODY = frozenset(
    {
        *("ac", "ag", "ai", "am", "as", "bz", "cc", "cd", "cm", "co", "cx", "dj", "fm", "gg", "gl"),
        *("gs", "im", "io", "is", "la", "li", "lv", "ly", "me", "ms", "mu", "nu", "pw", "sc", "sh"),
        *("so", "st", "su", "tc", "tk", "to", "tv", "vc", "vg", "ws", "eu", "ga", "ml", "cf", "gq"),
    }
)
"""Country domains that say nothing about where somebody is."""
