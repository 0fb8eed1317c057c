"""What UpLead calls what we call otherwise, in both directions.

Sources:
    Fields and values of prospector-pro-search and of a record: readings of docs.uplead.com of
    2026-08-13 (api-evangelist/uplead, OpenAPI). UpLead's industries have names, not codes; those
    here are of the list that it shares with LinkedIn's older one (147 names).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from policies.industries import industry_of
from policies.job_titles import function_of
from policies.profiles import Profile, countries_of
from policies.prospect import Criteria, EmailStatus
from policies.vendor_words import COUNTRY_NAMES, Expressed, express, reversed_words

MOST_COUNTRIES = 100
"""Names of countries in one question; a profile that wants more is asked without."""


def criteria_of(profile: Profile) -> Criteria:
    """Say a profile as the filters of prospector-pro-search."""
    seniorities = express(profile.seniorities, SENIORITIES, "seniority", broader=BROADER)
    functions = express(profile.functions, FUNCTIONS, "function", broader=BROADER)
    industries = express(profile.industries, INDUSTRIES, "industry")
    sizes = express(profile.company_sizes, SIZES, "company size")
    countries = _countries(profile)
    parts = {
        "management_levels": seniorities,
        "job_functions": functions,
        "industries": industries,
        "employees": sizes,
        "countries": countries,
    }
    values: dict[str, Any] = {name: list(part.words) for name, part in parts.items() if part.words}
    if profile.titles:
        values |= {"titles": list(profile.titles), "title_search_mode": "include"}
    if profile.domains:
        values["domains"] = list(profile.domains)
    if profile.email == "valid":
        values["email_status"] = "valid"
    notes = tuple(note for part in parts.values() for note in part.notes)
    return Criteria(values, (*notes, *_unexpressed(profile)))


def seniority_of_level(level: str | None) -> str | None:
    """Read a management level, such as ``VP``."""
    return _LEVELS.get((level or "").upper())


def function_of_job(job: str | None) -> str | None:
    """Read a job function, such as ``human resources``."""
    return _JOBS.get((job or "").lower()) or function_of(job or "")


def industry_of_name(name: str | None) -> str | None:
    """Read an industry; one that we do not know stays UpLead's own word."""
    if not name:
        return None
    return _INDUSTRY_NAMES.get(name.lower()) or industry_of(name) or name


def email_status_of(word: str | None) -> EmailStatus:
    """Read ``email_status``; ``accept_all`` is billed although it may bounce."""
    return EMAIL_STATUSES.get((word or "").lower(), EmailStatus.UNKNOWN)


def _countries(profile: Profile) -> Expressed:
    codes = countries_of(profile)
    if len(codes) > MOST_COUNTRIES:
        return Expressed((), (f"more than {MOST_COUNTRIES} countries: checked on the answers",))
    return Expressed(tuple(COUNTRY_NAMES[code] for code in codes))


def _unexpressed(profile: Profile) -> Sequence[str]:
    notes: list[str] = []
    if profile.excluded_domains:
        notes.append("companies to pass over: checked on the answers, each of which is paid for")
    if profile.email == "catch_all":
        notes.append("an address at least catch-all: checked on the answers")
    return notes


SENIORITIES: Mapping[str, Sequence[str]] = {
    "owner": ("C", "CX"),
    "c_level": ("C", "CX"),
    "vp": ("VP",),
    "director": ("D",),
    "head": ("D",),
    "manager": ("M",),
}
"""Management levels; whom UpLead gives none (specialists, juniors), it cannot be asked for."""
FUNCTIONS: Mapping[str, Sequence[str]] = {
    "sales": ("sales", "partnerships", "sales engineering"),
    "marketing": ("marketing",),
    "finance": ("finance",),
    "engineering": ("engineering", "research"),
    "it": ("engineering",),
    "data": ("analyst",),
    "product": ("product",),
    "design": ("creative",),
    "hr": ("human resources",),
    "operations": ("operations", "manufacturing"),
    "purchasing": ("operations",),
    "logistics": ("fulfillment",),
    "customer_service": ("support",),
    "legal": ("legal",),
    "medical": ("health",),
    "education": ("education",),
}
BROADER = {
    "owner": "all of the top level",
    "head": "directors",
    "it": "engineering",
    "data": "analysts",
    "purchasing": "operations",
}
"""What UpLead is asked for where its words are wider than ours."""
_LEVELS = {"M": "manager", "D": "director", "VP": "vp", "C": "c_level", "CX": "c_level"}
_JOBS = {
    **reversed_words(FUNCTIONS, preferred=("engineering", "operations")),
    "hospitality": "operations",
    "trade": "operations",
}
SIZES: Mapping[str, Sequence[str]] = {
    "1-10": ("1-10",),
    "11-50": ("11-50",),
    "51-200": ("51-200",),
    "201-1000": ("201-500", "501-1000"),
    "1001-5000": ("1001-5000",),
    "5001+": ("5001-10000", "10001+"),
}
EMAIL_STATUSES = {
    "valid": EmailStatus.VALID,
    "accept_all": EmailStatus.CATCH_ALL,
    "invalid": EmailStatus.INVALID,
    "unknown": EmailStatus.UNKNOWN,
}
BILLED = frozenset({EmailStatus.VALID, EmailStatus.CATCH_ALL})
"""Contacts with any other address are not charged for."""
INDUSTRIES: Mapping[str, Sequence[str]] = {
    "software": ("Computer Software", "Computer Games"),
    "it_services": (
        *("Information Technology and Services", "Computer & Network Security", "Internet"),
    ),
    "hardware": (
        *("Computer Hardware", "Semiconductors", "Consumer Electronics", "Computer Networking"),
        *("Electrical/Electronic Manufacturing", "Nanotechnology"),
    ),
    "telecommunications": ("Telecommunications", "Wireless"),
    "financial_services": (
        *("Financial Services", "Banking", "Investment Banking", "Investment Management"),
        *("Capital Markets", "Venture Capital & Private Equity", "Accounting"),
    ),
    "insurance": ("Insurance",),
    "healthcare": (
        *("Hospital & Health Care", "Medical Practice", "Medical Devices", "Mental Health Care"),
        *("Health, Wellness and Fitness", "Alternative Medicine", "Veterinary"),
    ),
    "pharmaceuticals": ("Pharmaceuticals", "Biotechnology"),
    "manufacturing": (
        *("Machinery", "Industrial Automation", "Mechanical or Industrial Engineering"),
        *("Plastics", "Packaging and Containers", "Textiles", "Furniture", "Shipbuilding"),
        *("Paper & Forest Products", "Glass, Ceramics & Concrete", "Railroad Manufacture"),
    ),
    "automotive": ("Automotive",),
    "aerospace_defense": (
        *("Aviation & Aerospace", "Defense & Space", "Airlines/Aviation", "Military"),
    ),
    "chemicals": ("Chemicals",),
    "energy": ("Oil & Energy", "Utilities", "Renewables & Environment"),
    "mining": ("Mining & Metals",),
    "construction": (
        *("Construction", "Building Materials", "Civil Engineering", "Architecture & Planning"),
    ),
    "real_estate": ("Real Estate", "Commercial Real Estate"),
    "retail": ("Retail", "Supermarkets", "Apparel & Fashion", "Luxury Goods & Jewelry"),
    "wholesale": (
        *("Wholesale", "Import and Export", "International Trade and Development"),
        "Business Supplies and Equipment",
    ),
    "consumer_goods": (
        *("Consumer Goods", "Cosmetics", "Sporting Goods", "Consumer Services", "Tobacco"),
    ),
    "food": (*("Food & Beverages", "Food Production", "Restaurants", "Wine and Spirits", "Dairy"),),
    "agriculture": ("Farming", "Ranching", "Fishery"),
    "logistics": (
        *("Logistics", "Logistics and Supply Chain", "Transportation/Trucking/Railroad"),
        *("Package/Freight Delivery", "Maritime", "Warehousing"),
    ),
    "hospitality": (
        *("Hospitality", "Leisure, Travel & Tourism", "Gambling & Casinos", "Events Services"),
        "Recreational Facilities and Services",
    ),
    "media": (
        *("Media Production", "Online Media", "Broadcast Media", "Publishing", "Newspapers"),
        *("Entertainment", "Music", "Motion Pictures and Film", "Design", "Graphic Design"),
        *("Printing", "Photography", "Performing Arts", "Animation", "Sports", "Arts and Crafts"),
        *("Fine Art", "Writing and Editing"),
    ),
    "marketing_advertising": (
        *("Marketing and Advertising", "Public Relations and Communications", "Market Research"),
    ),
    "professional_services": (
        *("Management Consulting", "Outsourcing/Offshoring", "Security and Investigations"),
        *("Professional Training & Coaching", "Environmental Services", "Research"),
        *("Facilities Services", "Translation and Localization", "Think Tanks"),
        *("Information Services", "Program Development"),
    ),
    "human_resources": ("Human Resources", "Staffing and Recruiting"),
    "legal": ("Law Practice", "Legal Services", "Alternative Dispute Resolution"),
    "education": (
        *("Higher Education", "Education Management", "E-Learning", "Primary/Secondary Education"),
        "Libraries",
    ),
    "government": (
        *("Government Administration", "Government Relations", "Public Policy", "Public Safety"),
        *("Law Enforcement", "International Affairs", "Judiciary", "Legislative Office"),
        *("Political Organization", "Executive Office"),
    ),
    "nonprofit": (
        *("Nonprofit Organization Management", "Philanthropy", "Fund-Raising"),
        *("Civic & Social Organization", "Religious Institutions", "Museums and Institutions"),
        "Individual & Family Services",
    ),
}
"""UpLead's names of industries by ours."""
_INDUSTRY_NAMES = {name.lower(): ours for ours, names in INDUSTRIES.items() for name in names}
