"""What the people of the market do, and the ways in which one job is written."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Role:
    """A job.

    Attributes:
        seniority: one of `policies.job_titles.SENIORITIES`.
        function: one of `policies.job_titles.FUNCTIONS`.
        titles: all the same job in English.
        local: the same by language; empty where English is used.
    """

    seniority: str
    function: str
    titles: tuple[str, ...]
    local: dict[str, str]


SENIORITY_WEIGHTS = {
    "owner": 4,
    "c_level": 11,
    "vp": 9,
    "director": 15,
    "head": 9,
    "manager": 21,
    "senior": 12,
    "specialist": 15,
    "entry": 4,
}
"""Share of the people in percent: sources of sales leads know the upper floors best."""

_AREAS = {
    "finance": ("Finance", "Financial Analyst", "Finanzen", "Finances"),
    "sales": ("Sales", "Account Executive", "Vertrieb", "Ventes"),
    "marketing": ("Marketing", "Marketing Specialist", "Marketing", "Marketing"),
    "operations": ("Operations", "Operations Specialist", "Betrieb", "Opérations"),
    "engineering": ("Engineering", "Software Engineer", "Entwicklung", "Ingénierie"),
    "it": ("IT", "IT Specialist", "IT", "Informatique"),
    "product": ("Product", "Product Specialist", "Produkt", "Produit"),
    "hr": ("HR", "HR Specialist", "Personal", "Ressources humaines"),
    "data": ("Data", "Data Analyst", "Daten", "Données"),
    "legal": ("Compliance", "Compliance Specialist", "Recht", "Juridique"),
    "customer_service": (
        "Customer Success",
        "Customer Support Specialist",
        "Kundenservice",
        "Service client",
    ),
    "purchasing": ("Procurement", "Procurement Specialist", "Einkauf", "Achats"),
}


def _of_area(function: str) -> list[Role]:
    area, craft, german, french = _AREAS[function]
    return [
        Role("vp", function, (f"VP {area}", f"Vice President, {area}", f"VP of {area}"), {}),
        Role("director", function, (f"{area} Director", f"Director of {area}"), {}),
        Role(
            "head",
            function,
            (f"Head of {area}", f"Head, {area}"),
            {"de": f"Leiter {german}", "fr": f"Responsable {french}"},
        ),
        Role("manager", function, (f"{area} Manager", f"Manager, {area}"), {}),
        Role("senior", function, (f"Senior {craft}", f"Sr. {craft}"), {}),
        Role("specialist", function, (craft,), {}),
        Role("entry", function, (f"Junior {craft}", f"Jr. {craft}"), {}),
    ]


def _chief(function: str, long: str, short: str, **local: str) -> Role:
    return Role("c_level", function, (f"Chief {long} Officer", short), local)


_CEO = _chief("executive", "Executive", "CEO", de="Geschäftsführer", fr="Directeur général")
ROLES: tuple[Role, ...] = (
    Role("owner", "executive", ("Founder", "Founder & CEO"), {"de": "Inhaber"}),
    Role("owner", "executive", ("Co-Founder", "Co-Founder & CEO"), {"fr": "Cofondateur"}),
    _CEO,
    Role("c_level", "executive", ("Managing Director",), {"de": "Geschäftsführer"}),
    _chief("finance", "Financial", "CFO"),
    _chief("operations", "Operating", "COO"),
    _chief("engineering", "Technology", "CTO"),
    _chief("marketing", "Marketing", "CMO"),
    _chief("sales", "Revenue", "CRO"),
    _chief("it", "Information", "CIO"),
    _chief("product", "Product", "CPO"),
    *(role for function in _AREAS for role in _of_area(function)),
)
BY_SENIORITY = {
    level: tuple(role for role in ROLES if role.seniority == level) for level in SENIORITY_WEIGHTS
}
