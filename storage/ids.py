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
_PLACE_BITS, _TAIL_BITS = 20, 14
_BATCH = (1 << 62 - _PLACE_BITS - _TAIL_BITS) - 1


def new_ids(now: datetime, count: int) -> list[UUID]:
    """Make ``count`` ascending ids of the moment ``now`` (aware); those of later moments follow."""
    noise = os.urandom(8 * count)
    tails = (int.from_bytes(noise[at : at + 8]) & _NOISE for at in range(0, len(noise), 8))
    head = _head(now)
    return [UUID(int=head | tail) for tail in sorted(tails)]


def batch_ids(now: datetime, count: int, batch: int) -> list[UUID]:
    """Make ids as `new_ids` does, which also follow those of earlier batches of the same moment.

    Args:
        count: 1,048,576 at most.
        batch: a number that grows from batch to batch, wherever they are made.
    """
    if count > 1 << _PLACE_BITS:
        raise ValueError(f"a batch has {1 << _PLACE_BITS} ids at most, not {count}")
    head = _head(now) | (batch & _BATCH) << _PLACE_BITS + _TAIL_BITS
    noise = os.urandom(2 * count)
    tails = (int.from_bytes(noise[2 * n : 2 * n + 2]) >> 16 - _TAIL_BITS for n in range(count))
    return [UUID(int=head | n << _TAIL_BITS | tail) for n, tail in enumerate(tails)]


def new_id(now: datetime) -> UUID:
    """Make one id."""
    return new_ids(now, 1)[0]


def _head(now: datetime) -> int:
    millis, rest = divmod((now - _EPOCH) // timedelta(microseconds=1), 1000)
    return millis << 80 | _VERSION_7 | (rest * 4096 // 1000) << 64 | _VARIANT
