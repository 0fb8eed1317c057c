"""Companies, one a domain."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import asyncpg

from storage.ids import new_ids


async def ids_of(
    connection: asyncpg.Connection, names: Mapping[str, str], *, now: datetime
) -> dict[str, UUID]:
    """Return the company of every domain; make those that are not known yet.

    Args:
        names: what the company is called, by domain; blank is called by its domain.
    """
    if not names:
        return {}
    domains = sorted(names)
    found = await _find(connection, domains)
    missing = [domain for domain in domains if domain not in found]
    if not missing:
        return found
    labels = [names[domain].strip() or domain for domain in missing]
    rows = await connection.fetch(_INSERT, new_ids(now, len(missing)), missing, labels, now)
    found.update((row["domain"], row["id"]) for row in rows)
    raced = [domain for domain in missing if domain not in found]
    return found | (await _find(connection, raced) if raced else {})


async def _find(connection: asyncpg.Connection, domains: list[str]) -> dict[str, UUID]:
    rows = await connection.fetch(_FIND, domains)
    return {row["domain"]: row["id"] for row in rows}


_FIND = "SELECT domain, id FROM companies WHERE domain = ANY($1::text[])"
_INSERT = """
INSERT INTO companies (id, domain, name, created_at, updated_at)
SELECT u.id, u.domain, u.name, $4, $4 FROM unnest($1::uuid[], $2::text[], $3::text[])
  u(id, domain, name)
ON CONFLICT (domain) DO NOTHING RETURNING domain, id
"""
