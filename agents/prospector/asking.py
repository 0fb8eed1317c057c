"""The intent of a question: it is written down, a slot is taken, and what it may cost reserved."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeAlias
from uuid import UUID, uuid5

from agents.agent import Turn
from agents.governor import Closed
from agents.prospector.answers import fresh_of
from agents.prospector.choosing import budget_account
from agents.prospector.sources import Source
from agents.purchases import Capped, Intended, Settled
from policies.sourcing import SIZES, Stop
from storage import ledger, searches, vendor_records
from storage.database import Connection
from storage.sealing import Sealer
from storage.searches import Question, Search, SourceProgress


@dataclass(frozen=True, slots=True)
class Granted:
    """The question may be asked once ``wait`` is over.

    Attributes:
        asking: the question, perhaps for fewer people than was meant.
        intended: the purchase; None for a question that is free.
    """

    asking: "Asking"
    wait: timedelta
    intended: Intended | None = None


@dataclass(frozen=True, slots=True)
class Rest:
    """The source cannot be asked before ``until`` (aware).

    Attributes:
        forget: whether the question was written down, and surely not asked.
    """

    until: datetime
    problem: str
    out_of_credit: bool = False
    forget: bool = False


@dataclass(frozen=True, slots=True)
class Moved:
    """Things are no longer as they were read.

    Attributes:
        on: whether this turn is to ask for the next; else another one has.
    """

    on: bool


Intent: TypeAlias = Granted | Rest | Moved | Stop


@dataclass(frozen=True, slots=True)
class Asking:
    """One question under way."""

    search: Search
    part: SourceProgress
    question: Question
    source: Source
    turn: Turn

    @property
    def free(self) -> bool:
        """Whether it costs nothing."""
        return self.question.how == "search" and not self.source.adapter.reveals

    @property
    def entry_id(self) -> UUID:
        """The ledger's entry: the same whenever this question is asked."""
        return uuid5(self.search.id, f"{self.part.source}:{self.question.number}")


async def intend(asking: Asking, sealer: Sealer, now: datetime) -> Intent:
    """Write the question down and reserve what it may cost."""
    search, part = asking.search, asking.part
    async with asking.turn.intent() as db:
        current = await searches.get(db, search.id, lock=True)
        if not is_as_read(current, asking):
            return Moved(on=False)
        if part.pending is None and asking.question.how == "buy":
            fresh, duplicates, suppressed = await fresh_of(db, sealer, part.source, part.candidates)
            if len(fresh) < len(part.candidates):
                await searches.narrow(
                    db,
                    search.id,
                    part.source,
                    fresh,
                    duplicates=duplicates,
                    suppressed=suppressed,
                )
                return Moved(on=True)
        intent = await _reserve(db, asking, now)
        if isinstance(intent, Granted):
            await searches.ask(db, search.id, part.source, intent.asking.question)
        return intent


async def _reserve(db: Connection, asking: Asking, now: datetime) -> Intent:
    source, question = asking.source, asking.question
    if asking.free:
        admitted = await source.governor.admit(db, [0], now)
        if isinstance(admitted, Closed):
            return await _closed(db, source, admitted, now)
        return Granted(asking, admitted.waits[0])
    owned = await vendor_records.owned(db, source.name, question.record_ids)
    records = question.most if question.how == "search" else len(question.record_ids)
    intended = await source.purchases.intend(
        db,
        entry_id=asking.entry_id,
        credits=records - len(owned),
        purpose="search",
        reference=asking.search.id,
        now=now,
        correlation_id=asking.turn.correlation_id,
        search=budget_account(asking.search),
    )
    match intended:
        case Intended():
            return Granted(asking, intended.wait, intended)
        case Closed():
            return await _closed(db, source, intended, now)
        case Capped():
            smaller = await _smaller(db, asking, intended)
            return (
                _capped(intended, source) if smaller is None else await _reserve(db, smaller, now)
            )
        case Settled():
            return Moved(on=False)


async def _smaller(db: Connection, asking: Asking, capped: Capped) -> Asking | None:
    """Return the question for as many people as the account still pays; None if for nobody."""
    left = (await ledger.left(db, [capped.account])).get(capped.account) or 0
    price = 1 if capped.account.startswith("credits:") else max(1, asking.source.price)
    question, most = asking.question, left // price
    if asking.part.pending is not None or not 0 < most < question.most:
        return None
    if question.how == "search":
        most = next(size for size in SIZES if size <= most)
    smaller = replace(question, most=most, record_ids=question.record_ids[:most])
    return replace(asking, question=smaller)


async def _closed(db: Connection, source: Source, closed: Closed, now: datetime) -> Rest:
    until = await source.governor.out_of_credit_until(db, now)
    if until is not None:
        return Rest(until, "the account is out of credit", out_of_credit=True)
    return Rest(closed.until, "it is away: its circuit breaker is open")


def is_as_read(current: Search, asking: Asking) -> bool:
    """Whether nobody else has kept this question's answer, or ended the search, meanwhile."""
    part = current.of(asking.part.source)
    if part is None or part.questions != asking.question.number:
        return False
    if part.pending is not None:
        return part.pending == asking.question
    return current.running


def _capped(capped: Capped, source: Source) -> Rest | Stop:
    if capped.until is None:
        return Stop("over_budget", "what is left of the budget does not pay the next question")
    if capped.account.startswith("credits:"):
        problem = f"the credits that the settings allow {source.name} this month are used"
        return Rest(capped.until, problem, out_of_credit=True)
    problem = "what lead vendors may cost a day is spent (LEADENGINE_VENDOR_USD_PER_DAY)"
    return Rest(capped.until, problem)
