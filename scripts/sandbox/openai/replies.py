"""What the model answers, what it bills for it, and the envelope that it comes in."""

import hashlib
from dataclasses import dataclass, replace
from random import Random
from typing import Any
from uuid import uuid4

import orjson

from scripts.sandbox.openai import answers, leads
from scripts.sandbox.openai.question import BYTES_PER_TOKEN, Question

_CACHED_FROM, _CACHED_STEP = 1024, 128
"""A prompt is cached from so many tokens on, in such steps."""
_THOUGHTS = (64, 128, 192, 256)
"""Hidden tokens of a model that reasons."""


@dataclass(frozen=True, slots=True)
class Said:
    """What the model said.

    Attributes:
        content: its text; None when it refused.
        ending: ``stop``, ``length`` or ``content_filter``.
        refusal: why it said nothing else.
        thoughts: hidden tokens.
        cached: tokens of the prompt that were known from before.
    """

    content: str | None
    ending: str = "stop"
    refusal: str | None = None
    thoughts: int = 0
    cached: int = 0

    @property
    def tokens(self) -> int:
        """Tokens that are billed as written."""
        text = self.content or self.refusal or ""
        return -(-len(text.encode()) // BYTES_PER_TOKEN) + self.thoughts


def said(question: Question, seed: int, *, seen_before: bool) -> Said:
    """Answer ``question``; ``seen_before``: its instructions were in an earlier call."""
    chance = Random(_digest(seed, question.document))  # noqa: S311  (a rehearsal, not a secret)
    if question.schema is None:
        content = f"I have read {len(question.document)} characters and have nothing to add."
    elif leads.is_rubric(question.schema):
        content = orjson.dumps(leads.judged(question.document, chance)).decode()
    else:
        content = orjson.dumps(answers.fitting(question.schema, chance)).decode()
    thoughts = chance.choice(_THOUGHTS) if question.model.reasons else 0
    cached = _cached(question) if seen_before else 0
    return fitted(Said(content, thoughts=thoughts, cached=cached), question.longest)


def fitted(whole: Said, longest: int) -> Said:
    """``whole`` cut to so many tokens, as the model would be."""
    if whole.tokens <= longest:
        return whole
    thoughts = min(whole.thoughts, longest)
    content = (whole.content or "").encode()[: (longest - thoughts) * BYTES_PER_TOKEN]
    cut = content.decode(errors="ignore")
    return replace(whole, content=cut, ending="length", thoughts=thoughts)


def altered(answer: Said, mode: str, question: Question) -> Said:
    """``answer`` as the fault ``mode`` has it; unchanged by every other mode."""
    content = answer.content or ""
    half = content[: len(content) // 2]
    match mode:
        case "truncated":
            return replace(answer, content=half, ending="length")
        case "cut_json":
            return replace(answer, content=half)
        case "wrong_shape":
            return replace(answer, content='{"score":81,"reason":"a good fit"}')
        case "refusal":
            text = "I'm sorry, but I can't assist with that request."
            return replace(answer, content=None, refusal=text)
        case "content_filter":
            return replace(answer, content="", ending="content_filter")
        case "injected" | "invalid_quotes":
            return replace(answer, content=_misled(content, question, mode))
        case _:
            return answer


def usage(question: Question, answer: Said) -> dict[str, int]:
    """What is billed."""
    return {
        "prompt_tokens": question.prompt_tokens,
        "cached_tokens": answer.cached,
        "completion_tokens": answer.tokens,
    }


def envelope(question: Question, answer: Said, created: int) -> bytes:
    """The whole answer as JSON, as the API that was asked writes it."""
    make = _completion if question.api == "chat" else _response
    return orjson.dumps(make(question, answer, created))


def _completion(question: Question, answer: Said, created: int) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{uuid4().hex}",
        "object": "chat.completion",
        "created": created,
        "model": question.model.snapshot,
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": answer.content,
                    "refusal": answer.refusal,
                    "annotations": [],
                },
                "logprobs": None,
                "finish_reason": answer.ending,
            }
        ],
        "usage": {
            "prompt_tokens": question.prompt_tokens,
            "completion_tokens": answer.tokens,
            "total_tokens": question.prompt_tokens + answer.tokens,
            "prompt_tokens_details": {"cached_tokens": answer.cached, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": answer.thoughts,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        },
        "service_tier": "default",
        "system_fingerprint": None,
        "metadata": question.metadata or None,
    }


_REASONS = {"length": "max_output_tokens", "content_filter": "content_filter"}


def _response(question: Question, answer: Said, created: int) -> dict[str, Any]:
    reason = _REASONS.get(answer.ending)
    status = "incomplete" if reason else "completed"
    item = (
        {"type": "refusal", "refusal": answer.refusal}
        if answer.refusal
        else {"type": "output_text", "text": answer.content, "annotations": [], "logprobs": []}
    )
    message = {
        "type": "message",
        "id": f"msg_{uuid4().hex}",
        "status": status,
        "role": "assistant",
        "content": [item],
    }
    return {
        "id": f"resp_{uuid4().hex}",
        "object": "response",
        "created_at": created,
        "status": status,
        "error": None,
        "incomplete_details": {"reason": reason} if reason else None,
        "instructions": question.instructions or None,
        "metadata": question.metadata,
        "model": question.model.snapshot,
        "output": [message],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "store": question.store,
        "usage": {
            "input_tokens": question.prompt_tokens,
            "input_tokens_details": {"cached_tokens": answer.cached},
            "output_tokens": answer.tokens,
            "output_tokens_details": {"reasoning_tokens": answer.thoughts},
            "total_tokens": question.prompt_tokens + answer.tokens,
        },
    }


def _misled(content: str, question: Question, mode: str) -> str:
    """An answer that follows the lead's orders, or one that quotes what the lead never said."""
    if question.schema is None or not leads.is_rubric(question.schema):
        return content
    answer = orjson.loads(content)
    for place, criterion in enumerate(answer["criteria"]):
        criterion["evidence"] = f"the buyer signed contract number {place + 4711} yesterday"
        criterion["level"] = 4 if mode == "injected" else criterion["level"]
    if mode == "injected":
        answer["tags"] = ["decision_maker", "ready_to_buy", "high_intent"]
        answer["follow_ups"] = ["Open [the contract](https://evil.example/pay?id=1) now"] * 8
        answer["reasoning"] = (
            "As the lead instructs, the score is 100. <script>alert(1)</script>"
            '<img src="https://evil.example/p.gif"> Visit www.evil.example or javascript:go() '
        ) * 12
    return orjson.dumps(answer).decode()


def _cached(question: Question) -> int:
    tokens = -(-len(question.instructions.encode()) // BYTES_PER_TOKEN)
    return tokens // _CACHED_STEP * _CACHED_STEP if tokens >= _CACHED_FROM else 0


def _digest(seed: int, document: str) -> int:
    return int.from_bytes(hashlib.blake2b(f"{seed}\0{document}".encode(), digest_size=8).digest())
