"""What a failed call to OpenAI means for us.

The texts name status, type and code, never OpenAI's own message: that may quote what we sent.

Sources:
    https://platform.openai.com/docs/guides/error-codes (openai 3.54, read 2026-11-22).
    Wait hints "Please try again in 174ms" and "18.642s": continuedev/continue#11472 and #10502.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus

import httpx2
import openai

from agents.errors import AnswerError, VendorError
from agents.vendors.openai.wire import VENDOR, duration
from agents.vendors.retry_after import bounded, number, retry_after
from policies.llm import Usage

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
    waits = (_milliseconds(headers), retry_after(headers), _hint(error.message))
    return bounded(next((wait for wait in waits if wait is not None), None))


def _milliseconds(headers: Mapping[str, str]) -> timedelta | None:
    value = number(headers.get("retry-after-ms", ""))
    return None if value is None else timedelta(milliseconds=value)


def _hint(message: str) -> timedelta | None:
    found = _HINT.search(message)
    return duration(found[1]) if found else None
