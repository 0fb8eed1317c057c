"""Industry templates: what an expert believes before any outcome is known.

Every figure is our judgement, in logits: +0.7 doubles the odds, -0.7 halves them. They come from
common qualification practice (who decides, does the company fit, did the person show interest)
and are meant to be replaced: fitting starts from them and moves as far as the outcomes say. Each
feature appears under the names that enrichment gives it and those that exports commonly use. The
education template was written by somebody who had seen such a data set; expect less elsewhere.

Sources:
    MAP around a template needs a quarter of the labels (measured, ADR on scoring).
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from math import log

from policies.binned import CategoricalFeature, NumericFeature
from policies.confidence import with_assumed_uncertainty
from policies.scorecard import Scorecard

AnyFeature = NumericFeature | CategoricalFeature


class Industry(StrEnum):
    """For which industry a template is; it is that of the seller."""

    GENERAL = "general"
    SOFTWARE = "software"
    FINTECH = "fintech"
    HEALTHCARE = "healthcare"
    EDUCATION = "education"
    MANUFACTURING = "manufacturing"
    RETAIL_ECOMMERCE = "retail_ecommerce"
    PROFESSIONAL_SERVICES = "professional_services"
    REAL_ESTATE = "real_estate"

    @property
    def words(self) -> str:
        """As a person reads it."""
        return _WORDS.get(self, self.value)


_WORDS = {
    Industry.GENERAL: "any business customer",
    Industry.RETAIL_ECOMMERCE: "retail and e-commerce",
    Industry.PROFESSIONAL_SERVICES: "professional services",
    Industry.REAL_ESTATE: "real estate",
}


def template(industry: Industry, *, base_rate: float | None = None) -> Scorecard:
    """The scorecard of an industry.

    Args:
        industry: of the seller.
        base_rate: the conversion rate of the seller's average lead, if it is known.
    """
    rate = BASE_RATES[industry] if base_rate is None else base_rate
    features = {feature.name: feature for feature in (*COMMON, *SPECIAL[industry])}
    card = Scorecard(intercept=log(rate / (1 - rate)), features=tuple(features.values()))
    return with_assumed_uncertainty(card)


BASE_RATES: Mapping[Industry, float] = {
    Industry.GENERAL: 0.10,
    Industry.SOFTWARE: 0.12,
    Industry.FINTECH: 0.10,
    Industry.HEALTHCARE: 0.08,
    Industry.EDUCATION: 0.35,
    Industry.MANUFACTURING: 0.10,
    Industry.RETAIL_ECOMMERCE: 0.10,
    Industry.PROFESSIONAL_SERVICES: 0.15,
    Industry.REAL_ESTATE: 0.05,
}
"""Share of inbound leads that convert, typically."""


def _levels(
    name: str, points: Mapping[str, float], *, other: float = 0.0, empty: float = 0.0
) -> AnyFeature:
    return CategoricalFeature(
        name=name, levels=tuple(points), points=(other, *points.values()), empty=empty
    )


def _bins(
    name: str, edges: Sequence[float], points: Sequence[float], *, empty: float = 0.0
) -> AnyFeature:
    return NumericFeature(name=name, edges=tuple(edges), points=tuple(points), empty=empty)


def _yes(name: str, points: float, *, no: float = 0.0) -> AnyFeature:
    return _levels(name, {"yes": points, "1": points, "no": no, "0": no})


def _seniority(top: float, middle: float, bottom: float) -> AnyFeature:
    """Points by rank; ``top`` decides, ``middle`` influences, ``bottom`` uses."""
    ranks = {
        "owner": top, "c_level": top, "vp": 0.85 * top, "head": 0.7 * top, "director": 0.7 * top,
        "manager": middle, "senior": 0.3 * middle, "specialist": bottom, "entry": bottom,
        "student": 2 * bottom,
    }  # fmt: skip
    return _levels("seniority", ranks, empty=-0.2)


def _functions(*buyers: str, near: Sequence[str] = ()) -> AnyFeature:
    """The functions that buy what the industry sells, and those close to them."""
    points = dict.fromkeys(near, 0.3) | dict.fromkeys(buyers, 0.7)
    return _levels("function", points, other=-0.2, empty=-0.1)


def _sizes(small: float, medium: float, large: float, huge: float) -> tuple[AnyFeature, ...]:
    """Points by number of people: up to 10, 50, 1,000, and more; under three names."""
    points = (small, (small + medium) / 2, medium, large, huge)
    edges = (11, 51, 201, 1_001)
    return tuple(
        _bins(name, edges, points, empty=-0.1)
        for name in ("company_size", "employees", "Number of Employees")
    )


def _sellers_to(*industries: str) -> AnyFeature:
    """The customers' industries that fit best."""
    return _levels("industry", dict.fromkeys(industries, 0.6), other=-0.1, empty=-0.1)


_SOURCES = {
    "reference": 1.6, "referral": 1.6, "partner": 1.0, "event": 0.5, "webinar": 0.5,
    "demo request": 1.5, "contact form": 0.9, "website": 0.4, "olark chat": 0.2, "chat": 0.4,
    "organic search": 0.2, "google": 0.1, "direct traffic": 0.1, "linkedin": 0.1,
    "facebook": -0.4, "bing": 0.0, "referral sites": 0.0, "press_release": 0.0,
    "cold call": -0.6, "purchased list": -1.0, "list": -0.8,
}  # fmt: skip
_TIME = ((1, 60, 300, 900, 1_500), (-0.6, -0.4, -0.2, 0.3, 0.9, 1.2))
_VISITS = ((1, 2, 4, 8), (-0.3, 0.0, 0.1, 0.3, 0.4))
_PAGES = ((1, 2, 4, 8), (-0.2, 0.0, 0.1, 0.2, 0.1))

COMMON: tuple[AnyFeature, ...] = (
    _seniority(0.9, 0.4, -0.4),
    _functions("sales", "marketing", "operations", "executive", near=("it", "finance", "product")),
    _levels("email_kind", {"work": 0.5, "free": -0.5, "role": -0.4}, empty=-0.4),
    _yes("has_phone", 0.3, no=-0.2),
    _yes("has_email", 0.1, no=-0.3),
    *_sizes(-0.2, 0.3, 0.4, 0.1),
    _levels("source", _SOURCES),
    _levels("Lead Source", _SOURCES),
    _levels("lead_source", _SOURCES),
    _levels("Lead Origin", {"lead add form": 1.5, "quick add form": 1.0, "api": -0.2,
                            "landing page submission": 0.0, "lead import": -0.5}),
    _yes("Do Not Email", -1.0),
    _yes("Do Not Call", -0.5),
    *(_bins(name, *_TIME) for name in ("Total Time Spent on Website", "time_on_site")),
    *(_bins(name, *_VISITS) for name in ("TotalVisits", "Total Visits", "visits")),
    *(_bins(name, *_PAGES) for name in ("Page Views Per Visit", "pages_per_visit")),
)  # fmt: skip

SPECIAL: Mapping[Industry, tuple[AnyFeature, ...]] = {
    Industry.GENERAL: (),
    Industry.SOFTWARE: (
        _functions("engineering", "it", "product", "executive", near=("operations", "data")),
        _sellers_to("software", "it_services", "financial_services", "retail", "media",
                    "telecommunications"),
        _seniority(0.9, 0.6, -0.1),
        *_sizes(-0.2, 0.5, 0.6, 0.2),
    ),
    Industry.FINTECH: (
        _functions("finance", "executive", "operations", near=("it", "legal", "data")),
        _sellers_to("financial_services", "insurance", "retail", "real_estate"),
        _seniority(1.1, 0.4, -0.5),
        *_sizes(-0.3, 0.3, 0.6, 0.4),
    ),
    Industry.HEALTHCARE: (
        _functions("medical", "operations", "executive", near=("it", "purchasing")),
        _sellers_to("healthcare", "pharmaceuticals", "insurance"),
        _seniority(1.0, 0.3, -0.6),
        *_sizes(-0.3, 0.1, 0.5, 0.6),
    ),
    Industry.EDUCATION: (
        _levels("What is your current occupation",
                {"working professional": 2.0, "businessman": 0.8, "housewife": 0.8,
                 "student": 0.1, "unemployed": 0.1, "other": 0.0}, empty=-0.9),
        _levels("occupation", {"working professional": 1.2, "student": 0.1, "unemployed": 0.0},
                empty=-0.5),
        _levels("Last Activity",
                {"sms sent": 0.9, "had a phone conversation": 1.2, "email opened": 0.1,
                 "email link clicked": 0.1, "olark chat conversation": -0.7,
                 "email bounced": -1.2, "converted to lead": -0.6, "unsubscribed": -0.8,
                 "page visited on website": -0.3, "form submitted on website": -0.2}),
        _levels("Lead Source", _SOURCES | {"welingak website": 2.2, "olark chat": 0.0,
                                           "reference": 1.8}),
        _levels("Lead Origin", {"lead add form": 1.7, "quick add form": 1.0, "api": -0.1,
                                "landing page submission": -0.2, "lead import": -0.5}),
        _bins("Total Time Spent on Website", (1, 60, 300, 900, 1_500),
              (-0.3, -1.0, -0.6, 0.2, 1.1, 1.5)),
        _levels("Specialization", {}, other=0.1, empty=-0.3),
        _seniority(0.3, 0.3, 0.1),
        *_sizes(0.0, 0.0, 0.0, 0.0),
        _levels("email_kind", {"work": 0.2, "free": 0.0, "role": -0.2}, empty=-0.2),
    ),
    Industry.MANUFACTURING: (
        _functions("operations", "purchasing", "engineering", near=("executive", "logistics")),
        _sellers_to("manufacturing", "automotive", "aerospace_defense", "chemicals", "construction",
                    "energy", "logistics"),
        _seniority(0.9, 0.6, -0.2),
        *_sizes(-0.5, 0.2, 0.6, 0.5),
    ),
    Industry.RETAIL_ECOMMERCE: (
        _functions("marketing", "operations", "executive", near=("purchasing", "product", "it")),
        _sellers_to("retail", "wholesale", "consumer_goods", "food"),
        _seniority(1.0, 0.4, -0.3),
        *_sizes(0.2, 0.4, 0.2, 0.0),
    ),
    Industry.PROFESSIONAL_SERVICES: (
        _functions("executive", "finance", "hr", "legal", near=("operations", "marketing")),
        _sellers_to("professional_services", "financial_services", "software", "healthcare",
                    "manufacturing", "legal"),
        _seniority(1.2, 0.3, -0.6),
        *_sizes(0.0, 0.4, 0.4, 0.1),
    ),
    Industry.REAL_ESTATE: (
        _functions("executive", "finance", "operations", near=("legal", "purchasing")),
        _sellers_to("real_estate", "construction", "hospitality", "retail"),
        _seniority(0.8, 0.1, -0.2),
        _yes("has_phone", 0.6, no=-0.5),
        *_sizes(0.1, 0.2, 0.1, 0.0),
    ),
}  # fmt: skip
