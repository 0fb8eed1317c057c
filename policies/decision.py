"""A decision: a verdict, the reasons a salesperson understands, and the rules that spoke."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided, why, by which rules, from which facts.

    Attributes:
        action: what was asked, such as ``"score"``.
        subject: the lead or other thing it is about.
        verdict: a word or number, such as ``"allow"`` or ``"82"``.
        reasons: plain sentences, the weightiest first.
        policy: name and version of the rules, such as ``"scoring/general@3"``.
        inputs: JSON values, enough to decide again; no personal data.
    """

    action: str
    subject: UUID | None
    verdict: str
    reasons: tuple[str, ...]
    policy: str
    inputs: Mapping[str, Any]
