"""An org as new before each test, and somebody who is logged in to it."""

from collections.abc import Callable, Generator
from typing import Any

import httpx
import pytest

from scripts.sandbox.process import SandboxProcess
from scripts.sandbox.salesforce.steer import OrgControl

BASE = "/services/data/v59.0/"
Lead = dict[str, Any]
Upsert = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def org(sandbox: SandboxProcess) -> Generator[OrgControl, None, None]:
    control = OrgControl(sandbox.url)
    control.calm()
    yield control
    control.close()


@pytest.fixture
def anyone(sandbox: SandboxProcess, org: OrgControl) -> Generator[httpx.Client, None, None]:
    """Somebody without a token, at the host of the org."""
    base = sandbox.vendor_urls["salesforce"]
    with httpx.Client(base_url=base, trust_env=False, timeout=20) as client:
        yield client


@pytest.fixture
def crm(anyone: httpx.Client) -> httpx.Client:
    """Somebody who is logged in; addresses without a slash at the front are of v59.0."""
    form = {"grant_type": "client_credentials"}
    answer = anyone.post("/services/oauth2/token", data=form, auth=("sandbox-id", "sandbox-secret"))
    assert answer.status_code == 200, answer.text
    anyone.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    anyone.base_url = anyone.base_url.join(str(anyone.base_url).rstrip("/") + BASE)
    return anyone


@pytest.fixture
def upsert(crm: httpx.Client) -> Upsert:
    def send(*leads: Lead, all_or_none: bool = False, **headers: str) -> list[dict[str, Any]]:
        body = {"allOrNone": all_or_none, "records": list(leads)}
        address = "composite/sobjects/Lead/LeadEngine_Id__c"
        answer = crm.patch(address, json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return send


def lead(number: int, **more: Any) -> Lead:
    return {
        "attributes": {"type": "Lead"},
        "LeadEngine_Id__c": f"lead-{number}",
        "LastName": f"Ito {number}",
        "Company": f"Acme {number}",
        "Email": f"ito{number}@acme{number}.example",
        **more,
    }


def codes(results: list[dict[str, Any]]) -> list[str]:
    return [result["errors"][0]["statusCode"] for result in results if not result["success"]]
