"""The words of a profile as people type them, read as ours; a wrong one is told what is near.

Every function returns our word and raises `ValueError` with what to write instead.
"""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import cache

from policies.countries import country_code, folded
from policies.country_names import NAMES
from policies.enrichment import LARGEST_SIZE, SIZES
from policies.industries import INDUSTRIES, industry_of
from policies.job_titles import FUNCTIONS, SENIORITIES
from policies.regions import REGIONS
from policies.web_domains import domain_of

ALL_SIZES = (*(name for _, name in SIZES), LARGEST_SIZE)
"""Sizes of companies by employees, smallest first."""
LONGEST_WORD = 200
_NEAR = 0.7
_SHOWN = 40


def industry_word(text: str) -> str:
    """Read an industry, such as ``fintech``."""
    found = text if text in INDUSTRIES else industry_of(text)
    return found or _unknown("industry", text, _INDUSTRY_PHRASES)


def country_word(text: str) -> str:
    """Read a country or one of `REGIONS`, such as ``Germany`` or ``dach``."""
    region = text.strip().upper()
    if region in REGIONS:
        return region
    if code := country_code(text):
        return code
    return _unknown("country", text, _country_names())


def seniority_word(text: str) -> str:
    """Read a seniority, such as ``C-level``."""
    return _named("seniority", text, SENIORITIES, _SENIORITIES_CALLED)


def function_word(text: str) -> str:
    """Read a function, such as ``human resources``."""
    return _named("function", text, FUNCTIONS, _FUNCTIONS_CALLED)


def size_word(text: str) -> str:
    """Read a size of company, such as ``51-200``."""
    compact = text.replace(" ", "").replace(",", "").replace("\u2013", "-")
    return compact if compact in ALL_SIZES else _unknown("company size", text, _same(ALL_SIZES))


def title_word(text: str) -> str:
    """Read words of a title."""
    words = " ".join(text.split())
    if not folded(words) or len(words) > LONGEST_WORD:
        raise ValueError(f"a title is words, {LONGEST_WORD} characters at most")
    return words


def domain_word(text: str) -> str:
    """Read the domain of a company, such as ``https://www.example.com/``."""
    domain = domain_of(text)
    if domain is None:
        raise ValueError(f"{text[:_SHOWN]!r} is no domain: write it as example.com")
    return domain


def _named(kind: str, text: str, known: Iterable[str], called: Mapping[str, str]) -> str:
    name = folded(text).replace(" ", "_")
    found = called.get(name, name)
    return found if found in known else _unknown(kind, text, {**called, **_same(known)})


def _unknown(kind: str, text: str, meant: Mapping[str, str]) -> str:
    """Refuse a word.

    Args:
        meant: what may be written, by all that it is called.

    Raises:
        ValueError: always.
    """
    names = {folded(word): shown for word, shown in meant.items()}
    near = get_close_matches(folded(text[:LONGEST_WORD]), names, n=3, cutoff=_NEAR)
    shown = dict.fromkeys(names[name] for name in near)
    hint = " or ".join(shown) or f"one of {', '.join(sorted(set(names.values()))[:_SHOWN])}"
    raise ValueError(f"{text[:_SHOWN]!r} is no {kind} we know: write {hint}")


def _same(words: Iterable[str]) -> dict[str, str]:
    return {word: word for word in words}


@cache
def _country_names() -> dict[str, str]:
    """Codes and groups by their English names."""
    lines = (line.split("|") for line in NAMES.replace("\n    ", " ").strip().splitlines())
    return {name: code.upper() for code, _, name, *_ in lines} | _same(REGIONS)


_INDUSTRY_PHRASES = {
    phrase: name for name, called in INDUSTRIES.items() for phrase in (name, *called.split(","))
}
_SENIORITIES_CALLED = {
    "c": "c_level",
    "c_suite": "c_level",
    "csuite": "c_level",
    "clevel": "c_level",
    "cxo": "c_level",
    "executive": "c_level",
    "founder": "owner",
    "vice_president": "vp",
    "head_of": "head",
    "junior": "entry",
}
_FUNCTIONS_CALLED = {
    "hr": "hr",
    "human_resources": "hr",
    "people": "hr",
    "information_technology": "it",
    "technology": "it",
    "software": "engineering",
    "technical": "engineering",
    "accounting": "finance",
    "procurement": "purchasing",
    "supply_chain": "logistics",
    "support": "customer_service",
    "customer_success": "customer_service",
    "general_management": "executive",
    "management": "executive",
    "health": "medical",
}
