"""Query strings of Rest.li 2.0, built by hand.

Values nest in parentheses, which stay as they are; what stands inside a URN is encoded. A usual
encoder encodes the parentheses too, and is refused.

Source: reference/linkedin.md (2026-11-22), Common protocol.
"""

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import quote

from agents.errors import VendorError
from policies.linkedin_webhook import OWNER

NAME = "linkedin"
MILLISECONDS = 1000


def owner(urn: str) -> str:
    """An owner as a value.

    Raises:
        VendorError: if it is none.
    """
    found = OWNER.fullmatch(urn)
    if found is None:
        problem = "an owner is no URN of an ad account or organisation: check LINKEDIN_OWNERS"
        raise VendorError(NAME, problem, retry_after=None)
    return f"({found[1]}:{encoded(urn)})"


def time_range(start: datetime, end: datetime) -> str:
    """From and to, in epoch milliseconds."""
    return f"(start:{_milliseconds(start)},end:{_milliseconds(end)})"


def query(parts: Sequence[tuple[str, str]]) -> str:
    """The whole; names and values stand as they are given."""
    return "&".join(f"{name}={value}" for name, value in parts)


def encoded(text: str) -> str:
    """A text inside a value."""
    return quote(text, safe="")


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * MILLISECONDS)
