"""Leads: kept, read, changed and removed. Personal columns are sealed on the way in.

Whatever changes a lead makes its version grow. Soft deletion frees its address and its name at the
source; `purge` removes it for good.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict
from uuid import UUID

import asyncpg
import orjson
from sqlalchemy import update as sql_update
from sqlalchemy.exc import IntegrityError

from policies.features import Value
from policies.lead import PERSONAL, Lead, LeadId, LeadStatus, advance
from storage import companies, tables
from storage.database import Connection, count, driver
from storage.errors import DuplicateLead, LeadNotFound, UnstorableText, VersionConflict
from storage.lead_keeping import Kept, keep
from storage.lead_rows import (
    COLUMNS,
    LONGEST_KEY,
    NOTES,
    SEARCHED,
    attributes_text,
    check_texts,
    email_keys,
    notes_text,
    opened,
    plan_anew,
)
from storage.sealing import Sealer

__all__ = [
    "DuplicateLead",
    "Enriched",
    "Kept",
    "LeadChange",
    "LeadNotFound",
    "Scored",
    "UnstorableText",
    "VersionConflict",
    "enrich",
    "get",
    "get_many",
    "keep",
    "purge",
    "remove",
    "set_scores",
    "update",
]


class LeadChange(TypedDict, total=False):
    """What to change: a field that is absent stays as it is, None empties it.

    Attributes:
        notes, attributes: merged by name; None under a name removes it.
        status: only where `policies.lead.advance` allows the move.
    """

    first_name: str | None
    last_name: str | None
    email: str | None
    phone: str | None
    notes: Mapping[str, str | None]
    external_id: str | None
    company: str
    domain: str | None
    title: str
    industry: str | None
    country: str | None
    attributes: Mapping[str, Value]
    outcome: bool | None
    status: LeadStatus
    tags: Sequence[str]


@dataclass(frozen=True, slots=True)
class Enriched:
    """What the enricher found out; None leaves a field as it is.

    Attributes:
        domain: of the company; the company is made if it is new.
    """

    lead_id: LeadId
    industry: str | None = None
    country: str | None = None
    domain: str | None = None


@dataclass(frozen=True, slots=True)
class Scored:
    """The newest score of a lead.

    Attributes:
        score: 0 to 100.
        confidence: 0 to 1.
    """

    lead_id: LeadId
    score: int
    confidence: float
    tier: str
    tags: Sequence[str] = ()


async def get(db: Connection, sealer: Sealer, lead_id: UUID, *, lock: bool = False) -> Lead:
    """Read a lead.

    Args:
        lock: whether nobody else may change it until the transaction ends.

    Raises:
        LeadNotFound: if there is none, or it was deleted.
    """
    found = await get_many(db, sealer, [lead_id], lock=lock)
    if not found:
        raise LeadNotFound(lead_id)
    return found[0]


async def get_many(
    db: Connection, sealer: Sealer, ids: Sequence[UUID], *, lock: bool = False
) -> list[Lead]:
    """Read leads in the order of ``ids``; those that are not there are left out."""
    connection = await driver(db)
    await plan_anew(connection)
    rows = await connection.fetch(_GET_LOCKED if lock else _GET, ids)
    by_id = {row["id"]: row for row in rows}
    return [opened(sealer, by_id[each]) for each in ids if each in by_id]


async def update(
    db: Connection,
    sealer: Sealer,
    lead_id: UUID,
    change: LeadChange,
    *,
    expected_version: int | None,
    now: datetime,
) -> Lead:
    """Change a lead; return it as it is now. A change that changes nothing writes nothing.

    Args:
        expected_version: the version that was read; None changes whatever is there.

    Raises:
        LeadNotFound: if there is none.
        VersionConflict: if it was changed since.
        DuplicateLead: if another lead has the new address or the new name at the source.
        StatusError: if it cannot move to that status.
        UnstorableText: if a text cannot be kept.
    """
    lead = await get(db, sealer, lead_id, lock=True)
    if expected_version is not None and expected_version != lead.version:
        raise VersionConflict(expected_version, lead.version)
    before, after = _fields(lead), _changed(lead, change)
    values = _row(sealer, lead_id, before, after)
    if not values:
        return lead
    try:
        async with db.begin_nested():
            await db.execute(
                sql_update(tables.leads)
                .where(tables.leads.c.id == lead_id)
                .values(values | {"version": lead.version + 1, "updated_at": now})
            )
    except IntegrityError as error:
        raise await _duplicate(db, lead, values) from error
    if "domain" in values:
        await _join_company(db, lead_id, after, now)
    return await get(db, sealer, lead_id)


async def remove(db: Connection, lead_id: UUID, *, now: datetime) -> None:
    """Delete a lead softly: it is found no more, its address and its name are free again.

    Raises:
        LeadNotFound: if there is none.
    """
    connection = await driver(db)
    if not await connection.fetchval(_REMOVE, lead_id, now):
        raise LeadNotFound(lead_id)


async def purge(db: Connection, *, before: datetime, limit: int) -> int:
    """Remove for good up to ``limit`` leads that were deleted before; return how many."""
    return await count(await driver(db), _PURGE, before, limit)


async def enrich(db: Connection, changes: Sequence[Enriched], *, now: datetime) -> int:
    """Keep what was found out about many leads; new ones become enriched.

    Leads that are gone are passed over. Return how many changed.
    """
    connection = await driver(db)
    await plan_anew(connection)
    rows = list({change.lead_id: change for change in changes}.values())
    for name in ("industry", "country", "domain"):
        check_texts(name, [getattr(row, name) for row in rows], longest=LONGEST_KEY)
    ids = [row.lead_id for row in rows]
    names = await _company_names(connection, rows)
    company = await companies.ids_of(connection, names, now=now)
    return await count(
        connection,
        _ENRICH,
        ids,
        [row.industry for row in rows],
        [row.country for row in rows],
        [row.domain for row in rows],
        [company.get(row.domain or "") for row in rows],
        now,
    )


async def set_scores(db: Connection, rows: Sequence[Scored], *, now: datetime) -> int:
    """Keep the newest score of many leads; new and enriched ones become scored.

    Leads that are gone are passed over. Return how many there were.
    """
    connection = await driver(db)
    await plan_anew(connection)
    rows = list({row.lead_id: row for row in rows}.values())
    return await count(
        connection,
        _SET_SCORES,
        [row.lead_id for row in rows],
        [row.score for row in rows],
        [row.confidence for row in rows],
        [row.tier for row in rows],
        [orjson.dumps(list(row.tags)).decode() for row in rows],
        now,
    )


def _fields(lead: Lead) -> dict[str, Any]:
    person = {name: getattr(lead.person, name) for name in PERSONAL}
    plain = {name: getattr(lead, name) for name in _PLAIN}
    merged = {"notes": dict(lead.person.notes), "attributes": dict(lead.attributes)}
    return person | plain | merged


def _changed(lead: Lead, change: LeadChange) -> dict[str, Any]:
    """The fields of ``lead`` after ``change``."""
    fields = _fields(lead)
    asked: dict[str, Any] = {**change}
    if "status" in asked:
        asked["status"] = advance(lead.status, change.get("status", lead.status))
    if "tags" in asked:
        asked["tags"] = tuple(change.get("tags", ()))
    for name in ("notes", "attributes"):
        named: dict[str, Any] = {**asked.get(name, {})}
        rest = {key: value for key, value in fields[name].items() if key not in named}
        asked[name] = rest | {key: value for key, value in named.items() if value is not None}
    unknown = asked.keys() - fields.keys()
    if unknown:
        raise TypeError(f"a lead has no {', '.join(sorted(unknown))} to change")
    return fields | asked


def _row(
    sealer: Sealer, lead_id: UUID, before: Mapping[str, Any], after: Mapping[str, Any]
) -> dict[str, Any]:
    """The columns that change, sealed and blinded where they must be."""
    new = {name: value for name, value in after.items() if value != before[name]}
    for name in new.keys() & {"external_id", "domain", "industry", "country"}:
        check_texts(name, [new[name]], longest=LONGEST_KEY)
    check_texts("a text", [new.get("company"), new.get("title"), *new.get("tags", ())])
    check_texts("a personal field", [new.get(name) for name in PERSONAL], nul=True)
    if "attributes" in new:
        attributes_text(new["attributes"])
    row = {name: value for name, value in new.items() if name not in (*PERSONAL, "notes")}
    for name in new.keys() & set(PERSONAL):
        row[name] = sealer.seal(f"leads.{name}", lead_id, new[name])
    if "notes" in new:
        row["notes"] = sealer.seal(NOTES, lead_id, notes_text(new["notes"]))
    if "email" in new:
        row["email_key"] = email_keys(sealer, [new["email"]])[0]
    if "phone" in new:
        row["phone_key"] = sealer.blind("phone", new["phone"])
    if new.keys() & {*SEARCHED}:
        row["search_tokens"] = sealer.search_tokens(*(after[name] for name in SEARCHED))
    return row


async def _duplicate(db: Connection, lead: Lead, values: Mapping[str, Any]) -> DuplicateLead:
    connection = await driver(db)
    email = await connection.fetchval(_WITH_EMAIL, values.get("email_key"), lead.id)
    if email is not None:
        return DuplicateLead(email, "e-mail address")
    other = await connection.fetchval(_WITH_NAME, lead.source, values.get("external_id"), lead.id)
    return DuplicateLead(other or lead.id, f"name at the source {lead.source!r}")


async def _join_company(
    db: Connection, lead_id: UUID, fields: Mapping[str, Any], now: datetime
) -> None:
    connection, domain = await driver(db), fields["domain"]
    names = {domain: fields["company"]} if domain else {}
    company = (await companies.ids_of(connection, names, now=now)).get(domain)
    await connection.execute("UPDATE leads SET company_id = $2 WHERE id = $1", lead_id, company)


async def _company_names(
    connection: asyncpg.Connection, rows: Sequence[Enriched]
) -> dict[str, str]:
    """What the companies of newly found domains are called, in the words of their leads."""
    domains = {row.lead_id: row.domain for row in rows if row.domain is not None}
    found = await connection.fetch(_COMPANY_NAMES, list(domains))
    names = dict.fromkeys(domains.values(), "")
    for row in found:
        names[domains[row["id"]]] = row["company"]
    return names


_PLAIN = (
    "external_id",
    "company",
    "domain",
    "title",
    "industry",
    "country",
    "outcome",
    "status",
    "tags",
)
_GET = f"SELECT {COLUMNS} FROM leads WHERE id = ANY($1::uuid[]) AND deleted_at IS NULL"  # noqa: S608
_GET_LOCKED = f"{_GET} ORDER BY id FOR UPDATE"
_WITH_EMAIL = "SELECT id FROM leads WHERE email_key = $1 AND id <> $2 AND deleted_at IS NULL"
_WITH_NAME = """
SELECT id FROM leads WHERE source = $1 AND external_id = $2 AND id <> $3 AND deleted_at IS NULL
"""
_COMPANY_NAMES = "SELECT id, company FROM leads WHERE id = ANY($1::uuid[])"
_REMOVE = """
UPDATE leads SET deleted_at = $2, updated_at = $2, version = version + 1
WHERE id = $1 AND deleted_at IS NULL RETURNING true
"""
_PURGE = """
WITH gone AS (
  DELETE FROM leads WHERE id IN (
    SELECT id FROM leads WHERE deleted_at < $1 ORDER BY deleted_at LIMIT $2
    FOR UPDATE SKIP LOCKED)
  RETURNING 1)
SELECT count(*) FROM gone
"""
_ENRICH = """
WITH locked AS (
  SELECT id FROM leads WHERE id = ANY($1::uuid[]) AND deleted_at IS NULL ORDER BY id FOR UPDATE),
done AS (
  UPDATE leads l SET
    industry = coalesce(u.industry, l.industry), country = coalesce(u.country, l.country),
    domain = coalesce(u.domain, l.domain), company_id = coalesce(u.company_id, l.company_id),
    status = CASE l.status WHEN 'new' THEN 'enriched' ELSE l.status END,
    version = l.version + 1, updated_at = $6
  FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::uuid[])
    u(id, industry, country, domain, company_id) JOIN locked USING (id)
  WHERE l.id = u.id AND (l.status = 'new' OR (l.industry, l.country, l.domain, l.company_id)
    IS DISTINCT FROM (coalesce(u.industry, l.industry), coalesce(u.country, l.country),
      coalesce(u.domain, l.domain), coalesce(u.company_id, l.company_id)))
  RETURNING 1)
SELECT count(*) FROM done
"""
_SET_SCORES = """
WITH locked AS (
  SELECT id FROM leads WHERE id = ANY($1::uuid[]) AND deleted_at IS NULL ORDER BY id FOR UPDATE),
done AS (
  UPDATE leads l SET score = u.score, confidence = u.confidence, tier = u.tier,
    tags = ARRAY(SELECT jsonb_array_elements_text(u.tags::jsonb)), scored_at = $6,
    status = CASE WHEN l.status IN ('new', 'enriched') THEN 'scored' ELSE l.status END,
    version = l.version + 1, updated_at = $6
  FROM unnest($1::uuid[], $2::smallint[], $3::float8[], $4::text[], $5::text[])
    u(id, score, confidence, tier, tags) JOIN locked USING (id)
  WHERE l.id = u.id
  RETURNING 1)
SELECT count(*) FROM done
"""
