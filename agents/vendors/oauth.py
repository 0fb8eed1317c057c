"""OAuth 2 client credentials: a token fetched once, shared by all calls, renewed once a call.

A token that the vendor refuses is renewed by the first caller that hears of it; the others use
the new one. A call whose new token is refused too has failed: nothing here asks a third time.

Sources: RFC 6749, sections 4.4 (client credentials), 5.1, 5.2 (error) and 2.3.1 (HTTP Basic).
"""

import asyncio
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote_plus

import httpx
from pydantic import BaseModel, Field

from agents.errors import AnswerError, VendorError
from agents.vendors import answers, refusals
from agents.vendors.exchange import Exchange
from agents.vendors.refusals import Refusal

EARLY = 60.0
"""Seconds before its end at which a token is renewed; of a short one a tenth of its life."""
USUAL_LIFE = 3600.0


class TokenAnswer(BaseModel):
    """What a token endpoint answers, as far as we read it."""

    access_token: str = Field(min_length=1, pattern=r"^[\x21-\x7e]+$")
    expires_in: float | None = Field(None, gt=0)


@dataclass(frozen=True, slots=True)
class _Token:
    headers: Mapping[str, str]
    renew_at: float
    ends_at: float


class ClientCredentials:
    """Tokens for one client of one vendor.

    Args:
        setting: where id and secret come from.
        token_url: of the token endpoint.
        scope: none asks for none.
        monotonic: seconds that only grow.
    """

    def __init__(
        self,
        vendor: str,
        setting: str,
        token_url: str,
        client_id: str,
        client_secret: str,
        *,
        scope: str | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.setting = setting
        self._vendor = vendor
        self._url = token_url
        self._basic = _basic(client_id, client_secret)
        self._form = {"grant_type": "client_credentials"} | ({"scope": scope} if scope else {})
        self._monotonic = monotonic
        self._one_at_a_time = asyncio.Lock()
        self._token: _Token | None = None
        self._attempts = 0
        self._failure: VendorError | None = None

    async def headers(self, exchange: Exchange) -> Mapping[str, str]:
        """The token in its header, fetched or renewed first if it is time.

        Raises:
            VendorError: there is no token; nothing was done.
        """
        token = self._token
        if token is not None and self._monotonic() < token.renew_at:
            return token.headers
        try:
            return (await self._fetch(exchange, token)).headers
        except VendorError:
            if token is None or self._monotonic() >= token.ends_at:
                raise
            return token.headers

    async def renewed(
        self, exchange: Exchange, refused: Mapping[str, str]
    ) -> Mapping[str, str] | None:
        """A token in place of the one that was refused, of which others may have heard first."""
        token = self._token
        if token is not None and token.headers != refused:
            return token.headers
        return (await self._fetch(exchange, token)).headers

    async def _fetch(self, exchange: Exchange, stale: _Token | None) -> _Token:
        """Fetch a token, unless somebody else did, or failed to, while this waited."""
        seen = self._attempts
        async with self._one_at_a_time:
            if self._token is not None and self._token is not stale:
                return self._token
            if self._failure is not None and self._attempts > seen:
                raise self._failure
            self._failure = None
            try:
                self._token = await self._ask(exchange)
            except VendorError as error:
                self._failure = error
                raise
            finally:
                self._attempts += 1
            return self._token

    async def _ask(self, exchange: Exchange) -> _Token:
        headers = {
            "Accept": "application/json",
            "Authorization": self._basic,
            "Content-Type": "application/x-www-form-urlencoded",
        }
        asked_at = self._monotonic()
        try:
            body = str(httpx.QueryParams(self._form)).encode()
            raw = await exchange.send("POST", self._url, headers, body)
            self._check(Refusal(self._vendor, raw.status, raw.headers, raw.body, self.setting))
            answer = answers.read(self._vendor, TokenAnswer, raw)
        except VendorError as error:
            raise _without_doubt(self._vendor, error) from None
        life = answer.expires_in or USUAL_LIFE
        early = min(EARLY, life / 10)
        value = {"Authorization": f"Bearer {answer.access_token}"}
        return _Token(value, asked_at + life - early, asked_at + life)

    def _check(self, refusal: Refusal) -> None:
        error = refusals.understood(refusal)
        if error is None:
            return
        if refusal.status in (HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED):
            raise refusal.final(f"no token is given for these credentials: check {self.setting}")
        raise error


def _without_doubt(vendor: str, error: VendorError) -> VendorError:
    """The same said of the token endpoint, where nothing can be bought."""
    problem = str(error).removeprefix(f"{vendor}: ")
    retry_after = None if isinstance(error, AnswerError) else error.retry_after
    return VendorError(
        vendor, f"token: {problem}", retry_after=retry_after, throttled=error.throttled
    )


def _basic(client_id: str, client_secret: str) -> str:
    pair = f"{quote_plus(client_id.strip())}:{quote_plus(client_secret.strip())}"
    return f"Basic {b64encode(pair.encode()).decode()}"
