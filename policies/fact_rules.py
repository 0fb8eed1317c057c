"""What counts when several sources tell about one field, and when to ask again.

Rules, in this order:
    1. The operator's own record beats every vendor while it is at all fresh (`STILL_GOOD`).
    2. An address that was verified beats one that was not; an address found invalid beats nothing.
    3. The surer word counts, its confidence halved for every half-life of the field.
    4. Of equally sure words the newest counts.
Nothing is thrown away: every source's word stays a fact of its own, with date and cost.

An address or a number is personal and never a fact; that a source told one, and what is known of
it, is (`EMAIL_STATUS`, `PHONE_FOUND`).

Sources:
    Half-lives and confidences: our own estimates from people changing jobs about every four years,
    to be replaced by measurements.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from policies.enrichment import (
    COMPANY_SIZE,
    COUNTRY,
    DOMAIN,
    EMAIL_KIND,
    FUNCTION,
    INDUSTRY,
    SENIORITY,
    TIME_ZONE,
    email_kind,
)
from policies.features import Value
from policies.lead import Fact, Lead
from policies.prospect import EmailStatus, Prospect

EMAIL_STATUS, PHONE_FOUND, TITLE = "email_status", "phone_found", "title"
DUPLICATE_OF, OPTED_OUT = "duplicate_of", "opted_out"
"""That another lead has the address that a source told; that the person objected to being sold."""
BOUGHT = (EMAIL_STATUS, PHONE_FOUND, TITLE, SENIORITY, COMPANY_SIZE, INDUSTRY, COUNTRY)
"""Fields that have a worth of their own (`policies.waterfall.Worth`)."""
OWN = "record"
STILL_GOOD = 0.4
SURE_OF_OWN = 0.9
"""How sure we are of what the lead's record says, wherever it came from."""


@dataclass(frozen=True, slots=True)
class Rule:
    """How one field ages.

    Attributes:
        half_life: after which a word is worth half.
        again: after which it is asked for again.
        sure: how sure a vendor's word is when it is new (0 to 1), below that of the own record.
    """

    half_life: timedelta
    again: timedelta
    sure: float


def _rule(half_life: int, again: int, sure: float) -> Rule:
    return Rule(timedelta(days=half_life), timedelta(days=again), sure)


RULES: Mapping[str, Rule] = {
    EMAIL_STATUS: _rule(900, 90, 0.95),
    PHONE_FOUND: _rule(900, 365, 0.75),
    TITLE: _rule(900, 180, 0.8),
    SENIORITY: _rule(1400, 180, 0.75),
    FUNCTION: _rule(1400, 365, 0.65),
    COMPANY_SIZE: _rule(1400, 365, 0.75),
    INDUSTRY: _rule(5000, 730, 0.8),
    COUNTRY: _rule(3000, 365, 0.85),
    DOMAIN: _rule(5000, 730, 0.85),
    TIME_ZONE: _rule(3000, 365, 0.7),
    EMAIL_KIND: _rule(5000, 730, 0.9),
}
OTHER = _rule(1400, 365, 0.6)

SURE_OF_STATUS: Mapping[EmailStatus, float] = {
    EmailStatus.VALID: 0.95,
    EmailStatus.CATCH_ALL: 0.6,
    EmailStatus.RISKY: 0.4,
    EmailStatus.INVALID: 0.95,
    EmailStatus.UNKNOWN: 0.3,
}
REACHES: Mapping[EmailStatus, float] = {
    EmailStatus.VALID: 0.95,
    EmailStatus.CATCH_ALL: 0.6,
    EmailStatus.RISKY: 0.35,
    EmailStatus.INVALID: 0.0,
    EmailStatus.UNKNOWN: 0.3,
}
"""How surely a letter to an address of this status arrives."""
OWN_REACHES: Mapping[str, float] = {"work": 0.95, "free": 0.7, "role": 0.5, "none": 0.0}
"""The same for the operator's own addresses, of which nobody has said a word."""


@dataclass(frozen=True, slots=True)
class Known:
    """What we hold true of a lead.

    Attributes:
        winners: the word that counts, by field.
        sure: how sure we are of each field at this moment (0 to 1); absent is 0.
    """

    winners: Mapping[str, Fact]
    sure: Mapping[str, float]

    def value(self, field: str) -> Value:
        """The value that counts; None if nobody has told."""
        return self.winners[field].value if field in self.winners else None


def known_of(
    lead: Lead, facts: Sequence[Fact], *, using: Collection[str] = (), now: datetime
) -> Known:
    """Weigh all that is told about a lead.

    Args:
        using: sources whose address is the one that the lead has.
    """
    by_field: dict[str, list[Fact]] = {}
    for each in facts:
        by_field.setdefault(each.field, []).append(each)
    by_field.pop(EMAIL_STATUS, None)
    winners = {
        field: fact for field, told in by_field.items() if (fact := winner(told, now)) is not None
    }
    sure = {field: strength(fact, now) for field, fact in winners.items()}
    if status := _status(facts, using):
        winners[EMAIL_STATUS] = status
    sure[EMAIL_STATUS] = _reaches(lead, winners.get(EMAIL_STATUS), now)
    if not lead.person.email and DUPLICATE_OF in winners:
        sure[EMAIL_STATUS] = 1.0
    if lead.person.phone:
        sure[PHONE_FOUND] = max(sure.get(PHONE_FOUND, 0.0), RULES[PHONE_FOUND].sure)
    elif PHONE_FOUND in sure:
        sure[PHONE_FOUND] = 0.0
    for field, own in ((TITLE, lead.title), (INDUSTRY, lead.industry), (COUNTRY, lead.country)):
        if own:
            sure[field] = max(sure.get(field, 0.0), SURE_OF_OWN)
    return Known(winners, sure)


def winner(facts: Iterable[Fact], now: datetime) -> Fact | None:
    """Return the word that counts of several about one field; None if none says anything."""
    saying = [fact for fact in facts if fact.value is not None and fact.confidence > 0]
    if len(saying) == 1:
        return saying[0]
    own = [fact for fact in saying if fact.source == OWN and strength(fact, now) >= STILL_GOOD]
    return max(own or saying, key=lambda fact: _weight(fact, now), default=None)


def strength(fact: Fact, now: datetime) -> float:
    """How sure a word is by now (0 to 1)."""
    rule = RULES.get(fact.field, OTHER)
    age = max(now - fact.observed_at, timedelta())
    return fact.confidence * 0.5 ** (age / rule.half_life)


def due(facts: Iterable[Fact], now: datetime) -> frozenset[str]:
    """Return the fields whose word that counts is a vendor's and older than its interval."""
    by_field: dict[str, list[Fact]] = {}
    for fact in facts:
        if fact.field in BOUGHT:
            by_field.setdefault(fact.field, []).append(fact)
    counting = [winner(told, now) for told in by_field.values()]
    return frozenset(
        fact.field
        for fact in counting
        if fact is not None
        and fact.source not in _OURS
        and now - fact.observed_at > RULES.get(fact.field, OTHER).again
    )


def told_by(prospect: Prospect, *, cost_micro: int, now: datetime) -> tuple[Fact, ...]:
    """Turn a source's answer into facts; nothing personal is among them.

    Args:
        cost_micro: what the record cost; the first of its facts bears it.
    """
    said: dict[str, Value] = dict(prospect.facts)
    said |= {
        TITLE: prospect.title or None,
        INDUSTRY: prospect.industry,
        COUNTRY: prospect.country,
        DOMAIN: prospect.domain,
        PHONE_FOUND: True if prospect.person.phone else None,
        EMAIL_STATUS: status_of(prospect),
    }
    at = min(prospect.observed_at or now, now)
    facts = [
        Fact(field, prospect.source, value, _sure(field, value), at)
        for field, value in sorted(said.items(), key=lambda each: _importance(each[0]))
        if value is not None and _storable(value)
    ]
    if facts and cost_micro:
        first = facts[0]
        paid = Fact(first.field, first.source, first.value, first.confidence, at, cost_micro)
        return (paid, *facts[1:])
    return tuple(facts)


def status_of(prospect: Prospect) -> EmailStatus | None:
    """Return what a source says of the address that it tells; None if it tells none."""
    if not prospect.person.email:
        return None
    return prospect.email_status or EmailStatus.UNKNOWN


def helps(prospect: Prospect, field: str) -> bool:
    """Say whether a source's answer gives a field, in a way that we would use."""
    if field == EMAIL_STATUS:
        return status_of(prospect) is EmailStatus.VALID
    if field == PHONE_FOUND:
        return prospect.person.phone is not None
    told = {TITLE: prospect.title, INDUSTRY: prospect.industry, COUNTRY: prospect.country}
    return bool(told.get(field) or prospect.facts.get(field))


def better_address(lead: Lead, current: EmailStatus | None, told: EmailStatus | None) -> bool:
    """Say whether a source's address should take the place of the lead's.

    Args:
        current: what is known of the lead's own; None if nobody has said a word.
        told: what the source says of its own.
    """
    if told is None or told is EmailStatus.INVALID:
        return False
    if not lead.person.email:
        return True
    if current is None:
        return False
    return REACHES[told] > REACHES[current]


def _status(facts: Sequence[Fact], using: Collection[str]) -> Fact | None:
    told = [
        fact
        for fact in facts
        if fact.field == EMAIL_STATUS and fact.source in using and fact.value is not None
    ]
    return max(told, key=lambda fact: fact.observed_at, default=None)


def _reaches(lead: Lead, status: Fact | None, now: datetime) -> float:
    if not lead.person.email:
        return 0.0
    if status is None:
        return OWN_REACHES[email_kind(lead.person.email)]
    age = max(now - status.observed_at, timedelta())
    return REACHES[EmailStatus(str(status.value))] * 0.5 ** (age / RULES[EMAIL_STATUS].half_life)


def _weight(fact: Fact, now: datetime) -> tuple[float, datetime, str]:
    return strength(fact, now), fact.observed_at, fact.source


def _sure(field: str, value: Value) -> float:
    if field == EMAIL_STATUS:
        return SURE_OF_STATUS[EmailStatus(str(value))]
    return RULES.get(field, OTHER).sure


def _storable(value: Value) -> bool:
    """Whether PostgreSQL keeps a value: no NUL character, no half of a surrogate pair."""
    return not isinstance(value, str) or value.isprintable()


def _importance(field: str) -> tuple[int, str]:
    return (BOUGHT.index(field) if field in BOUGHT else len(BOUGHT)), field


_OURS = frozenset({OWN, "email", "title", "phone", "domain", "country"})
