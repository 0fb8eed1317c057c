"""What UpLead answers when it does not answer. Only ``rate_limit`` is a published type."""

import math
from collections.abc import Mapping

import orjson

from scripts.sandbox.server import Answer


def error(status: int, kind: str, message: str, headers: Mapping[str, str] | None = None) -> Answer:
    """UpLead's error envelope; ``kind`` is its ``type``."""
    return Answer(
        status, orjson.dumps({"error": {"type": kind, "message": message}}), headers or {}
    )


def unauthorised(key: str) -> Answer | None:
    """Turn away every key that is not a sandbox's; None if it is. A key has no scheme before it."""
    if key.startswith("sandbox-"):
        return None
    if not key or key.lower().startswith(("bearer ", "basic ")):
        return error(
            401, "unauthorized", "Send the API key alone in the Authorization header, no scheme."
        )
    return error(
        401,
        "unauthorized",
        "Invalid API key. This is the Lead Engine sandbox: it takes keys that begin with "
        "'sandbox-', and has not kept the one that was sent.",
    )


def bad_request(message: str) -> Answer:
    """A parameter is missing or wrong."""
    return error(400, "bad_request", message)


def no_credit(status: int) -> Answer:
    """The account is used up. Neither the status nor the words are published."""
    return error(status, "insufficient_credits", "You do not have enough credits for this request.")


def not_found(what: str) -> Answer:
    """An unknown list or path."""
    return error(404, "not_found", f"{what} not found.")


def too_fast(limit: int, header: str | None) -> Answer:
    """A call beyond the limit; ``header`` is the value of ``Retry-After``."""
    seconds = f"{header} seconds" if header and header.isdecimal() else "some time"
    message = (
        f"Rate limit exceeded. Limit is {limit} requests per minute. Rate limit will be reset in "
        f"{seconds}."
    )
    return error(429, "rate_limit", message, {"Retry-After": header} if header else None)


def after(wait: float) -> str:
    """``Retry-After`` for so many seconds."""
    return str(max(1, math.ceil(wait)))


def broken(status: int) -> Answer:
    """UpLead's own fault."""
    return error(status, "server_error", "Something went wrong on our side. Please try again.")
