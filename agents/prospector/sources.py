"""A lead source that is connected: how it is asked, and how it is paid."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from agents.governor import Governor
from agents.lead_sources import LeadSource
from agents.purchases import Purchases


@dataclass(frozen=True, slots=True)
class Source:
    """A source, its pace and breaker, and its purse.

    Attributes:
        governor: of this vendor; the same that ``purchases`` uses.
    """

    adapter: LeadSource
    governor: Governor
    purchases: Purchases

    @property
    def name(self) -> str:
        """The vendor's short name."""
        return self.adapter.name

    @property
    def price(self) -> int:
        """Micro-dollars of a record."""
        return self.purchases.usd_micro_per_credit


Sources: TypeAlias = Mapping[str, Source]
