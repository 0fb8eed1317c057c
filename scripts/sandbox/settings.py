"""What the sandbox is told when it starts."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Settings:
    """How the outside world behaves.

    Attributes:
        host: where it listens.
        port: 0 lets the system choose.
        seed: the same seed gives the same answers and the same accidents.
        latency: seconds that an answer takes.
        jitter: share of the latency, 0 to 1, by which it varies up and down.
        rpm: requests that a model takes in a minute.
        tpm: tokens that a model takes in a minute.
        burst: seconds of the allowance that may be used at once.
        book: file in which billed calls are kept beyond a restart.
        faults: modes that are on from the start.
        with_parent: end when the process that started us has ended.
    """

    host: str = "127.0.0.1"
    port: int = 0
    seed: int = 0
    latency: float = 0.2
    jitter: float = 0.0
    rpm: int = 10_000
    tpm: int = 5_000_000
    burst: float = 60.0
    book: Path | None = None
    faults: tuple[str, ...] = ()
    with_parent: bool = False
