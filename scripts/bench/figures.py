"""What a benchmark reports: figures, each beside the baseline of the same run."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure.

    Attributes:
        name: what was measured, such as ``"batches of 100"``.
        value: the median of the rounds, in ``unit``.
        baseline: the median of what it is compared with, measured in the same run.
        against: what that is, such as ``"raw COPY"``.
        target: the least (or most) that the ratio, or without a baseline the value, should be.
        at_most: whether ``target`` is an upper bound.
    """

    name: str
    value: float
    unit: str
    baseline: float | None = None
    against: str = ""
    target: float | None = None
    at_most: bool = False

    @property
    def ratio(self) -> float | None:
        """The value over its baseline."""
        return self.value / self.baseline if self.baseline else None

    @property
    def passed(self) -> bool | None:
        """Whether the target is met; None without one."""
        if self.target is None:
            return None
        measured = self.value if self.baseline is None else self.ratio
        if measured is None:
            return False
        return measured <= self.target if self.at_most else measured >= self.target

    def as_json(self) -> dict[str, Any]:
        """The figure as JSON values."""
        return {
            "name": self.name,
            "value": self.value,
            "unit": self.unit,
            "baseline": self.baseline,
            "against": self.against,
            "ratio": self.ratio,
            "target": self.target,
            "at_most": self.at_most,
            "passed": self.passed,
        }
