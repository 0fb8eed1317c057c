"""UpLead: people by criteria and people one asks about, each billed when first received.

No retries and no waiting here: pace, patience and purchases belong to the caller. UpLead takes no
idempotency key, but charges a record only once.

API: https://docs.uplead.com (v2; readings of 2026-08-13, reference/uplead.md of 2026-11-22).
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from http import HTTPStatus
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel

from agents.errors import VendorError
from agents.vendors.credentials import HeaderKey
from agents.vendors.http import Received, VendorHttp
from agents.vendors.pages import Place, place, requests_left
from agents.vendors.refusals import Refusal
from agents.vendors.uplead import wire
from agents.vendors.uplead.records import NAME, is_billed, prospect_of
from policies.pacing import Allowance
from policies.profiles import Profile
from policies.prospect import (
    Criteria,
    Match,
    Matches,
    MatchStatus,
    PersonQuery,
    SearchPage,
    UsageStats,
)
from policies.uplead_words import criteria_of

BASE_URL = "https://api.uplead.com/v2"
_ABOUT_THE_PLAN = ("plan", "subscription", "paused", "upgrade", "permission", "not allowed")
A = TypeVar("A", bound=BaseModel)


class UpLead:
    """UpLead, or a server that speaks its protocol; a `agents.lead_sources.LeadSource`.

    Args:
        api_key: the secret; a sandbox wants one that begins with ``sandbox-``.
        base_url: where the paths begin.
        timeout: for a whole call, however slowly its answer drips.
        http_client: None for one of its own.
        heard: told of the rate limits that come with every answer.
    """

    name = NAME
    reveals = True
    page_size = 100
    most_at_once = 1

    def __init__(
        self,
        api_key: str,
        *,
        base_url: str = BASE_URL,
        timeout: timedelta = timedelta(seconds=30),
        http_client: httpx.AsyncClient | None = None,
        heard: Callable[[Allowance], None] | None = None,
    ) -> None:
        self._http = VendorHttp(
            NAME,
            base_url,
            HeaderKey(NAME, "UPLEAD_API_KEY", api_key),
            timeout=timeout,
            http_client=http_client,
            heard=heard,
        )

    def criteria(self, profile: Profile) -> Criteria:
        """Say the profile as filters of prospector-pro-search."""
        return criteria_of(profile)

    async def count(self, criteria: Criteria) -> int | None:
        """How many people match; free of charge.

        Raises:
            VendorError: nobody answers, or not to this.
        """
        asked = {**criteria.values, "count_only": True}
        return (await self._ask("/prospector-pro-search", asked, wire.Count)).value.count

    async def search_contacts(
        self, criteria: Criteria, cursor: str | None, *, most: int | None = None
    ) -> SearchPage:
        """Return one page of people, with their addresses; billed for.

        Raises:
            VendorError: there is no page; with ``in_doubt`` it may be billed all the same, and
                the same question asked again is not billed twice.
        """
        at = place(NAME, cursor, most)
        asked = {**criteria.values, "page": at.number, "per_page": at.size}
        page = (await self._ask("/prospector-pro-search", asked, wire.People)).value
        return SearchPage(
            prospects=[prospect_of(person) for person in page.results],
            billed=frozenset(person.id for person in page.results if is_billed(person)),
            total=page.meta.total,
            next=str(at.end) if _goes_on(page, at) else None,
        )

    async def enrich_leads(self, queries: Sequence[PersonQuery]) -> Matches:
        """Ask about one person, by id, else address, else name and domain.

        Raises:
            ValueError: more than one is asked about at once.
            VendorError: there is no answer; see `search_contacts`.
        """
        if len(queries) > self.most_at_once:
            raise ValueError(f"UpLead is asked about one person at a time, not {len(queries)}")
        if not queries:
            return Matches(())
        query, asked = queries[0], _identified(queries[0])
        if asked is None:
            return Matches((Match(query.key, MatchStatus.REFUSED),))
        person = (await self._ask("/person-search", asked, wire.PersonAnswer)).value.data
        if person is None:
            return Matches((Match(query.key, MatchStatus.NOT_FOUND),))
        match = Match(query.key, MatchStatus.FOUND, prospect_of(person))
        return Matches((match,), frozenset({person.id} if is_billed(person) else ()))

    async def enrich_lead(self, query: PersonQuery) -> Matches:
        """Ask about one person; see `enrich_leads`."""
        return await self.enrich_leads((query,))

    async def import_leads(
        self, profile: Profile, cursor: str | None = None, *, most: int | None = None
    ) -> SearchPage:
        """One page of those whom a profile means; see `search_contacts`."""
        return await self.search_contacts(self.criteria(profile), cursor, most=most)

    async def get_usage_stats(self) -> UsageStats:
        """Credits that are left, and requests of this minute.

        Raises:
            VendorError: nobody answers, or the key is not valid.
        """
        received = await self._http.request("GET", "/credits", shape=wire.Credits)
        return UsageStats(
            credits_left=received.value.credits, limits=requests_left(received.limits)
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    async def _ask(self, path: str, asked: Mapping[str, Any], shape: type[A]) -> Received[A]:
        return await self._http.request("POST", path, json=asked, shape=shape, errors=_understood)


def _understood(refusal: Refusal) -> VendorError | None:
    """A 403 is about the plan if it says so; else the credits are spent, which is not published.

    An account that is out of credit waits; one whose plan lacks the call would wait in vain.
    """
    if refusal.status != HTTPStatus.FORBIDDEN:
        return None
    message = _message(refusal.document)
    if "credit" not in message and any(word in message for word in _ABOUT_THE_PLAN):
        return refusal.final("the plan lacks this, or the account is paused: look at uplead.com")
    return refusal.out_of_credit("buy some, or look at uplead.com whether the account is paused")


def _message(document: object) -> str:
    error = document.get("error") if isinstance(document, dict) else None
    message = error.get("message") if isinstance(error, dict) else error
    return message.lower() if isinstance(message, str) else ""


def _identified(query: PersonQuery) -> dict[str, str] | None:
    """What identifies a person to UpLead; None if that is not known."""
    if query.record_id:
        return {"id": query.record_id}
    if query.email:
        return {"email": query.email}
    if query.first_name and query.last_name and query.domain:
        return {
            "first_name": query.first_name,
            "last_name": query.last_name,
            "domain": query.domain,
        }
    return None


def _goes_on(page: wire.People, at: Place) -> bool:
    if not page.results or page.meta.last_page:
        return False
    if page.meta.total is not None:
        return at.end < page.meta.total
    return page.meta.next_page is not None or len(page.results) >= at.size
