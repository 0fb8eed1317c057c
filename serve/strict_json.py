"""JSON as it must be read at the edge: nothing that two readers could understand differently.

Refused beside what is not JSON: duplicate keys, NUL (which PostgreSQL cannot store), numbers that
are not finite, nesting deeper than 64 and objects of more than 10,000 keys.

Sources:
    orjson sorts all 283 files of JSONTestSuite rightly but keeps the last of duplicate keys;
    Python's own reader tells of them, and raises RecursionError on deep input: measured.
"""

import json
import math
from typing import Any

import orjson

from serve.problems import Problem

DEEPEST = 64
MOST_KEYS = 10_000


def loads(body: bytes) -> Any:  # noqa: ANN401
    """Read one JSON text.

    Raises:
        Problem: 400 ``malformed_json``.
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise _malformed(f"it is not JSON at character {error.pos}") from None
    _check(value)
    _refuse_duplicates(body)
    return value


def _check(value: Any) -> None:  # noqa: ANN401
    """Walk through ``value`` level by level, so that no depth can exhaust the stack."""
    level: list[Any] = [value]
    for _ in range(DEEPEST + 1):
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                if len(item) > MOST_KEYS:
                    raise _malformed(f"an object has more than {MOST_KEYS:,} keys")
                below.extend(item)
                below.extend(item.values())
            elif isinstance(item, list):
                below.extend(item)
            elif isinstance(item, str):
                if "\0" in item:
                    raise _malformed("it holds the character NUL")
            elif isinstance(item, float) and not math.isfinite(item):
                raise _malformed("it holds a number that is not finite")
        if not below:
            return
        level = below
    raise _malformed(f"it is nested deeper than {DEEPEST}")


def _refuse_duplicates(body: bytes) -> None:
    # Numbers were checked by orjson; reading hundreds of digits here would be refused by Python.
    json.loads(body.decode(), object_pairs_hook=_pairs, parse_int=len, parse_float=len)


def _pairs(pairs: list[tuple[str, Any]]) -> int:
    if len({key for key, _ in pairs}) != len(pairs):
        raise _malformed("a key stands twice in one object")
    return 0


def _malformed(why: str) -> Problem:
    return Problem(400, "malformed_json", f"The body cannot be read as JSON: {why}.")
