"""Record ids: 15 characters that mind their case, or 18 that carry its checksum.

Sources: the suffix encodes, for each group of five characters, which of them are upper case
(developer.salesforce.com, "What is the difference between 15 and 18 character ids").
"""

import re

PREFIXES = {
    "Lead": "00Q",
    "Contact": "003",
    "Account": "001",
    "Opportunity": "006",
    "User": "005",
    "Organization": "00D",
    "LeadStatus": "01J",
    "OpportunityStage": "01J",
    "IngestJob": "750",
    "QueryCursor": "01g",
    "OutboundAction": "04k",
    "Notification": "04l",
}
"""The first three characters, by what the id stands for."""
POD = "8d0"
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SUFFIX = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_FORM = re.compile(r"[0-9A-Za-z]{15}(?:[A-Z0-5]{3})?\Z")
_COUNTED = 9


def to18(short: str) -> str:
    """The 18-character form of a 15-character id."""
    groups = (short[start : start + 5] for start in (0, 5, 10))
    suffix = (
        _SUFFIX[sum(1 << place for place, char in enumerate(group) if "A" <= char <= "Z")]
        for group in groups
    )
    return short + "".join(suffix)


def whole(given: str) -> str | None:
    """The 18-character form of an id of either length; None if it is no id."""
    if not _FORM.match(given):
        return None
    full = to18(given[:15])
    return full if len(given) == len(given[:15]) or full == given else None


def made(kind: str, number: int) -> str:
    """The 18-character id of the ``number``-th thing of a kind."""
    digits = ""
    for _ in range(_COUNTED):
        number, digit = divmod(number, 62)
        digits = _DIGITS[digit] + digits
    return to18(PREFIXES[kind] + POD + digits)


class IdMaker:
    """Counts ids up, each kind on its own.

    Attributes:
        counted: the number of the next one, by kind.
    """

    def __init__(self) -> None:
        self.counted: dict[str, int] = {}

    def new(self, kind: str) -> str:
        """An id that was not given before."""
        number = self.counted.get(kind, 1)
        self.counted[kind] = number + 1
        return made(kind, number * 7 + 1_000_000)
