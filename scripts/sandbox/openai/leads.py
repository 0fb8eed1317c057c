"""How the sandbox's model judges a lead: by words and numbers in the document, with some noise.

Its answers are right more often than not, which is what a rehearsal needs: scores differ between
leads, follow what the leads are like, and every quote stands in the document.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import Any

import orjson

from policies.rubric import WEIGHTS, Tag

MISJUDGED = 0.15
"""Share of the levels that are one too high or too low."""
_QUOTE = 120
_CONTEXT = 40
_MIDDLE, _TOP = 2, 4

_WORDS: tuple[tuple[str, int, str, str], ...] = (
    # criterion, level, names of the fields ("" for any), words in them
    ("authority", 4, "", r"\b(?:chief|c[efimost]o|founder|owner|president|c_level)\b|managing dir"),
    ("authority", 3, "", r"\b(?:vp|vice president|director|head of|partner|executive)\b"),
    ("authority", 3, "occupation", r"businessman|working professional"),
    ("authority", 2, "title|job|role|seniority|position", r"\b(?:manager|lead|senior|management)"),
    ("authority", 1, "title|job|role|seniority|position", r"\b(?:engineer|analyst|assistant)"),
    ("authority", 0, "", r"\b(?:student|intern|unemployed|job ?seeker|trainee)\b"),
    ("fit", 3, "industry|sector|specialization|specialisation", r"[a-z]{3}"),
    ("fit", 3, "company_size|employees", r"enterprise|mid"),
    ("fit", 1, "company_size|employees", r"micro|self"),
    ("need", 4, "", r"\b(?:urgently need|struggl\w+|need to replace|pain)\b"),
    ("need", 3, "", r"\b(?:looking for|need\w*|problem\w*|replac\w+|improv\w+|better \w+)\b"),
    ("need", 0, "", r"\b(?:no need|just browsing|not interested|interested in other)\b"),
    ("intent", 4, "", r"\b(?:demo|quote|proposal|trial|pricing|will revert|reference)\b"),
    ("intent", 3, "", r"\b(?:sms sent|phone conversation|add form|contact me|call me|whatsapp)\b"),
    ("intent", 2, "activity", r"\b(?:email opened|link clicked|form submitted|page visited)\b"),
    ("intent", 0, "", r"\b(?:unsubscribed|unreachable|bounced|not interested|olark)\b"),
    ("timing", 4, "", r"\b(?:this (?:week|month|quarter)|asap|immediately|urgent\w*|deadline)\b"),
    ("timing", 3, "", r"\b(?:budget|renewal|q[1-4]|next month)\b"),
    ("timing", 1, "", r"\b(?:next year|no rush|some ?day|later)\b"),
)
_NUMBERS: tuple[tuple[str, str, tuple[float, float, float, float]], ...] = (
    # criterion, names of the fields, thresholds of the levels 1 to 4
    ("intent", r"time spent|duration|seconds", (1, 120, 500, 1000)),
    ("intent", r"visits|clicks|sessions", (1, 2, 5, 9)),
    ("intent", r"page ?views|pages", (0.5, 2, 4, 7)),
    ("fit", r"employees|company_size|headcount", (1, 20, 100, 500)),
    ("need", r"open tickets|backlog", (1, 3, 10, 30)),
)
_SIGNALS = [(c, level, re.compile(n, re.I), re.compile(w, re.I)) for c, level, n, w in _WORDS]
_SCALES = [(c, re.compile(names, re.I), limits) for c, names, limits in _NUMBERS]
_AGAINST = re.compile(
    r"\b(?:looking for (?:a )?job|job application|internship|student project|not interested)\b",
    re.I,
)
_BUDGET, _RIVAL = (
    re.compile(r"\bbudget\b", re.I),
    re.compile(r"\bcompetitor|\bswitching from", re.I),
)
_STUDENT = re.compile(r"\bstudent|\bjob ?seeker|\bunemployed|\binternship", re.I)


@dataclass(frozen=True, slots=True)
class _Seen:
    level: int
    quote: str


def is_rubric(schema: Mapping[str, Any]) -> bool:
    """Whether ``schema`` asks for a judgement of a lead."""
    wanted = {"criteria", "disqualifiers", "tags", "follow_ups", "reasoning"}
    return set(schema.get("properties", ())) == wanted


def judged(document: str, chance: Random) -> dict[str, Any]:
    """The answer about the lead in ``document``, in the shape of `policies.rubric.RubricAnswer`."""
    fields = _fields(document)
    seen = {c: s for c in WEIGHTS if (s := _strongest(c, fields, chance)) is not None}
    against = [_around(v, m) for v in _texts(fields) if (m := _AGAINST.search(v))]
    return {
        "criteria": [_criterion(c, seen.get(c)) for c in WEIGHTS],
        "disqualifiers": against[:2],
        "tags": _tags({c: s.level for c, s in seen.items()}, " ".join(_texts(fields))),
        "follow_ups": _follow_ups(seen),
        "reasoning": _reasoning(seen, against),
    }


def _fields(document: str) -> dict[str, Any]:
    try:
        lead = orjson.loads(document)["lead"]
    except (ValueError, KeyError, TypeError):
        return {"text": document}
    return lead if isinstance(lead, dict) else {"text": document}


def _texts(fields: Mapping[str, Any]) -> list[str]:
    return [value for value in fields.values() if isinstance(value, str)]


def _strongest(criterion: str, fields: Mapping[str, Any], chance: Random) -> _Seen | None:
    """The signal that says most, misread now and then."""
    seen = max(_signals(criterion, fields), key=lambda s: abs(s.level - _MIDDLE), default=None)
    if seen is None or chance.random() >= MISJUDGED:
        return seen
    level = seen.level + chance.choice((-1, 1))
    return _Seen(min(_TOP, max(0, level)), seen.quote)


def _signals(criterion: str, fields: Mapping[str, Any]) -> Iterator[_Seen]:
    for name, value in fields.items():
        if isinstance(value, str):
            seen = _said(name, value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            seen = _counted(name, value)
        else:
            continue
        yield from (signal for about, signal in seen if about == criterion)


@lru_cache(maxsize=8192)
def _said(name: str, value: str) -> tuple[tuple[str, _Seen], ...]:
    return tuple(
        (criterion, _Seen(level, _around(value, match)))
        for criterion, level, names, words in _SIGNALS
        if names.search(name) and (match := words.search(value))
    )


def _counted(name: str, value: float) -> tuple[tuple[str, _Seen], ...]:
    return tuple(
        (criterion, _Seen(sum(value >= limit for limit in limits), f"{name}: {value}"))
        for criterion, limits in _scales(name)
    )


@lru_cache(maxsize=1024)
def _scales(name: str) -> tuple[tuple[str, tuple[float, ...]], ...]:
    return tuple((criterion, limits) for criterion, names, limits in _SCALES if names.search(name))


def _around(value: str, match: re.Match[str]) -> str:
    """The words about a match, verbatim."""
    if len(value) <= _QUOTE:
        return value
    return value[max(0, match.start() - _CONTEXT) : match.end() + _CONTEXT][:_QUOTE].strip()


def _criterion(criterion: str, seen: _Seen | None) -> dict[str, Any]:
    if seen is None:
        return {"id": criterion, "level": None, "evidence": ""}
    return {"id": criterion, "level": seen.level, "evidence": seen.quote}


def _tags(levels: Mapping[str, int], words: str) -> list[str]:
    intent, timing = levels.get("intent", _MIDDLE), levels.get("timing", 0)
    authority, fit = levels.get("authority", _MIDDLE), levels.get("fit", _MIDDLE)
    rules = (
        (Tag.DECISION_MAKER, authority > _MIDDLE),
        (Tag.HIGH_INTENT, intent > _MIDDLE),
        (Tag.LOW_INTENT, intent < _MIDDLE),
        (Tag.READY_TO_BUY, min(intent, timing) > _MIDDLE),
        (Tag.POOR_FIT, fit < _MIDDLE),
        (Tag.BUDGET_MENTIONED, bool(_BUDGET.search(words))),
        (Tag.COMPETITOR_MENTIONED, bool(_RIVAL.search(words))),
        (Tag.STUDENT_OR_JOB_SEEKER, bool(_STUDENT.search(words))),
        (Tag.INCOMPLETE_DATA, len(levels) <= 1),
    )
    return [tag.value for tag, holds in rules if holds]


_STEPS = {
    "fit": "Check that the company is one we can serve well.",
    "authority": "Ask who else decides about the purchase.",
    "need": "Ask which problem has to be solved first.",
    "intent": "Call within a day, while the interest is fresh.",
    "timing": "Agree on a date for the next step.",
}


def _follow_ups(seen: Mapping[str, _Seen]) -> list[str]:
    unknown = [step for criterion, step in _STEPS.items() if criterion not in seen]
    strong = [_STEPS[c] for c, s in seen.items() if s.level > _MIDDLE]
    return (strong + unknown)[:3] or [_STEPS["need"]]


def _reasoning(seen: Mapping[str, _Seen], against: list[str]) -> str:
    strong = [c for c, s in seen.items() if s.level > _MIDDLE]
    weak = [c for c, s in seen.items() if s.level < _MIDDLE]
    unknown = [c for c in WEIGHTS if c not in seen]
    parts = (("Strong", strong), ("Weak", weak), ("Not known", unknown))
    told = " ".join(f"{word}: {', '.join(names)}." for word, names in parts if names)
    return told + (" The lead's own words speak against it." if against else "")
