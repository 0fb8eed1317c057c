"""Row ids that grow with time: indexes grow at their end, rows keep the order they came in.

Sources:
    RFC 9562, section 5.7 (UUID version 7) and 6.2 method 3 (a finer clock in ``rand_a``).
"""

import os
from datetime import UTC, datetime, timedelta
from uuid import UUID

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_VERSION_7 = 7 << 76
_VARIANT = 2 << 62
_NOISE = (1 << 62) - 1


def new_ids(now: datetime, count: int) -> list[UUID]:
    """Make ``count`` ascending ids of the moment ``now`` (aware); those of later moments follow."""
    micros = (now - _EPOCH) // timedelta(microseconds=1)
    millis, rest = divmod(micros, 1000)
    head = millis << 80 | _VERSION_7 | (rest * 4096 // 1000) << 64 | _VARIANT
    noise = os.urandom(8 * count)
    parts = (int.from_bytes(noise[at : at + 8]) & _NOISE for at in range(0, len(noise), 8))
    return [UUID(int=head | part) for part in sorted(parts)]


def new_id(now: datetime) -> UUID:
    """Make one id."""
    return new_ids(now, 1)[0]
