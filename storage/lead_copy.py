"""New leads through COPY: as fast as PostgreSQL takes rows, sealed on the way.

COPY knows no conflict. It runs in a savepoint; where another transaction made one of the people
first, nothing of it stays and the caller takes the slower way. Rows go out in pieces, so that the
database writes one piece while the next is being sealed.
"""

import re
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from storage.lead_merging import Slot

PIECE = 500
TEXTS = ("external_id", "company", "domain", "title", "industry", "country")
COLUMNS = (
    "id", "source", *TEXTS, "outcome", "first_name", "last_name", "email", "phone", "notes",
    "email_key", "phone_key", "search_tokens", "company_id", "attributes", "import_id", "status",
    "created_at", "updated_at",
)  # fmt: skip
_SPECIAL = re.compile(r"[\\\n\r\t]").search
_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})
_NULL = "\\N"
_TRUTH = {True: "t", False: "f", None: _NULL}

Personal = Callable[[Sequence[Slot]], Sequence[Sequence[Any]]]
"""Sealed first name, last name, e-mail, phone, notes; keys of e-mail and phone; search tokens."""


async def copy_new(
    connection: asyncpg.Connection,
    slots: Sequence[Slot],
    *,
    personal: Personal,
    attributes: Callable[[Mapping[str, Any]], str],
    company_ids: Mapping[str, UUID],
    constants: tuple[UUID | None, str, datetime],
) -> bool:
    """Copy new leads; say whether they were written: not if others made one of them first.

    Args:
        constants: import, status and time of all of them.
    """
    import_id, status, now = constants
    tail = "\t".join((str(import_id) if import_id else _NULL, status, *[now.isoformat()] * 2))

    async def lines() -> AsyncGenerator[bytes, None]:
        for at in range(0, len(slots), PIECE):
            piece = slots[at : at + PIECE]
            hidden = zip(*personal(piece), strict=True)
            rows = [
                _line(slot, sealed, company_ids, attributes(slot.values["attributes"]), tail)
                for slot, sealed in zip(piece, hidden, strict=True)
            ]
            yield "".join(rows).encode()

    try:
        async with connection.transaction():
            await connection.copy_to_table("leads", source=lines(), columns=COLUMNS)
    except asyncpg.UniqueViolationError:
        return False
    return True


def _line(
    slot: Slot, sealed: Sequence[Any], companies: Mapping[str, UUID], attributes: str, tail: str
) -> str:
    values = slot.values
    *blobs, tokens = sealed
    company = companies.get(values["domain"] or "")
    return "\t".join(
        (
            str(slot.id),
            _text(slot.source),
            *[_text(values[name]) for name in TEXTS],
            _TRUTH[values["outcome"]],
            *[_NULL if blob is None else f"\\\\x{blob.hex()}" for blob in blobs],
            tokens,
            _NULL if company is None else str(company),
            _text(attributes),
            f"{tail}\n",
        )
    )


def _text(value: str | None) -> str:
    if value is None:
        return _NULL
    return value.translate(_ESCAPES) if _SPECIAL(value) else value
