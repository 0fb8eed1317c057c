"""Every setting of the engine, read once here and handed on as arguments."""

from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).parents[1]
SANDBOX_KEY = "sandbox-operator"


class Settings(BaseSettings):
    """The settings, from the environment or ``.env``; prefix ``LEADENGINE_``.

    Vendors keep their usual names (``OPENAI_API_KEY``), as do ``DATABASE_URL`` and
    ``DATABASE_REPLICA_URL``. Amounts of money are US dollars, rates are per minute.
    """

    model_config = SettingsConfigDict(
        env_prefix="LEADENGINE_", env_file=ROOT / ".env", extra="ignore", populate_by_name=True
    )

    data_dir: Path = Field(
        default=ROOT / ".leadengine", description="where everything local is kept"
    )
    host: str = Field(default="127.0.0.1", description="address the API listens on")
    port: int = Field(default=8000, ge=1, le=65535, description="port the API listens on")
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "console"] = "json"
    log_dir: Path | None = Field(
        default=None, description="write logs into files here; without it they go to standard error"
    )

    database_url: str | None = Field(
        default=None,
        validation_alias=AliasChoices("database_url", "DATABASE_URL"),
        description="PostgreSQL to use; without it one is started in the data directory",
    )
    database_replica_url: str | None = Field(
        default=None,
        validation_alias=AliasChoices("database_replica_url", "DATABASE_REPLICA_URL"),
        description="a replica for reads that decide nothing",
    )
    pgbouncer: bool = Field(
        default=False, description="a PgBouncer in transaction mode stands between"
    )
    keyring: SecretStr | None = Field(
        default=None,
        description="the key ring as JSON; without it one is kept in the data directory",
    )

    openai_api_key: SecretStr | None = Field(
        default=None, validation_alias=AliasChoices("openai_api_key", "OPENAI_API_KEY")
    )
    openai_base_url: str | None = Field(
        default=None, validation_alias=AliasChoices("openai_base_url", "OPENAI_BASE_URL")
    )
    openai_model: str = Field(default="gpt-4.1-mini", description="the model that judges leads")
    openai_store: bool = Field(
        default=True, description="let the vendor keep answers, so that interrupted calls are found"
    )
    openai_timeout_seconds: float = Field(
        default=60.0, gt=0, description="how long GPT-4 may take to answer"
    )
    openai_requests_per_minute: int = Field(default=10_000, ge=1)
    openai_tokens_per_minute: int = Field(default=30_000_000, ge=1)
    llm_usd_per_day: float = Field(default=25.0, ge=0, description="what GPT-4 may cost a day")
    llm_tokens_per_day: int = Field(
        default=50_000_000, ge=0, description="what GPT-4 may read and write"
    )

    uplead_api_key: SecretStr | None = Field(
        default=None, validation_alias=AliasChoices("uplead_api_key", "UPLEAD_API_KEY")
    )
    uplead_base_url: str = Field(
        default="https://api.uplead.com/v2",
        validation_alias=AliasChoices("uplead_base_url", "UPLEAD_BASE_URL"),
    )
    uplead_usd_per_credit: float = Field(
        default=0.58, ge=0, description="what a credit of UpLead costs"
    )
    uplead_credits_per_month: int | None = Field(
        default=None, ge=0, description="of UpLead, at most; none is no limit but its own"
    )
    uplead_requests_per_minute: int = Field(default=500, ge=1)

    zoominfo_client_id: str | None = Field(
        default=None, validation_alias=AliasChoices("zoominfo_client_id", "ZOOMINFO_CLIENT_ID")
    )
    zoominfo_client_secret: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("zoominfo_client_secret", "ZOOMINFO_CLIENT_SECRET"),
    )
    zoominfo_base_url: str = Field(
        default="https://api.zoominfo.com/gtm",
        validation_alias=AliasChoices("zoominfo_base_url", "ZOOMINFO_BASE_URL"),
    )
    zoominfo_token_url: str = Field(
        default="https://okta-login.zoominfo.com/oauth2/default/v1/token",
        validation_alias=AliasChoices("zoominfo_token_url", "ZOOMINFO_TOKEN_URL"),
    )
    zoominfo_usd_per_credit: float = Field(
        default=0.80, ge=0, description="what a credit of ZoomInfo costs"
    )
    zoominfo_credits_per_month: int | None = Field(
        default=None, ge=0, description="of ZoomInfo, at most; none is no limit but its own"
    )
    zoominfo_requests_per_minute: int = Field(default=300, ge=1)

    linkedin_access_token: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("linkedin_access_token", "LINKEDIN_ACCESS_TOKEN"),
    )
    linkedin_client_secret: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("linkedin_client_secret", "LINKEDIN_CLIENT_SECRET"),
        description="of the app: signs its webhooks",
    )
    linkedin_owners: str = Field(
        default="",
        validation_alias=AliasChoices("linkedin_owners", "LINKEDIN_OWNERS"),
        description="whose forms are read: URNs of ad accounts or organisations, by commas",
    )
    linkedin_version: str = Field(
        default="202610", validation_alias=AliasChoices("linkedin_version", "LINKEDIN_VERSION")
    )
    linkedin_base_url: str = Field(
        default="https://api.linkedin.com/rest",
        validation_alias=AliasChoices("linkedin_base_url", "LINKEDIN_BASE_URL"),
    )
    linkedin_requests_per_minute: int = Field(default=60, ge=1)

    salesforce_domain: str | None = Field(
        default=None,
        validation_alias=AliasChoices("salesforce_domain", "SALESFORCE_DOMAIN"),
        description="My Domain, such as acme.my (for acme.my.salesforce.com), or login, or test",
    )
    salesforce_consumer_key: str | None = Field(
        default=None,
        validation_alias=AliasChoices("salesforce_consumer_key", "SALESFORCE_CONSUMER_KEY"),
    )
    salesforce_consumer_secret: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("salesforce_consumer_secret", "SALESFORCE_CONSUMER_SECRET"),
    )
    salesforce_username: str | None = Field(
        default=None, validation_alias=AliasChoices("salesforce_username", "SALESFORCE_USERNAME")
    )
    salesforce_password: SecretStr | None = Field(
        default=None, validation_alias=AliasChoices("salesforce_password", "SALESFORCE_PASSWORD")
    )
    salesforce_security_token: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("salesforce_security_token", "SALESFORCE_SECURITY_TOKEN"),
    )
    salesforce_private_key_file: Path | None = Field(
        default=None,
        validation_alias=AliasChoices("salesforce_private_key_file", "SALESFORCE_PRIVATE_KEY_FILE"),
        description="PEM of the certificate's key, for the JWT bearer flow",
    )
    salesforce_api_version: str = Field(
        default="62.0",
        validation_alias=AliasChoices("salesforce_api_version", "SALESFORCE_API_VERSION"),
    )
    salesforce_base_url: str | None = Field(
        default=None,
        validation_alias=AliasChoices("salesforce_base_url", "SALESFORCE_BASE_URL"),
        description="of a server that plays Salesforce; none is Salesforce itself",
    )
    salesforce_webhook_secret: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("salesforce_webhook_secret", "SALESFORCE_WEBHOOK_SECRET"),
        description="part of the address that outbound messages are sent to",
    )
    salesforce_requests_per_minute: int = Field(default=600, ge=1)

    vendor_usd_per_day: float = Field(
        default=20.0, ge=0, description="what all lead vendors together may cost a day"
    )

    scorer_calls: int = Field(
        default=32, ge=1, le=1024, description="calls to GPT-4 under way in one scorer actor"
    )
    scorers: int = Field(default=2, ge=1, le=64, description="scorer actors, at most")
    enrichers: int = Field(default=1, ge=1, le=64, description="enricher actors, at most")
    api_replicas: int = Field(
        default=1, ge=1, le=64, description="processes that answer HTTP requests"
    )
    haproxy: bool = Field(
        default=True, description="let HAProxy take the requests where its binary is installed"
    )
    lease_seconds: float = Field(default=60.0, gt=0, description="how long a turn may take")
    failpoint: str = Field(default="", description="for tests only, such as commit.before:kill:3")

    @cached_property
    def directory(self) -> Path:
        """The data directory, absolute."""
        return self.data_dir.expanduser().absolute()

    @property
    def lease(self) -> timedelta:
        """How long a delivery may take before it is due again."""
        return timedelta(seconds=self.lease_seconds)

    @property
    def url(self) -> str:
        """Where the API answers, as seen from this machine."""
        host = "127.0.0.1" if self.host in {"0.0.0.0", "::", ""} else self.host  # noqa: S104
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    def environment(self) -> dict[str, str]:
        """The environment in which another process reads these same settings: holds secrets."""
        values: dict[str, object] = {"data_dir": self.directory}
        values |= {
            name: getattr(self, name) for name in type(self).model_fields if name not in values
        }
        return {
            variable(name): _plain(value) for name, value in values.items() if value is not None
        }


def variable(name: str) -> str:
    """What the environment calls a setting."""
    alias = Settings.model_fields[name].validation_alias
    if isinstance(alias, AliasChoices):
        return str(alias.choices[-1])
    return f"LEADENGINE_{name.upper()}"


def _plain(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


def asyncpg_url(url: str) -> str:
    """Return a PostgreSQL address with the driver that the engine uses.

    Raises:
        ValueError: if it is no PostgreSQL address.
    """
    scheme, separator, rest = url.partition("://")
    if not separator or scheme.split("+")[0] not in {"postgres", "postgresql"}:
        raise ValueError("DATABASE_URL must begin with postgresql://")
    return f"postgresql+asyncpg://{rest}"
