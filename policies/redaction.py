"""Text that strangers wrote, without what must not be shown: people, and what hides from the eye.

Sources:
    Invisible instructions: Unicode tag characters and zero-width text, OWASP LLM01 (2026).
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

LONGEST_READ = 20_000
"""Characters of one text that are looked at; the rest is left out."""
_SHORTEST_NUMBER = 7
"""Digits of a telephone number that identify it in a number without any signs."""
_SHORTEST_WORD = 2


@dataclass(frozen=True, slots=True)
class Secrets:
    """What one person is recognised by.

    Attributes:
        words: their names, as `_key` has them.
        phrases: addresses, and names of scripts that do not part words, as they are written.
        numbers: the last digits of their telephone numbers.
    """

    words: frozenset[str]
    phrases: tuple[str, ...]
    numbers: tuple[str, ...]


def secrets_of(personal: Iterable[str]) -> Secrets:
    """What `redact` is to find, given a person's names, e-mail addresses and telephone numbers."""
    words: set[str] = set()
    phrases: set[str] = set()
    numbers: set[str] = set()
    for text in map(visible, personal):
        local, at, _ = text.strip().partition("@")
        digits = "".join(c for c in text if c.isdecimal())
        if at:
            phrases |= {text.strip(), local} if _SEPARATED.fullmatch(local) else {text.strip()}
        elif any(c.isalpha() for c in text):
            names = text.split()
            words |= {_key(token) for name in names for token in _TOKEN.findall(name)}
            phrases |= {name for name in names if not _is_word(name)}
        elif len(digits) >= _SHORTEST_NUMBER:
            phrases.add(text.strip())
            numbers.add(digits[-_SHORTEST_NUMBER:])
    return Secrets(
        frozenset(word for word in words if len(word) >= _SHORTEST_WORD and not word.isdecimal()),
        tuple(sorted((p for p in phrases if len(p) >= _SHORTEST_WORD), key=len, reverse=True)),
        tuple(sorted(numbers)),
    )


def redact(text: str, secrets: Secrets, limit: int) -> str:
    """``text`` on one line without e-mail addresses, telephone numbers and the person's words.

    Args:
        limit: characters that are kept at most.
    """
    shown = _cut(" ".join(visible(text).split()), 4 * limit)
    shown = _PHONE.sub("[phone]", _EMAIL.sub("[email]", shown))
    folded = shown.casefold()
    for phrase in secrets.phrases:
        if phrase.casefold() in folded:
            shown = re.sub(_standing(phrase), "[redacted]", shown, flags=re.IGNORECASE)
    if secrets.words:
        shown = _TOKEN.sub(
            lambda found: "[redacted]" if _key(found[0]) in secrets.words else found[0], shown
        )
    return shown[:limit]


def is_number_of(value: float, secrets: Secrets) -> bool:
    """Say whether a plain number is the person's telephone number."""
    digits = f"{value:.0f}"
    return any(number in digits for number in secrets.numbers)


def plain(text: str, limit: int) -> str:
    """``text`` without markup, links, control and invisible characters, cut to ``limit``."""
    shown = visible(text[: 4 * limit])
    for pattern, kept in ((_MARKUP_LINK, r"\1"), (_TAG, " "), (_LINK, " ")):
        before = ""
        while before != shown:
            before, shown = shown, pattern.sub(kept, shown)
    shown = " ".join(shown.replace("<", " ").replace(">", " ").split())
    return shown if len(shown) <= limit else shown[: limit - 1].rstrip() + "…"


def visible(text: str) -> str:
    """``text`` in NFKC without control, format, variation and tag characters."""
    text = text[:LONGEST_READ]
    if text.isascii() and text.isprintable():
        return text
    folded = unicodedata.normalize("NFKC", text)
    return "".join(" " if c in "\n\r\t" else c for c in folded if c in "\n\r\t" or not _hidden(c))


def _hidden(character: str) -> bool:
    return (
        unicodedata.category(character) in {"Cc", "Cf", "Co", "Cs", "Cn"}
        or "\ufe00" <= character <= "\ufe0f"
        or "\U000e0100" <= character <= "\U000e01ef"
        or character in _BLANK
    )


_BLANK = "\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\u034f"
"""Letters and marks that show nothing."""


def _cut(text: str, most: int) -> str:
    """``text`` without its end, and without the word that the cut would halve."""
    if len(text) <= most:
        return text
    return text[:most].rpartition(" ")[0] or text[:most]


def _key(token: str) -> str:
    """A word as others may write it too: without case and accents, with ss for ß."""
    if token.isascii():
        return token.casefold()
    apart = unicodedata.normalize("NFD", token)
    return "".join(c for c in apart if not unicodedata.combining(c)).casefold()


def _is_word(name: str) -> bool:
    return _TOKEN.fullmatch(name) is not None and not any(map(_unparted, name))


def _standing(word: str) -> str:
    """A pattern for ``word`` not as a part of a longer one, where words are parted at all."""
    before = "" if _unparted(word[0]) else r"(?<![^\W_])"
    after = "" if _unparted(word[-1]) else r"(?![^\W_])"
    return before + re.escape(word) + after


def _unparted(character: str) -> bool:
    """Say whether its script writes words without spaces (Thai, Lao, Burmese, Khmer, CJK)."""
    return (
        "\u0e00" <= character <= "\u109f"
        or "\u1780" <= character <= "\u17ff"
        or (character >= "\u2e80")
    )


_EMAIL = re.compile(r"[^\s@<>\"']+@[^\s@<>\"']+\.\w+")
_PHONE = re.compile(r"(?<!\d)(?<!\d-)(?!\d{4}-\d{2}-\d{2}(?!\d))\+?\d[\d\s().\-/]{7,}\d")
_TAG = re.compile(r"<[^<>]*>")
_MARKUP_LINK = re.compile(r"!?\[([^\[\]]*)\]\((?:[^()]|\([^()]*\))*\)")
_LINK = re.compile(
    r"(?:\b\w+://|\bwww\.|\b(?:javascript|data|mailto):)\S*"
    r"|\b(?:[\w-]+(?:\.|\[\.\]|\(\.\)))+(?:[a-z]{2,24})\b(?:/\S*)?",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"[^\W_](?:[^\W_]|[\u0300-\u036f])*")
_SEPARATED = re.compile(r"\w+[.\-+]\w[\w.\-+]*")
