"""What OpenAI answers when it does not answer: its own statuses, types, codes and words.

Sources:
    https://platform.openai.com/docs/guides/error-codes (2026-11-22).
    Texts of 429: continuedev/continue#11472 and #10502, semanser/codel#72.
"""

from collections.abc import Mapping

import orjson

from scripts.sandbox.openai.limiter import Excess, shown
from scripts.sandbox.server import Answer

ORGANISATION = "org-sandbox0000000000000000"
_LEARN = "Visit https://platform.openai.com/account/rate-limits to learn more."
_KINDS = {"requests": "requests per min (RPM)", "tokens": "tokens per min (TPM)"}
INVALID = "invalid_request_error"


def error(
    status: int,
    message: str,
    kind: str = INVALID,
    *,
    code: str | None = None,
    param: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """OpenAI's error envelope; ``kind`` is its ``type``."""
    body = {"error": {"message": message, "type": kind, "param": param, "code": code}}
    return Answer(status, orjson.dumps(body), headers or {})


def unauthorised(authorisation: str) -> Answer | None:
    """Turn away every key that is not a sandbox's, a real one in plain words; None if it is."""
    scheme, _, key = authorisation.partition(" ")
    if scheme.lower() == "bearer" and key.startswith("sandbox-"):
        return None
    if key.startswith("sk-"):
        return error(
            401,
            "This is the Lead Engine sandbox, and the key that was sent looks real. It was not "
            "kept. Use a key that begins with 'sandbox-' here, or unset OPENAI_BASE_URL to reach "
            "OpenAI itself.",
            code="invalid_api_key",
        )
    if not key:
        return error(
            401,
            "You didn't provide an API key. You need to provide your API key in an Authorization "
            "header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY). You can obtain an "
            "API key from https://platform.openai.com/account/api-keys.",
        )
    return error(
        401,
        f"Incorrect API key provided: {key[:2]}***. You can find your API key at "
        "https://platform.openai.com/account/api-keys.",
        code="invalid_api_key",
    )


def no_model(model: str) -> Answer:
    """A model that is unknown or has ended."""
    return error(
        404,
        f"The model `{model}` does not exist or you do not have access to it.",
        code="model_not_found",
    )


def too_fast(model: str, excess: Excess) -> Answer:
    """A call beyond the limits, with both headers that say when to come back."""
    where = f"for {model} in organization {ORGANISATION} on {_KINDS[excess.kind]}"
    if excess.wait is None:
        message = (
            f"Request too large {where}: Limit {excess.limit}, Requested {excess.requested}. The "
            "input or output tokens must be reduced in order to run successfully. " + _LEARN
        )
        return error(429, message, excess.kind, code="rate_limit_exceeded")
    message = (
        f"Rate limit reached {where}: Limit {excess.limit}, Used {excess.used}, Requested "
        f"{excess.requested}. Please try again in {shown(excess.wait)}. {_LEARN}"
    )
    headers = {
        "retry-after": str(max(1, round(excess.wait))),
        "retry-after-ms": str(int(excess.wait * 1000) + 1),
    }
    return error(429, message, excess.kind, code="rate_limit_exceeded", headers=headers)


def no_credit() -> Answer:
    """The account is empty: a 429 that no waiting cures."""
    return error(
        429,
        "You exceeded your current quota, please check your plan and billing details. For more "
        "information on this error, read the docs: "
        "https://platform.openai.com/docs/guides/error-codes/api-errors.",
        "insufficient_quota",
        code="insufficient_quota",
    )


def broken() -> Answer:
    """OpenAI's own fault."""
    return error(
        500,
        "The server had an error while processing your request. Sorry about that! You can retry "
        "your request, or contact us through our help center at help.openai.com if the error "
        "persists.",
        "server_error",
    )


def overloaded() -> Answer:
    """OpenAI is too busy with everybody."""
    return error(503, "The engine is currently overloaded, please try again later", "server_error")


def proxy_page() -> Answer:
    """What a proxy in between says instead, with status 200."""
    page = b"<!doctype html><html><body><h1>Sign in to the network</h1></body></html>"
    return Answer(200, page, media_type="text/html; charset=utf-8")
