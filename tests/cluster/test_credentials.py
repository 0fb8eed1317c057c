"""``doctor`` asks each vendor whether our credentials are good, and says what is wrong."""

from collections.abc import Iterator
from typing import Any

import pytest

from cluster.settings import Settings
from scripts.lifecycle.credentials import checks
from scripts.lifecycle.findings import Finding, Health
from scripts.sandbox.process import SandboxProcess

KEY = "sandbox-of-a-test"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with SandboxProcess() as process:
        yield process


def settings(sandbox: SandboxProcess, **changes: Any) -> Settings:
    urls = sandbox.vendor_urls
    told: dict[str, Any] = {
        "openai_api_key": KEY,
        "openai_base_url": urls["openai"],
        "uplead_api_key": KEY,
        "uplead_base_url": urls["uplead"],
        "zoominfo_client_id": KEY,
        "zoominfo_client_secret": KEY,
        "zoominfo_base_url": urls["zoominfo"],
        "zoominfo_token_url": urls["zoominfo"].replace("/gtm", "/oauth2/default/v1/token"),
        "linkedin_access_token": KEY,
        "linkedin_owners": "urn:li:sponsoredAccount:512345",
        "linkedin_base_url": urls.get("linkedin", ""),
        "salesforce_domain": "acme.my",
        "salesforce_consumer_key": KEY,
        "salesforce_consumer_secret": KEY,
        "salesforce_base_url": urls["salesforce"],
    }
    return Settings(_env_file=None, **{**told, **changes})


def told(settings: Settings, sandboxed: list[str] | None = None) -> dict[str, Finding]:
    return {found.about: found for found in checks(settings, sandboxed)}


def test_good_credentials_are_told_with_what_is_left(sandbox: SandboxProcess) -> None:
    found = told(settings(sandbox))
    assert {name for name, each in found.items() if each.health is not Health.GOOD} == set()
    assert "credits left" in found["UpLead"].says
    assert "credits left" in found["ZoomInfo"].says
    assert "API calls used today" in found["Salesforce"].says
    assert "gpt-4.1-mini" in found["OpenAI"].says


@pytest.mark.parametrize(
    ("title", "changes", "names"),
    [
        ("OpenAI", {"openai_api_key": "wrong"}, "OPENAI_API_KEY"),
        ("UpLead", {"uplead_api_key": "wrong"}, "UPLEAD_API_KEY"),
        ("ZoomInfo", {"zoominfo_client_secret": "wrong"}, "ZOOMINFO_CLIENT_SECRET"),
        ("LinkedIn", {"linkedin_access_token": "wrong"}, "LINKEDIN_ACCESS_TOKEN"),
        ("LinkedIn", {"linkedin_version": "202001"}, "LINKEDIN_VERSION"),
        ("Salesforce", {"salesforce_consumer_secret": "wrong"}, "SALESFORCE_CONSUMER_SECRET"),
    ],
)
def test_what_is_wrong_is_told_by_the_name_of_the_setting(
    sandbox: SandboxProcess, title: str, changes: dict[str, str], names: str
) -> None:
    found = told(settings(sandbox, **changes))[title]
    assert found.health is Health.BAD
    assert names in found.says
    assert "docs/vendors/" in found.remedy


def test_half_of_the_credentials_is_not_enough(sandbox: SandboxProcess) -> None:
    found = told(settings(sandbox, zoominfo_client_secret=None))["ZoomInfo"]
    assert found.health is Health.BAD
    assert found.remedy == "Set ZOOMINFO_CLIENT_SECRET."


def test_a_vendor_that_is_away_is_a_warning(sandbox: SandboxProcess) -> None:
    nowhere = settings(sandbox, uplead_base_url="http://127.0.0.1:9/uplead/v2")
    assert told(nowhere)["UpLead"].health is Health.WARNING


def test_without_credentials_it_says_who_plays_the_vendor() -> None:
    plain = Settings(_env_file=None)
    assert "sandbox" in told(plain)["LinkedIn"].says
    off = told(plain, ["openai"])["LinkedIn"]
    assert off.health is Health.WARNING
    assert "LINKEDIN_ACCESS_TOKEN" in off.remedy
