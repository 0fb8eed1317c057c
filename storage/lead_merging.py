"""What a draft adds to a lead that is known already: it fills what is empty, it never overwrites.

Only an outcome is replaced, for the newest word on it is the true one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from policies.features import Value, is_empty
from policies.lead import LeadDraft

External = tuple[str, str]
"""A source, and the name of a lead there."""

FILLED = ("first_name", "last_name", "phone", "domain", "industry", "country", "company", "title")
"""Fields of a draft that fill the empty field of the same name."""


@dataclass(slots=True)
class Slot:
    """One lead in the making: a new one, or a known one and what it gained.

    Attributes:
        values: its fields. Of a known lead the sealed ones are bytes as they are kept, the ones
            gained are text.
        gained: names of the fields that changed.
        known: whether the lead was in the database before.
        version: of a known lead, as it was read.
    """

    id: UUID
    source: str
    values: dict[str, Any]
    known: bool = False
    version: int = 0
    gained: set[str] = field(default_factory=set[str])


@dataclass(slots=True)
class Draft:
    """A draft with its keys.

    Attributes:
        place: in the batch.
    """

    place: int
    draft: LeadDraft
    email_key: bytes | None

    @property
    def external(self) -> External | None:
        """How the source calls it."""
        name = self.draft.external_id
        return None if name is None else (self.draft.source, name)

    def fields(self) -> dict[str, Any]:
        """The fields of a new lead."""
        draft, person = self.draft, self.draft.person
        return {
            "first_name": person.first_name,
            "last_name": person.last_name,
            "email": person.email,
            "phone": person.phone,
            "notes": dict(person.notes),
            "email_key": self.email_key,
            "external_id": draft.external_id,
            "company": draft.company,
            "domain": draft.domain,
            "title": draft.title,
            "industry": draft.industry,
            "country": draft.country,
            "attributes": dict(draft.attributes),
            "outcome": draft.outcome,
        }


class Board:
    """Who is who in one batch: every lead under each of its two names.

    Args:
        known: the leads of the database that the batch may speak of.
    """

    def __init__(self, known: list[Slot]) -> None:
        self._by_email: dict[bytes, Slot] = {}
        self._by_external: dict[External, Slot] = {}
        for slot in known:
            self._register(slot)

    def place(self, draft: Draft, new_id: UUID) -> tuple[Slot, bool]:
        """Return the lead that a draft speaks of, and whether the draft changed it."""
        slot = self._find(draft)
        if slot is None:
            slot = Slot(new_id, draft.draft.source, draft.fields())
            self._register(slot)
            return slot, True
        gained = set(self._gains(slot, draft))
        slot.gained |= gained
        self._register(slot)
        return slot, bool(gained)

    def _find(self, draft: Draft) -> Slot | None:
        if draft.external is not None and draft.external in self._by_external:
            return self._by_external[draft.external]
        return None if draft.email_key is None else self._by_email.get(draft.email_key)

    def _register(self, slot: Slot) -> None:
        values = slot.values
        if values["email_key"] is not None:
            self._by_email.setdefault(values["email_key"], slot)
        if values["external_id"] is not None:
            self._by_external.setdefault((slot.source, values["external_id"]), slot)

    def _gains(self, slot: Slot, draft: Draft) -> Iterator[str]:
        """Fill ``slot`` and yield what changed. A name that another lead bears is not taken."""
        values, offered = slot.values, draft.fields()
        for name in FILLED:
            if not values[name] and offered[name]:
                values[name] = offered[name]
                yield name
        if values["email"] is None and offered["email"] is not None and self._is_free(draft):
            values["email"], values["email_key"] = offered["email"], draft.email_key
            yield "email"
        if self._may_name(slot, draft):
            values["external_id"] = offered["external_id"]
            yield "external_id"
        if offered["outcome"] is not None and values["outcome"] != offered["outcome"]:
            values["outcome"] = offered["outcome"]
            yield "outcome"
        if add_values(values["attributes"], offered["attributes"]):
            yield "attributes"
        if _adds(values["notes"], offered["notes"]):
            values["notes"] = {**offered["notes"], **values["notes"]}
            yield "notes"

    def _is_free(self, draft: Draft) -> bool:
        return draft.email_key is None or draft.email_key not in self._by_email

    def _may_name(self, slot: Slot, draft: Draft) -> bool:
        return (
            draft.external is not None
            and slot.values["external_id"] is None
            and slot.source == draft.draft.source
            and draft.external not in self._by_external
        )


def add_values(known: dict[str, Value], offered: Mapping[str, Value]) -> bool:
    """Add to ``known`` what is new or was empty there; return whether anything was."""
    news = {
        name: value
        for name, value in offered.items()
        if name not in known or (is_empty(known[name]) and not is_empty(value))
    }
    known.update(news)
    return bool(news)


def _adds(known: Mapping[str, str], offered: Mapping[str, str]) -> bool:
    return any(name not in known for name in offered)
