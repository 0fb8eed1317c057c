"""By what a person is known again when another source tells of them under another name.

Normal forms only; they are kept as keyed hashes (`storage.lead_sources`). Folding stops where
people may differ: a name alone is never enough, it needs the company.
"""

import re
from dataclasses import dataclass
from urllib.parse import unquote

from policies.countries import folded

_PROFILE = re.compile(r"(?:^|[/.])linkedin\.com/(?:in|pub)/([^/?#\s]+)", re.IGNORECASE)
_LEGAL = frozenset(
    {
        *("ab", "ag", "aps", "as", "bv", "co", "corp", "corporation", "company", "gmbh", "group"),
        *("holding", "inc", "kft", "kg", "limited", "llc", "llp", "ltd", "nv", "oy", "oyj", "plc"),
        *("sa", "sarl", "sas", "se", "sl", "spa", "sro", "srl", "the", "und", "and", "mbh"),
    }
)
"""Words of a company's name that tell it from no other."""


@dataclass(frozen=True, slots=True)
class PersonKeys:
    """Under what a person is looked up; None where too little is told.

    Attributes:
        name: name and company domain.
        company: name and company name.
        linkedin: their profile at LinkedIn.
    """

    name: str | None = None
    company: str | None = None
    linkedin: str | None = None


def person_keys(
    first_name: str | None,
    last_name: str | None,
    *,
    domain: str | None,
    company: str,
    linkedin_url: str | None = None,
) -> PersonKeys:
    """Return the keys of a person, in their normal forms."""
    first, last = folded(first_name or ""), folded(last_name or "")
    name = f"{first} {last}" if first and last else None
    firm = company_key(company)
    return PersonKeys(
        name=f"{name}|{domain.lower()}" if name and domain else None,
        company=f"{name}|{firm}" if name and firm else None,
        linkedin=linkedin_key(linkedin_url),
    )


def company_key(company: str) -> str | None:
    """Return a company's name without its legal form; None if nothing is left."""
    words = [word for word in folded(company).split() if word not in _LEGAL]
    return " ".join(words) or None


def linkedin_key(url: str | None) -> str | None:
    """Return what all addresses of one LinkedIn profile share; None if it is no profile's."""
    found = _PROFILE.search(url or "")
    return unquote(found[1]).casefold() if found else None
