"""Searching for leads: one question to one source a turn.

A turn chooses the source whose usable lead is expected to cost least (`policies.sourcing`), writes
the question down and reserves the most that it can cost (the intent), asks, and commits everything
that the answer came to together with the next turn. After a crash in between the same question is
asked again: the source bills no record twice, and each is counted once (`agents.purchases`).

A source that is away, throttles or has no credit left rests, and the others go on. One that refuses
us for good, or was away for a day, is asked nothing more in this search.
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import TypeAlias
from uuid import UUID

from agents.agent import Done, Outcome, Refuse, Snooze, Turn
from agents.errors import VendorError
from agents.messages import FindLeads, LeadFound
from agents.prospector.answers import (
    OUT_OF_CREDIT,
    Room,
    keep_bought,
    keep_candidates,
    keep_page,
    queries,
)
from agents.prospector.asking import Asking, Granted, Moved, Rest, intend, is_as_read
from agents.prospector.choosing import budget_account, choose
from agents.prospector.files import ROLE
from agents.prospector.inquiring import accounts
from agents.prospector.people import Taken
from agents.prospector.sources import Source, Sources
from agents.purchases import Intended, Spent
from policies.failure import backoff
from policies.prospect import Matches, SearchPage
from policies.sourcing import Stop, Wait
from storage import ledger, searches, source_accounts
from storage.database import Connection
from storage.mailbox import Lane
from storage.sealing import Sealer
from storage.searches import (
    NewSource,
    Search,
    SearchNotFound,
    SearchStatus,
    SourceProgress,
)

PATIENCE = timedelta(days=1)
"""How long a source may be away until a search goes on without it for good."""
LONGEST_SLEEP = timedelta(seconds=20)
"""How long a turn waits for its slot; for a later one it comes back."""
FREE = Spent(0, 0)
Answer: TypeAlias = SearchPage | Matches


class Searching:
    """Searches the sources that are connected.

    Args:
        clock: the time (aware UTC); None takes the beginning of each turn.
        chance: gives uniform draws from 0 to 1.
    """

    def __init__(
        self,
        sealer: Sealer,
        sources: Sources,
        *,
        clock: Callable[[], datetime] | None = None,
        chance: Callable[[], float] = lambda: 0.5,
    ) -> None:
        self._sealer = sealer
        self._sources = sources
        self._clock = clock
        self._chance = chance

    async def find(self, search_id: UUID, turn: Turn) -> Outcome:
        """Take a search one step further."""
        now = self._now(turn)
        try:
            async with turn.database.transaction() as db:
                search = await searches.get(db, search_id)
                history = await searches.history(db, search.profile, but=search_id)
                left = await _left(db, search)
        except SearchNotFound:
            return Refuse("there is no such search any more")
        if search.running and not search.sources:
            return await self._begin(search, turn)
        match choose(search, self._sources, history, left, now):
            case Stop() as stop:
                return await self._finish(search, stop, turn)
            case Wait(until=until):
                return await self._wait(search, until, turn)
            case (part, question):
                source = self._sources[part.source]
                return await self._ask(Asking(search, part, question, source, turn))

    async def _begin(self, search: Search, turn: Turn) -> Outcome:
        """Say the profile in every source's words."""
        rows = [_new_source(source, search) for source in self._sources.values()]
        async with turn.commit() as db:
            await source_accounts.seen(db, accounts(self._sources), now=self._now(turn))
            if rows:
                await searches.begin(db, search.id, rows)
                _go_on(search, turn)
            else:
                reason = "no source is connected: set UPLEAD_API_KEY or ZOOMINFO_CLIENT_ID"
                await searches.finish(
                    db, search.id, SearchStatus.FAILED, reason=reason, now=turn.now
                )
        return Done()

    async def _finish(self, search: Search, stop: Stop, turn: Turn) -> Outcome:
        async with turn.commit() as db:
            await searches.finish(
                db, search.id, SearchStatus(stop.status), reason=stop.reason, now=self._now(turn)
            )
        return Done()

    async def _wait(self, search: Search, until: datetime, turn: Turn) -> Outcome:
        waiting = [part for part in search.sources if part.last_problem is not None]
        reason = "; ".join(f"{part.source}: {part.last_problem}" for part in waiting)
        reason = reason or "the sources rest"
        if (search.waits_until, search.reason) != (until, reason):
            async with turn.database.transaction() as db:
                await searches.wait(db, search.id, until=until, reason=reason, now=self._now(turn))
        return Snooze(until, reason)

    async def _ask(self, asking: Asking) -> Outcome:
        """Intend, ask, and keep what comes of it."""
        turn = asking.turn
        intent = await intend(asking, self._sealer, self._now(turn))
        if isinstance(intent, Granted) and intent.wait > LONGEST_SLEEP:
            intent = await self._too_late(asking, intent)
        match intent:
            case Moved(on=on):
                async with turn.commit():
                    if on:
                        _go_on(asking.search, turn)
                return Done()
            case Stop() as stop:
                return await self._finish(asking.search, stop, turn)
            case Rest() as rest:
                return await self._rest(asking, rest)
            case Granted(asking=asking, wait=wait, intended=intended):
                await asyncio.sleep(wait.total_seconds())
        await turn.reach("source.before")
        try:
            async with _calling(asking):
                answer = await _call(asking)
        except VendorError as error:
            return await self._failed(asking, intended, error)
        await turn.reach("source.after")
        return await self._keep(asking, intended, answer)

    async def _too_late(self, asking: Asking, granted: Granted) -> Rest:
        """Come back for a slot that is too far away."""
        now = self._now(asking.turn)
        if granted.intended is not None:
            async with asking.turn.database.transaction() as db:
                await asking.source.purchases.release(db, granted.intended, now=now)
        forget = granted.intended is None or not granted.intended.repeated
        problem = "it is asked no faster than its limit allows"
        return Rest(now + granted.wait, problem, forget=forget)

    async def _rest(self, asking: Asking, rest: Rest) -> Outcome:
        """Let the source rest for a reason of ours, and go on with the others."""
        async with asking.turn.commit() as db:
            await searches.get(db, asking.search.id, lock=True)
            await searches.rest(
                db,
                asking.search.id,
                asking.part.source,
                until=rest.until,
                problem=rest.problem,
                failed=False,
                out_of_credit=rest.out_of_credit,
                forget=rest.forget,
                now=self._now(asking.turn),
            )
            _go_on(asking.search, asking.turn)
        return Done()

    async def _failed(
        self, asking: Asking, intended: Intended | None, error: VendorError
    ) -> Outcome:
        """Let the source rest, or give it up; what may have been billed is asked for again."""
        now = self._now(asking.turn)
        search_id, source = asking.search.id, asking.part.source
        async with asking.turn.commit() as db:
            current = await searches.get(db, search_id, lock=True)
            if not is_as_read(current, asking):
                return Done()
            if intended is not None and not error.in_doubt:
                await asking.source.purchases.release(db, intended, now=now)
            if self._is_hopeless(asking.part, error, now):
                await searches.give_up(db, search_id, source, problem=str(error))
            else:
                await searches.rest(
                    db,
                    search_id,
                    source,
                    until=now + self._pause(asking.part, error),
                    problem=str(error),
                    failed=not (error.throttled or error.out_of_credit),
                    out_of_credit=error.out_of_credit,
                    forget=intended is None or not (error.in_doubt or intended.repeated),
                    now=now,
                )
            await source_accounts.failed(db, source, str(error), now=now)
            _go_on(asking.search, asking.turn)
        return Done()

    def _pause(self, part: SourceProgress, error: VendorError) -> timedelta:
        asked = error.retry_after or timedelta()
        if error.out_of_credit:
            return max(asked, OUT_OF_CREDIT)
        return backoff(part.failures + 1, self._chance(), at_least=asked)

    def _is_hopeless(self, part: SourceProgress, error: VendorError, now: datetime) -> bool:
        if error.out_of_credit:
            return False
        since = part.failing_since
        return error.retry_after is None or (since is not None and now - since > PATIENCE)

    async def _keep(self, asking: Asking, intended: Intended | None, answer: Answer) -> Outcome:
        """Own and pay for what was billed, make leads of it, and go on."""
        turn, now = asking.turn, self._now(asking.turn)
        async with turn.commit() as db:
            current = await searches.get(db, asking.search.id, lock=True)
            part = current.of(asking.part.source)
            if part is None or not is_as_read(current, asking):
                return Done()
            spent = FREE
            if intended is not None:
                spent = await asking.source.purchases.settle(db, intended, answer.billed, now=now)
            room = Room(db, self._sealer, current, part, turn, now)
            taken = await _taken(room, asking, answer, spent)
            for lead_id in dict.fromkeys((*taken.created, *taken.changed)):
                turn.post("enricher", LeadFound(lead_id), lane=Lane(turn.envelopes[0].lane))
            _go_on(asking.search, turn)
        return Done()

    def _now(self, turn: Turn) -> datetime:
        return self._clock() if self._clock is not None else turn.now


async def _left(db: Connection, search: Search) -> int | None:
    """What is left of a search's budget, in micro-dollars."""
    account = budget_account(search)
    if account is None:
        return None
    name, limit = account
    left = (await ledger.left(db, [name])).get(name, limit)
    return limit if left is None else left


def _calling(asking: Asking) -> AbstractAsyncContextManager[None]:
    if asking.free:
        return asking.source.governor.calling("search")
    return asking.source.purchases.calling(
        "search" if asking.question.how == "search" else "enrich"
    )


async def _call(asking: Asking) -> Answer:
    adapter, question = asking.source.adapter, asking.question
    if question.how == "buy":
        return await adapter.enrich_leads(queries(asking.search.id, question))
    criteria = adapter.criteria(asking.search.definition)
    return await adapter.search_contacts(criteria, question.cursor, most=question.most)


async def _taken(room: Room, asking: Asking, answer: Answer, spent: Spent) -> Taken:
    match answer:
        case Matches():
            return await keep_bought(room, answer, asking.question, spent, asking.source.price)
        case SearchPage() if asking.free:
            return await keep_candidates(room, answer)
        case SearchPage():
            return await keep_page(room, answer, spent, asking.source.price)


def _go_on(search: Search, turn: Turn) -> None:
    turn.post(ROLE, FindLeads(search.id), lane=Lane(turn.envelopes[0].lane))


def _new_source(source: Source, search: Search) -> NewSource:
    criteria = source.adapter.criteria(search.definition)
    return NewSource(
        source.name, criteria.values, criteria.unexpressed, criteria.impossible, source.price
    )
