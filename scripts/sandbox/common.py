"""What the vendors beside OpenAI share: their book, and a front that breaks, slows and logs.

A vendor gives `Front` its handlers; what goes wrong in the same way everywhere is done here, what
goes wrong in the vendor's own way reaches its handler as a word.
"""

import math
import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from email.utils import formatdate, parsedate_to_datetime
from pathlib import Path
from random import Random
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from scripts.sandbox.faults import FaultOrder, Faults
from scripts.sandbox.journal import Journal
from scripts.sandbox.server import Answer, Call, Handler

LOGGED = 5_000
"""Requests that a log remembers one by one."""
TURNED_AWAY = frozenset(
    {"429", "429_date", "429_no_header", "500", "503", "html", "disconnect", "wrong_shape"}
)
"""Faults of every vendor under which nothing is done and nothing costs."""
DONE = frozenset({"slow", "drip", "truncated", "cut_json", "act_then_timeout"})
"""Faults of every vendor of an answer to what has been done, and billed."""
COMMON_MODES = TURNED_AWAY | DONE

Work = Callable[[Call, str], Answer]
"""Answers a call; the word is the vendor's own fault that hits it, or empty."""
_PAGE = b"<!doctype html><html><body><h1>Sign in to the network</h1></body></html>"


class BaseConditions(BaseModel):
    """How a vendor behaves when nothing is wrong; may be changed while it runs.

    Attributes:
        latency: seconds that an answer takes.
        jitter: share of the latency, 0 to 1, by which it varies up and down.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    latency: float = Field(default=0.2, ge=0, le=600)
    jitter: float = Field(default=0.0, ge=0, le=1)


class RequestLog:
    """Every request that a vendor got, whatever became of it.

    Args:
        path: file that keeps it beyond a restart; None for a passing one.

    Attributes:
        requests: all of them.
        throttled: those that were answered 429.
        log: the last `LOGGED` of them, with ``at`` (Unix seconds), ``operation``, ``status`` (0: no
            answer), and where they apply ``retry_after`` (seconds) and ``fault``.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.requests = self.throttled = 0
        self.log: deque[dict[str, Any]] = deque(maxlen=LOGGED)
        self._journal = Journal(path)
        for line in self._journal.read():
            self._count(line)

    def write(self, entry: Mapping[str, Any]) -> None:
        """Log one request."""
        self.keep({"request": entry})

    def keep(self, line: Mapping[str, Any]) -> None:
        """Count one line and have it in the file."""
        self._journal.append(line)
        self._count(line)

    def shown(self, *, each: bool = True) -> dict[str, Any]:
        """The account as JSON values; with every single request if ``each``."""
        told: dict[str, Any] = {"requests": self.requests, "throttled": self.throttled}
        return {**told, "log": list(self.log)} if each else told

    def reset(self) -> None:
        """Forget everything, in the file too."""
        self._journal.clear()
        self.requests = self.throttled = 0
        self.log.clear()

    def close(self) -> None:
        """Close the file."""
        self._journal.close()

    def _count(self, line: Mapping[str, Any]) -> None:
        if entry := line.get("request"):
            self.requests += 1
            self.throttled += entry["status"] == 429
            self.log.append(dict(entry))


class CreditBook(RequestLog):
    """The log of a vendor that bills a record the first time that somebody gets it.

    Attributes:
        credits: all that were billed.
        by_record: the same by record.
        pages: how often each question was asked, by its fingerprint.
        null_results: questions about somebody whom the vendor does not know.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.credits = 0
        self.by_record: dict[str, int] = {}
        self.pages: Counter[str] = Counter()
        self.null_results = 0
        super().__init__(path)

    def new(self, records: Collection[str]) -> list[str]:
        """Those that would be billed, each once, in order."""
        return [name for name in dict.fromkeys(records) if name not in self.by_record]

    def bill(self, records: Collection[str]) -> list[str]:
        """Bill what has not been billed before, and return it."""
        if new := self.new(records):
            self.keep({"billed": new})
        return new

    def ask(self, fingerprint: str, nulls: int = 0) -> None:
        """Count one question, and those in it that found nobody."""
        self.keep({"page": fingerprint, "nulls": nulls})

    def shown(self, *, each: bool = True) -> dict[str, Any]:
        """The account as JSON values; with every record and request if ``each``."""
        told = super().shown(each=each)
        told |= {"credits": self.credits, "null_results": self.null_results}
        return {**told, "by_record": self.by_record, "pages": self.pages} if each else told

    def reset(self) -> None:
        """Forget everything, in the file too: nobody owns a record any more."""
        super().reset()
        self.by_record.clear()
        self.pages.clear()
        self.credits = self.null_results = 0

    def _count(self, line: Mapping[str, Any]) -> None:
        super()._count(line)
        for record in line.get("billed", ()):
            self.by_record[record] = 1
            self.credits += 1
        if "page" in line:
            self.pages[line["page"]] += 1
            self.null_results += line["nulls"]


class Window:
    """A limit of requests in each stretch of the clock, such as a minute.

    Args:
        limit: requests.
        seconds: the stretch.
    """

    def __init__(self, limit: int, seconds: float) -> None:
        self.limit, self._seconds = limit, seconds
        self._began, self._used = 0.0, 0

    def take(self, now: float) -> float | None:
        """Let a request pass at ``now`` (Unix seconds), or say how many seconds are left."""
        self._turn(now)
        if self._used >= self.limit:
            return self.ends(now) - now
        self._used += 1
        return None

    def left(self, now: float) -> int:
        """Requests that still pass."""
        self._turn(now)
        return self.limit - self._used

    def ends(self, now: float) -> float:
        """When it is full again, in Unix seconds."""
        return math.floor(now / self._seconds) * self._seconds + self._seconds

    def _turn(self, now: float) -> None:
        began = math.floor(now / self._seconds) * self._seconds
        if began != self._began:
            self._began, self._used = began, 0


@dataclass(frozen=True, slots=True)
class Words:
    """How a vendor says what goes wrong everywhere.

    Attributes:
        throttled: its 429; it is given the value of ``Retry-After``, or None for none.
        broken: its 500 or 503.
    """

    throttled: Callable[[str | None], Answer]
    broken: Callable[[int], Answer]


class Front:
    """What stands before every handler of a vendor.

    Args:
        faults: what goes wrong.
        log: where each request is written.
        words: how the vendor says it.
        conditions: how the vendor behaves now.
        jitter: chance of the latency.
        clock: monotonic seconds.
        wall: Unix seconds.
    """

    def __init__(
        self,
        faults: Faults,
        log: RequestLog,
        words: Words,
        conditions: Callable[[], BaseConditions],
        jitter: Random,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._faults, self._log, self._words = faults, log, words
        self._conditions, self._jitter = conditions, jitter
        self._clock, self._wall = clock, wall

    def faulty(self, operation: str, work: Work) -> Handler:
        """The handler for ``work``, which is called ``operation`` in the log."""

        def handler(call: Call) -> Answer:
            now = self._wall()
            order = self._faults.draw(self._clock(), operation)
            answer = self._answer(order, call, work)
            if not answer.wait:
                answer = replace(answer, wait=self._latency())
            status = 0 if answer.dropped else answer.status
            entry = {"at": now, "operation": operation, "status": status}
            if (header := answer.headers.get("Retry-After")) is not None:
                entry["retry_after"] = _seconds(header, now)
            if order is not None:
                entry["fault"] = order.mode
            self._log.write(entry)
            return answer

        return handler

    def _answer(self, order: FaultOrder | None, call: Call, work: Work) -> Answer:
        if order is None:
            return work(call, "")
        if order.mode in TURNED_AWAY:
            return self._turned_away(order)
        if order.mode not in DONE:
            return work(call, order.mode)
        return _spoiled(work(call, ""), order, self._latency())

    def _turned_away(self, order: FaultOrder) -> Answer:
        match order.mode:
            case "429":
                return self._words.throttled(str(math.ceil(order.retry_after)))
            case "429_date":
                at = math.ceil(self._wall() + order.retry_after)
                return self._words.throttled(formatdate(at, usegmt=True))
            case "429_no_header":
                return self._words.throttled(None)
            case "html":
                return Answer(200, _PAGE, media_type="text/html; charset=utf-8")
            case "wrong_shape":
                return Answer(200, b'{"surprise": [1, 2, 3]}')
            case "disconnect":
                return Answer(dropped=True)
            case status:
                return self._words.broken(int(status))

    def _latency(self) -> float:
        now = self._conditions()
        return now.latency * (1 + now.jitter * self._jitter.uniform(-1, 1))


def _spoiled(answer: Answer, order: FaultOrder, latency: float) -> Answer:
    match order.mode:
        case "slow":
            return replace(answer, wait=latency + order.delay)
        case "drip":
            return replace(answer, wait=latency, drip=order.delay)
        case "truncated":
            return replace(answer, cut=True)
        case "cut_json":
            return replace(answer, body=answer.body[: len(answer.body) // 2])
        case _:
            return replace(answer, wait=latency + order.delay, dropped=True)


def _seconds(header: str, now: float) -> float:
    """Seconds that a ``Retry-After`` asks for, from ``now`` on."""
    if header.isdecimal():
        return float(header)
    return max(0.0, parsedate_to_datetime(header).timestamp() - now)
