"""What is made to go wrong, how often and for how long."""

from collections.abc import Collection
from dataclasses import dataclass
from random import Random

from pydantic import BaseModel, ConfigDict, Field

TOKEN = "token"  # noqa: S105  (a name)
"""The operation that fetches a token: only faults that name it hit it."""


class FaultOrder(BaseModel):
    """A fault as it is ordered.

    Attributes:
        mode: one of the vendor's modes.
        share: of the calls that it hits, 0 to 1.
        count: calls until it is over; None for no end.
        seconds: time until it is over; None for no end.
        delay: seconds that a slow answer takes longer.
        retry_after: seconds that a vendor asks to wait when it turns the call away.
        operation: the only one that it hits, by its name in the vendor's log; None for all but
            the fetching of tokens.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    mode: str
    share: float = Field(default=1.0, ge=0, le=1)
    count: int | None = Field(default=None, gt=0)
    seconds: float | None = Field(default=None, gt=0)
    delay: float = Field(default=30.0, ge=0)
    retry_after: float = Field(default=1.0, ge=0)
    operation: str | None = None

    @classmethod
    def written(cls, text: str) -> "FaultOrder":
        """Read an order as a command line has it: ``slow`` or, for a share, ``429:0.1``.

        Raises:
            ValueError: if the share is no number from 0 to 1.
        """
        mode, _, share = text.partition(":")
        return cls(mode=mode, share=float(share or 1.0))


@dataclass(slots=True)
class _Armed:
    order: FaultOrder
    left: int | None
    until: float | None


class Faults:
    """The faults of one vendor.

    Args:
        chance: decides which calls are hit.
        once: modes that hit one call and are over, unless ordered with a count.
        of_token: modes that hit nothing but the fetching of tokens.
    """

    def __init__(
        self, chance: Random, once: Collection[str] = (), of_token: Collection[str] = ()
    ) -> None:
        self._chance, self._once = chance, frozenset(once)
        self._of_token = frozenset(of_token)
        self._armed: list[_Armed] = []

    def arm(self, order: FaultOrder, now: float) -> None:
        """Switch a fault on, beside those that are on already; ``now`` is monotonic seconds."""
        until = None if order.seconds is None else now + order.seconds
        left = 1 if order.count is None and order.mode in self._once else order.count
        self._armed.append(_Armed(order, left, until))

    def clear(self) -> None:
        """Switch everything off."""
        self._armed.clear()

    def on(self) -> list[dict[str, object]]:
        """What is on, with the calls left to each."""
        return [{**armed.order.model_dump(), "left": armed.left} for armed in self._armed]

    def draw(self, now: float, operation: str | None = None) -> FaultOrder | None:
        """The fault that hits this call, if any: the first that is on and drawn."""
        self._armed = [a for a in self._armed if a.left != 0 and (a.until is None or now < a.until)]
        for armed in self._armed:
            only = TOKEN if armed.order.mode in self._of_token else armed.order.operation
            if only != operation and (only is not None or operation == TOKEN):
                continue
            if self._chance.random() < armed.order.share:
                if armed.left is not None:
                    armed.left -= 1
                return armed.order
        return None
