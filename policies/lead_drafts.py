"""From fields as somebody typed them to a draft of a lead, and what is wrong with each.

A field that cannot be read is a warning: it is set aside among the sealed notes, and the rest is
kept. A lead that nothing tells from others is an error: it is left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from policies.contact_points import (
    email_problem,
    normal_email,
    normal_phone,
    phone_problem,
    typed_email,
)
from policies.countries import country_code
from policies.features import Value, category
from policies.industries import industry_of
from policies.lead import LeadDraft, Person
from policies.outcome import NO, OPEN, YES
from policies.person_names import split_name
from policies.personal import holds_contact, may_be_personal
from policies.web_domains import domain_of

LONGEST = {"first_name": 200, "last_name": 200, "company": 300, "title": 300, "industry": 200}
LONGEST_ID = 200


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """What is wrong with one field.

    Attributes:
        column: as the source calls it; None if it is the whole lead.
        problem: what it is and what to do, without a word of the value.
    """

    severity: Literal["error", "warning"]
    column: str | None
    problem: str


@dataclass(slots=True)
class Typed:
    """What a source says of one lead, as texts.

    Attributes:
        fields: stripped and not empty, by our names (`policies.column_names.FIELDS`).
        called: what the source calls a field, where it has another name.
        notes: personal values by name.
        attributes: everything else.
        outcome: as it was typed.
        country: ISO alpha-2, of phone numbers, if the lead names none.
    """

    source: str
    fields: Mapping[str, str]
    called: Mapping[str, str] = field(default_factory=dict[str, str])
    notes: dict[str, str] = field(default_factory=dict[str, str])
    attributes: dict[str, Value] = field(default_factory=dict[str, Value])
    outcome: Value = None
    country: str | None = None


@dataclass(frozen=True, slots=True)
class Drafted:
    """What came of it: a draft, or None and why."""

    draft: LeadDraft | None
    problems: Sequence[FieldProblem] = ()


def draft_of(typed: Typed) -> Drafted:
    """Read the fields; what is refused of them goes to the notes."""
    reading = _Reading(typed)
    country = reading.country()
    external_id = reading.external_id()
    email = reading.email()
    phone = reading.phone(country or typed.country)
    first, last = reading.names()
    company, title = reading.clear("company"), reading.clear("title")
    if not (email or phone or external_id or (company and (first or last))):
        reading.problems.append(FieldProblem("error", None, _NOBODY))
        return Drafted(None, reading.problems)
    draft = LeadDraft(
        source=typed.source,
        person=Person(first, last, email, phone, typed.notes),
        external_id=external_id,
        company=company or "",
        domain=reading.domain(),
        title=title or "",
        industry=reading.industry(),
        country=country,
        attributes=typed.attributes,
        outcome=reading.outcome(),
    )
    return Drafted(draft, reading.problems)


class _Reading:
    """Reads the fields of one lead."""

    def __init__(self, typed: Typed) -> None:
        self.problems: list[FieldProblem] = []
        self._typed = typed
        self._fields = typed.fields

    def names(self) -> tuple[str | None, str | None]:
        """First and last name, out of the full name if need be."""
        first, last = self._short("first_name"), self._short("last_name")
        if first is None and last is None and (full := self._fields.get("full_name")):
            if len(full) <= LONGEST["last_name"]:
                return split_name(full)
            self._aside("full_name", "It is too long for a name: it was left out.")
        return first, last

    def email(self) -> str | None:
        """The address as it was typed, without what was pasted around it."""
        text = self._fields.get("email")
        if text is None:
            return None
        address = typed_email(text)
        if normal_email(address) is not None:
            return address
        self._aside("email", f"The e-mail address was left out: {email_problem(address)}.")
        return None

    def phone(self, country: str | None) -> str | None:
        """The number as E.164."""
        text = self._fields.get("phone")
        if text is None:
            return None
        number = normal_phone(text, country)
        if number is None:
            self._aside("phone", f"The phone number was left out: {phone_problem(text, country)}.")
        return number

    def external_id(self) -> str | None:
        """The name at the source, if it is not an address in disguise."""
        text = self._fields.get("external_id")
        if text is None:
            return None
        if len(text) > LONGEST_ID:
            self._aside("external_id", f"The id is longer than {LONGEST_ID} characters.")
        elif holds_contact(text):
            self._aside("external_id", "The id is an e-mail address or phone number: map it so.")
        else:
            return text
        return None

    def country(self) -> str | None:
        """The ISO code; a text that names no country stays as an attribute."""
        text = self._fields.get("country")
        if text is None:
            return None
        code = country_code(text)
        if code is None and category(text) not in OPEN:
            self._keep_anyway("country", text)
            self._warn("country", "It names no country we know: write a name or a code like DE.")
        return code

    def domain(self) -> str | None:
        """The company's domain."""
        text = self._fields.get("domain")
        if text is None:
            return None
        domain = domain_of(text)
        if domain is None:
            self._aside("domain", "It is no web address: write it as example.com.")
        return domain

    def industry(self) -> str | None:
        """One of ours, or the source's own word."""
        text = self.clear("industry")
        return None if text is None else industry_of(text) or text

    def outcome(self) -> bool | None:
        """Whether it converted; None while open."""
        level = category(self._typed.outcome)
        if level is None or level in OPEN:
            return None
        if level not in YES | NO:
            self._warn("outcome", "The outcome is neither yes nor no (1/0, won/lost): left open.")
            return None
        return level in YES

    def clear(self, name: str) -> str | None:
        """Return a text that is kept readable, unless somebody's address stands in it."""
        text = self._short(name)
        if text is not None and may_be_personal(text):
            self._aside(name, "It holds an e-mail address or a phone number: it was sealed.")
            return None
        return text

    def _short(self, name: str) -> str | None:
        text = self._fields.get(name)
        if text is not None and len(text) > LONGEST[name]:
            self._aside(name, f"It is longer than {LONGEST[name]} characters: it was left out.")
            return None
        return text

    def _aside(self, name: str, problem: str) -> None:
        called = self._typed.called.get(name, name)
        self._typed.notes.setdefault(called, self._fields[name])
        self._warn(name, problem)

    def _keep_anyway(self, name: str, text: str) -> None:
        called = self._typed.called.get(name, name)
        kept = self._typed.notes if may_be_personal(text) else self._typed.attributes
        kept.setdefault(called, text)

    def _warn(self, name: str, problem: str) -> None:
        called = self._typed.called.get(name, name)
        self.problems.append(FieldProblem("warning", called, problem))


_NOBODY = (
    "Nothing tells this lead from others: it needs an e-mail address, a phone number, an id, or a "
    "name and a company."
)
