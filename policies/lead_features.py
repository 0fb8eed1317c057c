"""The features of a lead: what scoring may look at. Never personal data."""

from collections.abc import Mapping, Sequence

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
from policies.fact_rules import DUPLICATE_OF, OPTED_OUT, PHONE_FOUND
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
NEVER = (DOMAIN, PHONE_FOUND, DUPLICATE_OF, OPTED_OUT)
"""Facts that are no feature: nearly each lead has another one, or they say it twice."""


def lead_features(lead: Lead, facts: Sequence[Fact]) -> LeadFeatures:
    """Return every attribute under its own name, and what we know under ours.

    Of several facts the surest counts, then the newest.
    """
    own: dict[str, Value] = {
        TITLE: lead.title or None,
        COMPANY: lead.company or None,
        SOURCE: lead.source,
        HAS_EMAIL: lead.person.email is not None,
        HAS_PHONE: lead.person.phone is not None,
        COUNTRY: lead.country,
        INDUSTRY: lead.industry,
    }
    ordered = sorted(facts, key=lambda each: (each.confidence, each.observed_at))
    told = {fact.field: fact.value for fact in ordered}
    enriched = lead.status is not LeadStatus.NEW
    return LeadFeatures(feature_values(lead.attributes, own, told, enriched=enriched))


def feature_values(
    attributes: Mapping[str, Value],
    own: Mapping[str, Value],
    facts: Mapping[str, Value],
    *,
    enriched: bool,
) -> dict[str, Value]:
    """Join what is known of a lead, for scoring and for learning alike.

    Where an attribute and we use the same name, ours counts if it says anything.

    Args:
        own: the lead's own fields, by the names in `OWN` and its country and industry.
        facts: the surest fact of each field.
        enriched: whether the enricher has looked; what it did not find is then known to be empty.
    """
    values = dict(attributes)
    told: dict[str, Value] = dict.fromkeys(DERIVED) if enriched else {}
    told |= {name: value for name, value in facts.items() if name not in NEVER}
    told |= {name: value for name, value in own.items() if name in OWN or value is not None}
    for name, value in told.items():
        if value is not None or name not in values:
            values[name] = value
    return values
