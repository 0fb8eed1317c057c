"""How often a source helps with a field, and how often it bills: learned from what was bought.

An answer is billed or it is free, and helps with a field or does not; that a source bills says how
well it knows such people, that a billed answer helps says what its records are worth. So two
questions are learned apart::

    P(helps) = P(bills) * P(helps | billed) + (1 - P(bills)) * P(helps | free)

What a record costs for each time that it helps then depends on P(helps | billed) alone, however
seldom the source knows anybody.

Every answer is counted in its *segment*: by what the person was named, what is known of their mail
server, whether another source has already missed, where they are, how large the company is. A rate
is the mean of a Beta posterior whose prior is the rate of the next coarser group, worth ``K``
answers here::

    rate(level) = (hits(level) + K * rate(level - 1)) / (asked(level) + K)

from all answers of the source down to those of the segment, beginning at a prior of
``PRIOR_WEIGHT`` answers that is our own guess. So a segment with few answers speaks with the voice
of its neighbours, and one with many for itself.

While the rate of a billed answer is uncertain it is read with `OPTIMISM` standard deviations added:
what was never tried is tried. With n answers that bonus fades as 1/sqrt(n).

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

from policies.enrichment import COMPANY_SIZE, email_kind
from policies.fact_rules import BOUGHT, EMAIL_STATUS, PHONE_FOUND, Known
from policies.lead import Lead
from policies.prospect import EmailStatus

K = 12.0
PRIOR_WEIGHT = 4.0
OPTIMISM = 0.5
BILLS = 0.5
"""The chance that a source bills, before anything was bought; our own guess, as are these."""
HELPS_BILLED: Mapping[str, float] = {EMAIL_STATUS: 0.75, PHONE_FOUND: 0.5}
HELPS_BILLED_ELSE = 0.9
HELPS_FREE: Mapping[str, float] = {EMAIL_STATUS: 0.02}
HELPS_FREE_ELSE = 0.1

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
        return f"{self.named_by}/{self.mail}/{missed}/{self.country}/{self.size}"

    @property
    def levels(self) -> Sequence[str]:
        """The groups it belongs to, the coarsest first, itself last."""
        return _levels(self.key)


@dataclass(frozen=True, slots=True)
class Tally:
    """Answers of one source about one field in one segment.

    Attributes:
        asked: people asked about.
        hits: answers that helped.
        billed: answers that the source bills to whoever gets them first.
        billed_hits: of them those that helped.
        credits: what we paid: nothing for a record that was ours already.
    """

    asked: int = 0
    hits: int = 0
    billed: int = 0
    billed_hits: int = 0
    credits: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        """Count both."""
        return Tally(
            self.asked + other.asked,
            self.hits + other.hits,
            self.billed + other.billed,
            self.billed_hits + other.billed_hits,
            self.credits + other.credits,
        )

    @classmethod
    def of(cls, *, hit: bool, billed: bool, credits: int) -> "Tally":
        """Count one answer."""
        return cls(1, int(hit), int(billed), int(hit and billed), credits)


Outcomes = Mapping[tuple[str, str, str], Tally]
"""Tallies by source, field and key of the segment."""


@dataclass(frozen=True, slots=True)
class Chances:
    """What to expect of one question; chances from 0 to 1.

    Attributes:
        bills: that the source bills for the person.
        helps: that it helps with each field, read with optimism.
    """

    bills: float
    helps: Mapping[str, float]


class Rates:
    """What was learned so far; asked for by segment."""

    def __init__(self, outcomes: Outcomes, *, optimism: float = OPTIMISM) -> None:
        self._tallies = _by_level(outcomes)
        self._optimism = optimism
        self._known: dict[tuple[str, Segment], Chances] = {}

    def of(self, source: str, segment: Segment) -> Chances:
        """What to expect of ``source`` when it is asked about such a person."""
        key = (source, segment)
        if key not in self._known:
            bills = self._rates(source, EMAIL_STATUS, segment)[0]
            helps: dict[str, float] = {}
            for field in BOUGHT:
                _, billed, free = self._rates(source, field, segment)
                helps[field] = bills * billed + (1 - bills) * free
            self._known[key] = Chances(bills, helps)
        return self._known[key]

    def _rates(self, source: str, field: str, segment: Segment) -> tuple[float, float, float]:
        """The chances that it bills, that a billed answer helps, that a free one does."""
        levels = [self._tallies.get((source, field, each), _NONE) for each in segment.levels]
        bills, _ = _climb(BILLS, [(each.billed, each.asked) for each in levels])
        billed, answers = _climb(
            HELPS_BILLED.get(field, HELPS_BILLED_ELSE),
            [(each.billed_hits, each.billed) for each in levels],
        )
        free, _ = _climb(
            HELPS_FREE.get(field, HELPS_FREE_ELSE),
            [(each.hits - each.billed_hits, each.asked - each.billed) for each in levels],
        )
        deviation = sqrt(billed * (1 - billed) / (answers + 1))
        return bills, min(1.0, billed + self._optimism * deviation), free


def _climb(prior: float, levels: Sequence[tuple[int, int]]) -> tuple[float, float]:
    """The rate in the finest group, and how many answers it rests on.

    Args:
        levels: hits and trials, the coarsest group first.
    """
    rate, weight, answers = prior, PRIOR_WEIGHT, PRIOR_WEIGHT
    for hits, trials in levels:
        rate = (hits + weight * rate) / (trials + weight)
        # What a coarser group knows counts for K answers here at most.
        answers = trials + min(answers, weight)
        weight = K
    return rate, answers


def segment_of(lead: Lead, known: Known, *, missed: bool, named: str, mail: Mail) -> Segment:
    """Say to which segment a lead belongs.

    Args:
        known: the best fact of each field.
        mail: what is known of the company's mail server.
        missed: whether another source has already not helped.
        named: by what the person is named: ``record`` or a word of `named_by`.
    """
    size = known.value(COMPANY_SIZE)
    return Segment(
        missed,
        named,
        mail,
        country_group(lead.country),
        _SIZES.get(size, "unknown") if isinstance(size, str) else "unknown",
    )


def named_by(lead: Lead, status: EmailStatus | None = None) -> str:
    """Say by what a source can be asked about a lead.

    ``email``, or the name with ``domain``, ``company`` or ``both``; else ``free email`` or
    ``nothing``, by which none can.

    Args:
        status: of the lead's address; None if nobody has said a word of it.
    """
    person = lead.person
    if is_name(person.email, status):
        return "email"
    if person.first_name and person.last_name:
        if lead.domain:
            return "both" if lead.company else "domain"
        if lead.company:
            return "company"
    return "free email" if email_kind(person.email) == "free" else "nothing"


def is_name(email: str | None, status: EmailStatus | None) -> bool:
    """Say whether an address names its person to a source.

    One at work does, unless it is an unsure one that another source told.
    """
    sure = status is None or status is EmailStatus.VALID
    return email is not None and sure and email_kind(email) == "work"


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
    return tuple("/".join(parts[:depth]) for depth in range(len(parts) + 1))


_NONE = Tally()
_GROUPS = (("america", _AMERICA), ("isles", _ISLES), ("dach", _DACH), ("europe", _EUROPE))
