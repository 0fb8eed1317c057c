"""OpenAI: answers a question about one document in a given structure.

One call, one document, no retries of its own: pace, patience and second attempts belong to the
caller. A call carries the caller's ``call_id`` in its metadata and is stored by OpenAI, so that
one whose answer never arrived can be looked up instead of being paid for twice.

API: https://platform.openai.com/docs/api-reference/chat (package openai 3.54, read 2026-11-22).
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from functools import lru_cache
from typing import TypeVar, cast
from uuid import UUID

import httpx2
import openai
from openai.types.chat import ChatCompletionMessageParam
from openai.types.shared_params import ResponseFormatJSONSchema
from pydantic import BaseModel

from agents.vendors.openai import failures, wire
from policies.llm import RateLimits, Reply
from policies.llm_prices import WorstCase, rated_tokens, worst_case

A = TypeVar("A", bound=BaseModel)

_NOT_IN_STRICT_SCHEMAS = frozenset({"default", "minLength", "maxLength"})
_TAKES_TEMPERATURE = ("gpt-3.5", "gpt-4")
"""Models that do not reason; the others refuse any temperature but their own."""
_CONNECT_SECONDS = 5.0
_THIS_MACHINE = frozenset({"127.0.0.1", "::1", "localhost"})


class OpenAI:
    """A model of OpenAI, or of a server that speaks its protocol.

    Args:
        api_key: the secret; a sandbox wants one that begins with ``sandbox-``.
        model: such as ``gpt-4.1-mini``.
        base_url: None for OpenAI itself.
        timeout: for a whole call, however slowly its answer drips.
        store: let OpenAI keep the answers for `look_up` (30 days).
        http_client: None for one of its own.
    """

    def __init__(
        self,
        api_key: str,
        model: str,
        *,
        base_url: str | None = None,
        timeout: timedelta = timedelta(seconds=60),
        store: bool = True,
        http_client: httpx2.AsyncClient | None = None,
    ) -> None:
        self.model = model
        self._timeout = timeout.total_seconds()
        self._store = store
        patience = httpx2.Timeout(self._timeout, connect=_CONNECT_SECONDS)
        self._client = openai.AsyncOpenAI(
            api_key=api_key,
            base_url=base_url,
            max_retries=0,
            timeout=patience,
            http_client=http_client or _http_client(base_url, patience),
        )

    async def ask(
        self,
        *,
        instructions: str,
        document: str,
        answer: type[A],
        call_id: UUID,
        max_output_tokens: int,
    ) -> Reply[A]:
        """Ask the model to judge ``document``, which is data, as ``instructions`` say.

        Args:
            instructions: ours; the same for many documents, so that the vendor can cache them.
            document: what is judged; never followed as an order.
            answer: the structure of the answer; its own limits are checked again here.
            call_id: ours, unique for every intended call.
            max_output_tokens: the longest answer, hidden reasoning included.

        Raises:
            AnswerError: the call was answered, and mostly billed, but not usefully.
            VendorError: the call was not answered.
        """
        messages: list[ChatCompletionMessageParam] = [
            {"role": "system", "content": instructions},
            {"role": "user", "content": document},
        ]
        async with self._deadline():
            raw = await self._client.chat.completions.with_raw_response.create(
                model=self.model,
                messages=messages,
                response_format=_response_format(answer),
                max_completion_tokens=max_output_tokens,
                temperature=0 if self.model.startswith(_TAKES_TEMPERATURE) else openai.omit,
                store=self._store,
                metadata={"call_id": str(call_id)} if self._store else openai.omit,
            )
        completion = wire.read(wire.Completion, raw.content)
        return _reply(completion, answer, raw.request_id, wire.rate_limits(raw.headers))

    async def look_up(self, call_id: UUID, answer: type[A]) -> Reply[A] | None:
        """Find the answer to an earlier call; None if there is none, at least not yet.

        Only a call that is past its deadline is certain to be listed if it was billed.

        Raises:
            AnswerError: it was answered, but not usefully.
            VendorError: the list cannot be read.
        """
        async with self._deadline():
            raw = await self._client.chat.completions.with_raw_response.list(
                metadata={"call_id": str(call_id)}, limit=1
            )
        page = wire.read(wire.CompletionPage, raw.content)
        if not page.data:
            return None
        return _reply(page.data[0], answer, raw.request_id, RateLimits())

    async def shutdown_date(self) -> date | None:
        """The day when the model ends, or None if none is announced.

        Raises:
            VendorError: the model is unknown already, or nobody answers.
        """
        async with self._deadline():
            raw = await self._client.models.with_raw_response.retrieve(self.model)
        return wire.read(wire.Model, raw.content).shutdown_date

    def worst_case(
        self, *, instructions: str, document: str, answer: type[BaseModel], max_output_tokens: int
    ) -> WorstCase:
        """The most that such a call can use and cost."""
        size = _prompt_bytes(instructions, document, answer)
        return worst_case(self.model, size, max_output_tokens)

    def rated_tokens(
        self, *, instructions: str, document: str, answer: type[BaseModel], max_output_tokens: int
    ) -> int:
        """The tokens that OpenAI's limiter counts for such a call."""
        return rated_tokens(_prompt_bytes(instructions, document, answer), max_output_tokens)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    @asynccontextmanager
    async def _deadline(self) -> AsyncGenerator[None]:
        try:
            async with asyncio.timeout(self._timeout):
                yield
        except openai.APIError as error:
            raise failures.understood(error, self.model) from None
        except TimeoutError:
            raise failures.overdue(self._timeout) from None


def _http_client(base_url: str | None, patience: httpx2.Timeout) -> httpx2.AsyncClient | None:
    """For a server on this machine a client that asks no proxy of the environment for it."""
    if base_url is None or httpx2.URL(base_url).host not in _THIS_MACHINE:
        return None
    return openai.DefaultAsyncHttpx2Client(base_url=base_url, timeout=patience, trust_env=False)


def _reply(
    completion: wire.Completion, answer: type[A], request_id: str | None, limits: RateLimits
) -> Reply[A]:
    return Reply(
        answer=wire.parsed(completion, answer),
        usage=completion.usage.billed,
        model=completion.model,
        request_id=request_id or completion.id,
        limits=limits,
    )


def _prompt_bytes(instructions: str, document: str, answer: type[BaseModel]) -> int:
    return len(instructions.encode()) + len(document.encode()) + _schema_bytes(answer)


@lru_cache
def _schema_bytes(answer: type[BaseModel]) -> int:
    return len(repr(_response_format(answer)).encode())


@lru_cache
def _response_format(answer: type[BaseModel]) -> ResponseFormatJSONSchema:
    function = openai.pydantic_function_tool(answer)["function"]
    schema = cast("dict[str, object]", _strict(function.get("parameters")))
    return {
        "type": "json_schema",
        "json_schema": {"name": function["name"], "strict": True, "schema": schema},
    }


def _strict(node: object, *, named: bool = False) -> object:
    """A schema without the keywords that strict structured output may refuse.

    Args:
        node: a schema or a part of one.
        named: its keys are names of ours, not keywords.
    """
    if isinstance(node, list):
        return [_strict(part) for part in node]
    if not isinstance(node, dict):
        return node
    return {
        key: _strict(part, named=not named and key in {"properties", "$defs"})
        for key, part in node.items()
        if named or key not in _NOT_IN_STRICT_SCHEMAS
    }
