"""What an answer of a vendor that is none means for us.

The texts name the status and words of code, never the vendor's own message: that may quote what
we sent. A vendor that says it otherwise has a hook of its own (`VendorHttp.request`).

Sources: RFC 9110, section 15 (status codes); RFC 6585, section 4 (429).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from http import HTTPStatus
from typing import Any

import orjson

from agents.errors import AnswerError, VendorError
from agents.vendors.retry_after import retry_after
from policies.llm import Usage

AWAY = timedelta(seconds=10)
BUSY = timedelta(seconds=5)
NO_CREDIT = timedelta(hours=1)
_WORD = re.compile(r"[A-Za-z0-9_.:-]{1,60}")
_MOST_WORDS = 4
_CODES = ("type", "code", "errorCode", "serviceErrorCode", "error")
_PARTS = ("error", "errors")
_ABOUT_THE_QUESTION = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.CONFLICT,
        HTTPStatus.GONE,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.REQUEST_URI_TOO_LONG,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    }
)
_PASSING = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY})


@dataclass(frozen=True)
class Refusal:
    """An answer as it came, to be understood.

    Attributes:
        headers: by any spelling of their names.
        setting: what to check if the credentials are refused.
    """

    vendor: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    setting: str

    @cached_property
    def document(self) -> Any:  # noqa: ANN401 - whatever the vendor sent
        """The body as JSON values; None if it is not JSON."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return None

    @property
    def wait(self) -> timedelta | None:
        """What ``Retry-After`` asks for; None if there is none."""
        return retry_after(self.headers)

    @property
    def codes(self) -> list[str]:
        """The vendor's words of code where they usually stand, at most four."""
        return list(dict.fromkeys(_codes(self.document)))[:_MOST_WORDS]

    @property
    def label(self) -> str:
        """The status and the words of code, fit for a log."""
        return ", ".join((f"status {self.status}", *self.codes))

    def throttled(self, wait: timedelta | None = None) -> VendorError:
        """We ask too often; ``wait`` where ``Retry-After`` does not say."""
        told = self.wait
        named = told if told is not None else wait or BUSY
        return VendorError(self.vendor, self.label, retry_after=named, throttled=True)

    def away(self, wait: timedelta | None = None, *, in_doubt: bool = True) -> VendorError:
        """It cannot answer now; ``wait`` where ``Retry-After`` does not say."""
        told = self.wait
        named = told if told is not None else wait or AWAY
        return VendorError(self.vendor, self.label, retry_after=named, in_doubt=in_doubt)

    def out_of_credit(
        self, advice: str = "buy credits, or wait for the next period"
    ) -> VendorError:
        """Our account is used up."""
        return VendorError(
            self.vendor,
            f"{self.label}; the account has no credit left: {advice}",
            retry_after=NO_CREDIT,
            out_of_credit=True,
        )

    def final(self, advice: str = "") -> VendorError:
        """Asking again is pointless for everybody until something is changed."""
        text = f"{self.label}; {advice}" if advice else self.label
        return VendorError(self.vendor, text, retry_after=None)

    def about_the_question(self, advice: str = "") -> AnswerError:
        """The vendor is well, but refuses this one question for ever."""
        text = f"{self.label}; {advice}" if advice else self.label
        return AnswerError(self.vendor, text, retry_after=None, usage=Usage())


def words(*values: object) -> list[str]:
    """Those that are plain words of code, for the text of an error."""
    return [
        text
        for value in values
        if isinstance(value, str | int) and not isinstance(value, bool)
        if _WORD.fullmatch(text := str(value))
    ]


def understood(refusal: Refusal) -> VendorError | None:
    """Say what a status means where the vendor has no way of its own; None for a good one."""
    status = refusal.status
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return None
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return refusal.throttled()
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _PASSING:
        return refusal.away()
    if status == HTTPStatus.UNAUTHORIZED:
        return refusal.final(f"the credentials are not valid: check {refusal.setting}")
    if status == HTTPStatus.FORBIDDEN:
        return refusal.final(
            f"the account may not do this: check its plan and permissions, and {refusal.setting}"
        )
    if status == HTTPStatus.PAYMENT_REQUIRED:
        return refusal.out_of_credit()
    if status < HTTPStatus.BAD_REQUEST:
        return refusal.final("it points elsewhere, and is not followed: check the base URL")
    if status in _ABOUT_THE_QUESTION:
        return refusal.about_the_question()
    return refusal.final()


def overdue(vendor: str, seconds: float, *, in_doubt: bool) -> VendorError:
    """The whole call took longer than we wait."""
    return VendorError(
        vendor, f"no whole answer within {seconds:g} s", retry_after=AWAY, in_doubt=in_doubt
    )


def _codes(document: object) -> Iterator[str]:
    for part in _parts(document):
        yield from words(*(part.get(name) for name in _CODES))


def _parts(document: object) -> Iterable[Mapping[str, Any]]:
    """Where codes usually stand: at the top, in ``error``, in ``errors``, in a top-level list."""
    for item in document if isinstance(document, list) else [document]:
        if not isinstance(item, dict):
            continue
        yield item
        for name in _PARTS:
            inner = item.get(name)
            for each in inner if isinstance(inner, list) else [inner]:
                if isinstance(each, dict):
                    yield each
