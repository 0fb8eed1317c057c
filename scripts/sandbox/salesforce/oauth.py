"""The token endpoint and what else stands under ``/services/oauth2``.

Sources: OAuth flows as the wire reference, section 2, has them; the texts of the errors [M].
"""

import base64
import binascii
from typing import Any
from urllib.parse import parse_qsl

import jwt

from scripts.sandbox.salesforce.org import ORG_ID, Org, instance_url
from scripts.sandbox.salesforce.sessions import SANDBOX
from scripts.sandbox.salesforce.writes import INTEGRATION_USER
from scripts.sandbox.server import Answer, Call, as_json

_JWT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_SHARED_HOSTS = {"login.salesforce.com", "test.salesforce.com"}
_LONGEST = 5 * 60
_SLACK = 30


class OAuth:
    """Gives tokens.

    Args:
        org: whose.
    """

    def __init__(self, org: Org) -> None:
        self._org = org

    def token(self, call: Call) -> Answer:
        """``POST /services/oauth2/token``."""
        if call.method != "POST":
            return _error("invalid_request", "must use HTTP POST")
        form = dict(parse_qsl(call.body.decode("utf-8", "replace"), keep_blank_values=True))
        match form.get("grant_type"):
            case "client_credentials":
                return self._client_credentials(call, form)
            case "password":
                return self._password(call, form)
            case "refresh_token":
                return self._refresh(form)
            case grant if grant == _JWT:
                return self._assertion(form.get("assertion", ""))
            case _:
                return _error("unsupported_grant_type", "grant type not supported")

    def userinfo(self, call: Call) -> Answer:
        """``GET /services/oauth2/userinfo``; 403 ``Bad_OAuth_Token`` without a good token [M]."""
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        if scheme.lower() not in {"bearer", "oauth"} or not self._org.sessions.holds(token):
            return Answer(403, b"Bad_OAuth_Token", media_type="text/html;charset=UTF-8")
        user = self._org.store.table("User").rows[INTEGRATION_USER]
        told: dict[str, Any] = {
            "sub": _identity(),
            "user_id": INTEGRATION_USER,
            "organization_id": ORG_ID,
            "preferred_username": user["Username"],
            "nickname": "integration",
            "name": user["Name"],
            "email": user["Email"],
            "email_verified": True,
            "zoneinfo": "GMT",
            "active": True,
            "user_type": "STANDARD",
            "language": "en_US",
            "locale": "en_US",
            "urls": {
                "rest": f"{instance_url()}/services/data/v{{version}}/",
                "sobjects": f"{instance_url()}/services/data/v{{version}}/sobjects/",
                "query": f"{instance_url()}/services/data/v{{version}}/query/",
                "custom_domain": instance_url(),
            },
        }
        return as_json(200, told)

    def revoke(self, call: Call) -> Answer:
        """``POST /services/oauth2/revoke``."""
        given = dict(call.query) | dict(parse_qsl(call.body.decode("utf-8", "replace")))
        token = given.get("token", "")
        if not self._org.sessions.holds(token):
            return _error("unsupported_token_type", "this token type is not supported")
        self._org.sessions.end(token)
        return Answer(200, b"")

    def _client_credentials(self, call: Call, form: dict[str, str]) -> Answer:
        if call.headers.get("host", "").lower() in _SHARED_HOSTS:
            return _error("invalid_grant", "request not supported on this domain")
        return self._client(call, form) or self._granted()

    def _password(self, call: Call, form: dict[str, str]) -> Answer:
        if refused := self._client(call, form):
            return refused
        if not form.get("username") or not form.get("password", "").startswith(SANDBOX):
            return _error("invalid_grant", "authentication failure")
        return self._granted()

    def _refresh(self, form: dict[str, str]) -> Answer:
        if not form.get("client_id", "").startswith(SANDBOX):
            return _error("invalid_client_id", "client identifier invalid")
        if not form.get("refresh_token", "").startswith(SANDBOX):
            return _error("invalid_grant", "expired access/refresh token")
        return self._granted()

    def _client(self, call: Call, form: dict[str, str]) -> Answer | None:
        given = _basic(call) or (form.get("client_id", ""), form.get("client_secret", ""))
        if not given[0].startswith(SANDBOX):
            told = f"client identifier invalid; the sandbox's begin with {SANDBOX!r}"
            return _error("invalid_client_id", told)
        if not given[1].startswith(SANDBOX):
            return _error("invalid_client", "invalid client credentials")
        return None

    def _assertion(self, assertion: str) -> Answer:
        key = self._org.conditions().jwt_public_key
        try:
            if jwt.get_unverified_header(assertion).get("alg") != "RS256":
                return _error("invalid_grant", "invalid assertion")
            claims = jwt.decode(
                assertion,
                key,
                algorithms=["RS256"],
                options={"verify_signature": bool(key), "verify_exp": False, "verify_aud": False},
            )
            expires = int(claims["exp"])
        except (jwt.PyJWTError, KeyError, ValueError, TypeError):
            return _error("invalid_grant", "invalid assertion")
        now = self._org.now()
        if not str(claims.get("iss", "")).startswith(SANDBOX):
            return _error("invalid_client_id", "client identifier invalid")
        if not str(claims.get("sub", "")):
            return _error("invalid_grant", "user hasn't approved this consumer")
        if not _for_us(str(claims.get("aud", ""))):
            return _error("invalid_grant", "audience is invalid")
        if expires < now - _SLACK or expires > now + _LONGEST + _SLACK:
            return _error("invalid_grant", "expired authorization code")
        return self._granted()

    def _granted(self) -> Answer:
        self._org.book.logins += 1
        told = {
            "access_token": self._org.sessions.begin(ORG_ID),
            "instance_url": instance_url(),
            "id": _identity(),
            "token_type": "Bearer",
            "issued_at": str(int(self._org.now() * 1000)),
            "signature": base64.b64encode(b"sandbox").decode(),
            "scope": "api",
        }
        return as_json(200, told)


def _identity() -> str:
    return f"https://login.salesforce.com/id/{ORG_ID}/{INTEGRATION_USER}"


def _for_us(audience: str) -> bool:
    host = audience.removeprefix("https://").rstrip("/")
    return audience.startswith("https://") and host.endswith(".salesforce.com")


def _basic(call: Call) -> tuple[str, str] | None:
    scheme, _, encoded = call.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return name, secret


def _error(code: str, told: str) -> Answer:
    return as_json(400, {"error": code, "error_description": told})
