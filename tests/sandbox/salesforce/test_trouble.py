from __future__ import annotations

import time
from typing import Any

import httpx
import pytest

from scripts.sandbox.process import SandboxProcess
from scripts.sandbox.salesforce.rest import NAMES
from scripts.sandbox.salesforce.steer import OrgControl
from scripts.sandbox.salesforce.vendor import SalesforceOrg
from tests.sandbox.salesforce.conftest import lead


def armed(sandbox: SandboxProcess, mode: str, **more: Any) -> None:
    sandbox.arm(mode, vendor="salesforce", **more)


def test_every_answer_counts_the_calls(crm: httpx.Client, org: OrgControl) -> None:
    org.set(daily_calls=5000, calls_used=17)
    assert crm.get("sobjects").headers["sforce-limit-info"] == "api-usage=18/5000"
    assert crm.get("nowhere").headers["sforce-limit-info"] == "api-usage=19/5000"
    org.set(modern_limit_info=True)
    told = crm.get("limits").headers["sforce-limit-info"]
    assert told == "api-usage=19/5000; api-bursts=1/750"
    limits = crm.get("limits/").json()
    assert limits["DailyApiRequests"] == {"Max": 5000, "Remaining": 4981}
    assert {"DailyBulkApiBatches", "DailyBulkV2QueryJobs"} <= set(limits)


def test_when_the_calls_are_used_up_nothing_more_is_done(
    crm: httpx.Client, org: OrgControl
) -> None:
    org.set(daily_calls=2)
    address = "composite/sobjects/Lead/LeadEngine_Id__c"
    assert crm.get("sobjects").status_code == 200
    assert crm.patch(address, json={"records": [lead(1)]}).status_code == 200
    refused = crm.patch(address, json={"records": [lead(2)]})
    assert refused.status_code == 403
    assert refused.json() == [
        {"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}
    ]
    assert "retry-after" not in refused.headers
    assert refused.headers["sforce-limit-info"] == "api-usage=2/2"
    assert crm.get("limits").json()["DailyApiRequests"]["Remaining"] == 0
    book = org.book()
    assert (book["records"]["Lead"], book["api_calls"], book["throttled"]) == (1, 2, 1)
    org.set(calls_used=0)
    assert crm.patch(address, json={"records": [lead(2)]}).status_code == 200


@pytest.mark.parametrize(
    ("mode", "status", "code"),
    [
        ("limit_exceeded", 403, "REQUEST_LIMIT_EXCEEDED"),
        ("concurrent", 403, "REQUEST_LIMIT_EXCEEDED"),
        ("500", 500, "UNKNOWN_EXCEPTION"),
        ("503", 503, "SERVER_UNAVAILABLE"),
        ("token_expired", 401, "INVALID_SESSION_ID"),
    ],
)
def test_a_call_that_is_turned_away_did_nothing(
    crm: httpx.Client, sandbox: SandboxProcess, org: OrgControl, mode: str, status: int, code: str
) -> None:
    armed(sandbox, mode, count=1)
    answer = crm.post("sobjects/Lead", json={"LastName": "Ito", "Company": "Acme"})
    assert answer.status_code == status
    assert answer.json()[0]["errorCode"] == code
    book = org.book()
    assert book["records"]["Lead"] == 0
    assert book["log"][-1]["operation"] == "record_create"
    assert (book["log"][-1]["fault"], book["log"][-1]["status"]) == (mode, status)


def test_what_is_no_json_arrives_as_such(crm: httpx.Client, sandbox: SandboxProcess) -> None:
    armed(sandbox, "html", count=1)
    page = crm.get("sobjects")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html;charset=UTF-8")
    armed(sandbox, "wrong_shape", count=1)
    assert crm.get("sobjects").json() == {"surprise": [1, 2, 3]}
    armed(sandbox, "cut_json", count=1)
    with pytest.raises(ValueError, match="line 1"):
        crm.get("sobjects").json()


@pytest.mark.parametrize("mode", ["truncated", "disconnect", "act_then_timeout"])
def test_a_connection_may_end_early(
    crm: httpx.Client, sandbox: SandboxProcess, org: OrgControl, mode: str
) -> None:
    armed(sandbox, mode, count=1, delay=0.0)
    with pytest.raises(httpx.RemoteProtocolError):
        crm.post("sobjects/Lead", json={"LastName": "Ito", "Company": "Acme"})
    done = 0 if mode == "disconnect" else 1
    assert org.book()["records"]["Lead"] == done


@pytest.mark.parametrize("mode", ["slow", "drip"])
def test_an_answer_may_take_its_time(crm: httpx.Client, sandbox: SandboxProcess, mode: str) -> None:
    armed(sandbox, mode, count=1, delay=0.2)
    began = time.monotonic()
    assert crm.get("sobjects").status_code == 200
    assert time.monotonic() - began > 0.15


def test_the_login_is_hit_only_by_a_fault_that_names_it(
    anyone: httpx.Client, sandbox: SandboxProcess
) -> None:
    form = {"grant_type": "client_credentials", "client_id": "sandbox-i"}
    form["client_secret"] = "sandbox-s"
    armed(sandbox, "503")
    assert anyone.post("/services/oauth2/token", data=form).status_code == 200
    sandbox.clear("salesforce")
    armed(sandbox, "503", operation="token")
    assert anyone.post("/services/oauth2/token", data=form).status_code == 503
    bearer = {"Authorization": "Bearer sandbox-static"}
    assert anyone.get("/services/data/v59.0/limits", headers=bearer).status_code == 200


def test_a_latency_is_waited_for(crm: httpx.Client, org: OrgControl) -> None:
    org.set(latency=0.1)
    began = time.monotonic()
    crm.get("sobjects")
    assert time.monotonic() - began > 0.09


def test_the_book_may_be_short(crm: httpx.Client, org: OrgControl) -> None:
    crm.post("sobjects/Lead", json={"LastName": "Ito", "Company": "Acme"})
    short, whole = org.book(each=False), org.book()
    assert "log" not in short
    assert "by_external_id" not in short
    assert whole["log"][-1]["status"] == 201
    assert short["calls"] == {"token": 1, "record_create": 1}
    assert (short["requests"], short["api_calls"], short["logins"]) == (2, 1, 1)


def test_every_call_has_a_name_that_faults_may_be_confined_to() -> None:
    vendor = SalesforceOrg(1, time.time)
    assert {rule.name for rule in vendor._services._rules} <= NAMES
