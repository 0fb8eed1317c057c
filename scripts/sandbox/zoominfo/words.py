"""What ZoomInfo calls things. The codes below the top level of industries are our own."""

from scripts.sandbox.market.places import COUNTRIES

LEVELS = {
    "owner": ("C Level Exec", "Board Member"),
    "c_level": ("C Level Exec",),
    "vp": ("VP Level Exec",),
    "director": ("Director",),
    "head": ("Director",),
    "manager": ("Manager",),
}
"""``managementLevel`` by our seniority; all others are `NON_MANAGER`."""
NON_MANAGER = ("Non Manager",)
DEPARTMENTS = {
    "finance": "Finance",
    "sales": "Sales",
    "marketing": "Marketing",
    "operations": "Operations",
    "engineering": "Engineering & Technical",
    "it": "Information Technology",
    "product": "Engineering & Technical",
    "hr": "Human Resources",
    "data": "Information Technology",
    "legal": "Legal",
    "customer_service": "Operations",
    "purchasing": "Operations",
    "executive": "C-Suite",
}
INDUSTRIES = {
    "Financial Services": ("finance", "Finance"),
    "Banking": ("finance.banking", "Banking"),
    "Investment Management": ("finance.investment", "Investment Management"),
    "Capital Markets": ("finance.markets", "Capital Markets"),
    "Insurance": ("insurance", "Insurance"),
    "Computer Software": ("software", "Software"),
    "Internet": ("software.internet", "Internet"),
    "Information Technology and Services": ("bizservice.it", "IT Services"),
    "Computer & Network Security": ("software.security", "Computer & Network Security"),
    "Machinery": ("manufacturing", "Manufacturing"),
    "Industrial Automation": ("manufacturing.automation", "Industrial Automation"),
    "Hospital & Health Care": ("healthcare", "Healthcare Services"),
    "Medical Devices": ("healthcare.devices", "Medical Devices"),
    "Pharmaceuticals": ("manufacturing.pharma", "Pharmaceuticals"),
    "Biotechnology": ("manufacturing.biotech", "Biotechnology"),
    "Retail": ("retail", "Retail"),
    "Logistics and Supply Chain": ("transportation", "Transportation"),
    "Transportation/Trucking/Railroad": ("transportation.trucking", "Trucking"),
    "Oil & Energy": ("energy", "Energy, Utilities & Waste"),
    "Renewables & Environment": ("energy.renewables", "Renewables & Environment"),
    "Management Consulting": ("bizservice", "Business Services"),
    "Online Media": ("media", "Media & Internet"),
    "Publishing": ("media.publishing", "Publishing"),
    "Construction": ("construction", "Construction"),
    "Food & Beverages": ("manufacturing.food", "Food & Beverages"),
    "Telecommunications": ("telecom", "Telecommunications"),
}
"""Code and name by what the market calls the trade."""
NAMES = dict(INDUSTRIES.values())
"""Names by code."""
EMPLOYEES = (
    (4, "1 - 4"),
    (9, "5 - 9"),
    (19, "10 - 19"),
    (49, "20 - 49"),
    (99, "50 - 99"),
    (249, "100 - 249"),
    (499, "250 - 499"),
    (999, "500 - 999"),
    (4_999, "1,000 - 4,999"),
    (9_999, "5,000 - 9,999"),
)
MOST_EMPLOYEES = "Over 10,000"
LOOKUPS: dict[str, tuple[str, dict[str, str]]] = {
    "industries": ("Industry", NAMES),
    "countries": ("Country", {country.name: country.name for country in COUNTRIES}),
    "management-levels": (
        "ManagementLevel",
        {name: name for name in dict.fromkeys([n for v in LEVELS.values() for n in v])}
        | {NON_MANAGER[0]: NON_MANAGER[0]},
    ),
    "departments": ("Department", {name: name for name in sorted(set(DEPARTMENTS.values()))}),
    "employee-counts": (
        "EmployeeCount",
        {n: n for _, n in EMPLOYEES} | {MOST_EMPLOYEES: MOST_EMPLOYEES},
    ),
}
"""By the name of the field: the type of its values, and their names by id."""
SEARCH_FIELDS = frozenset(
    {"personId", "emailAddress", "fullName", "firstName", "lastName", "jobTitle"}
    | {"exactJobTitle", "excludeJobTitle", "managementLevel", "department", "jobFunction"}
    | {"companyId", "companyName", "companyWebsite", "country", "state", "industryCodes"}
    | {"sicCodes", "naicsCodes", "revenueMin", "revenueMax", "employeeRangeMin"}
    | {"employeeRangeMax", "contactAccuracyScoreMin", "contactAccuracyScoreMax"}
    | {"requiredFields", "lastUpdatedInMonths", "hashedEmail", "excludePartialProfiles"}
    | {"excludeManagementLevel"}
)
MATCH_FIELDS = frozenset(
    {"personId", "fullName", "firstName", "lastName", "emailAddress", "phone", "jobTitle"}
    | {"hashedEmail", "externalURL", "companyId", "companyName", "lastUpdatedDateAfter"}
    | {"validDateAfter", "contactAccuracyScoreMin"}
)
COMPANY_MATCH_FIELDS = frozenset(
    {"companyId", "companyName", "companyWebsite", "companyTicker", "companyPhone", "ipAddress"}
    | {"companyStreet", "companyCity", "companyState", "companyZipCode", "companyCountry"}
)


def levels_of(seniority: str) -> tuple[str, ...]:
    """``managementLevel`` by our seniority."""
    return LEVELS.get(seniority, NON_MANAGER)


def employees_of(count: int) -> str:
    """The range of so many employees."""
    return next((name for most, name in EMPLOYEES if count <= most), MOST_EMPLOYEES)
