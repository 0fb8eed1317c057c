"""One way to call a vendor: what every kind of answer, and none, means for an agent."""

import asyncio
import gzip
from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from pydantic import BaseModel

from agents.errors import AnswerError, VendorError
from agents.vendors.answers import NOT_THE_VENDOR
from agents.vendors.credentials import Bearer, HeaderKey
from agents.vendors.exchange import LARGEST
from agents.vendors.http import Nothing, VendorHttp
from agents.vendors.refusals import AWAY, BUSY, NO_CREDIT, Refusal
from policies.pacing import Allowance, Window
from tests.vendors.http.conftest import Say, Server

KEY = "sandbox-key-1"
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
NOON, LATER = "Tue, 24 Nov 2026 12:00:00 GMT", "Tue, 24 Nov 2026 12:00:42 GMT"
PERSONAL = "mina.okafor@acme.example"


class Person(BaseModel):
    id: str
    title: str | None = None


class Answer(BaseModel):
    data: Person | None = None
    rows: list[dict[str, int]] = []


@pytest.fixture
async def vendor(server: Server) -> AsyncGenerator[VendorHttp]:
    vendor = make(server)
    yield vendor
    await vendor.close()


def make(server: Server, **options: Any) -> VendorHttp:
    auth = HeaderKey("uplead", "UPLEAD_API_KEY", KEY)
    return VendorHttp("uplead", f"{server.url}/v2", auth, **({"timeout": 5 * SECOND} | options))


async def failure(vendor: VendorHttp, **options: Any) -> VendorError:
    with pytest.raises(VendorError) as caught:
        await vendor.request("GET", "/person-search", **({"shape": Answer} | options))
    return caught.value


async def test_a_good_answer_is_read_with_its_limits(server: Server, vendor: VendorHttp) -> None:
    server.says(
        Say(
            body={"data": {"id": "7", "title": "VP"}, "userInfo": {"availableCredits": 1}},
            headers={
                "X-RateLimit-Limit": "500",
                "X-RateLimit-Remaining": "3",
                "X-RateLimit-Reset": "30",
            },
        )
    )

    got = await vendor.request("GET", "/person-search", shape=Answer)

    assert got.value == Answer(data=Person(id="7", title="VP"))
    assert got.status == 200
    assert got.headers["x-ratelimit-limit"] == "500"
    assert got.limits == Allowance((Window(MINUTE, 500, 3, 30 * SECOND),))


async def test_a_bare_key_and_a_bearer_stand_in_their_header(
    server: Server, vendor: VendorHttp
) -> None:
    await vendor.request("GET", "/credits", shape=Nothing)
    bearer = VendorHttp("linkedin", server.url, Bearer("linkedin", "TOKEN", f" {KEY}\n"))
    await bearer.request("GET", "/leadForms", shape=Nothing)
    await bearer.close()

    assert [one.headers["authorization"] for one in server.asked] == [KEY, f"Bearer {KEY}"]
    assert [one.target for one in server.asked] == ["/v2/credits", "/leadForms"]


async def test_queries_are_encoded_once_and_a_raw_one_not_at_all(
    server: Server, vendor: VendorHttp
) -> None:
    raw = "q=owner&owner=(sponsoredAccount:urn%3Ali%3AsponsoredAccount%3A512345)"
    await vendor.request("GET", "/x", shape=Nothing, params={"name[]": ["a b", "ü&"], "n": 1})
    await vendor.request("GET", "x", shape=Nothing, raw_query=raw)

    assert [one.target for one in server.asked] == [
        "/v2/x?name%5B%5D=a+b&name%5B%5D=%C3%BC%26&n=1",
        f"/v2/x?{raw}",
    ]


async def test_bodies_go_as_json_as_form_or_as_they_are(server: Server, vendor: VendorHttp) -> None:
    api = {"Content-Type": "application/vnd.api+json", "LinkedIn-Version": "202610"}
    await vendor.request("POST", "/x", shape=Nothing, json={"a": [1]}, headers=api)
    await vendor.request("POST", "/x", shape=Nothing, form={"a": "b c"})
    await vendor.request("PUT", "/x", shape=Nothing, content=b"id,name\n")

    assert [one.body for one in server.asked] == [b'{"a":[1]}', b"a=b+c", b"id,name\n"]
    assert [one.headers.get("content-type") for one in server.asked] == [
        "application/vnd.api+json",
        "application/x-www-form-urlencoded",
        None,
    ]
    assert server.asked[0].headers["linkedin-version"] == "202610"


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"Retry-After": "7"}, 7 * SECOND),
        ({"Retry-After": "0"}, timedelta()),
        ({"Retry-After": LATER, "Date": NOON}, 42 * SECOND),
        ({"Retry-After": NOON, "Date": LATER}, timedelta()),
        ({"Retry-After": "99999999"}, timedelta(days=1)),
        ({"Retry-After": "soon"}, BUSY),
        ({"Retry-After": LATER}, BUSY),
        ({}, BUSY),
    ],
)
async def test_too_many_requests_wait_as_long_as_the_vendor_asks(
    server: Server, vendor: VendorHttp, headers: dict[str, str], wait: timedelta
) -> None:
    server.says(Say(429, {"error": {"type": "rate_limit", "message": PERSONAL}}, headers))

    error = await failure(vendor)

    assert (error.throttled, error.in_doubt, error.retry_after) == (True, False, wait)
    assert str(error) == "uplead: status 429, rate_limit"


@pytest.mark.parametrize("status", [408, 425, 500, 502, 503, 504, 599])
async def test_what_passes_is_tried_again_and_in_doubt(
    server: Server, vendor: VendorHttp, status: int
) -> None:
    server.says(Say(status, b"<html>Bad gateway</html>"))
    error = await failure(vendor)
    assert (error.throttled, error.in_doubt, error.retry_after) == (False, True, AWAY)

    server.says(Say(status, headers={"Retry-After": "120"}))
    assert (await failure(vendor)).retry_after == 2 * MINUTE


@pytest.mark.parametrize("status", [401, 403])
async def test_refused_credentials_say_which_setting_to_check(
    server: Server, vendor: VendorHttp, status: int
) -> None:
    server.says(Say(status, {"errors": [{"code": "ZI0002", "detail": PERSONAL}]}))

    error = await failure(vendor)

    assert error.retry_after is None
    assert not isinstance(error, AnswerError)
    assert "ZI0002" in str(error)
    assert "check" in str(error)
    assert "UPLEAD_API_KEY" in str(error)
    assert PERSONAL not in str(error)
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [400, 404, 409, 413, 422])
async def test_a_refused_question_says_nothing_about_the_vendor(
    server: Server, vendor: VendorHttp, status: int
) -> None:
    server.says(Say(status, {"title": PERSONAL, "code": PERSONAL, "serviceErrorCode": 100}))

    error = await failure(vendor)

    assert isinstance(error, AnswerError)
    assert error.retry_after is None
    assert str(error) == f"uplead: status {status}, 100"


async def test_no_credit_is_told_apart(server: Server, vendor: VendorHttp) -> None:
    server.says(Say(402))
    error = await failure(vendor)
    assert (error.out_of_credit, error.retry_after, error.in_doubt) == (True, NO_CREDIT, False)


async def test_a_redirect_is_never_followed(server: Server, vendor: VendorHttp) -> None:
    server.says(Say(307, headers={"Location": f"{server.url}/elsewhere"}))

    error = await failure(vendor)

    assert error.retry_after is None
    assert "base URL" in str(error)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"<html><body>Please log in</body></html>", "no JSON; is a proxy in between?"),
        (b'{"data": {"id": "7"', "no JSON; is a proxy in between?"),
        (b"\xff\xfe", "no JSON; is a proxy in between?"),
        (b"[1, 2]", "no Answer: model_type"),
        (b"null", "no Answer: model_type"),
        (b'{"data": {"title": "VP"}}', "no Answer: data.id.missing"),
        (b'{"data": {"id": {}, "title": 3}}', "no Answer: data.id.string_type, data.title."),
        (b'{"rows": [{"mina.okafor@acme.example": "x"}]}', "no Answer: rows.int_parsing"),
        (b"[" * 100_000, "no JSON; is a proxy in between?"),
    ],
)
async def test_a_good_status_with_another_body_is_no_answer(
    server: Server, vendor: VendorHttp, body: bytes, told: str
) -> None:
    server.says(Say(200, body))

    error = await failure(vendor)

    assert told in str(error)
    assert PERSONAL not in str(error)
    assert (error.retry_after, error.in_doubt) == (NOT_THE_VENDOR, True)


async def test_an_empty_body_is_read_as_nothing(server: Server, vendor: VendorHttp) -> None:
    server.says(Say(204, b""))
    assert (await vendor.request("POST", "/x", shape=Nothing)).status == 204
    server.says(Say(201, b"", {"X-RestLi-Id": "42"}))
    assert (await vendor.request("POST", "/x", shape=Nothing)).headers["x-restli-id"] == "42"


async def test_an_answer_that_drips_beyond_the_deadline_is_given_up(server: Server) -> None:
    server.says(Say(body=b'{"data": null}' + b" " * 500, drip=0.02))
    vendor = make(server, timeout=0.4 * SECOND)
    began = asyncio.get_running_loop().time()

    error = await failure(vendor)

    assert asyncio.get_running_loop().time() - began < 2
    assert "within 0.4 s" in str(error)
    assert (error.retry_after, error.in_doubt) == (AWAY, True)
    await vendor.close()


async def test_no_answer_at_all_is_given_up(server: Server) -> None:
    server.says(Say(hang=0.6))
    vendor = make(server, timeout=0.2 * SECOND)
    error = await failure(vendor)
    assert (error.retry_after, error.in_doubt) == (AWAY, True)
    await vendor.close()


async def test_a_body_that_is_too_large_is_cut(server: Server) -> None:
    server.says(Say(body=b" " * 20_000))
    vendor = make(server, largest=10_000)
    error = await failure(vendor)
    assert "longer than 10,000 bytes" in str(error)
    assert (error.retry_after, error.in_doubt) == (None, True)
    await vendor.close()


async def test_a_body_that_unpacks_to_too_much_is_cut(server: Server, vendor: VendorHttp) -> None:
    bomb = gzip.compress(b"0" * (LARGEST + 1))
    server.says(Say(body=bomb, headers={"Content-Encoding": "gzip"}))
    error = await failure(vendor)
    assert "longer than" in str(error)


async def test_a_packed_body_that_is_broken_is_no_answer(
    server: Server, vendor: VendorHttp
) -> None:
    server.says(Say(body=b"not gzip", headers={"Content-Encoding": "gzip"}))
    error = await failure(vendor)
    assert (error.retry_after, error.in_doubt) == (AWAY, True)


@pytest.mark.parametrize(
    "said", [Say(dropped=True), Say(body=b'{"data": null}', length=500)], ids=["drop", "truncated"]
)
async def test_a_connection_that_ends_early_leaves_us_in_doubt(
    server: Server, vendor: VendorHttp, said: Say
) -> None:
    server.says(said)
    error = await failure(vendor)
    assert (error.retry_after, error.in_doubt) == (AWAY, True)
    server.says(Say())
    await vendor.request("GET", "/x", shape=Answer)


async def test_what_was_never_sent_is_not_in_doubt(server: Server) -> None:
    vendor = make(server)
    await server.stop()
    error = await failure(vendor)
    assert (error.retry_after, error.in_doubt) == (AWAY, False)
    await server.start()
    await vendor.close()


@pytest.mark.parametrize("key", ["", "  ", "sandbox-ключ", "sandbox-\nX: y"])
async def test_a_key_that_is_none_is_not_sent(server: Server, key: str) -> None:
    vendor = VendorHttp("uplead", server.url, HeaderKey("uplead", "UPLEAD_API_KEY", key))
    error = await failure(vendor)
    assert error.retry_after is None
    assert "check UPLEAD_API_KEY" in str(error)
    assert key not in str(error) or not key.strip()
    assert server.asked == []
    await vendor.close()


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/x", "http://127.0.0.1:99999", "nonsense"])
async def test_an_address_that_is_none_says_so(url: str) -> None:
    vendor = VendorHttp("uplead", url, HeaderKey("uplead", "UPLEAD_API_KEY", KEY))
    error = await failure(vendor)
    assert (error.retry_after, error.in_doubt) == (None, False)
    assert "check" in str(error)
    await vendor.close()


async def test_a_vendor_may_say_its_errors_in_its_own_way(
    server: Server, vendor: VendorHttp
) -> None:
    def errors(refusal: Refusal) -> VendorError | None:
        if "PFAPI0011" in refusal.codes or refusal.document == {"data": "LIMIT_EXCEEDED"}:
            return refusal.out_of_credit()
        return None

    server.says(
        Say(400, {"errors": [{"code": "PFAPI0011"}]}),
        Say(200, {"data": "LIMIT_EXCEEDED"}),
        Say(400, {"errors": [{"code": "PFAPI0001"}]}),
        Say(200, {"data": None}),
    )

    assert (await failure(vendor, errors=errors)).out_of_credit
    assert (await failure(vendor, errors=errors)).out_of_credit
    assert isinstance(await failure(vendor, errors=errors), AnswerError)
    assert (await vendor.request("GET", "/x", shape=Answer, errors=errors)).value == Answer()


async def test_limits_are_told_with_every_answer_a_refusal_included(server: Server) -> None:
    heard: list[Allowance] = []
    vendor = make(server, heard=heard.append)
    limits = {"X-RateLimit-Limit-Day": "10", "X-RateLimit-Remaining-Day": "0"}
    day = Window(timedelta(days=1), 10, 0)
    server.says(Say(429, headers=limits), Say(503, headers=limits | {"Retry-After": "7"}))

    await failure(vendor)
    await failure(vendor)

    pause = Window(remaining=0, resets_in=7 * SECOND)
    assert heard == [Allowance((day,)), Allowance((day, pause))]
    await vendor.close()


async def test_a_good_answer_that_says_when_to_look_again_holds_nobody_back(
    server: Server,
) -> None:
    heard: list[Allowance] = []
    vendor = make(server, heard=heard.append)
    server.says(Say(202, headers={"Retry-After": "30"}))
    await vendor.request("POST", "/jobs", shape=Nothing)
    assert heard == [Allowance()]
    await vendor.close()


async def test_a_header_of_ours_wins_over_the_usual_one_however_it_is_spelt(
    server: Server, vendor: VendorHttp
) -> None:
    api = {"accept": "application/vnd.api+json", "CONTENT-TYPE": "application/vnd.api+json"}
    await vendor.request("POST", "/x", shape=Nothing, json={}, headers=api)
    assert server.asked[0].headers["accept"] == "application/vnd.api+json"
    assert server.asked[0].headers["content-type"] == "application/vnd.api+json"


async def test_a_client_that_was_given_is_not_closed(server: Server) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        vendor = make(server, http_client=client)
        await vendor.request("GET", "/x", shape=Answer)
        await vendor.close()
        assert not client.is_closed


async def test_no_proxy_of_the_environment_is_asked_for_this_machine(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    vendor = make(server)
    await vendor.request("GET", "/x", shape=Answer)
    await vendor.close()
