"""What sealing, blinding and tokenising cost: microseconds a value, on one core.

Beside each stands what it is measured against in the same run: the bare AES-256-GCM call, and the
HMAC-SHA-256 that ``storage.sealing`` passes over for BLAKE2b.
"""

import hmac
import json
import os
from collections.abc import Callable
from statistics import median
from time import perf_counter
from uuid import UUID, uuid4

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from storage.sealing import NONCE_BYTES, Sealer

VALUES = 20_000
ROUNDS = 5
COLUMN = "leads.email"

KEY, NONCE = bytes(range(32)), bytes(NONCE_BYTES)


def run() -> dict[str, float]:
    """Return the median microseconds a value of every operation, by name."""
    sealer = _sealer()
    rows = [uuid4() for _ in range(VALUES)]
    texts = [f"jane.doe.{number}@example.com" for number in range(VALUES)]
    return _sealing(sealer, rows, texts) | _blinding(sealer, texts) | _tokenising([*map(str, rows)])


def _sealing(sealer: Sealer, rows: list[UUID], texts: list[str]) -> dict[str, float]:
    values = list(zip(rows, texts, sealer.seal_many(COLUMN, rows, texts), strict=True))
    encrypt, bound_to, plain = AESGCM(KEY).encrypt, bytes(30), texts[0].encode()
    return {
        "aes_gcm_alone": _micros(lambda: [encrypt(NONCE, plain, bound_to) for _ in texts]),
        "seal_many": _micros(lambda: sealer.seal_many(COLUMN, rows, texts)),
        "seal": _micros(lambda: [sealer.seal(COLUMN, row, text) for row, text, _ in values]),
        "open": _micros(lambda: [sealer.open(COLUMN, row, blob) for row, _, blob in values]),
    }


def _blinding(sealer: Sealer, texts: list[str]) -> dict[str, float]:
    return {
        "hmac_sha256_alone": _micros(
            lambda: [hmac.digest(KEY, text.encode(), "sha256") for text in texts]
        ),
        "blind_many": _micros(lambda: sealer.blind_many("email", texts)),
        "blind": _micros(lambda: [sealer.blind("email", text) for text in texts]),
    }


def _tokenising(names: list[str]) -> dict[str, float]:
    """A new person is one whose two names (eight letters each) no one had before."""
    first, last = [name[:8] for name in names], [name[-8:] for name in names]
    known = _sealer()
    return {
        "tokens_new": _micros(lambda: [*map(_sealer().name_tokens, first, last)]),
        "tokens_known": _micros(lambda: [known.name_tokens("Jonathan", "Smithson") for _ in names]),
        "name_query": _micros(lambda: [known.name_query("jon smi") for _ in names]),
    }


def _sealer() -> Sealer:
    return Sealer({1: KEY}, 1, os.urandom(32))


def _micros(work: Callable[[], object]) -> float:
    return round(median(_seconds(work) for _ in range(ROUNDS)) / VALUES * 1e6, 2)


def _seconds(work: Callable[[], object]) -> float:
    start = perf_counter()
    work()
    return perf_counter() - start


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
