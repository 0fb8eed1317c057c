"""The features of a lead: what scoring may look at. Never personal data."""

from collections.abc import Sequence

from policies.enrichment import (
    COMPANY_SIZE,
    COUNTRY,
    DOMAIN,
    EMAIL_KIND,
    FUNCTION,
    INDUSTRY,
    SENIORITY,
    TIME_ZONE,
)
from policies.features import LeadFeatures, Value
from policies.lead import Fact, Lead, LeadStatus

TITLE, COMPANY, SOURCE = "title", "company", "source"
HAS_EMAIL, HAS_PHONE = "has_email", "has_phone"
DERIVED = (
    SENIORITY,
    FUNCTION,
    EMAIL_KIND,
    COUNTRY,
    TIME_ZONE,
    INDUSTRY,
    COMPANY_SIZE,
)
"""Found out by the enricher; not fetched until it has looked."""
OWN = (TITLE, COMPANY, SOURCE, HAS_EMAIL, HAS_PHONE)
"""Known of every lead."""
NEVER = (DOMAIN,)
"""Facts that are no feature: nearly each lead has another one."""


def lead_features(lead: Lead, facts: Sequence[Fact]) -> LeadFeatures:
    """Return every attribute under its own name, and what we know under ours.

    Where both have a name, ours counts if it says anything. Of several facts the surest counts,
    then the newest.
    """
    values: dict[str, Value] = dict(lead.attributes)
    told: dict[str, Value] = {
        TITLE: lead.title or None,
        COMPANY: lead.company or None,
        SOURCE: lead.source,
        HAS_EMAIL: lead.person.email is not None,
        HAS_PHONE: lead.person.phone is not None,
    }
    for fact in sorted(facts, key=lambda each: (each.confidence, each.observed_at)):
        if fact.field not in NEVER:
            told[fact.field] = fact.value
    told |= {n: v for n, v in ((COUNTRY, lead.country), (INDUSTRY, lead.industry)) if v}
    if lead.status is not LeadStatus.NEW:
        told = dict.fromkeys(DERIVED, None) | told
    for name, value in told.items():
        if value is not None or name not in values:
            values[name] = value
    return LeadFeatures(values)
