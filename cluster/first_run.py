"""What the database and the data directory must hold before anybody works; safe to repeat."""

import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from cluster.roles import Kit, Role
from serve.scopes import ROLES
from serve.scopes import Role as Permissions
from storage import agents, api_keys, scoring
from storage.database import Database

OPERATOR = "operator"
DEFAULT_NAME = "general"
DEFAULT = {"kind": "ensemble", "base": {"kind": "template", "industry": "general"}}


async def prepare_storage(kit: Kit, roles: Mapping[str, Role], now: datetime) -> None:
    """Make the agents known, and one scoring algorithm active."""
    async with kit.database.transaction() as db:
        await agents.ensure(db, {r.name: agents.Bounds(r.least, r.most) for r in roles.values()})
        await scoring.ensure_default(db, name=DEFAULT_NAME, definition=DEFAULT, now=now)


async def operator_key(database: Database, kept: str, now: datetime) -> str:
    """Return an API key with every scope: the one that is ``kept``, as long as it is good."""
    async with database.transaction() as db:
        if await api_keys.verify(db, kept, now=now):
            return kept
        _, text = await api_keys.create(db, OPERATOR, ROLES[Permissions.ADMIN], now=now)
    return text


def write_private(file: Path, text: str) -> None:
    """Replace ``file``, in one step, by one that only its owner can read."""
    draft = file.with_name(f".{file.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w") as out:
        out.write(text)
    draft.replace(file)
