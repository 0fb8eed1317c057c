"""Create or merge leads in bulk: one lead a person, whoever else writes at the same moment.

A draft speaks of a known lead if it bears the same name at the same source, else if it has the
same e-mail address; also of one that an earlier draft of the batch has just made. The unique
indexes decide between transactions: what another one made first is looked up again and merged.
Rows are written in the order of their keys, so that two imports of the same people do not wait for
each other in a circle; where they do all the same, PostgreSQL ends one transaction, to be repeated.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from policies.lead import PERSONAL, LeadDraft, LeadId, LeadStatus
from storage import companies
from storage.database import Connection, count, driver
from storage.ids import batch_ids
from storage.lead_copy import copy_new
from storage.lead_merging import FILLED, Board, Draft, Slot
from storage.lead_rows import (
    LONGEST_KEY,
    SEARCHED,
    attributes_text,
    check_texts,
    email_keys,
    notes_text,
    open_notes,
)
from storage.sealing import Sealer

ROUNDS = 10
"""How often the batch is looked up again because others made or changed the same people."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of one draft.

    Attributes:
        created: whether it made the lead; else it was merged into one.
        changed: whether the lead knows more than before.
    """

    id: LeadId
    created: bool
    changed: bool


async def keep(
    db: Connection,
    sealer: Sealer,
    drafts: Sequence[LeadDraft],
    *,
    now: datetime,
    import_id: UUID | None = None,
) -> list[Kept]:
    """Create or merge; return what became of each draft, in their order.

    Raises:
        UnstorableText: if a draft holds text that PostgreSQL cannot; nothing was written.
    """
    _check(drafts)
    keys = email_keys(sealer, [draft.person.email for draft in drafts])
    pending = [Draft(*each) for each in zip(range(len(drafts)), drafts, keys, strict=True)]
    writer = _Writer(await driver(db), sealer, now, import_id)
    kept: dict[int, Kept] = {}
    for _ in range(ROUNDS):
        if not pending:
            return [kept[place] for place in range(len(drafts))]
        done = await writer.write(pending)
        kept |= done
        pending = [draft for draft in pending if draft.place not in done]
    raise asyncpg.SerializationError(
        f"{len(pending)} leads were changed by others at every attempt: repeat the transaction"
    )


@dataclass(slots=True)
class _Writer:
    """One batch on its way into the tables."""

    connection: asyncpg.Connection
    sealer: Sealer
    now: datetime
    import_id: UUID | None

    async def write(self, drafts: Sequence[Draft]) -> dict[int, Kept]:
        """Write what nobody else is writing; return what became of it, by place."""
        batch = await count(self.connection, _BEGIN)
        board = Board(await self._known(drafts))
        ids = batch_ids(self.now, len(drafts), batch)
        placed = [(d, *board.place(d, new_id)) for d, new_id in zip(drafts, ids, strict=True)]
        slots = {slot.id: slot for _, slot, _ in placed}
        changed = [slot for slot in slots.values() if slot.known and slot.gained]
        if not await self._lock(changed):
            return {}
        written = await self._insert([slot for slot in slots.values() if not slot.known])
        if await self._update(changed):
            written |= {slot.id for slot in slots.values() if slot.known}
        return _outcome(placed, written)

    async def _known(self, drafts: Iterable[Draft]) -> list[Slot]:
        emails = {d.email_key for d in drafts if d.email_key is not None}
        externals = sorted({d.external for d in drafts if d.external is not None})
        sources, names = [s for s, _ in externals], [n for _, n in externals]
        rows = await self.connection.fetch(_KNOWN, sorted(emails), sources, names)
        return [_slot(self.sealer, row) for row in rows]

    async def _lock(self, slots: Sequence[Slot]) -> bool:
        """Lock what is to change; say whether it is still as it was read."""
        if not slots:
            return True
        rows = await self.connection.fetch(_LOCK, [slot.id for slot in slots])
        return {row["id"]: row["version"] for row in rows} == {s.id: s.version for s in slots}

    async def _insert(self, slots: list[Slot]) -> set[UUID]:
        if not slots:
            return set()
        slots.sort(key=_order)
        company = await self._companies(slots)
        copied = await copy_new(
            self.connection,
            slots,
            personal=self._personal,
            attributes=attributes_text,
            company_ids=company,
            constants=(self.import_id, LeadStatus.NEW.value, self.now),
        )
        return {slot.id for slot in slots} if copied else await self._insert_some(slots, company)

    async def _insert_some(self, slots: list[Slot], company: Mapping[str, UUID]) -> set[UUID]:
        """Insert those that nobody else has made meanwhile."""
        columns = [
            [slot.id for slot in slots],
            [slot.source for slot in slots],
            *(_column(slots, name) for name in _PLAIN),
            *self._personal(slots),
            [company.get(slot.values["domain"] or "") for slot in slots],
            [attributes_text(slot.values["attributes"]) for slot in slots],
        ]
        rows = await self.connection.fetch(
            _INSERT, *columns, self.import_id, self.now, LeadStatus.NEW.value
        )
        return {row["id"] for row in rows}

    async def _update(self, slots: Sequence[Slot]) -> bool:
        """Write what known leads gained; say whether no other lead has the names they gained."""
        if not slots:
            return True
        company = await self._companies([s for s in slots if s.gained & {"domain", "company"}])
        columns = [
            [slot.id for slot in slots],
            *(_gained(slots, name) for name in _PLAIN),
            *self._personal(slots, gained=True),
            [company.get(slot.values["domain"] or "") for slot in slots],
            [
                attributes_text(slot.values["attributes"]) if "attributes" in slot.gained else None
                for slot in slots
            ],
        ]
        try:
            async with self.connection.transaction():
                await self.connection.execute(_UPDATE, *columns, self.now)
        except asyncpg.UniqueViolationError:
            return False
        return True

    def _personal(self, slots: Sequence[Slot], *, gained: bool = False) -> list[list[Any]]:
        """Seal, blind and tokenise; of known leads only what they gained."""
        pick = _gained if gained else _column
        ids = [slot.id for slot in slots]
        texts = {name: pick(slots, name) for name in (*PERSONAL, "notes")}
        texts["notes"] = [notes_text(notes) if notes else None for notes in texts["notes"]]
        sealed = [
            self.sealer.seal_many(f"leads.{name}", ids, column) for name, column in texts.items()
        ]
        phones = self.sealer.blind_many("phone", texts["phone"])
        emails = [
            key if email is not None else None
            for key, email in zip(_column(slots, "email_key"), texts["email"], strict=True)
        ]
        changed = [not gained or bool(slot.gained & {*SEARCHED}) for slot in slots]
        tokens = [self._tokens(s) if c else None for s, c in zip(slots, changed, strict=True)]
        return [*sealed, emails, phones, tokens]

    def _tokens(self, slot: Slot) -> str:
        """The search tokens as a PostgreSQL array, for a ragged column has no other form."""
        values = slot.values
        first, last = values["first_name"], values["last_name"]
        if slot.known:
            first = self._open("first_name", slot.id, first)
            last = self._open("last_name", slot.id, last)
        return self.sealer.search_array(first, last, values["company"], values["title"])

    def _open(self, name: str, row: UUID, value: bytes | str | None) -> str | None:
        """Open what was sealed already; what a known lead gained is text."""
        return self.sealer.open(f"leads.{name}", row, value) if isinstance(value, bytes) else value

    async def _companies(self, slots: Iterable[Slot]) -> dict[str, UUID]:
        names: dict[str, str] = {}
        for slot in slots:
            if domain := slot.values["domain"]:
                names[domain] = names.get(domain) or slot.values["company"]
        return await companies.ids_of(self.connection, names, now=self.now)


def _outcome(placed: Sequence[tuple[Draft, Slot, bool]], written: set[UUID]) -> dict[int, Kept]:
    seen: set[UUID] = set()
    done: dict[int, Kept] = {}
    for draft, slot, changed in placed:
        if slot.id in written:
            created = not slot.known and slot.id not in seen
            done[draft.place] = Kept(LeadId(slot.id), created, changed)
            seen.add(slot.id)
    return done


def _slot(sealer: Sealer, row: asyncpg.Record) -> Slot:
    values = {name: row[name] for name in _KNOWN_FIELDS}
    values["notes"] = open_notes(sealer, row["id"], row["notes"])
    values["attributes"] = dict(row["attributes"])
    return Slot(row["id"], row["source"], values, known=True, version=row["version"])


def _column(slots: Sequence[Slot], name: str) -> list[Any]:
    return [slot.values[name] for slot in slots]


def _gained(slots: Sequence[Slot], name: str) -> list[Any]:
    return [slot.values[name] if name in slot.gained else None for slot in slots]


def _order(slot: Slot) -> tuple[bytes, str, str]:
    return (slot.values["email_key"] or b"", slot.source, slot.values["external_id"] or "")


def _check(drafts: Sequence[LeadDraft]) -> None:
    """Refuse a batch before anything of it is written."""
    for name in ("source", "external_id", "domain", "industry", "country"):
        check_texts(name, [getattr(draft, name) for draft in drafts], longest=LONGEST_KEY)
    for name in ("company", "title"):
        check_texts(name, [getattr(draft, name) for draft in drafts])
    for name in PERSONAL:
        check_texts(name, [getattr(draft.person, name) for draft in drafts], nul=True)
    for row, draft in enumerate(drafts):
        attributes_text(draft.attributes, row)


_PLAIN = ("external_id", "company", "domain", "title", "industry", "country", "outcome")
_KNOWN_FIELDS = (*FILLED, "email", "email_key", "external_id", "outcome")

# A plan that was made for an empty table is ruinous once it holds thousands of leads.
_BEGIN = """
SELECT nextval('lead_batches') FROM set_config('plan_cache_mode', 'force_custom_plan', true)
"""
_KNOWN = """
SELECT id, source, version, external_id, first_name, last_name, email, phone, notes, email_key,
  company, domain, title, industry, country, attributes, outcome
FROM leads WHERE deleted_at IS NULL AND email_key = ANY($1::bytea[])
UNION ALL
SELECT l.id, l.source, l.version, l.external_id, l.first_name, l.last_name, l.email, l.phone,
  l.notes, l.email_key, l.company, l.domain, l.title, l.industry, l.country, l.attributes, l.outcome
FROM unnest($2::text[], $3::text[]) u(source, name)
JOIN leads l ON l.source = u.source AND l.external_id = u.name
WHERE l.deleted_at IS NULL AND (l.email_key IS NULL OR l.email_key <> ALL($1::bytea[]))
"""
_LOCK = """
SELECT id, version FROM leads
WHERE id = ANY($1::uuid[]) AND deleted_at IS NULL ORDER BY id FOR UPDATE
"""
_INSERT = """
INSERT INTO leads (id, source, external_id, company, domain, title, industry, country, outcome,
  first_name, last_name, email, phone, notes, email_key, phone_key, search_tokens, company_id,
  attributes, import_id, status, created_at, updated_at)
SELECT u.id, u.source, u.external_id, u.company, u.domain, u.title, u.industry, u.country,
  u.outcome, u.first_name, u.last_name, u.email, u.phone, u.notes, u.email_key, u.phone_key,
  u.search_tokens::bigint[], u.company_id, u.attributes::jsonb, $20, $22, $21, $21
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
  $8::text[], $9::boolean[], $10::bytea[], $11::bytea[], $12::bytea[], $13::bytea[], $14::bytea[],
  $15::bytea[], $16::bytea[], $17::text[], $18::uuid[], $19::text[])
  u(id, source, external_id, company, domain, title, industry, country, outcome, first_name,
    last_name, email, phone, notes, email_key, phone_key, search_tokens, company_id, attributes)
ON CONFLICT DO NOTHING RETURNING id
"""
_UPDATE = """
UPDATE leads l SET
  external_id = coalesce(u.external_id, l.external_id), company = coalesce(u.company, l.company),
  domain = coalesce(u.domain, l.domain), title = coalesce(u.title, l.title),
  industry = coalesce(u.industry, l.industry), country = coalesce(u.country, l.country),
  outcome = coalesce(u.outcome, l.outcome), first_name = coalesce(u.first_name, l.first_name),
  last_name = coalesce(u.last_name, l.last_name), email = coalesce(u.email, l.email),
  phone = coalesce(u.phone, l.phone), notes = coalesce(u.notes, l.notes),
  email_key = coalesce(u.email_key, l.email_key), phone_key = coalesce(u.phone_key, l.phone_key),
  search_tokens = coalesce(u.search_tokens::bigint[], l.search_tokens),
  company_id = coalesce(u.company_id, l.company_id),
  attributes = coalesce(u.attributes::jsonb, l.attributes), version = l.version + 1,
  updated_at = $19
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
  $8::boolean[], $9::bytea[], $10::bytea[], $11::bytea[], $12::bytea[], $13::bytea[], $14::bytea[],
  $15::bytea[], $16::text[], $17::uuid[], $18::text[])
  u(id, external_id, company, domain, title, industry, country, outcome, first_name, last_name,
    email, phone, notes, email_key, phone_key, search_tokens, company_id, attributes)
WHERE l.id = u.id
"""
