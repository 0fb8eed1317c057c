"""What a language model tells about a call: its answer, what it used, how much more it allows."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, TypeVar

A = TypeVar("A", covariant=True)


@dataclass(frozen=True, slots=True)
class Usage:
    """The tokens of one call, as billed.

    Attributes:
        prompt: tokens read, cached ones included.
        cached: those of ``prompt`` that came from the vendor's cache.
        completion: tokens written, hidden reasoning included.
    """

    prompt: int = 0
    cached: int = 0
    completion: int = 0

    @property
    def total(self) -> int:
        """Tokens read and written."""
        return self.prompt + self.completion


@dataclass(frozen=True, slots=True)
class RateLimits:
    """What the vendor announced beside an answer; None where it said nothing.

    Attributes:
        requests: allowed in a minute.
        tokens: allowed in a minute.
        remaining_requests: still allowed now.
        remaining_tokens: still allowed now.
        reset_requests: until all requests are allowed again.
        reset_tokens: until all tokens are allowed again.
    """

    requests: int | None = None
    tokens: int | None = None
    remaining_requests: int | None = None
    remaining_tokens: int | None = None
    reset_requests: timedelta | None = None
    reset_tokens: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Reply(Generic[A]):
    """A good answer.

    Attributes:
        answer: read and validated.
        usage: what it cost in tokens.
        model: the dated model that answered.
        request_id: the vendor's name for the call, to quote to its support.
        limits: the allowance announced with it; empty for an answer that was looked up.
    """

    answer: A
    usage: Usage
    model: str
    request_id: str
    limits: RateLimits
