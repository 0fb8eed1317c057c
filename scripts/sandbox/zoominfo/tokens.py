"""ZoomInfo's tokens: client credentials, and refresh tokens that change with every use."""

from base64 import b64decode
from binascii import Error
from collections.abc import Callable
from random import Random
from urllib.parse import parse_qsl

from scripts.sandbox.server import Answer, Call, as_json
from scripts.sandbox.zoominfo.errors import oauth

SCOPES = frozenset(
    f"api:data:{kind}" for kind in ("contact", "company", "intent", "news", "scoops", "lookup")
)


class Tokens:
    """Who may come in; forgotten with the sandbox, as a restart at ZoomInfo would not.

    Args:
        lifetime: seconds that a token lives, now.
        wall: Unix seconds.
    """

    def __init__(self, lifetime: Callable[[], float], wall: Callable[[], float]) -> None:
        self._lifetime, self._wall = lifetime, wall
        self._chance = Random()  # noqa: S311  (names that are new after a restart)
        self._alive: dict[str, tuple[float, frozenset[str]]] = {}
        self._refresh: set[str] = set()

    def grant(self, call: Call) -> Answer:
        """Answer the token address."""
        if not call.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            return oauth(400, "invalid_request", "The body must be a form.")
        if not _client(call.headers.get("authorization", "")):
            return oauth(
                401,
                "invalid_client",
                "Client authentication failed: send a client id and secret that begin with "
                "'sandbox-' by Basic.",
            )
        form = dict(parse_qsl(call.body.decode("latin-1")))
        match form.get("grant_type"):
            case "client_credentials":
                return self._new(form.get("scope", ""), refresh=False)
            case "refresh_token" if form.get("refresh_token") in self._refresh:
                self._refresh.discard(form["refresh_token"])
                return self._new(form.get("scope", ""), refresh=True)
            case "refresh_token":
                return oauth(400, "invalid_grant", "The refresh token is invalid or was used.")
            case "authorization_code" if form.get("code", "").startswith("sandbox-"):
                return self._new(form.get("scope", ""), refresh=True)
            case "authorization_code":
                return oauth(400, "invalid_grant", "The code is invalid.")
            case _:
                return oauth(400, "unsupported_grant_type", "That grant type is not supported.")

    def expire(self, token: str) -> None:
        """End a token before its time."""
        self._alive.pop(token, None)

    def forget(self) -> None:
        """End all tokens."""
        self._alive.clear()
        self._refresh.clear()

    def problem(self, authorisation: str) -> str | None:
        """Why the caller may not come in; None if they may."""
        scheme, _, token = authorisation.partition(" ")
        if scheme.lower() != "bearer" or not token:
            return "Authentication is required: send a Bearer token."
        if token.count(".") == 2 and token not in self._alive:
            return "Tokens of the Enterprise API are not accepted here."
        if token not in self._alive or self._alive[token][0] <= self._wall():
            return "The access token is invalid or has expired."
        return None

    def scopes(self, authorisation: str) -> frozenset[str]:
        """What the caller may do."""
        return self._alive[authorisation.partition(" ")[2]][1]

    def _new(self, scope: str, *, refresh: bool) -> Answer:
        asked = frozenset(scope.split()) or SCOPES
        if unknown := asked - SCOPES - {"openid", "offline_access"}:
            return oauth(400, "invalid_scope", f"Unknown scope: {' '.join(sorted(unknown))}")
        lifetime = self._lifetime()
        token = f"sandbox-zi-{self._chance.getrandbits(128):032x}"
        self._alive[token] = (self._wall() + lifetime, asked)
        told: dict[str, object] = {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": int(lifetime),
            "scope": " ".join(sorted(asked)),
        }
        if refresh:
            told["refresh_token"] = f"sandbox-zr-{self._chance.getrandbits(128):032x}"
            self._refresh.add(str(told["refresh_token"]))
        return as_json(200, told)


def _client(authorisation: str) -> bool:
    scheme, _, encoded = authorisation.partition(" ")
    if scheme.lower() != "basic":
        return False
    try:
        client, _, secret = b64decode(encoded, validate=True).decode().partition(":")
    except (Error, UnicodeDecodeError):
        return False
    return client.startswith("sandbox-") and secret.startswith("sandbox-")
