"""Paid questions to a language model: reserved before, asked at the common pace, settled after.

Every call is an entry of the ledger whose id travels with it. A call whose answer never arrived is
looked up at the vendor by that id; only when its deadline is past and the vendor does not know it
is the money given back. So the ledger and the vendor's bill agree whatever dies in between.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol, TypeVar
from uuid import UUID, uuid4

from pydantic import BaseModel

from agents.agent import Turn
from agents.errors import AnswerError, VendorError
from agents.governor import Closed, Governor
from agents.scorer.questions import Answers, Caps, Question
from policies.llm import RateLimits, Reply, Usage
from policies.llm_prices import WorstCase, price
from policies.rubric import RubricAnswer
from storage import ledger
from storage.database import Connection
from storage.ledger import Account, Entry, OpenEntry

A = TypeVar("A", bound=BaseModel)
PURPOSE = "rubric"
MAX_OUTPUT_TOKENS = 900
ROUNDS = 3
SHORTEST_WAIT = timedelta(seconds=1)
LONGEST_WAIT = timedelta(seconds=60)
MARGIN = timedelta(seconds=5)


class Judge(Protocol):
    """A language model that answers in a given structure (see `agents.vendors.openai`)."""

    model: str

    async def ask(
        self,
        *,
        instructions: str,
        document: str,
        answer: type[A],
        call_id: UUID,
        max_output_tokens: int,
    ) -> Reply[A]:
        """Answer one question about ``document``."""
        ...

    async def look_up(self, call_id: UUID, answer: type[A]) -> Reply[A] | None:
        """Find the answer to an earlier call."""
        ...

    def worst_case(
        self, *, instructions: str, document: str, answer: type[BaseModel], max_output_tokens: int
    ) -> WorstCase:
        """The most that such a call can use."""
        ...

    def rated_tokens(
        self, *, instructions: str, document: str, answer: type[BaseModel], max_output_tokens: int
    ) -> int:
        """What the vendor's limiter counts for such a call."""
        ...


class StillUnderWay(Exception):
    """An earlier call for one of these leads may yet be billed.

    Attributes:
        until: when the vendor will surely know (aware).
    """

    def __init__(self, until: datetime) -> None:
        super().__init__("an interrupted call is not past its deadline")
        self.until = until


@dataclass(frozen=True, slots=True)
class _Call:
    id: UUID
    question: Question
    wait: timedelta


@dataclass(frozen=True, slots=True)
class _Retry:
    """The question should be asked again after ``wait``."""

    question: Question
    wait: timedelta
    problem: str


class RubricCalls:
    """Asks a model about leads, within the caps.

    Args:
        clock: the time (aware UTC).
        deadline: the longest that a call may take at the vendor.
        most: calls under way at once; turns that wait their turn use what others leave.
    """

    def __init__(
        self,
        judge: Judge,
        governor: Governor,
        caps: Caps,
        *,
        clock: Callable[[], datetime],
        deadline: timedelta = timedelta(seconds=60),
        most: int = 32,
    ) -> None:
        self.model = judge.model
        self._judge = judge
        self._governor = governor
        self._caps = caps
        self._clock = clock
        self._deadline = deadline
        self._free = asyncio.Semaphore(most)
        self._opened: date | None = None

    @property
    def deadline(self) -> timedelta:
        """How long after a call the vendor surely knows whether it was made."""
        return self._deadline + MARGIN

    async def ask(self, questions: Sequence[Question], turn: Turn, answers: Answers) -> None:
        """Put ``questions`` to the model and add to ``answers`` what became of each."""
        pending = list(questions)
        for left in reversed(range(ROUNDS)):
            calls = await self._intend(pending, turn, answers)
            await turn.reach("llm.before")
            results = await asyncio.gather(*(self._call(call, answers) for call in calls))
            await turn.reach("llm.after")
            retries = [result for result in results if isinstance(result, _Retry)]
            limits = [result for result in results if isinstance(result, RateLimits)]
            if limits:
                await self._governor.succeeded(limits, self._clock())
            if not retries:
                return
            wait = max(retry.wait for retry in retries)
            if not left or wait > LONGEST_WAIT or self._governor.is_closed(self._clock()):
                answers.absent |= {retry.question.hash: retry.problem for retry in retries}
                return
            await asyncio.sleep(wait.total_seconds())
            pending = [retry.question for retry in retries]

    async def recall(
        self, entries: Sequence[OpenEntry], answers: Answers
    ) -> dict[UUID, RubricAnswer]:
        """Look up interrupted calls and settle them; return the answers by lead.

        Raises:
            StillUnderWay: if one is unknown to the vendor but not past its deadline.
            VendorError: if the vendor cannot be asked.
        """
        found = await asyncio.gather(*(self._look_up(entry, answers) for entry in entries))
        return {
            entry.reference: answer
            for entry, answer in zip(entries, found, strict=True)
            if answer is not None and entry.reference is not None
        }

    async def _look_up(self, entry: OpenEntry, answers: Answers) -> RubricAnswer | None:
        try:
            reply = await self._judge.look_up(entry.id, RubricAnswer)
        except AnswerError as error:
            answers.costs[entry.id] = self._cost(self.model, error.usage)
            return None
        if reply is not None:
            answers.costs[entry.id] = self._cost(reply.model, reply.usage)
            return reply.answer
        if (known_at := entry.created_at + self.deadline) > self._clock():
            raise StillUnderWay(known_at)
        answers.released.append(entry.id)
        return None

    async def _intend(
        self, questions: Sequence[Question], turn: Turn, answers: Answers
    ) -> list[_Call]:
        """Reserve the money and the slots, or say why not."""
        now = self._clock()
        async with turn.intent() as db:
            rated = [self._rated(question) for question in questions]
            admitted = await self._governor.admit(db, rated, now)
            if isinstance(admitted, Closed):
                reason = f"it is away until {admitted.until:%H:%M:%S} UTC"
                answers.absent |= {question.hash: reason for question in questions}
                return []
            entries = [self._entry(question) for question in questions]
            granted = await self._reserve(db, entries, turn.correlation_id, now)
        calls = [
            _Call(entry.id, question, wait)
            for entry, question, wait in zip(entries, questions, admitted.waits, strict=True)
        ]
        for call in calls:
            if call.id not in granted:
                answers.absent[call.question.hash] = "today's cap for it is reached"
        return [call for call in calls if call.id in granted]

    async def _reserve(
        self, db: Connection, entries: Sequence[Entry], correlation_id: str | None, now: datetime
    ) -> set[UUID]:
        usd, tokens = f"usd:openai:{now:%Y-%m-%d}", f"tokens:openai:{now:%Y-%m-%d}"
        if self._opened != now.date():
            accounts = [
                Account(usd, "usd_micro", self._caps.usd_micro),
                Account(tokens, "tokens", self._caps.tokens),
            ]
            await ledger.open_accounts(db, accounts)
            self._opened = now.date()
        return await ledger.reserve(
            db,
            [usd, tokens],
            entries,
            vendor=self._governor.vendor,
            purpose=PURPOSE,
            expires_at=now + LONGEST_WAIT + 2 * self.deadline,
            now=now,
            correlation_id=correlation_id,
        )

    async def _call(self, call: _Call, answers: Answers) -> RateLimits | _Retry | None:
        await asyncio.sleep(call.wait.total_seconds())
        question = call.question
        try:
            async with self._free:
                reply = await self._judge.ask(
                    instructions=question.instructions,
                    document=question.document,
                    answer=RubricAnswer,
                    call_id=call.id,
                    max_output_tokens=MAX_OUTPUT_TOKENS,
                )
        except AnswerError as error:
            return self._unusable(call, error, answers)
        except VendorError as error:
            return await self._failed(call, error, answers)
        answers.given[question.hash] = reply.answer
        answers.costs[call.id] = self._cost(reply.model, reply.usage)
        return reply.limits

    def _unusable(self, call: _Call, error: AnswerError, answers: Answers) -> _Retry | None:
        answers.costs[call.id] = self._cost(self.model, error.usage)
        if error.retry_after is not None:
            return _Retry(call.question, error.retry_after, str(error))
        answers.absent[call.question.hash] = str(error)
        return None

    async def _failed(self, call: _Call, error: VendorError, answers: Answers) -> _Retry | None:
        """Book a call without an answer; one in doubt stays open until it is looked up."""
        now = self._clock()
        if error.in_doubt:
            answers.in_doubt = True
        else:
            answers.released.append(call.id)
        if error.throttled:
            await self._governor.throttled(error.retry_after or SHORTEST_WAIT, now)
        else:
            await self._governor.failed(error.retry_after, now)
        if error.retry_after is not None:
            return _Retry(call.question, max(error.retry_after, SHORTEST_WAIT), str(error))
        answers.absent[call.question.hash] = str(error)
        return None

    def _entry(self, question: Question) -> Entry:
        most = self._judge.worst_case(
            instructions=question.instructions,
            document=question.document,
            answer=RubricAnswer,
            max_output_tokens=MAX_OUTPUT_TOKENS,
        )
        return Entry(uuid4(), (most.cost, most.tokens), question.lead_id)

    def _rated(self, question: Question) -> int:
        return self._judge.rated_tokens(
            instructions=question.instructions,
            document=question.document,
            answer=RubricAnswer,
            max_output_tokens=MAX_OUTPUT_TOKENS,
        )

    def _cost(self, model: str, usage: Usage) -> tuple[int, int]:
        return price(model, usage), usage.total
