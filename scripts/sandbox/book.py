"""The sandbox's own account of what it has billed, to compare with the engine's ledger.

A call is written down at the moment its answer is decided, before the wait for it begins: a
caller that goes away meanwhile has been billed all the same. The line is in the file before the
answer leaves, so the account survives the sandbox's own sudden end; a half-written last line
counts for nothing.
"""

import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from os import SEEK_END
from pathlib import Path
from typing import Any, NamedTuple

import orjson

UNNAMED = ""
"""The key of the calls without a ``call_id``."""


@dataclass(slots=True)
class Tally:
    """Calls and tokens."""

    calls: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0

    def add(self, usage: Mapping[str, int]) -> None:
        """Count one call."""
        self.calls += 1
        self.prompt_tokens += usage["prompt_tokens"]
        self.cached_tokens += usage["cached_tokens"]
        self.completion_tokens += usage["completion_tokens"]


class _Place(NamedTuple):
    at: float
    offset: int
    length: int


class Book:
    """Every billed call of one vendor, and the answers that it keeps.

    Args:
        path: its file; None for one that ends with it.

    Attributes:
        total: all calls.
        by_call: the same for each ``call_id``.
        throttled: calls answered 429, which cost nothing.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.total = Tally()
        self.by_call: dict[str, Tally] = {}
        self.throttled = 0
        self._kept: dict[str, list[_Place]] = {}
        if path is None:
            self._file = tempfile.TemporaryFile("w+b")  # noqa: SIM115  (open as long as the book)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("a+b")
        self._end = self._read()

    def bill(
        self, call_id: str | None, usage: Mapping[str, int], answer: bytes | None, ready_at: float
    ) -> None:
        """Bill one call.

        Args:
            call_id: the caller's name for it.
            usage: its tokens.
            answer: JSON to keep; None if the caller wants none kept.
            ready_at: when the answer can be looked up, in Unix seconds.
        """
        entry = {
            "call_id": call_id or UNNAMED,
            "usage": usage,
            "ready_at": ready_at,
            "answer": None if answer is None else orjson.Fragment(answer),
        }
        line = orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE)
        self._file.seek(0, SEEK_END)
        self._file.write(line)
        self._file.flush()
        self._count(call_id or UNNAMED, usage)
        if answer is not None:
            self._keep(call_id or UNNAMED, ready_at, len(line))
        self._end += len(line)

    def kept(self, call_id: str, now: float) -> list[bytes]:
        """The answers to ``call_id`` that are ready at ``now``, oldest first."""
        return [self._answer(place) for place in self._kept.get(call_id, ()) if place.at <= now]

    def all_kept(self, now: float) -> list[bytes]:
        """All answers that are ready, oldest first."""
        places = sorted((p for ps in self._kept.values() for p in ps), key=lambda p: p.offset)
        return [self._answer(place) for place in places if place.at <= now]

    def reset(self) -> None:
        """Forget everything, in the file too."""
        self.total, self.throttled = Tally(), 0
        self.by_call.clear()
        self._kept.clear()
        self._file.truncate(0)
        self._end = 0

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def shown(self, *, each: bool = True) -> dict[str, Any]:
        """The account as JSON values; with every call if ``each``."""
        account: dict[str, Any] = {**asdict(self.total), "throttled": self.throttled}
        if each:
            account["by_call"] = {name: asdict(tally) for name, tally in self.by_call.items()}
        return account

    def _read(self) -> int:
        self._file.seek(0)
        end = 0
        for line in self._file:
            if not line.endswith(b"\n"):
                self._file.truncate(end)
                break
            entry = orjson.loads(line)
            self._end = end
            self._count(entry["call_id"], entry["usage"])
            if entry["answer"] is not None:
                self._keep(entry["call_id"], entry["ready_at"], len(line))
            end += len(line)
        return end

    def _count(self, call_id: str, usage: Mapping[str, int]) -> None:
        self.total.add(usage)
        self.by_call.setdefault(call_id, Tally()).add(usage)

    def _keep(self, call_id: str, ready_at: float, length: int) -> None:
        self._kept.setdefault(call_id, []).append(_Place(ready_at, self._end, length))

    def _answer(self, place: _Place) -> bytes:
        self._file.seek(place.offset)
        return orjson.dumps(orjson.loads(self._file.read(place.length))["answer"])
