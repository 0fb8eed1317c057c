"""The rate limits that vendors announce in the headers of their answers.

Sources:
    UpLead: ``X-RateLimit-Limit``, ``-Remaining``, ``-Reset`` (epoch seconds), a minute.
    ZoomInfo: ``X-RateLimit-Limit-Second|Hour|Day`` and ``-Remaining-…``; -1 is unknown. With a 429
        ``X-RateLimit-Rejected-Bucket`` and ``X-RateLimit-Reset``.
    Salesforce: ``Sforce-Limit-Info: api-usage=18/5000``, 24 hours.
    (reference/uplead.md, zoominfo.md, salesforce.md, read 2026-11-22.)
"""

import re
from collections.abc import Mapping
from datetime import timedelta

from agents.vendors.retry_after import LONGEST_WAIT, date, number
from policies.pacing import Allowance, Window

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
_PERIODS = {
    "second": timedelta(seconds=1),
    "minute": MINUTE,
    "hour": timedelta(hours=1),
    "day": DAY,
}
_EPOCH = 1_000_000_000.0
"""A reset above it is a moment in epoch seconds, one below a number of seconds."""
_USAGE = re.compile(r"api-usage=([0-9]{1,12})/([0-9]{1,12})")


def read(headers: Mapping[str, str]) -> Allowance:
    """What ``X-RateLimit-*`` says, by window; a window without a name is a minute."""
    windows = [_window(headers, f"-{name}", period) for name, period in _PERIODS.items()]
    if not any(window is not None for window in windows):
        windows = [_window(headers, "", MINUTE)]
    return Allowance(tuple(window for window in windows if window is not None))


def read_salesforce(headers: Mapping[str, str]) -> Allowance:
    """What ``Sforce-Limit-Info`` says of the calls of a day."""
    found = _USAGE.search(headers.get("sforce-limit-info", ""))
    if found is None:
        return Allowance()
    used, allowed = int(found[1]), int(found[2])
    return Allowance((Window(DAY, allowed, max(0, allowed - used)),))


def _window(headers: Mapping[str, str], suffix: str, period: timedelta) -> Window | None:
    limit = _count(headers, f"x-ratelimit-limit{suffix}")
    remaining = _count(headers, f"x-ratelimit-remaining{suffix}")
    if limit is None and remaining is None:
        return None
    return Window(period, limit, remaining, _resets_in(headers, suffix))


def _count(headers: Mapping[str, str], name: str) -> int | None:
    """A count of calls; what is negative (ZoomInfo's -1) or no number is unknown."""
    value = number(headers.get(name, "").strip())
    return None if value is None else int(value)


def _resets_in(headers: Mapping[str, str], suffix: str) -> timedelta | None:
    value = number(headers.get(f"x-ratelimit-reset{suffix}", "").strip())
    if value is None:
        return None
    if value < _EPOCH:
        return min(timedelta(seconds=value), LONGEST_WAIT)
    now = date(headers.get("date", ""))
    if now is None:
        return None
    return min(max(timedelta(seconds=value - now.timestamp()), timedelta()), LONGEST_WAIT)
