"""Whom an enrichment asks about, and which query each of its rows answers.

Rows come in any order and carry the input that they answer, so they are joined by it: queries that
ask the same share one input and one row.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from agents.vendors.zoominfo.wire import Row
from policies.prospect import PersonQuery
from policies.zoominfo_words import least_score

Input = Mapping[str, str]


class Inputs:
    """The inputs of one call.

    Attributes:
        sent: each once.
        refused: queries by which nobody can be found.
    """

    def __init__(self, queries: Sequence[PersonQuery]) -> None:
        self.sent: list[Input] = []
        self.refused: list[UUID] = []
        self._keys: dict[str, list[UUID]] = {}
        for query in queries:
            self._add(query)

    @property
    def asked(self) -> list[UUID]:
        """The keys of all queries that are asked about."""
        return [key for keys in self._keys.values() for key in keys]

    def answered_by(self, row: Row) -> list[UUID]:
        """The keys of the queries that a row answers; none if its input is none of ours."""
        return self._keys.get(_canonical(row.meta.input), [])

    def _add(self, query: PersonQuery) -> None:
        told = _identified(query)
        if told is None:
            self.refused.append(query.key)
            return
        name = _canonical(told)
        if name not in self._keys:
            self.sent.append(told)
        self._keys.setdefault(name, []).append(query.key)


def _identified(query: PersonQuery) -> Input | None:
    """What identifies a person to ZoomInfo: their id, else an address, else name and company."""
    if query.record_id:
        told = {"personId": query.record_id}
    elif query.email:
        told = {"emailAddress": query.email}
    elif query.first_name and query.last_name and query.company:
        told = {
            "firstName": query.first_name,
            "lastName": query.last_name,
            "companyName": query.company,
        }
    else:
        return None
    score = least_score(query.least)
    return told if score is None else {**told, "contactAccuracyScoreMin": str(score)}


def _canonical(told: Mapping[str, Any]) -> str:
    """The same for every spelling of one input: an id may come back as a number."""
    parts = sorted((name, _word(value)) for name, value in told.items() if value not in (None, ""))
    return repr(parts)


def _word(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return " ".join(str(value).split()).casefold()
