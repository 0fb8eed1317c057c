"""The shapes that OpenAI sends, as far as we read them.

They are read from the raw bytes, not through the SDK, which accepts any JSON and hands on the
text of a proxy's HTML page as if it were an answer.
"""

import re
from collections.abc import Mapping
from datetime import date, timedelta
from typing import TypeVar

from pydantic import BaseModel, Field, ValidationError

from agents.errors import AnswerError, VendorError
from policies.llm import RateLimits, Usage

VENDOR = "openai"
NOT_OPENAI = timedelta(seconds=30)
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_UNITS = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}

A = TypeVar("A", bound=BaseModel)


class _PromptDetails(BaseModel):
    cached_tokens: int | None = Field(None, ge=0)


class _Usage(BaseModel):
    prompt_tokens: int = Field(ge=0)
    completion_tokens: int = Field(ge=0)
    prompt_tokens_details: _PromptDetails | None = None

    @property
    def billed(self) -> Usage:
        details = self.prompt_tokens_details
        cached = (details and details.cached_tokens) or 0
        return Usage(self.prompt_tokens, min(cached, self.prompt_tokens), self.completion_tokens)


class _Message(BaseModel):
    content: str | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    finish_reason: str
    message: _Message


class Completion(BaseModel):
    """One answer to one chat."""

    id: str
    model: str
    choices: list[_Choice] = Field(min_length=1)
    usage: _Usage


class CompletionPage(BaseModel):
    """A page of stored answers."""

    data: list[Completion]


class Model(BaseModel):
    """A model on offer."""

    shutdown_date: date | None = None


def read(shape: type[A], body: bytes) -> A:
    """Read a body that came with status 200.

    Raises:
        VendorError: it is no such thing: perhaps somebody stands between OpenAI and us.
    """
    try:
        return shape.model_validate_json(body)
    except ValidationError:
        problem = f"status 200, but no {shape.__name__}; is a proxy in between?"
        raise VendorError(VENDOR, problem, retry_after=NOT_OPENAI, in_doubt=True) from None


def parsed(completion: Completion, answer: type[A]) -> A:
    """The structured answer of ``completion``.

    Raises:
        AnswerError: the model declined, was cut short, or answered something else. Its text is
            not quoted: it may repeat personal data.
    """
    choice, usage = completion.choices[0], completion.usage.billed
    if choice.message.refusal:
        raise AnswerError(VENDOR, "the model refused", retry_after=None, usage=usage)
    if choice.finish_reason != "stop":
        problem = f"the answer ended early ({_ENDINGS.get(choice.finish_reason, 'other reason')})"
        raise AnswerError(VENDOR, problem, retry_after=None, usage=usage)
    try:
        return answer.model_validate_json(choice.message.content or "")
    except ValidationError as error:
        problem = f"the answer is no {answer.__name__}: {_kinds(error)}"
    raise AnswerError(VENDOR, problem, retry_after=timedelta(), usage=usage)


_ENDINGS = {"length": "too long", "content_filter": "filtered", "tool_calls": "called a tool"}


def _kinds(error: ValidationError) -> str:
    faults = error.errors(include_input=False, include_context=False, include_url=False)
    return ", ".join(sorted({fault["type"] for fault in faults}))


def rate_limits(headers: Mapping[str, str]) -> RateLimits:
    """The allowance that the headers announce."""
    return RateLimits(
        requests=_count(headers, "limit-requests"),
        tokens=_count(headers, "limit-tokens"),
        remaining_requests=_count(headers, "remaining-requests"),
        remaining_tokens=_count(headers, "remaining-tokens"),
        reset_requests=duration(headers.get("x-ratelimit-reset-requests", "")),
        reset_tokens=duration(headers.get("x-ratelimit-reset-tokens", "")),
    )


def duration(text: str) -> timedelta | None:
    """Read a duration such as ``6m0s``, ``18.642s`` or ``174ms``; None if it is none."""
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return None
    return sum((float(number) * _UNITS[unit] for number, unit in parts), timedelta())


def _count(headers: Mapping[str, str], name: str) -> int | None:
    value = headers.get(f"x-ratelimit-{name}", "")
    return int(value) if value.isdecimal() else None
