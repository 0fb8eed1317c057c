"""ZoomInfo: people by criteria, free of charge, and their addresses, billed when first received.

The GTM Data API alone; the legacy Enterprise API is being withdrawn and is not supported. No
retries and no waiting here: pace, patience and purchases belong to the caller.

API: OpenAPI of the GTM Data API, read 2026-11-22 (reference/zoominfo.md).
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from http import HTTPStatus
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel

from agents.errors import AnswerError, VendorError
from agents.vendors.http import Received, VendorHttp
from agents.vendors.oauth import ClientCredentials
from agents.vendors.pages import Place, place, requests_left
from agents.vendors.refusals import Refusal
from agents.vendors.zoominfo import wire
from agents.vendors.zoominfo.inputs import Inputs
from agents.vendors.zoominfo.records import (
    NAME,
    OUTPUT_FIELDS,
    is_billed,
    opted_out,
    prospect_of,
    record_id,
    status_of,
)
from policies.pacing import Allowance
from policies.profiles import Profile
from policies.prospect import (
    Criteria,
    Match,
    Matches,
    MatchStatus,
    PersonQuery,
    Prospect,
    SearchPage,
    UsageStats,
)
from policies.zoominfo_words import INDUSTRY_NAMES, criteria_of

BASE_URL = "https://api.zoominfo.com/gtm"
TOKEN_URL = "https://okta-login.zoominfo.com/oauth2/default/v1/token"  # noqa: S105 - an address
SCOPE = "api:data:contact api:data:company api:data:lookup"
MOST_PAGES = 100
MOST_SEEN = 10_000
"""People whom the pages of one search show."""
CREDIT_LIMIT = "PFAPI0011"
THROTTLED = "ZI0004"
_MEDIA = {"Accept": "application/vnd.api+json", "Content-Type": "application/vnd.api+json"}
_CREDITS = ("credit", "uniqueid")
A = TypeVar("A", bound=BaseModel)


class ZoomInfo:
    """ZoomInfo, or a server that speaks its protocol; a `agents.lead_sources.LeadSource`.

    Args:
        client_id, client_secret: of an app with the scopes in `SCOPE`; a sandbox wants ones that
            begin with ``sandbox-``.
        base_url: where the paths begin; with ``/gtm`` at ZoomInfo itself.
        timeout: for a whole call, however slowly its answer drips.
        http_client: None for one of its own.
        heard: told of the rate limits that come with every answer.
    """

    name = NAME
    reveals = False
    page_size = 100
    most_at_once = 25

    def __init__(  # noqa: PLR0913 - the parts of an account have names
        self,
        client_id: str,
        client_secret: str,
        *,
        base_url: str = BASE_URL,
        token_url: str = TOKEN_URL,
        scope: str = SCOPE,
        timeout: timedelta = timedelta(seconds=30),
        http_client: httpx.AsyncClient | None = None,
        heard: Callable[[Allowance], None] | None = None,
    ) -> None:
        setting = "ZOOMINFO_CLIENT_ID and ZOOMINFO_CLIENT_SECRET"
        self._http = VendorHttp(
            NAME,
            base_url,
            ClientCredentials(NAME, setting, token_url, client_id, client_secret, scope=scope),
            timeout=timeout,
            http_client=http_client,
            heard=heard,
        )
        self._lists: dict[str, Mapping[str, str]] = {}

    def criteria(self, profile: Profile) -> Criteria:
        """Say the profile as filters of a contact search."""
        return criteria_of(profile)

    async def count(self, criteria: Criteria) -> int | None:
        """How many people match; free of charge.

        Raises:
            VendorError: nobody answers, or not to this.
        """
        return (await self._search(criteria, Place(1, 1))).meta.totalResults

    async def search_contacts(
        self, criteria: Criteria, cursor: str | None, *, most: int | None = None
    ) -> SearchPage:
        """Return one page of people without their addresses; free of charge.

        ZoomInfo shows the first 100 pages; near their end more than ``most`` may come.

        Raises:
            VendorError: there is no page.
        """
        at = place(NAME, cursor, most, last=MOST_PAGES)
        hits = await self._search(criteria, at)
        return SearchPage(
            [prospect_of(hit.id, hit.attributes, revealed=False) for hit in hits.data],
            total=hits.meta.totalResults,
            next=str(at.end) if _goes_on(hits, at) else None,
        )

    async def enrich_leads(self, queries: Sequence[PersonQuery]) -> Matches:
        """Ask about people, by id, else address, else name and company; 25 at most.

        Raises:
            ValueError: more are asked about at once.
            VendorError: there is no answer; with ``in_doubt`` it may be billed all the same, and
                the same question asked again is not billed twice.
        """
        if len(queries) > self.most_at_once:
            raise ValueError(f"ZoomInfo is asked about {self.most_at_once} people at most")
        inputs = Inputs(queries)
        refused = [Match(key, MatchStatus.REFUSED) for key in inputs.refused]
        if not inputs.sent:
            return Matches(refused)
        attributes = {
            "matchPersonInput": inputs.sent,
            "outputFields": OUTPUT_FIELDS,
            "requiredFields": ["email"],
        }
        rows = (await self._ask("/contacts/enrich", "ContactEnrich", attributes, wire.Rows)).value
        billed = frozenset(id_ for row in rows.data if is_billed(row) and (id_ := record_id(row)))
        return Matches([*_joined(inputs, rows.data), *refused], billed)

    async def enrich_lead(self, query: PersonQuery) -> Matches:
        """Ask about one person; see `enrich_leads`."""
        return await self.enrich_leads((query,))

    async def import_leads(
        self, profile: Profile, cursor: str | None = None, *, most: int | None = None
    ) -> SearchPage:
        """One page of those whom a profile means; see `search_contacts`."""
        return await self.search_contacts(self.criteria(profile), cursor, most=most)

    async def get_usage_stats(self) -> UsageStats:
        """Credits used and left, and requests that are left by window.

        Raises:
            VendorError: nobody answers, or the credentials are not valid.
        """
        received = await self._http.request(
            "GET", "/data/v1/users/usage", shape=wire.Usages, headers=_ACCEPT, errors=_understood
        )
        limits = received.value.limits
        credits = [each for each in limits if each.limitType.lower().startswith(_CREDITS)]
        limit = next(iter(credits), wire.Limit())
        return UsageStats(limit.usageRemaining, limit.currentUsage, requests_left(received.limits))

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    async def _search(self, criteria: Criteria, at: Place) -> wire.Hits:
        attributes = dict(criteria.values)
        if codes := await self._industry_codes(attributes.pop(INDUSTRY_NAMES, ())):
            attributes["industryCodes"] = ",".join(codes)
        names = str(attributes.pop("department", "")).split(",")
        if codes := await self._codes("departments", names):
            attributes["department"] = ",".join(codes)
        params = {"page[number]": at.number, "page[size]": at.size}
        received = await self._ask(
            "/contacts/search", "ContactSearch", attributes, wire.Hits, params=params
        )
        return received.value

    async def _industry_codes(self, industries: Sequence[Sequence[Sequence[str]]]) -> list[str]:
        """The codes of each industry's closest names that ZoomInfo knows.

        If it knows no name of one of them, there are none: a search for the others alone would
        pass over whom it means.
        """
        found: dict[str, None] = {}
        for industry in industries:
            codes = [await self._codes("industries", names) for names in industry]
            closest = next((known for known in codes if known), None)
            if closest is None:
                return []
            found |= dict.fromkeys(closest)
        return list(found)

    async def _codes(self, field: str, names: Sequence[str]) -> Sequence[str]:
        """The codes of a filter's values; of names that ZoomInfo does not list there are none.

        Where there are none at all the search is made without: answers are checked anyway.
        """
        wanted = [name.lower() for name in names if name]
        if wanted and field not in self._lists:
            self._lists[field] = await self._list(field)
        return [self._lists[field][name] for name in wanted if name in self._lists[field]]

    async def _list(self, field: str) -> Mapping[str, str]:
        """The codes that a filter takes, by their names; looked up once."""
        try:
            received = await self._http.request(
                "GET",
                f"/data/v1/lookup/{field}",
                shape=wire.Codes,
                headers=_ACCEPT,
                errors=_understood,
            )
        except AnswerError:
            return {}
        return {code.attributes.name.lower(): code.id for code in received.value.data}

    async def _ask(
        self,
        path: str,
        kind: str,
        attributes: Mapping[str, Any],
        shape: type[A],
        *,
        params: Mapping[str, int] | None = None,
    ) -> Received[A]:
        return await self._http.request(
            "POST",
            f"/data/v1{path}",
            json={"data": {"type": kind, "attributes": attributes}},
            params=params,
            shape=shape,
            headers=_MEDIA,
            errors=_understood,
        )


_ACCEPT = {"Accept": _MEDIA["Accept"]}


def _joined(inputs: Inputs, rows: Sequence[wire.Row]) -> list[Match]:
    """A match for every query that was asked; one that no row answers was not found."""
    found: dict[Any, Match] = {}
    for row in rows:
        status = status_of(row)
        prospect = _told(row, status)
        for key in inputs.answered_by(row):
            found.setdefault(key, Match(key, status, prospect))
    return [found.get(key) or Match(key, MatchStatus.NOT_FOUND) for key in inputs.asked]


def _told(row: wire.Row, status: MatchStatus) -> Prospect | None:
    if status is MatchStatus.OPTED_OUT:
        return opted_out(row)
    if status is MatchStatus.FOUND and row.attributes is not None:
        return prospect_of(record_id(row) or "", row.attributes, revealed=True)
    return None


def _understood(refusal: Refusal) -> VendorError | None:
    """A spent account is a 400 with a code of its own."""
    if refusal.status < HTTPStatus.BAD_REQUEST:
        return None
    if CREDIT_LIMIT in refusal.codes:
        return refusal.out_of_credit()
    return refusal.throttled() if THROTTLED in refusal.codes else None


def _goes_on(hits: wire.Hits, at: Place) -> bool:
    if not hits.data or at.end >= MOST_SEEN:
        return False
    if hits.meta.totalResults is not None:
        return at.end < hits.meta.totalResults
    pages = hits.meta.page.total
    return pages is not None and at.number < pages
