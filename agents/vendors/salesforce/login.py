"""Logging in, and what a refused login means.

Sources: simple-salesforce 1.12.10, `login.py`, read 2026-11-22: its exceptions, the values that
it must be given escaped, the warning that shows a consumer key.
"""

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any
from xml.parsers.expat import ExpatError

import jwt
import requests
from simple_salesforce.exceptions import SalesforceAuthenticationFailed
from simple_salesforce.login import SalesforceLogin

from agents.errors import VendorError
from agents.vendors.salesforce import failures
from agents.vendors.salesforce.credentials import Credentials, Mode
from agents.vendors.salesforce.failures import VENDOR

_HOST = re.compile(r"[A-Za-z0-9.-]+(:\d{1,5})?|\[[0-9a-f:]+\](:\d{1,5})?")


@dataclass(frozen=True, slots=True)
class Login:
    """A session of Salesforce: the token, and the host it is for."""

    token: str = field(repr=False)
    host: str


def log_in(who: Credentials, http: requests.Session) -> Login:
    """Log in; blocks.

    Raises:
        VendorError: saying which settings to check, or that Salesforce is away.
    """
    seen: list[requests.Response] = []

    def see(response: requests.Response, *_: Any, **__: Any) -> None:  # noqa: ANN401 - a hook
        seen.append(response)

    http.hooks["response"].append(see)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it prints an address that holds the consumer key
            token, host = SalesforceLogin(session=http, **_arguments(who))
    except SalesforceAuthenticationFailed as error:
        raise _refused(error, who, seen) from None
    except requests.RequestException as error:
        raise failures.unreachable(error) from None
    except (KeyError, TypeError, AttributeError, ValueError, ExpatError, jwt.PyJWTError) as error:
        raise _unreadable(error, who, seen) from None
    finally:
        http.hooks["response"].remove(see)
    return _checked(token, host)


def _arguments(who: Credentials) -> dict[str, Any]:
    client = {"consumer_key": who.consumer_key, "consumer_secret": who.consumer_secret}
    common: dict[str, Any] = {"domain": who.domain, "sf_version": who.version}
    match who.mode:
        case Mode.CLIENT_CREDENTIALS:
            return {**common, **client}
        case Mode.JWT_BEARER:
            return {
                **common,
                "consumer_key": who.consumer_key,
                "username": who.username,
                "privatekey": who.private_key,
            }
        case Mode.OAUTH_PASSWORD:
            secret = who.password + who.security_token
            return {**common, **client, "username": who.username, "password": secret}
        case Mode.SOAP_PASSWORD:
            return {
                **common,
                "username": who.username,
                "password": who.password,
                "security_token": escape(who.security_token),
            }


def _refused(
    error: SalesforceAuthenticationFailed, who: Credentials, seen: list[requests.Response]
) -> VendorError:
    """What a refused login means; its own text is not quoted, the code is."""
    code = str(error.code) if re.fullmatch(r"[A-Za-z_]{1,60}", str(error.code)) else ""
    if "rate exceeded" in str(error.message).casefold():
        code = "LOGIN_RATE_EXCEEDED"
    if code in _PASSING:
        return failures.passing(code)
    if not code:
        known = failures.of_status(seen[-1]) if seen else None
        return known or failures.not_salesforce("the login was answered, but with no token")
    told = f"login refused ({code})"
    advice = _ADVICE.get(code, f"check {who.settings}")
    return VendorError(VENDOR, f"{told}; {advice}", retry_after=None)


def _unreadable(error: Exception, who: Credentials, seen: list[requests.Response]) -> VendorError:
    if seen and (known := failures.of_status(seen[-1])):
        return known
    if not seen:  # nothing was asked: the key could not sign
        problem = f"the private key cannot sign ({type(error).__name__}); check {who.settings}"
        return VendorError(VENDOR, problem, retry_after=None)
    return failures.not_salesforce("the login was answered, but with no token")


def _checked(token: object, host: object) -> Login:
    good = isinstance(token, str) and token.isascii() and token.isprintable() and " " not in token
    if not good or not token or not isinstance(host, str) or not _HOST.fullmatch(host):
        raise failures.not_salesforce("the login was answered, but with no token or host")
    return Login(str(token), host)


_ADVICE: Mapping[str, str] = {
    "invalid_client_id": "check SALESFORCE_CONSUMER_KEY",
    "invalid_client": "check SALESFORCE_CONSUMER_KEY and SALESFORCE_CONSUMER_SECRET",
    "inactive_user": "the user is frozen or inactive: activate it in Salesforce",
    "inactive_org": "the organisation is locked: ask Salesforce",
    "invalid_app_access": "the user is not allowed to use the app: assign its permission set",
    "API_DISABLED_FOR_ORG": "this edition of Salesforce has no API",
    "UNSUPPORTED_API_VERSION": "check SALESFORCE_API_VERSION",
    "INVALID_OPERATION": "SOAP login is off or gone: use a consumer key, or API 64.0 or lower",
    "LOGIN_MUST_USE_SECURITY_TOKEN": "set SALESFORCE_SECURITY_TOKEN",
}
_PASSING = frozenset(
    {"LOGIN_RATE_EXCEEDED", "SERVER_UNAVAILABLE", "REQUEST_LIMIT_EXCEEDED", "UNKNOWN_EXCEPTION"}
)
