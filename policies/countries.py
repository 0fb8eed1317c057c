"""Countries by any of their usual names, and the time zones people there live in."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

import phonenumbers
from phonenumbers import NumberParseException, timezone

from policies.country_names import NAMES


@lru_cache(4096)
def country_code(text: str) -> str | None:
    """Return the ISO 3166-1 alpha-2 code of a country by code or name; None if it names none."""
    return _codes().get(folded(text))


def country_of_phone(e164: str) -> str | None:
    """Return the country in which a number is dialled without its country code."""
    try:
        region = phonenumbers.region_code_for_number(phonenumbers.parse(e164, None))
    except NumberParseException:
        return None
    return region if region is not None and len(region) == 2 and region.isalpha() else None


@dataclass(frozen=True, slots=True)
class Zone:
    """An IANA time zone, and how sure it is (0 to 1)."""

    name: str
    confidence: float


def zone_of_phone(e164: str) -> Zone | None:
    """Return the time zone that a number belongs to; None if it tells nothing."""
    try:
        number = phonenumbers.parse(e164, None)
    except NumberParseException:
        return None
    zones = timezone.time_zones_for_geographical_number(number)
    return _likeliest(zones, country_of_phone(e164))


@lru_cache(512)
def zone_of_country(code: str) -> Zone | None:
    """Return the time zone in which most people of a country live; None if unknown."""
    if main := MAIN_ZONES.get(code):
        return Zone(main, _MOST_LIVE_THERE)
    example = phonenumbers.example_number(code)
    return _likeliest(timezone.time_zones_for_number(example), code) if example else None


def _likeliest(zones: Sequence[str], country: str | None) -> Zone | None:
    known = [zone for zone in zones if zone != timezone.UNKNOWN_TIMEZONE]
    if len(known) == 1:
        return Zone(_TODAY.get(known[0], known[0]), _ONE_ZONE)
    main = MAIN_ZONES.get(country or "")
    if main in known:
        return Zone(main, _MOST_LIVE_THERE)
    return None


def folded(text: str) -> str:
    """Return words without case, accents and punctuation, one space between them."""
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text.translate(_LETTERS)).casefold()
        text = "".join(c for c in text if not unicodedata.combining(c))
    return " ".join(_WORD.findall(text.casefold()))


@cache
def _codes() -> dict[str, str]:
    table: dict[str, str] = {}
    for line in NAMES.replace("\n    ", " ").strip().splitlines():
        code, *names = line.split("|")
        table |= dict.fromkeys((code, *names), code.upper())
    return table


MAIN_ZONES = {
    "AR": "America/Buenos_Aires",
    "AU": "Australia/Sydney",
    "BR": "America/Sao_Paulo",
    "CA": "America/Toronto",
    "CD": "Africa/Kinshasa",
    "CL": "America/Santiago",
    "CN": "Asia/Shanghai",
    "CY": "Asia/Nicosia",
    "DK": "Europe/Copenhagen",
    "EC": "America/Guayaquil",
    "ES": "Europe/Madrid",
    "FI": "Europe/Helsinki",
    "FR": "Europe/Paris",
    "GB": "Europe/London",
    "ID": "Asia/Jakarta",
    "IT": "Europe/Rome",
    "KZ": "Asia/Almaty",
    "MN": "Asia/Ulaanbaatar",
    "MX": "America/Mexico_City",
    "MY": "Asia/Kuala_Lumpur",
    "NO": "Europe/Oslo",
    "NZ": "Pacific/Auckland",
    "PT": "Europe/Lisbon",
    "RU": "Europe/Moscow",
    "UA": "Europe/Kyiv",
    "US": "America/New_York",
    "UZ": "Asia/Tashkent",
}
"""Where most people live, of countries with several zones."""

_ONE_ZONE, _MOST_LIVE_THERE = 0.9, 0.5
_TODAY = {
    "Asia/Calcutta": "Asia/Kolkata",
    "Asia/Saigon": "Asia/Ho_Chi_Minh",
    "Asia/Katmandu": "Asia/Kathmandu",
    "Asia/Rangoon": "Asia/Yangon",
    "Europe/Kiev": "Europe/Kyiv",
}
_WORD = re.compile(r"[^\W_]+")
_LETTERS = str.maketrans({"ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "ß": "ss"})
