"""Salesforce's errors: of a call, and of one row among others.

A call's errors are a JSON array with ``errorCode``; a row's carry ``statusCode`` instead
(reference, sections 6 and 7).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from scripts.sandbox.server import Answer, as_json


@dataclass(frozen=True, slots=True)
class Problem:
    """What Salesforce says is wrong.

    Attributes:
        code: such as ``REQUIRED_FIELD_MISSING``.
        fields: names that it is about; None leaves the key out.
        status: of the HTTP answer, if the call fails by it.
        more: further keys, such as the misspelled ``duplicateResut``.
    """

    code: str
    message: str
    fields: Sequence[str] | None = ()
    status: int = 400
    more: dict[str, Any] = field(default_factory=dict[str, Any])

    def of_call(self) -> dict[str, Any]:
        """As an error of the whole call."""
        told: dict[str, Any] = {"message": self.message, "errorCode": self.code}
        if self.fields is not None:
            told["fields"] = list(self.fields)
        return {**told, **self.more}

    def of_row(self) -> dict[str, Any]:
        """As an error of one row."""
        told = {"statusCode": self.code, "message": self.message, "fields": list(self.fields or ())}
        return {**told, **self.more}


class Refused(Exception):
    """Salesforce does not do it; `problem` says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.code}: {problem.message}")
        self.problem = problem

    @classmethod
    def because(
        cls, code: str, message: str, fields: Sequence[str] | None = (), status: int = 400
    ) -> "Refused":
        """With the problem made on the way."""
        return cls(Problem(code, message, fields, status))


def refusal(problem: Problem) -> Answer:
    """The answer to a call that fails."""
    return as_json(problem.status, [problem.of_call()])


def not_found(message: str = "The requested resource does not exist") -> Refused:
    """Nothing is there."""
    return Refused.because("NOT_FOUND", message, None, 404)


def not_allowed(method: str, allowed: str) -> Refused:
    """There is something, but not for this method."""
    told = f"HTTP Method '{method}' not allowed. Allowed are {allowed}"
    return Refused.because("METHOD_NOT_ALLOWED", told, None, 405)


def no_session() -> Problem:
    """The token is not, or no longer, one."""
    return Problem("INVALID_SESSION_ID", "Session expired or invalid", None, 401)


def limit_exceeded() -> Problem:
    """The calls of 24 hours are used up."""
    return Problem("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", None, 403)


def too_many_at_once() -> Problem:
    """Too many long calls run at the same time [M for the text]."""
    text = "ConcurrentRequests (Concurrent API Requests) Limit exceeded."
    return Problem("REQUEST_LIMIT_EXCEEDED", text, None, 403)


def unavailable() -> Problem:
    """The instance is away for a while."""
    return Problem("SERVER_UNAVAILABLE", "The server is too busy. Try again later.", None, 503)


def broken() -> Problem:
    """Something inside Salesforce failed."""
    text = "An unexpected error occurred. Please include this ErrorId if you contact support"
    return Problem("UNKNOWN_EXCEPTION", f"{text}: 1234567890-12345 (123456789)", None, 500)


def locked(record_id: str, records: int = 1) -> Problem:
    """Somebody else holds the record."""
    text = "unable to obtain exclusive access to this record or"
    return Problem("UNABLE_TO_LOCK_ROW", f"{text} {records} records: {record_id}")
