"""Splitting a name that came in one piece."""

_BEFORE = frozenset(
    ("mr", "mrs", "ms", "miss", "mx", "dr", "prof", "herr", "frau", "m", "mme", "mlle", "sr", "sra")
)
_AFTER = frozenset(("jr", "sr", "ii", "iii", "iv", "phd", "md", "mba", "msc", "bsc", "esq", "cpa"))
_PARTICLES = frozenset(
    (
        *("van", "von", "vom", "zu", "zum", "zur", "de", "del", "della", "di", "da", "dos", "das"),
        *("du", "le", "la", "ter", "ten", "den", "der", "bin", "ibn", "al", "el", "st"),
    )
)


def split_name(text: str) -> tuple[str | None, str | None]:
    """Return first and last name; of a single word the first alone.

    "van Beethoven, Ludwig" and "Ludwig van Beethoven" give the same. Titles before and after are
    left out. Where names are written otherwise, the last word is the last name.
    """
    last, comma, first = text.partition(",")
    if comma and first.strip() and _bare(first) not in _AFTER:
        return " ".join(_words(first)) or None, " ".join(_words(last)) or None
    words = _words(last)
    if len(words) < 2:
        return (words[0] if words else None), None
    at = next((n for n, w in enumerate(words[1:-1], 1) if w.lower() in _PARTICLES), len(words) - 1)
    return " ".join(words[:at]), " ".join(words[at:])


def _words(text: str) -> list[str]:
    words = text.split()
    while len(words) > 1 and _bare(words[0]) in _BEFORE:
        words.pop(0)
    while len(words) > 1 and _bare(words[-1]) in _AFTER:
        words.pop()
    return words


def _bare(word: str) -> str:
    return word.strip(" .,").replace(".", "").lower()
