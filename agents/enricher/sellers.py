"""Who can be asked about a lead for money, and what was learned about them so far."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from agents.lead_sources import LeadSource
from agents.purchases import Purchases
from policies.hit_rates import Rates
from policies.waterfall import Candidate
from storage import enrichment
from storage.database import Connection

KEPT = timedelta(seconds=30)
"""How long what was learned is used before it is read again."""


@dataclass(frozen=True, slots=True)
class Seller:
    """A source, and how its records are paid for."""

    source: LeadSource
    purchases: Purchases

    @property
    def name(self) -> str:
        """Of the source."""
        return self.source.name

    def candidate(self, away: str | None = None) -> Candidate:
        """The source as the waterfall sees it.

        Args:
            away: why it cannot be asked now.
        """
        return Candidate(self.name, self.purchases.usd_micro_per_credit, away=away)


class Learned:
    """The rates that all answers so far make likely, read now and then."""

    def __init__(self) -> None:
        self._rates: Rates | None = None
        self._read_at: datetime | None = None

    async def rates(self, db: Connection, now: datetime) -> Rates:
        """What is known by now."""
        fresh = self._read_at is not None and now - self._read_at < KEPT
        if self._rates is None or not fresh:
            self._rates = Rates(await enrichment.outcomes(db))
            self._read_at = now
        return self._rates

    def forget(self) -> None:
        """Read again next time: something was learned."""
        self._read_at = None


def candidates(sellers: Sequence[Seller]) -> list[Candidate]:
    """All sources, as if none were away."""
    return [seller.candidate() for seller in sellers]
