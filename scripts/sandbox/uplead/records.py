"""The records of UpLead as JSON values."""

from typing import Any

from scripts.sandbox.market.catalogue import ACCEPT_ALL, VALID, CompanyRecord, Record
from scripts.sandbox.uplead import words


def billed(record: Record) -> bool:
    """Whether the record costs a credit the first time."""
    return record.status in {VALID, ACCEPT_ALL}


def person(record: Record) -> dict[str, Any]:
    """A contact."""
    company = record.job.company
    return {
        "id": record.id,
        "first_name": record.first_name,
        "last_name": record.last_name,
        "title": record.title,
        "job_function": words.function_of(record.role.function),
        "job_sub_function": None,
        "management_level": words.LEVELS.get(record.role.seniority),
        "gender": None,
        "email": record.email,
        "email_status": record.status,
        "phone_number": _phone(record.phone),
        "mobile_directdial": _phone(record.mobile),
        "city": company.city,
        "state": company.state,
        "county": None,
        "country": company.country.name,
        "linkedin_url": record.profile and f"https://www.linkedin.com/in/{record.profile}",
        "industry": company.niche,
        "domain": company.domain,
        "company_name": record.employer.name,
    }


def company(record: CompanyRecord) -> dict[str, Any]:
    """A company."""
    known = record.company
    urls = ("linkedin", "twitter", "facebook", "youtube", "crunchbase", "yelp", "instagram")
    return {
        "id": record.id,
        "company_name": record.name,
        "domain": known.domain,
        "address": None,
        "city": known.city,
        "state": known.state,
        "zip": None,
        "county": None,
        "country": known.country.name,
        "phone_number": _phone(known.phone),
        "fax_number": None,
        "employees": words.employees_of(record.employees),
        "revenue": words.revenue_of(known.revenue),
        "industry": known.niche,
        "sic_code": known.trade.sic,
        "sic_description": None,
        "naics_code": known.trade.naics,
        "naics_description": None,
        "description": f"{known.name} is a company in {known.city}.",
        "year_founded": known.founded,
        "logo": f"https://logo.uplead.com/{known.domain}",
        "type": "private",
        "ticker": None,
        "exchange": None,
        "alexa_rank": None,
        **{f"{name}_url": None for name in urls},
    }


def _phone(e164: str | None) -> str | None:
    """As UpLead writes a number: ``+1 555 010 2233``."""
    if e164 is None:
        return None
    digits = e164[1:]
    head = 1 if digits[0] == "1" else 2
    rest = digits[head:]
    return f"+{digits[:head]} {rest[:3]} {rest[3:6]} {rest[6:]}".rstrip()
