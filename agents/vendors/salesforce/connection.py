"""The login that all calls share, and the threads in which the blocking client runs."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import requests
from simple_salesforce.api import Salesforce as Client

from agents.vendors.salesforce import failures, transport, wire
from agents.vendors.salesforce.credentials import Credentials
from agents.vendors.salesforce.failures import Expired
from agents.vendors.salesforce.login import log_in
from policies.crm_records import ApiUsage

T = TypeVar("T")

_GRACE = 5.0
"""Seconds that a thread may take beyond its own deadline before we go on without it."""


class Refused(Exception):
    """An answer that is an error, kept whole: the library's exceptions lose its headers."""

    def __init__(self, response: requests.Response) -> None:
        super().__init__(f"status {response.status_code}")
        self.response = response


@dataclass(frozen=True, slots=True)
class _Session:
    """One login with the client that uses it; it never changes."""

    client: Client
    host: str


class Connection:
    """Runs calls of the client, with a token that is renewed once where it ran out.

    Args:
        base_url: of a server that plays Salesforce; None for Salesforce itself.
        seconds: for a whole call.
        calls: under way at the same time.

    Attributes:
        usage: what the last answer told of our allowance, a refusal too; None before any.
    """

    def __init__(
        self, credentials: Credentials, *, base_url: str | None, seconds: float, calls: int
    ) -> None:
        self.usage: ApiUsage | None = None
        self._credentials = credentials
        self._base_url = base_url
        self._seconds = seconds
        self._http = transport.session(base_url, seconds=seconds)
        self._http.hooks["response"].append(self._heed)
        self._threads = ThreadPoolExecutor(calls, thread_name_prefix="salesforce")
        self._places = asyncio.Semaphore(calls)
        self._logging_in = asyncio.Lock()
        self._session: _Session | None = None

    async def call(self, operation: Callable[[Client], T]) -> T:
        """Run one call in a thread.

        Raises:
            VendorError: it failed.
        """
        session = await self._current()
        try:
            return await self._in_thread(lambda: operation(session.client))
        except Expired:
            pass
        session = await self._current(instead_of=session)
        try:
            return await self._in_thread(lambda: operation(session.client))
        except Expired:
            raise failures.refused_again() from None

    async def host(self) -> str:
        """Return the host that the login named.

        Raises:
            VendorError: we cannot log in.
        """
        return (await self._current()).host

    def close(self) -> None:
        """Close the connections; calls under way end by their deadline."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._http.close()

    async def _current(self, *, instead_of: _Session | None = None) -> _Session:
        """The login that everybody shares; a new one if it still is ``instead_of``."""
        async with self._logging_in:
            if self._session is None or self._session is instead_of:
                self._session = None
                self._session = await self._in_thread(self._log_in)
            return self._session

    def _log_in(self) -> _Session:
        with transport.session(self._base_url, seconds=self._seconds) as http:
            login = log_in(self._credentials, http)
        client = Client(
            session_id=login.token,
            instance=login.host,
            session=self._http,
            version=self._credentials.version,
            domain=self._credentials.domain,
        )
        return _Session(client, login.host)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        loop = asyncio.get_running_loop()
        async with self._places:
            try:
                async with asyncio.timeout(self._seconds + _GRACE):
                    return await loop.run_in_executor(self._threads, _understood, work)
            except TimeoutError:
                raise failures.overdue() from None

    def _heed(self, response: requests.Response, *_: Any, **__: Any) -> None:  # noqa: ANN401 - a hook
        """Note what an answer says of our allowance, and let no refusal reach the library."""
        self.usage = wire.usage(response.headers) or self.usage
        if response.status_code >= _FIRST_REFUSAL:
            raise Refused(response)


_FIRST_REFUSAL = 300


def rest(client: Client, method: str, path: str, **more: Any) -> object:  # noqa: ANN401 - of requests
    """Call a path below ``/services/data/vXX.X/``; the JSON values, None if there are none.

    Raises:
        VendorError: the answer is no JSON object or array.
    """
    try:
        return client.restful(path, method=method, **more)
    except TypeError:
        raise failures.not_salesforce("a good status, but a bare value") from None


def _understood(work: Callable[[], T]) -> T:
    """Run ``work``; whatever the libraries raise becomes an error of ours."""
    try:
        return work()
    except Refused as refusal:
        raise failures.refused(refusal.response) from None
    except requests.RequestException as error:
        raise failures.unreachable(error) from None
