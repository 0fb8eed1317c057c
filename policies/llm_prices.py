"""What a call to a language model costs, in whole micro-dollars, rounded up.

Sources:
    OpenAI's price list, secondary copies read 2026-11-22; check before using them for invoices.
    A token of a byte-level encoding holds at least one byte, so a text never has more tokens
    than bytes.
    The vendor's own limiter counts a call before it runs, from its length and its longest answer:
    https://platform.openai.com/docs/guides/rate-limits (read from memory, 2026-11-22).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from policies.llm import Usage

_NANO_PER_MICRO = 1000
_ENVELOPE = 64
"""Tokens for the roles and separators around the messages."""
_BYTES_PER_TOKEN = 4
_SNAPSHOT = re.compile(r"-\d{4}-\d{2}-\d{2}$")


@dataclass(frozen=True, slots=True)
class TokenPrice:
    """Nano-dollars a token (the same number as micro-dollars for a thousand tokens)."""

    prompt: int
    cached: int
    completion: int


PRICES: Mapping[str, TokenPrice] = {
    "gpt-4": TokenPrice(30_000, 30_000, 60_000),
    "gpt-4-turbo": TokenPrice(10_000, 10_000, 30_000),
    "gpt-4o": TokenPrice(2_500, 1_250, 10_000),
    "gpt-4o-mini": TokenPrice(150, 75, 600),
    "gpt-4.1": TokenPrice(2_000, 500, 8_000),
    "gpt-4.1-mini": TokenPrice(400, 100, 1_600),
    "gpt-5.4": TokenPrice(2_500, 250, 15_000),
    "gpt-5.4-mini": TokenPrice(750, 75, 4_500),
    "gpt-5.5": TokenPrice(5_000, 500, 30_000),
    "gpt-5.6-sol": TokenPrice(5_000, 5_000, 30_000),
    "gpt-5.6-terra": TokenPrice(2_500, 2_500, 15_000),
    "gpt-5.6-luna": TokenPrice(1_000, 100, 6_000),
    "gpt-6-sol": TokenPrice(2_000, 200, 10_000),
    "gpt-6.1-sol": TokenPrice(2_000, 200, 10_000),
    "gpt-6-luna": TokenPrice(100, 10, 500),
}
DEAREST = max(PRICES.values(), key=lambda price: (price.completion, price.prompt))


@dataclass(frozen=True, slots=True)
class WorstCase:
    """The most that a call can use.

    Attributes:
        tokens: read and written.
        cost: micro-dollars.
    """

    tokens: int
    cost: int


def token_price(model: str) -> TokenPrice:
    """The price of ``model`` or of the model that it is a snapshot of; the dearest if unknown."""
    return PRICES.get(model) or PRICES.get(_SNAPSHOT.sub("", model)) or DEAREST


def price(model: str, usage: Usage) -> int:
    """What ``usage`` cost, in micro-dollars."""
    rate = token_price(model)
    nano = (
        (usage.prompt - usage.cached) * rate.prompt
        + usage.cached * rate.cached
        + usage.completion * rate.completion
    )
    return -(-nano // _NANO_PER_MICRO)


def worst_case(model: str, prompt_bytes: int, max_output_tokens: int) -> WorstCase:
    """Bound a call whose instructions, document and schema are ``prompt_bytes`` long in UTF-8."""
    usage = Usage(prompt=prompt_bytes + _ENVELOPE, completion=max_output_tokens)
    return WorstCase(usage.total, price(model, usage))


def rated_tokens(prompt_bytes: int, max_output_tokens: int) -> int:
    """The tokens that the vendor's limiter will count for such a call when it comes in."""
    return -(-prompt_bytes // _BYTES_PER_TOKEN) + max_output_tokens
