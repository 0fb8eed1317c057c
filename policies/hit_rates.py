"""How often a source knows a field, and how often it bills for a person: learned from purchases.

Every answer is counted in its *segment* (where the person is, how large the company, by what we
can name them, whether another source has already missed), one counter a field, beside one for the
bill: whether a source found and billed is another question than whether that helped us.

A rate is the mean of a Beta posterior whose prior is the rate of the next coarser group, worth
``K`` answers here::

    rate(level) = (hits(level) + K * rate(level - 1)) / (asked(level) + K)

from the coarsest of five levels (missed before; and named by; and mail server; and country; and
size) to the finest, beginning at a prior of ``PRIOR_WEIGHT`` answers that is our own guess. So a
segment with few answers speaks with the voice of its neighbours, and one with many for itself.

While a rate is uncertain it is read with `OPTIMISM` standard deviations added: what was never
tried is tried. With n answers that bonus fades as 1/sqrt(n).

Sources:
    Beta-binomial with the coarser rate as its prior mean: Gelman et al., "Bayesian Data Analysis",
    3rd edition, section 5.3; shrinkage along a chain of groups: Efron and Morris, JASA 70 (1975).
    Optimism by the posterior: Kaufmann, Cappé, Garivier, "On Bayesian upper confidence bounds for
    bandit problems", AISTATS 2012 (there a quantile; here its normal approximation).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from math import sqrt

from policies.contact_points import normal_email
from policies.enrichment import COMPANY_SIZE, email_kind
from policies.fact_rules import Known
from policies.lead import Lead

BILL = "bill"
"""The counter of what was billed, in place of a field's name."""
K = 12.0
PRIOR_WEIGHT = 4.0
OPTIMISM = 0.5
PRIORS: Mapping[str, float] = {
    BILL: 0.6,
    "email_status": 0.5,
    "phone_found": 0.4,
    "title": 0.6,
    "seniority": 0.55,
    "company_size": 0.6,
    "industry": 0.6,
    "country": 0.6,
}
"""Before anything was bought; our own guesses."""
OTHER_PRIOR = 0.5
AFTER_MISS = 0.6
"""What a prior is multiplied by once another source did not know the person: misses go together."""

_DACH = frozenset({"DE", "AT", "CH", "LI"})
_ISLES = frozenset({"GB", "IE"})
_AMERICA = frozenset({"US", "CA"})
_EUROPE = frozenset(
    {
        *("BE", "BG", "CY", "CZ", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IS", "IT"),
        *("LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK"),
    }
)
_SIZES = {
    "1-10": "small",
    "11-50": "small",
    "51-200": "small",
    "201-1000": "middle",
    "1001-5000": "large",
    "5001+": "large",
}


class Mail(StrEnum):
    """What is known of a company's mail server: whether an address there can be checked."""

    UNKNOWN = "unknown"
    CHECKS = "checks"
    CATCH_ALL = "catch_all"


@dataclass(frozen=True, slots=True)
class Segment:
    """Leads of which a source may know about as much.

    Attributes:
        missed: whether another source has already not helped.
        named_by: by what they are asked for, see `named_by`, or ``record``.
        country: a group of countries, or ``unknown``.
        size: ``small``, ``middle``, ``large`` or ``unknown``.
    """

    missed: bool
    named_by: str
    mail: Mail
    country: str
    size: str

    @property
    def key(self) -> str:
        """Its name in the counters."""
        missed = "missed" if self.missed else "first"
        return f"{missed}/{self.named_by}/{self.mail}/{self.country}/{self.size}"

    @property
    def levels(self) -> Sequence[str]:
        """The groups it belongs to, the coarsest first, itself last."""
        return _levels(self.key)


@dataclass(frozen=True, slots=True)
class Tally:
    """Answers of one source about one field in one segment.

    Attributes:
        asked: people asked about.
        hits: answers that helped; for `BILL` records that are billed to who gets them first.
        billed: records that were new to us and billed.
        credits: what those cost.
    """

    asked: int = 0
    hits: int = 0
    billed: int = 0
    credits: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        """Count both."""
        return Tally(
            self.asked + other.asked,
            self.hits + other.hits,
            self.billed + other.billed,
            self.credits + other.credits,
        )


Outcomes = Mapping[tuple[str, str, str], Tally]
"""Tallies by source, field and key of the segment."""


class Rates:
    """What was learned so far; asked for by segment."""

    def __init__(self, outcomes: Outcomes, *, optimism: float = OPTIMISM) -> None:
        self._tallies = _by_level(outcomes)
        self._optimism = optimism
        self._known: dict[tuple[str, str, Segment], tuple[float, float]] = {}

    def hit(self, source: str, field: str, segment: Segment) -> float:
        """The chance that ``source`` helps with ``field`` (0 to 1), read with optimism."""
        mean, answers = self._posterior(source, field, segment)
        deviation = sqrt(mean * (1 - mean) / (answers + 1))
        return min(1.0, mean + self._optimism * deviation)

    def mean(self, source: str, field: str, segment: Segment) -> float:
        """The same without optimism."""
        return self._posterior(source, field, segment)[0]

    def billed(self, source: str, segment: Segment) -> float:
        """The chance that ``source`` bills for such a person (0 to 1)."""
        return self._posterior(source, BILL, segment)[0]

    def _posterior(self, source: str, field: str, segment: Segment) -> tuple[float, float]:
        """The mean, and how many answers it is worth."""
        key = (source, field, segment)
        if key not in self._known:
            self._known[key] = self._climb(source, field, segment)
        return self._known[key]

    def _climb(self, source: str, field: str, segment: Segment) -> tuple[float, float]:
        rate = PRIORS.get(field, OTHER_PRIOR) * (AFTER_MISS if segment.missed else 1.0)
        weight, answers = PRIOR_WEIGHT, PRIOR_WEIGHT
        for level in segment.levels:
            tally = self._tallies.get((source, field, level), _NONE)
            rate = (tally.hits + weight * rate) / (tally.asked + weight)
            # What a coarser group knows counts for K answers here at most.
            answers = tally.asked + min(answers, K)
            weight = K
        return rate, answers


def segment_of(lead: Lead, known: Known, *, missed: bool, record: bool, mail: Mail) -> Segment:
    """Say to which segment a lead belongs.

    Args:
        known: the best fact of each field.
        mail: what is known of the company's mail server.
        missed: whether another source has already not helped.
        record: whether the source's own name for the person is known.
    """
    size = known.value(COMPANY_SIZE)
    return Segment(
        missed,
        "record" if record else named_by(lead),
        mail,
        country_group(lead.country),
        _SIZES.get(size, "unknown") if isinstance(size, str) else "unknown",
    )


def named_by(lead: Lead) -> str:
    """Say by what a source can be asked about a lead.

    ``email``, or the name with ``domain``, ``company`` or ``both``; else ``free email`` or
    ``nothing``, by which none can.
    """
    person = lead.person
    if person.email and normal_email(person.email) and email_kind(person.email) == "work":
        return "email"
    if person.first_name and person.last_name:
        if lead.domain:
            return "both" if lead.company else "domain"
        if lead.company:
            return "company"
    return "free email" if email_kind(person.email) == "free" else "nothing"


def country_group(country: str | None) -> str:
    """Return the group that a country (ISO 3166-1 alpha-2) is counted in."""
    if country is None:
        return "unknown"
    for name, group in _GROUPS:
        if country in group:
            return name
    return "elsewhere"


def _by_level(outcomes: Outcomes) -> Mapping[tuple[str, str, str], Tally]:
    """Sum the tallies of segments into those of the groups above them."""
    sums: defaultdict[tuple[str, str, str], Tally] = defaultdict(Tally)
    for (source, field, key), tally in outcomes.items():
        for level in _levels(key):
            sums[source, field, level] += tally
    return sums


@lru_cache(10_000)
def _levels(key: str) -> Sequence[str]:
    parts = key.split("/")
    return tuple("/".join(parts[: depth + 1]) for depth in range(len(parts)))


_NONE = Tally()
_GROUPS = (("america", _AMERICA), ("isles", _ISLES), ("dach", _DACH), ("europe", _EUROPE))
