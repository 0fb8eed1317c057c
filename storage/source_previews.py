"""Previews of searches: a profile, and what each source says that it would find."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from policies.profiles import Profile
from storage.database import Connection, driver
from storage.errors import NotFound
from storage.ids import new_id

KEPT = timedelta(days=1)


class PreviewNotFound(NotFound):
    """There is no such preview, or it is older than a day."""

    def __init__(self, preview_id: UUID) -> None:
        super().__init__(f"there is no preview {preview_id}; they are kept for a day")


@dataclass(frozen=True, slots=True)
class SourcePreview:
    """What one source makes of a profile.

    Attributes:
        criteria: the profile in its words.
        unexpressed: what it cannot look for; it is checked on what it finds.
        impossible: why it cannot serve the profile; None if it can.
        count: how many match; None where it does not tell.
        price_micro: micro-dollars of a record.
        lead_micro: what a usable lead is expected to cost.
        problem: why it could not be asked.
    """

    source: str
    criteria: Mapping[str, Any]
    unexpressed: tuple[str, ...]
    impossible: str | None
    count: int | None
    price_micro: int
    lead_micro: int
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """A preview; ``answers`` is None until the prospector has answered."""

    id: UUID
    profile: str
    definition: Profile
    answers: tuple[SourcePreview, ...] | None
    created_at: datetime
    answered_at: datetime | None


async def create(db: Connection, *, profile: str, definition: Profile, now: datetime) -> Preview:
    """Ask for a preview; those of yesterday are forgotten."""
    connection, preview_id = await driver(db), new_id(now)
    await connection.execute(_FORGET, now - KEPT)
    await connection.execute(_CREATE, preview_id, profile, definition.model_dump_json(), now)
    return await get(db, preview_id)


async def get(db: Connection, preview_id: UUID) -> Preview:
    """Read a preview.

    Raises:
        PreviewNotFound: if there is none.
    """
    query = "SELECT * FROM source_previews WHERE id = $1"
    row = await (await driver(db)).fetchrow(query, preview_id)
    if row is None:
        raise PreviewNotFound(preview_id)
    told = row["answers"]
    answers = None if told is None else tuple(_answer(each) for each in told)
    definition = Profile.model_validate(row["definition"])
    return Preview(
        row["id"], row["profile"], definition, answers, row["created_at"], row["answered_at"]
    )


async def answer(
    db: Connection, preview_id: UUID, answers: Sequence[SourcePreview], *, now: datetime
) -> None:
    """Keep what the sources said; the first answer stays."""
    text = orjson.dumps([asdict(each) for each in answers]).decode()
    await (await driver(db)).execute(_ANSWER, preview_id, text, now)


def _answer(told: Mapping[str, Any]) -> SourcePreview:
    fields: dict[str, Any] = {**told, "unexpressed": tuple(told["unexpressed"])}
    return SourcePreview(**fields)


_CREATE = """
INSERT INTO source_previews (id, profile, definition, created_at) VALUES ($1, $2, $3::jsonb, $4)
"""
_FORGET = "DELETE FROM source_previews WHERE created_at < $1"
_ANSWER = """
UPDATE source_previews SET answers = $2::jsonb, answered_at = $3
WHERE id = $1 AND answers IS NULL
"""
