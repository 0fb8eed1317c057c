"""What is known of the CRM as a whole, and the mappings of leads to its records."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from pydantic import TypeAdapter

from policies.crm_defaults import default_mapping
from policies.crm_document import CrmMapping, parse
from policies.crm_records import Account, ApiUsage, Description
from storage.database import Connection, driver

_descriptions = TypeAdapter(dict[str, Description])
SALESFORCE = "salesforce"
STARTER_VERSION = 0
"""Version of the mapping that comes with the engine."""


@dataclass(frozen=True, slots=True)
class CrmState:
    """What is known of a CRM.

    Attributes:
        connected: None if it was never asked.
        descriptions: of objects, by name.
        usage: calls of the last 24 hours, told at ``usage_at``.
        polled_until: changes up to then have been read, by the CRM's own clock.
        scanned: ``(updated_at, id)`` of the lead that the scan has reached, and the mapping.
        swept_at: when the scan last began at the first lead.
        compared_until: external id that the comparison has reached; None at its beginning.
        compared_at: when the comparison last came round.
        problem: what is wrong just now, in our words.
    """

    connected: bool | None = None
    account: Account | None = None
    descriptions: Mapping[str, Description] = field(default_factory=dict[str, Description])
    checked_at: datetime | None = None
    usage: ApiUsage | None = None
    usage_at: datetime | None = None
    polled_until: datetime | None = None
    polled_at: datetime | None = None
    scanned_until: datetime | None = None
    scanned_id: UUID | None = None
    scanned_mapping: int | None = None
    swept_at: datetime | None = None
    compared_until: str | None = None
    compared_at: datetime | None = None
    problem: str | None = None
    problem_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class KeptMapping:
    """A mapping and its version.

    Attributes:
        version: grows with every one that is kept; 0 for the one that comes with the engine.
        created_by, created_at: None for the one that comes with the engine.
    """

    version: int
    mapping: CrmMapping
    created_by: str | None = None
    created_at: datetime | None = None


async def state(db: Connection, crm: str = SALESFORCE) -> CrmState:
    """Return what is known of a CRM; all empty if it was never asked."""
    row = await (await driver(db)).fetchrow("SELECT * FROM crm_state WHERE crm = $1", crm)
    return CrmState() if row is None else _state(row)


async def checked(
    db: Connection,
    account: Account,
    descriptions: Mapping[str, Description],
    *,
    now: datetime,
    crm: str = SALESFORCE,
) -> None:
    """Keep who we are there and what its objects look like; a problem is over with it."""
    told = _descriptions.dump_json(dict(descriptions)).decode()
    values = (orjson.dumps(asdict(account)).decode(), told)
    await (await driver(db)).execute(_CHECKED, crm, *values, now)


async def unreachable(
    db: Connection, problem: str, *, now: datetime, crm: str = SALESFORCE
) -> None:
    """Keep that we could not connect, and why."""
    await (await driver(db)).execute(_UNREACHABLE, crm, problem, now)


async def troubled(db: Connection, problem: str, *, now: datetime, crm: str = SALESFORCE) -> None:
    """Keep what is wrong, such as a mapping that the CRM refuses or calls that are used up."""
    await (await driver(db)).execute(_TROUBLED, crm, problem, now)


async def heard(
    db: Connection, usage: ApiUsage | None, *, now: datetime, crm: str = SALESFORCE
) -> None:
    """Keep that the CRM answered, and the calls that it counts; a problem is over with it."""
    used, allowed = (usage.used, usage.allowed) if usage is not None else (None, None)
    await (await driver(db)).execute(_HEARD, crm, used, allowed, now)


async def polled(
    db: Connection, until: datetime | None, *, now: datetime, crm: str = SALESFORCE
) -> None:
    """Keep how far changes have been read, by the CRM's own clock; None: no further."""
    await (await driver(db)).execute(_POLLED, crm, until, now)


async def scanned(
    db: Connection,
    reached: tuple[datetime, UUID] | None,
    mapping_version: int,
    *,
    swept_at: datetime | None = None,
    crm: str = SALESFORCE,
) -> None:
    """Keep which lead the scan has reached.

    Args:
        swept_at: given when the scan began at the first lead.
    """
    until, lead_id = reached or (None, None)
    await (await driver(db)).execute(_SCANNED, crm, until, lead_id, mapping_version, swept_at)


async def compared(
    db: Connection, until: str | None, *, now: datetime, crm: str = SALESFORCE
) -> None:
    """Keep which external id the comparison has reached; None: it came round."""
    await (await driver(db)).execute(_COMPARED, crm, until, now)


async def mapping(db: Connection) -> KeptMapping:
    """Return the newest mapping; the one that comes with the engine if none was kept."""
    row = await (await driver(db)).fetchrow(_NEWEST)
    return KeptMapping(STARTER_VERSION, default_mapping()) if row is None else _kept(row)


async def mapping_version(db: Connection, version: int) -> KeptMapping | None:
    """Return one version of the mapping; None if there is none."""
    if version == STARTER_VERSION:
        return KeptMapping(STARTER_VERSION, default_mapping())
    row = await (await driver(db)).fetchrow(
        "SELECT * FROM crm_mappings WHERE version = $1", version
    )
    return None if row is None else _kept(row)


async def mappings(
    db: Connection, *, before: int | None = None, limit: int = 50
) -> list[KeptMapping]:
    """Return the mappings that were kept, the newest first.

    Args:
        before: version of the last one of the page before.
    """
    return [_kept(row) for row in await (await driver(db)).fetch(_MAPPINGS, before, limit)]


async def put_mapping(
    db: Connection, wanted: CrmMapping, *, created_by: str, now: datetime
) -> KeptMapping:
    """Keep a new version of the mapping; one that is as the newest stays that version."""
    document = orjson.dumps(wanted.document()).decode()
    connection = await driver(db)
    await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('crm_mappings', 0))")
    row = await connection.fetchrow(_PUT, document, created_by, now)
    return await mapping(db) if row is None else _kept(row)


def _kept(row: asyncpg.Record) -> KeptMapping:
    return KeptMapping(row["version"], parse(row["document"]), row["created_by"], row["created_at"])


def _state(row: asyncpg.Record) -> CrmState:
    values: dict[str, Any] = {
        name: row[name] for name in CrmState.__dataclass_fields__ if name in row
    }
    account, used, allowed = row["account"], row["api_used"], row["api_allowed"]
    values["account"] = None if account is None else Account(**account)
    values["descriptions"] = _descriptions.validate_python(row["descriptions"])
    values["usage"] = None if used is None or allowed is None else ApiUsage(used, allowed)
    return CrmState(**values)


_CHECKED = """
INSERT INTO crm_state (crm, connected, account, descriptions, checked_at)
VALUES ($1, true, $2::jsonb, $3::jsonb, $4)
ON CONFLICT (crm) DO UPDATE SET connected = true, account = excluded.account,
  descriptions = excluded.descriptions, checked_at = excluded.checked_at, problem = NULL,
  problem_at = NULL
"""
_UNREACHABLE = """
INSERT INTO crm_state (crm, connected, problem, problem_at, checked_at)
VALUES ($1, false, $2, $3, $3)
ON CONFLICT (crm) DO UPDATE SET connected = false, problem = excluded.problem,
  problem_at = excluded.problem_at, checked_at = excluded.checked_at
"""
_TROUBLED = """
INSERT INTO crm_state (crm, problem, problem_at) VALUES ($1, $2, $3)
ON CONFLICT (crm) DO UPDATE SET problem = excluded.problem, problem_at = excluded.problem_at
"""
_HEARD = """
INSERT INTO crm_state AS s (crm, connected, api_used, api_allowed, usage_at)
VALUES ($1, true, $2, $3, CASE WHEN $2::int IS NOT NULL THEN $4::timestamptz END)
ON CONFLICT (crm) DO UPDATE SET connected = true, problem = NULL, problem_at = NULL,
  api_used = coalesce(excluded.api_used, s.api_used),
  api_allowed = coalesce(excluded.api_allowed, s.api_allowed),
  usage_at = coalesce(excluded.usage_at, s.usage_at)
"""
_POLLED = """
INSERT INTO crm_state AS s (crm, polled_until, polled_at) VALUES ($1, $2, $3)
ON CONFLICT (crm) DO UPDATE SET polled_at = excluded.polled_at,
  polled_until = greatest(excluded.polled_until, s.polled_until)
"""
_SCANNED = """
INSERT INTO crm_state AS s (crm, scanned_until, scanned_id, scanned_mapping, swept_at)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (crm) DO UPDATE SET scanned_until = excluded.scanned_until,
  scanned_id = excluded.scanned_id, scanned_mapping = excluded.scanned_mapping,
  swept_at = coalesce(excluded.swept_at, s.swept_at)
"""
_COMPARED = """
INSERT INTO crm_state AS s (crm, compared_until, compared_at)
VALUES ($1, $2, CASE WHEN $2::text IS NULL THEN $3::timestamptz END)
ON CONFLICT (crm) DO UPDATE SET compared_until = excluded.compared_until,
  compared_at = coalesce(excluded.compared_at, s.compared_at)
"""
_NEWEST = "SELECT * FROM crm_mappings ORDER BY version DESC LIMIT 1"
_MAPPINGS = """
SELECT * FROM crm_mappings WHERE $1::int IS NULL OR version < $1 ORDER BY version DESC LIMIT $2
"""
_PUT = """
INSERT INTO crm_mappings (document, created_by, created_at)
SELECT $1::jsonb, $2, $3
WHERE $1::jsonb IS DISTINCT FROM (
  SELECT document FROM crm_mappings ORDER BY version DESC LIMIT 1)
RETURNING *
"""
