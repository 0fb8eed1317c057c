"""How the org behaves when nothing is wrong; may be changed while it runs."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

INSTANCE = "leadengine-sandbox.my.salesforce.com"
"""The My Domain host that the org calls its own."""


class OrgConditions(BaseModel):
    """How the org behaves.

    Attributes:
        latency: seconds that an answer takes.
        jitter: share of the latency, 0 to 1, by which it varies up and down.
        daily_calls: API calls in 24 hours, after which it says REQUEST_LIMIT_EXCEEDED.
        calls_used: calls counted so far; set it to bring the end nearer or to begin anew.
        modern_limit_info: the longer form of ``Sforce-Limit-Info``.
        session_seconds: how long a token lives.
        jwt_public_key: PEM that JWT assertions must be signed for; "" checks no signature.
        bulk_queued: seconds that a closed job waits as ``UploadComplete``.
        bulk_seconds: seconds that it then is ``InProgress`` at least.
        bulk_fails: share of jobs, 0 to 1, that end as ``Failed`` with half of their rows done.
        bulk_largest: bytes of one upload.
        lock_share: share of row writes, 0 to 1, that meet UNABLE_TO_LOCK_ROW.
        duplicate_rule: what happens to a second Lead or Contact with the same e-mail address:
            nothing, an alert that ``allowSave`` overcomes, or a block.
        convert_engine_id: an Opportunity made by conversion keeps ``LeadEngine_Id__c``.
        page: records in one page of a query, unless the call says otherwise.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    latency: float = Field(default=0.0, ge=0, le=600)
    jitter: float = Field(default=0.0, ge=0, le=1)
    daily_calls: int = Field(default=100_000, ge=0)
    calls_used: int = Field(default=0, ge=0)
    modern_limit_info: bool = False
    session_seconds: float = Field(default=7200.0, gt=0)
    jwt_public_key: str = ""
    bulk_queued: float = Field(default=0.0, ge=0)
    bulk_seconds: float = Field(default=0.0, ge=0)
    bulk_fails: float = Field(default=0.0, ge=0, le=1)
    bulk_largest: int = Field(default=100 * 1024 * 1024, gt=0)
    lock_share: float = Field(default=0.0, ge=0, le=1)
    duplicate_rule: Literal["off", "alert", "block"] = "off"
    convert_engine_id: bool = True
    page: int = Field(default=2000, ge=1, le=2000)
