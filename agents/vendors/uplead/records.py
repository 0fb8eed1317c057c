"""UpLead's records as prospects."""

from agents.vendors import fields
from agents.vendors.uplead.wire import Person
from policies import lead
from policies.enrichment import COMPANY_SIZE, FUNCTION, SENIORITY, size_of
from policies.prospect import Prospect
from policies.uplead_words import (
    BILLED,
    email_status_of,
    function_of_job,
    industry_of_name,
    seniority_of_level,
)

NAME = "uplead"


def prospect_of(person: Person) -> Prospect:
    """Read one contact."""
    company = person.company
    country = fields.country(person.country or company.country)
    address = fields.email(person.email)
    phone = fields.phone(country, person.mobile_directdial, person.phone_number)
    facts = {
        SENIORITY: seniority_of_level(person.management_level),
        FUNCTION: function_of_job(person.job_function),
        COMPANY_SIZE: size_of(company.employees),
    }
    return Prospect(
        source=NAME,
        record_id=person.id,
        person=lead.Person(
            fields.name(person.first_name), fields.name(person.last_name), address, phone
        ),
        company=person.company_name or company.company_name,
        domain=fields.domain(person.domain or company.domain),
        title=person.title,
        industry=industry_of_name(person.industry or company.industry),
        country=country,
        linkedin_url=fields.linkedin_url(person.linkedin_url),
        email_status=email_status_of(person.email_status) if address else None,
        has_email=address is not None,
        has_phone=phone is not None,
        facts={name: value for name, value in facts.items() if value is not None},
    )


def is_billed(person: Person) -> bool:
    """Whether UpLead takes a credit for it the first time: by its own word on the address."""
    return email_status_of(person.email_status) in BILLED
