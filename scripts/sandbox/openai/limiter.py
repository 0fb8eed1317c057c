"""OpenAI's rate limits: a bucket of requests and one of tokens for each model.

A call counts, before it runs, with a quarter of its characters and its longest answer. The real
limiter takes the larger of the two; ours takes the sum, which is harder on the caller.
"""

from dataclasses import dataclass, field

MINUTE = 60.0


@dataclass(slots=True)
class Bucket:
    """An allowance that refills evenly.

    Attributes:
        per_minute: what refills in a minute.
        capacity: the most that can be used at once.
    """

    per_minute: float
    capacity: float
    level: float = field(init=False)
    _at: float = 0.0

    def __post_init__(self) -> None:
        self.level = self.capacity

    def refill(self, now: float) -> None:
        """Let the time until ``now`` (monotonic seconds) count."""
        self.level = min(self.capacity, self.level + (now - self._at) * self.per_minute / MINUTE)
        self._at = now

    def wait(self, amount: float) -> float:
        """Seconds until ``amount`` is there, if it fits at all."""
        return max(0.0, amount - self.level) * MINUTE / self.per_minute

    @property
    def reset(self) -> float:
        """Seconds until it is full."""
        return self.wait(self.capacity)


@dataclass(frozen=True, slots=True)
class Excess:
    """Why a call is turned away.

    Attributes:
        kind: ``requests`` or ``tokens``.
        limit: allowed in a minute.
        used: of it already.
        requested: by this call.
        wait: seconds until it could pass; None if it is too large ever to pass.
    """

    kind: str
    limit: int
    used: int
    requested: int
    wait: float | None


class Limiter:
    """The limits of one model.

    Args:
        rpm: requests a minute.
        tpm: tokens a minute.
        burst: seconds of either that may be used at once.
    """

    def __init__(self, rpm: int, tpm: int, burst: float) -> None:
        self._rpm, self._tpm = rpm, tpm
        self._requests = Bucket(rpm, max(1.0, rpm * burst / MINUTE))
        self._tokens = Bucket(tpm, max(1.0, tpm * burst / MINUTE))

    def take(self, tokens: int, now: float) -> Excess | None:
        """Let a call of so many tokens pass, or say why not."""
        pairs = (("requests", self._requests, 1), ("tokens", self._tokens, tokens))
        for kind, bucket, amount in pairs:
            bucket.refill(now)
            if bucket.level < amount:
                used = int(bucket.capacity - bucket.level)
                limit = int(bucket.per_minute)
                wait = None if amount > bucket.capacity else bucket.wait(amount)
                return Excess(kind, limit, used, amount, wait)
        for _, bucket, amount in pairs:
            bucket.level -= amount
        return None

    def headers(self) -> dict[str, str]:
        """What every answer announces."""
        return {
            "x-ratelimit-limit-requests": str(self._rpm),
            "x-ratelimit-limit-tokens": str(self._tpm),
            "x-ratelimit-remaining-requests": str(int(self._requests.level)),
            "x-ratelimit-remaining-tokens": str(int(self._tokens.level)),
            "x-ratelimit-reset-requests": shown(self._requests.reset),
            "x-ratelimit-reset-tokens": shown(self._tokens.reset),
        }


def shown(seconds: float) -> str:
    """A duration as OpenAI writes it: ``174ms``, ``18.642s``, ``6m0s``."""
    if seconds < 1:
        return f"{int(seconds * 1000)}ms"
    minutes, rest = divmod(seconds, MINUTE)
    return f"{int(minutes)}m{rest:.3g}s" if minutes else f"{round(rest, 3):g}s"
