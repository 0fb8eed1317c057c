"""The adapters of the outside systems, built from the settings.

They are imported when they are built: a worker loads what it needs and no more.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, TypeAlias

from cluster.settings import Settings
from cluster.vendors import VENDORS
from policies.pacing import Allowance

if TYPE_CHECKING:
    from agents.vendors.linkedin import LinkedIn
    from agents.vendors.openai import OpenAI
    from agents.vendors.salesforce import Salesforce
    from agents.vendors.uplead import UpLead
    from agents.vendors.zoominfo import ZoomInfo

Heard: TypeAlias = Callable[[Allowance], None]
"""Told of the limits that a vendor announces (`Governor.heard`)."""


def openai(settings: Settings) -> "OpenAI | None":
    """GPT-4; None where no key is set."""
    from agents.vendors.openai import OpenAI

    if settings.openai_api_key is None:
        return None
    return OpenAI(
        settings.openai_api_key.get_secret_value(),
        settings.openai_model,
        base_url=settings.openai_base_url,
        timeout=timedelta(seconds=settings.openai_timeout_seconds),
        store=settings.openai_store,
    )


def uplead(settings: Settings, heard: Heard | None = None) -> "UpLead | None":
    """UpLead; None where no key is set."""
    from agents.vendors.uplead import UpLead

    if settings.uplead_api_key is None:
        return None
    return UpLead(
        settings.uplead_api_key.get_secret_value(),
        base_url=settings.uplead_base_url,
        heard=heard,
    )


def zoominfo(settings: Settings, heard: Heard | None = None) -> "ZoomInfo | None":
    """ZoomInfo; None where its id or secret is not set."""
    from agents.vendors.zoominfo import ZoomInfo

    secret = settings.zoominfo_client_secret
    if settings.zoominfo_client_id is None or secret is None:
        return None
    return ZoomInfo(
        settings.zoominfo_client_id,
        secret.get_secret_value(),
        base_url=settings.zoominfo_base_url,
        token_url=settings.zoominfo_token_url,
        heard=heard,
    )


def linkedin(settings: Settings, heard: Heard | None = None) -> "LinkedIn | None":
    """LinkedIn; None where its token or the owners of the forms are not set."""
    from agents.vendors.linkedin import LinkedIn

    owners = [owner for each in settings.linkedin_owners.split(",") if (owner := each.strip())]
    if settings.linkedin_access_token is None or not owners:
        return None
    return LinkedIn(
        settings.linkedin_access_token.get_secret_value(),
        owners,
        settings.linkedin_version,
        base_url=settings.linkedin_base_url,
        heard=heard,
    )


def salesforce(settings: Settings) -> "Salesforce | None":
    """Salesforce; None where its settings are not all there.

    Raises:
        CredentialsError: if they do not make up a way to log in.
    """
    from agents.vendors.salesforce import Salesforce
    from agents.vendors.salesforce.credentials import credentials

    if not VENDORS["salesforce"].is_ready(settings):
        return None
    secret, password = settings.salesforce_consumer_secret, settings.salesforce_password
    token = settings.salesforce_security_token
    who = credentials(
        domain=settings.salesforce_domain,
        consumer_key=settings.salesforce_consumer_key,
        consumer_secret=secret.get_secret_value() if secret else None,
        username=settings.salesforce_username,
        password=password.get_secret_value() if password else None,
        security_token=token.get_secret_value() if token else None,
        private_key_file=settings.salesforce_private_key_file,
        version=settings.salesforce_api_version,
    )
    return Salesforce(who, base_url=settings.salesforce_base_url)
