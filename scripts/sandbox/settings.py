"""What the sandbox is told when it starts, and what may change while it runs."""

from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

HOST = "127.0.0.1"
"""The only address it listens on."""


class Conditions(BaseModel):
    """How a vendor behaves when nothing is wrong; may be changed while it runs.

    Attributes:
        latency: seconds that an answer takes.
        jitter: share of the latency, 0 to 1, by which it varies up and down.
        rpm: requests that a model takes in a minute.
        tpm: tokens that a model takes in a minute.
        burst: seconds of the allowance that may be used at once.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    latency: float = Field(default=0.2, ge=0, le=600)
    jitter: float = Field(default=0.0, ge=0, le=1)
    rpm: int = Field(default=10_000, gt=0)
    tpm: int = Field(default=30_000_000, gt=0)
    burst: float = Field(default=60.0, gt=0)


@dataclass(frozen=True, slots=True)
class Settings:
    """How the sandbox starts.

    Attributes:
        port: 0 lets the system choose.
        seed: the same seed gives the same answers, market and accidents.
        people: of the market that the lead sources know.
        conditions: how every vendor behaves.
        book: file in which billed calls are kept beyond a restart, with one beside it for each
            other vendor; None for passing ones.
        faults: modes that are on from the start, such as ``429`` or ``429:0.1`` (a share).
        with_parent: end when the standard input ends, as it does with the parent.
    """

    port: int = 0
    seed: int = 0
    people: int = 20_000
    conditions: Conditions = field(default_factory=Conditions)
    book: Path | None = None
    faults: tuple[str, ...] = ()
    with_parent: bool = False
