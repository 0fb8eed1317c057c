"""What ZoomInfo calls what we call otherwise, in both directions.

Sources:
    Filters and the form of their values: the OpenAPI of the GTM Data API (read 2026-11-22): most
    lists are texts parted by commas, numbers are texts. Management levels: the six that its 400
    names. Departments and industries: as its application names them; industries are asked for by
    a code, which the adapter looks up by the names here.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from policies.industries import industry_of
from policies.profiles import Profile, countries_of
from policies.prospect import Criteria, EmailStatus
from policies.vendor_words import COUNTRY_NAMES, Expressed, express, reversed_words

INDUSTRY_NAMES = "industryNames"
"""No filter of ZoomInfo's: for each industry lists of names, the closest first. The adapter looks
up the codes of the first list of which ZoomInfo knows a name, and asks for them."""
SURE_SCORE = 85
"""Of 100: from here on an address counts as checked, as ZoomInfo itself advises."""
FAIR_SCORE = 75
MOST_COUNTRIES = 100


def criteria_of(profile: Profile) -> Criteria:
    """Say a profile as the filters of a contact search."""
    seniorities = express(profile.seniorities, SENIORITIES, "seniority", broader=BROADER)
    departments = express(profile.functions, DEPARTMENTS, "function", broader=BROADER)
    industries = express(profile.industries, INDUSTRIES, "industry", broader=_TOP_LEVEL)
    countries = _countries(profile)
    values: dict[str, Any] = {
        "managementLevel": _listed(seniorities.words),
        "department": _listed(departments.words),
        "country": _listed(countries.words),
        "jobTitle": _listed([title.replace(",", " ") for title in profile.titles]),
        "companyWebsite": _listed(profile.domains),
        INDUSTRY_NAMES: [_closest(industry) for industry in profile.industries],
        **_employees(profile),
        "requiredFields": "email",
        "contactAccuracyScoreMin": str(SURE_SCORE),
    }
    told = {name: value for name, value in values.items() if value}
    parts = (seniorities, departments, industries, countries)
    notes = [note for part in parts for note in part.notes]
    return Criteria(told, (*notes, *_unexpressed(profile)))


def seniority_of_levels(levels: Sequence[str]) -> str | None:
    """Read management levels, such as ``["VP Level Exec"]``: the highest that we know."""
    known = {level for word in levels if (level := _LEVELS.get(word.lower()))}
    return next((level for level in SENIORITIES if level in known), None)


def function_of_departments(departments: Sequence[str]) -> str | None:
    """Read departments, such as ``["Finance"]``: the first that we know."""
    return next((ours for word in departments if (ours := _FUNCTIONS.get(word.lower()))), None)


def industry_of_names(names: Sequence[str]) -> str | None:
    """Read industries: the most exact that we know; if we know none, ZoomInfo's own word.

    A word of its top level that may mean several of ours (business services) tells nothing.
    """
    exact = [name for name in names if name.lower() not in _INDUSTRIES]
    known = (_CLOSER.get(name.lower()) or industry_of(name) for name in exact)
    if found := next((ours for ours in known if ours), None):
        return found
    broad = (_INDUSTRIES[name.lower()] for name in names if name.lower() in _INDUSTRIES)
    return next((ours for ours in broad if ours), None) or next(iter(exact), None)


def email_status_of(score: int | None, *, moved: bool) -> EmailStatus:
    """How sure an address is, as far as ZoomInfo tells: it rates the contact, not the address.

    Args:
        score: 0 to 100, how likely the person is reached there.
        moved: whether they are said to have left.
    """
    if moved:
        return EmailStatus.RISKY
    if score is None:
        return EmailStatus.UNKNOWN
    if score >= SURE_SCORE:
        return EmailStatus.VALID
    return EmailStatus.UNKNOWN if score >= FAIR_SCORE else EmailStatus.RISKY


def least_score(least: EmailStatus | None) -> int | None:
    """The score below which an address is less sure than wanted; None if any will do."""
    if least in {EmailStatus.VALID, EmailStatus.CATCH_ALL}:
        return SURE_SCORE
    return FAIR_SCORE if least is EmailStatus.UNKNOWN else None


def _countries(profile: Profile) -> Expressed:
    codes = countries_of(profile)
    if len(codes) > MOST_COUNTRIES:
        return Expressed((), (f"more than {MOST_COUNTRIES} countries: checked on the answers",))
    return Expressed(tuple(COUNTRY_NAMES[code] for code in codes))


def _employees(profile: Profile) -> Mapping[str, str]:
    """From the smallest wanted size to the largest."""
    bounds = [EMPLOYEES[size] for size in profile.company_sizes]
    if not bounds:
        return {}
    least, most = min(lower for lower, _ in bounds), max(upper for _, upper in bounds)
    above = {} if most == _NO_END else {"employeeRangeMax": str(most)}
    return {"employeeRangeMin": str(least), **above}


def _unexpressed(profile: Profile) -> Sequence[str]:
    notes: list[str] = []
    sizes = [n for n, size in enumerate(EMPLOYEES) if size in profile.company_sizes]
    if sizes and len(sizes) <= sizes[-1] - sizes[0]:
        notes.append("company sizes with a gap: asked for without it, told apart on the answers")
    if profile.excluded_domains:
        notes.append("companies to pass over: checked on the answers, each of which is paid for")
    notes.append("a checked address: asked for by the accuracy of the whole contact")
    return notes


def _closest(industry: str) -> list[list[str]]:
    """Names of an industry: those below the top level, then the top level."""
    below = CLOSER.get(industry, ())
    return [list(names) for names in (below, INDUSTRIES[industry]) if names]


def _listed(words: Sequence[str]) -> str:
    return ",".join(words)


SENIORITIES: Mapping[str, Sequence[str]] = {
    "owner": ("C Level Exec", "Board Member"),
    "c_level": ("C Level Exec", "Board Member"),
    "vp": ("VP Level Exec",),
    "director": ("Director",),
    "head": ("Director",),
    "manager": ("Manager",),
    "senior": ("Non Manager",),
    "specialist": ("Non Manager",),
    "entry": ("Non Manager",),
}
"""Management levels, highest first."""
_LEVELS = reversed_words(SENIORITIES, preferred=("c_level", "director", "specialist"))
DEPARTMENTS: Mapping[str, Sequence[str]] = {
    "sales": ("Sales",),
    "marketing": ("Marketing",),
    "finance": ("Finance",),
    "engineering": ("Engineering & Technical",),
    "it": ("Information Technology",),
    "data": ("Engineering & Technical", "Information Technology"),
    "product": ("Engineering & Technical", "Marketing"),
    "design": ("Marketing",),
    "hr": ("Human Resources",),
    "operations": ("Operations",),
    "purchasing": ("Operations",),
    "logistics": ("Operations",),
    "customer_service": ("Operations", "Sales"),
    "legal": ("Legal",),
    "medical": ("Medical & Health",),
    "executive": ("C-Suite",),
}
_FUNCTIONS = reversed_words(
    DEPARTMENTS, preferred=("engineering", "it", "marketing", "operations", "sales")
)
BROADER = {
    "owner": "all of the top level",
    "head": "directors",
    "senior": "all who manage nobody",
    "specialist": "all who manage nobody",
    "entry": "all who manage nobody",
    "data": "engineering and IT",
    "product": "engineering and marketing",
    "design": "marketing",
    "purchasing": "operations",
    "logistics": "operations",
    "customer_service": "operations and sales",
}
"""What ZoomInfo is asked for where its words are wider than ours."""
_NO_END = 10**9
EMPLOYEES: Mapping[str, tuple[int, int]] = {
    "1-10": (1, 10),
    "11-50": (11, 50),
    "51-200": (51, 200),
    "201-1000": (201, 1000),
    "1001-5000": (1001, 5000),
    "5001+": (5001, _NO_END),
}
"""Employees from and to, smallest first."""
INDUSTRIES: Mapping[str, Sequence[str]] = {
    "software": ("Software",),
    "it_services": ("Software", "Business Services"),
    "hardware": ("Manufacturing",),
    "telecommunications": ("Telecommunications",),
    "financial_services": ("Finance",),
    "insurance": ("Insurance",),
    "healthcare": ("Healthcare Services", "Hospitals & Physicians Clinics"),
    "pharmaceuticals": ("Manufacturing", "Healthcare Services"),
    "manufacturing": ("Manufacturing",),
    "automotive": ("Manufacturing",),
    "aerospace_defense": ("Manufacturing",),
    "chemicals": ("Manufacturing",),
    "energy": ("Energy, Utilities & Waste",),
    "mining": ("Minerals & Mining",),
    "construction": ("Construction",),
    "real_estate": ("Real Estate",),
    "retail": ("Retail",),
    "wholesale": ("Retail", "Business Services"),
    "consumer_goods": ("Manufacturing", "Consumer Services"),
    "food": ("Manufacturing", "Hospitality"),
    "agriculture": ("Agriculture",),
    "logistics": ("Transportation",),
    "hospitality": ("Hospitality",),
    "media": ("Media & Internet",),
    "marketing_advertising": ("Business Services",),
    "professional_services": ("Business Services",),
    "human_resources": ("Business Services",),
    "legal": ("Law Firms & Legal Services",),
    "education": ("Education",),
    "government": ("Government",),
    "nonprofit": ("Organizations",),
}
"""ZoomInfo's top level of industries by ours."""
_TOP_LEVEL = {
    ours: f"{theirs}, where its list has nothing closer"
    for ours, theirs in {
        "it_services": "software and business services",
        "hardware": "manufacturing",
        "pharmaceuticals": "manufacturing and health",
        "automotive": "manufacturing",
        "aerospace_defense": "manufacturing",
        "chemicals": "manufacturing",
        "consumer_goods": "manufacturing and consumer services",
        "food": "manufacturing and hospitality",
        "wholesale": "retail and business services",
        "marketing_advertising": "business services",
        "professional_services": "business services",
        "human_resources": "business services",
    }.items()
}
CLOSER: Mapping[str, Sequence[str]] = {
    "it_services": ("Custom Software & IT Services", "IT Services", "Information Technology"),
    "hardware": ("Computer Equipment & Peripherals", "Electronics", "Semiconductors"),
    "pharmaceuticals": ("Pharmaceuticals", "Biotechnology"),
    "automotive": ("Motor Vehicles", "Automotive Parts", "Automotive"),
    "aerospace_defense": ("Aerospace & Defense",),
    "chemicals": ("Chemicals & Related Products", "Chemicals"),
    "consumer_goods": ("Household Goods", "Cosmetics, Beauty Supply & Personal Care Products"),
    "food": ("Food & Beverage", "Food & Beverages", "Restaurants"),
    "wholesale": ("Wholesale", "Wholesale & Distribution"),
    "marketing_advertising": ("Advertising & Marketing",),
    "professional_services": ("Management Consulting", "Research & Development"),
    "human_resources": ("HR & Staffing", "Human Resources & Staffing"),
}
"""Names below the top level, for what the top level does not tell apart."""
_INDUSTRIES: Mapping[str, str | None] = {
    **reversed_words(INDUSTRIES, preferred=("software", "manufacturing", "hospitality", "retail")),
    "business services": None,
    "consumer services": None,
}
"""Ours for ZoomInfo's top level; None for what may mean several of ours."""
_CLOSER = reversed_words(CLOSER)
