"""What the API is given by whoever starts it, and what it opens from that."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from storage.database import Database
from storage.sealing import Sealer

Opened: TypeAlias = AbstractAsyncContextManager[tuple[Database, Sealer]]

MEGABYTE = 2**20


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one caller may ask for.

    Attributes:
        body: bytes of a JSON body.
        json_import: bytes of a JSON import.
        csv_import: bytes of an uploaded file.
        requests: a minute and key.
        costly: a minute and key, of what works long: imports, exports, fits, verification.
        failed: a minute and address, of attempts with a bad key.
        key_cache: seconds for which a verified key is believed; a revoked one works no longer.
    """

    body: int = MEGABYTE
    json_import: int = 16 * MEGABYTE
    csv_import: int = 2048 * MEGABYTE
    requests: int = 60_000
    costly: int = 600
    failed: int = 60
    key_cache: float = 15.0


@dataclass(frozen=True, slots=True)
class Dependencies:
    """Everything the API needs from outside.

    Attributes:
        open: opens the pool and the keys, in the loop of the process that answers.
        wake: tells agents by role that there is a message; a hint that may be lost.
        clock: the time, aware UTC.
        version: of the engine.
        cursor_secret: signs page cursors; the same in every replica.
        sandboxed: vendors that are simulated.
        trusted_proxies: addresses whose X-Forwarded-For is believed (its last entry).
        webhook_secrets: what outside systems sign their webhooks with, by source.
    """

    open: Callable[[], Opened]
    wake: Callable[[Iterable[str]], None]
    clock: Callable[[], datetime]
    version: str
    cursor_secret: bytes
    sandboxed: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    trusted_proxies: frozenset[str] = frozenset()
    webhook_secrets: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
