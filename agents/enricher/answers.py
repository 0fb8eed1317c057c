"""What sources answered, kept: facts, addresses, what was learned, what the timeline tells."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from agents.enricher import cases
from agents.enricher.cases import Files
from policies.contact_points import email_domain, is_free_mail, normal_email
from policies.fact_rules import (
    BOUGHT,
    DUPLICATE_OF,
    OPTED_OUT,
    better_address,
    helps,
    status_of,
    told_by,
)
from policies.hit_rates import Segment, Tally
from policies.lead import Fact, Lead, LeadId
from policies.prospect import EmailStatus, Match, MatchStatus, PersonQuery, Prospect
from policies.waterfall import usd
from storage import activities, enrichment, facts, leads, suppressions
from storage.activities import Activity
from storage.database import Connection
from storage.enrichment import Answered
from storage.errors import DuplicateLead, UnstorableText
from storage.leads import LeadChange
from storage.sealing import Sealer
from storage.suppressions import LINKEDIN_NOTE, Reason

_CHECKED = frozenset({EmailStatus.VALID, EmailStatus.INVALID})
FORMER_NOTE = "former_email"
ROLE = "enricher"


@dataclass(frozen=True, slots=True)
class Told:
    """What a source answered to the questions of one call, paid for.

    Attributes:
        matches: by lead.
        billed: records that it bills to who gets them first.
        new: those of them that were new to us.
        price: micro-dollars of one record.
        segments: of the leads when they were asked about.
    """

    source: str
    call_id: UUID
    questions: Sequence[PersonQuery]
    matches: Mapping[UUID, Match]
    billed: Collection[str]
    new: Collection[str]
    price: int
    segments: Mapping[UUID, Segment]


@dataclass(slots=True)
class _News:
    """What is to be written about the leads of one call."""

    facts: dict[LeadId, list[Fact]] = field(default_factory=dict[LeadId, list[Fact]])
    timeline: list[Activity] = field(default_factory=list[Activity])
    tallies: defaultdict[tuple[str, str, str], Tally] = field(
        default_factory=lambda: defaultdict(Tally)
    )


class Keeper:
    """Keeps answers, in the transaction that pays for them."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    async def keep(
        self, db: Connection, told: Told, *, now: datetime, correlation_id: str | None
    ) -> dict[LeadId, str]:
        """Keep what one call brought.

        Return what it brought for each lead, in words; a lead whose question somebody else had
        answered meanwhile is left out.
        """
        answers = [_answered(each, told.matches.get(each.key)) for each in told.questions]
        open_ = await enrichment.answer(db, self._sealer, told.call_id, answers, now=now)
        files = await cases.read(db, self._sealer, sorted(open_), lock=True)
        news, words = _News(), dict[LeadId, str]()
        costs = _costs(told, open_)
        for question in told.questions:
            lead_id = LeadId(question.key)
            if lead_id not in open_:
                continue
            match, cost = told.matches.get(lead_id), costs.get(lead_id, 0)
            _learn(news, told, lead_id, match, cost)
            if lead_id in files.leads:
                await self._one(db, files, told.source, lead_id, match, cost, news, now)
            words[lead_id] = in_words(told.source, match, cost)
            news.timeline.append(_activity(told, lead_id, match, cost, now, correlation_id))
        await facts.keep(db, news.facts)
        await activities.record(db, news.timeline)
        await enrichment.learn_mail(db, told.source, _mail(told, open_), now=now)
        await enrichment.learn(db, news.tallies)
        return words

    async def _one(  # noqa: PLR0913 - all that is known of one answer
        self,
        db: Connection,
        files: Files,
        source: str,
        lead_id: LeadId,
        match: Match | None,
        cost: int,
        news: _News,
        now: datetime,
    ) -> None:
        if match is None:
            return
        prospect = match.prospect
        if match.status is MatchStatus.OPTED_OUT or (prospect is not None and prospect.opted_out):
            await suppressions.bar_lead(
                db, self._sealer, lead_id, reason=Reason.OPTED_OUT, source=source, now=now
            )
            news.facts[lead_id] = [
                Fact(
                    OPTED_OUT, source, value=True, confidence=0.95, observed_at=now, cost_micro=cost
                )
            ]
            return
        if prospect is None:
            return
        told = list(told_by(prospect, cost_micro=cost, now=now))
        change = contact_change(files.leads[lead_id], files.address(lead_id), prospect)
        duplicate = await self._fill(db, lead_id, change, now)
        if duplicate is not None:
            told.append(Fact(DUPLICATE_OF, source, str(duplicate), 0.95, now))
        news.facts[lead_id] = told

    async def _fill(
        self, db: Connection, lead_id: LeadId, change: LeadChange, now: datetime
    ) -> UUID | None:
        """Fill in what a lead lacks; return the lead that has its address already, if one has."""
        try:
            await leads.update(db, self._sealer, lead_id, change, expected_version=None, now=now)
        except DuplicateLead as error:
            rest: LeadChange = {**change}
            if rest.pop("email", None) is not None and rest:
                await self._fill(db, lead_id, rest, now)
            return error.existing
        except UnstorableText:
            return None
        return None


def contact_change(lead: Lead, address: EmailStatus | None, told: Prospect) -> LeadChange:
    """Return what a source's answer fills in: never in place of what the operator has.

    The one exception is an address that is known to be worse than the one that is told
    (`policies.fact_rules.better_address`); it is kept among the notes.

    Args:
        address: what is known of the lead's own address.
    """
    change: LeadChange = {}
    person, theirs = lead.person, told.person
    if theirs.email and better_address(lead, address, status_of(told)):
        change["email"] = theirs.email
    notes: dict[str, str | None] = {}
    if told.linkedin_url and LINKEDIN_NOTE not in person.notes:
        notes[LINKEDIN_NOTE] = told.linkedin_url
    if "email" in change and person.email and FORMER_NOTE not in person.notes:
        notes[FORMER_NOTE] = person.email
    if notes:
        change["notes"] = notes
    if theirs.phone and not person.phone:
        change["phone"] = theirs.phone
    if theirs.first_name and theirs.last_name and not (person.first_name or person.last_name):
        change["first_name"], change["last_name"] = theirs.first_name, theirs.last_name
    if told.title and not lead.title:
        change["title"] = told.title
    if told.company and not lead.company:
        change["company"] = told.company
    if told.domain and not lead.domain:
        change["domain"] = told.domain
    if told.industry and not lead.industry:
        change["industry"] = told.industry
    if told.country and not lead.country:
        change["country"] = told.country
    return change


def in_words(source: str, match: Match | None, cost: int) -> str:
    """What a salesperson is told of an answer."""
    paid = usd(cost) if cost else "nothing"
    if match is not None and match.status is MatchStatus.OPTED_OUT:
        return f"{source} told that the person objected to being sold, for {paid}."
    if match is None or match.prospect is None:
        return f"{source} did not know the person, for {paid}."
    status = status_of(match.prospect)
    address = "no address" if status is None else f"an address ({status})"
    return f"{source} told {address} and {len(match.prospect.facts)} facts for {paid}."


def _answered(question: PersonQuery, match: Match | None) -> Answered:
    prospect = None if match is None else match.prospect
    if prospect is None:
        return Answered(question)
    return Answered(question, found=True, record_id=prospect.record_id, email=prospect.person.email)


def _costs(told: Told, open_: Collection[UUID]) -> dict[LeadId, int]:
    """Whom each new record is put down to; one that is nobody's, to the first lead asked about."""
    costs: dict[LeadId, int] = {}
    left = set(told.new)
    asked = [LeadId(each.key) for each in told.questions if each.key in open_]
    for lead_id in asked:
        match = told.matches.get(lead_id)
        if match is not None and match.prospect is not None and match.prospect.record_id in left:
            left.remove(match.prospect.record_id)
            costs[lead_id] = told.price
    if left and asked:
        costs[asked[0]] = costs.get(asked[0], 0) + len(left) * told.price
    return costs


def _learn(news: _News, told: Told, lead_id: LeadId, match: Match | None, cost: int) -> None:
    segment = told.segments.get(lead_id)
    if segment is None:
        return
    prospect = None if match is None else match.prospect
    paid = round(cost / told.price) if told.price else 0
    billed = prospect is not None and prospect.record_id in told.billed
    for name in BOUGHT:
        hit = prospect is not None and helps(prospect, name)
        tally = Tally.of(hit=hit, billed=billed, credits=paid)
        news.tallies[told.source, name, segment.key] += tally


def _mail(told: Told, open_: Collection[UUID]) -> dict[str, tuple[int, int]]:
    """What the answers say of mail servers: by domain, addresses checked, and takes every one."""
    found: dict[str, tuple[int, int]] = {}
    for lead_id in open_:
        match = told.matches.get(lead_id)
        prospect = None if match is None else match.prospect
        normal = None if prospect is None else normal_email(prospect.person.email or "")
        if prospect is None or normal is None or is_free_mail(domain := email_domain(normal)):
            continue
        checked, all_taken = found.get(domain, (0, 0))
        if prospect.email_status is EmailStatus.CATCH_ALL:
            found[domain] = (checked, all_taken + 1)
        elif prospect.email_status in _CHECKED:
            found[domain] = (checked + 1, all_taken)
    return found


def _activity(
    told: Told,
    lead_id: LeadId,
    match: Match | None,
    cost: int,
    now: datetime,
    correlation_id: str | None,
) -> Activity:
    prospect = None if match is None else match.prospect
    status = None if prospect is None else status_of(prospect)
    details: dict[str, object] = {
        "source": told.source,
        "answer": str(match.status if match is not None else MatchStatus.NOT_FOUND),
        "told": []
        if prospect is None
        else sorted(name for name in BOUGHT if helps(prospect, name)),
        "spent_usd": cost / 1_000_000,
    }
    if status is not None:
        details["email_status"] = str(status)
    return Activity(now, lead_id, "lead.asked", ROLE, details, correlation_id)
