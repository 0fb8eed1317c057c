"""Three ways to log in, and what is said when one of them cannot be used."""

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from agents.errors import VendorError
from agents.vendors.salesforce import Salesforce
from agents.vendors.salesforce.credentials import Credentials, CredentialsError, Mode, credentials
from scripts.sandbox.process import SandboxProcess
from tests.vendors.salesforce.conftest import PATIENCE, VENDOR

CLIENT: dict[str, Any] = {"consumer_key": "sandbox-key", "consumer_secret": "sandbox-secret"}
USER: dict[str, Any] = {"username": "ann@acme.example", "password": "sandbox-<&>'\""}
OTHER_FILE = Path(__file__).with_name("conftest.py")
MINE: dict[str, Any] = {"domain": "leadengine-sandbox.my"}


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A private key in a file, and its public half."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    path = tmp_path_factory.mktemp("keys") / "key.pem"
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return path, public.decode()


def chosen(**given: Any) -> Credentials:
    settings: dict[str, Any] = {"version": "62.0", **given}
    return credentials(**settings)


async def org_id(org: SandboxProcess, who: Credentials) -> str:
    crm = Salesforce(who, base_url=org.vendor_urls[VENDOR], timeout=PATIENCE)
    try:
        return (await crm.who()).organization_id
    finally:
        await crm.close_connections()


async def refusal(org: SandboxProcess, who: Credentials) -> VendorError:
    with pytest.raises(VendorError) as refused:
        await org_id(org, who)
    told = str(refused.value)
    assert not any(secret in told for secret in ("sandbox-", "real-", "ann@", "BEGIN"))
    return refused.value


async def test_client_credentials(org: SandboxProcess) -> None:
    who = credentials(**CLIENT, **MINE, version="68.0")
    assert who.mode is Mode.CLIENT_CREDENTIALS
    assert (await org_id(org, who)).startswith("00D")


async def test_jwt_bearer(org: SandboxProcess, keys: tuple[Path, str]) -> None:
    path, public = keys
    settings: dict[str, Any] = {"jwt_public_key": public}
    org.set(VENDOR, **settings)
    who = credentials(
        consumer_key="sandbox-key", username="ann@acme.example", private_key_file=path,
        version="68.0",
    )  # fmt: skip
    assert (who.mode, who.domain) == (Mode.JWT_BEARER, "login")
    assert (await org_id(org, who)).startswith("00D")


async def test_a_key_that_the_org_does_not_know_is_refused_with_the_settings_to_check(
    org: SandboxProcess, keys: tuple[Path, str]
) -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    pem = other.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    settings: dict[str, Any] = {"jwt_public_key": pem.decode()}
    org.set(VENDOR, **settings)
    who = credentials(
        consumer_key="sandbox-key", username="ann@acme.example", private_key_file=keys[0],
        version="62.0",
    )  # fmt: skip
    error = await refusal(org, who)
    assert error.retry_after is None
    assert "SALESFORCE_PRIVATE_KEY_FILE" in str(error)


async def test_a_user_with_a_password_through_oauth(org: SandboxProcess) -> None:
    who = credentials(**CLIENT, **USER, security_token="t0ken", version="68.0")
    assert who.mode is Mode.OAUTH_PASSWORD
    assert (await org_id(org, who)).startswith("00D")


async def test_a_user_with_a_password_through_soap_up_to_v64(org: SandboxProcess) -> None:
    who = credentials(**USER, security_token="a&b<c>", version="64.0", **MINE)
    assert who.mode is Mode.SOAP_PASSWORD
    assert (await org_id(org, who)).startswith("00D")


@pytest.mark.parametrize(
    ("given", "advice"),
    [
        ({**CLIENT, "consumer_key": "real-key"}, "check SALESFORCE_CONSUMER_KEY"),
        ({**CLIENT, "consumer_secret": "real-secret"}, "SALESFORCE_CONSUMER_SECRET"),
        ({**CLIENT, **USER, "password": "real-password"}, "SALESFORCE_PASSWORD"),
        ({**USER, "password": "real-password", "version": "64.0"}, "SALESFORCE_SECURITY_TOKEN"),
    ],
)
async def test_refused_credentials_name_the_setting_and_no_secret(
    org: SandboxProcess, given: dict[str, Any], advice: str
) -> None:
    error = await refusal(org, chosen(**MINE, **given))
    assert error.retry_after is None
    assert advice in str(error)
    assert org.book(VENDOR)["logins"] == 0


@pytest.mark.parametrize(
    ("mode", "words"),
    [("500", "status 500"), ("503", "status 503"), ("html", "no token"), ("disconnect", "no conn")],
)
async def test_a_login_that_fails_for_now_is_no_fault_of_the_settings(
    org: SandboxProcess, mode: str, words: str
) -> None:
    org.arm(mode, vendor=VENDOR, operation="token")
    error = await refusal(org, credentials(**CLIENT, **MINE, version="62.0"))
    assert error.retry_after is not None
    assert words in str(error)


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({}, "SALESFORCE_CONSUMER_KEY and SALESFORCE_CONSUMER_SECRET"),
        ({**CLIENT}, "SALESFORCE_DOMAIN must be your My Domain"),
        ({**CLIENT, "domain": "login"}, "SALESFORCE_DOMAIN must be your My Domain"),
        ({**CLIENT, "domain": "acme.lightning.force.com"}, "not the address of a page"),
        ({**CLIENT, "domain": "acme.my/../x"}, "SALESFORCE_DOMAIN must look like"),
        ({"consumer_key": "k"}, "set SALESFORCE_CONSUMER_SECRET"),
        ({"password": "p"}, "set SALESFORCE_USERNAME"),
        ({**USER, "version": "65.0"}, "SALESFORCE_API_VERSION=64.0"),
        ({**CLIENT, **MINE, "version": "v62"}, "must look like 62.0"),
        ({"private_key_file": Path("/nowhere")}, "SALESFORCE_USERNAME for the JWT"),
        (
            {"private_key_file": Path("/nowhere"), "username": "u", "consumer_key": "k"},
            "SALESFORCE_PRIVATE_KEY_FILE cannot be read",
        ),
        (
            {"private_key_file": OTHER_FILE, "username": "u", "consumer_key": "k"},
            "holds no private key",
        ),
    ],
)
def test_settings_that_do_not_suffice_are_named(given: dict[str, Any], complaint: str) -> None:
    with pytest.raises(CredentialsError, match=complaint):
        chosen(**given)


async def test_a_key_that_is_none_is_told_before_anybody_is_asked(
    org: SandboxProcess, tmp_path: Path
) -> None:
    path = tmp_path / "key.pem"
    path.write_text("-----BEGIN PRIVATE KEY-----\nbm8=\n-----END PRIVATE KEY-----\n")
    who = credentials(
        consumer_key="sandbox-key", username="u", private_key_file=path, version="62.0"
    )
    assert "private key cannot sign" in str(await refusal(org, who))
    assert org.book(VENDOR)["requests"] == 0


@pytest.mark.parametrize(
    "pasted", ["https://Acme.my.salesforce.com/", "acme.my.salesforce.com", " acme.my "]
)
def test_a_domain_may_be_pasted_from_the_browser(pasted: str) -> None:
    assert credentials(**CLIENT, domain=pasted, version="62.0").domain == "acme.my"


def test_no_secret_shows_in_the_text_of_credentials() -> None:
    who = credentials(**CLIENT, **USER, **MINE, security_token="t0ken", version="62.0")
    assert not any(secret in repr(who) for secret in (*CLIENT.values(), *USER.values(), "t0ken"))
