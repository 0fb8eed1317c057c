"""The lead sources that the settings name, each with its pace and its purse."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol, TypeVar

from cluster import outside
from cluster.clock import now
from cluster.settings import Settings
from storage.database import Database

if TYPE_CHECKING:
    from agents.governor import Governor
    from agents.lead_sources import LeadSource
    from agents.purchases import Purchases


class Closable(Protocol):
    """An adapter with connections."""

    async def close(self) -> None:
        """Close the connections."""
        ...


S = TypeVar("S", bound=Closable)


@dataclass(frozen=True, slots=True)
class Shop:
    """One source that can be bought from."""

    source: "LeadSource"
    governor: "Governor"
    purchases: "Purchases"


def shops(settings: Settings, database: Database, closing: AsyncExitStack) -> list[Shop]:
    """Build every source that has credentials; ``closing`` is told what to close."""
    found = [
        connected(settings, database, closing, "uplead", outside.uplead),
        connected(settings, database, closing, "zoominfo", outside.zoominfo),
    ]
    return [Shop(*each, _purchases(settings, each[1])) for each in found if each is not None]


def connected(
    settings: Settings,
    database: Database,
    closing: AsyncExitStack,
    vendor: str,
    build: Callable[[Settings, outside.Heard], S | None],
) -> "tuple[S, Governor] | None":
    """Build a vendor's adapter and its pace, which hears what the vendor announces.

    Returns None, and builds nothing that must be closed, where the vendor has no credentials.
    """
    pace = governor(settings, database, vendor)
    source = build(settings, pace.heard)
    if source is None:
        return None
    closing.push_async_callback(pace.close)
    closing.push_async_callback(source.close)
    return source, pace


def governor(
    settings: Settings, database: Database, vendor: str, *, patience: timedelta | None = None
) -> "Governor":
    """The cluster's pace and breaker for a vendor, of which no limit by tokens is known.

    Args:
        patience: how long a probe of its breaker may take; None is a minute.
    """
    from agents.governor import Governor

    return Governor(
        database,
        vendor,
        requests_per_minute=getattr(settings, f"{vendor}_requests_per_minute"),
        clock=now,
        patience=patience or timedelta(minutes=1),
    )


def _purchases(settings: Settings, pace: "Governor") -> "Purchases":
    from agents.purchases import Purchases

    return Purchases(
        pace,
        usd_per_credit=getattr(settings, f"{pace.vendor}_usd_per_credit"),
        usd_per_day=settings.vendor_usd_per_day,
        credits_per_month=getattr(settings, f"{pace.vendor}_credits_per_month"),
        clock=now,
    )
