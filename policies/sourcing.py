"""Which source to ask next in a search for leads, for how many people, and when to stop.

A source is worth what a *usable lead* of it costs: the price of a record, divided by the share of
records that come out usable. That share is learned: a Beta posterior over the records that were
paid for, with a prior that counts as four records. What earlier searches for the same profile came
to counts too, for fifty records at most, because the market moves on.

Exploration is bounded in two ways. A source is judged by an optimistic share (the posterior mean
plus 0.84 standard deviations, about its 80 % quantile), so that one of which little is known gets
its chance, and the bonus shrinks with the square root of what was bought. And as long as fewer than
25 records of it were bought, no more than 25 are bought at a time: a source that turns out useless
costs 25 records before it is judged by them.

Nothing is bought that is not wanted: a question never asks for more people than are still missing,
nor for more than the budget pays if every one of them is billed.

Sources:
    Optimism under uncertainty: E. Kaufmann, O. Cappe, A. Garivier, "On Bayesian upper confidence
    bounds for bandit problems", AISTATS 2012. Mean and variance of Beta: any textbook.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import sqrt
from typing import Literal

PRIOR_USABLE = 2.4
PRIOR_RECORDS = 4.0
"""A weak belief: six records of ten are usable."""
MOST_HISTORY = 50.0
"""For how many records earlier searches count, at most."""
OPTIMISM = 0.84
TRIAL = 25
"""Records that an unknown source is tried with."""
SIZES = (100, 50, 25, 10, 5, 1)
"""People asked for at once: each divides a larger one, as numbered pages need it."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What buying records of a source came to.

    Attributes:
        records: paid for.
        usable: of them.
    """

    records: float = 0.0
    usable: float = 0.0


@dataclass(frozen=True, slots=True)
class Standing:
    """A source as it stands in a search.

    Attributes:
        price: micro-dollars of a record.
        reveals: whether a search shows, and bills, addresses; else candidates are bought.
        page_size: people on one page, at most.
        most_at_once: candidates bought at once, at most.
        candidates: found, not bought yet.
        more: whether there are further pages.
        rests_until: not to be asked before (aware); None if it may be asked.
        out_of_credit_until: its account is used up until then (aware).
        failed: it cannot go on in this search.
        now, before: evidence of this search, and of earlier ones for the same profile.
    """

    name: str
    price: int
    reveals: bool
    page_size: int
    most_at_once: int
    candidates: int = 0
    more: bool = True
    rests_until: datetime | None = None
    out_of_credit_until: datetime | None = None
    failed: bool = False
    now: Evidence = Evidence()
    before: Evidence = Evidence()


@dataclass(frozen=True, slots=True)
class Ask:
    """The next question.

    Attributes:
        how: ``search`` for a page of people, ``buy`` for candidates that were found.
        most: people, at most.
        expected: micro-dollars that a usable lead is expected to cost (optimistic).
    """

    source: str
    how: Literal["search", "buy"]
    most: int
    expected: float


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing can be asked before ``until`` (aware)."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Stop:
    """The search is over."""

    status: Literal["done", "over_budget", "exhausted"]
    reason: str


def next_step(
    sources: Sequence[Standing], *, missing: int, left: int | None, now: datetime
) -> Ask | Wait | Stop:
    """Say what to do next in a search.

    Args:
        missing: people still wanted.
        left: micro-dollars of the budget; None without limit.
        now: aware.
    """
    if missing <= 0:
        return Stop("done", "everybody that was wanted is found")
    going = [source for source in sources if not source.failed and _has_more(source)]
    if not going:
        return Stop("exhausted", _nobody_left(sources))
    paid = [source for source in going if not _out_of_credit(source, now)]
    if not paid:
        names = ", ".join(source.name for source in going)
        return Stop("exhausted", f"the account is out of credit: {names}")
    affordable = [source for source in paid if left is None or source.price <= left]
    if not affordable:
        return Stop("over_budget", "what is left of the budget does not pay one more record")
    ready = [source for source in affordable if not _rests(source, now)]
    if not ready:
        return Wait(min(source.rests_until or now for source in affordable))
    best = min(ready, key=lambda source: (expected_cost(source), source.name))
    return _question(best, missing, left)


def expected_cost(source: Standing) -> float:
    """Return what a usable lead of ``source`` may cost in micro-dollars, optimistically."""
    return source.price / optimistic_share(source)


def optimistic_share(source: Standing) -> float:
    """Return the share of its records that may well be usable, 0 to 1."""
    usable, useless = _posterior(source)
    total = usable + useless
    deviation = sqrt(usable * useless / (total * total * (total + 1)))
    return min(1.0, usable / total + OPTIMISM * deviation)


def expected_share(source: Standing) -> float:
    """Return the share of its records that are expected to be usable, 0 to 1."""
    usable, useless = _posterior(source)
    return usable / (usable + useless)


def _posterior(source: Standing) -> tuple[float, float]:
    """The two parameters of the Beta posterior."""
    before = source.before
    weight = min(1.0, MOST_HISTORY / before.records) if before.records else 0.0
    usable = PRIOR_USABLE + source.now.usable + weight * before.usable
    records = PRIOR_RECORDS + source.now.records + weight * before.records
    return usable, max(records - usable, PRIOR_RECORDS - PRIOR_USABLE)


def _question(source: Standing, missing: int, left: int | None) -> Ask:
    expected = expected_cost(source)
    if not source.reveals and not source.candidates:
        return Ask(source.name, "search", source.page_size, expected)
    most = missing if left is None or not source.price else min(missing, left // source.price)
    if source.now.records + source.before.records < TRIAL and source.price:
        most = min(most, TRIAL)
    if source.reveals:
        most = min(most, source.page_size)
        return Ask(source.name, "search", next(n for n in SIZES if n <= most), expected)
    return Ask(source.name, "buy", min(most, source.most_at_once, source.candidates), expected)


def _has_more(source: Standing) -> bool:
    return source.more or source.candidates > 0


def _out_of_credit(source: Standing, now: datetime) -> bool:
    return source.out_of_credit_until is not None and source.out_of_credit_until > now


def _rests(source: Standing, now: datetime) -> bool:
    return source.rests_until is not None and source.rests_until > now


def _nobody_left(sources: Sequence[Standing]) -> str:
    failed = [source.name for source in sources if source.failed]
    if not sources:
        return "no source is connected: see the settings of UpLead and ZoomInfo"
    if failed and len(failed) == len(sources):
        return f"no source can be asked: {', '.join(failed)}"
    note = f" (not asked to the end: {', '.join(failed)})" if failed else ""
    return f"the sources know nobody else who fits{note}"
