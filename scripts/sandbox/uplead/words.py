"""What UpLead calls things."""

from scripts.sandbox.market.trades import TRADES

INDUSTRIES = tuple(sorted({niche for trade in TRADES for niche in trade.niches}))
"""Names; the id of one is its place, from 1."""
LEVELS = {"owner": "C", "c_level": "C", "vp": "VP", "director": "D", "head": "D", "manager": "M"}
"""``management_level`` of a record, by our seniority; others have none."""
LEVEL_FILTERS = {
    "M": frozenset({"manager"}),
    "D": frozenset({"director", "head"}),
    "VP": frozenset({"vp"}),
    "C": frozenset({"c_level"}),
    "CX": frozenset({"c_level", "owner"}),
}
"""What a filter by level takes. That ``CX`` is ``C`` and the owners is our own reading."""
FUNCTIONS = {
    "it": "engineering",
    "data": "analyst",
    "design": "creative",
    "hr": "human resources",
    "purchasing": "operations",
    "logistics": "fulfillment",
    "customer_service": "support",
    "medical": "health",
    "executive": "operations",
}
"""``job_function``, where it is not our own word: UpLead knows 24. That an executive's is
``operations`` is our own reading."""
EMPLOYEES = (
    (10, "1-10"),
    (50, "11-50"),
    (200, "51-200"),
    (500, "201-500"),
    (1_000, "501-1,000"),
    (5_000, "1,001-5,000"),
    (10_000, "5,001-10,000"),
)
MOST_EMPLOYEES = "10,001+"
REVENUES = (
    (1, "0-1m"),
    (10, "1m-10m"),
    (50, "10m-50m"),
    (100, "50m-100m"),
    (250, "100m-250m"),
    (500, "250m-500m"),
    (1_000, "500m-1b"),
)
"""Millions of US dollars, at most."""
MOST_REVENUE = "1b+"
REGIONS = {"eu": "Europe", "us": "North America", "other": "Other"}


def function_of(ours: str) -> str:
    """``job_function`` by our own word."""
    return FUNCTIONS.get(ours, ours)


def employees_of(count: int) -> str:
    """The band of so many employees."""
    return next((name for most, name in EMPLOYEES if count <= most), MOST_EMPLOYEES)


def revenue_of(dollars: int) -> str:
    """The band of so much revenue."""
    millions = dollars / 1_000_000
    return next((name for most, name in REVENUES if millions <= most), MOST_REVENUE)
