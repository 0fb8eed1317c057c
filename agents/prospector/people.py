"""From what a source tells of people to leads: who must not be one, who is one, who is new.

A prospect speaks of a known lead if it is the same record of the same source, or has the same
e-mail address; else if name and company domain (or company) are the same; else if it is the same
LinkedIn profile. Two with one name at one company are two people only if both their addresses and
their LinkedIn profiles differ. What speaks of a known lead fills its empty fields and is kept among
the records that it came from; it makes no second lead.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from policies.contact_points import normal_email
from policies.fact_rules import told_by
from policies.lead import Fact, LeadDraft, LeadId
from policies.profiles import Profile, why_unusable
from policies.prospect import Prospect
from storage import activities, facts, lead_sources, leads, suppressions
from storage.activities import Activity
from storage.database import Connection
from storage.lead_rows import email_keys
from storage.lead_sources import Keys, Known, KnownLeads, Record
from storage.leads import Kept
from storage.sealing import Sealer
from storage.suppressions import LINKEDIN_NOTE, Reason

LONGEST = 300
"""Characters of a text of a source that are kept."""


@dataclass(frozen=True, slots=True)
class Context:
    """For what the people were looked for.

    Attributes:
        profile: None where people came by themselves: nothing is asked of them.
        search_id: None where no search found them.
        costs: micro-dollars by record id, of those that were paid for.
    """

    actor: str
    now: datetime
    profile: Profile | None = None
    search_id: UUID | None = None
    costs: Mapping[str, int] | None = None
    correlation_id: str | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of some people.

    Attributes:
        created: new leads.
        changed: known leads that learned something.
        duplicates: people who were leads already, or were told of twice.
        unfit, suppressed: people who became no lead.
    """

    created: tuple[LeadId, ...]
    changed: tuple[LeadId, ...]
    duplicates: int
    unfit: int
    suppressed: int


@dataclass(frozen=True, slots=True)
class _Person:
    """One prospect on its way to a lead.

    Attributes:
        draft: None if it can add nothing to the lead it speaks of.
        same: the known lead it speaks of.
    """

    prospect: Prospect
    keys: Keys
    email_key: bytes | None
    draft: LeadDraft | None
    same: Known | None = None


async def take_in(
    db: Connection, sealer: Sealer, prospects: Sequence[Prospect], context: Context
) -> Taken:
    """Make leads of ``prospects``, or add what they tell to those that are known."""
    objected = [each for each in prospects if each.opted_out]
    await bar(db, sealer, objected, context)
    await lead_sources.lock(db)
    barred = await suppressions.suppressed(db, sealer, prospects)
    allowed = [each for place, each in enumerate(prospects) if place not in barred]
    usable = [each for each in allowed if _is_usable(each, context)]
    people = await _recognised(db, sealer, usable)
    kept = await _keep(db, sealer, people, context)
    await _keep_records(db, people, kept, context)
    await _keep_facts(db, people, kept, context)
    created = tuple(each.id for each in kept if each.created)
    merged = {each.id for each in kept if each.changed} - set(created)
    await _tell(db, created, sorted(merged), context)
    return Taken(
        created=created,
        changed=tuple(sorted(merged)),
        duplicates=len(usable) - len(created),
        unfit=len(allowed) - len(usable),
        suppressed=len(barred),
    )


async def bar(
    db: Connection, sealer: Sealer, objected: Sequence[Prospect], context: Context
) -> None:
    """Never make a lead of people who objected to being sold."""
    for prospect in objected:
        keys = suppressions.personal_keys_of(sealer, prospect)
        await suppressions.add(
            db, keys, reason=Reason.OPTED_OUT, source=prospect.source, now=context.now
        )


def known_as(
    told: KnownLeads, source: str, record_id: str, keys: Keys, email_key: bytes | None
) -> Known | None:
    """Return the known lead of a record, a name at a company, or a LinkedIn profile."""
    if (same := told.records.get((source, record_id))) is not None:
        return same
    by_name = [
        *(told.names.get(keys.name, ()) if keys.name else ()),
        *(told.companies.get(keys.company, ()) if keys.company else ()),
    ]
    for lead in by_name:
        if not _differ(lead.email_key, email_key) or not _differ(lead.keys.linkedin, keys.linkedin):
            return lead
    return next(iter(told.linkedin.get(keys.linkedin, ()) if keys.linkedin else ()), None)


def _differ(one: bytes | None, other: bytes | None) -> bool:
    return one is not None and other is not None and one != other


def _is_usable(prospect: Prospect, context: Context) -> bool:
    if context.profile is None:
        return True
    return not why_unusable(context.profile, prospect)


async def _recognised(
    db: Connection, sealer: Sealer, prospects: Sequence[Prospect]
) -> list[_Person]:
    """Find out who is known; a draft of a known lead bears the name that it has at its source."""
    keys = [lead_sources.keys_of(sealer, prospect) for prospect in prospects]
    records = [(prospect.source, prospect.record_id) for prospect in prospects]
    told = await lead_sources.known(db, records, keys)
    emails = email_keys(sealer, [prospect.person.email for prospect in prospects])
    people: list[_Person] = []
    for prospect, key, email in zip(prospects, keys, emails, strict=True):
        same = known_as(told, prospect.source, prospect.record_id, key, email)
        draft = await _named(db, sealer, draft_of(prospect), same)
        people.append(_Person(prospect, key, email, draft, same))
        _remember(told, people[-1])
    return people


async def _named(
    db: Connection, sealer: Sealer, draft: LeadDraft, same: Known | None
) -> LeadDraft | None:
    """Give a draft a name under which the known lead is found; None if that has none."""
    if same is None:
        return draft
    if same.external_id is not None:
        return replace(draft, source=same.source, external_id=same.external_id)
    found = await leads.get_many(db, sealer, [same.lead_id])
    email = found[0].person.email if found else None
    if email is None:
        return None
    return replace(draft, external_id=None, person=replace(draft.person, email=email))


async def _keep(
    db: Connection, sealer: Sealer, people: Sequence[_Person], context: Context
) -> list[Kept]:
    """Create or merge; return what became of each, in their order."""
    drafts = [person.draft for person in people if person.draft is not None]
    kept = iter(await leads.keep(db, sealer, drafts, now=context.now))
    return [next(kept) if person.draft is not None else _as_it_is(person) for person in people]


def _as_it_is(person: _Person) -> Kept:
    same = person.same
    if same is None:
        raise ValueError("a prospect without a draft speaks of a known lead")
    return Kept(LeadId(same.lead_id), created=False, changed=False)


def _remember(told: KnownLeads, person: _Person) -> None:
    """Let the next of the batch be known by this one, too."""
    prospect, same = person.prospect, person.same
    known = same or Known(
        UUID(int=0), prospect.source, prospect.record_id, person.email_key, person.keys
    )
    known = replace(known, keys=person.keys)
    told.records.setdefault((prospect.source, prospect.record_id), known)
    for key, table in (
        (person.keys.name, told.names),
        (person.keys.company, told.companies),
        (person.keys.linkedin, told.linkedin),
    ):
        if key is not None:
            table.setdefault(key, []).append(known)


def draft_of(prospect: Prospect) -> LeadDraft:
    """Return a prospect as the draft of a lead; its LinkedIn profile is sealed with the person."""
    person = prospect.person
    notes = dict(person.notes)
    if prospect.linkedin_url:
        notes[LINKEDIN_NOTE] = _clean(prospect.linkedin_url) or ""
    return LeadDraft(
        source=prospect.source,
        person=replace(
            person,
            first_name=_clean(person.first_name),
            last_name=_clean(person.last_name),
            email=person.email if person.email and normal_email(person.email) else None,
            phone=_clean(person.phone),
            notes=notes,
        ),
        external_id=prospect.record_id,
        company=_clean(prospect.company) or "",
        domain=_clean(prospect.domain),
        title=_clean(prospect.title) or "",
        industry=_clean(prospect.industry),
        country=_clean(prospect.country),
    )


def _clean(text: str | None) -> str | None:
    """Return a text without what cannot be kept; nothing is None."""
    if not text:
        return None
    storable = text.replace("\x00", "").encode(errors="replace").decode()
    return storable.strip()[:LONGEST] or None


async def _keep_records(
    db: Connection, people: Sequence[_Person], kept: Sequence[Kept], context: Context
) -> None:
    records = [
        Record(person.prospect.source, person.prospect.record_id, each.id, person.keys)
        for person, each in zip(people, kept, strict=True)
    ]
    await lead_sources.keep(db, records, search_id=context.search_id, now=context.now)


async def _keep_facts(
    db: Connection, people: Sequence[_Person], kept: Sequence[Kept], context: Context
) -> None:
    """Keep what is told beside the person; of another address than the lead's, nothing counts."""
    costs = context.costs or {}
    told: dict[LeadId, list[Fact]] = {}
    for person, each in zip(people, kept, strict=True):
        prospect = person.prospect
        cost = costs.get(prospect.record_id, 0)
        if person.same is not None and _differ(person.same.email_key, person.email_key):
            prospect = replace(prospect, person=replace(prospect.person, email=None))
        said = told_by(prospect, cost_micro=cost, now=context.now)
        told.setdefault(each.id, []).extend(said)
    await facts.keep(db, told)


async def _tell(
    db: Connection, created: Sequence[LeadId], merged: Sequence[LeadId], context: Context
) -> None:
    """Write the timelines of the leads."""
    details = {"search_id": str(context.search_id)} if context.search_id else {}
    for kind, ids in (("lead.created", created), ("lead.merged", merged)):
        told = Activity(context.now, None, kind, context.actor, details, context.correlation_id)
        await activities.record_for(db, ids, told)
