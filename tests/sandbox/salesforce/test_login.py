from __future__ import annotations

import time
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from scripts.sandbox.process import SandboxProcess
from scripts.sandbox.salesforce.steer import OrgControl

TOKEN = "/services/oauth2/token"
CLIENT = {"client_id": "sandbox-id", "client_secret": "sandbox-secret"}
JWT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LIMITS = "/services/data/v59.0/limits"


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def assertion(key: rsa.RSAPrivateKey, **changes: Any) -> str:
    claims = {
        "iss": "sandbox-consumer",
        "sub": "integration@acme.example",
        "aud": "https://login.salesforce.com",
        "exp": f"{time.time() + 180:.0f}",
        **changes,
    }
    return jwt.encode(claims, key, algorithm="RS256")


@pytest.mark.parametrize(
    "form",
    [
        {"grant_type": "client_credentials", **CLIENT},
        {"grant_type": "password", **CLIENT, "username": "u@x.example", "password": "sandbox-p"},
        {"grant_type": "refresh_token", "client_id": "sandbox-id", "refresh_token": "sandbox-r"},
    ],
)
def test_a_login_gives_a_token_that_opens_the_org(
    anyone: httpx.Client, form: dict[str, str]
) -> None:
    given = anyone.post(TOKEN, data=form)
    assert given.status_code == 200
    told = given.json()
    assert told["token_type"] == "Bearer"
    assert told["instance_url"].startswith("https://")
    assert told["instance_url"].endswith(".my.salesforce.com")
    assert told["id"].startswith("https://login.salesforce.com/id/00D")
    assert told["issued_at"].isdecimal()
    assert "expires_in" not in told
    assert "refresh_token" not in told
    bearer = {"Authorization": f"Bearer {told['access_token']}"}
    assert anyone.get(LIMITS, headers=bearer).status_code == 200
    who = anyone.get("/services/oauth2/userinfo", headers=bearer).json()
    assert who["organization_id"] == told["id"].split("/")[-2]
    assert who["user_id"].startswith("005")


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "client_credentials", "client_id": "3MVG9real"}, "invalid_client_id"),
        (
            {"grant_type": "client_credentials", "client_id": "sandbox-id", "client_secret": "x"},
            "invalid_client",
        ),
        ({"grant_type": "password", **CLIENT, "username": "u", "password": "x"}, "invalid_grant"),
        ({"grant_type": "magic"}, "unsupported_grant_type"),
        ({}, "unsupported_grant_type"),
        ({"grant_type": JWT, "assertion": "no.jwt.at-all"}, "invalid_grant"),
    ],
)
def test_a_login_that_fails_says_why(
    anyone: httpx.Client, form: dict[str, str], error: str
) -> None:
    refused = anyone.post(TOKEN, data=form)
    assert refused.status_code == 400
    assert refused.json()["error"] == error
    assert refused.json()["error_description"]


def test_client_credentials_need_the_domain_of_the_org(anyone: httpx.Client) -> None:
    form = {"grant_type": "client_credentials", **CLIENT}
    refused = anyone.post(TOKEN, data=form, headers={"Host": "login.salesforce.com"})
    assert refused.json() == {
        "error": "invalid_grant",
        "error_description": "request not supported on this domain",
    }


def test_an_assertion_may_carry_its_end_as_text(
    anyone: httpx.Client, key: rsa.RSAPrivateKey
) -> None:
    form = {"grant_type": JWT, "assertion": assertion(key)}
    assert anyone.post(TOKEN, data=form).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "3MVG9real"},
        {"aud": "https://elsewhere.example"},
        {"exp": "1000000000"},
        {"exp": f"{time.time() + 3600:.0f}"},
        {"sub": ""},
    ],
)
def test_an_assertion_is_read(
    anyone: httpx.Client, key: rsa.RSAPrivateKey, changes: dict[str, Any]
) -> None:
    form = {"grant_type": JWT, "assertion": assertion(key, **changes)}
    assert anyone.post(TOKEN, data=form).status_code == 400


def test_a_known_public_key_is_held_against_the_signature(
    anyone: httpx.Client, org: OrgControl, key: rsa.RSAPrivateKey
) -> None:
    form, raw = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    org.set(jwt_public_key=key.public_key().public_bytes(form, raw).decode())
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    mine = anyone.post(TOKEN, data={"grant_type": JWT, "assertion": assertion(key)})
    theirs = anyone.post(TOKEN, data={"grant_type": JWT, "assertion": assertion(other)})
    assert (mine.status_code, theirs.status_code) == (200, 400)


def test_without_a_session_nothing_is_told(anyone: httpx.Client) -> None:
    for bearer in ({}, {"Authorization": "Bearer 00D!real"}, {"Authorization": "Basic x"}):
        refused = anyone.get(LIMITS, headers=bearer)
        assert refused.status_code == 401
        assert refused.json() == [
            {"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}
        ]


def test_a_session_ends_with_its_time(crm: httpx.Client, org: OrgControl) -> None:
    org.set(session_seconds=0.01)
    time.sleep(0.02)
    assert crm.get("limits").status_code == 401


def test_an_expired_token_is_expired_for_good_and_a_new_one_is_not(
    crm: httpx.Client, sandbox: SandboxProcess
) -> None:
    sandbox.arm("token_expired", vendor="salesforce")
    assert crm.get("limits").status_code == 401
    assert crm.get("limits").status_code == 401
    form = {"grant_type": "client_credentials", **CLIENT}
    url = sandbox.vendor_urls["salesforce"] + TOKEN
    fresh = httpx.post(url, data=form, trust_env=False).json()["access_token"]
    assert crm.get("limits", headers={"Authorization": f"Bearer {fresh}"}).status_code == 200


def test_a_token_may_be_refused_for_ever_though_the_login_works(
    crm: httpx.Client, sandbox: SandboxProcess
) -> None:
    sandbox.arm("token_invalid", vendor="salesforce")
    url = sandbox.vendor_urls["salesforce"] + TOKEN
    for _ in range(3):
        form = {"grant_type": "client_credentials", **CLIENT}
        fresh = httpx.post(url, data=form, trust_env=False).json()["access_token"]
        assert crm.get("limits", headers={"Authorization": f"Bearer {fresh}"}).status_code == 401
