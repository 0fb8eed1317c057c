"""Records bought from a lead vendor, counted exactly once (ADR-0018).

Such a vendor knows no idempotency key, but bills a record only the first time that we get it. So
credits are counted by the records that we own:

1. `Purchases.intend`, in the turn's intent, reserves the most that the call can cost, under an
   entry id that is made from the question (uuid5), so that a repeat reserves nothing twice.
2. The call, within `Purchases.calling`, outside any transaction.
3. `Purchases.settle`, in the turn's commit: what was billed and not yet owned is owned, and paid
   for by the entry, together with whatever the agent keeps of the answer.

If the process dies in between, the message is delivered again and the same question asked again:
the vendor gives the same records and bills none twice, and each is counted then.
"""

from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeAlias
from uuid import UUID

from agents.governor import Closed, Governor
from storage import ledger, vendor_records
from storage.database import Connection
from storage.ledger import Account, Entry, EntryState

HOLD = timedelta(hours=1)
"""How long a reservation is expected to take at most, until it counts as unknown."""
MICRO = 1_000_000


@dataclass(frozen=True, slots=True)
class Intended:
    """The call may be made, once ``wait`` is over.

    Attributes:
        credits: reserved for it.
        wait: until its slot.
        repeated: the same was intended before and its end is unknown: it may have been billed.
    """

    entry_id: UUID
    credits: int
    wait: timedelta
    repeated: bool


@dataclass(frozen=True, slots=True)
class Capped:
    """The operator's cap does not allow the call.

    Attributes:
        account: the ledger's account that has no room for it.
        until: when a new one begins (aware); None if none ever does, as with a search's budget.
    """

    account: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Spent:
    """What a call cost.

    Attributes:
        new_records: billed by it and not owned before.
    """

    credits: int
    usd_micro: int
    new_records: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Settled:
    """The call was made and its result committed before: do not make it again.

    Whoever hears this is late, or made the entry's id from less than the whole question.
    """

    spent: Spent


Intention: TypeAlias = Intended | Closed | Capped | Settled


class NotOpen(Exception):
    """A purchase cannot be settled, for its entry was closed meanwhile; nothing was written.

    Roll back, and intend it afresh: the records that were billed are counted then.
    """


class Purchases:
    """What is bought from one vendor, within the caps of the day, the month and the search.

    Several purchases may be intended, or settled, in one transaction. Intend them before any slot
    is asked for calls that are free, so that transactions meet at the ledger first and never wait
    for one another in a ring.

    Args:
        governor: of the vendor.
        usd_per_credit: US dollars.
        usd_per_day: the cap of all lead vendors together, in US dollars.
        credits_per_month: the cap of this vendor; None is without.
        clock: the time (aware UTC).
    """

    def __init__(
        self,
        governor: Governor,
        *,
        usd_per_credit: float,
        usd_per_day: float,
        credits_per_month: int | None,
        clock: Callable[[], datetime],
    ) -> None:
        self.vendor = governor.vendor
        self.usd_micro_per_credit = round(usd_per_credit * MICRO)
        self._governor = governor
        self._usd_micro_per_day = round(usd_per_day * MICRO)
        self._credits_per_month = credits_per_month
        self._clock = clock

    async def intend(  # noqa: PLR0913 - what a call is for is told in words
        self,
        db: Connection,
        *,
        entry_id: UUID,
        credits: int,
        purpose: str,
        reference: UUID | None,
        now: datetime,
        correlation_id: str | None = None,
        search: tuple[str, int] | None = None,
    ) -> Intention:
        """Reserve what a call can cost at most, and a slot for it, within ``turn.intent()``.

        An entry that is still open, also one that has become unknown, is granted again without
        being counted twice; one that was released is reserved afresh.

        Args:
            entry_id: made from the whole question: the same if and only if that is the same.
            credits: the most that it can cost: records asked for that are not owned.
            purpose: a word for the ledger, such as ``"search"``.
            reference: the lead or search it is for.
            search: id and limit (micro-dollars) of the account of a search's own budget.
        """
        known = await ledger.find(db, entry_id)
        if known is not None and known.state == "committed":
            return Settled(await self._spent_before(db, known))
        if (until := await self._away_until(db, now)) is not None:
            return Closed(until)
        accounts = self._accounts(now, search)
        entry = Entry(entry_id, self._amounts(credits, len(accounts)), reference)
        repeated = known is not None and known.open
        if not await self._reserve(db, accounts, entry, purpose, correlation_id, now):
            return await self._capped(db, accounts, entry)
        admitted = await self._governor.admit(db, [0], now)
        if isinstance(admitted, Closed):
            if not repeated:
                await ledger.release(db, [entry_id], now=now)
            return admitted
        return Intended(entry_id, credits, admitted.waits[0], repeated)

    async def settle(
        self, db: Connection, intended: Intended, billed: Collection[str], *, now: datetime
    ) -> Spent:
        """Own and pay for what was billed and is new, within ``turn.commit()``.

        Args:
            billed: every record that the vendor takes a credit for the first time, owned or not.

        Raises:
            NotOpen: the entry was closed by someone else, and something new would be paid by it.
        """
        entry = await ledger.find(db, intended.entry_id)
        accounts = list(entry.amounts) if entry is not None and entry.open else []
        await ledger.lock(db, accounts)
        new = await vendor_records.own(db, self.vendor, billed, entry_id=intended.entry_id, now=now)
        amounts = self._amounts(len(new), len(accounts))
        closed = await ledger.settle(db, {intended.entry_id: amounts}, now=now) if accounts else 0
        if new and not closed:
            raise NotOpen(f"{self.vendor}: entry {intended.entry_id} is closed: intend it afresh")
        await self._governor.flush(db, now)
        return Spent(len(new), self._usd_micro(len(new)), frozenset(new))

    async def release(self, db: Connection, intended: Intended, *, now: datetime) -> None:
        """Give back what was reserved for a call that surely bought nothing.

        One that was intended before stays held: its first call may have been billed.
        """
        if not intended.repeated:
            await ledger.release(db, [intended.entry_id], now=now)

    @asynccontextmanager
    async def calling(self, operation: str) -> AsyncGenerator[None, None]:
        """Make one intended call within, see `Governor.calling`."""
        async with self._governor.calling(operation, clock=self._clock):
            yield

    async def _away_until(self, db: Connection, now: datetime) -> datetime | None:
        closed = await self._governor.closed_until(db, now)
        return closed or await self._governor.out_of_credit_until(db, now)

    async def _reserve(
        self,
        db: Connection,
        accounts: list[Account],
        entry: Entry,
        purpose: str,
        correlation_id: str | None,
        now: datetime,
    ) -> bool:
        await ledger.open_accounts(db, accounts)
        expires_at = now + HOLD
        granted = await ledger.reserve(
            db,
            [account.id for account in accounts],
            [entry],
            vendor=self.vendor,
            purpose=purpose,
            expires_at=expires_at,
            now=now,
            correlation_id=correlation_id,
        )
        await ledger.renew(db, [entry.id], expires_at=expires_at)
        return bool(granted)

    async def _capped(self, db: Connection, accounts: list[Account], entry: Entry) -> Capped:
        ids = [account.id for account in accounts]
        left = await ledger.left(db, ids)
        short = (
            account
            for account, need in zip(ids, entry.amounts, strict=True)
            if (room := left[account]) is not None and room < need
        )
        account = next(short, ids[0])
        return Capped(account, _next(account))

    async def _spent_before(self, db: Connection, entry: EntryState) -> Spent:
        records = await vendor_records.bought(db, entry.id)
        return Spent(len(records), self._usd_micro(len(records)), frozenset(records))

    def _accounts(self, now: datetime, search: tuple[str, int] | None) -> list[Account]:
        day, month = now.astimezone(UTC), now.astimezone(UTC)
        accounts = [
            Account(f"usd:vendors:{day:%Y-%m-%d}", "usd_micro", self._usd_micro_per_day),
            Account(f"credits:{self.vendor}:{month:%Y-%m}", "credits", self._credits_per_month),
        ]
        return (
            accounts if search is None else [*accounts, Account(search[0], "usd_micro", search[1])]
        )

    def _amounts(self, credits: int, accounts: int) -> tuple[int, ...]:
        usd = self._usd_micro(credits)
        return (usd, credits, usd)[:accounts]

    def _usd_micro(self, credits: int) -> int:
        return credits * self.usd_micro_per_credit


def _next(account: str) -> datetime | None:
    """When the account of the next day or month begins; None for one that is not of a time."""
    kind, _, period = account.rpartition(":")
    if kind == "usd:vendors":
        return datetime.fromisoformat(period).replace(tzinfo=UTC) + timedelta(days=1)
    if kind.startswith("credits:"):
        first = datetime.fromisoformat(f"{period}-01").replace(tzinfo=UTC)
        return (first + timedelta(days=32)).replace(day=1)
    return None
