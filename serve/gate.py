"""Who asks, and whether they may.

A caller shows an API key: ``Authorization: Bearer lge_live_<id>_<secret>``. A key that was
verified is believed for some seconds (`Limits.key_cache`, at most 30), so that a revoked key stops
working within 30 seconds in every replica. An unknown, a revoked and an expired key are answered
alike.
"""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

from fastapi import Request
from starlette.requests import HTTPConnection

from serve.dependencies import Dependencies
from serve.problems import Problem
from serve.routing import Needs
from serve.scopes import Scope, known_scopes
from serve.throttle import Throttle
from storage import api_keys
from storage.database import Database

LONGEST_CACHE = 30.0
MOST_CACHED = 1_000
LONGEST_KEY = 256
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="lead-engine"'}


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks.

    Attributes:
        id: of the key, not secret.
        name: what the key was called.
    """

    id: str
    name: str
    scopes: frozenset[Scope]


class Gate:
    """Admits callers by key, scope and rate."""

    def __init__(self, dependencies: Dependencies, database: Database) -> None:
        self._database = database
        self._clock = dependencies.clock
        self._proxies = dependencies.trusted_proxies
        self._throttle = Throttle(dependencies.limits)
        self._believed_for = timedelta(seconds=min(dependencies.limits.key_cache, LONGEST_CACHE))
        self._believed: OrderedDict[bytes, tuple[Principal, datetime]] = OrderedDict()

    async def admit(self, request: Request, needs: Needs) -> Principal:
        """Let the caller pass, who is then ``request.state.principal``.

        Raises:
            Problem: 401 without a good key, 403 without the scope, 429 when asked too often.
        """
        token = _token(request)
        principal = await self._principal(token) if token else None
        if principal is None:
            if token:
                self._throttle.count_failure(self._address(request))
            raise _unauthenticated(shown=bool(token))
        request.state.principal = principal
        self._throttle.count(principal.id, request.scope["state"], costly=needs.costly)
        if needs.scope not in principal.scopes:
            raise Problem(
                403,
                "missing_scope",
                f"This key lacks the scope {needs.scope.value}.",
                headers={"WWW-Authenticate": _insufficient(needs.scope)},
            )
        return principal

    def forget(self, key_id: str) -> None:
        """Believe a revoked key no longer, in this process."""
        stale = [digest for digest, (who, _) in self._believed.items() if who.id == key_id]
        for digest in stale:
            self._believed.pop(digest, None)

    async def _principal(self, token: str) -> Principal | None:
        digest, now = hashlib.sha256(token.encode()).digest(), self._clock()
        if known := self._believed.get(digest):
            if now < known[1]:
                return known[0]
            self._believed.pop(digest, None)
        presented = api_keys.parse(token)
        if presented is None:
            return None
        async with self._database.transaction() as db:
            key = await api_keys.verify(db, presented, now=now)
            if key is not None:
                await api_keys.touch(db, key, now=now)
        if key is None:
            return None
        principal = Principal(key.id, key.name, known_scopes(key.scopes))
        until = now + self._believed_for
        self._believe(digest, principal, min(until, key.expires_at or until))
        return principal

    def _believe(self, digest: bytes, principal: Principal, until: datetime) -> None:
        self._believed[digest] = (principal, until)
        while len(self._believed) > MOST_CACHED:
            self._believed.popitem(last=False)

    def _address(self, connection: HTTPConnection) -> str:
        address = connection.client.host if connection.client else "unknown"
        if address in self._proxies:
            forwarded = connection.headers.get("x-forwarded-for", "")
            return forwarded.rpartition(",")[2].strip()[:64] or address
        return address


def _token(request: Request) -> str | None:
    """Return what was shown as a key; None if nothing was, empty if it cannot be one."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token.isascii() or len(token) > LONGEST_KEY:
        return None
    return token or None


def _unauthenticated(*, shown: bool) -> Problem:
    if shown:
        challenge = {"WWW-Authenticate": CHALLENGE["WWW-Authenticate"] + ', error="invalid_token"'}
        return Problem(401, "invalid_key", "This API key is not valid.", headers=challenge)
    detail = "Send an API key: Authorization: Bearer lge_live_..."
    return Problem(401, "missing_key", detail, headers=CHALLENGE)


def _insufficient(scope: Scope) -> str:
    return f'{CHALLENGE["WWW-Authenticate"]}, error="insufficient_scope", scope="{scope.value}"'
