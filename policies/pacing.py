"""The pace at which all workers together may call a vendor.

One state, shared through the database, hands out slots in time: every call is told when
it may start, so the cluster as a whole keeps to the limit without bursts. The pace
follows what the vendor says: its limit headers set the ceiling, a 429 slows down at
once, success speeds up slowly (additive increase, multiplicative decrease).

Sources:
    Slots in time: generic cell rate algorithm, ITU-T I.371 (theoretical arrival time).
    AIMD: D.-M. Chiu and R. Jain, Computer Networks and ISDN Systems 17, 1989.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

HEADROOM = 0.99
SLOWER = 0.7
FASTER = 0.02
SETTLING = timedelta(seconds=2)
LEAST = 1.0
SHORT = timedelta(minutes=1)
UNTOLD_PAUSE = timedelta(minutes=1)
"""After which a window is tried again whose end the vendor did not name."""
LONGEST_PAUSE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a vendor may be called.

    Attributes:
        requests_per_minute: the ceiling that the operator set for requests.
        tokens_per_minute: the same for tokens; None where the vendor counts none.
        announced_requests: requests per minute that the vendor says it allows.
        announced_tokens: the same for tokens.
        factor: share of the lower ceiling in use now, 0 to 1.
        next_request: when the next request may start (aware).
        next_token: when the token allowance is free again (aware).
        slowed_at: the last slowing down (aware).
        held_until: the vendor asked not to be called before (aware), whoever has a slot.
    """

    requests_per_minute: float
    tokens_per_minute: float | None = None
    announced_requests: float | None = None
    announced_tokens: float | None = None
    factor: float = 1.0
    next_request: datetime | None = None
    next_token: datetime | None = None
    slowed_at: datetime | None = None
    held_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """What a vendor allows in one stretch of time; None where it did not say.

    Attributes:
        period: how long the stretch is.
        limit: calls in it, at most.
        remaining: calls that are left of it.
        resets_in: until all are allowed again.
    """

    period: timedelta | None = None
    limit: int | None = None
    remaining: int | None = None
    resets_in: timedelta | None = None

    @property
    def pause(self) -> timedelta:
        """How long nobody may call, because none is left."""
        if self.remaining is None or self.remaining > 0:
            return timedelta()
        named = self.resets_in if self.resets_in is not None else self.period
        if named is None:
            return UNTOLD_PAUSE
        longest = LONGEST_PAUSE if self.resets_in is not None else UNTOLD_PAUSE
        return min(max(named, timedelta()), longest)


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a vendor announced beside an answer: one window or several, or nothing."""

    windows: tuple[Window, ...] = ()

    @property
    def per_minute(self) -> float | None:
        """The pace that the short windows allow.

        Those of an hour or a day are for bursts to be spent from: only their end counts.
        """
        paces = [
            window.limit * (SHORT / window.period)
            for window in self.windows
            if window.limit and window.period and window.period <= SHORT
        ]
        return min(paces, default=None)

    @property
    def pause(self) -> timedelta:
        """How long nobody may call, because a window is used up."""
        return max((window.pause for window in self.windows), default=timedelta())


def take(pace: Pace, tokens: list[int], now: datetime) -> tuple[Pace, list[datetime]]:
    """Give each of the calls, which need that many tokens, the moment when it may start."""
    slots: list[datetime] = []
    request = max(pace.next_request or now, now)
    token = max(pace.next_token or now, now)
    for needed in tokens:
        slots.append(max(request, token))
        request = slots[-1] + _spacing(requests_rate(pace), 1)
        token = token + _spacing(tokens_rate(pace), needed)
    return replace(pace, next_request=request, next_token=token), slots


def requests_rate(pace: Pace) -> float:
    """Requests per minute in use now."""
    announced = pace.announced_requests or pace.requests_per_minute
    return min(pace.requests_per_minute, announced) * pace.factor


def tokens_rate(pace: Pace) -> float | None:
    """Tokens per minute in use now; None where none are counted."""
    if pace.tokens_per_minute is None:
        return None
    announced = pace.announced_tokens or pace.tokens_per_minute
    return min(pace.tokens_per_minute, announced) * pace.factor


def heard(pace: Pace, requests: float | None, tokens: int | None, now: datetime) -> Pace:
    """Follow the limits that the vendor announced with a success, and speed up a little."""
    settled = pace.slowed_at is None or now - pace.slowed_at >= SETTLING
    return replace(
        pace,
        announced_requests=requests or pace.announced_requests,
        announced_tokens=tokens or pace.announced_tokens,
        factor=min(1.0, pace.factor + FASTER) if settled else pace.factor,
    )


def allowed(pace: Pace, allowance: Allowance, now: datetime) -> Pace:
    """Follow what a vendor without tokens announced with a success; wait where all is used up."""
    followed = heard(pace, allowance.per_minute, None, now)
    return hold(followed, allowance.pause, now)


def hold(pace: Pace, wait: timedelta, now: datetime) -> Pace:
    """Give no slot before ``wait`` is over; the pace stays."""
    if wait <= timedelta():
        return pace
    until = max(pace.held_until or now, now + wait)
    return replace(pace, next_request=max(pace.next_request or now, until), held_until=until)


def throttled(pace: Pace, wait: timedelta, now: datetime) -> Pace:
    """Slow down after a 429, once for all calls that were under way together."""
    held = hold(pace, wait, now)
    if pace.slowed_at is not None and now - pace.slowed_at < SETTLING:
        return held
    slower = max(pace.factor * SLOWER, LEAST / pace.requests_per_minute)
    return replace(held, factor=slower, slowed_at=now)


def _spacing(per_minute: float | None, amount: int) -> timedelta:
    if per_minute is None:
        return timedelta()
    return timedelta(minutes=amount / max(per_minute * HEADROOM, LEAST))
