"""Answers that the sandbox does not give: gateways, odd shapes, hosts that are not Salesforce's."""

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from agents.errors import AnswerError, VendorError
from agents.vendors.salesforce import Salesforce, failures, transport, wire
from agents.vendors.salesforce.failures import Expired
from policies.crm_records import ApiUsage, RowError
from tests.vendors.salesforce.conftest import by_client


def response(
    status: int, body: object = None, headers: Mapping[str, str] | None = None
) -> requests.Response:
    made = requests.Response()
    made.status_code = status
    made.headers.update(headers or {})
    made.raw = None
    text = body if isinstance(body, str) else json.dumps(body)
    made._content = text.encode()  # pyright: ignore[reportPrivateUsage]
    return made


def refused(
    status: int, body: object = None, headers: Mapping[str, str] | None = None
) -> VendorError:
    error = failures.refused(response(status, body, headers))
    assert isinstance(error, VendorError)
    return error


def error_of(code: str, message: str = "ann@acme.example is wrong") -> list[dict[str, Any]]:
    return [{"errorCode": code, "message": message}]


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"Retry-After": "7"}, timedelta(seconds=7)),
        (
            {
                "Retry-After": "Wed, 25 Nov 2026 01:10:09 GMT",
                "Date": "Wed, 25 Nov 2026 01:10:00 GMT",
            },
            timedelta(seconds=9),
        ),
        ({}, failures.BUSY),
        ({"Retry-After": "soon"}, failures.BUSY),
    ],
)
def test_a_gateway_that_throttles_says_how_long(headers: dict[str, str], wait: timedelta) -> None:
    error = refused(429, "<html>", headers)
    assert (error.throttled, error.retry_after) == (True, wait)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "JSON_PARSER_ERROR", AnswerError),
        (400, "MALFORMED_QUERY", AnswerError),
        (404, "NOT_FOUND", AnswerError),
        (400, "INVALID_FIELD", VendorError),
        (403, "API_CURRENTLY_DISABLED", VendorError),
        (403, "INSUFFICIENT_ACCESS", VendorError),
        (302, "", VendorError),
        (403, "", VendorError),
    ],
)
def test_what_is_wrong_for_good_is_not_asked_again_and_quotes_nothing_that_we_sent(
    status: int, code: str, kind: type[VendorError]
) -> None:
    error = refused(status, error_of(code) if code else "<html>ann@acme.example</html>")
    assert type(error) is kind
    assert error.retry_after is None
    assert "ann@" not in str(error)
    assert code in str(error)


def test_a_lock_of_the_whole_call_passes_soon() -> None:
    error = refused(400, error_of("UNABLE_TO_LOCK_ROW"))
    assert error.retry_after == failures.LOCKED
    assert not isinstance(error, AnswerError)


@pytest.mark.parametrize(
    "answer",
    [
        response(401, error_of("INVALID_SESSION_ID")),
        response(401, "no JSON at all"),
        response(403, "Bad_OAuth_Token"),
        response(500, error_of("INVALID_SESSION_ID")),
    ],
)
def test_a_refused_token_is_told_apart_whatever_form_it_has(answer: requests.Response) -> None:
    assert isinstance(failures.refused(answer), Expired)


def test_a_row_may_name_its_code_either_way_and_the_duplicate_under_either_spelling() -> None:
    record = {"attributes": {"type": "Lead"}, "Id": "00Q8d0000004C9G"}
    result = {"matchResults": [{"matchRecords": [{"record": record}, {"record": {}}, None]}]}
    told = wire.rows(
        [
            {"success": False, "errors": [{"statusCode": "A", "message": "m", "fields": ["F"]}]},
            {"success": False, "errors": [{"errorCode": "B", "duplicateResut": result}]},
            {"success": False, "errors": [{"errorCode": "C", "duplicateResult": result}]},
            {"success": False, "errors": []},
            {"id": "00Q8d0000004C9G", "success": True, "errors": [], "created": True},
        ],
        5,
    )
    same = ("00Q8d0000004C9GEAU",)
    assert [each.errors for each in told[:4]] == [
        (RowError("A", "m", ("F",)),),
        (RowError("B", matches=same),),
        (RowError("C", matches=same),),
        (RowError("UNKNOWN_EXCEPTION"),),
    ]
    assert told[4].id == same[0]


@pytest.mark.parametrize(
    "answer",
    [
        None,
        {},
        "x",
        [{"id": None, "success": True, "errors": []}],
        [{"success": True, "id": "short", "errors": []}],
        [{"success": True, "id": "00Q8d0000004C9GEAU"}] * 2,
    ],
)
def test_an_answer_that_does_not_account_for_every_row_leaves_them_in_doubt(
    answer: object,
) -> None:
    with pytest.raises(VendorError) as wrong:
        wire.rows(answer, 1)
    assert wrong.value.in_doubt


@pytest.mark.parametrize(
    ("header", "usage"),
    [
        ("api-usage=18/5000", ApiUsage(18, 5000)),
        ("api-usage=10018/100000; api-bursts=1/750", ApiUsage(10_018, 100_000)),
        ("per-app-api-usage=17/250(appName=x); api-usage=25/5000", ApiUsage(25, 5000)),
        ("per-app-api-usage=17/250(appName=x)", None),
        ("api-usage=18/", None),
        ("", None),
    ],
)
def test_the_limit_header_is_read_in_all_its_forms(header: str, usage: ApiUsage | None) -> None:
    assert wire.usage({"Sforce-Limit-Info": header}) == usage


@pytest.mark.parametrize(
    "base_url",
    [
        "http://sandbox.example/salesforce",
        "http://127.0.0.1.example/salesforce",
        "ftp://127.0.0.1/x",
        "https://user:secret@127.0.0.1/x",
        "127.0.0.1:8000",
        "",
    ],
)
def test_a_token_travels_in_the_open_on_this_machine_only(base_url: str) -> None:
    with pytest.raises(ValueError, match="SALESFORCE_BASE_URL"):
        transport.session(base_url, seconds=1)


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/services/data",
        "https://evilsalesforce.com/x",
        "https://acme.my.salesforce.com.evil.example/",
        "http://acme.my.salesforce.com/x",
        "https://127.0.0.1/x",
    ],
)
def test_without_a_sandbox_nothing_goes_to_any_host_but_salesforce(url: str) -> None:
    with (
        transport.session(None, seconds=1) as http,
        pytest.raises(requests.RequestException) as refusal,
    ):
        http.get(url)
    error = failures.unreachable(refusal.value)
    assert error.retry_after is None
    assert "SALESFORCE_DOMAIN" in str(error)


def test_a_netrc_does_not_replace_the_token(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with transport.session(None, seconds=1) as http:
        request = requests.Request("GET", "https://acme.my.salesforce.com/", {"Authorization": "B"})
        assert http.prepare_request(request).headers["Authorization"] == "B"


async def test_a_sandbox_in_the_open_is_refused_when_the_adapter_is_made() -> None:
    with pytest.raises(ValueError, match="SALESFORCE_BASE_URL"):
        Salesforce(by_client(), base_url="http://sandbox.example")
