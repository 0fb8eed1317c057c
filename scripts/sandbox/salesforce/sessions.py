"""Access tokens and session ids: who holds one, and until when."""

from collections.abc import Callable
from secrets import token_urlsafe

from scripts.sandbox.salesforce.conditions import OrgConditions

SANDBOX = "sandbox-"
"""What every key, secret, password and token that we take begins with."""


class Sessions:
    """The tokens of the org.

    Args:
        conditions: how long one lives.
        now: Unix seconds.
    """

    def __init__(self, conditions: Callable[[], OrgConditions], now: Callable[[], float]) -> None:
        self._conditions, self._now = conditions, now
        self._issued: dict[str, float] = {}
        self._ended: set[str] = set()

    def begin(self, org_id: str) -> str:
        """A new token."""
        token = f"{org_id[:15]}!{SANDBOX}{token_urlsafe(48)}"
        self._issued[token] = self._now()
        return token

    def holds(self, token: str) -> bool:
        """Whether the token is good; one that begins with ``sandbox-`` needs no login."""
        if token in self._ended:
            return False
        began = self._issued.get(token)
        if began is None:
            return token.startswith(SANDBOX)
        return self._now() - began < self._conditions().session_seconds

    def end(self, token: str) -> None:
        """Let a token be good no longer."""
        self._ended.add(token)

    def began(self, token: str) -> float:
        """When it was given, in Unix seconds; 0 for one that needs no login."""
        return self._issued.get(token, 0.0)
