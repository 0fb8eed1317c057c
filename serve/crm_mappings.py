"""Which of our values the CRM gets: the mapping over HTTP, and what a record would look like."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from policies.crm_checks import check, check_values
from policies.crm_document import CrmMapping
from policies.crm_mapping import Mapped, Problem, opportunity_of, records_of, why_not
from policies.crm_records import Description
from policies.decision import Decision
from policies.lead import Fact, Lead
from serve.calls import Answer, Call, Caller, Effects
from serve.problems import FieldError, not_found
from serve.problems import Problem as Refusal
from serve.scopes import Scope
from serve.shapes.crm import (
    MappedLead,
    MappedSample,
    MappingOut,
    MappingProblem,
    MappingVersion,
    MappingVersions,
    PreviewOut,
    Version,
    plain,
)
from serve.table import Routes
from storage import crm, facts, leads, scoring_results
from storage.crm import KeptMapping
from storage.database import Connection

Asked = MappedLead | MappedSample
OfVersion = Annotated[Version | None, Query(description="none: the one in use")]
POLICY = "serve.crm_mapping"


def add_routes(router: APIRouter) -> None:
    """Add the mapping, and the preview, which shows a person."""
    routes, path = Routes(router, "crm"), "/api/crm/mapping"
    read, write = Scope.CRM_READ, Scope.CRM_WRITE
    routes.add("GET", path, crm_mapping, read, answer=MappingOut, problems=(404,))
    routes.add("PUT", path, put_crm_mapping, write, answer=MappingOut)
    routes.add("GET", f"{path}/versions", crm_mappings, read, answer=MappingVersions)
    routes.add(
        "POST",
        "/api/crm/preview",
        preview_crm_record,
        Scope.LEADS_READ,
        answer=PreviewOut,
        problems=(404,),
    )


async def crm_mapping(call: Caller, version: OfVersion = None) -> MappingOut:
    """Read the mapping that is in use, or an older version, and what is wrong with it."""
    async with call.reading() as db:
        kept = await _kept(db, version)
        return MappingOut.of(kept, await _problems(db, kept.mapping))


async def crm_mappings(call: Caller) -> MappingVersions:
    """List the versions of the mapping that were kept, the newest first; 50 at most."""
    async with call.reading() as db:
        kept = await crm.mappings(db)
    return MappingVersions(
        items=[
            MappingVersion(
                version=each.version, created_by=each.created_by, created_at=each.created_at
            )
            for each in kept
        ]
    )


async def put_crm_mapping(body: CrmMapping, call: Caller) -> Response:
    """Use another mapping from now on; it is held against the CRM's fields before.

    What cannot work is refused (422). Every lead is looked at again, and what differs is sent.
    """

    async def put(effects: Effects) -> Answer:
        problems = await _problems(effects.db, body)
        fatal = [each for each in problems or () if each.fatal]
        if fatal:
            raise _unusable(fatal)
        before = await crm.mapping(effects.db)
        kept = await crm.put_mapping(effects.db, body, created_by=effects.actor, now=effects.now)
        if kept.version != before.version:
            inputs = {"version": kept.version, "before": before.version}
            reason = "An operator sent another mapping."
            await effects.decide(
                Decision("crm.mapping", None, "changed", (reason,), POLICY, inputs)
            )
        return Answer(200, MappingOut.of(kept, problems))

    return await call.change(put)


async def preview_crm_record(body: Asked, call: Caller) -> PreviewOut:
    """Show a record exactly as it would be sent, and what the CRM would object to.

    Of a lead that is kept or of one that is made up; by the mapping in use or by one sent along.
    Nothing is kept, and nothing is sent.
    """
    async with call.reading() as db:
        kept = await crm.mapping(db)
        mapping = body.mapping or kept.mapping
        description = (await crm.state(db)).descriptions.get(mapping.object)
        lead, known, reasons = await _lead(db, call, body)
    mapped = records_of(mapping, lead, known, reasons=reasons)
    opportunity = opportunity_of(mapping, lead, known, today=call.now.date())
    reason = why_not(mapping.audience, lead)
    return PreviewOut(
        mapping_version=kept.version if body.mapping is None else None,
        sent=reason is None,
        why_not=reason,
        record=plain(mapped.record),
        opportunity=None if opportunity is None else plain(opportunity.record),
        problems=_told(mapping, mapped, description),
    )


async def _kept(db: Connection, version: int | None) -> KeptMapping:
    if version is None:
        return await crm.mapping(db)
    kept = await crm.mapping_version(db, version)
    if kept is None:
        raise not_found("mapping", version)
    return kept


async def _problems(db: Connection, mapping: CrmMapping) -> list[Problem] | None:
    description = (await crm.state(db)).descriptions.get(mapping.object)
    return None if description is None else check(mapping, description)


def _unusable(problems: Sequence[Problem]) -> Refusal:
    errors = [
        FieldError(field=each.field, reason="unusable_field", message=each.message)
        for each in problems
    ]
    detail = f"{problems[0].field}: {problems[0].message}"
    return Refusal(422, "unusable_mapping", detail, errors=errors)


async def _lead(db: Connection, call: Call, body: Asked) -> tuple[Lead, list[Fact], str]:
    if isinstance(body, MappedSample):
        return body.sample.lead(call.now), [], ""
    lead = await leads.get(db, call.api.sealer, body.lead_id)
    known = await facts.of(db, [lead.id])
    results = await scoring_results.latest(db, [lead.id])
    reasons = results[lead.id].detail.get("reasoning") if lead.id in results else None
    return lead, known[lead.id], str(reasons or "")


def _told(
    mapping: CrmMapping, mapped: Mapped, description: Description | None
) -> list[MappingProblem]:
    """Of the mapping only what is fatal: what might be wrong is known here."""
    found = list(mapped.problems)
    if description is not None:
        found += [each for each in check(mapping, description) if each.fatal]
        found += check_values(mapped.record, description)
    return [MappingProblem.of(each) for each in dict.fromkeys(found)]
