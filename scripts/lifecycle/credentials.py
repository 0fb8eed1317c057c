"""``doctor`` asks each vendor whether it takes our credentials; nothing is bought by that."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, suppress
from typing import TypeVar

from agents.errors import VendorError
from cluster import outside
from cluster.settings import Settings
from cluster.vendors import VENDORS, Vendor
from policies.crm_document import EXTERNAL_ID
from scripts.lifecycle.findings import Finding, Health

A = TypeVar("A")
PATIENCE = 20.0
"""Seconds that a vendor may take to answer."""


def checks(settings: Settings, sandboxed: list[str] | None) -> list[Finding]:
    """One finding a vendor.

    Args:
        sandboxed: the vendors that the running engine has the sandbox play; None if none runs.
    """
    return asyncio.run(_all(settings, sandboxed))


async def _all(settings: Settings, sandboxed: list[str] | None) -> list[Finding]:
    return list(
        await asyncio.gather(*(_one(settings, each, sandboxed) for each in VENDORS.values()))
    )


async def _one(settings: Settings, vendor: Vendor, sandboxed: list[str] | None) -> Finding:
    missing = vendor.missing(settings)
    if not vendor.given(settings):
        return _without(vendor, sandboxed, missing)
    if missing:
        says = "has only a part of its credentials, and is not used"
        return Finding(vendor.title, Health.BAD, says, f"Set {' and '.join(missing)}.")
    try:
        async with AsyncExitStack() as closing, asyncio.timeout(PATIENCE):
            says = await _ASKED[vendor.name](settings, closing)
    except VendorError as error:
        health = Health.BAD if error.retry_after is None else Health.WARNING
        return Finding(vendor.title, health, str(error), f"See docs/vendors/{vendor.name}.md.")
    except TimeoutError:
        says = f"did not answer within {PATIENCE:g} s"
        return Finding(vendor.title, Health.WARNING, says, "Try again later.")
    except ValueError as error:
        return Finding(vendor.title, Health.BAD, str(error), f"See docs/vendors/{vendor.name}.md.")
    return Finding(vendor.title, Health.GOOD, says)


def _without(vendor: Vendor, sandboxed: list[str] | None, missing: list[str]) -> Finding:
    remedy = f"Set {' and '.join(missing)} to use it for real."
    if sandboxed is not None and vendor.name not in sandboxed:
        return Finding(vendor.title, Health.WARNING, "no credentials and no sandbox: off", remedy)
    return Finding(vendor.title, Health.GOOD, "played by the sandbox", remedy)


async def _openai(settings: Settings, closing: AsyncExitStack) -> str:
    model = _built(outside.openai(settings))
    closing.push_async_callback(model.close)
    ends = await model.shutdown_date()
    until = f", which ends on {ends:%Y-%m-%d}" if ends else ""
    cap = f"at most {settings.llm_usd_per_day:g} USD a day"
    return f"the key is good for {settings.openai_model}{until}; {cap}"


async def _uplead(settings: Settings, closing: AsyncExitStack) -> str:
    source = _built(outside.uplead(settings))
    closing.push_async_callback(source.close)
    usage = await source.get_usage_stats()
    return f"the key is good; {_credits(usage.credits_left)}"


async def _zoominfo(settings: Settings, closing: AsyncExitStack) -> str:
    source = _built(outside.zoominfo(settings))
    closing.push_async_callback(source.close)
    usage = await source.get_usage_stats()
    return f"a token was given; {_credits(usage.credits_left)}"


async def _linkedin(settings: Settings, closing: AsyncExitStack) -> str:
    source = outside.linkedin(settings)
    if source is None:
        raise ValueError("LINKEDIN_OWNERS names nobody: set it to URNs, separated by commas")
    closing.push_async_callback(source.close)
    forms = [form for owner in source.owners for form in await source.forms(owner)]
    return f"the token is good; {len(forms)} forms of {len(source.owners)} owners"


async def _salesforce(settings: Settings, closing: AsyncExitStack) -> str:
    crm = _built(outside.salesforce(settings))
    closing.push_async_callback(crm.close_connections)
    account = await crm.who()
    lead = await crm.describe("Lead")
    key = lead.field(EXTERNAL_ID)
    if key is None or not key.external_id:
        raise ValueError(
            f"Lead has no external id field {EXTERNAL_ID} that {account.user} may see: make it"
        )
    usage = ""
    with suppress(VendorError):
        limits = await crm.limits()
        usage = f"; {limits.used:,} of {limits.allowed:,} API calls used today"
    return f"{account.user} at {account.instance}{usage}"


def _built(adapter: A | None) -> A:
    if adapter is None:
        raise ValueError("its credentials are not complete")
    return adapter


def _credits(left: int | None) -> str:
    return "credits are not told" if left is None else f"{left:,} credits left"


_ASKED: Mapping[str, Callable[[Settings, AsyncExitStack], Awaitable[str]]] = {
    "openai": _openai,
    "uplead": _uplead,
    "zoominfo": _zoominfo,
    "linkedin": _linkedin,
    "salesforce": _salesforce,
}
