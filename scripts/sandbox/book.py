"""The sandbox's own account of what it has billed, to compare with the engine's ledger."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

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


@dataclass(slots=True)
class Book:
    """Every billed call of one vendor, and the answers that it keeps.

    Attributes:
        total: all calls.
        by_call: the same for each ``call_id``.
        throttled: calls answered 429, which cost nothing.
        stored: kept answers by ``call_id``, oldest first.
    """

    path: Path | None = None
    total: Tally = field(default_factory=Tally)
    by_call: dict[str, Tally] = field(default_factory=dict[str, Tally])
    throttled: int = 0
    stored: dict[str, list[bytes]] = field(default_factory=dict[str, list[bytes]])

    def __post_init__(self) -> None:
        if self.path is not None and self.path.exists():
            for line in self.path.read_bytes().splitlines():
                self._count(orjson.loads(line))

    def bill(self, call_id: str | None, usage: Mapping[str, int], answer: bytes | None) -> None:
        """Bill one call and, unless it is None, keep its answer (JSON)."""
        entry = {
            "call_id": call_id or UNNAMED,
            "usage": usage,
            "answer": None if answer is None else answer.decode(),
        }
        self._count(entry)
        if self.path is not None:
            with self.path.open("ab") as file:
                file.write(orjson.dumps(entry) + b"\n")

    def reset(self) -> None:
        """Forget everything, in the file too."""
        self.total, self.throttled = Tally(), 0
        self.by_call.clear()
        self.stored.clear()
        if self.path is not None:
            self.path.unlink(missing_ok=True)

    def shown(self) -> dict[str, Any]:
        """The account as JSON values."""
        by_call = {call_id: asdict(tally) for call_id, tally in self.by_call.items()}
        return {**asdict(self.total), "throttled": self.throttled, "by_call": by_call}

    def _count(self, entry: Mapping[str, Any]) -> None:
        call_id = entry["call_id"]
        self.total.add(entry["usage"])
        self.by_call.setdefault(call_id, Tally()).add(entry["usage"])
        if entry["answer"] is not None:
            self.stored.setdefault(call_id, []).append(entry["answer"].encode())
