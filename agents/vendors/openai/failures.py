"""What a failed call to OpenAI means for us.

The texts name status, type and code, never OpenAI's own message: that may quote what we sent.

Sources:
    https://platform.openai.com/docs/guides/error-codes (openai 3.54, read 2026-11-22).
    Wait hints "Please try again in 174ms" and "18.642s": continuedev/continue#11472 and #10502.
"""

import re
from collections.abc import Mapping
from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import httpx2
import openai

from agents.errors import AnswerError, VendorError
from agents.vendors.openai.wire import VENDOR, duration
from policies.llm import Usage

LONGEST_WAIT = timedelta(days=1)
"""No header makes us wait longer."""
AWAY = timedelta(seconds=10)
BUSY = timedelta(seconds=5)
NO_CREDIT = timedelta(hours=1)
_ABOUT_THE_DOCUMENT = frozenset(
    {"context_length_exceeded", "content_filter", "content_policy_violation", "invalid_prompt"}
)
_NEVER_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
_WORD = re.compile(r"[\w.\[\]-]{1,60}")
_HINT = re.compile(r"try again in (\S+?)\.?(?:\s|$)", re.IGNORECASE)
_WHAT_TO_DO: Mapping[int, str] = {
    HTTPStatus.UNAUTHORIZED: "the key is not valid: check OPENAI_API_KEY and OPENAI_BASE_URL",
    HTTPStatus.FORBIDDEN: "the key may not do this: check its project and permissions",
}


def understood(error: openai.APIError, model: str) -> VendorError:
    """Say in our own terms what ``error`` means."""
    if isinstance(error, openai.APIConnectionError):
        return _unreachable(error)
    if isinstance(error, openai.APIStatusError):
        return _refused(error, model)
    return VendorError(VENDOR, type(error).__name__, retry_after=AWAY, in_doubt=True)


def overdue(seconds: float) -> VendorError:
    """The whole call took longer than we wait."""
    return VendorError(
        VENDOR, f"no whole answer within {seconds:g} s", retry_after=AWAY, in_doubt=True
    )


def _unreachable(error: openai.APIConnectionError) -> VendorError:
    cause = error.__cause__
    problem = f"no connection ({type(cause or error).__name__})"
    return VendorError(
        VENDOR, problem, retry_after=AWAY, in_doubt=not isinstance(cause, _NEVER_SENT)
    )


def _refused(error: openai.APIStatusError, model: str) -> VendorError:
    status = error.status_code
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return _busy(error)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
        return VendorError(
            VENDOR, _label(error), retry_after=_asked_wait(error) or AWAY, in_doubt=True
        )
    if _ABOUT_THE_DOCUMENT.intersection(_words(error.code)):
        return AnswerError(VENDOR, _label(error), retry_after=None, usage=Usage())
    if status == HTTPStatus.CONFLICT:
        return VendorError(VENDOR, _label(error), retry_after=AWAY)
    return VendorError(VENDOR, f"{_label(error)}{_advice(status, model)}", retry_after=None)


def _advice(status: int, model: str) -> str:
    if status == HTTPStatus.NOT_FOUND:
        return f"; the model {model!r} does not exist for this key: choose another"
    known = _WHAT_TO_DO.get(status)
    return f"; {known}" if known else ""


def _busy(error: openai.APIStatusError) -> VendorError:
    if "insufficient_quota" in _words(error.code, error.type):
        problem = f"{_label(error)}; the account has no credit left: add some"
        return VendorError(VENDOR, problem, retry_after=NO_CREDIT)
    wait = _asked_wait(error) or BUSY
    return VendorError(VENDOR, _label(error), retry_after=wait, throttled=True)


def _label(error: openai.APIStatusError) -> str:
    words = _words(error.type, error.code, error.param)
    return ", ".join((f"status {error.status_code}", *words))


def _words(*values: object) -> list[str]:
    """Those that are plain words; servers that only resemble OpenAI send numbers and lists too."""
    return [value for value in values if isinstance(value, str) and _WORD.fullmatch(value)]


def _asked_wait(error: openai.APIStatusError) -> timedelta | None:
    headers = error.response.headers
    for wait in (_milliseconds(headers), _seconds(headers), _hint(error.message)):
        if wait is not None:
            return min(max(wait, timedelta()), LONGEST_WAIT)
    return None


def _milliseconds(headers: Mapping[str, str]) -> timedelta | None:
    number = _number(headers.get("retry-after-ms", ""))
    return None if number is None else timedelta(milliseconds=number)


def _seconds(headers: Mapping[str, str]) -> timedelta | None:
    """``Retry-After`` in seconds or as a date, which is measured by the vendor's own clock."""
    text = headers.get("retry-after", "")
    number = _number(text)
    if number is not None:
        return timedelta(seconds=number)
    try:
        then, now = (parsedate_to_datetime(t) for t in (text, headers.get("date", "")))
    except ValueError:
        return None
    return then.replace(tzinfo=then.tzinfo or UTC) - now.replace(tzinfo=now.tzinfo or UTC)


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\d{1,9}(\.\d+)?", text) else None


def _hint(message: str) -> timedelta | None:
    found = _HINT.search(message)
    return duration(found[1]) if found else None
