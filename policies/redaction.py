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
        words: matches their names and addresses as whole words; None if there are none.
        numbers: the digits of their telephone numbers.
    """

    words: re.Pattern[str] | None
    numbers: tuple[str, ...]


def secrets_of(personal: Iterable[str]) -> Secrets:
    """What `redact` is to find, given a person's names, e-mail addresses and telephone numbers."""
    texts = [visible(text).strip() for text in personal]
    known = {variant for text in texts for word in _parts(text) for variant in _written(word)}
    known |= {text for text in texts if len(text) >= _SHORTEST_WORD}
    numbers = {"".join(c for c in text if c.isdecimal()) for text in texts}
    return Secrets(
        re.compile("|".join(map(_standing, sorted(known, key=len, reverse=True))), re.IGNORECASE)
        if known
        else None,
        tuple(sorted(n[-_SHORTEST_NUMBER:] for n in numbers if len(n) >= _SHORTEST_NUMBER)),
    )


def redact(text: str, secrets: Secrets, limit: int) -> str:
    """``text`` on one line without e-mail addresses, telephone numbers and the person's words.

    Args:
        limit: characters that are kept at most.
    """
    shown = _cut(" ".join(visible(text).split()), 4 * limit)
    shown = _PHONE.sub("[phone]", _EMAIL.sub("[email]", shown))
    if secrets.words is not None:
        shown = secrets.words.sub("[redacted]", shown)
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
    folded = unicodedata.normalize("NFKC", text[:LONGEST_READ])
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


def _parts(text: str) -> set[str]:
    """The words of a name; of an e-mail address what stands before the @ if it is a name."""
    local, at, _ = text.partition("@")
    if at:
        return {local} if _SEPARATED.fullmatch(local) else set()
    words = {*text.split(), *_APART.split(text)}
    return {word for word in words if len(word) >= _SHORTEST_WORD}


def _written(word: str) -> set[str]:
    """``word`` as others may write it: without accents, with ss for ß."""
    apart = unicodedata.normalize("NFD", word)
    bare = "".join(c for c in apart if not unicodedata.combining(c))
    return {word, word.casefold(), bare or word}


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
_APART = re.compile(r"[\W_]+")
_SEPARATED = re.compile(r"\w+[.\-+]\w[\w.\-+]*")
