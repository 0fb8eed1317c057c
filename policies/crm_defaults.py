"""The mapping with which a new engine starts; an operator changes it to taste."""

from typing import Any

from policies.crm_document import CrmMapping, parse


def default_mapping() -> CrmMapping:
    """Return the mapping of leads to the standard fields of Lead.

    Only standard fields and the external id: they exist in every organisation. Where the score
    is to be seen too, make fields for it and add them (`score_fields`).
    """
    return parse({"fields": _STANDARD})


def score_fields() -> list[dict[str, Any]]:
    """Return fields for score, tier, confidence and reasons, named as the manual has them."""
    return [
        {"to": "LeadEngine_Score__c", "from": "score"},
        {"to": "LeadEngine_Tier__c", "from": "tier", "transform": [{"name": "title"}]},
        {
            "to": "LeadEngine_Confidence__c",
            "from": "confidence",
            "transform": [{"name": "number", "factor": 100, "digits": 0}],
        },
        {
            "to": "LeadEngine_Reasons__c",
            "from": "reasons",
            "transform": [{"name": "truncate", "length": 32_000}],
        },
    ]


def _cut(length: int) -> dict[str, Any]:
    return {"name": "truncate", "length": length}


_ONE_LINE = {"name": "one_line"}
_INDUSTRIES = {
    "software": "Technology",
    "it_services": "Technology",
    "hardware": "Electronics",
    "telecommunications": "Telecommunications",
    "financial_services": "Finance",
    "insurance": "Insurance",
    "healthcare": "Healthcare",
    "pharmaceuticals": "Biotechnology",
    "manufacturing": "Manufacturing",
    "automotive": "Manufacturing",
    "aerospace_defense": "Engineering",
    "chemicals": "Chemicals",
    "energy": "Energy",
    "mining": "Energy",
    "construction": "Construction",
    "real_estate": "Other",
    "retail": "Retail",
    "wholesale": "Retail",
    "consumer_goods": "Retail",
    "food": "Food & Beverage",
    "agriculture": "Agriculture",
    "logistics": "Transportation",
    "hospitality": "Hospitality",
    "media": "Media",
    "marketing_advertising": "Media",
    "professional_services": "Consulting",
    "human_resources": "Consulting",
    "legal": "Other",
    "education": "Education",
    "government": "Government",
    "nonprofit": "Not For Profit",
}
"""The standard values of Industry, which an organisation may have changed."""
_STANDARD: list[dict[str, Any]] = [
    {
        "to": "LastName",
        "from": "person.last_name",
        "transform": [_ONE_LINE, _cut(80)],
        "default": "Unknown",
    },
    {"to": "FirstName", "from": "person.first_name", "transform": [_ONE_LINE, _cut(40)]},
    {
        "to": "Company",
        "from": "company",
        "transform": [_ONE_LINE, _cut(255)],
        "default": "Unknown",
    },
    {"to": "Email", "from": "person.email"},
    {"to": "Phone", "from": "person.phone", "transform": [_cut(40)]},
    {"to": "Title", "from": "title", "transform": [_ONE_LINE, _cut(128)]},
    {
        "to": "Website",
        "from": "domain",
        "transform": [{"name": "affix", "prefix": "https://"}, _cut(255)],
    },
    {"to": "Country", "from": "country", "transform": [{"name": "country_name"}, _cut(80)]},
    {
        "to": "Industry",
        "from": "industry",
        "transform": [
            {
                "name": "map",
                "table": _INDUSTRIES,
            }
        ],
    },
    {"to": "LeadSource", "constant": "Lead Engine"},
]
