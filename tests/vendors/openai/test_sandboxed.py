"""The adapter against a server that fails in every way we know: what it tells the agents."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest
from pydantic import BaseModel

from agents.errors import AnswerError, VendorError
from agents.vendors.openai import OpenAI
from agents.vendors.openai.failures import AWAY, NO_CREDIT
from agents.vendors.openai.wire import NOT_OPENAI
from policies.llm import Reply, Usage
from policies.llm_prices import price
from policies.rubric import RubricAnswer, instructions, judge, lead_document
from scripts.sandbox.process import KEY, SandboxProcess

DOCUMENT = lead_document(
    {
        "job title": "Head of Purchasing",
        "message": "We need a quote for 40 seats this quarter",
        "Total Time Spent on Website": 900,
        "industry": "retail",
    }
)
INSTRUCTIONS = instructions("education")
LONGEST = 800
PATIENCE = timedelta(seconds=20)
IMPATIENCE = timedelta(seconds=0.5)


@pytest.fixture
async def openai(sandbox: SandboxProcess) -> AsyncGenerator[OpenAI]:
    adapter = OpenAI(KEY, "gpt-4.1-mini", base_url=sandbox.openai_url, timeout=PATIENCE)
    yield adapter
    await adapter.close()


async def ask(openai: OpenAI, call_id: UUID | None = None) -> Reply[RubricAnswer]:
    return await openai.ask(
        instructions=INSTRUCTIONS,
        document=DOCUMENT,
        answer=RubricAnswer,
        call_id=call_id or uuid4(),
        max_output_tokens=LONGEST,
    )


async def found_at_last(openai: OpenAI, call_id: UUID) -> Reply[RubricAnswer]:
    async with asyncio.timeout(20):
        while True:
            reply = await openai.look_up(call_id, RubricAnswer)
            if reply is not None:
                return reply
            await asyncio.sleep(0.1)


def billed(sandbox: SandboxProcess, call_id: UUID) -> Usage:
    tally = sandbox.book()["by_call"].get(str(call_id))
    if tally is None:
        return Usage()
    return Usage(tally["prompt_tokens"], tally["cached_tokens"], tally["completion_tokens"])


async def test_a_good_answer_is_read_priced_and_within_its_worst_case(
    openai: OpenAI, sandbox: SandboxProcess
) -> None:
    call_id = uuid4()

    reply = await ask(openai, call_id)

    assert judge(reply.answer, DOCUMENT).unknown < 0.5
    assert reply.usage == billed(sandbox, call_id)
    assert reply.model == "gpt-4.1-mini-2025-04-14"
    assert reply.request_id.startswith("req_")
    assert (reply.limits.requests, reply.limits.tokens) == (1_000_000, 1_000_000_000)
    worst = openai.worst_case(
        instructions=INSTRUCTIONS,
        document=DOCUMENT,
        answer=RubricAnswer,
        max_output_tokens=LONGEST,
    )
    assert reply.usage.total <= worst.tokens
    assert price(reply.model, reply.usage) <= worst.cost


async def test_the_limiter_counts_what_the_adapter_foretold(
    openai: OpenAI, sandbox: SandboxProcess
) -> None:
    foretold = openai.rated_tokens(
        instructions=INSTRUCTIONS, document=DOCUMENT, answer=RubricAnswer, max_output_tokens=LONGEST
    )

    reply = await ask(openai)

    assert reply.limits.tokens is not None
    assert reply.limits.remaining_tokens is not None
    counted = reply.limits.tokens - reply.limits.remaining_tokens
    assert counted == pytest.approx(foretold, rel=0.1)


@pytest.mark.parametrize(
    ("mode", "retry_after", "throttled", "in_doubt", "words"),
    [
        ("429", timedelta(seconds=1.501), True, False, "status 429, requests, rate_limit"),
        ("429_no_header", timedelta(seconds=1.5), True, False, "rate_limit_exceeded"),
        ("429_long", timedelta(seconds=130.001), True, False, "rate_limit_exceeded"),
        ("quota", NO_CREDIT, False, False, "no credit left: add some"),
        ("500", AWAY, False, True, "status 500, server_error"),
        ("503", AWAY, False, True, "status 503, server_error"),
        ("html", NOT_OPENAI, False, True, "is a proxy in between"),
        ("disconnect", AWAY, False, True, "no connection"),
        ("model_gone", None, False, False, "'gpt-4.1-mini' does not exist .* choose another"),
    ],
)
async def test_a_call_that_was_not_answered_costs_nothing_and_says_what_to_do(
    openai: OpenAI,
    sandbox: SandboxProcess,
    mode: str,
    retry_after: timedelta | None,
    throttled: bool,
    in_doubt: bool,
    words: str,
) -> None:
    sandbox.arm(mode, count=1)
    call_id = uuid4()

    with pytest.raises(VendorError, match=words) as failed:
        await ask(openai, call_id)

    error = failed.value
    assert not isinstance(error, AnswerError)
    assert (error.retry_after, error.throttled, error.in_doubt) == (
        retry_after,
        throttled,
        in_doubt,
    )
    assert billed(sandbox, call_id) == Usage()
    assert await openai.look_up(call_id, RubricAnswer) is None
    await ask(openai, call_id)


@pytest.mark.parametrize("mode", ["slow", "drip", "no_answer"])
async def test_a_call_whose_answer_never_arrived_is_billed_and_can_be_looked_up(
    openai: OpenAI, sandbox: SandboxProcess, mode: str
) -> None:
    sandbox.arm(mode, count=1, delay=3.0)
    call_id = uuid4()
    hasty = OpenAI(KEY, "gpt-4.1-mini", base_url=sandbox.openai_url, timeout=IMPATIENCE)

    with pytest.raises(VendorError) as failed:
        await ask(hasty, call_id)

    assert failed.value.in_doubt
    assert not failed.value.throttled
    assert failed.value.retry_after == AWAY
    assert sandbox.book()["by_call"][str(call_id)]["calls"] == 1
    if mode == "slow":
        assert await openai.look_up(call_id, RubricAnswer) is None
    found = await found_at_last(openai, call_id)
    assert found.usage == billed(sandbox, call_id)
    assert found.answer == (await ask(openai)).answer
    await hasty.close()


@pytest.mark.parametrize(
    ("mode", "retry_after", "words"),
    [
        ("truncated", None, "ended early \\(too long\\)"),
        ("content_filter", None, "ended early \\(filtered\\)"),
        ("refusal", None, "the model refused"),
        ("cut_json", timedelta(), "no RubricAnswer: json_invalid"),
        ("wrong_shape", timedelta(), "no RubricAnswer: extra_forbidden, missing"),
    ],
)
async def test_a_useless_answer_says_what_it_cost(
    openai: OpenAI,
    sandbox: SandboxProcess,
    mode: str,
    retry_after: timedelta | None,
    words: str,
) -> None:
    sandbox.arm(mode, count=1)
    call_id = uuid4()

    with pytest.raises(AnswerError, match=words) as failed:
        await ask(openai, call_id)

    assert failed.value.retry_after == retry_after
    assert not failed.value.in_doubt
    assert failed.value.usage == billed(sandbox, call_id)
    assert failed.value.usage.total > 0
    with pytest.raises(AnswerError, match=words):
        await openai.look_up(call_id, RubricAnswer)


@pytest.mark.parametrize("mode", ["injected", "invalid_quotes"])
async def test_an_answer_with_invented_quotes_is_read_but_worth_nothing(
    openai: OpenAI, sandbox: SandboxProcess, mode: str
) -> None:
    sandbox.arm(mode, count=1)

    reply = await ask(openai)
    judgement = judge(reply.answer, DOCUMENT)

    assert any(given.level is not None for given in reply.answer.criteria)
    assert set(judgement.levels.values()) == {None}
    assert (judgement.logit, judgement.unknown) == (0, 1)
    shown = " ".join((judgement.reasoning, *judgement.follow_ups))
    assert [w for w in ("evil", "<", ">", "://", "javascript:", "](") if w in shown] == []
    assert len(judgement.reasoning) <= 600
    assert len(judgement.follow_ups) <= 5


async def test_a_call_that_was_interrupted_is_found_once_it_is_done(
    openai: OpenAI, sandbox: SandboxProcess
) -> None:
    sandbox.set(latency=2.0)
    call_id = uuid4()
    asking = asyncio.create_task(ask(openai, call_id))
    for _ in range(200):
        await asyncio.sleep(0.05)
        if billed(sandbox, call_id).total:
            break
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking

    assert sandbox.book()["by_call"][str(call_id)]["calls"] == 1
    assert (await found_at_last(openai, call_id)).usage == billed(sandbox, call_id)


async def test_an_adapter_that_lets_nothing_be_stored_finds_nothing(
    sandbox: SandboxProcess,
) -> None:
    openai = OpenAI(KEY, "gpt-4.1-mini", base_url=sandbox.openai_url, store=False)
    call_id = uuid4()
    await ask(openai, call_id)

    assert await openai.look_up(call_id, RubricAnswer) is None
    assert sandbox.book()["by_call"][""]["calls"] == 1
    await openai.close()


async def test_a_model_that_reasons_is_asked_without_a_temperature(
    sandbox: SandboxProcess,
) -> None:
    openai = OpenAI(KEY, "gpt-6-luna", base_url=sandbox.openai_url)

    assert judge((await ask(openai)).answer, DOCUMENT).unknown < 0.5
    assert await openai.shutdown_date() is None
    await openai.close()


async def test_the_end_of_a_model_is_known_beforehand(
    openai: OpenAI, sandbox: SandboxProcess
) -> None:
    assert await openai.shutdown_date() == date(2027, 1, 14)

    ended = OpenAI(KEY, "gpt-4", base_url=sandbox.openai_url)
    with pytest.raises(VendorError, match="'gpt-4' does not exist") as gone:
        await ended.shutdown_date()
    assert gone.value.retry_after is None
    await ended.close()


async def test_a_real_key_is_never_taken_by_the_sandbox(sandbox: SandboxProcess) -> None:
    openai = OpenAI("sk-proj-0123456789abcdef", "gpt-4.1-mini", base_url=sandbox.openai_url)

    with pytest.raises(VendorError, match="check OPENAI_API_KEY and OPENAI_BASE_URL") as refused:
        await ask(openai)

    assert refused.value.retry_after is None
    assert "sk-proj" not in str(refused.value)
    await openai.close()


async def test_nobody_there_is_certain_not_to_have_billed() -> None:
    openai = OpenAI(KEY, "gpt-4.1-mini", base_url="http://127.0.0.1:9/v1")

    with pytest.raises(VendorError, match="no connection") as failed:
        await ask(openai)

    assert not failed.value.in_doubt
    await openai.close()


async def test_a_server_on_this_machine_is_not_asked_for_through_a_proxy(
    sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    openai = OpenAI(KEY, "gpt-4.1-mini", base_url=sandbox.openai_url)

    assert (await ask(openai)).usage.total > 0
    await openai.close()


async def test_a_document_too_long_is_a_fault_of_the_document(
    openai: OpenAI, sandbox: SandboxProcess
) -> None:
    with pytest.raises(AnswerError, match="context_length_exceeded") as failed:
        await openai.ask(
            instructions=INSTRUCTIONS,
            document="x" * 600_000,
            answer=RubricAnswer,
            call_id=uuid4(),
            max_output_tokens=LONGEST,
        )

    assert failed.value.retry_after is None
    assert failed.value.usage == Usage()


async def test_a_schema_that_openai_refuses_is_our_fault_and_not_tried_again(
    openai: OpenAI,
) -> None:
    class Empty(BaseModel):
        anything: dict[str, int]

    with pytest.raises(VendorError, match=r"status 400.*response_format") as failed:
        await openai.ask(
            instructions="", document="", answer=Empty, call_id=uuid4(), max_output_tokens=10
        )

    assert failed.value.retry_after is None
    assert not isinstance(failed.value, AnswerError)


async def test_forty_calls_at_once_are_each_billed_once(
    openai: OpenAI, sandbox: SandboxProcess
) -> None:
    sandbox.set(latency=0.1)
    ids = [uuid4() for _ in range(40)]

    replies = await asyncio.gather(*(ask(openai, call_id) for call_id in ids))

    book = sandbox.book()
    assert {call: tally["calls"] for call, tally in book["by_call"].items()} == {
        str(call_id): 1 for call_id in ids
    }
    assert sum(reply.usage.total for reply in replies) == (
        book["prompt_tokens"] + book["completion_tokens"]
    )
