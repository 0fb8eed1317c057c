"""The records of ZoomInfo as JSON values."""

from collections.abc import Collection, Mapping
from datetime import date, timedelta
from typing import Any

from scripts.sandbox.market.catalogue import INVALID, CompanyRecord, Record
from scripts.sandbox.zoominfo import words

CONTACT_FIELDS = frozenset(
    {"id", "firstName", "middleName", "lastName", "email", "hasCanadianEmail", "phone"}
    | {"directPhoneDoNotCall", "street", "city", "region", "metroArea", "zipCode", "state"}
    | {"country", "continent", "personHasMoved", "withinEu", "withinCalifornia", "withinCanada"}
    | {"lastUpdatedDate", "noticeProvidedDate", "salutation", "suffix", "jobTitle"}
    | {"jobFunction", "education", "hashedEmails", "picture", "mobilePhoneDoNotCall"}
    | {"externalUrls", "contactAccuracyScore", "isDefunct", "employmentHistory"}
    | {"mobilePhone", "managementLevel", "companyId", "companyName", "companyWebsite"}
    | {"supplementalEmail", "emailAlt", "validDate", "department"}
)
COMPANY_FIELDS = frozenset(
    {"id", "name", "website", "domainList", "phone", "employeeCount", "employeeRange"}
    | {"revenue", "revenueRange", "primaryIndustry", "industries", "sicCodes", "naicsCodes"}
    | {"foundedYear", "city", "state", "country", "street", "zipCode", "isDefunct"}
    | {"socialMediaUrls", "ticker", "type", "parentId", "parentName", "ultimateParentId"}
    | {"ultimateParentName", "companyFunding", "lastUpdatedDate", "logo", "descriptionList"}
)
OUTPUT_FIELDS = CONTACT_FIELDS | {f"company.{name}" for name in COMPANY_FIELDS}


def address(record: Record) -> str | None:
    """The address that ZoomInfo has; one that it takes for dead it keeps back."""
    return None if record.status == INVALID else record.email


def found(record: Record, today: date) -> dict[str, Any]:
    """A hit of a search: whether something is known, not what."""
    attributes = {
        "firstName": record.first_name,
        "lastName": record.last_name,
        "jobTitle": record.title,
        "contactAccuracyScore": record.score,
        "hasEmail": address(record) is not None,
        "hasSupplementalEmail": False,
        "hasDirectPhone": record.phone is not None,
        "hasMobilePhone": record.mobile is not None,
        "hasCompanyPhone": record.job.company.phone is not None,
        "managementLevel": list(words.levels_of(record.role.seniority)),
        "lastUpdatedDate": _day(record.age, today),
        "validDate": _day(record.age, today),
        "company": {"id": int(record.employer.id), "name": record.employer.name},
    }
    return {"id": record.id, "type": "Contact", "attributes": attributes}


def found_company(record: CompanyRecord) -> dict[str, Any]:
    """A company of a search."""
    return {"id": record.id, "type": "Company", "attributes": {"name": record.name}}


def contact(record: Record, fields: Collection[str], today: date) -> dict[str, Any]:
    """The wanted attributes of a contact; unlike in a search, the score is a text here."""
    place = record.job.company
    known: Mapping[str, Any] = {
        "id": record.id,
        "firstName": record.first_name,
        "middleName": "",
        "lastName": record.last_name,
        "email": address(record) or "",
        "hasCanadianEmail": place.country.code == "CA",
        "phone": record.phone or "",
        "directPhoneDoNotCall": False,
        "mobilePhone": record.mobile or "",
        "mobilePhoneDoNotCall": record.person.id % 11 == 0,
        "city": place.city,
        "state": place.state,
        "country": place.country.name,
        "personHasMoved": "No",
        "withinEu": place.country.eu,
        "withinCalifornia": place.state == "California",
        "withinCanada": place.country.code == "CA",
        "lastUpdatedDate": _day(record.age, today),
        "validDate": _day(record.age, today),
        "noticeProvidedDate": _day(record.age, today) if place.country.eu else "",
        "jobTitle": record.title,
        "jobFunction": [{"name": record.role.function.replace("_", " ").title()}],
        "department": [words.DEPARTMENTS[record.role.function]],
        "managementLevel": list(words.levels_of(record.role.seniority)),
        "contactAccuracyScore": str(record.score),
        "externalUrls": _urls(record),
        "emailAlt": [],
        "employmentHistory": [],
    }
    told = {name: value for name, value in known.items() if name in fields}
    inner = {name.removeprefix("company.") for name in fields if name.startswith("company.")}
    flat = {"companyId": "id", "companyName": "name", "companyWebsite": "website"}
    inner |= {theirs for name, theirs in flat.items() if name in fields}
    if inner:
        told["company"] = company(record.employer, inner | {"id", "name"})
    return told


def company(record: CompanyRecord, fields: Collection[str]) -> dict[str, Any]:
    """The wanted attributes of a company."""
    place = record.company
    code, name = words.INDUSTRIES[place.niche]
    top = words.NAMES[code.partition(".")[0]]
    known: Mapping[str, Any] = {
        "id": int(record.id),
        "name": record.name,
        "website": f"www.{place.domain}",
        "domainList": [place.domain],
        "phone": place.phone or "",
        "employeeCount": record.employees,
        "employeeRange": words.employees_of(record.employees),
        "revenue": place.revenue // 1000,
        "revenueRange": "",
        "primaryIndustry": [top],
        "industries": [top] if top == name else [top, name],
        "sicCodes": [{"id": place.trade.sic, "name": ""}],
        "naicsCodes": [{"id": place.trade.naics, "name": ""}],
        "foundedYear": str(place.founded),
        "city": place.city,
        "state": place.state,
        "country": place.country.name,
        "isDefunct": False,
        "socialMediaUrls": [],
        "companyFunding": [],
        "type": "private",
        "ticker": "",
    }
    return {name: value for name, value in known.items() if name in fields}


def _urls(record: Record) -> list[dict[str, str]]:
    if record.profile is None:
        return []
    return [{"type": "linkedin.com", "url": f"http://linkedin.com/in/{record.profile}/"}]


def _day(age: int, today: date) -> str:
    return (today - timedelta(days=age)).isoformat()
