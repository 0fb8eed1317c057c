"""The domain of a company, from what people put into a field called website."""

import re

from policies.contact_points import normal_email

_HOST = re.compile(r"(?:[a-z][a-z0-9+.-]*:)?(?://)?(?:www\d?\.)?([^/?#:\s@]+)(?:[:/?#]\S*)?")


def domain_of(text: str) -> str | None:
    """Return the domain of a web address, without ``www.``, as A-labels; None if it has none."""
    match = _HOST.fullmatch(text.strip().lower())
    if match is None:
        return None
    normal = normal_email(f"x@{match[1].rstrip('.')}")
    return None if normal is None else normal[2:]
