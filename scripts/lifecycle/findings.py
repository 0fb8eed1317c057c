"""What `doctor` finds out."""

from dataclasses import dataclass
from enum import StrEnum


class Health(StrEnum):
    """How a thing is."""

    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found out about one thing.

    Attributes:
        about: the thing, in one or two words.
        says: what is the case.
        remedy: what to do; empty if nothing.
        seconds: how long it took to find out.
    """

    about: str
    health: Health
    says: str
    remedy: str = ""
    seconds: float = 0.0
