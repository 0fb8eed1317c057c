"""A file on its way in: cut into parts of one megabyte, each kept before the next is read.

The import is there from the first part on (`receiving`) and queued with the last. When the upload
breaks off, it is marked as failed and what had come is dropped.
"""

import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fastapi import Request
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from agents.messages import ImportLeads
from policies.csv_layout import HEAD_BYTES, CsvUnreadable
from policies.import_plan import ImportOptions, ImportPlan, PlanError, plan_file
from policies.import_preview import preview
from serve.calls import Answer, Call, Effects, bare_key, in_progress, mismatch, replayed, stored
from serve.problems import Problem
from serve.routing import bounded_receive
from serve.shapes.imports import CsvQuery, ImportOut, ImportPreview
from storage import idempotency, imports
from storage.imports import ImportStatus
from storage.mailbox import Lane

PART = 2**20
BROKEN_OFF = "The upload broke off before its end: send the file again."


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a file; ``last`` says whether the file ends with it."""

    content: bytes
    last: bool


async def receive_file(call: Call, wanted: CsvQuery, key: str | None) -> Response:
    """Take a file in, or show how it would be read."""
    parts = _parts(_bounded(call.request, call.api.limits.csv_import))
    try:
        first = await anext(parts)
    except ClientDisconnect:
        raise Problem(400, "upload_incomplete", BROKEN_OFF) from None
    head = first.content[:HEAD_BYTES]
    whole = first.last and len(first.content) <= HEAD_BYTES
    plan = _planned(head, _options(wanted), whole=whole)
    if wanted.dry_run == "true":
        found = preview(head, plan, whole=whole).as_json()
        return Answer(200, ImportPreview.model_validate(found)).response()
    return await _Upload(call, plan, key).receive(first, parts)


class _Upload:
    """One upload, its import and its Idempotency-Key."""

    def __init__(self, call: Call, plan: ImportPlan, key: str | None) -> None:
        self._call = call
        self._plan = plan
        self._key = None if key is None else bare_key(key)

    async def receive(self, first: Part, rest: AsyncIterator[Part]) -> Response:
        """Keep all parts, then queue the import."""
        begun = await self._call.write(self._begin)
        if isinstance(begun, Response):
            return begun
        try:
            size = await self._keep(begun, first, rest)
        except BaseException as error:
            problem = error.detail if isinstance(error, Problem) else BROKEN_OFF
            await self._call.write(lambda effects: self._failed(effects, begun, problem))
            if isinstance(error, ClientDisconnect):
                raise Problem(400, "upload_incomplete", BROKEN_OFF) from None
            raise
        return await self._call.change(lambda effects: self._queued(effects, begun, size))

    async def _begin(self, effects: Effects) -> UUID | Response:
        if self._key is not None:
            before = await self._before(effects, self._key)
            if before is not None:
                return before
        made = await imports.create(
            effects.db,
            filename=self._plan.filename,
            source=self._plan.source,
            plan=self._plan.model_dump(mode="json"),
            correlation_id=effects.correlation_id,
            now=effects.now,
        )
        return made.id

    async def _before(self, effects: Effects, key: str) -> Response | None:
        request = self._call.request
        told = f"{request.url.path}?{request.url.query} {request.headers.get('content-length')}"
        digest, who = hashlib.sha256(told.encode()).digest(), self._call.principal.id
        try:
            answer = await idempotency.begin(
                effects.db, effects.sealer, who, key, digest, now=effects.now
            )
        except idempotency.KeyMismatch as error:
            raise mismatch() from error
        except idempotency.KeyInProgress as error:
            raise in_progress() from error
        return None if answer is None else replayed(answer)

    async def _keep(self, import_id: UUID, first: Part, rest: AsyncIterator[Part]) -> int:
        size, number, part = 0, 0, first
        while True:
            await self._keep_part(import_id, number, part.content)
            size, number = size + len(part.content), number + 1
            if part.last:
                return size
            part = await anext(rest)

    async def _keep_part(self, import_id: UUID, number: int, content: bytes) -> None:
        async def keep(effects: Effects) -> None:
            await imports.add_part(effects.db, effects.sealer, import_id, number, content)

        await self._call.write(keep)

    async def _queued(self, effects: Effects, import_id: UUID, size: int) -> Answer:
        queued = await imports.close_receiving(
            effects.db, import_id, bytes_total=size, now=effects.now
        )
        await effects.post("prospector", [ImportLeads(import_id)], lane=Lane.BULK)
        place = {"Location": f"/api/leads/import/{import_id}"}
        answer = Answer(202, ImportOut.of(queued), place)
        if self._key is not None:
            await idempotency.complete(
                effects.db, effects.sealer, self._call.principal.id, self._key, stored(answer)
            )
        return answer

    async def _failed(self, effects: Effects, import_id: UUID, problem: str) -> None:
        await imports.finish(
            effects.db, import_id, ImportStatus.FAILED, problem=problem, now=effects.now
        )
        if self._key is not None:
            await idempotency.abandon(effects.db, self._call.principal.id, self._key)


def _options(wanted: CsvQuery) -> ImportOptions:
    return ImportOptions(
        filename=wanted.filename,
        source=wanted.source,
        outcome=wanted.outcome,
        mapping=_mapping(wanted.map),
        ignore=wanted.ignore,
        delimiter=wanted.delimiter or None,
        encoding=wanted.encoding or None,
        key=wanted.key,
        country=wanted.country or None,
    )


def _mapping(pairs: list[str]) -> Mapping[str, str]:
    mapping: dict[str, str] = {}
    for pair in pairs:
        column, separator, name = pair.rpartition("=")
        if not separator or not column.strip() or not name.strip():
            raise Problem(
                422,
                "invalid_parameter",
                "Write map as Column=field, such as Mail=email.",
                field="map",
            )
        mapping[column.strip()] = name.strip()
    return mapping


def _planned(head: bytes, options: ImportOptions, *, whole: bool) -> ImportPlan:
    try:
        return plan_file(head, whole=whole, options=options)
    except CsvUnreadable as error:
        raise Problem(422, "csv_unreadable", str(error)) from None
    except PlanError as error:
        raise Problem(422, "invalid_plan", str(error)) from None


async def _bounded(request: Request, limit: int) -> AsyncGenerator[bytes, None]:
    async for chunk in Request(request.scope, bounded_receive(request, limit)).stream():
        yield chunk


async def _parts(stream: AsyncGenerator[bytes, Any]) -> AsyncGenerator[Part, None]:
    """Cut a stream into parts of `PART` bytes; the last one may be shorter, even empty."""
    held = bytearray()
    async for chunk in stream:
        held += chunk
        while len(held) > PART:
            yield Part(bytes(held[:PART]), last=False)
            del held[:PART]
    yield Part(bytes(held), last=True)
