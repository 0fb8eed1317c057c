"""How far down the list of leads a window reaches, remembered for some seconds.

Counting so many leads down an index takes a millisecond or two among a million. Who is told a place
that no longer holds true, because leads came or went, has a window that is too wide or too narrow:
that costs time, never a lead.
"""

from time import monotonic

import asyncpg

LIFETIME = 10.0
"""Seconds in which even an import in full swing widens no window by more than a search can bear."""
STEP = 2**0.5
"""Windows are widened to a power of this, so that they are few."""


class Bounds:
    """Remembers places in the list by order and width.

    Args:
        lifetime: seconds.
    """

    def __init__(self, *, lifetime: float = LIFETIME) -> None:
        self._lifetime = lifetime
        self._known: dict[tuple[str, int], tuple[float, asyncpg.Record | None]] = {}

    async def after(
        self, connection: asyncpg.Connection, place: str, window: int
    ) -> asyncpg.Record | None:
        """Return place and id of a lead that at least ``window`` come before; None if all do.

        Args:
            place: the expression that the list is ordered by, the highest first.
        """
        width = 1.0
        while width < window:
            width *= STEP
        wanted = (place, round(width))
        until, bound = self._known.get(wanted, (0.0, None))
        if monotonic() > until:
            bound = await connection.fetchrow(_BOUND.format(place=place), wanted[1])
            self._known[wanted] = (monotonic() + self._lifetime, bound)
        return bound


_BOUND = """
SELECT {place}, id FROM leads WHERE deleted_at IS NULL
ORDER BY {place} DESC, id DESC OFFSET $1 LIMIT 1
"""
