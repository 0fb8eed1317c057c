"""Whom never to make a lead again: keyed hashes, which outlive the erasure of the person.

A suppression is known by a mailbox, a company's domain or name, a phone number, a person (name and
company), a LinkedIn profile, or a source's record. It bars what comes from *sources*. What people
bring in themselves (a file, the API, a form that the person fills in) is theirs to decide.

A lead that is deleted leaves suppressions for its mailbox, its person, its LinkedIn profile and its
records (reason ``deleted``), not for its phone or its company, which others share. They are written
in the transaction of the deletion, so that there is no moment at which a source could make the lead
again, and they stay when the lead is purged. An operator who wants the person back adds them by
hand.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from policies.contact_points import email_domain, normal_email
from policies.lead import Person
from policies.person_keys import company_key, linkedin_key, person_keys
from policies.prospect import Prospect
from storage.database import Connection, count, driver
from storage.lead_rows import email_keys
from storage.sealing import Sealer

LINKEDIN_NOTE = "linkedin_url"
"""Under which name a lead's sealed notes hold its LinkedIn profile."""


class Kind(StrEnum):
    """By what somebody is known."""

    EMAIL = "email"
    DOMAIN = "domain"
    PHONE = "phone"
    COMPANY = "company"
    PERSON = "person"
    LINKEDIN = "linkedin"
    RECORD = "record"


class Reason(StrEnum):
    """Why somebody is suppressed."""

    DELETED = "deleted"
    ERASED = "erased"
    OPTED_OUT = "opted_out"
    UNSUBSCRIBED = "unsubscribed"
    COMPLAINT = "complaint"
    BOUNCED = "bounced"
    MANUAL = "manual"


Key = tuple[Kind, bytes]


@dataclass(frozen=True, slots=True)
class Suppression:
    """One thing that is barred; its hash tells nothing without the keys."""

    kind: Kind
    reason: Reason
    source: str
    created_at: datetime


async def add(
    db: Connection, keys: Iterable[Key], *, reason: Reason, source: str, now: datetime
) -> int:
    """Bar ``keys``; the first reason stays. Return how many are new.

    Args:
        source: who says so: a vendor, ``key:…``, an agent.
    """
    wanted = sorted(set(keys))
    if not wanted:
        return 0
    kinds, hashes = [kind.value for kind, _ in wanted], [key for _, key in wanted]
    return await count(await driver(db), _ADD, kinds, hashes, reason.value, source, now)


async def suppressed(
    db: Connection, sealer: Sealer, prospects: Sequence[Prospect]
) -> dict[int, Reason]:
    """Say which of ``prospects`` are barred, by their place, and why."""
    keys = [keys_of(sealer, prospect) for prospect in prospects]
    barred = await find(db, {key for each in keys for key in each})
    found: dict[int, Reason] = {}
    for place, each in enumerate(keys):
        if hits := [barred[key].reason for key in each if key in barred]:
            found[place] = hits[0]
    return found


async def find(db: Connection, keys: Iterable[Key]) -> dict[Key, Suppression]:
    """Return what is known of those of ``keys`` that are barred."""
    wanted = sorted(set(keys))
    if not wanted:
        return {}
    rows = await (await driver(db)).fetch(
        _FIND, [kind.value for kind, _ in wanted], [key for _, key in wanted]
    )
    return {
        (Kind(row["kind"]), row["key"]): Suppression(
            Kind(row["kind"]), Reason(row["reason"]), row["source"], row["created_at"]
        )
        for row in rows
    }


async def bar_lead(
    db: Connection, sealer: Sealer, lead_id: UUID, *, reason: Reason, source: str, now: datetime
) -> int:
    """Bar the person of a lead, by everything that sources may know them by.

    Their phone and their company are not barred: others share them. Return how many keys are new.
    """
    connection = await driver(db)
    row = await connection.fetchrow(_LEAD, lead_id)
    if row is None:
        return 0
    names = [
        sealer.open(f"leads.{name}", lead_id, row[name]) for name in ("first_name", "last_name")
    ]
    keys = _person_keys(sealer, names[0], names[1], row["domain"], row["company"])
    if row["email_key"] is not None:
        keys.append((Kind.EMAIL, row["email_key"]))
    for found in await connection.fetch(_RECORDS, lead_id):
        keys.append(record_key(sealer, found["source"], found["record_id"]))
        told = (found["name_key"], found["company_key"])
        keys += [(Kind.PERSON, key) for key in told if key is not None]
        if found["linkedin_key"] is not None:
            keys.append((Kind.LINKEDIN, found["linkedin_key"]))
    return await add(db, keys, reason=reason, source=source, now=now)


def keys_of(sealer: Sealer, prospect: Prospect) -> list[Key]:
    """Return everything by which a prospect could be barred, the surest first."""
    person = prospect.person
    domains = {domain for domain in (prospect.domain, _mail_domain(person)) if domain}
    keys = [record_key(sealer, prospect.source, prospect.record_id)]
    keys += [(Kind.EMAIL, key) for key in email_keys(sealer, [person.email]) if key is not None]
    keys += _person_keys(
        sealer, person.first_name, person.last_name, prospect.domain, prospect.company
    )
    keys += _blinded(sealer, Kind.LINKEDIN, [linkedin_key(prospect.linkedin_url)])
    keys += _blinded(sealer, Kind.PHONE, [person.phone])
    keys += _blinded(sealer, Kind.DOMAIN, sorted(domains))
    keys += _blinded(sealer, Kind.COMPANY, [company_key(prospect.company)])
    return keys


def personal_keys_of(sealer: Sealer, prospect: Prospect) -> list[Key]:
    """Return the keys of a prospect that nobody shares with them: to bar one who objected."""
    return [key for key in keys_of(sealer, prospect) if key[0] in _PERSONAL]


def record_key(sealer: Sealer, source: str, record_id: str) -> Key:
    """Return the key of a source's record."""
    return Kind.RECORD, sealer.blind("record", f"{source}:{record_id}")


def value_key(sealer: Sealer, kind: Kind, value: str) -> Key | None:
    """Return the key of what a person typed; None if it is none of that kind.

    A person is typed as an e-mail address or a LinkedIn profile.
    """
    match kind:
        case Kind.EMAIL:
            normal = normal_email(value)
        case Kind.LINKEDIN:
            normal = linkedin_key(value)
        case Kind.COMPANY:
            normal = company_key(value)
        case Kind.DOMAIN:
            normal = value.strip().lower() or None
        case Kind.PHONE | Kind.PERSON | Kind.RECORD:
            normal = value or None
    return None if normal is None else (kind, sealer.blind(kind.value, normal))


def _person_keys(
    sealer: Sealer, first: str | None, last: str | None, domain: str | None, company: str
) -> list[Key]:
    told = person_keys(first, last, domain=domain, company=company)
    return _blinded(sealer, Kind.PERSON, [told.name, told.company])


def _blinded(sealer: Sealer, kind: Kind, texts: Sequence[str | None]) -> list[Key]:
    return [(kind, sealer.blind(kind.value, text)) for text in texts if text]


def _mail_domain(person: Person) -> str | None:
    normal = normal_email(person.email or "")
    return None if normal is None else email_domain(normal)


_PERSONAL = frozenset({Kind.RECORD, Kind.EMAIL, Kind.PERSON, Kind.LINKEDIN})

_ADD = """
WITH new AS (
  INSERT INTO suppressions (kind, key, reason, source, created_at)
  SELECT u.kind, u.key, $3, $4, $5 FROM unnest($1::text[], $2::bytea[]) u(kind, key)
  ORDER BY 1, 2 ON CONFLICT DO NOTHING RETURNING 1)
SELECT count(*) FROM new
"""
_FIND = """
SELECT s.* FROM unnest($1::text[], $2::bytea[]) u(kind, key) JOIN suppressions s USING (kind, key)
"""
_LEAD = "SELECT first_name, last_name, email_key, domain, company FROM leads WHERE id = $1"
_RECORDS = """
SELECT source, record_id, name_key, company_key, linkedin_key FROM lead_sources WHERE lead_id = $1
"""
