"""What LinkedIn answers when it does not answer."""

import orjson

from scripts.sandbox.server import Answer


class Refused(Exception):
    """The caller asks for what there is not; the text says what."""


def error(status: int, code: str, message: str, service: int | None = None) -> Answer:
    """LinkedIn's error; ``service`` is its ``serviceErrorCode``, which only Rest.li gives."""
    told: dict[str, object] = {"status": status, "code": code, "message": message}
    return Answer(
        status, orjson.dumps(told if service is None else {**told, "serviceErrorCode": service})
    )


def unauthorised(authorisation: str) -> Answer | None:
    """Turn away every token that is not a sandbox's; None if it is."""
    scheme, _, token = authorisation.partition(" ")
    if scheme.lower() != "bearer" or not token:
        return error(401, "EMPTY_ACCESS_TOKEN", "Empty oauth2 access token", 65604)
    if token.startswith("sandbox-"):
        return None
    return error(
        401,
        "INVALID_ACCESS_TOKEN",
        "Invalid access token. This is the Lead Engine sandbox: it takes tokens that begin with "
        "'sandbox-', and has not kept the one that was sent.",
        65600,
    )


def revoked() -> Answer:
    """The member has taken the app's permission away."""
    return error(
        401,
        "REVOKED_ACCESS_TOKEN",
        "The token used in the request has been revoked by the user",
        65601,
    )


def expired() -> Answer:
    """The token is too old."""
    return error(401, "EXPIRED_ACCESS_TOKEN", "The token used in the request has expired", 65602)


def denied(what: str) -> Answer:
    """The member may not do that."""
    return error(403, "ACCESS_DENIED", f"Not enough permissions to access: {what}", 100)


def bad_request(message: str) -> Answer:
    """A parameter is missing or wrong."""
    return error(400, "ILLEGAL_ARGUMENT", message, 100)


def not_found(what: str) -> Answer:
    """Nothing is there, or no more."""
    return error(404, "NOT_FOUND", f"Could not find {what}")


def too_fast(_: str | None) -> Answer:
    """A call beyond the day's limit; LinkedIn never says when to come back."""
    return error(
        429,
        "TOO_MANY_REQUESTS",
        "Resource level throttle limit for calls to this resource is reached.",
        101,
    )


def broken(status: int) -> Answer:
    """LinkedIn's own fault."""
    return error(status, "INTERNAL_SERVER_ERROR", "Internal Server Error")
