"""Leads as rows: what is sealed, what is found by keyed hash, what stays readable."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from policies.contact_points import normal_email
from policies.features import Value
from policies.lead import PERSONAL, Lead, LeadId, LeadStatus, Person
from storage.errors import UnstorableText
from storage.sealing import Sealer

NOTES = "leads.notes"
SEARCHED = ("first_name", "last_name", "company", "title")
"""Fields whose words are searched, as `Sealer.search_tokens` takes them."""
LONGEST_KEY = 500
"""Characters of a text that an index holds whole; a B-tree entry takes 2,704 bytes at most."""

COLUMNS = (
    "id, source, status, first_name, last_name, email, phone, notes, external_id, company, domain, "
    "title, industry, country, attributes, outcome, score, confidence, tier, tags, version, "
    "created_at, updated_at, scored_at, import_id"
)


async def plan_anew(connection: asyncpg.Connection) -> None:
    """Plan every statement of this transaction for the tables as they are.

    A plan that was made, and kept, while the table was empty reads it whole for every lead once it
    holds thousands: until the statistics come, a plan may use any of its partial indexes.
    """
    await connection.execute("SET LOCAL plan_cache_mode = force_custom_plan")


def opened(sealer: Sealer, row: asyncpg.Record) -> Lead:
    """Return the lead that a row of `COLUMNS` holds."""
    return Lead(
        id=LeadId(row["id"]),
        source=row["source"],
        status=LeadStatus(row["status"]),
        person=_person(sealer, row),
        external_id=row["external_id"],
        company=row["company"],
        domain=row["domain"],
        title=row["title"],
        industry=row["industry"],
        country=row["country"],
        attributes=row["attributes"],
        outcome=row["outcome"],
        score=row["score"],
        confidence=row["confidence"],
        tier=row["tier"],
        tags=tuple(row["tags"]),
        version=row["version"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        scored_at=row["scored_at"],
        import_id=row["import_id"],
    )


def _person(sealer: Sealer, row: asyncpg.Record) -> Person:
    row_id = row["id"]
    fields = {name: sealer.open(f"leads.{name}", row_id, row[name]) for name in PERSONAL}
    return Person(**fields, notes=open_notes(sealer, row_id, row["notes"]))


def open_notes(sealer: Sealer, row_id: UUID, blob: bytes | None) -> dict[str, str]:
    """Open sealed notes; none are no notes."""
    text = sealer.open(NOTES, row_id, blob)
    notes: dict[str, str] = orjson.loads(text) if text else {}
    return notes


def notes_text(notes: Mapping[str, str]) -> str | None:
    """Return notes as the text that is sealed; no notes are None."""
    return orjson.dumps(dict(notes)).decode() if notes else None


def email_keys(sealer: Sealer, emails: Sequence[str | None]) -> list[bytes | None]:
    """Return the blind index of each address; None where there is none that is valid."""
    normal = [None if email is None else normal_email(email) for email in emails]
    return sealer.blind_many("email", normal)


def attributes_text(attributes: Mapping[str, Value], row: int = 0) -> str:
    """Return attributes as JSON.

    Raises:
        UnstorableText: if a name or a value cannot be kept as JSON in PostgreSQL.
    """
    try:
        text = orjson.dumps(dict(attributes)).decode()
    except TypeError as error:
        raise UnstorableText(row, "attributes", f"{error}; remove that value") from None
    if "\\u0000" in text and _holds_nul(attributes):
        raise UnstorableText(row, "attributes", "it holds the character NUL; remove it")
    return text


def check_texts(
    field: str, texts: Sequence[str | None], *, longest: int | None = None, nul: bool = False
) -> None:
    """Refuse what a text column cannot hold.

    Args:
        texts: one a row of the batch.
        longest: characters allowed; None allows any number.
        nul: whether the character NUL is allowed, as it is in a sealed column.

    Raises:
        UnstorableText: naming the first such row.
    """
    if _all_plain(texts, longest):
        return
    for row, text in enumerate(texts):
        if text and (problem := _problem(text, longest, nul=nul)):
            raise UnstorableText(row, field, problem)


def _all_plain(texts: Sequence[str | None], longest: int | None) -> bool:
    """Whether a whole column is beyond doubt, told without looking at each text."""
    filled = [text for text in texts if text]
    whole = "".join(filled)
    fits = longest is None or max(map(len, filled), default=0) <= longest
    return fits and "\x00" not in whole and whole.isascii()


def _problem(text: str, longest: int | None, *, nul: bool) -> str | None:
    if "\x00" in text and not nul:
        return "it holds the character NUL; remove it"
    if longest is not None and len(text) > longest:
        return f"it has {len(text)} characters, more than {longest}; shorten it"
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return "it holds half a surrogate pair; decode it as UTF-8"
    return None


def _holds_nul(attributes: Mapping[str, Value]) -> bool:
    texts: list[Any] = [*attributes, *attributes.values()]
    return any(isinstance(text, str) and "\x00" in text for text in texts)
