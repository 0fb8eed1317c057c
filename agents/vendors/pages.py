"""Places in a search whose pages are numbered.

A cursor is the number of people passed. Fewer than a full page are asked for by a smaller page
that divides that number, so that no person is passed over or asked for twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from agents.errors import VendorError
from policies.pacing import Allowance

SIZES = (100, 50, 25, 20, 10, 5, 4, 2, 1)
"""Sizes of pages, each a divisor of the largest."""
_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Place:
    """Which page is asked for.

    Attributes:
        number: from 1.
    """

    number: int
    size: int

    @property
    def end(self) -> int:
        """People passed after it."""
        return self.number * self.size


def place(vendor: str, cursor: str | None, most: int | None, *, last: int | None = None) -> Place:
    """The page that begins where ``cursor`` says.

    Args:
        cursor: None for the beginning.
        most: people on it, at most; None for a full page.
        last: the highest number that the vendor takes; where it forbids a small page, a larger
            one is asked for.

    Raises:
        VendorError: no page begins there.
    """
    if cursor is not None and not (cursor.isascii() and cursor.isdecimal() and len(cursor) < 10):
        raise VendorError(vendor, "the cursor is none of this source's", retry_after=None)
    passed, wanted = int(cursor or 0), max(1, most or SIZES[0])
    fitting = [
        Place(passed // size + 1, size)
        for size in SIZES
        if passed % size == 0 and (last is None or passed // size < last)
    ]
    small = [place for place in fitting if place.size <= wanted]
    if not fitting:
        raise VendorError(vendor, "the search goes no further", retry_after=None)
    return small[0] if small else fitting[-1]


def requests_left(limits: Allowance) -> Mapping[str, int]:
    """Requests that are left, by the name of the stretch of time."""
    left = {_PERIODS.get(w.period or timedelta(), "other"): w.remaining for w in limits.windows}
    return {name: count for name, count in left.items() if count is not None}


_PERIODS = {
    timedelta(seconds=1): "second",
    timedelta(minutes=1): "minute",
    timedelta(hours=1): "hour",
    timedelta(days=1): "day",
}
