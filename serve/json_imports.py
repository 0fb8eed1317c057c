"""Leads that come as JSON: kept at once, in one transaction, all of them or none."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from pydantic import ValidationError
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from agents.messages import LeadFound
from policies.json_leads import draft_from_json
from policies.lead import LeadDraft
from serve.calls import Answer, Call, Effects
from serve.problems import Problem, from_validation
from serve.routing import StrictRequest, bounded_receive
from serve.shapes.imports import ImportOut, JsonImport
from serve.strict_json import loads
from storage import activities, imports, leads
from storage.activities import Activity
from storage.imports import ImportProblem, ImportStatus, Progress
from storage.leads import Kept
from storage.mailbox import Lane

FILENAME = "json"
AT_ONCE = 1_000


async def import_json(call: Call, key: str | None) -> Response:
    """Import the leads in the body."""
    body = await _body(call)
    sent = await asyncio.to_thread(_parsed, body)
    drafts, problems = await asyncio.to_thread(_drafts, sent)

    async def keep(effects: Effects) -> Answer:
        made = await imports.create(
            effects.db,
            filename=FILENAME,
            source=sent.source,
            plan={"format": FILENAME, "outcome": sent.outcome_field},
            correlation_id=effects.correlation_id,
            now=effects.now,
        )
        await imports.close_receiving(effects.db, made.id, bytes_total=len(body), now=effects.now)
        created = await _kept(effects, made.id, drafts)
        if problems:
            await imports.add_problems(effects.db, effects.sealer, made.id, problems)
        lost = sum(each.severity == "error" for each in problems)
        done = Progress(
            bytes_done=len(body),
            rows_read=len(sent.leads),
            created=created,
            merged=len(drafts) - created,
            failed=len(sent.leads) - len(drafts),
            warnings=len(problems) - lost,
        )
        await imports.progress(effects.db, made.id, {}, done)
        await imports.finish(effects.db, made.id, ImportStatus.DONE, now=effects.now)
        found = await imports.get(effects.db, made.id)
        place = {"Location": f"/api/leads/import/{made.id}"}
        return Answer(202, ImportOut.of(found), place)

    return await call.once(key, keep)


async def _body(call: Call) -> bytes:
    """Read the body, up to the limit of imports; the request keeps it."""
    request = call.request
    receive = bounded_receive(request, call.api.limits.json_import)
    call.request = StrictRequest(request.scope, receive)
    try:
        return await call.request.body()
    except ClientDisconnect:
        raise Problem(400, "upload_incomplete", "The body broke off before its end.") from None


def _parsed(body: bytes) -> JsonImport:
    try:
        return JsonImport.model_validate(loads(body))
    except ValidationError as error:
        raise from_validation(error.errors()) from None


def _drafts(sent: JsonImport) -> tuple[list[LeadDraft], list[ImportProblem]]:
    drafts: list[LeadDraft] = []
    problems: list[ImportProblem] = []
    for number, row in enumerate(sent.leads, start=1):
        drafted = draft_from_json(row, sent.source, outcome_field=sent.outcome_field)
        if drafted.draft is not None:
            drafts.append(drafted.draft)
        problems += [
            ImportProblem(number, number, each.severity, each.problem, each.column)
            for each in drafted.problems
        ]
    return drafts, problems


async def _kept(effects: Effects, import_id: UUID, drafts: Sequence[LeadDraft]) -> int:
    created = 0
    for start in range(0, len(drafts), AT_ONCE):
        kept = await leads.keep(
            effects.db,
            effects.sealer,
            drafts[start : start + AT_ONCE],
            now=effects.now,
            import_id=import_id,
        )
        created += sum(each.created for each in kept)
        told = {each.id: each for each in kept if each.created or each.changed}
        await activities.record(effects.db, [_activity(effects, k) for k in told.values()])
        await effects.post("enricher", [LeadFound(i) for i in told], lane=Lane.BULK)
    return created


def _activity(effects: Effects, kept: Kept) -> Activity:
    kind = "lead.created" if kept.created else "lead.merged"
    return Activity(effects.now, kept.id, kind, effects.actor, {}, effects.correlation_id)
