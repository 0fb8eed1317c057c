"""One way to call a vendor that speaks JSON over HTTP.

One request, one answer, no retries: pace, patience and second attempts belong to the caller. Every
answer is untrusted: cut at a size and at a deadline, never redirected, and read by a pydantic
model. What went wrong is told as a `VendorError` in our own words, never in the vendor's.

Sources: `agents.vendors.refusals` for what a status means.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Generic, TypeVar

import httpx
import orjson
from pydantic import BaseModel, ConfigDict

from agents.errors import VendorError
from agents.vendors import answers, rate_limits, refusals
from agents.vendors.credentials import Auth
from agents.vendors.exchange import LARGEST, Exchange, Raw
from agents.vendors.refusals import Refusal
from policies.pacing import Allowance, Window

_BUSY = frozenset({HTTPStatus.TOO_MANY_REQUESTS, *range(500, 600)})
A = TypeVar("A", bound=BaseModel)
B = TypeVar("B", bound=BaseModel, covariant=True)


class Nothing(BaseModel):
    """An answer whose body nobody reads, if there is one."""

    model_config = ConfigDict(extra="ignore")


@dataclass(frozen=True, slots=True)
class Received(Generic[B]):
    """A good answer.

    Attributes:
        value: read and validated.
        headers: by any spelling of their names.
        limits: what the vendor announced of its rate limits; no window if nothing.
    """

    value: B
    status: int
    headers: Mapping[str, str]
    limits: Allowance


class VendorHttp:
    """The HTTP interface of one vendor.

    Args:
        name: of the vendor, such as ``"uplead"``.
        base_url: where its paths begin.
        auth: its credentials (`agents.vendors.credentials`, `agents.vendors.oauth`).
        timeout: for a whole request, however slowly its answer drips; a token that has to be
            fetched first included.
        largest: of a body, in bytes.
        http_client: None for one of its own.
        heard: told of the limits that come with every answer, the pause that is asked for
            included; `Governor.heard` follows them.
        read_limits: finds them in the headers.
    """

    def __init__(  # noqa: PLR0913 - the parts of a connection have names
        self,
        name: str,
        base_url: str,
        auth: Auth,
        *,
        timeout: timedelta = timedelta(seconds=30),
        largest: int = LARGEST,
        http_client: httpx.AsyncClient | None = None,
        heard: Callable[[Allowance], None] | None = None,
        read_limits: Callable[[Mapping[str, str]], Allowance] = rate_limits.read,
    ) -> None:
        self.name = name
        self._base_url = base_url.rstrip("/")
        self._auth = auth
        self._timeout = timeout.total_seconds()
        self._exchange = Exchange(name, base_url, timeout, largest=largest, client=http_client)
        self._heard = heard
        self._read_limits = read_limits

    async def request(  # noqa: PLR0913 - the parts of a request have names
        self,
        method: str,
        path: str,
        *,
        shape: type[A],
        params: Mapping[str, Any] | None = None,
        raw_query: str | None = None,
        json: object = None,
        form: Mapping[str, str] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        errors: Callable[[Refusal], VendorError | None] | None = None,
    ) -> Received[A]:
        """Ask once, and once more with fresh credentials if the vendor knows ours no longer.

        Args:
            path: below the base URL, such as ``/person-search``.
            shape: of a good answer; a body that is empty is read as ``{}``.
            params: of the query; a list repeats its name.
            raw_query: the query as it is, encoded by the caller, in place of ``params``.
            json: the body; or ``form``, or ``content``: one of the three at most.
            headers: beside those of the credentials; they win over the usual content type.
            errors: sees every answer, a good status included, before it is taken as one: returns
                what it means, or None to leave it to the status.

        Raises:
            VendorError: there is no good answer; ``in_doubt`` if it may have been acted on.
        """
        body, kind = _body(json, form, content)
        told = httpx.Headers({"Accept": "application/json"} | kind)
        told.update(headers)
        request = _Request(method, self._url(path, params, raw_query), told, body)
        async with self._deadline() as progress:
            raw = await self._authorised(request, progress)
        refusal = Refusal(self.name, raw.status, raw.headers, raw.body, self._auth.setting)
        limits = self._limits(refusal)
        error = errors(refusal) if errors is not None else None
        error = error or refusals.understood(refusal)
        if error is not None:
            raise error
        return Received(answers.read(self.name, shape, raw), raw.status, raw.headers, limits)

    async def close(self) -> None:
        """Close the connections, unless the client was given."""
        await self._exchange.close()

    async def _authorised(self, request: "_Request", progress: "_Progress") -> Raw:
        credentials = await self._auth.headers(self._exchange)
        raw = await self._send(request, credentials, progress)
        if raw.status != HTTPStatus.UNAUTHORIZED:
            return raw
        renewed = await self._auth.renewed(self._exchange, credentials)
        return raw if renewed is None else await self._send(request, renewed, progress)

    async def _send(
        self, request: "_Request", credentials: Mapping[str, str], progress: "_Progress"
    ) -> Raw:
        progress.sent = True
        headers = dict(request.headers) | dict(credentials)
        raw = await self._exchange.send(request.method, request.url, headers, request.body)
        progress.sent = False
        return raw

    def _limits(self, refusal: Refusal) -> Allowance:
        """What is announced; one who asks us to wait has a window that is used up, for everybody.

        ``Retry-After`` with a good status only says when a job is worth looking at again.
        """
        limits = self._read_limits(refusal.headers)
        if refusal.wait is not None and refusal.status in _BUSY:
            waiting = Window(remaining=0, resets_in=refusal.wait)
            limits = Allowance((*limits.windows, waiting))
        if self._heard is not None:
            self._heard(limits)
        return limits

    @asynccontextmanager
    async def _deadline(self) -> AsyncGenerator["_Progress", None]:
        progress = _Progress()
        try:
            async with asyncio.timeout(self._timeout):
                yield progress
        except TimeoutError:
            raise refusals.overdue(self.name, self._timeout, in_doubt=progress.sent) from None

    def _url(self, path: str, params: Mapping[str, Any] | None, raw_query: str | None) -> str:
        query = raw_query if raw_query is not None else str(httpx.QueryParams(params))
        url = f"{self._base_url}/{path.lstrip('/')}"
        return f"{url}?{query}" if query else url


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    url: str
    headers: httpx.Headers
    body: bytes | None


@dataclass(slots=True)
class _Progress:
    sent: bool = False


def _body(
    json: object, form: Mapping[str, str] | None, content: bytes | None
) -> tuple[bytes | None, dict[str, str]]:
    if json is not None:
        return orjson.dumps(json), {"Content-Type": "application/json"}
    if form is not None:
        encoded = str(httpx.QueryParams(dict(form))).encode()
        return encoded, {"Content-Type": "application/x-www-form-urlencoded"}
    return content, {}
