"""Which way to log in the settings make up.

Client credentials and the JWT bearer flow are for new work. A user name and password log in by
SOAP up to API v64 (which ends in Summer '27), or by OAuth where a consumer key and secret stand
beside them.

Sources: Salesforce Help, "OAuth Authorization Flows"; API end-of-life notes; read 2026-11-22.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

LAST_SOAP_LOGIN = 64.0
_SHARED = frozenset({"login", "test"})
_DOMAIN = re.compile(r"[a-z0-9][a-z0-9-]*(\.[a-z0-9-]+)*")
_VERSION = re.compile(r"[1-9]\d{1,2}\.0")


class Mode(StrEnum):
    """A way to log in."""

    CLIENT_CREDENTIALS = "client_credentials"
    JWT_BEARER = "jwt_bearer"
    OAUTH_PASSWORD = "oauth_password"  # noqa: S105 - the name of a way
    SOAP_PASSWORD = "soap_password"  # noqa: S105 - the name of a way


class CredentialsError(ValueError):
    """The settings do not make up a way to log in; the text names those to change."""


@dataclass(frozen=True)
class Credentials:
    """Who we are; secrets are left out of its text.

    Attributes:
        domain: ``login``, ``test`` or My Domain (``acme.my``).
    """

    mode: Mode
    domain: str
    version: str
    consumer_key: str = field(default="", repr=False)
    consumer_secret: str = field(default="", repr=False)
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    security_token: str = field(default="", repr=False)
    private_key: str = field(default="", repr=False)

    @property
    def settings(self) -> str:
        """The settings to check when they are refused."""
        return _SETTINGS[self.mode]


def credentials(  # noqa: PLR0913 - each is one setting
    *,
    domain: str | None = None,
    consumer_key: str | None = None,
    consumer_secret: str | None = None,
    username: str | None = None,
    password: str | None = None,
    security_token: str | None = None,
    private_key_file: Path | None = None,
    version: str,
) -> Credentials:
    """Choose the way to log in from the settings.

    Raises:
        CredentialsError: naming the setting that is missing or cannot be used.
    """
    where = _domain(domain)
    if not _VERSION.fullmatch(version):
        raise CredentialsError("SALESFORCE_API_VERSION must look like 62.0")
    common: dict[str, Any] = {
        "version": version,
        "consumer_key": consumer_key or "",
        "consumer_secret": consumer_secret or "",
        "username": username or "",
        "password": password or "",
        "security_token": security_token or "",
    }
    if private_key_file is not None:
        _needed(common, "consumer_key", "username", why="for the JWT bearer flow")
        key = _private_key(private_key_file)
        return Credentials(Mode.JWT_BEARER, where or "login", private_key=key, **common)
    if password:
        _needed(common, "username", why="beside SALESFORCE_PASSWORD")
        if consumer_key and consumer_secret:
            return Credentials(Mode.OAUTH_PASSWORD, where or "login", **common)
        if float(version) > LAST_SOAP_LOGIN:
            raise CredentialsError(
                f"API {version} has no login by user name and password alone: set "
                "SALESFORCE_CONSUMER_KEY and SALESFORCE_CONSUMER_SECRET, or "
                f"SALESFORCE_API_VERSION={LAST_SOAP_LOGIN} (which ends in Summer '27)"
            )
        return Credentials(Mode.SOAP_PASSWORD, where or "login", **common)
    _needed(common, "consumer_key", "consumer_secret", why="for the client credentials flow")
    if where is None or where in _SHARED:
        raise CredentialsError(
            "SALESFORCE_DOMAIN must be your My Domain, such as acme.my, for the client "
            "credentials flow; login and test do not offer it"
        )
    return Credentials(Mode.CLIENT_CREDENTIALS, where, **common)


def _domain(text: str | None) -> str | None:
    """The setting as simple-salesforce wants it, whatever was copied from a browser."""
    if not text:
        return None
    host = text.strip().lower().removeprefix("https://").rstrip("/")
    if "force.com" in host.removesuffix(".salesforce.com"):
        raise CredentialsError(
            "SALESFORCE_DOMAIN must be the My Domain (acme.my), not the address of a page"
        )
    host = host.removesuffix(".salesforce.com")
    if not _DOMAIN.fullmatch(host):
        raise CredentialsError("SALESFORCE_DOMAIN must look like acme.my, login or test")
    return host


def _private_key(path: Path) -> str:
    try:
        text = path.expanduser().read_text()
    except (OSError, UnicodeDecodeError) as error:
        problem = f"SALESFORCE_PRIVATE_KEY_FILE cannot be read ({type(error).__name__})"
        raise CredentialsError(problem) from None
    if "PRIVATE KEY-----" not in text:
        raise CredentialsError(
            "SALESFORCE_PRIVATE_KEY_FILE holds no private key in PEM: it begins with "
            "-----BEGIN PRIVATE KEY-----; the certificate goes to Salesforce"
        )
    return text


def _needed(given: Mapping[str, str], *names: str, why: str) -> None:
    missing = [f"SALESFORCE_{name.upper()}" for name in names if not given[name]]
    if missing:
        raise CredentialsError(f"set {' and '.join(missing)} {why}")


_SETTINGS: Mapping[Mode, str] = {
    Mode.CLIENT_CREDENTIALS: (
        "SALESFORCE_CONSUMER_KEY, SALESFORCE_CONSUMER_SECRET and SALESFORCE_DOMAIN, "
        "and that the app allows the client credentials flow and has a run-as user"
    ),
    Mode.JWT_BEARER: (
        "SALESFORCE_CONSUMER_KEY, SALESFORCE_USERNAME and SALESFORCE_PRIVATE_KEY_FILE, "
        "and that the app has the certificate and pre-authorises the user"
    ),
    Mode.OAUTH_PASSWORD: (
        "SALESFORCE_USERNAME, SALESFORCE_PASSWORD and SALESFORCE_SECURITY_TOKEN, and that the "
        "org allows the user name and password flow"
    ),
    Mode.SOAP_PASSWORD: (
        "SALESFORCE_USERNAME, SALESFORCE_PASSWORD and SALESFORCE_SECURITY_TOKEN; the token "
        "changes with the password"
    ),
}
