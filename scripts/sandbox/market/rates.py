"""How well each vendor knows the market, by segment.

These numbers are our own assumptions, not measurements of anybody: they say no more than that
UpLead checks an address when it hands it out, that ZoomInfo knows more people at large American
companies than at small European ones, and that a small company is known less well than a large
one. Whoever compares vendors for real money must measure them on real records.
"""

from collections.abc import Mapping
from dataclasses import dataclass

VENDORS = ("uplead", "zoominfo")
Segment = tuple[str, str]
"""Region (``us``, ``eu``, ``other``) and size (``small``, ``mid``, ``large``) of the company."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Shares, 0 to 1.

    Attributes:
        coverage: of the people whom it knows at all.
        behind: of those who changed their employer and of whom it still tells the former one.
        guessed: of the others whose address it has made up from a wrong pattern.
        no_email: of the people known without an address.
        unsure: of the addresses about which it can say nothing.
        phone: of the people whose number it has, if they have one.
    """

    coverage: float
    behind: float
    guessed: float
    no_email: float
    unsure: float
    phone: float


@dataclass(frozen=True, slots=True)
class Verifier:
    """How good a vendor is at telling good addresses from bad ones; shares, 0 to 1.

    Attributes:
        bad_called_valid: of addresses that bounce.
        good_called_invalid: of addresses that do not.
        duplicates: of records that it has twice.
    """

    bad_called_valid: float
    good_called_invalid: float
    duplicates: float


# coverage, behind, guessed, no_email, unsure, phone
RATES: Mapping[str, Mapping[Segment, Rates]] = {
    "uplead": {
        ("us", "small"): Rates(0.55, 0.45, 0.06, 0.05, 0.07, 0.45),
        ("us", "mid"): Rates(0.62, 0.40, 0.05, 0.04, 0.06, 0.50),
        ("us", "large"): Rates(0.64, 0.40, 0.05, 0.04, 0.08, 0.50),
        ("eu", "small"): Rates(0.34, 0.55, 0.10, 0.08, 0.12, 0.25),
        ("eu", "mid"): Rates(0.48, 0.50, 0.08, 0.06, 0.10, 0.30),
        ("eu", "large"): Rates(0.58, 0.45, 0.07, 0.05, 0.10, 0.35),
        ("other", "small"): Rates(0.36, 0.55, 0.10, 0.08, 0.12, 0.25),
        ("other", "mid"): Rates(0.46, 0.50, 0.08, 0.06, 0.10, 0.30),
        ("other", "large"): Rates(0.55, 0.45, 0.07, 0.05, 0.10, 0.35),
    },
    "zoominfo": {
        ("us", "small"): Rates(0.60, 0.40, 0.06, 0.10, 0.06, 0.55),
        ("us", "mid"): Rates(0.78, 0.30, 0.04, 0.06, 0.04, 0.65),
        ("us", "large"): Rates(0.86, 0.25, 0.03, 0.04, 0.04, 0.70),
        ("eu", "small"): Rates(0.22, 0.60, 0.14, 0.22, 0.12, 0.25),
        ("eu", "mid"): Rates(0.46, 0.50, 0.09, 0.14, 0.09, 0.40),
        ("eu", "large"): Rates(0.66, 0.40, 0.06, 0.08, 0.07, 0.50),
        ("other", "small"): Rates(0.28, 0.60, 0.13, 0.20, 0.11, 0.25),
        ("other", "mid"): Rates(0.48, 0.50, 0.09, 0.13, 0.09, 0.40),
        ("other", "large"): Rates(0.66, 0.40, 0.06, 0.08, 0.07, 0.50),
    },
}
VERIFIERS: Mapping[str, Verifier] = {
    "uplead": Verifier(bad_called_valid=0.08, good_called_invalid=0.02, duplicates=0.010),
    "zoominfo": Verifier(bad_called_valid=0.35, good_called_invalid=0.01, duplicates=0.006),
}
MOVED = 0.12
"""People who changed their employer within a year."""
OPTED_OUT = {"us": 0.015, "eu": 0.030, "other": 0.020}
"""People who objected to being sold, of whom ZoomInfo tells only this."""
CATCH_ALL = {"small": 0.10, "mid": 0.15, "large": 0.20}
"""Companies whose mail server takes every address."""
