"""Buys facts: weighs what is worth asking, asks, pays for what was billed, weighs again.

Sources take no idempotency key, but bill a record only the first time that we get it. So a call is
written down whole before it is made, its questions sealed, and taken off together with what its
answer came to. Whoever finds one without an answer makes exactly that call again: the source gives
the same records, bills none of them twice, and each is counted once (ADR-0018).

A source that is away holds no lead back: it is scored with what is there, and asked about later.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from agents.agent import Done, Outcome, Turn
from agents.enricher import cases
from agents.enricher.answers import ROLE, Keeper, Told
from agents.enricher.desk import Call, Desk, Step
from agents.enricher.ending import Ending
from agents.enricher.planning import Planner, new_call
from agents.enricher.sellers import Learned, Seller
from agents.errors import AnswerError, VendorError
from agents.governor import Closed
from agents.messages import BuyFacts
from agents.purchases import Capped, Intended, Settled
from policies.lead import LeadId
from policies.prospect import Matches, MatchStatus
from policies.waterfall import Worth, choice
from storage import decisions, enrichment
from storage.database import Connection
from storage.sealing import Sealer

PURPOSE = "enrich"
LONGEST_WAIT = timedelta(seconds=20)
"""A place in the queue for a source that is further away than this is not waited for."""
TRY_AGAIN = timedelta(minutes=1)
OUT_OF_CREDIT = timedelta(hours=1)
USED_UP = "our credits there are used up"
AWAY = "it does not answer now"
MISCONFIGURED = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class _Made:
    """A call that may be made, and then what came of it."""

    call: Call
    intended: Intended


class Buyer:
    """Buys what is worth its price about the leads of a turn.

    Args:
        clock: the time (aware UTC); None takes that of the turn.
    """

    def __init__(
        self,
        sealer: Sealer,
        sellers: Sequence[Seller],
        worth: Worth,
        learned: Learned,
        clock: Callable[[], datetime] | None,
    ) -> None:
        self._sealer = sealer
        self._learned = learned
        self._clock = clock
        self._planner = Planner(sealer, sellers, worth, learned)
        self._keeper = Keeper(sealer)
        self._ending = Ending(sealer)

    async def buy(self, messages: Sequence[BuyFacts], turn: Turn) -> Outcome:
        """Ask about the leads of ``messages`` as long as it is worth it; hand them on."""
        again = {LeadId(each.lead_id) for each in messages if each.refresh}
        asked = [LeadId(each.lead_id) for each in messages]
        desk = Desk(turn, asked, again, cases.nothing(self._sealer))
        while (step := await self._planner.next(desk, self._now(turn))) is not None:
            await self._take(step, desk)
        await self._ending.commit(desk)
        return Done()

    def _now(self, turn: Turn) -> datetime:
        return turn.now if self._clock is None else self._clock()

    async def _take(self, step: Step, desk: Desk) -> None:
        """Intend, ask, keep."""
        turn = desk.turn
        async with turn.intent() as db:
            made = await self._intend(db, step, desk)
            asked = {
                LeadId(q.key) for one in made if not one.call.again for q in one.call.questions
            }
            told = [
                choice(lead_id, step.seller.name, desk.offers[lead_id])
                for lead_id in desk.ids
                if lead_id in asked
            ]
            await decisions.keep(
                db, ROLE, told, correlation_id=turn.correlation_id, now=self._now(turn)
            )
        if not made:
            return
        await turn.reach("buy.before")
        answers = await asyncio.gather(*(self._call(step.seller, one) for one in made))
        await turn.reach("buy.after")
        async with turn.intent() as db:
            await self._keep(db, step, made, answers, desk)

    async def _intend(self, db: Connection, step: Step, desk: Desk) -> list[_Made]:
        made: list[_Made] = []
        waiting = list(step.calls)
        while waiting:
            call = waiting.pop(0)
            one = await self._intend_one(db, step.seller, call, desk)
            if isinstance(one, _Made):
                made.append(one)
            elif isinstance(one, Closed):
                for left in (call, *waiting):
                    desk.bar(left.questions, step.seller.name, AWAY, one.until)
                break
            else:
                waiting[:0] = one
        return made

    async def _intend_one(
        self, db: Connection, seller: Seller, call: Call, desk: Desk
    ) -> _Made | Closed | list[Call]:
        """Reserve for a call and keep its questions; or return what to try in its place."""
        now = self._now(desk.turn)
        intention = await seller.purchases.intend(
            db,
            entry_id=call.id,
            credits=call.credits,
            purpose=PURPOSE,
            reference=call.questions[0].key if len(call.questions) == 1 else None,
            now=now,
            correlation_id=desk.turn.correlation_id,
        )
        match intention:
            case Closed():
                return intention
            case Capped():
                return self._less(seller, call, intention, desk)
            case Settled():
                await enrichment.drop(db, call.id)
                desk.bar(call.questions, seller.name, "it has just been asked", None)
                return []
            case Intended():
                if intention.wait > LONGEST_WAIT:
                    await seller.purchases.release(db, intention, now=now)
                    return Closed(now + intention.wait)
        return await self._written(db, seller, call, intention, desk)

    async def _written(
        self, db: Connection, seller: Seller, call: Call, intended: Intended, desk: Desk
    ) -> _Made | list[Call]:
        if call.again:
            return _Made(call, intended)
        ours = await enrichment.ask(db, self._sealer, seller.name, call.id, call.questions)
        others = [question for question in call.questions if question.key not in ours]
        desk.bar(others, seller.name, "it is being asked already", None)
        if not ours:
            await seller.purchases.release(db, intended, now=self._now(desk.turn))
            return []
        asked = [question for question in call.questions if question.key in ours]
        return _Made(Call(call.id, asked, call.credits, again=False), intended)

    def _less(self, seller: Seller, call: Call, capped: Capped, desk: Desk) -> list[Call]:
        """Try with half of the leads what the caps do not allow for all."""
        half = len(call.questions) // 2
        if half == 0 or call.again:
            reason = f"the cap {capped.account} is reached"
            desk.bar(call.questions, seller.name, reason, capped.until)
            return []
        parts = (call.questions[:half], call.questions[half:])
        return [new_call(desk.files, seller.name, part) for part in parts]

    async def _call(self, seller: Seller, made: _Made) -> Matches | VendorError:
        await asyncio.sleep(made.intended.wait.total_seconds())
        try:
            async with seller.purchases.calling(PURPOSE):
                return await seller.source.enrich_leads(made.call.questions)
        except VendorError as error:
            return error

    async def _keep(
        self,
        db: Connection,
        step: Step,
        made: Sequence[_Made],
        answers: Sequence[Matches | VendorError],
        desk: Desk,
    ) -> None:
        """Pay for what was billed, then keep what was told: accounts are locked before leads."""
        now, told = self._now(desk.turn), list[Told]()
        for one, answer in zip(made, answers, strict=True):
            if isinstance(answer, VendorError):
                await self._failed(db, step.seller, one, answer, desk)
                continue
            spent = await step.seller.purchases.settle(db, one.intended, answer.billed, now=now)
            told.append(self._told(step, one.call, answer, spent.new_records, desk, now))
        for each in told:
            words = await self._keeper.keep(
                db, each, now=now, correlation_id=desk.turn.correlation_id
            )
            await enrichment.drop(db, each.call_id)
            for lead_id, said in words.items():
                desk.words.setdefault(lead_id, []).append(said)
        if told:
            self._learned.forget()

    def _told(
        self,
        step: Step,
        call: Call,
        answer: Matches,
        new: frozenset[str],
        desk: Desk,
        now: datetime,
    ) -> Told:
        matches = {match.key: match for match in answer.matches}
        name = step.seller.name
        unpaid = {key for key, each in matches.items() if each.status is MatchStatus.OUT_OF_CREDIT}
        left_out = [question for question in call.questions if question.key in unpaid]
        desk.bar(left_out, name, USED_UP, now + OUT_OF_CREDIT)
        answered = [question for question in call.questions if question.key not in unpaid]
        price = step.seller.purchases.usd_micro_per_credit
        return Told(name, call.id, answered, matches, answer.billed, new, price, step.segments)

    async def _failed(
        self, db: Connection, seller: Seller, made: _Made, error: VendorError, desk: Desk
    ) -> None:
        """Leave the source out. A call in doubt stays on record, and is made again later."""
        now = self._now(desk.turn)
        if not (error.in_doubt or isinstance(error, AnswerError) or made.intended.repeated):
            await seller.purchases.release(db, made.intended, now=now)
            await enrichment.drop(db, made.call.id)
        if error.out_of_credit:
            wait, reason = error.retry_after or OUT_OF_CREDIT, USED_UP
        elif error.retry_after is None:
            wait, reason = MISCONFIGURED, "it refuses us"
        else:
            wait, reason = max(error.retry_after, TRY_AGAIN), AWAY
        desk.bar(made.call.questions, seller.name, reason, now + wait)
