"""The raw exchanges that the wire reference writes down, byte by byte where that matters."""

from __future__ import annotations

import socket
from collections.abc import Callable
from urllib.parse import urlsplit

import orjson
import pytest

from scripts.sandbox.process import SandboxProcess
from scripts.sandbox.salesforce.steer import OrgControl

Raw = Callable[[str], tuple[int, dict[str, str], bytes]]


@pytest.fixture
def raw(sandbox: SandboxProcess, org: OrgControl) -> Raw:
    """Sends a request as written, ``{session}`` and all, and returns what came back."""
    address = urlsplit(sandbox.url)
    assert address.hostname is not None
    assert address.port is not None
    place = (address.hostname, address.port)

    def send(text: str) -> tuple[int, dict[str, str], bytes]:
        head, _, body = text.strip("\n").replace("{session}", "sandbox-session").partition("\n\n")
        method, path, *rest = head.split("\n")[0].split(" ")
        lines = [f"{method} /salesforce{path} {' '.join(rest)}", *head.split("\n")[1:]]
        content = body
        if "chunked" in head:
            half = len(body) // 2
            pieces = (body[:half], body[half:], "")
            content = "".join(f"{len(each.encode()):x}\r\n{each}\r\n" for each in pieces)
        elif body:
            lines.append(f"Content-Length: {len(body.encode())}")
        lines.append("Connection: close")
        with socket.create_connection(place, timeout=5) as connection:
            connection.sendall(("\r\n".join(lines) + "\r\n\r\n" + content).encode())
            came = b""
            while piece := connection.recv(65536):
                came += piece
        top, _, answer = came.partition(b"\r\n\r\n")
        status, *headers = top.decode().split("\r\n")
        named = dict(line.split(": ", 1) for line in headers)
        return int(status.split(" ")[1]), {k.lower(): v for k, v in named.items()}, answer

    return send


def test_jsforce_creates_with_chunks_and_without_a_slash(raw: Raw) -> None:
    status, headers, body = raw(
        """
POST /services/data/v59.0/sobjects/Lead HTTP/1.1
Host: acme.my.salesforce.com
Authorization: Bearer {session}
Content-Type: application/json
Transfer-Encoding: chunked

{"LastName":"Ito","Company":"A"}
"""
    )
    assert status == 201
    assert orjson.loads(body)["success"] is True
    assert headers["sforce-limit-info"].startswith("api-usage=")
    assert headers["content-type"].startswith("application/json")


@pytest.mark.parametrize(
    "address",
    [
        "query/?q=SELECT+Id%2C+Name+FROM+Lead",
        "query?q=SELECT%20Id%2C%20Name%20FROM%20Lead",
        "queryAll/?q=SELECT+Id%2C+Name+FROM+Lead",
        "QUERY?q=SELECT%20Id,%20Name%20FROM%20Lead",
    ],
)
def test_a_query_is_written_in_several_ways(raw: Raw, address: str) -> None:
    status, _, body = raw(f"""
GET /services/data/v59.0/{address} HTTP/1.1
Host: acme.my.salesforce.com
Authorization: Bearer {{session}}
X-PrettyPrint: 1
""")
    assert status == 200
    assert orjson.loads(body) == {"totalSize": 0, "done": True, "records": []}


def test_a_login_of_the_reference(raw: Raw) -> None:
    status, _, body = raw("""
POST /services/oauth2/token HTTP/1.1
Host: acme.my.salesforce.com
Authorization: Basic c2FuZGJveC1pZDpzYW5kYm94LXNlY3JldA==
Content-Type: application/x-www-form-urlencoded

grant_type=client_credentials""")
    assert status == 200
    told = orjson.loads(body)
    names = {"access_token", "instance_url", "id", "token_type", "issued_at", "signature", "scope"}
    assert set(told) == names


def test_an_upsert_of_the_reference_and_its_error(raw: Raw) -> None:
    request = """
PATCH /services/data/v59.0/composite/sobjects/Lead/LeadEngine_Id__c HTTP/1.1
Host: acme.my.salesforce.com
Authorization: Bearer {session}
Content-Type: application/json

{"allOrNone":false,"records":[{"attributes":{"type":"Lead"},"LeadEngine_Id__c":"1","LastName":"Ito",
"Company":"Acme"},{"attributes":{"type":"Lead"},"LeadEngine_Id__c":"2","LastName":"Ito"}]}"""
    status, _, body = raw(request)
    assert status == 200
    good, bad = orjson.loads(body)
    assert (good["success"], good["errors"], good["created"]) == (True, [], True)
    assert bad == {
        "success": False,
        "errors": [
            {
                "statusCode": "REQUIRED_FIELD_MISSING",
                "message": "Required fields are missing: [Company]",
                "fields": ["Company"],
            }
        ],
    }


def test_an_expired_session_of_the_reference(raw: Raw) -> None:
    status, _, body = raw("""
GET /services/data/v59.0/limits/ HTTP/1.1
Host: acme.my.salesforce.com
Authorization: Bearer 00D8d000000aaaaEAA!AQexpired
""")
    assert status == 401
    (error,) = orjson.loads(body)
    assert error == {"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}


def test_bulk_of_the_reference_in_the_words_of_two_clients(raw: Raw) -> None:
    _, _, body = raw("""
POST /services/data/v59.0/jobs/ingest HTTP/1.1
Host: acme.my.salesforce.com
Authorization: Bearer {session}
Content-Type: application/json
ACCEPT: application/json

{"operation":"insert","columnDelimiter":"COMMA","lineEnding":"LF","object":"Lead","contentType":"CSV"}""")
    job = orjson.loads(body)["id"]
    head = "Host: acme.my.salesforce.com\nAuthorization: Bearer {session}"
    base = f"/services/data/v59.0/jobs/ingest/{job}"
    status, _, body = raw(
        f"PUT {base}/batches HTTP/1.1\n{head}\nContent-Type: text/csv; charset=UTF-8\n\n"
        "LastName,Company\nIto,Acme"
    )
    assert (status, body) == (201, b"")
    closing = f"PATCH {base} HTTP/1.1\n{head}\nContent-Type: application/json\n\n"
    assert raw(closing + '{"state":"UploadComplete"}')[0] == 200
    while orjson.loads(raw(f"GET {base}/ HTTP/1.1\n{head}")[2])["state"] != "JobComplete":
        pass
    for which in ("successfulResults", "failedResults", "unprocessedRecords", "unprocessedrecords"):
        status, headers, body = raw(f"GET {base}/{which}/ HTTP/1.1\n{head}")
        assert (status, headers["content-type"]) == (200, "text/csv;charset=UTF-8")
    assert b"LastName" in body
    status, headers, body = raw(f"DELETE {base} HTTP/1.1\n{head}")
    assert (status, body) == (204, b"")


def test_a_conversion_of_the_reference(raw: Raw) -> None:
    _, _, body = raw("""
POST /services/data/v59.0/sobjects/Lead/ HTTP/1.1
Host: acme.my.salesforce.com
Authorization: Bearer {session}
Content-Type: application/json

{"LastName":"Ito","Company":"Acme"}""")
    lead = orjson.loads(body)["id"]
    status, _, body = raw(f"""
POST /services/Soap/u/59.0 HTTP/1.1
Host: acme.my.salesforce.com
Content-Type: text/xml
SOAPAction: ""

<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Header>
<SessionHeader xmlns="urn:partner.soap.sforce.com"><sessionId>{{session}}</sessionId>
</SessionHeader></soapenv:Header><soapenv:Body>
<convertLead xmlns="urn:partner.soap.sforce.com"><leadConverts><leadId>{lead}</leadId>
<convertedStatus>Closed - Converted</convertedStatus></leadConverts>
</convertLead></soapenv:Body></soapenv:Envelope>""")
    assert status == 200
    assert b"<success>true</success>" in body
