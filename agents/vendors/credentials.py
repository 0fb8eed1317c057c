"""How we say to a vendor who we are."""

from collections.abc import Mapping
from typing import Protocol

from agents.errors import VendorError
from agents.vendors.exchange import Exchange


class Auth(Protocol):
    """Credentials of one vendor.

    Attributes:
        setting: where they come from, for whoever has to check them, such as
            ``"UPLEAD_API_KEY"``.
    """

    @property
    def setting(self) -> str:
        """See the class."""
        ...

    async def headers(self, exchange: Exchange) -> Mapping[str, str]:
        """The headers of a request; what has to be fetched for them goes by ``exchange``."""
        ...

    async def renewed(
        self, exchange: Exchange, refused: Mapping[str, str]
    ) -> Mapping[str, str] | None:
        """Others in place of headers that the vendor refused; None if there are no others."""
        ...


class HeaderKey:
    """A secret that stands in a header as it is.

    Args:
        setting: where it comes from.
        secret: the key.
        header: its name.
        scheme: stands before it, such as ``"Bearer"``; none for a bare key (UpLead).
    """

    def __init__(
        self,
        vendor: str,
        setting: str,
        secret: str,
        *,
        header: str = "Authorization",
        scheme: str | None = None,
    ) -> None:
        self.setting = setting
        self._vendor = vendor
        self._secret = secret.strip()
        self._header = header
        self._scheme = scheme

    async def headers(self, exchange: Exchange) -> Mapping[str, str]:
        """The key in its header.

        Raises:
            VendorError: the key is none.
        """
        del exchange
        if not self._secret or not self._secret.isascii() or not self._secret.isprintable():
            problem = f"the key is empty or has odd characters: check {self.setting}"
            raise VendorError(self._vendor, problem, retry_after=None)
        value = f"{self._scheme} {self._secret}" if self._scheme else self._secret
        return {self._header: value}

    async def renewed(self, exchange: Exchange, refused: Mapping[str, str]) -> None:
        """There is no other key."""
        del exchange, refused


class Bearer(HeaderKey):
    """A token that was given once and for all (LinkedIn)."""

    def __init__(self, vendor: str, setting: str, token: str) -> None:
        super().__init__(vendor, setting, token, scheme="Bearer")
