"""Reading a request to `/v1/chat/completions` or `/v1/responses`, and what is wrong with it."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import orjson
from pydantic import BaseModel, Field, ValidationError

from scripts.sandbox.openai import errors, schema
from scripts.sandbox.openai.models import CONTEXT_TOKENS, MODELS, Model
from scripts.sandbox.server import Answer

BYTES_PER_TOKEN = 4
_ENVELOPE = 8
_LONGEST_ANSWER = 16_384
Api = Literal["chat", "responses"]


class _Part(BaseModel):
    type: str
    text: str = ""


class _Message(BaseModel):
    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[_Part]

    @property
    def text(self) -> str:
        if isinstance(self.content, str):
            return self.content
        return "\n".join(part.text for part in self.content)


class _JsonSchema(BaseModel):
    name: str
    schema_: dict[str, Any] = Field(alias="schema")
    strict: bool | None = None


class _Format(BaseModel):
    type: Literal["text", "json_object", "json_schema"] = "text"
    json_schema: _JsonSchema | None = None


class _Text(BaseModel):
    format: dict[str, Any] | None = None


class _Request(BaseModel):
    model: str
    stream: bool | None = None
    store: bool | None = None
    n: int | None = None
    temperature: float | None = None
    metadata: dict[str, str] | None = None


class _ChatRequest(_Request):
    messages: list[_Message] = Field(min_length=1)
    response_format: _Format = _Format()
    max_tokens: int | None = Field(None, gt=0)
    max_completion_tokens: int | None = Field(None, gt=0)


class _ResponsesRequest(_Request):
    input: str | list[_Message]
    instructions: str | None = None
    text: _Text = _Text()
    max_output_tokens: int | None = Field(None, gt=0)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, whichever of the two ways it came.

    Attributes:
        instructions: of the system or the developer.
        document: what the user says.
        schema: of the answer; None for prose.
        prompt_tokens: a quarter of the bytes of it all.
        longest: tokens that the answer may have.
        call_id: the caller's name for it, from its metadata.
        store: keep the answer.
    """

    api: Api
    model: Model
    instructions: str
    document: str
    schema: schema.Schema | None
    prompt_tokens: int
    longest: int
    store: bool
    metadata: dict[str, str]

    @property
    def call_id(self) -> str | None:
        """The caller's name for this call."""
        return self.metadata.get("call_id")


def read_chat(body: bytes) -> Question | Answer:
    """The question in a chat, or OpenAI's complaint about it."""
    try:
        request = _ChatRequest.model_validate(orjson.loads(body))
    except ValueError as error:
        return _complaint(error)
    longest = request.max_completion_tokens or request.max_tokens or _LONGEST_ANSWER
    form = request.response_format
    if form.type == "json_schema" and form.json_schema is None:
        return errors.error(
            400,
            "Missing required parameter: 'response_format.json_schema'.",
            code="missing_required_parameter",
            param="response_format.json_schema",
        )
    wanted = form.json_schema if form.type == "json_schema" else None
    return _question("chat", request, request.messages, wanted, longest, "response_format")


def read_responses(body: bytes) -> Question | Answer:
    """The question in a response to be made, or OpenAI's complaint about it."""
    try:
        request = _ResponsesRequest.model_validate(orjson.loads(body))
        form = request.text.format or {}
        wanted = _JsonSchema.model_validate(form) if form.get("type") == "json_schema" else None
    except ValueError as error:
        return _complaint(error)
    messages = request.input
    if isinstance(messages, str):
        messages = [_Message(role="user", content=messages)]
    if request.instructions:
        messages = [_Message(role="system", content=request.instructions), *messages]
    longest = request.max_output_tokens or _LONGEST_ANSWER
    return _question("responses", request, messages, wanted, longest, "text.format.schema")


def _question(
    api: Api,
    request: _Request,
    messages: list[_Message],
    wanted: _JsonSchema | None,
    longest: int,
    place: str,
) -> Question | Answer:
    if request.stream or (request.n or 1) != 1:
        return errors.error(400, "The sandbox answers whole and once: no 'stream', no 'n'.")
    model = MODELS.get(request.model)
    if model is None:
        return errors.no_model(request.model)
    if model.reasons and request.temperature not in (None, 1):
        return _no_temperature(request.temperature)
    form = b"" if wanted is None else orjson.dumps(wanted.schema_)
    if wanted is not None and (problem := _schema_fault(wanted.name, form, bool(wanted.strict))):
        return errors.error(400, problem, param=place)
    size = len(form) + sum(len(message.text.encode()) for message in messages)
    tokens = -(-size // BYTES_PER_TOKEN) + _ENVELOPE
    if tokens > CONTEXT_TOKENS:
        return _too_long(tokens)
    ours = [m.text for m in messages if m.role in {"system", "developer"}]
    theirs = [m.text for m in messages if m.role == "user"]
    return Question(
        api=api,
        model=model,
        instructions="\n".join(ours),
        document="\n".join(theirs),
        schema=wanted.schema_ if wanted else None,
        prompt_tokens=tokens,
        longest=longest,
        store=bool(request.store) if api == "chat" else request.store is not False,
        metadata=request.metadata or {},
    )


@lru_cache
def _schema_fault(name: str, form: bytes, strict: bool) -> str | None:  # noqa: FBT001
    return schema.fault(name, orjson.loads(form), strict=strict)


def _complaint(error: ValueError) -> Answer:
    if not isinstance(error, ValidationError):
        return errors.error(
            400,
            "We could not parse the JSON body of your request. (HINT: This likely means you "
            "aren't using your HTTP library correctly. The OpenAI API expects a JSON payload, but "
            "what was sent was not valid JSON.)",
        )
    first = error.errors(include_input=False, include_context=False, include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    if first["type"] == "missing":
        message, code = f"Missing required parameter: '{place}'.", "missing_required_parameter"
    else:
        message, code = f"Invalid value for '{place}': {first['msg']}.", "invalid_value"
    return errors.error(400, message, code=code, param=place or None)


def _no_temperature(value: float | None) -> Answer:
    return errors.error(
        400,
        f"Unsupported value: 'temperature' does not support {value:g} with this model. Only the "
        "default (1) value is supported.",
        code="unsupported_value",
        param="temperature",
    )


def _too_long(tokens: int) -> Answer:
    return errors.error(
        400,
        f"This model's maximum context length is {CONTEXT_TOKENS} tokens. However, your messages "
        f"resulted in {tokens} tokens. Please reduce the length of the messages.",
        code="context_length_exceeded",
        param="messages",
    )
