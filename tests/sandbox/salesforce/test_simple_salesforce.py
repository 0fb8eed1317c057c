"""The client library itself, its addresses rewritten to the sandbox."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from requests.adapters import HTTPAdapter
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceExpiredSession,
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
    SalesforceRefusedRequest,
    SalesforceResourceNotFound,
)

from scripts.sandbox.process import SandboxProcess
from scripts.sandbox.salesforce.steer import OrgControl


class ToSandbox(HTTPAdapter):
    """Sends what is meant for https://….salesforce.com to the sandbox."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self._base = urlsplit(base)

    def send(self, request: Any, *args: Any, **kwargs: Any) -> requests.Response:
        asked = urlsplit(request.url)
        assert asked.hostname is not None
        assert asked.hostname.endswith(".salesforce.com")
        path = self._base.path + asked.path
        parts = (self._base.scheme, self._base.netloc, path, asked.query, "")
        request.url = urlunsplit(parts)
        kwargs["timeout"] = 20
        return super().send(request, *args, **kwargs)


@pytest.fixture
def session(sandbox: SandboxProcess, org: OrgControl) -> Generator[requests.Session, None, None]:
    with requests.Session() as session:
        session.trust_env = False
        session.mount("https://", ToSandbox(sandbox.vendor_urls["salesforce"]))
        yield session


@pytest.fixture
def sf(session: requests.Session) -> Salesforce:
    return Salesforce(
        consumer_key="sandbox-key",
        consumer_secret="sandbox-secret",
        domain="leadengine-sandbox.my",
        session=session,
    )


def private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form, raw = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(form, raw, serialization.NoEncryption()).decode()


@pytest.mark.parametrize(
    "how",
    [
        lambda: {"username": "u", "password": "sandbox-p", "security_token": "t"},
        lambda: {"username": "u", "password": "sandbox-p", "organizationId": "00D8d0000000001"},
        lambda: {
            "username": "u",
            "password": "sandbox-p",
            "consumer_key": "sandbox-k",
            "consumer_secret": "sandbox-s",
        },
        lambda: {"username": "u", "consumer_key": "sandbox-k", "privatekey": private_key()},
        lambda: {"session_id": "sandbox-session", "instance": "acme.my.salesforce.com"},
    ],
    ids=["token", "organization", "password", "jwt", "session"],
)
def test_every_login_of_the_library_works(
    session: requests.Session, how: Callable[[], dict[str, str]]
) -> None:
    sf = Salesforce(session=session, **how())
    assert sf.query("SELECT Id FROM Organization")["totalSize"] == 1


def test_a_wrong_secret_is_an_error_of_the_library(session: requests.Session) -> None:
    with pytest.raises(SalesforceAuthenticationFailed, match="invalid client credentials"):
        Salesforce(
            consumer_key="sandbox-key", consumer_secret="x", domain="acme.my", session=session
        )
    with pytest.raises(SalesforceAuthenticationFailed, match="INVALID_LOGIN"):
        Salesforce(username="u", password="x", security_token="t", session=session)
    with pytest.raises(SalesforceAuthenticationFailed):
        Salesforce(
            username="u",
            password="sandbox-p",
            security_token="t",
            version="65.0",
            session=session,
        )


def test_records_live_as_the_library_expects(sf: Salesforce) -> None:
    lead: Any = sf.Lead
    made = lead.create({"LastName": "Ito", "Company": "Acme"})
    assert made["success"] is True
    assert lead.get(made["id"])["Name"] == "Ito"
    assert lead.update(made["id"], {"Title": "CEO"}) == 204
    assert lead.upsert("LeadEngine_Id__c/a%20b", {"LastName": "R", "Company": "C"}) == 201
    assert lead.upsert("LeadEngine_Id__c/a%20b", {"Title": "CTO"}) == 200
    assert lead.delete(made["id"]) == 204
    with pytest.raises(SalesforceResourceNotFound):
        lead.get_by_custom_id("LeadEngine_Id__c", "a b")
    assert lead.describe()["name"] == "Lead"
    assert lead.metadata()["objectDescribe"]["keyPrefix"] == "00Q"
    assert len(sf.describe()["sobjects"]) >= 4
    assert sf.limits()["DailyApiRequests"]["Max"] == 100_000
    assert sf.api_usage["api-usage"].total == 100_000
    assert sf.api_usage["api-usage"].used > 0


def test_errors_are_those_of_the_library(sf: Salesforce, org: OrgControl) -> None:
    lead: Any = sf.Lead
    with pytest.raises(SalesforceMalformedRequest) as refused:
        lead.create({"LastName": "Ito"})
    assert refused.value.content[0]["errorCode"] == "REQUIRED_FIELD_MISSING"
    for name in ("A", "B"):
        lead.create({"LastName": name, "Company": "C", "Legacy_Id__c": "1"})
    with pytest.raises(SalesforceMoreThanOneRecord):
        lead.get_by_custom_id("Legacy_Id__c", "1")
    org.set(daily_calls=0)
    with pytest.raises(SalesforceRefusedRequest) as refused:
        sf.query("SELECT Id FROM Lead")
    assert refused.value.content[0]["errorCode"] == "REQUEST_LIMIT_EXCEEDED"


def test_an_expired_session_is_renewed_by_the_library(
    sf: Salesforce, sandbox: SandboxProcess
) -> None:
    sandbox.arm("token_expired", vendor="salesforce")
    assert sf.query("SELECT Id FROM Lead")["totalSize"] == 0
    sandbox.arm("token_invalid", vendor="salesforce")
    with pytest.raises((SalesforceExpiredSession, RecursionError)):
        sf.query("SELECT Id FROM Lead")


def test_a_long_query_is_read_to_its_end(sf: Salesforce, org: OrgControl) -> None:
    org.set(page=100)
    rows = [
        {"attributes": {"type": "Lead"}, "LastName": f"L{n}", "Company": "C"} for n in range(200)
    ]
    sf.restful("composite/sobjects", method="POST", json={"records": rows})
    sf.restful("composite/sobjects", method="POST", json={"records": rows[:50]})
    found = sf.query_all("SELECT Id, LastName FROM Lead ORDER BY LastName")
    assert (found["totalSize"], len(found["records"]), found["done"]) == (250, 250, True)
    deleted = found["records"][0]["Id"]
    sf.restful("composite/sobjects", {"ids": deleted}, method="DELETE")
    everything = sf.query_all("SELECT Id FROM Lead WHERE IsDeleted = true", include_deleted=True)
    assert [row["Id"] for row in everything["records"]] == [deleted]


def test_bulk_of_the_library_runs_from_end_to_end(sf: Salesforce, org: OrgControl) -> None:
    records = [
        {"LeadEngine_Id__c": f"lead-{n}", "LastName": f"L {n}", "Company": "Acme, Ltd"}
        for n in range(500)
    ]
    records.append({"LeadEngine_Id__c": "bad", "LastName": "x", "Company": "Poison"})
    bulk: Any = sf.bulk2.Lead
    (told,) = bulk.upsert(records=records, external_id_field="LeadEngine_Id__c", wait=0.01)
    assert (told["numberRecordsProcessed"], told["numberRecordsFailed"]) == (501, 1)
    results = bulk.get_all_ingest_records(told["job_id"])
    assert len(results["successfulRecords"]) == 500
    assert [row["LeadEngine_Id__c"] for row in results["failedRecords"]] == ["bad"]
    assert results["unprocessedRecords"] == []
    assert set(org.book()["by_external_id"].values()) == {1}
    began = time.monotonic()
    pages = list(bulk.query("SELECT Id FROM Lead", max_records=300, wait=0.01))
    assert [page.count("\n") - 1 for page in pages] == [300, 200]
    assert time.monotonic() - began < 2
