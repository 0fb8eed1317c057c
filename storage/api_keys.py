"""Keys with which people and programs come in: kept as hashes, shown once.

A key reads ``lge_live_<id>_<secret><checksum>``. The checksum tells a mistyped or invented key
from a real one without asking the database, and scanners of leaked secrets a key from noise.

Sources:
    Prefix, checksum (CRC-32 in base 62) and its use: GitHub's token format, github.blog,
    "Behind GitHub's new authentication token formats", 2021.
    One round of SHA-256 is enough for a secret of 256 random bits; it is no password.
"""

import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from zlib import crc32

import asyncpg

from storage.database import Connection, count, driver

PREFIX = "lge_live_"
SECRET_BYTES = 32
TOUCH_EVERY = timedelta(minutes=1)

_ID_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_FORM = re.compile(r"lge_live_([a-z0-9]{8})_([A-Za-z0-9_-]{43})([0-9A-Za-z]{6})")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is kept.

    Attributes:
        id: eight letters, part of the key; no secret.
        name: whose it is, as its maker called it.
        expires_at: good until then; None is for ever.
        last_used_at: to the minute.
    """

    id: str
    name: str
    scopes: frozenset[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None

    def is_good(self, now: datetime) -> bool:
        """Whether it opens anything at ``now``."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True, slots=True)
class Presented:
    """A key that somebody shows, well-formed but not yet believed."""

    id: str
    hash: bytes


def parse(text: str) -> Presented | None:
    """Read a key; None if it is malformed or mistyped, so that nobody need ask the database."""
    match = _FORM.fullmatch(text)
    if match is None or not hmac.compare_digest(checksum(text[:-6]), match[3]):
        return None
    return Presented(match[1], _hash(match[2]))


async def create(
    db: Connection,
    name: str,
    scopes: Iterable[str],
    *,
    expires_at: datetime | None = None,
    now: datetime,
) -> tuple[ApiKey, str]:
    """Make a key; return it with its text, which nobody can show again."""
    key_id = "".join(secrets.choice(_ID_LETTERS) for _ in range(8))
    secret = urlsafe_b64encode(secrets.token_bytes(SECRET_BYTES)).decode().rstrip("=")
    text = f"{PREFIX}{key_id}_{secret}"
    row = await (await driver(db)).fetchrow(
        _CREATE, key_id, name, _hash(secret), sorted(set(scopes)), now, expires_at
    )
    if row is None:
        raise RuntimeError("the key was not kept")
    return _key(row), text + checksum(text)


async def verify(db: Connection, presented: Presented | str, *, now: datetime) -> ApiKey | None:
    """Return the key that was shown; None if it is unknown, wrong, revoked or expired.

    It takes as long for a wrong secret as for the right one.
    """
    if isinstance(presented, str):
        parsed = parse(presented)
        if parsed is None:
            return None
        presented = parsed
    row = await (await driver(db)).fetchrow("SELECT * FROM api_keys WHERE id = $1", presented.id)
    right = hmac.compare_digest(presented.hash, row["hash"] if row else bytes(len(presented.hash)))
    if row is None or not right:
        return None
    key = _key(row)
    return key if key.is_good(now) else None


async def touch(db: Connection, key: ApiKey, *, now: datetime) -> None:
    """Remember that ``key`` was used; written at most once a minute."""
    before = now - TOUCH_EVERY
    if key.last_used_at is None or key.last_used_at <= before:
        await (await driver(db)).execute(_TOUCH, key.id, now, before)


async def list_keys(db: Connection) -> list[ApiKey]:
    """Return every key, the newest first, revoked and expired ones too."""
    rows = await (await driver(db)).fetch("SELECT * FROM api_keys ORDER BY created_at DESC, id")
    return [_key(row) for row in rows]


async def revoke(db: Connection, key_id: str, *, now: datetime) -> bool:
    """Close a key for good; return whether there is one of that id."""
    return await count(await driver(db), _REVOKE, key_id, now) > 0


def _key(row: asyncpg.Record) -> ApiKey:
    return ApiKey(
        row["id"],
        row["name"],
        frozenset(row["scopes"]),
        row["created_at"],
        row["expires_at"],
        row["last_used_at"],
        row["revoked_at"],
    )


def _hash(secret: str) -> bytes:
    return sha256(secret.encode()).digest()


def checksum(text: str) -> str:
    """Return the six letters that end a key that begins with ``text``."""
    number, digits = crc32(text.encode()), ""
    while number:
        number, digit = divmod(number, len(_BASE62))
        digits = _BASE62[digit] + digits
    return digits.rjust(6, "0")


_CREATE = """
INSERT INTO api_keys (id, name, hash, scopes, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6) RETURNING *
"""
_TOUCH = """
UPDATE api_keys SET last_used_at = $2
WHERE id = $1 AND (last_used_at IS NULL OR last_used_at <= $3)
"""
_REVOKE = """
WITH closed AS (
  UPDATE api_keys SET revoked_at = coalesce(revoked_at, $2) WHERE id = $1 RETURNING 1)
SELECT count(*) FROM closed
"""
