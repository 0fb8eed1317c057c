"""How a profile is said in a vendor's words, and how a vendor's words are read.

A word of ours that a vendor does not have is told, never dropped in silence: either others are
asked for beside it (and it is told apart on the answers), or it cannot be asked for there.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from policies.country_names import NAMES

LONGEST = 300
"""Characters of a text that is kept of what a vendor says."""
_BREAKS = frozenset({"Cc", "Zl", "Zp"})
_HIDDEN = frozenset({"Cf", "Cs", "Co", "Cn"})
"""Format (also what turns the direction of writing), surrogates, what is no character."""
_KEPT = frozenset("\u200c\u200d")
"""Joiners: Persian and Indian names are written with them."""


@dataclass(frozen=True, slots=True)
class Expressed:
    """A list of ours in a vendor's words.

    Attributes:
        words: of the vendor; none means that it is not asked for.
        notes: what is not said by them, in plain words.
    """

    words: tuple[str, ...]
    notes: tuple[str, ...] = ()


def express(
    ours: Sequence[str],
    table: Mapping[str, Sequence[str]],
    kind: str,
    *,
    broader: Mapping[str, str] | None = None,
) -> Expressed:
    """Say words of ours in a vendor's.

    If it has none for any of them, it is asked without, and the answers are checked. If it has
    some, only those are asked for: who is meant by the others is not found there.

    Args:
        table: the vendor's words by ours.
        kind: what the words are, such as ``seniority``.
        broader: what is asked for, where that is more than the word of ours.
    """
    known = [word for word in ours if table.get(word)]
    unknown = [word for word in ours if not table.get(word)]
    words = tuple(dict.fromkeys(theirs for word in known for theirs in table[word]))
    notes: list[str] = []
    if unknown:
        outcome = "not found here" if known else "checked on the answers"
        notes.append(f"{kind} {_listed(unknown)}: {outcome}")
    for word in known:
        if (wider := (broader or {}).get(word)) is not None:
            notes.append(f"{kind} {word.replace('_', ' ')}: asked for as {wider}")
    return Expressed(words, tuple(notes))


def reversed_words(
    table: Mapping[str, Sequence[str]], *, preferred: Sequence[str] = ()
) -> dict[str, str]:
    """Our word for each of a vendor's; the first that has it, those ``preferred`` before."""
    order = (*preferred, *(word for word in table if word not in preferred))
    found: dict[str, str] = {}
    for ours in order:
        for theirs in table[ours]:
            found.setdefault(theirs.lower(), ours)
    return found


def clean(text: object, longest: int = LONGEST) -> str:
    """Return a stranger's text on one line, without what hides from the eye, cut to ``longest``.

    What is no text is none.
    """
    if not isinstance(text, str):
        return ""
    shown = map(_shown, text[: longest * 4])
    return " ".join("".join(shown).split())[:longest].strip()


def _shown(character: str) -> str:
    kind = unicodedata.category(character)
    if kind in _BREAKS:
        return " "
    return "" if kind in _HIDDEN and character not in _KEPT else character


def _listed(words: Sequence[str]) -> str:
    return ", ".join(word.replace("_", " ") for word in words)


def _country_names() -> Mapping[str, str]:
    """English names by code, as vendors write them."""
    lines = (line.split("|") for line in NAMES.replace("\n    ", " ").strip().splitlines())
    return {code.upper(): _titled(name) for code, _, name, *_ in lines} | _OTHERWISE


def _titled(name: str) -> str:
    return " ".join(w if w in {"and", "of", "the"} else w.capitalize() for w in name.split())


_OTHERWISE = {
    "CD": "Democratic Republic of the Congo",
    "CI": "Cote d'Ivoire",
    "CN": "China",
    "MK": "North Macedonia",
    "VI": "U.S. Virgin Islands",
}
COUNTRY_NAMES = _country_names()
