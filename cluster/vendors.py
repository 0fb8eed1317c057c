"""Which outside systems the settings name, and which of them the sandbox plays.

A vendor with credentials is used for real. One without any is played by the sandbox, or not used
at all. What is real never goes to a sandbox, and the other way round: the sandbox takes only keys
that begin with ``sandbox-``, which no vendor gives out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from cluster.settings import SANDBOX_KEY, Settings, variable

SANDBOX_OWNERS = "urn:li:sponsoredAccount:512345,urn:li:organization:2414183"
PLAY_MONEY = 10_000.0
"""US dollars a day where every lead vendor is played, so that no search waits for tomorrow."""
SANDBOX_SECRET = SecretStr("sandbox-linkedin-secret")
"""With which the sandbox's LinkedIn signs what it tells us."""


@dataclass(frozen=True, slots=True)
class Vendor:
    """One outside system.

    Attributes:
        title: as people call it.
        needs: the settings without which it cannot be used; of a tuple one is enough.
        secret: the setting by which the sandbox's own credentials are known.
    """

    name: str
    title: str
    needs: tuple[str | tuple[str, ...], ...]
    secret: str

    def given(self, settings: Settings) -> list[str]:
        """The names of those that are set."""
        return [name for need in self.needs for name in _names(need) if getattr(settings, name)]

    def missing(self, settings: Settings) -> list[str]:
        """What has to be set yet, as the environment calls it."""
        lacking = [n for n in self.needs if not any(getattr(settings, name) for name in _names(n))]
        return [" or ".join(variable(name) for name in _names(need)) for need in lacking]

    def is_ready(self, settings: Settings) -> bool:
        """Whether it can be used."""
        return not self.missing(settings)

    def is_sandbox(self, settings: Settings) -> bool:
        """Whether the sandbox plays it."""
        secret = getattr(settings, self.secret)
        told = secret.get_secret_value() if isinstance(secret, SecretStr) else secret
        return told == SANDBOX_KEY


VENDORS: Mapping[str, Vendor] = {
    vendor.name: vendor
    for vendor in (
        Vendor("openai", "OpenAI", ("openai_api_key",), "openai_api_key"),
        Vendor("uplead", "UpLead", ("uplead_api_key",), "uplead_api_key"),
        Vendor(
            "zoominfo",
            "ZoomInfo",
            ("zoominfo_client_id", "zoominfo_client_secret"),
            "zoominfo_client_secret",
        ),
        Vendor(
            "linkedin",
            "LinkedIn",
            ("linkedin_access_token", "linkedin_owners"),
            "linkedin_access_token",
        ),
        Vendor(
            "salesforce",
            "Salesforce",
            (
                "salesforce_domain",
                ("salesforce_consumer_key", "salesforce_security_token"),
                (
                    "salesforce_consumer_secret",
                    "salesforce_private_key_file",
                    "salesforce_password",
                ),
            ),
            "salesforce_consumer_secret",
        ),
    )
}


def unset(settings: Settings) -> list[str]:
    """The vendors without any credentials: the sandbox may play them."""
    return [name for name, vendor in VENDORS.items() if not vendor.given(settings)]


def ready(settings: Settings) -> list[str]:
    """The vendors that can be used, real or not."""
    return [name for name, vendor in VENDORS.items() if vendor.is_ready(settings)]


def sandboxed(settings: Settings) -> list[str]:
    """The vendors that the sandbox plays."""
    return [name for name, vendor in VENDORS.items() if vendor.is_sandbox(settings)]


def webhook_secrets(settings: Settings) -> dict[str, str]:
    """By what we know the vendors when they tell us something, by source."""
    secrets = {
        "linkedin": settings.linkedin_client_secret,
        "salesforce": settings.salesforce_webhook_secret,
    }
    return {name: secret.get_secret_value() for name, secret in secrets.items() if secret}


def with_sandbox(settings: Settings, urls: Mapping[str, str], names: Sequence[str]) -> Settings:
    """The settings under which the sandbox plays the vendors ``names``, at its addresses."""
    key = SecretStr(SANDBOX_KEY)
    given: dict[str, dict[str, Any]] = {
        "openai": {"openai_api_key": key, "openai_base_url": urls.get("openai")},
        "uplead": {"uplead_api_key": key, "uplead_base_url": urls.get("uplead")},
        "zoominfo": {
            "zoominfo_client_id": SANDBOX_KEY,
            "zoominfo_client_secret": key,
            "zoominfo_base_url": urls.get("zoominfo"),
            "zoominfo_token_url": f"{_root(urls.get('zoominfo'))}/oauth2/default/v1/token",
        },
        "linkedin": {
            "linkedin_access_token": key,
            "linkedin_client_secret": SANDBOX_SECRET,
            "linkedin_owners": SANDBOX_OWNERS,
            "linkedin_base_url": urls.get("linkedin"),
        },
        "salesforce": {
            "salesforce_domain": "sandbox.my",
            "salesforce_consumer_key": SANDBOX_KEY,
            "salesforce_consumer_secret": key,
            "salesforce_base_url": urls.get("salesforce"),
        },
    }
    played = [name for name in names if name in urls]
    changes = {name: value for v in played for name, value in given[v].items()}
    if {"uplead", "zoominfo"} <= {
        *played
    } and "vendor_usd_per_day" not in settings.model_fields_set:
        changes["vendor_usd_per_day"] = PLAY_MONEY
    return settings.model_copy(update=changes)


def _names(need: str | tuple[str, ...]) -> tuple[str, ...]:
    return (need,) if isinstance(need, str) else need


def _root(url: str | None) -> str:
    """The address without its last part, which is where the vendor's API stands."""
    return (url or "").rpartition("/")[0]
