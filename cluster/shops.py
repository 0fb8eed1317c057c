"""The lead sources that the settings name, each with its pace and its purse."""

from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from cluster import outside
from cluster.clock import now
from cluster.settings import Settings
from storage.database import Database

if TYPE_CHECKING:
    from agents.governor import Governor
    from agents.lead_sources import LeadSource
    from agents.purchases import Purchases


@dataclass(frozen=True, slots=True)
class Shop:
    """One source that can be bought from."""

    source: "LeadSource"
    governor: "Governor"
    purchases: "Purchases"


def shops(settings: Settings, database: Database, closing: AsyncExitStack) -> list[Shop]:
    """Build every source that has credentials; ``closing`` is told what to close."""
    found: list[Shop] = []
    pace = governor(settings, database, "uplead")
    if (first := outside.uplead(settings, pace.heard)) is not None:
        closing.push_async_callback(pace.close)
        closing.push_async_callback(first.close)
        price, most = settings.uplead_usd_per_credit, settings.uplead_credits_per_month
        found.append(Shop(first, pace, _purchases(settings, pace, price, most)))
    pace = governor(settings, database, "zoominfo")
    if (second := outside.zoominfo(settings, pace.heard)) is not None:
        closing.push_async_callback(pace.close)
        closing.push_async_callback(second.close)
        price, most = settings.zoominfo_usd_per_credit, settings.zoominfo_credits_per_month
        found.append(Shop(second, pace, _purchases(settings, pace, price, most)))
    return found


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


def _purchases(
    settings: Settings, pace: "Governor", usd_per_credit: float, credits_per_month: int | None
) -> "Purchases":
    from agents.purchases import Purchases

    return Purchases(
        pace,
        usd_per_credit=usd_per_credit,
        usd_per_day=settings.vendor_usd_per_day,
        credits_per_month=credits_per_month,
        clock=now,
    )
