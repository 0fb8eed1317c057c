"""The ledger: reserve before spending, settle what it really cost, release what was not spent.

An entry reserves an amount in each of several accounts (such as a day's micro-dollars and a
day's tokens) or in none. What a crash leaves behind stays held: only the vendor's own books can
say whether it charged.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

import asyncpg

from storage.database import Connection, count, driver


@dataclass(frozen=True, slots=True)
class Account:
    """What may be spent.

    Attributes:
        id: such as ``usd:openai:2026-11-24``.
        unit: ``usd_micro``, ``tokens``, ``credits`` or ``sends``.
        limit: None is counted but not limited.
    """

    id: str
    unit: str
    limit: int | None


@dataclass(frozen=True, slots=True)
class AccountState:
    """An account and where it stands.

    Attributes:
        held: reserved and not yet settled.
        spent: settled.
    """

    account: Account
    held: int
    spent: int
    opened_at: datetime

    @property
    def left(self) -> int | None:
        """What may still be reserved; None is without limit."""
        if self.account.limit is None:
            return None
        return max(0, self.account.limit - self.held - self.spent)


@dataclass(frozen=True, slots=True)
class Entry:
    """One call to be paid for.

    Attributes:
        id: the same when the same call is reserved again: it is then not counted twice.
        amounts: the most that it may cost, one an account.
        reference: the lead it is for.
    """

    id: UUID
    amounts: Sequence[int]
    reference: UUID | None = None


@dataclass(frozen=True, slots=True)
class OpenEntry:
    """A call of which nobody knows yet what it cost.

    Attributes:
        state: ``held`` while it is under way, ``unknown`` once it took too long.
        amounts: reserved, by account.
    """

    id: UUID
    reference: UUID | None
    state: Literal["held", "unknown"]
    vendor: str
    purpose: str
    created_at: datetime
    expires_at: datetime
    amounts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class EntryState:
    """What became of an entry.

    Attributes:
        state: as in the table; ``committed`` is settled.
        amounts: reserved, by account, in the order of its reservation.
        settled: what it really cost; None while it is open.
    """

    id: UUID
    state: Literal["held", "unknown", "committed", "released"]
    amounts: Mapping[str, int]
    settled: Mapping[str, int] | None

    @property
    def open(self) -> bool:
        """Whether nobody knows yet what it cost."""
        return self.state in ("held", "unknown")


async def open_accounts(db: Connection, accounts: Sequence[Account]) -> None:
    """Open ``accounts`` that are not open yet, and bring the others to their limit.

    A limit below what is already held and spent becomes exactly that: nothing more is granted.
    """
    await (await driver(db)).execute(
        "SELECT ledger_open($1, $2, $3)",
        [account.id for account in accounts],
        [account.unit for account in accounts],
        [account.limit for account in accounts],
    )


async def reserve(  # noqa: PLR0913 - what a call is for is told in words
    db: Connection,
    accounts: Sequence[str],
    entries: Sequence[Entry],
    *,
    vendor: str,
    purpose: str,
    expires_at: datetime,
    now: datetime,
    correlation_id: str | None = None,
) -> set[UUID]:
    """Reserve for as many of ``entries``, in order, as every account still allows.

    The accounts stay locked until the caller's transaction ends: commit soon.

    Args:
        accounts: the ids to reserve in, in the order of each entry's amounts.
        vendor: who charges.
        purpose: what for, such as ``"rubric"``.
        expires_at: from then on an entry that was neither settled nor released is unknown.

    Returns:
        The ids that were granted.

    Raises:
        ValueError: if amounts do not fit the accounts.
        asyncpg.RaiseError: if an account is not open, or an entry has already been settled.
    """
    if not entries:
        return set()
    if len(set(accounts)) != len(accounts):
        raise ValueError("an account is named twice")
    rows = await (await driver(db)).fetch(
        "SELECT * FROM ledger_reserve($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        [entry.id for entry in entries],
        list(accounts),
        _flat([entry.amounts for entry in entries], len(accounts)),
        vendor,
        purpose,
        [entry.reference for entry in entries],
        correlation_id,
        expires_at,
        now,
    )
    return {row[0] for row in rows}


async def find(db: Connection, entry_id: UUID) -> EntryState | None:
    """Return what became of an entry; None if there is no such."""
    row = await (await driver(db)).fetchrow(_FIND, entry_id)
    if row is None:
        return None
    settled = row["settled"]
    return EntryState(
        entry_id,
        row["state"],
        dict(zip(row["accounts"], row["amounts"], strict=True)),
        None if settled is None else dict(zip(row["accounts"], settled, strict=True)),
    )


async def renew(db: Connection, ids: Sequence[UUID], *, expires_at: datetime) -> None:
    """Give entries that are still open until ``expires_at``; unknown ones are held again."""
    await (await driver(db)).execute(_RENEW, list(ids), expires_at)


async def left(db: Connection, ids: Sequence[str]) -> dict[str, int | None]:
    """Return what may still be reserved in the accounts that are open; None is without limit."""
    rows = await (await driver(db)).fetch(_LEFT, list(ids))
    return {row["id"]: row["left_over"] for row in rows}


async def lock(db: Connection, accounts: Sequence[str]) -> None:
    """Keep others from booking on ``accounts`` until the transaction ends."""
    await (await driver(db)).execute(_LOCK, list(accounts))


async def settle(db: Connection, costs: Mapping[UUID, Sequence[int]], *, now: datetime) -> int:
    """Book what entries really cost, one amount an account; return how many were still open.

    All entries of one call reserved in equally many accounts.
    """
    if not costs:
        return 0
    width = len(next(iter(costs.values())))
    amounts = _flat(list(costs.values()), width)
    return await count(await driver(db), _CLOSE, list(costs), amounts, now)


async def release(db: Connection, ids: Sequence[UUID], *, now: datetime) -> int:
    """Give back what was reserved and surely not spent; return how many were still open."""
    if not ids:
        return 0
    return await count(await driver(db), _CLOSE, list(ids), None, now)


async def expire(db: Connection, *, now: datetime) -> int:
    """Mark as unknown what should have been settled by ``now``; it stays held."""
    return await count(await driver(db), "SELECT ledger_expire($1)", now)


async def open_entries(db: Connection, references: Sequence[UUID]) -> list[OpenEntry]:
    """Return the calls for ``references`` that were interrupted or are still under way."""
    rows = await (await driver(db)).fetch(_OPEN, list(references))
    return [_open_entry(row) for row in rows]


async def unknown_entries(db: Connection, vendor: str, *, limit: int = 1000) -> list[OpenEntry]:
    """Return calls to ``vendor`` that its own books must decide, oldest first."""
    rows = await (await driver(db)).fetch(_UNKNOWN, vendor, limit)
    return [_open_entry(row) for row in rows]


async def accounts(db: Connection, prefix: str = "", *, limit: int = 100) -> list[AccountState]:
    """Return the accounts whose id begins with ``prefix``, newest first."""
    rows = await (await driver(db)).fetch(_ACCOUNTS, prefix, limit)
    return [
        AccountState(
            Account(row["id"], row["unit"], row["limit_amount"]),
            row["held"],
            row["spent"],
            row["opened_at"],
        )
        for row in rows
    ]


def _flat(amounts: Sequence[Sequence[int]], width: int) -> list[int]:
    if any(len(row) != width for row in amounts):
        raise ValueError(f"every entry needs {width} amounts, one an account")
    flat = [amount for row in amounts for amount in row]
    if any(amount < 0 for amount in flat):
        raise ValueError("an amount is never negative")
    return flat


def _open_entry(row: asyncpg.Record) -> OpenEntry:
    return OpenEntry(
        row["id"],
        row["reference"],
        row["state"],
        row["vendor"],
        row["purpose"],
        row["created_at"],
        row["expires_at"],
        dict(zip(row["accounts"], row["amounts"], strict=True)),
    )


_CLOSE = "SELECT ledger_close($1, $2, $3)"
_FIND = "SELECT state, accounts, amounts, settled FROM ledger_entries WHERE id = $1"
_RENEW = """
UPDATE ledger_entries SET state = 'held', expires_at = greatest(expires_at, $2)
WHERE id = ANY ($1) AND state IN ('held', 'unknown')
"""
_LEFT = """
SELECT id, CASE WHEN limit_amount IS NOT NULL THEN greatest(0, limit_amount - held - spent) END
  AS left_over
FROM ledger_accounts WHERE id = ANY ($1)
"""
_LOCK = "SELECT 1 FROM ledger_accounts WHERE id = ANY ($1) ORDER BY id FOR NO KEY UPDATE"
_OPEN = """
SELECT * FROM ledger_entries
WHERE reference = ANY ($1) AND state IN ('held', 'unknown') ORDER BY created_at, id
"""
_UNKNOWN = """
SELECT * FROM ledger_entries WHERE state = 'unknown' AND vendor = $1 ORDER BY expires_at LIMIT $2
"""
_ACCOUNTS = """
SELECT * FROM ledger_accounts WHERE starts_with(id, $1) ORDER BY opened_at DESC, id LIMIT $2
"""
