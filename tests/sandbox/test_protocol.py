"""OpenAI's own SDK takes the sandbox for OpenAI."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Literal

import httpx
import openai
import pytest
from openai.types.chat import ParsedChatCompletion
from pydantic import BaseModel

from scripts.sandbox.process import KEY, SandboxProcess


class Company(BaseModel):
    name: str
    employees: int | None


class Verdict(BaseModel):
    score: float
    kind: Literal["hot", "cold"]
    companies: list[Company]
    note: str | None


@pytest.fixture
async def client(sandbox: SandboxProcess) -> AsyncGenerator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(
        api_key=KEY, base_url=sandbox.openai_url, max_retries=0
    ) as client:
        yield client


async def parse(
    client: openai.AsyncOpenAI, text: str = "Judge Acme."
) -> ParsedChatCompletion[Verdict]:
    return await client.chat.completions.parse(
        model="gpt-4.1-mini",
        messages=[{"role": "system", "content": "Judge."}, {"role": "user", "content": text}],
        response_format=Verdict,
        max_completion_tokens=500,
        store=True,
        metadata={"call_id": text},
    )


async def test_a_chat_is_parsed_into_the_model_that_was_asked_for(
    client: openai.AsyncOpenAI, sandbox: SandboxProcess
) -> None:
    completion = await parse(client)

    assert isinstance(completion.choices[0].message.parsed, Verdict)
    assert completion.model == "gpt-4.1-mini-2025-04-14"
    assert completion._request_id
    assert completion.usage
    book = sandbox.book()
    assert book["by_call"]["Judge Acme."] == {
        "calls": 1,
        "prompt_tokens": completion.usage.prompt_tokens,
        "cached_tokens": 0,
        "completion_tokens": completion.usage.completion_tokens,
    }


async def test_the_same_document_gets_the_same_answer_and_another_another(
    client: openai.AsyncOpenAI,
) -> None:
    answers = [(await parse(client, text)).choices[0].message.content for text in "aabcd"]

    assert answers[0] == answers[1]
    assert len(set(answers)) > 2


async def test_a_response_is_parsed_and_billed_too(
    client: openai.AsyncOpenAI, sandbox: SandboxProcess
) -> None:
    response = await client.responses.parse(
        model="gpt-6-luna", input="Judge Acme.", instructions="Judge.", text_format=Verdict
    )

    assert isinstance(response.output_parsed, Verdict)
    assert response.status == "completed"
    assert response.usage
    assert response.usage.output_tokens_details.reasoning_tokens > 0
    assert sandbox.book()["completion_tokens"] == response.usage.output_tokens


async def test_refused_cut_and_filtered_answers_are_what_the_sdk_takes_them_for(
    client: openai.AsyncOpenAI, sandbox: SandboxProcess
) -> None:
    sandbox.arm("refusal", count=1)
    message = (await parse(client)).choices[0].message
    assert message.refusal
    assert message.parsed is None

    sandbox.arm("truncated", count=1)
    with pytest.raises(openai.LengthFinishReasonError):
        await parse(client)

    sandbox.arm("content_filter", count=1)
    with pytest.raises(openai.ContentFilterFinishReasonError):
        await parse(client)

    sandbox.arm("refusal", count=1)
    response = await client.responses.parse(model="gpt-4.1", input="x", text_format=Verdict)
    assert response.output_parsed is None
    assert sandbox.book()["calls"] == 4


async def test_an_answer_longer_than_allowed_is_cut_and_billed_to_the_last_token(
    client: openai.AsyncOpenAI, sandbox: SandboxProcess
) -> None:
    completion = await client.chat.completions.create(
        model="gpt-4.1-mini", messages=[{"role": "user", "content": "x"}], max_completion_tokens=3
    )

    assert completion.choices[0].finish_reason == "length"
    assert completion.usage
    assert completion.usage.completion_tokens == 3


async def test_stored_answers_are_listed_by_call_id_page_by_page(
    client: openai.AsyncOpenAI,
) -> None:
    for _ in range(3):
        await parse(client, "one")
    await parse(client, "two")

    page = await client.chat.completions.list(metadata={"call_id": "one"}, limit=2)
    assert page.has_more
    found = [one async for one in page]
    assert len({one.id for one in found}) == 3
    assert len([one async for one in await client.chat.completions.list(limit=1)]) == 4
    assert (await client.chat.completions.list(metadata={"call_id": "three"})).data == []


async def test_the_models_on_offer_say_when_they_end_and_the_old_ones_are_gone(
    client: openai.AsyncOpenAI,
) -> None:
    listed = {model.id: model async for model in await client.models.list()}
    assert listed["gpt-4.1-mini"].shutdown_date == "2027-01-14"
    assert listed["gpt-6-luna"].shutdown_date is None

    with pytest.raises(openai.NotFoundError, match="does not exist") as gone:
        await client.chat.completions.create(
            model="gpt-4", messages=[{"role": "user", "content": "x"}]
        )
    assert gone.value.code == "model_not_found"


async def test_a_model_that_reasons_takes_no_temperature(client: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="temperature") as refused:
        await client.chat.completions.create(
            model="gpt-6-luna", messages=[{"role": "user", "content": "x"}], temperature=0
        )
    assert refused.value.param == "temperature"


async def test_a_schema_that_is_not_strict_enough_is_refused_in_openais_words(
    client: openai.AsyncOpenAI, sandbox: SandboxProcess
) -> None:
    with pytest.raises(openai.BadRequestError, match="additionalProperties") as refused:
        await client.chat.completions.create(
            model="gpt-4.1-mini",
            messages=[{"role": "user", "content": "x"}],
            response_format={
                "type": "json_schema",
                "json_schema": {
                    "name": "Loose",
                    "strict": True,
                    "schema": {"type": "object", "properties": {}},
                },
            },
        )

    assert refused.value.param == "response_format"
    assert sandbox.book()["calls"] == 0


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("sk-proj-abcdef0123456789", "looks real"),
        ("other-key", "Incorrect API key provided: ot\\*\\*\\*"),
    ],
)
async def test_only_a_key_of_the_sandbox_is_taken_and_a_real_one_turned_away(
    sandbox: SandboxProcess, key: str, words: str
) -> None:
    async with openai.AsyncOpenAI(
        api_key=key, base_url=sandbox.openai_url, max_retries=0
    ) as client:
        with pytest.raises(openai.AuthenticationError, match=words) as refused:
            await parse(client)

    assert refused.value.code == "invalid_api_key"
    assert key not in refused.value.message
    assert sandbox.book()["calls"] == 0


def test_a_call_without_a_key_or_with_no_json_is_told_so(sandbox: SandboxProcess) -> None:
    url = f"{sandbox.openai_url}/chat/completions"
    key = {"authorization": f"Bearer {KEY}"}

    nobody = httpx.post(url, json={}, trust_env=False)
    no_json = httpx.post(url, content=b"{", headers=key, trust_env=False)
    empty = httpx.post(url, json={"model": "gpt-4.1"}, headers=key, trust_env=False)
    nowhere = httpx.get(f"{sandbox.openai_url}/nothing", trust_env=False)

    assert nobody.status_code == 401
    assert "You didn't provide an API key" in nobody.text
    assert no_json.status_code == empty.status_code == 400
    assert "could not parse the JSON body" in no_json.text
    assert empty.json()["error"]["message"] == "Missing required parameter: 'messages'."
    assert nowhere.status_code == 404
    for answer in (nobody, no_json, empty):
        assert set(answer.json()["error"]) == {"message", "type", "param", "code"}
        assert answer.headers["x-request-id"].startswith("req_")


async def test_every_answer_announces_the_limits_and_a_429_says_when_to_come_back(
    client: openai.AsyncOpenAI, sandbox: SandboxProcess
) -> None:
    sandbox.set(rpm=60, burst=2)
    raw = await client.chat.completions.with_raw_response.create(
        model="gpt-4.1-mini", messages=[{"role": "user", "content": "x"}]
    )
    assert raw.headers["x-ratelimit-limit-requests"] == "60"
    assert raw.headers["x-ratelimit-remaining-requests"] == "1"
    assert raw.headers["x-ratelimit-reset-requests"] in {"1s", "999ms", "998ms", "997ms"}

    with pytest.raises(openai.RateLimitError, match=r"Please try again in \d+ms") as refused:
        await asyncio.gather(*(parse(client) for _ in range(3)))

    assert refused.value.code == "rate_limit_exceeded"
    assert 0 < float(refused.value.response.headers["retry-after-ms"]) <= 1001
    assert sandbox.book()["throttled"] >= 1


async def test_the_sdk_waits_as_it_is_told_and_gives_up_on_a_long_wait(
    sandbox: SandboxProcess,
) -> None:
    async with openai.AsyncOpenAI(
        api_key=KEY, base_url=sandbox.openai_url, max_retries=2
    ) as patient:
        sandbox.set(rpm=60, burst=1)
        await asyncio.gather(parse(patient), parse(patient))
        assert sandbox.book()["calls"] == 2
        assert sandbox.book()["throttled"] >= 1

        sandbox.reset()
        sandbox.set(rpm=1_000_000, burst=60)
        sandbox.arm("429_long")
        with pytest.raises(openai.RateLimitError):
            await parse(patient)
        assert sandbox.book()["throttled"] == 1
