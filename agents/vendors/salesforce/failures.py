"""What a failed call to Salesforce means for us.

The texts name status, code and fields, never Salesforce's own message about a call: that may
quote what we sent. (What it says about single rows is kept by whoever asked: `RowError`.)

Sources:
    REST API guide, "Status Codes and Error Responses", v62, read 2026-11-22.
    There is no ``Retry-After`` from Salesforce itself; a gateway in between may send one.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import requests
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError, ProxyError

from agents.errors import AnswerError, VendorError
from agents.vendors.refusals import Refusal
from agents.vendors.salesforce.transport import Overdue, TooLarge, WrongHost
from policies.llm import Usage

VENDOR = "salesforce"
AWAY = timedelta(seconds=30)
LOCKED = timedelta(seconds=5)
BUSY = timedelta(seconds=10)
LIMIT = timedelta(hours=1)
"""The allowance is counted over the last 24 hours, so a part of it comes back every hour."""
NOT_SALESFORCE = timedelta(seconds=30)
REFUSED_AGAIN = timedelta(minutes=5)
_SETTING = "SALESFORCE_DOMAIN and SALESFORCE_API_VERSION"
_NAME = re.compile(r"'([A-Za-z]\w{0,79})'|\b([A-Za-z]\w{0,70}__c)\b")
_OF_SETUP: Mapping[str, str] = {
    "INVALID_FIELD": "correct the mapping, or give our user the right to see the field",
    "INVALID_FIELD_FOR_INSERT_UPDATE": "correct the mapping: the field cannot be written",
    "INVALID_TYPE": "give our user the right to use the object",
    "API_DISABLED_FOR_ORG": "this edition of Salesforce has no API",
    "API_CURRENTLY_DISABLED": "give our user the permission API Enabled",
    "INSUFFICIENT_ACCESS": "give our user the right to read, create and edit the object",
    "INSUFFICIENT_ACCESS_OR_READONLY": "give our user the right to edit the object",
    "FEATURENOTENABLED": "the bulk API is off in this organisation",
    "UNSUPPORTED_API_VERSION": "check SALESFORCE_API_VERSION",
    "PROVIDED_EXTERNAL_ID_FIELD_NOT_FOUND_OR_NOT_ACCESSIBLE": (
        "create the external id field, or give our user the right to see it"
    ),
}
_NAMED = frozenset({"INVALID_FIELD", "INVALID_FIELD_FOR_INSERT_UPDATE", "INVALID_TYPE"})


class Expired(Exception):
    """The token is refused; a new one may do."""


def refused(response: requests.Response) -> VendorError | Expired:
    """Say what an answer that is an error means."""
    status, content = response.status_code, _content(response)
    refusal = Refusal(VENDOR, status, response.headers, b"", _SETTING)
    problems = _problems(content)
    codes = [code for code, _ in problems]
    if (
        status == HTTPStatus.UNAUTHORIZED
        or "INVALID_SESSION_ID" in codes
        or content == "Bad_OAuth_Token"
    ):
        return Expired()
    if "REQUEST_LIMIT_EXCEEDED" in codes:
        return _limited(status, problems)
    if "UNABLE_TO_LOCK_ROW" in codes:
        return VendorError(VENDOR, _label(status, problems), retry_after=LOCKED)
    if "SERVER_UNAVAILABLE" in codes or "QUERY_TIMEOUT" in codes:
        wait = refusal.wait or AWAY
        return VendorError(VENDOR, _label(status, problems), retry_after=wait, in_doubt=True)
    return _by_status(refusal, problems)


def of_status(response: requests.Response) -> VendorError | None:
    """What an answer means by its status alone; None where the status says nothing of the kind."""
    status = response.status_code
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        refusal = Refusal(VENDOR, status, response.headers, b"", _SETTING)
        return _by_status(refusal, [])
    problems = _problems(_content(response))
    if any(code == "REQUEST_LIMIT_EXCEEDED" for code, _ in problems):
        return _limited(status, problems)
    if HTTPStatus.MULTIPLE_CHOICES < status < HTTPStatus.BAD_REQUEST:
        return _by_status(Refusal(VENDOR, status, response.headers, b"", _SETTING), [])
    return None


def passing(code: str) -> VendorError:
    """A login that is refused for now only."""
    if code == "REQUEST_LIMIT_EXCEEDED":
        return _limited(HTTPStatus.FORBIDDEN, [(code, "")])
    throttled = code == "LOGIN_RATE_EXCEEDED"
    wait = timedelta(minutes=1) if throttled else AWAY
    return VendorError(VENDOR, f"login: {code}", retry_after=wait, throttled=throttled)


def refused_again() -> VendorError:
    """A new token was refused like the old one."""
    problem = (
        "it refuses the token that it has just given (INVALID_SESSION_ID); look at the session "
        "settings, the login IP ranges and the state of our user"
    )
    return VendorError(VENDOR, problem, retry_after=REFUSED_AGAIN)


def unreachable(error: requests.RequestException) -> VendorError:
    """There was no answer, or none to be read."""
    match error:
        case WrongHost():
            problem = "the login names a host that is not Salesforce's; check SALESFORCE_DOMAIN"
            return VendorError(VENDOR, problem, retry_after=None)
        case TooLarge():
            return VendorError(VENDOR, f"the answer is too large: {error}", retry_after=None)
        case requests.exceptions.JSONDecodeError():
            return not_salesforce("no JSON")
        case requests.exceptions.InvalidJSONError():
            return AnswerError(
                VENDOR, "a value cannot be written as JSON", retry_after=None, usage=Usage()
            )
        case Overdue() | requests.exceptions.ReadTimeout():
            return overdue()
        case requests.exceptions.SSLError():
            problem = "its certificate is not trusted; is a proxy in between?"
            return VendorError(VENDOR, problem, retry_after=AWAY)
        case _:
            name = type(error).__name__
            problem = f"no connection ({name})"
            return VendorError(VENDOR, problem, retry_after=AWAY, in_doubt=not _never_sent(error))


def overdue() -> VendorError:
    """The whole call took longer than we wait."""
    return VendorError(VENDOR, "no whole answer in time", retry_after=AWAY, in_doubt=True)


def not_salesforce(problem: str) -> VendorError:
    """An answer that is none of Salesforce's."""
    told = f"{problem}; is a proxy or a maintenance page in between?"
    return VendorError(VENDOR, told, retry_after=NOT_SALESFORCE, in_doubt=True)


def _by_status(refusal: Refusal, problems: list[tuple[str, str]]) -> VendorError:
    status, told = refusal.status, _label(refusal.status, problems)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return VendorError(VENDOR, told, retry_after=refusal.wait or BUSY, throttled=True)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
        return VendorError(VENDOR, told, retry_after=refusal.wait or AWAY, in_doubt=True)
    for code, _ in problems:
        if advice := _OF_SETUP.get(code):
            return VendorError(VENDOR, f"{told}; {advice}", retry_after=None)
    if HTTPStatus.MULTIPLE_CHOICES < status < HTTPStatus.BAD_REQUEST:
        moved = f"{told}; it points elsewhere, and is not followed: check {refusal.setting}"
        return VendorError(VENDOR, moved, retry_after=None)
    if status == HTTPStatus.FORBIDDEN and not problems:
        return VendorError(VENDOR, f"{told}; our user may not do this", retry_after=None)
    return AnswerError(VENDOR, told, retry_after=None, usage=Usage())


def _limited(status: int, problems: list[tuple[str, str]]) -> VendorError:
    told = _label(status, problems)
    if any("concurrent" in message.casefold() for _, message in problems):
        problem = f"{told}; too many long calls at once"
        return VendorError(VENDOR, problem, retry_after=AWAY, throttled=True)
    problem = f"{told}; the calls of the last 24 hours are used up"
    return VendorError(VENDOR, problem, retry_after=LIMIT, out_of_credit=True)


def _problems(content: object) -> list[tuple[str, str]]:
    """Codes and messages of an error, which is an array of objects when it is Salesforce's."""
    found: list[tuple[str, str]] = []
    items: list[Any] = content if isinstance(content, list) else [content]
    for item in items[:20]:
        if isinstance(item, dict):
            code: Any = item.get("errorCode") or item.get("statusCode") or item.get("error")
            message: Any = item.get("message")
            if isinstance(code, str) and re.fullmatch(r"\w{1,80}", code):
                found.append((code, message if isinstance(message, str) else ""))
    return found


def _label(status: int, problems: list[tuple[str, str]]) -> str:
    words = [f"status {status}"]
    for code, message in problems[:3]:
        names = _NAME.findall(message) if code in _NAMED else []
        told = " ".join(dict.fromkeys(quoted or bare for quoted, bare in names))
        words.append(f"{code} {told}".strip())
    return ", ".join(dict.fromkeys(words))


def _content(response: requests.Response) -> object:
    """JSON values where it is JSON; the token endpoints speak plain text at times."""
    try:
        return response.json()
    except requests.exceptions.JSONDecodeError:
        return response.text[:100].strip()


def _never_sent(error: requests.RequestException) -> bool:
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return True
    inner = error.args[0] if error.args else None
    reason = inner.reason if isinstance(inner, MaxRetryError) else inner
    return isinstance(reason, NewConnectionError | ConnectTimeoutError | ProxyError)
