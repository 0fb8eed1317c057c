"""The sandbox's OpenAI: which call gets which answer, what it costs and how long it takes."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Any
from uuid import uuid4

import orjson

from scripts.sandbox.book import Book
from scripts.sandbox.faults import FaultOrder, Faults
from scripts.sandbox.openai import errors, replies
from scripts.sandbox.openai.limiter import Excess, Limiter
from scripts.sandbox.openai.models import MODELS
from scripts.sandbox.openai.question import Question, read_chat, read_responses
from scripts.sandbox.server import Answer, Call, Handler, Route, as_json
from scripts.sandbox.settings import Conditions

TURNED_AWAY = frozenset(
    {"429", "429_no_header", "429_long", "quota", "500", "503", "html", "disconnect", "model_gone"}
)
"""Faults that cost nothing."""
BILLED = frozenset(
    {"slow", "drip", "truncated", "cut_json", "refusal", "content_filter", "wrong_shape"}
    | {"injected", "invalid_quotes", "no_answer"}
)
"""Faults of an answer that is paid for."""
LONG_WAIT, SHORT_WAIT = 130, 1.5
_MOST_LISTED = 100


class OpenAI:
    """OpenAI as far as the engine uses it.

    Args:
        conditions: how it behaves.
        book: where it bills.
        seed: of its answers and accidents.
        clock: monotonic seconds.
        wall: Unix seconds.
    """

    name = "openai"
    modes = TURNED_AWAY | BILLED

    def __init__(
        self,
        conditions: Conditions,
        book: Book,
        seed: int,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.book = book
        self.faults = Faults(Random(seed))  # noqa: S311  (a rehearsal, not a secret)
        self._jitter = Random(seed + 1)  # noqa: S311
        self._seed, self._clock, self._wall = seed, clock, wall
        self._instructions: set[int] = set()
        self._limiters: dict[str, Limiter] = {}
        self._conditions = conditions

    @property
    def conditions(self) -> Conditions:
        """How it behaves now."""
        return self._conditions

    def change(self, conditions: Mapping[str, Any]) -> None:
        """Behave otherwise from now on; the allowances are full again."""
        now = self._conditions.model_dump()
        self._conditions = Conditions.model_validate({**now, **conditions})
        self._limiters.clear()

    def reset(self) -> None:
        """Forget all bills, answers and faults; the allowances are full again."""
        self.faults.clear()
        self.book.reset()
        self._limiters.clear()

    def base_url(self, root: str) -> str:
        """``OPENAI_BASE_URL``."""
        return f"{root}/v1"

    def routes(self) -> Sequence[Route]:
        """What it answers."""
        return [
            Route("POST", "/v1/chat/completions", self._known(self._chat)),
            Route("GET", "/v1/chat/completions", self._known(self._stored)),
            Route("POST", "/v1/responses", self._known(self._responses)),
            Route("GET", "/v1/models", self._known(self._models)),
            Route("GET", "/v1/models/{model}", self._known(self._model)),
        ]

    def _known(self, handler: Handler) -> Handler:
        """``handler`` for callers with a sandbox's key, with the headers that every answer has."""

        def checked(call: Call) -> Answer:
            refused = errors.unauthorised(call.headers.get("authorization", ""))
            answer = refused or handler(call)
            ours = {"x-request-id": f"req_{uuid4().hex}", "openai-version": "2020-10-01"}
            return replace(answer, headers={**ours, **answer.headers})

        return checked

    def _chat(self, call: Call) -> Answer:
        return self._asked(read_chat(call.body))

    def _responses(self, call: Call) -> Answer:
        return self._asked(read_responses(call.body))

    def _asked(self, question: Question | Answer) -> Answer:
        if isinstance(question, Answer):
            return question
        now = self._clock()
        limiter = self._limiter(question.model.snapshot)
        fault = self.faults.draw(now)
        if fault is not None and fault.mode in TURNED_AWAY:
            answer = self._turned_away(fault, question)
        elif excess := limiter.take(question.prompt_tokens + question.longest, now):
            self.book.throttled += 1
            answer = errors.too_fast(question.model.name, excess)
        else:
            answer = self._billed(question, fault)
        return replace(answer, headers={**limiter.headers(), **answer.headers})

    def _limiter(self, model: str) -> Limiter:
        if model not in self._limiters:
            now = self._conditions
            self._limiters[model] = Limiter(now.rpm, now.tpm, now.burst)
        return self._limiters[model]

    def _billed(self, question: Question, fault: FaultOrder | None) -> Answer:
        mode = fault.mode if fault else ""
        known = hash((question.model.name, question.instructions))
        said = replies.said(question, self._seed, seen_before=known in self._instructions)
        self._instructions.add(known)
        said = replies.altered(said, mode, question)
        wait = self._latency() + (fault.delay if fault and mode == "slow" else 0.0)
        drip = fault.delay if fault and mode == "drip" else 0.0
        ready_at = self._wall() + wait
        body = replies.envelope(question, said, int(ready_at))
        keep = body if question.store and question.api == "chat" else None
        self.book.bill(question.call_id, replies.usage(question, said), keep, ready_at)
        headers = {"openai-processing-ms": str(int(wait * 1000))}
        return Answer(200, body, headers, wait=wait, drip=drip, dropped=mode == "no_answer")

    def _latency(self) -> float:
        now = self._conditions
        if not now.jitter:
            return now.latency
        return now.latency * (1 + now.jitter * self._jitter.uniform(-1, 1))

    def _turned_away(self, fault: FaultOrder, question: Question) -> Answer:
        match fault.mode:
            case "quota":
                return errors.no_credit()
            case "500":
                return errors.broken()
            case "503":
                return errors.overloaded()
            case "html":
                return errors.proxy_page()
            case "disconnect":
                return Answer(dropped=True)
            case "model_gone":
                return errors.no_model(question.model.name)
            case mode:
                return self._throttled(mode, question)

    def _throttled(self, mode: str, question: Question) -> Answer:
        self.book.throttled += 1
        rpm = self._conditions.rpm
        wait = LONG_WAIT if mode == "429_long" else SHORT_WAIT
        answer = errors.too_fast(question.model.name, Excess("requests", rpm, rpm, 1, wait))
        return replace(answer, headers={}) if mode == "429_no_header" else answer

    def _stored(self, call: Call) -> Answer:
        query = dict(call.query)
        filters = {key for key in query if key.startswith("metadata[")}
        if filters - {"metadata[call_id]"}:
            return errors.error(400, "The sandbox finds stored answers only by 'call_id'.")
        now = self._wall()
        if filters:
            bodies = self.book.kept(query["metadata[call_id]"], now)
        else:
            bodies = self.book.all_kept(now)
        found = [orjson.loads(body) for body in bodies]
        if query.get("order") == "desc":
            found.reverse()
        if "model" in query:
            found = [one for one in found if one["model"].startswith(query["model"])]
        if "after" in query:
            found = found[_place_after(query["after"], found) :]
        limit = query.get("limit", "20")
        most = min(int(limit), _MOST_LISTED) if limit.isdecimal() else 20
        page = found[:most]
        shown = {
            "object": "list",
            "data": page,
            "first_id": page[0]["id"] if page else None,
            "last_id": page[-1]["id"] if page else None,
            "has_more": len(found) > most,
        }
        return as_json(200, shown)

    def _models(self, _: Call) -> Answer:
        return as_json(200, {"object": "list", "data": [m.shown() for m in MODELS.values()]})

    def _model(self, call: Call) -> Answer:
        model = MODELS.get(call.params["model"])
        return (
            errors.no_model(call.params["model"]) if model is None else as_json(200, model.shown())
        )


def _place_after(answer_id: str, found: list[dict[str, object]]) -> int:
    ids = [one["id"] for one in found]
    return ids.index(answer_id) + 1 if answer_id in ids else len(ids)
