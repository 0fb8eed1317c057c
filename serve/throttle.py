"""How often one caller may ask, counted in this process.

Several replicas each keep their own count: the limit of all is the sum. Windows are fixed; what
is left is told in the headers of the draft on RateLimit fields.

Sources:
    draft-ietf-httpapi-ratelimit-headers-10 (RateLimit-Policy and RateLimit).
"""

import time
from collections.abc import MutableMapping
from typing import Any

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from serve.dependencies import Limits
from serve.problems import Problem

MINUTE = 60


class Throttle:
    """Counts requests by key and failed attempts by address."""

    def __init__(self, limits: Limits) -> None:
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._requests = RateLimitItemPerMinute(limits.requests, namespace="requests")
        self._costly = RateLimitItemPerMinute(limits.costly, namespace="costly")
        self._failed = RateLimitItemPerMinute(limits.failed, namespace="failed")

    def count(self, key_id: str, state: MutableMapping[str, Any], *, costly: bool) -> None:
        """Count one request of a key, and tell in ``state["headers"]`` what is left.

        Raises:
            Problem: 429.
        """
        item = self._costly if costly else self._requests
        granted = self._limiter.hit(item, key_id)
        headers = self._headers(item, key_id)
        state["headers"] = state.get("headers", {}) | headers
        if not granted:
            raise _too_many(headers, "This key asks too often.")

    def count_failure(self, address: str) -> None:
        """Count an attempt with a bad key.

        Raises:
            Problem: 429 once there were too many.
        """
        if not self._limiter.hit(self._failed, address):
            headers = self._headers(self._failed, address)
            raise _too_many(headers, "Too many attempts with a bad key from this address.")

    def _headers(self, item: RateLimitItem, who: str) -> dict[str, str]:
        stats = self._limiter.get_window_stats(item, who)
        wait = min(max(round(stats.reset_time - time.time()), 1), MINUTE)
        name = item.namespace
        return {
            "RateLimit-Policy": f'"{name}";q={item.amount};w={MINUTE}',
            "RateLimit": f'"{name}";r={max(stats.remaining, 0)};t={wait}',
        }


def _too_many(headers: dict[str, str], what: str) -> Problem:
    wait = headers["RateLimit"].rsplit("t=", 1)[1]
    detail = f"{what} Try again in {wait} seconds."
    return Problem(429, "rate_limited", detail, headers=headers | {"Retry-After": wait})
