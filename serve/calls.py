"""One request at work: who asks, the time, and how it may read and change things.

A change is one transaction that runs to its end in a task of its own: Ray Serve cancels a handler
when its client hangs up, and a write that was begun must neither be lost nor be half done. Agents
are woken after the commit.
"""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, TypeVar

import orjson
from fastapi import Depends, Header, Request
from pydantic import BaseModel
from starlette.responses import Response

from agents.messages import Message, encode
from policies.decision import Decision
from serve.cursors import Cursors
from serve.dependencies import Dependencies
from serve.gate import Gate, Principal
from serve.problems import Problem
from storage import decisions, idempotency, mailbox
from storage.database import Connection, Database
from storage.lead_bounds import Bounds
from storage.mailbox import Lane, Letter
from storage.sealing import Sealer

LAST_WISHES = 20.0
"""Seconds that writes under way are given when the process stops."""
Answered = TypeVar("Answered")


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered to a change.

    Attributes:
        body: None for no content.
        headers: such as Location and ETag.
    """

    status: int
    body: BaseModel | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    def content(self) -> bytes:
        """Return the body as JSON."""
        return b"" if self.body is None else orjson.dumps(self.body.model_dump(mode="json"))

    def response(self) -> Response:
        """Return the answer as it is sent."""
        kind = None if self.body is None else "application/json"
        return Response(self.content(), self.status, dict(self.headers), kind)


class Effects:
    """What a change may do inside its transaction.

    Attributes:
        db: the open transaction.
        actor: name of the key that asks.
        roles: whom to wake after the commit.
    """

    def __init__(self, db: Connection, call: "Call") -> None:
        self.db = db
        self.sealer = call.api.sealer
        self.now = call.now
        self.actor = f"key:{call.principal.name}"
        self.correlation_id = call.request_id
        self.roles: set[str] = set()

    async def post(
        self,
        recipient: str,
        messages: Sequence[Message],
        *,
        lane: Lane = Lane.NORMAL,
        keys: Sequence[str] | None = None,
    ) -> int:
        """Post messages; return how many were new. ``keys`` says which are the same."""
        letters = [
            Letter(
                recipient,
                message.kind,
                encode(message),
                lane=lane,
                key=keys[place] if keys else None,
                correlation_id=self.correlation_id,
            )
            for place, message in enumerate(messages)
        ]
        posted = await mailbox.post(self.db, letters)
        if posted:
            self.roles.add(recipient)
        return posted

    async def decide(self, *made: Decision) -> None:
        """Record decisions; the last thing a transaction does."""
        await decisions.keep(
            self.db, self.actor, made, correlation_id=self.correlation_id, now=self.now
        )


class Api:
    """What all requests of this process share.

    Attributes:
        given: what the process was started with.
        readiness: when it was last asked for, and the answer (`serve.health`).
    """

    def __init__(self, given: Dependencies, database: Database, sealer: Sealer) -> None:
        self.given = given
        self.limits = given.limits
        self.database = database
        self.sealer = sealer
        self.gate = Gate(given, database)
        self.cursors = Cursors(given.cursor_secret)
        self.bounds = Bounds()
        self.readiness: tuple[datetime, Any] | None = None
        self._under_way: set[asyncio.Task[Any]] = set()

    async def to_its_end(self, work: Coroutine[Any, Any, Answered]) -> Answered:
        """Run ``work`` in a task that goes on when the caller is cancelled."""
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._settled)
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Wait for the writes under way."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=LAST_WISHES)

    def _settled(self, task: asyncio.Task[Any]) -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            task.exception()  # seen; whoever still waits has it as well


class Call:
    """One request.

    Attributes:
        now: when it came in (aware UTC).
        request_id: the correlation id.
    """

    def __init__(self, request: Request) -> None:
        self.request = request
        self.api: Api = request.app.state.api
        self.now: datetime = self.api.given.clock()
        self.principal: Principal = request.state.principal
        self.request_id: str = request.state.request_id

    def header(self, name: str, value: str) -> None:
        """Send a header with the answer, whatever it will be."""
        state = self.request.scope["state"]
        state["headers"] = state.get("headers", {}) | {name: value}

    def next_page(self, scope: Sequence[object], place: object | None) -> str | None:
        """Return the cursor of the next page, and send it as a Link too; None at the end."""
        if place is None:
            return None
        cursor = self.api.cursors.write(scope, place)
        url = self.request.url.include_query_params(cursor=cursor)
        self.header("Link", f'<{url.path}?{url.query}>; rel="next"')
        return cursor

    def reading(self) -> AbstractAsyncContextManager[Connection]:
        """Open a read-only transaction, perhaps on a replica."""
        return self.api.database.reading()

    async def write(self, work: Callable[[Effects], Awaitable[Answered]]) -> Answered:
        """Run ``work`` in one transaction to its end, then wake whom it posted to."""
        return await self.api.to_its_end(self._written(work))

    async def change(self, work: Callable[[Effects], Awaitable[Answer]]) -> Response:
        """Run ``work`` as `write` does and send its answer."""
        return (await self.write(work)).response()

    async def once(
        self,
        key: str | None,
        work: Callable[[Effects], Awaitable[Answer]],
        *,
        kept: Callable[[Answer], Answer] = lambda answer: answer,
    ) -> Response:
        """Run ``work`` at most once for an Idempotency-Key.

        Args:
            kept: makes of the answer what a repetition is told (a secret is told once only).

        Raises:
            Problem: 422 if the key came with another request, 409 while that is under way.
        """
        if key is None:
            return await self.change(work)
        name, digest = bare_key(key), await self._digest()

        async def at_most_once(effects: Effects) -> Response:
            before = await idempotency.begin(
                effects.db, effects.sealer, self.principal.id, name, digest, now=self.now
            )
            if before is not None:
                return replayed(before)
            answer = await work(effects)
            await idempotency.complete(
                effects.db, effects.sealer, self.principal.id, name, stored(kept(answer))
            )
            return answer.response()

        try:
            return await self.write(at_most_once)
        except idempotency.KeyMismatch as error:
            raise mismatch() from error
        except idempotency.KeyInProgress as error:
            raise in_progress() from error

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Effects, None]:
        """Open a transaction, and wake whom it posted to after its commit.

        For work that `Api.to_its_end` protects as a whole.
        """
        async with self.api.database.transaction() as db:
            effects = Effects(db, self)
            yield effects
        if effects.roles:
            self.api.given.wake(effects.roles)

    async def _written(self, work: Callable[[Effects], Awaitable[Answered]]) -> Answered:
        async with self.transaction() as effects:
            return await work(effects)

    async def _digest(self) -> bytes:
        url = self.request.url
        head = f"{self.request.method} {url.path}?{url.query}\n".encode()
        return hashlib.sha256(head + await self.request.body()).digest()


def _call(request: Request) -> Call:
    return Call(request)


Caller = Annotated[Call, Depends(_call)]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[\x20-\x7e]+$",
        description="Names this request, so that it can be repeated without a second effect. "
        "Remembered for 24 hours and for your key; with another body it is refused (422).",
        examples=["8e03978e-40d5-43e8-bc93-6894a57f9324"],
    ),
]


def bare_key(key: str) -> str:
    """Return an Idempotency-Key without the quotes that a structured field has."""
    quoted = len(key) > 2 and key[0] == key[-1] == '"'
    return key[1:-1] if quoted else key


def mismatch() -> Problem:
    """Return the 422 for a key that came with another request before."""
    detail = "This Idempotency-Key came with another request before: choose a new one."
    return Problem(422, "idempotency_mismatch", detail, field="Idempotency-Key")


def in_progress() -> Problem:
    """Return the 409 for a request that is still under way."""
    detail = "The first request with this Idempotency-Key is still under way: ask again."
    headers = {"Retry-After": "1"}
    return Problem(409, "in_progress", detail, field="Idempotency-Key", headers=headers)


def stored(answer: Answer) -> idempotency.Stored:
    """Return an answer as it is kept for repetitions."""
    return idempotency.Stored(answer.status, answer.content(), dict(answer.headers))


def replayed(before: idempotency.Stored) -> Response:
    """Return an answer that was given before."""
    headers = dict(before.headers) | {"Idempotency-Replayed": "true"}
    kind = "application/json" if before.body else None
    return Response(before.body, before.status, headers, kind)
