"""What became of a lead: reading the outcome column of an import.

An empty cell means that the lead is still open; it is neither a success nor a failure and takes
no part in fitting.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from policies.features import Value, category

YES = frozenset({"1", "yes", "y", "t", "won", "closed won", "converted", "success", "customer"})
NO = frozenset({"0", "no", "n", "f", "lost", "closed lost", "not converted", "failure"})
OPEN = frozenset({"open", "pending", "in progress", "unknown"})
SHOWN = 5


class TargetError(ValueError):
    """The outcome column cannot be read as yes and no; the text names what was seen."""


@dataclass(frozen=True, slots=True)
class Outcomes:
    """One entry a lead.

    Attributes:
        converted: whether it converted; False where not known.
        known: whether the outcome is known.
    """

    converted: NDArray[np.bool_]
    known: NDArray[np.bool_]


def outcomes(values: Sequence[Value]) -> Outcomes:
    """Read a column of outcomes.

    Raises:
        TargetError: if a value is neither yes, no nor open.
    """
    levels = [category(value) for value in values]
    unread = sorted({v for v in levels if v is not None} - YES - NO - OPEN)
    if unread:
        more = f" and {len(unread) - SHOWN} more" if len(unread) > SHOWN else ""
        raise TargetError(
            f"the outcome column must say yes or no (1/0, true/false, won/lost, converted); "
            f"it also holds {', '.join(map(repr, unread[:SHOWN]))}{more}"
        )
    return Outcomes(
        np.array([v in YES for v in levels], bool), np.array([v in YES | NO for v in levels], bool)
    )
