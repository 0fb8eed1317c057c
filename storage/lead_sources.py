"""Where leads came from: which record of which source is which lead, and who is known already.

A person is known by a record of theirs, by an address, by name and company, or by LinkedIn profile.
The keys are keyed hashes of what the source told, under the same fields as the suppressions'.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from policies.person_keys import person_keys
from policies.prospect import Prospect
from storage.database import Connection, count, driver
from storage.sealing import Sealer


@dataclass(frozen=True, slots=True)
class Keys:
    """Under what a person is looked up, as keyed hashes."""

    name: bytes | None = None
    company: bytes | None = None
    linkedin: bytes | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """A source's record of a lead, to be kept."""

    source: str
    record_id: str
    lead_id: UUID
    keys: Keys = Keys()


@dataclass(frozen=True, slots=True)
class Known:
    """A lead that is known already.

    Attributes:
        external_id: its name at ``source``; None if it has none.
        email_key: of its address; None without one.
        keys: those of the record by which it was found.
    """

    lead_id: UUID
    source: str
    external_id: str | None
    email_key: bytes | None
    keys: Keys


@dataclass(frozen=True, slots=True)
class KnownLeads:
    """The known leads that a batch may speak of, by each way of knowing them."""

    records: dict[tuple[str, str], Known]
    names: dict[bytes, list[Known]]
    companies: dict[bytes, list[Known]]
    linkedin: dict[bytes, list[Known]]


def keys_of(sealer: Sealer, prospect: Prospect) -> Keys:
    """Return the keyed hashes of a prospect."""
    told = person_keys(
        prospect.person.first_name,
        prospect.person.last_name,
        domain=prospect.domain,
        company=prospect.company,
        linkedin_url=prospect.linkedin_url,
    )
    return Keys(
        sealer.blind("person", told.name),
        sealer.blind("person", told.company),
        sealer.blind("linkedin", told.linkedin),
    )


async def lock(db: Connection) -> None:
    """Let nobody else find out who is known until this transaction ends.

    Else two searches that meet the same person under two addresses would each make a lead.
    """
    await (await driver(db)).execute(_LOCK)


async def known(
    db: Connection, records: Sequence[tuple[str, str]], keys: Sequence[Keys]
) -> KnownLeads:
    """Look up whom ``records`` (source and record id) and ``keys`` speak of.

    Leads that were deleted are not found: their suppressions bar them.
    """
    found = KnownLeads({}, {}, {}, {})
    rows = await (await driver(db)).fetch(
        _KNOWN,
        [source for source, _ in records],
        [record_id for _, record_id in records],
        sorted({key.name for key in keys if key.name is not None}),
        sorted({key.company for key in keys if key.company is not None}),
        sorted({key.linkedin for key in keys if key.linkedin is not None}),
    )
    for row in rows:
        told = Keys(row["name_key"], row["company_key"], row["linkedin_key"])
        lead = Known(row["lead_id"], row["lead_source"], row["external_id"], row["email_key"], told)
        found.records[row["source"], row["record_id"]] = lead
        for key, table in (
            (told.name, found.names),
            (told.company, found.companies),
            (told.linkedin, found.linkedin),
        ):
            if key is not None:
                table.setdefault(key, []).append(lead)
    return found


async def keep(
    db: Connection, records: Sequence[Record], *, search_id: UUID | None, now: datetime
) -> int:
    """Keep where leads came from; a record that is known stays where it is. Return the new ones."""
    rows = sorted({(r.source, r.record_id): r for r in records}.values(), key=_place)
    if not rows:
        return 0
    return await count(
        await driver(db),
        _KEEP,
        [row.source for row in rows],
        [row.record_id for row in rows],
        [row.lead_id for row in rows],
        [row.keys.name for row in rows],
        [row.keys.company for row in rows],
        [row.keys.linkedin for row in rows],
        search_id,
        now,
    )


async def lead_of(db: Connection, source: str, record_id: str) -> UUID | None:
    """Return the lead that a source's record became; None if it became none, or was purged."""
    return await (await driver(db)).fetchval(_LEAD_OF, source, record_id)


async def of_lead(db: Connection, lead_id: UUID) -> list[tuple[str, str, datetime, UUID | None]]:
    """Return source, record id, time and search of everything a lead came from, oldest first."""
    rows = await (await driver(db)).fetch(_OF_LEAD, lead_id)
    return [(r["source"], r["record_id"], r["found_at"], r["search_id"]) for r in rows]


def _place(record: Record) -> tuple[str, str]:
    return record.source, record.record_id


_KNOWN = """
WITH hits AS (
  SELECT s.source, s.record_id FROM lead_sources s
  JOIN unnest($1::text[], $2::text[]) u(source, record_id) USING (source, record_id)
  UNION SELECT source, record_id FROM lead_sources WHERE name_key = ANY ($3::bytea[])
  UNION SELECT source, record_id FROM lead_sources WHERE company_key = ANY ($4::bytea[])
  UNION SELECT source, record_id FROM lead_sources WHERE linkedin_key = ANY ($5::bytea[]))
SELECT s.source, s.record_id, s.lead_id, s.name_key, s.company_key, s.linkedin_key,
  l.source AS lead_source, l.external_id, l.email_key
FROM hits JOIN lead_sources s USING (source, record_id) JOIN leads l ON l.id = s.lead_id
WHERE l.deleted_at IS NULL ORDER BY s.found_at, s.source, s.record_id
"""
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('lead_sources', 0))"
_KEEP = """
WITH kept AS (
  INSERT INTO lead_sources
    (source, record_id, lead_id, name_key, company_key, linkedin_key, search_id, found_at)
  SELECT u.source, u.record_id, u.lead_id, u.name_key, u.company_key, u.linkedin_key, $7, $8
  FROM unnest($1::text[], $2::text[], $3::uuid[], $4::bytea[], $5::bytea[], $6::bytea[])
    u(source, record_id, lead_id, name_key, company_key, linkedin_key)
  ON CONFLICT (source, record_id) DO NOTHING RETURNING 1)
SELECT count(*) FROM kept
"""
_LEAD_OF = "SELECT lead_id FROM lead_sources WHERE source = $1 AND record_id = $2"
_OF_LEAD = "SELECT * FROM lead_sources WHERE lead_id = $1 ORDER BY found_at, source, record_id"
