"""Bodies and headers as they were seen or may come: each is understood, none breaks the adapter."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import httpx2
import pytest

from agents.errors import AnswerError, VendorError
from agents.vendors.openai import OpenAI
from agents.vendors.openai.failures import AWAY, BUSY
from agents.vendors.openai.wire import NOT_OPENAI, duration, rate_limits
from agents.vendors.retry_after import LONGEST_WAIT
from policies.llm import Reply, Usage
from policies.rubric import RubricAnswer, Tag

HERE = Path(__file__).parent
CALL = UUID(int=7)


def body(name: str) -> bytes:
    return (HERE / name).read_bytes()


async def answered(
    content: bytes, status: int = 200, headers: Mapping[str, str] | None = None
) -> Reply[RubricAnswer]:
    def respond(request: httpx2.Request) -> httpx2.Response:
        given = {"content-type": "application/json", **(headers or {})}
        return httpx2.Response(status, content=content, headers=given, request=request)

    client = httpx2.AsyncClient(
        transport=httpx2.MockTransport(respond), base_url="https://api.openai.com/v1"
    )
    openai = OpenAI("sandbox-x", "gpt-4.1-mini", http_client=client)
    try:
        return await openai.ask(
            instructions="", document="", answer=RubricAnswer, call_id=CALL, max_output_tokens=9
        )
    finally:
        await openai.close()


async def failed(
    content: bytes, status: int = 200, headers: Mapping[str, str] | None = None
) -> VendorError:
    with pytest.raises(VendorError) as raised:
        await answered(content, status, headers)
    return raised.value


async def test_a_whole_answer_is_read_with_its_usage_and_limits() -> None:
    limits = {"x-ratelimit-limit-requests": "500", "x-ratelimit-reset-tokens": "6m0s"}

    reply = await answered(body("chat_good.json"), headers={**limits, "x-request-id": "req_1"})

    assert reply.usage == Usage(prompt=1520, cached=1408, completion=88)
    assert reply.answer.tags == [Tag.HIGH_INTENT]
    assert reply.request_id == "req_1"
    assert reply.limits.requests == 500
    assert reply.limits.reset_tokens == timedelta(minutes=6)
    assert reply.limits.tokens is None


async def test_an_answer_without_details_and_with_an_empty_refusal_is_good() -> None:
    reply = await answered(body("chat_plain_details.json"))

    assert reply.usage == Usage(prompt=10, completion=5)
    assert reply.request_id == "chatcmpl-CcVr1aQm5pY0tSbXo7Jq"


async def test_more_cached_than_read_is_counted_as_all_read() -> None:
    assert (await answered(body("chat_cached_beyond_prompt.json"))).usage == Usage(100, 100, 5)


@pytest.mark.parametrize(
    ("name", "retry_after", "words"),
    [
        ("chat_fenced.json", timedelta(), "json_invalid"),
        ("chat_two_answers.json", timedelta(), "json_invalid"),
        ("chat_empty.json", timedelta(), "json_invalid"),
        ("chat_level_as_text.json", timedelta(), "int_parsing"),
        ("chat_unknown_tag.json", timedelta(), "enum"),
        ("chat_tool_call.json", None, "called a tool"),
    ],
)
async def test_an_answer_of_no_use_is_billed_and_not_quoted(
    name: str, retry_after: timedelta | None, words: str
) -> None:
    error = await failed(body(name))

    assert isinstance(error, AnswerError)
    assert words in str(error)
    assert "retail" not in str(error)
    assert error.usage == Usage(prompt=1520, cached=1408, completion=88)
    assert error.retry_after == retry_after


@pytest.mark.parametrize(
    "content",
    [
        body("chat_no_usage.json"),
        body("chat_negative_usage.json"),
        body("chat_no_choice.json"),
        body("chat_error_inside.json"),
        b"<html>Sign in</html>",
        b"",
        b"[]",
        b"null",
        b'"hello"',
        body("chat_good.json")[:200],
        b"\xff\xfe\x00",
    ],
)
async def test_a_body_that_is_no_completion_leaves_the_call_in_doubt(content: bytes) -> None:
    error = await failed(content)

    assert not isinstance(error, AnswerError)
    assert error.in_doubt
    assert error.retry_after == NOT_OPENAI


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry-after-ms": "250", "retry-after": "9"}, timedelta(milliseconds=250)),
        ({"retry-after": "9"}, timedelta(seconds=9)),
        ({"retry-after": "0.5"}, timedelta(seconds=0.5)),
        (
            {
                "retry-after": "Tue, 24 Nov 2026 10:00:30 GMT",
                "date": "Tue, 24 Nov 2026 10:00:00 GMT",
            },
            timedelta(seconds=30),
        ),
        (
            {
                "retry-after": "Tue, 24 Nov 2026 10:00:30 -0000",
                "date": "Tue, 24 Nov 2026 10:00:00 GMT",
            },
            timedelta(seconds=30),
        ),
        (
            {
                "retry-after": "Tue, 24 Nov 2026 09:00:00 GMT",
                "date": "Tue, 24 Nov 2026 10:00:00 GMT",
            },
            BUSY,
        ),
        ({"retry-after": "999999999"}, LONGEST_WAIT),
        ({"retry-after": "Tue, 24 Nov 2026 10:00:30 GMT"}, BUSY),
        ({"retry-after": "soon"}, BUSY),
        ({"retry-after": "-5"}, BUSY),
        ({"retry-after": ""}, BUSY),
        ({}, BUSY),
    ],
)
async def test_a_429_waits_as_long_as_it_is_asked_to(
    headers: dict[str, str], wait: timedelta
) -> None:
    error = await failed(b"", 429, headers)

    assert error.throttled
    assert error.retry_after == wait


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504, 520, 529])
async def test_a_server_in_trouble_may_have_billed(status: int) -> None:
    error = await failed(b"<html>bad gateway</html>", status, {"content-type": "text/html"})

    assert error.in_doubt
    assert error.retry_after == AWAY
    assert "gateway" not in str(error)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
async def test_a_call_that_is_wrong_is_not_made_again(status: int) -> None:
    error = await failed(b"{}", status)

    assert (error.retry_after, error.in_doubt) == (None, False)


async def test_a_filtered_document_is_that_documents_fault_and_free() -> None:
    error = await failed(body("error_filtered.json"), 400)

    assert isinstance(error, AnswerError)
    assert error.usage == Usage()


@pytest.mark.parametrize("name", ["error_number_as_code.json", "error_as_text.json"])
@pytest.mark.parametrize("status", [400, 429, 500])
async def test_an_error_of_another_shape_is_an_error_all_the_same(name: str, status: int) -> None:
    assert f"status {status}" in str(await failed(body(name), status))


async def test_what_we_sent_is_never_quoted_in_an_error() -> None:
    error = await failed(body("error_quotes_us.json"), 400)

    assert "jane" not in str(error)
    assert "invalid_value" in str(error)


def test_limits_that_are_no_numbers_are_not_announced() -> None:
    headers = {
        "x-ratelimit-limit-requests": "-1",
        "x-ratelimit-limit-tokens": "60.5",
        "x-ratelimit-remaining-tokens": "many",
        "x-ratelimit-reset-tokens": "in 5s",
    }

    limits = rate_limits(headers)

    assert (limits.requests, limits.tokens, limits.remaining_tokens) == (None, None, None)
    assert limits.reset_tokens is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("6m0s", 360), ("18.642s", 18.642), ("174ms", 0.174), ("1d2h", 93_600), ("1h0m3s", 3603)],
)
def test_durations_are_read_as_openai_writes_them(text: str, seconds: float) -> None:
    assert duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "5", "s", "1e5s", "5 s", "-5s", "5s later"])
def test_anything_else_is_no_duration(text: str) -> None:
    assert duration(text) is None
