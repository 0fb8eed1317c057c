"""Page cursors: opaque, signed, and good only for the list, filter and order that made them."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from typing import TypeVar

import orjson
from pydantic import TypeAdapter, ValidationError

from serve.problems import Problem

MAC_BYTES = 16
Place = TypeVar("Place")


class Cursors:
    """Writes and reads cursors.

    Args:
        secret: signs them; the same in every replica.
    """

    def __init__(self, secret: bytes) -> None:
        self._key = hashlib.sha256(b"lead-engine cursor" + secret).digest()

    def write(self, scope: Sequence[object], place: object) -> str:
        """Return the cursor of a place (plain values or a dataclass) within ``scope``."""
        payload = orjson.dumps(place, default=str)  # the driver has a UUID of its own
        return _encode(self._mac(scope, payload) + payload)

    def read(self, scope: Sequence[object], cursor: str, kind: type[Place]) -> Place:
        """Return the place that a cursor stands for.

        Raises:
            Problem: 400 ``bad_cursor``.
        """
        try:
            return TypeAdapter(kind).validate_json(self._payload(scope, _decode(cursor)))
        except (ValueError, ValidationError, binascii.Error):
            raise Problem(
                400,
                "bad_cursor",
                "This cursor is not one of ours, or belongs to another filter or order: "
                "begin without a cursor.",
                field="cursor",
            ) from None

    def _payload(self, scope: Sequence[object], raw: bytes) -> bytes:
        mac, payload = raw[:MAC_BYTES], raw[MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(scope, payload)):
            raise ValueError("the signature is not ours")
        return payload

    def _mac(self, scope: Sequence[object], payload: bytes) -> bytes:
        bound = orjson.dumps(scope, default=str)
        text = len(bound).to_bytes(4) + bound + payload
        return hmac.digest(self._key, text, "sha256")[:MAC_BYTES]


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _decode(text: str) -> bytes:
    padded = text.encode("ascii") + b"=" * (-len(text) % 4)
    return base64.b64decode(padded, altchars=b"-_", validate=True)
