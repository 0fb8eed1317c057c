"""The HTTP session under simple-salesforce, which sets no limits of its own.

Every call has a deadline and a largest answer, follows no redirect, keeps no cookie, reads no
``.netrc`` (that would replace our token) and goes to Salesforce only, or to the server that plays
it.
"""

import re
from http.cookiejar import DefaultCookiePolicy
from io import BytesIO
from ipaddress import ip_address
from time import monotonic
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

CONNECT_SECONDS = 5.0
LARGEST_ANSWER = 64 * 2**20
_PIECE = 64 * 1024
_SALESFORCE = re.compile(
    r"(?:[a-z0-9-]+\.)+(?:salesforce\.com|force\.com|salesforce\.mil|sfcrmproducts\.cn)"
)
CLIENT = "LeadEngine"
"""By this name Salesforce tells our changes from those of people (`Sforce-Call-Options`)."""


class Overdue(requests.Timeout):
    """The answer did not end in time."""


class TooLarge(requests.RequestException):
    """The answer is larger than we take."""


class WrongHost(requests.RequestException):
    """The address is not one of Salesforce's: our token must not go there."""


def session(base_url: str | None, *, seconds: float) -> requests.Session:
    """Make a session.

    Args:
        base_url: of a server that plays Salesforce; None for Salesforce itself.
        seconds: for a whole call.

    Raises:
        ValueError: if ``base_url`` is neither https nor on this machine.
    """
    elsewhere = None if base_url is None else checked_base(base_url)
    made = _Session()
    made.trust_env = elsewhere is None or not is_local(elsewhere)
    made.auth = _as_it_is
    made.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    made.headers["User-Agent"] = CLIENT
    made.headers["Sforce-Call-Options"] = f"client={CLIENT}"
    adapter = _Adapter(elsewhere, seconds)
    made.mount("https://", adapter)
    made.mount("http://", adapter)
    return made


def checked_base(base_url: str) -> str:
    """Return the address of a server that plays Salesforce, without a slash at its end.

    Raises:
        ValueError: if it is neither https nor on this machine.
    """
    parts = urlsplit(base_url)
    allowed = parts.scheme == "https" or (parts.scheme == "http" and is_local(base_url))
    if not allowed or not parts.hostname or parts.query or parts.username or parts.password:
        raise ValueError(
            "SALESFORCE_BASE_URL must be https://…, or http:// on this machine; "
            "leave it out for Salesforce itself"
        )
    return base_url.rstrip("/")


def is_local(url: str) -> bool:
    """Whether an address means this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


class _Session(requests.Session):
    """Follows no redirect: a token would go along."""

    def request(  # pyright: ignore[reportIncompatibleMethodOverride] - all of it is passed on
        self,
        method: str,
        url: str,
        **more: Any,  # noqa: ANN401 - whatever requests takes
    ) -> requests.Response:
        more["allow_redirects"] = False
        return super().request(method, url, **more)


class _Adapter(HTTPAdapter):
    def __init__(self, elsewhere: str | None, seconds: float) -> None:
        super().__init__(pool_connections=4, pool_maxsize=16, max_retries=0)
        self._elsewhere = elsewhere
        self._seconds = seconds

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: FBT001, FBT002 - as requests has it
        timeout: Any = None,  # noqa: ANN401 - as requests has it
        verify: bool | str = True,  # noqa: FBT001, FBT002 - as requests has it
        cert: Any = None,  # noqa: ANN401 - as requests has it
        proxies: Any = None,  # noqa: ANN401 - as requests has it
    ) -> requests.Response:
        ends = monotonic() + self._seconds
        request.url = self._where(request.url or "")
        limits = (min(CONNECT_SECONDS, self._seconds), self._seconds)
        local = proxies if self._elsewhere is None or not is_local(self._elsewhere) else None
        response = super().send(
            request, stream=True, timeout=limits, verify=verify, cert=cert, proxies=local
        )
        try:
            response.raw = BytesIO(_read(response, ends))
        except HTTPError as error:
            raise requests.exceptions.ChunkedEncodingError(type(error).__name__) from None
        return response

    def _where(self, url: str) -> str:
        parts = urlsplit(url)
        if self._elsewhere is not None:
            to = urlsplit(self._elsewhere)
            return urlunsplit((to.scheme, to.netloc, to.path + parts.path, parts.query, ""))
        if parts.scheme != "https" or not _SALESFORCE.fullmatch((parts.hostname or "").lower()):
            raise WrongHost("not an address of Salesforce")
        return url


def _read(response: requests.Response, ends: float) -> bytes:
    """The whole body, read as it comes, so that a trickle meets its deadline."""
    raw, parts, size = response.raw, list[bytes](), 0
    try:
        while piece := raw.read1(_PIECE, decode_content=True):
            size += len(piece)
            _bounded(size, ends)
            parts.append(piece)
    except BaseException:
        raw.close()
        raise
    return b"".join(parts)


def _bounded(size: int, ends: float) -> None:
    if size > LARGEST_ANSWER:
        raise TooLarge(f"more than {LARGEST_ANSWER} bytes")
    if monotonic() > ends:
        raise Overdue("no whole answer in time")


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Authentication that leaves our headers alone; without any, ``.netrc`` would replace them."""
    return request
