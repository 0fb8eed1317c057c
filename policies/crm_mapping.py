"""A lead as the CRM gets it: the mapping filled with what is known.

Nothing is sent but the fields that are mapped, and the external id. A field without a value is
left as it is in the CRM (``skip``) or emptied there (``clear``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from policies.crm_document import PLACE, Audience, CrmMapping, FieldMapping
from policies.crm_records import JSON
from policies.crm_values import LONGEST_TEXT, Raw, Unfit, is_blank, scalar, shortened, units
from policies.fact_rules import winner
from policies.features import Value, is_empty
from policies.lead import Fact, Lead


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a field or with its value.

    Attributes:
        field: of the CRM.
        message: what is wrong and what to do; never the value itself.
        fatal: whether the mapping cannot work like that.
    """

    field: str
    message: str
    fatal: bool = True


@dataclass(frozen=True, slots=True)
class Mapped:
    """A lead as the CRM gets it.

    Attributes:
        record: values by field; None empties a field, a field that is missing stays as it is.
    """

    record: Mapping[str, JSON]
    problems: tuple[Problem, ...] = ()


def records_of(
    mapping: CrmMapping, lead: Lead, facts: Sequence[Fact] = (), *, reasons: str = ""
) -> Mapped:
    """Return a lead as it is sent.

    Args:
        facts: of the lead; of several about one thing the one that counts (`fact_rules.winner`).
        reasons: why the lead has its score, in words.
    """
    known = _Known(lead, facts, reasons)
    record: dict[str, JSON] = {mapping.external_id: str(lead.id)}
    problems: list[Problem] = []
    for field in mapping.fields:
        value, problem = _filled(field, known)
        if problem is not None:
            problems.append(Problem(field.to, problem, fatal=False))
        if value is not None or field.when_empty == "clear":
            record[field.to] = value
    return Mapped(record, tuple(problems))


def opportunity_of(
    mapping: CrmMapping, lead: Lead, facts: Sequence[Fact] = (), *, today: date
) -> Mapped | None:
    """Return the opportunity that a lead is to have; None if it is to have none.

    Args:
        today: from where the closing day is counted; keep it, so that a repetition is the same.
    """
    wanted = mapping.opportunity
    if wanted is None or lead.status != wanted.when_status:
        return None
    known = _Known(lead, facts, "")
    name = PLACE.sub(lambda place: _spoken(known.value(place[1])), wanted.name)
    record: dict[str, JSON] = {
        wanted.external_id: str(lead.id),
        "Name": shortened(" ".join(name.split()), 120) or "Opportunity",
        "StageName": wanted.stage,
        "CloseDate": (today + timedelta(days=wanted.close_in_days)).isoformat(),
    }
    if wanted.amount is not None:
        record["Amount"] = wanted.amount
    return Mapped(record)


def why_not(audience: Audience, lead: Lead) -> str | None:
    """Say why a lead stays out of the CRM; None if it goes in."""
    if audience.sources and lead.source not in audience.sources:
        return f"Its source is {lead.source}; the CRM gets {', '.join(audience.sources)}."
    if audience.statuses and lead.status not in audience.statuses:
        return f"It is {lead.status}; the CRM gets what is {', '.join(audience.statuses)}."
    if audience.tiers and lead.tier not in audience.tiers:
        return f"Its tier is {lead.tier or 'unknown'}; the CRM gets {', '.join(audience.tiers)}."
    if audience.min_score is not None and (lead.score is None or lead.score < audience.min_score):
        told = "It has no score" if lead.score is None else f"Its score is {lead.score}"
        return f"{told}; the CRM gets {audience.min_score} and more."
    return None


def fits(audience: Audience, lead: Lead) -> bool:
    """Whether the CRM gets this lead."""
    return why_not(audience, lead) is None


class _Known:
    """What is known of one lead, by the names that a mapping uses."""

    def __init__(self, lead: Lead, facts: Sequence[Fact], reasons: str) -> None:
        self._lead = lead
        self._reasons = reasons
        self._facts = _counting(facts)

    def value(self, source: str) -> Raw:
        """Return what is known under the name, None if nothing."""
        lead, (head, _, name) = self._lead, source.partition(".")
        match head:
            case "attributes":
                return _meant(lead.attributes.get(name))
            case "fact":
                return _meant(self._facts.get(name))
            case "person":
                return self._personal(name)
            case "reasons":
                return self._reasons or None
            case "id" | "status":
                return str(getattr(lead, head))
            case _:
                found: Raw = getattr(lead, head)
                return found

    def _personal(self, name: str) -> Raw:
        person = self._lead.person
        if name.startswith("notes."):
            return person.notes.get(name.removeprefix("notes."))
        if name == "full_name":
            parts = (person.first_name, person.last_name)
            return " ".join(part for part in parts if part) or None
        found: str | None = getattr(person, name)
        return found


def _counting(facts: Sequence[Fact]) -> Mapping[str, Value]:
    """The word that counts about each thing, as it was when the newest of them was told.

    That moment and not the present one, so that the same facts always make the same record.
    """
    told: dict[str, list[Fact]] = {}
    for fact in facts:
        told.setdefault(fact.field, []).append(fact)
    chosen = (winner(some, max(f.observed_at for f in some)) for some in told.values())
    return {fact.field: fact.value for fact in chosen if fact is not None}


def _meant(value: str | float | bool | None) -> Raw:  # noqa: FBT001 - a value among others
    """A value of a file or a vendor, None where its text stands for nothing."""
    return None if is_empty(value) else value


def _filled(field: FieldMapping, known: _Known) -> tuple[JSON, str | None]:
    """What a field gets, and what went wrong on the way."""
    value: Raw = field.constant if field.source is None else known.value(field.source)
    problem: str | None = None
    try:
        for function in field.transform:
            if is_blank(value):
                break
            value = function.apply(value)
        if not is_blank(value):
            return _bounded(scalar(value))
    except Unfit as error:
        problem = f"{error}; it counts as empty"
    return (None if field.default is None else scalar(field.default)), problem


def _bounded(value: JSON) -> tuple[JSON, str | None]:
    if isinstance(value, str) and units(value) > LONGEST_TEXT:
        problem = f"the text is longer than {LONGEST_TEXT:,} characters; it is cut"
        return shortened(value, LONGEST_TEXT), problem
    return value, None


def _spoken(value: Raw) -> str:
    told = None if is_blank(value) else scalar(value)
    return "" if told is None else str(told)
