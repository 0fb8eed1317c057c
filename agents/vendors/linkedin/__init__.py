"""LinkedIn: what people submit to the forms of our own ad accounts and organisations.

Lead Sync alone. LinkedIn sells no search for people, and nothing here reads its pages. No retries
and no waiting here: pace and patience belong to the caller.

API: learn.microsoft.com, LinkedIn Marketing, Lead Sync (readings of 2026-08-13;
reference/linkedin.md of 2026-11-22).
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel

from agents.errors import VendorError
from agents.vendors import fields
from agents.vendors.credentials import Bearer
from agents.vendors.http import Nothing, Received, VendorHttp
from agents.vendors.linkedin import wire
from agents.vendors.linkedin.query import NAME, encoded, owner, query, time_range
from agents.vendors.linkedin.records import form_of, response_of
from agents.vendors.refusals import Refusal
from policies.linkedin_forms import Form, FormLead, FormPage, Response, lead_of, lead_types_of
from policies.pacing import Allowance
from policies.prospect import UsageStats

BASE_URL = "https://api.linkedin.com/rest"
PAGE = 100
MOST_FORM_PAGES = 50
BUSY = timedelta(minutes=1)
"""LinkedIn's limits are by the day, and it never says how long to wait."""
A = TypeVar("A", bound=BaseModel)


class LinkedIn:
    """LinkedIn, or a server that speaks its protocol.

    Args:
        access_token: of a member who may read the forms; a sandbox wants one that begins with
            ``sandbox-``.
        owners: URNs of ad accounts and organisations whose forms are read.
        version: month of the API, such as ``202610``; each lives about a year.
        base_url: where the paths begin.
        timeout: for a whole call, however slowly its answer drips.
        http_client: None for one of its own.
        heard: told of rate limits, of which LinkedIn announces none.
    """

    name = NAME

    def __init__(
        self,
        access_token: str,
        owners: Sequence[str],
        version: str,
        *,
        base_url: str = BASE_URL,
        timeout: timedelta = timedelta(seconds=30),
        http_client: httpx.AsyncClient | None = None,
        heard: Callable[[Allowance], None] | None = None,
    ) -> None:
        self.owners = tuple(owners)
        self._version = version
        self._http = VendorHttp(
            NAME,
            base_url,
            Bearer(NAME, "LINKEDIN_ACCESS_TOKEN", access_token),
            timeout=timeout,
            http_client=http_client,
            heard=heard,
        )
        self._forms: dict[str, Form] = {}

    async def import_leads(
        self, owner_urn: str, since: datetime, until: datetime, cursor: str | None = None
    ) -> FormPage:
        """Return one page of what was submitted to an owner's forms in a stretch of time.

        Kinds of responses follow one another. Tests are left out. The same response may come
        again, in this stretch or the next: it is known by its id.

        Args:
            cursor: `FormPage.next` of the page before.

        Raises:
            VendorError: there is no page.
        """
        kinds = lead_types_of(owner_urn)
        kind, start = _place(kinds, cursor)
        told = await self._get(
            "/leadFormResponses",
            [
                ("q", "owner"),
                ("owner", owner(owner_urn)),
                ("leadType", f"(leadType:{kind})"),
                ("limitedToTestLeads", "false"),
                ("submittedAtTimeRange", time_range(since, until)),
                ("count", str(PAGE)),
                ("start", str(start)),
            ],
            wire.Elements,
        )
        page = told.value
        rows = [response_of(row) for row in fields.readable(wire.Response, page.elements)]
        responses = [row for row in rows if row is not None]
        return FormPage(
            leads=await self._leads(responses, owner_urn),
            next=_next(kinds, kind, start, page),
            tests=sum(response.test for response in responses),
            unreadable=len(page.elements) - len(responses),
        )

    async def lead(self, response_id: str) -> FormLead | None:
        """Return one response; None if it was deleted, or is a test.

        Raises:
            VendorError: it cannot be had, or not be read.
        """
        path = f"/leadFormResponses/{encoded(response_id)}"
        try:
            told = (await self._get(path, [], wire.Response)).value
        except _Gone:
            return None
        response = response_of(told)
        if response is None:
            raise VendorError(NAME, "a response has no time", retry_after=None)
        leads = await self._leads([response], response.owner)
        return leads[0] if leads else None

    async def forms(self, owner_urn: str) -> list[Form]:
        """All forms of an owner, each in the versions that LinkedIn still lists.

        Raises:
            VendorError: they cannot be had.
        """
        found: list[Form] = []
        for page in range(MOST_FORM_PAGES):
            parts = [("q", "owner"), ("owner", owner(owner_urn))]
            parts += [("count", str(PAGE)), ("start", str(page * PAGE))]
            told = (await self._get("/leadForms", parts, wire.Elements)).value
            found += [form_of(form) for form in fields.readable(wire.Form, told.elements)]
            if not _goes_on(told, page * PAGE):
                break
        self._forms |= {form.urn: form for form in found}
        return found

    async def subscribe(self, owner_urn: str, lead_type: str, url: str) -> str:
        """Have LinkedIn notify ``url`` of responses, and return the id of the subscription.

        The address has to answer the challenge first (`policies.linkedin_webhook`).

        Raises:
            VendorError: LinkedIn does not take it.
        """
        kind = ":".join(owner_urn.split(":")[2:3])
        owner(owner_urn)
        received = await self._http.request(
            "POST",
            "/leadNotifications",
            json={"webhook": url, "owner": {kind: owner_urn}, "leadType": lead_type},
            shape=Nothing,
            headers=self._headers,
            errors=self._understood,
        )
        return received.headers.get("x-restli-id", "")

    async def get_usage_stats(self) -> UsageStats:
        """LinkedIn bills nothing and tells nothing; one call shows that the token is taken.

        Raises:
            VendorError: nobody answers, or the credentials are not valid.
        """
        for owner_urn in self.owners[:1]:
            await self.forms(owner_urn)
        return UsageStats()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    async def _leads(self, responses: Iterable[Response], owner_urn: str | None) -> list[FormLead]:
        """Those that are no tests, joined to the versions that they answer."""
        real = [response for response in responses if not response.test]
        wanted = {response.form_urn for response in real if response.form_urn is not None}
        if not wanted <= self._forms.keys():
            for each in self.owners if owner_urn is None else (owner_urn,):
                await self.forms(each)
        return [lead_of(response, self._forms.get(response.form_urn or "")) for response in real]

    async def _get(
        self, path: str, parts: Sequence[tuple[str, str]], shape: type[A]
    ) -> Received[A]:
        return await self._http.request(
            "GET",
            path,
            raw_query=query(parts),
            shape=shape,
            headers=self._headers,
            errors=self._understood,
        )

    @property
    def _headers(self) -> dict[str, str]:
        return {"LinkedIn-Version": self._version, "X-Restli-Protocol-Version": "2.0.0"}

    def _understood(self, refusal: Refusal) -> VendorError | None:
        if refusal.status == HTTPStatus.UPGRADE_REQUIRED:
            return refusal.final(
                f"version {self._version} of the API has ended: set LINKEDIN_VERSION to a later "
                "month"
            )
        if refusal.status == HTTPStatus.TOO_MANY_REQUESTS:
            return refusal.throttled(BUSY)
        if refusal.status == HTTPStatus.NOT_FOUND:
            return _Gone(NAME, refusal.label, retry_after=None)
        return None


class _Gone(VendorError):
    """There is no such thing, or not any more."""


def _place(kinds: Sequence[str], cursor: str | None) -> tuple[str, int]:
    kind, _, start = (cursor or f"{kinds[0]}:0").partition(":")
    if kind not in kinds or not (start.isascii() and start.isdecimal()):
        raise VendorError(NAME, "the cursor is none of this source's", retry_after=None)
    return kind, int(start)


def _next(kinds: Sequence[str], kind: str, start: int, page: wire.Elements) -> str | None:
    if _goes_on(page, start):
        return f"{kind}:{start + PAGE}"
    later = kinds[kinds.index(kind) + 1 :]
    return f"{later[0]}:0" if later else None


def _goes_on(page: wire.Elements, start: int) -> bool:
    if not page.elements:
        return False
    total: Any = page.paging.total
    return start + PAGE < total if total is not None else len(page.elements) >= PAGE
