"""Whatever is sent, the org answers in its own words; nothing of it breaks the sandbox."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scripts.sandbox.salesforce.errors import Refused
from scripts.sandbox.salesforce.soql import read
from scripts.sandbox.salesforce.vendor import SalesforceOrg
from scripts.sandbox.server import Answer, Call

FEW = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
_WORDS = """
    SELECT FROM WHERE Id Lead Name = != < IN ( ) , AND OR NOT LIKE 'x' '%' 5 null true
    2026-01-01 2026-01-01T00:00:00Z ORDER BY DESC NULLS LAST LIMIT OFFSET COUNT FIELDS ALL
    SystemModstamp Email IsDeleted Owner.Name LeadEngine_Score__c LeadEngine_Scored_At__c
    CreatedDate
    """
WORDS = st.sampled_from(_WORDS.split())
_NAMES = """
    attributes type records Id id LastName Company Email ids allOrNone LeadEngine_Id__c
    OwnerId Owner LeadEngine_Score__c object CloseDate LeadEngine_Scored_At__c IsConverted
    StageName compositeRequest batchRequests url method body referenceId httpHeaders operation
    query fields externalIdFieldName lineEnding state HasOptedOutOfEmail NumberOfEmployees
    Legacy_Id__c
    """
NAMES = st.sampled_from(_NAMES.split())
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.floats(allow_nan=False)
    | st.text(max_size=12)
    | st.sampled_from(["Lead", "00Q8d0000004C99EAE", "lead-1", "1e400", "2026-13-01", "a@b.de"])
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)
ROWS = st.dictionaries(NAMES, VALUES, max_size=5).map(
    lambda row: {"attributes": {"type": "Lead"}, "LastName": "x", "Company": "y", **row}
)
BODIES = (
    VALUES
    | ROWS
    | st.lists(ROWS, max_size=4).map(
        lambda rows: {"records": rows, "compositeRequest": rows, "batchRequests": rows}
    )
)
_PATHS = """
    sobjects/Lead sobjects/Lead/00Q8d0000004C99EAE sobjects/Lead/LeadEngine_Id__c/lead-1
    sobjects/Opportunity composite/sobjects composite/sobjects/Lead/LeadEngine_Id__c
    composite/sobjects/Lead/Id composite/sobjects/Lead/Legacy_Id__c composite/sobjects/Lead
    composite composite/batch composite/tree/Lead jobs/ingest jobs/query
    jobs/ingest/7508d0000004C99AAE query
    """
PATHS = st.sampled_from(_PATHS.split())
CELLS = st.text('LeadEngine_Id__c,LastName\n\r"#N/A é', max_size=80).map(str.encode)


@pytest.fixture
def vendor() -> SalesforceOrg:
    return SalesforceOrg(1, time.time)


def sent(vendor: SalesforceOrg, method: str, path: str, body: bytes, query: str = "") -> Answer:
    (serve,) = (route.handler for route in vendor.routes() if route.method == "*")
    params = {"rest": f"data/v59.0/{path}"}
    headers = {"authorization": "Bearer sandbox-x", "content-type": "text/csv"}
    given = [("q", query)] if query else []
    return serve(Call(method, f"/services/data/v59.0/{path}", params, given, headers, body))


@FEW
@given(st.sampled_from(["GET", "POST", "PATCH", "PUT", "DELETE"]), PATHS, BODIES)
def test_any_body_is_answered(vendor: SalesforceOrg, method: str, path: str, value: Any) -> None:
    good = {"LastName": "Ito", "Company": "Acme", "LeadEngine_Id__c": "lead-1"}
    sent(vendor, "POST", "sobjects/Lead", orjson.dumps(good))
    answer = sent(vendor, method, path, orjson.dumps(value))
    assert 200 <= answer.status < 500
    if answer.body:
        orjson.loads(answer.body)


@FEW
@given(st.text(max_size=60) | st.lists(WORDS, max_size=14).map(" ".join))
def test_any_query_is_answered(vendor: SalesforceOrg, soql: str) -> None:
    with suppress(Refused):
        read(soql)
    for text in (soql, f"SELECT Id FROM Lead WHERE {soql}", f"SELECT Id FROM Lead {soql}"):
        answer = sent(vendor, "GET", "query", b"", text or " ")
        assert answer.status in {200, 400}


@FEW
@given(
    st.binary(max_size=80)
    | st.text('LeadEngine_Id__c,LastName\n\r"#N/A é', max_size=80).map(str.encode)
)
def test_any_upload_ends_the_job(body: bytes) -> None:
    async def run() -> str:
        vendor = SalesforceOrg(1, time.time)
        wanted = {"object": "Lead", "operation": "insert"}
        made = orjson.loads(sent(vendor, "POST", "jobs/ingest", orjson.dumps(wanted)).body)
        path = f"jobs/ingest/{made['id']}"
        assert sent(vendor, "PUT", f"{path}/batches", body).status == 201
        assert sent(vendor, "PATCH", path, b'{"state":"UploadComplete"}').status == 200
        for _ in range(50):
            await asyncio.sleep(0)
        for which in ("successfulResults", "failedResults", "unprocessedrecords"):
            assert sent(vendor, "GET", f"{path}/{which}", b"").status == 200
        return orjson.loads(sent(vendor, "GET", path, b"").body)["state"]

    assert asyncio.run(run()) in {"JobComplete", "Failed"}
