"""LinkedIn's webhook: its challenge, its signature, and what a notification says.

A notification holds no answers: who gets one fetches the response. A signature is checked where
there is one; what LinkedIn truly says is known only by fetching it with our own token.

Sources:
    learn.microsoft.com, LinkedIn Marketing, webhook validation and Lead Sync (readings of
    2026-08-13): the signed text is the literal ``hmacsha256=`` and the body; the header is the
    bare hexadecimal digest. The prefix of the response's URN is not documented.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, Field, ValidationError

SIGNATURE_HEADER = "X-LI-Signature"
LARGEST_NOTIFICATION = 64 * 1024
_SIGNED_PREFIX = b"hmacsha256="
_CHALLENGE = re.compile(r"[\w-]{1,128}", re.ASCII)
_ID = re.compile(r"[\w-]{1,128}", re.ASCII)
OWNER = re.compile(r"urn:li:(sponsoredAccount|organization):[\w-]{1,64}", re.ASCII)


class Action(StrEnum):
    """What happened to a response."""

    CREATED = "CREATED"
    DELETED = "DELETED"


@dataclass(frozen=True, slots=True)
class Notification:
    """What LinkedIn says happened.

    Attributes:
        response_id: of the response, which is to be fetched, or erased if it was deleted.
        owner: URN of the ad account or organisation; None untold.
        lead_type: such as ``SPONSORED``; empty untold.
        occurred_at: aware UTC; None untold.
    """

    action: Action
    response_id: str
    owner: str | None = None
    lead_type: str = ""
    occurred_at: datetime | None = None


class NotificationError(ValueError):
    """It is no notification that we understand; the text says why, without a word of it."""


def challenge_answer(code: str, client_secret: str) -> dict[str, str]:
    """What a ``GET`` with ``challengeCode`` is answered within 3 s, as JSON.

    Raises:
        NotificationError: if it is no code.
    """
    if not _CHALLENGE.fullmatch(code):
        raise NotificationError("challengeCode is no code: LinkedIn sends a UUID")
    digest = hmac.new(client_secret.encode(), code.encode(), hashlib.sha256).hexdigest()
    return {"challengeCode": code, "challengeResponse": digest}


def signature(body: bytes, client_secret: str) -> str:
    """What `SIGNATURE_HEADER` holds for ``body``."""
    signed = _SIGNED_PREFIX + body
    return hmac.new(client_secret.encode(), signed, hashlib.sha256).hexdigest()


def is_signed(body: bytes, header: str, client_secret: str) -> bool:
    """Whether ``header`` is the signature of ``body``; takes the same time for any wrong one."""
    told = header.strip().lower().encode(errors="replace")
    return hmac.compare_digest(signature(body, client_secret).encode(), told)


def parse_notification(body: bytes) -> Notification:
    """Read a notification.

    Raises:
        NotificationError: if it is none.
    """
    if len(body) > LARGEST_NOTIFICATION:
        raise NotificationError(f"longer than {LARGEST_NOTIFICATION} bytes")
    try:
        told = _Notification.model_validate_json(body)
    except ValidationError:
        raise NotificationError("no JSON of a LEAD_ACTION with leadAction and response") from None
    if told.type != "LEAD_ACTION":
        raise NotificationError("its type is not LEAD_ACTION")
    return Notification(
        told.leadAction,
        response_id(told.leadGenFormResponse),
        owner_of(told.owner or {}),
        told.leadType if told.leadType.isascii() and told.leadType.isidentifier() else "",
        moment(told.occurredAt),
    )


def response_id(urn: str) -> str:
    """The id at the end of a response's URN, whatever its prefix; an id alone is one too.

    Raises:
        NotificationError: if there is none.
    """
    last = re.split(r"[:,(]", urn.rstrip(") "))[-1]
    if not _ID.fullmatch(last):
        raise NotificationError("leadGenFormResponse ends in no id")
    return last


def owner_of(owner: Mapping[str, object]) -> str | None:
    """The URN in an ``owner`` such as ``{"sponsoredAccount": "urn:li:sponsoredAccount:5"}``."""
    for name in ("sponsoredAccount", "organization"):
        urn = owner.get(name)
        if isinstance(urn, str) and OWNER.fullmatch(urn):
            return urn
    return None


def moment(milliseconds: int | None) -> datetime | None:
    """A time in epoch milliseconds (aware UTC); None if it is none that a calendar has."""
    if milliseconds is None or not 0 <= milliseconds < _LAST_MOMENT:
        return None
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


_LAST_MOMENT = 253_402_300_800_000
"""The year 10000."""
_Word = Annotated[str, Field(max_length=300)]


class _Notification(BaseModel):
    type: _Word
    leadAction: Action
    leadGenFormResponse: _Word
    leadType: _Word = ""
    owner: dict[_Word, object] | None = None
    occurredAt: int | None = None
