"""What to do after a failure: how long to wait, and when to stop asking a vendor.

Sources:
    Full jitter: M. Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog, 2015.
    Circuit breaker: M. Nygard, "Release It!", 2nd edition, 2018, chapter 5.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

FIRST_WAIT = timedelta(seconds=1)
LONGEST_WAIT = timedelta(minutes=15)


def backoff(attempt: int, chance: float, *, at_least: timedelta = timedelta()) -> timedelta:
    """Say how long to wait before the next attempt.

    Args:
        attempt: failed attempts so far, 1 or more.
        chance: a uniform draw from 0 to 1.
        at_least: what the vendor asked for (``Retry-After``).
    """
    ceiling = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(attempt - 1, 20))
    return max(at_least, ceiling * chance)


@dataclass(frozen=True, slots=True)
class Breaker:
    """A vendor's circuit breaker, shared by every worker that calls it.

    Attributes:
        failures: failures of the vendor in a row.
        open_until: no call before (aware); None while closed.
        trips: times it opened since the last success; each doubles the pause.
        probing: whether one call is let through to see whether the vendor is back.
    """

    failures: int = 0
    open_until: datetime | None = None
    trips: int = 0
    probing: bool = False


THRESHOLD = 5
FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(minutes=5)


def may_call(breaker: Breaker, now: datetime) -> bool:
    """Say whether a call may be tried; after the pause one probe at a time (see ``probe``)."""
    return breaker.open_until is None or now >= breaker.open_until


def probe(breaker: Breaker, now: datetime, patience: timedelta) -> Breaker:
    """Let one call through a half-open breaker and keep the others waiting for its answer."""
    if breaker.open_until is None:
        return breaker
    return replace(breaker, open_until=now + patience, probing=True)


def succeeded(breaker: Breaker) -> Breaker:
    """Close the breaker."""
    return Breaker() if breaker != Breaker() else breaker


def failed(breaker: Breaker, now: datetime, *, at_least: timedelta = timedelta()) -> Breaker:
    """Count a failure of the vendor; open after ``THRESHOLD`` in a row, or at once on a probe.

    The failures of calls that were under way when it opened do not open it once more.
    """
    failures = breaker.failures + 1
    if failures < THRESHOLD and breaker.open_until is None:
        return replace(breaker, failures=failures)
    if breaker.open_until is not None and not breaker.probing and now < breaker.open_until:
        until = max(breaker.open_until, now + at_least)
        return replace(breaker, failures=failures, open_until=until)
    pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(breaker.trips, 10))
    return Breaker(failures, now + max(pause, at_least), breaker.trips + 1)
