from __future__ import annotations

import httpx
import pytest
from defusedxml.ElementTree import fromstring

from scripts.sandbox.process import SandboxProcess
from scripts.sandbox.salesforce.steer import OrgControl
from tests.sandbox.salesforce.conftest import Upsert, lead

HEADERS = {"Content-Type": "text/xml", "SOAPAction": '""'}
ENVELOPE = """<?xml version="1.0" encoding="utf-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/">
<soapenv:Header>
<SessionHeader xmlns="urn:partner.soap.sforce.com"><sessionId>{session}</sessionId></SessionHeader>
</soapenv:Header><soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>"""
LOGIN = """<env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/"><env:Body>
<n1:login xmlns:n1="urn:partner.soap.sforce.com"><n1:username>u@acme.example</n1:username>
<n1:password>{password}</n1:password></n1:login></env:Body></env:Envelope>"""


def values(answer: httpx.Response) -> dict[str, str | None]:
    return {each.tag.rpartition("}")[2]: each.text for each in fromstring(answer.content).iter()}


def conversion(*leads: str, status: str = "Closed - Converted", more: str = "") -> str:
    inside = "".join(
        f"<leadConverts><leadId>{one}</leadId><convertedStatus>{status}</convertedStatus>"
        f"{more}</leadConverts>"
        for one in leads
    )
    return f'<convertLead xmlns="urn:partner.soap.sforce.com">{inside}</convertLead>'


def converted(
    crm: httpx.Client, *leads: str, session: str = "sandbox-session", **more: str
) -> httpx.Response:
    body = ENVELOPE.format(session=session, body=conversion(*leads, **more))
    host = str(crm.base_url).partition("/services")[0]
    return crm.post(f"{host}/services/Soap/u/59.0", content=body, headers=HEADERS)


def logged_in(anyone: httpx.Client, version: str, password: str) -> httpx.Response:
    body = LOGIN.format(password=password)
    headers = {"content-type": "text/xml", "charset": "UTF-8", "SOAPAction": "login"}
    return anyone.post(f"/services/Soap/u/{version}", content=body, headers=headers)


def test_a_password_logs_in_up_to_version_64(anyone: httpx.Client) -> None:
    told = values(logged_in(anyone, "64.0", "sandbox-passwordsandbox-token"))
    assert told["serverUrl"].startswith("https://")
    bearer = {"Authorization": f"Bearer {told['sessionId']}"}
    assert anyone.get("/services/data/v59.0/limits", headers=bearer).status_code == 200
    gone = logged_in(anyone, "65.0", "sandbox-password")
    assert gone.status_code == 500
    assert "No operation available for request" in values(gone)["faultstring"]


def test_a_wrong_password_is_a_fault(anyone: httpx.Client) -> None:
    refused = logged_in(anyone, "59.0", "secret")
    told = values(refused)
    assert refused.status_code == 500
    assert told["faultcode"] == "sf:INVALID_LOGIN"
    assert told["exceptionCode"] == "INVALID_LOGIN"


def test_a_converted_lead_is_three_other_records_and_read_only(
    crm: httpx.Client, upsert: Upsert, org: OrgControl
) -> None:
    (row,) = upsert(lead(1, LeadEngine_Score__c=80, City="Kyoto"))
    answer = converted(crm, row["id"], more="<opportunityName>Big one</opportunityName>")
    assert answer.status_code == 200
    told = values(answer)
    assert told["success"] == "true"
    one = crm.get(f"sobjects/Lead/{row['id']}").json()
    assert (one["IsConverted"], one["Status"]) == (True, "Closed - Converted")
    assert one["ConvertedOpportunityId"] == told["opportunityId"]
    deal = crm.get(f"sobjects/Opportunity/{told['opportunityId']}").json()
    assert (deal["Name"], deal["LeadEngine_Id__c"]) == ("Big one", "lead-1")
    assert deal["AccountId"] == told["accountId"]
    assert crm.get(f"sobjects/Account/{told['accountId']}").json()["BillingCity"] == "Kyoto"
    contact = crm.get(f"sobjects/Contact/{told['contactId']}").json()
    assert contact["Email"] == "ito1@acme1.example"
    (again,) = upsert(lead(1, Title="CEO"))
    assert again["errors"] == [
        {
            "statusCode": "CANNOT_UPDATE_CONVERTED_LEAD",
            "message": "cannot reference converted lead",
            "fields": [],
        }
    ]
    assert values(converted(crm, row["id"]))["statusCode"] == "CANNOT_UPDATE_CONVERTED_LEAD"
    assert org.book()["converted"] == 1


def test_a_conversion_that_fails_leaves_nothing_behind(
    crm: httpx.Client, upsert: Upsert, org: OrgControl
) -> None:
    (row,) = upsert(lead(1))
    told = values(converted(crm, row["id"], status="Open - Not Contacted"))
    assert (told["success"], told["statusCode"]) == ("false", "INVALID_STATUS")
    told = values(converted(crm, row["id"], more="<accountId>0018d0000000001AAA</accountId>"))
    assert told["statusCode"] == "INVALID_CROSS_REFERENCE_KEY"
    assert org.book()["records"] == {"Lead": 1, "Contact": 0, "Account": 0, "Opportunity": 0}


def test_a_conversion_need_not_make_an_opportunity(crm: httpx.Client, upsert: Upsert) -> None:
    (row,) = upsert(lead(1))
    flag = "<doNotCreateOpportunity>true</doNotCreateOpportunity>"
    answer = converted(crm, row["id"], more=flag)
    assert '<opportunityId xsi:nil="true"/>' in answer.text


def test_a_lost_session_is_a_fault_and_so_is_the_limit(
    crm: httpx.Client, upsert: Upsert, org: OrgControl, sandbox: SandboxProcess
) -> None:
    (row,) = upsert(lead(1))
    refused = converted(crm, row["id"], session="real")
    assert refused.status_code == 500
    assert values(refused)["faultcode"] == "sf:INVALID_SESSION_ID"
    assert "soapenv:Fault" in refused.text
    org.set(daily_calls=0)
    assert values(converted(crm, row["id"]))["faultcode"] == "sf:REQUEST_LIMIT_EXCEEDED"
    org.set(daily_calls=100)
    sandbox.arm("503", count=1, vendor="salesforce")
    assert converted(crm, row["id"]).status_code == 503


@pytest.mark.parametrize("body", ["", "<a/>", "no xml", '<!DOCTYPE x [<!ENTITY y "z">]><x>&y;</x>'])
def test_what_is_no_soap_is_a_fault(anyone: httpx.Client, body: str) -> None:
    answer = anyone.post("/services/Soap/u/59.0", content=body, headers=HEADERS)
    assert answer.status_code == 500
    assert values(answer)["faultcode"] == "soapenv:Client"
