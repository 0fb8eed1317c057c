"""ZoomInfo's contacts as prospects."""

from datetime import UTC, datetime

from agents.vendors import fields
from agents.vendors.zoominfo.wire import Contact, Row
from policies import lead
from policies.enrichment import COMPANY_SIZE, FUNCTION, SENIORITY, size_of
from policies.prospect import MatchStatus, Prospect
from policies.zoominfo_words import (
    email_status_of,
    function_of_departments,
    industry_of_names,
    seniority_of_levels,
)

NAME = "zoominfo"
FULL_MATCH = "FULL_MATCH"
_STATUSES = {
    FULL_MATCH: MatchStatus.FOUND,
    "CONTACT_ONLY_MATCH": MatchStatus.FOUND,
    "COMPANY_ONLY_MATCH": MatchStatus.NOT_FOUND,
    "NO_MATCH": MatchStatus.NOT_FOUND,
    "NON_MATCH_BY_LAST_UPDATED_DATE": MatchStatus.NOT_FOUND,
    "NON_MATCH_BY_VALID_DATE": MatchStatus.NOT_FOUND,
    "NON_MATCH_BY_REQUIRED_FIELDS": MatchStatus.NOT_FOUND,
    "NON_MATCH_BY_CONTACT_ACCURACY_MIN": MatchStatus.NOT_FOUND,
    "OPT_OUT": MatchStatus.OPTED_OUT,
    "LIMIT_EXCEEDED": MatchStatus.OUT_OF_CREDIT,
    "INVALID_INPUT": MatchStatus.REFUSED,
}
OUTPUT_FIELDS = (
    *("id", "firstName", "lastName", "email", "phone", "directPhoneDoNotCall", "mobilePhone"),
    *("mobilePhoneDoNotCall", "jobTitle", "managementLevel", "department", "country"),
    *("contactAccuracyScore", "personHasMoved", "lastUpdatedDate", "externalUrls"),
    *("company.id", "company.name", "company.website", "company.employeeCount"),
    *("company.primaryIndustry", "company.industries", "company.country"),
)
"""What an enrichment is asked to tell."""


def status_of(row: Row) -> MatchStatus:
    """What came of one input; a status that we do not know is refused, a match without data too."""
    status = _STATUSES.get(row.meta.matchStatus.upper())
    if status is None:
        return MatchStatus.NOT_FOUND if row.type == "NoMatch" else MatchStatus.REFUSED
    if status is MatchStatus.FOUND and (row.attributes is None or record_id(row) is None):
        return MatchStatus.REFUSED
    return status


def record_id(row: Row) -> str | None:
    """ZoomInfo's name of the person; None where there is none."""
    return row.id if row.id not in {"", "0"} else None


def is_billed(row: Row) -> bool:
    """Whether ZoomInfo takes a credit for it the first time."""
    return row.meta.matchStatus.upper() == FULL_MATCH and record_id(row) is not None


def prospect_of(id_: str, contact: Contact, *, revealed: bool) -> Prospect:
    """Read one contact.

    Args:
        revealed: the answer shows addresses; a search says only whether there are any.
    """
    company = contact.company
    country = fields.country(contact.country or company.country)
    address = fields.email(contact.email)
    phone = _phone(contact, country)
    facts = {
        SENIORITY: seniority_of_levels(contact.managementLevel),
        FUNCTION: function_of_departments(contact.department),
        COMPANY_SIZE: size_of(company.employeeCount),
    }
    moved = contact.personHasMoved is True
    return Prospect(
        source=NAME,
        record_id=id_,
        person=lead.Person(
            fields.name(contact.firstName), fields.name(contact.lastName), address, phone
        ),
        company=company.name,
        domain=fields.domain(company.website),
        title=contact.jobTitle,
        industry=industry_of_names([*company.industries, *company.primaryIndustry]),
        country=country,
        linkedin_url=fields.linkedin_url(*(each.url for each in contact.externalUrls)),
        email_status=email_status_of(contact.contactAccuracyScore, moved=moved)
        if address
        else None,
        has_email=address is not None if revealed else contact.hasEmail,
        has_phone=phone is not None if revealed else _has_phone(contact),
        facts={name: value for name, value in facts.items() if value is not None},
        observed_at=_day(contact.lastUpdatedDate),
    )


def opted_out(row: Row) -> Prospect:
    """Somebody who objected to being sold, of whom no more is told."""
    return Prospect(NAME, record_id(row) or "", opted_out=True)


def _phone(contact: Contact, country: str | None) -> str | None:
    """A number that may be called."""
    mobile = "" if contact.mobilePhoneDoNotCall else contact.mobilePhone
    direct = "" if contact.directPhoneDoNotCall else contact.phone
    return fields.phone(country, direct, mobile)


def _has_phone(contact: Contact) -> bool | None:
    told = (contact.hasDirectPhone, contact.hasMobilePhone)
    return None if told == (None, None) else True in told


def _day(text: str) -> datetime | None:
    try:
        day = datetime.fromisoformat(text)
    except ValueError:
        return None
    return day if day.tzinfo else day.replace(tzinfo=UTC)
