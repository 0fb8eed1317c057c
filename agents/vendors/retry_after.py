"""How long a vendor asks us to wait.

Sources: RFC 9110, section 10.2.3 (``Retry-After``: seconds or an HTTP date).
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

LONGEST_WAIT = timedelta(days=1)
"""No header makes us wait longer."""
_NUMBER = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?")


def retry_after(headers: Mapping[str, str]) -> timedelta | None:
    """What ``Retry-After`` asks for, from nothing to a day; None if there is none to read.

    A date is measured by the vendor's own clock (``Date``): ours may differ.
    """
    text = headers.get("retry-after", "").strip()
    wait = seconds(text)
    return bounded(wait if wait is not None else _until(text, headers))


def seconds(text: str) -> timedelta | None:
    """Read a number of seconds that is not negative; None if it is none."""
    value = number(text)
    return None if value is None else timedelta(seconds=value)


def number(text: str) -> float | None:
    """Read a number that is not negative, as plain digits; None if it is none."""
    return float(text) if _NUMBER.fullmatch(text) else None


def bounded(wait: timedelta | None) -> timedelta | None:
    """Keep a wait between nothing and ``LONGEST_WAIT``."""
    return None if wait is None else min(max(wait, timedelta()), LONGEST_WAIT)


def date(text: str) -> datetime | None:
    """Read an HTTP date (aware); None if it is none."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, IndexError, OverflowError, TypeError):
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC)


def _until(text: str, headers: Mapping[str, str]) -> timedelta | None:
    then, now = date(text), date(headers.get("date", ""))
    return None if then is None or now is None else then - now
