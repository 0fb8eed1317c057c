"""What ZoomInfo answers when it does not answer."""

from collections.abc import Mapping
from http import HTTPStatus
from uuid import uuid4

import orjson

from scripts.sandbox.server import Answer

MEDIA = "application/vnd.api+json"


class Refused(Exception):
    """The caller asks for what there is not.

    Attributes:
        code: such as ``PFAPI0001``.
        pointer: where in the body it is, as a JSON pointer; or the name of a parameter.
    """

    def __init__(self, code: str, detail: str, pointer: str) -> None:
        super().__init__(detail)
        self.code, self.detail, self.pointer = code, detail, pointer


def document(value: object, status: int = 200) -> Answer:
    """An answer of JSON:API."""
    return Answer(status, orjson.dumps(value), media_type=MEDIA)


def error(
    status: int,
    code: str,
    detail: str,
    *,
    source: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """ZoomInfo's error document."""
    title = HTTPStatus(status).phrase
    one = {"id": str(uuid4()), "code": code, "status": str(status), "title": title}
    one["detail"] = detail
    told = {"title": title, "detail": detail, "errors": [{**one, "source": source or {}}]}
    return Answer(status, orjson.dumps(told), headers or {}, media_type=MEDIA)


def refused(why: Refused) -> Answer:
    """A problem of the input."""
    kind = "pointer" if why.pointer.startswith("/") else "parameter"
    return error(400, why.code, why.detail, source={kind: why.pointer})


def no_token(detail: str) -> Answer:
    """The token is missing, of another surface, unknown or old."""
    return error(401, "ZI0001", detail, source={"header": "Authorization"})


def no_credit() -> Answer:
    """The account is used up: neither 402, 403 nor 429."""
    return error(400, "PFAPI0011", "Credit limit reached.")


def too_fast(bucket: str, header: str | None, resets_at: float) -> Answer:
    """A call beyond a limit; ``header`` is the value of ``Retry-After``."""
    headers = {"X-RateLimit-Rejected-Bucket": bucket, "X-RateLimit-Reset": str(int(resets_at))}
    if header is None:
        return error(429, "ZI0004", "Too many requests.")
    return error(429, "ZI0004", "Too many requests.", headers={**headers, "Retry-After": header})


def broken(status: int) -> Answer:
    """ZoomInfo's own fault, in the other of its two shapes."""
    told = {
        "code": "ZI9999",
        "message": HTTPStatus(status).phrase,
        "status": status,
        "requestId": str(uuid4()),
        "retryable": True,
    }
    return Answer(status, orjson.dumps({"error": told}), media_type=MEDIA)


def oauth(status: int, kind: str, description: str) -> Answer:
    """OAuth's own error, of the token address."""
    return Answer(status, orjson.dumps({"error": kind, "error_description": description}))
