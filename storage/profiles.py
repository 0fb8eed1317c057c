"""Profiles by name: those that come with the engine, and those that operators keep.

A stored profile stands before the one of the same name that comes with the engine.
"""

from dataclasses import dataclass
from datetime import datetime

import asyncpg

from policies.profiles import STARTERS, Profile
from storage.database import Connection, driver
from storage.errors import NotFound


class ProfileNotFound(NotFound):
    """There is no profile of that name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no profile {name!r}")


class ProfileExists(Exception):
    """There is a stored profile of that name already."""


@dataclass(frozen=True, slots=True)
class NamedProfile:
    """A profile and its name.

    Attributes:
        version: grows with every change; 0 for one that comes with the engine.
        created_by, updated_at: None for one that comes with the engine.
    """

    name: str
    profile: Profile
    version: int = 0
    created_by: str | None = None
    updated_at: datetime | None = None

    @property
    def starter(self) -> bool:
        """Whether it comes with the engine."""
        return self.version == 0


async def all(db: Connection) -> list[NamedProfile]:
    """Return every profile, by name."""
    rows = await (await driver(db)).fetch("SELECT * FROM profiles ORDER BY name")
    found = {name: NamedProfile(name, profile) for name, profile in STARTERS.items()}
    found |= {row["name"]: _profile(row) for row in rows}
    return [found[name] for name in sorted(found)]


async def get(db: Connection, name: str) -> NamedProfile:
    """Return the profile of a name.

    Raises:
        ProfileNotFound: if there is none.
    """
    row = await (await driver(db)).fetchrow("SELECT * FROM profiles WHERE name = $1", name)
    if row is not None:
        return _profile(row)
    if name in STARTERS:
        return NamedProfile(name, STARTERS[name])
    raise ProfileNotFound(name)


async def create(
    db: Connection, name: str, profile: Profile, *, created_by: str, now: datetime
) -> NamedProfile:
    """Keep a new profile.

    Raises:
        ProfileExists: if one of that name is kept.
    """
    row = await (await driver(db)).fetchrow(
        _CREATE, name, profile.model_dump_json(), created_by, now
    )
    if row is None:
        raise ProfileExists(f"there is a profile {name!r} already: change it, or choose a name")
    return _profile(row)


async def put(
    db: Connection, name: str, profile: Profile, *, created_by: str, now: datetime
) -> NamedProfile:
    """Keep a profile in place of the one of its name; searches under way keep theirs."""
    row = await (await driver(db)).fetchrow(_PUT, name, profile.model_dump_json(), created_by, now)
    return _profile(row) if row is not None else await get(db, name)


async def delete(db: Connection, name: str) -> None:
    """Forget a stored profile; one that comes with the engine is then there again.

    Raises:
        ProfileNotFound: if none is kept.
    """
    if not await (await driver(db)).fetchval(_DELETE, name):
        raise ProfileNotFound(name)


def _profile(row: asyncpg.Record) -> NamedProfile:
    return NamedProfile(
        row["name"],
        Profile.model_validate(row["definition"]),
        row["version"],
        row["created_by"],
        row["updated_at"],
    )


_CREATE = """
INSERT INTO profiles (name, definition, created_by, created_at, updated_at)
VALUES ($1, $2::jsonb, $3, $4, $4) ON CONFLICT DO NOTHING RETURNING *
"""
_PUT = """
INSERT INTO profiles AS p (name, definition, created_by, created_at, updated_at)
VALUES ($1, $2::jsonb, $3, $4, $4)
ON CONFLICT (name) DO UPDATE SET definition = excluded.definition, version = p.version + 1,
  updated_at = excluded.updated_at
WHERE p.definition IS DISTINCT FROM excluded.definition RETURNING *
"""
_DELETE = "DELETE FROM profiles WHERE name = $1 RETURNING true"
