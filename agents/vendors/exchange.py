"""One HTTP request and its whole answer, within a size, in terms that an agent understands."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import httpx

from agents.errors import VendorError

LARGEST = 4 * 1024 * 1024
AWAY = timedelta(seconds=10)
CONNECT_SECONDS = 5.0
_THIS_MACHINE = frozenset({"127.0.0.1", "::1", "localhost"})
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
_PORTS = 65535


@dataclass(frozen=True, slots=True)
class Raw:
    """An answer as it came.

    Attributes:
        headers: by any spelling of their names.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


class Exchange:
    """Sends requests of one vendor.

    No redirect is followed: it would carry our credentials elsewhere. For a server on this
    machine no proxy of the environment is asked.

    Args:
        timeout: the longest wait for the network; the deadline of the whole is the caller's.
        largest: of a body, in bytes, after it is unpacked.
        client: None for one of its own.
    """

    def __init__(
        self,
        vendor: str,
        base_url: str,
        timeout: timedelta,
        *,
        largest: int = LARGEST,
        client: httpx.AsyncClient | None = None,
    ) -> None:
        self.vendor = vendor
        self._largest = largest
        self._patience = httpx.Timeout(timeout.total_seconds(), connect=CONNECT_SECONDS)
        self._own = client is None
        self._client = client or httpx.AsyncClient(trust_env=not _is_here(base_url))

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> Raw:
        """Send one request and receive its whole answer.

        Raises:
            VendorError: there is no whole answer.
        """
        target = self._target(url)
        try:
            async with self._client.stream(
                method,
                target,
                headers=dict(headers),
                content=body,
                timeout=self._patience,
                follow_redirects=False,
            ) as response:
                return Raw(response.status_code, response.headers, await self._read(response))
        except httpx.LocalProtocolError:
            problem = "the request cannot be sent: check that its key has no odd characters"
            raise VendorError(self.vendor, problem, retry_after=None) from None
        except (httpx.HTTPError, httpx.StreamError) as error:
            problem = f"no whole answer ({type(error).__name__})"
            in_doubt = not isinstance(error, _NEVER_SENT)
            raise VendorError(self.vendor, problem, retry_after=AWAY, in_doubt=in_doubt) from None

    async def close(self) -> None:
        """Close the connections of a client of its own."""
        if self._own:
            await self._client.aclose()

    def _target(self, url: str) -> httpx.URL:
        try:
            target = httpx.URL(url)
        except httpx.InvalidURL:
            target = httpx.URL()
        if target.scheme in {"http", "https"} and target.host and (target.port or 0) <= _PORTS:
            return target
        problem = "its address is none: check the base URL"
        raise VendorError(self.vendor, problem, retry_after=None)

    async def _read(self, response: httpx.Response) -> bytes:
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > self._largest:
                problem = f"status {response.status_code}, longer than {self._largest:,} bytes"
                raise VendorError(self.vendor, problem, retry_after=None, in_doubt=True)
        return bytes(body)


def _is_here(url: str) -> bool:
    try:
        return httpx.URL(url).host in _THIS_MACHINE
    except httpx.InvalidURL:
        return False
