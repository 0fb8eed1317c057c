"""What the sandboxed lead vendors' tests share: a call that fails, and how it should."""

from collections.abc import Awaitable
from datetime import timedelta

import pytest

from agents.errors import VendorError
from agents.vendors.answers import NOT_THE_VENDOR
from agents.vendors.refusals import AWAY, BUSY

PATIENCE = timedelta(seconds=20)
IMPATIENCE = timedelta(seconds=0.3)
TURNED_AWAY = [
    ("429", timedelta(seconds=1), True, False),
    ("429_date", timedelta(seconds=3), True, False),
    ("429_no_header", BUSY, True, False),
    ("500", AWAY, False, True),
    ("503", AWAY, False, True),
    ("html", NOT_THE_VENDOR, False, True),
    ("wrong_shape", NOT_THE_VENDOR, False, True),
    ("disconnect", AWAY, False, True),
]
"""A fault mode; the longest wait that is asked for; whether it is throttled, or in doubt."""


async def failure(call: Awaitable[object]) -> VendorError:
    """The error with which a call ends."""
    with pytest.raises(VendorError) as caught:
        await call
    return caught.value
