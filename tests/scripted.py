"""Small honest stand-ins for what is outside: a clock, a language model."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from uuid import UUID

from pydantic import BaseModel

from agents.errors import VendorError
from policies.llm import RateLimits, Reply, Usage
from policies.llm_prices import WorstCase, worst_case

A = TypeVar("A", bound=BaseModel)
START = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
USAGE = Usage(prompt=700, cached=0, completion=120)


@dataclass(slots=True)
class Clock:
    """A clock that goes on only when told."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, time: timedelta) -> None:
        self.now += time


@dataclass(slots=True)
class ScriptedJudge:
    """A model that gives every lead the same levels, and keeps a book of what it billed.

    Attributes:
        level: of every criterion, unless a word of ``by_word`` is in the document; the quote is
            a word of every document.
        failures: raised in order, each instead of an answer; None answers.
        billed: calls answered, by id.
        lost: answers that were billed but never arrived: their calls raise as in doubt.
    """

    model: str = "gpt-4.1-mini"
    level: int = 3
    by_word: dict[str, int] = field(default_factory=dict[str, int])
    failures: list[Exception | None] = field(default_factory=list[Exception | None])
    billed: dict[UUID, BaseModel] = field(default_factory=dict[UUID, BaseModel])
    asked: list[str] = field(default_factory=list[str])
    lose_answers: bool = False
    before: Callable[[], None] = lambda: None

    async def ask(
        self,
        *,
        instructions: str,
        document: str,
        answer: type[A],
        call_id: UUID,
        max_output_tokens: int,
    ) -> Reply[A]:
        await asyncio.sleep(0)
        self.before()
        self.asked.append(document)
        if self.failures and (failure := self.failures.pop(0)) is not None:
            raise failure
        given = self._answer(document, answer)
        self.billed[call_id] = given
        if self.lose_answers:
            raise VendorError(
                "openai", "the answer was lost", retry_after=timedelta(), in_doubt=True
            )
        return Reply(given, USAGE, self.model, "req", RateLimits())

    async def look_up(self, call_id: UUID, answer: type[A]) -> Reply[A] | None:
        given = self.billed.get(call_id)
        if given is None:
            return None
        return Reply(answer.model_validate(given), USAGE, self.model, "req", RateLimits())

    def worst_case(
        self, *, instructions: str, document: str, answer: type[BaseModel], max_output_tokens: int
    ) -> WorstCase:
        return worst_case(self.model, len(instructions) + len(document), max_output_tokens)

    def rated_tokens(
        self, *, instructions: str, document: str, answer: type[BaseModel], max_output_tokens: int
    ) -> int:
        return 1000

    def _answer(self, document: str, answer: type[A]) -> A:
        level = next((n for word, n in self.by_word.items() if word in document), self.level)
        criteria = [
            {
                "id": name,
                "level": level,
                "evidence": "visits" if "visits" in document else "company",
            }
            for name in ("fit", "authority", "need", "intent", "timing")
        ]
        return answer.model_validate(
            {
                "criteria": criteria,
                "disqualifiers": [],
                "tags": ["decision_maker"],
                "follow_ups": ["Call tomorrow."],
                "reasoning": "Fits well.",
            }
        )
