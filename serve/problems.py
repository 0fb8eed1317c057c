"""Every error that the API answers with: RFC 9457 problem details with a closed list of codes.

A client switches on ``code`` and ``errors[].reason``; ``title`` never varies for one status.
Bodies, secrets and personal data are never echoed: a message says what was wrong and what is
allowed.

Sources:
    RFC 9457, Problem Details for HTTP APIs.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import HTTPException
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException as FrameworkError
from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"
MOST_ERRORS = 100


class Code(StrEnum):
    """What kind of problem it is; the list is closed."""

    VALIDATION_ERROR = "VALIDATION_ERROR"
    AUTHENTICATION_ERROR = "AUTHENTICATION_ERROR"
    AUTHORIZATION_ERROR = "AUTHORIZATION_ERROR"
    NOT_FOUND = "NOT_FOUND"
    CONFLICT = "CONFLICT"
    RATE_LIMIT_ERROR = "RATE_LIMIT_ERROR"
    EXTERNAL_SERVICE_ERROR = "EXTERNAL_SERVICE_ERROR"
    DATABASE_ERROR = "DATABASE_ERROR"
    INTERNAL_ERROR = "INTERNAL_ERROR"


_CODES: Mapping[int, Code] = {
    401: Code.AUTHENTICATION_ERROR,
    403: Code.AUTHORIZATION_ERROR,
    404: Code.NOT_FOUND,
    409: Code.CONFLICT,
    410: Code.NOT_FOUND,
    412: Code.CONFLICT,
    428: Code.CONFLICT,
    429: Code.RATE_LIMIT_ERROR,
    502: Code.EXTERNAL_SERVICE_ERROR,
    503: Code.DATABASE_ERROR,
    504: Code.EXTERNAL_SERVICE_ERROR,
}


class FieldError(BaseModel):
    """One thing that is wrong.

    Attributes:
        field: where, such as ``email`` or ``leads[3].country``; empty for the request as a whole.
        reason: stable word for programs, such as ``unknown_field``.
        message: a sentence for people.
    """

    field: str = Field(examples=["email"])
    reason: str = Field(examples=["invalid_field"])
    message: str = Field(examples=["must be an e-mail address such as ann@example.com"])


class ProblemDetails(BaseModel):
    """A problem, as RFC 9457 writes it."""

    type: str = Field(default="about:blank", description="URI of the kind of problem")
    title: str = Field(examples=["Unprocessable Content"])
    status: int = Field(ge=400, le=599, examples=[422])
    detail: str = Field(examples=["1 field is invalid"])
    instance: str = Field(description="path of the request", examples=["/api/leads"])
    code: Code
    errors: list[FieldError] = Field(default_factory=list[FieldError])
    request_id: str = Field(description="the correlation id, also in X-Request-ID")


class Problem(HTTPException):
    """A request cannot be answered as asked.

    Args:
        status: of HTTP.
        detail: one sentence that says what to do.
        reason: stable word; becomes ``errors[0].reason`` when no errors are given.
        field: what ``reason`` is about.
    """

    def __init__(
        self,
        status: int,
        reason: str,
        detail: str,
        *,
        field: str = "",
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, detail, dict(headers or {}))
        self.reason = reason
        self.errors = list(errors) or [FieldError(field=field, reason=reason, message=detail)]


def invalid(field: str, message: str, reason: str = "invalid_field") -> Problem:
    """Return the 422 for one field."""
    error = FieldError(field=field, reason=reason, message=message)
    return Problem(422, reason, f"{field or 'the request'}: {message}", errors=[error])


def not_found(what: str, name: object) -> Problem:
    """Return the 404 for a thing that is not there (or no longer)."""
    return Problem(404, "not_found", f"There is no {what} {name}.")


def code_of(status: int) -> Code:
    """Return the code that goes with an HTTP status."""
    fallback = Code.INTERNAL_ERROR if status >= 500 else Code.VALIDATION_ERROR
    return _CODES.get(status, fallback)


def title_of(status: int) -> str:
    """Return the fixed title of an HTTP status."""
    return _TITLES.get(status) or HTTPStatus(status).phrase


_TITLES = {413: "Content Too Large", 422: "Unprocessable Content"}


def document(problem: Problem, *, path: str, request_id: str) -> dict[str, Any]:
    """Return the JSON of a problem."""
    errors = problem.errors[:MOST_ERRORS]
    return {
        "type": "about:blank",
        "title": title_of(problem.status_code),
        "status": problem.status_code,
        "detail": problem.detail,
        "instance": path,
        "code": code_of(problem.status_code).value,
        "errors": [error.model_dump() for error in errors],
        "request_id": request_id,
    }


def response(problem: Problem, *, path: str, request_id: str) -> Response:
    """Return the answer that tells of a problem."""
    return Response(
        orjson.dumps(document(problem, path=path, request_id=request_id)),
        problem.status_code,
        dict(problem.headers or {}),
        MEDIA_TYPE,
    )


def from_http(error: FrameworkError) -> Problem:
    """Turn the framework's own errors (404, 405, ...) into problems."""
    if isinstance(error, Problem):
        return error
    reason, detail = _FRAMEWORK.get(error.status_code, ("invalid_request", str(error.detail)))
    return Problem(error.status_code, reason, detail, headers=error.headers)


_FRAMEWORK = {
    400: ("malformed_json", "The body cannot be read as JSON."),
    404: ("not_found", "There is nothing at this address; see /api/openapi.json."),
    405: ("method_not_allowed", "This address does not take that method; see the Allow header."),
}


def from_validation(errors: Sequence[Any]) -> Problem:
    """Turn pydantic's findings into one problem, without the values that were sent."""
    found = [_field_error(error) for error in _of_one_form(errors)[:MOST_ERRORS]]
    places = "1 field is" if len(found) == 1 else f"{len(found)} fields are"
    first = found[0] if found else FieldError(field="", reason="invalid_field", message="invalid")
    detail = f"{places} invalid: {first.field or 'body'}: {first.message}"
    return Problem(422, first.reason, detail, errors=found)


def _of_one_form(errors: Sequence[Any]) -> list[Any]:
    """Of a body that may have several forms, tell only what is wrong with the nearest one."""
    forms: dict[str, list[Any]] = {}
    for error in errors:
        location = error["loc"]
        named = len(location) > 1 and location[0] == "body" and _is_form(location[1])
        forms.setdefault(location[1] if named else "", []).append(error)
    if len(forms) < 2 or "" in forms:
        return list(errors)
    nearest = min(forms.values(), key=lambda found: (_misfits(found), len(found)))
    return [{**each, "loc": (each["loc"][0], *each["loc"][2:])} for each in nearest]


def _is_form(part: object) -> bool:
    return isinstance(part, str) and part[:1].isupper() and part.isidentifier()


def _misfits(found: Sequence[Any]) -> int:
    return sum(each["type"] in {"missing", "extra_forbidden"} for each in found)


def _field_error(error: Mapping[str, Any]) -> FieldError:
    location = [part for part in error["loc"]]
    where = location[0] if location else ""
    reason = _reason(str(error["type"]), str(where))
    return FieldError(
        field=_dotted(location[1:] if where in _PLACES else location),
        reason=reason,
        message=_message(error),
    )


_PLACES = frozenset({"body", "query", "path", "header"})


def _reason(kind: str, where: str) -> str:
    if where in {"query", "path", "header"}:
        return "unknown_parameter" if kind == "extra_forbidden" else "invalid_parameter"
    if kind == "extra_forbidden":
        return "unknown_field"
    if kind == "missing":
        return "missing_field"
    if kind in _OWN:
        return kind
    return "out_of_range" if kind in _RANGE else "invalid_field"


_OWN = frozenset({"invalid_email", "invalid_phone"})
_RANGE = frozenset({"finite_number", "int_parsing_size", "decimal_max_digits"})


def _message(error: Mapping[str, Any]) -> str:
    kind = str(error["type"])
    if kind == "extra_forbidden":
        return "is not known here, or is set by the engine alone"
    if kind == "missing":
        return "is required"
    # Our own validators raise ValueError with a sentence that holds no value.
    return str(error["msg"]).removeprefix("Value error, ")


def _dotted(location: Sequence[Any]) -> str:
    path = ""
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            text = str(part)[:100]
            path += f".{text}" if path else text
    return path
