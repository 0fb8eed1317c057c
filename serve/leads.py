"""Leads over HTTP: create, read, change, remove, and what happened to them."""

import re
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Path
from pydantic_core import PydanticCustomError
from starlette.responses import Response

from agents.messages import LeadFound
from policies.lead import Lead, LeadId
from serve.calls import Answer, Caller, Effects, IdempotencyKey
from serve.paging import Cursor, Limit
from serve.problems import invalid
from serve.scopes import Scope
from serve.shapes.leads import ActivityOut, LeadOut, LeadPatch, NewLead, Timeline
from serve.table import Routes
from storage import activities, leads, suppressions
from storage.activities import Activity, Place
from storage.suppressions import Reason

LeadIdPath = Annotated[UUID, Path(alias="id", description="of the lead")]
IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        description="ETag that was read; the change is refused (412) if the lead has changed since",
        pattern=r'^("[0-9]{1,9}"|\*)$',
    ),
]


def add_routes(router: APIRouter) -> None:
    """Add what can be done with one lead."""
    routes = Routes(router, "leads")
    one, tag = "/api/leads/{id:uuid}", {"ETag": "the lead's version in quotes"}
    routes.add(
        "POST",
        "/api/leads",
        create_lead,
        Scope.LEADS_WRITE,
        answer=LeadOut,
        status=201,
        problems=(409,),
        headers=tag | {"Location": "address of the lead"},
        also={200: LeadOut},
    )
    routes.add(
        "GET",
        one,
        get_lead,
        Scope.LEADS_READ,
        answer=LeadOut,
        problems=(404,),
        headers=tag,
    )
    routes.add(
        "PATCH",
        one,
        change_lead,
        Scope.LEADS_WRITE,
        answer=LeadOut,
        problems=(404, 409, 412),
        headers=tag,
    )
    routes.add(
        "DELETE",
        one,
        remove_lead,
        Scope.LEADS_WRITE,
        status=204,
        problems=(404,),
    )
    routes.add(
        "GET",
        f"{one}/timeline",
        lead_timeline,
        Scope.LEADS_READ,
        answer=Timeline,
        problems=(404,),
    )


async def create_lead(body: NewLead, call: Caller, key: IdempotencyKey = None) -> Response:
    """Create a lead, or add to the one that has this e-mail address or name at its source.

    The answer is 201 for a new lead and 200 for one that was there; what it knew is kept. The
    enricher and the scorer go on with it.
    """
    draft = body.draft()

    async def create(effects: Effects) -> Answer:
        kept = (await leads.keep(effects.db, effects.sealer, [draft], now=effects.now))[0]
        lead = await leads.get(effects.db, effects.sealer, kept.id)
        if kept.created or kept.changed:
            await _told(effects, kept.id, "lead.created" if kept.created else "lead.merged")
        return _shown(lead, 201 if kept.created else 200)

    return await call.once(key, create)


async def get_lead(lead_id: LeadIdPath, call: Caller) -> LeadOut:
    """Read one lead."""
    async with call.reading() as db:
        lead = await leads.get(db, call.api.sealer, lead_id)
    call.header("ETag", etag(lead))
    return LeadOut.of(lead)


async def change_lead(
    lead_id: LeadIdPath, body: LeadPatch, call: Caller, if_match: IfMatch = None
) -> Response:
    """Change some fields of a lead; the agents look at it again."""

    async def change(effects: Effects) -> Answer:
        before = await leads.get(effects.db, effects.sealer, lead_id, lock=True)
        try:
            wanted = body.change(before.country)
        except PydanticCustomError as error:
            raise invalid("phone", error.message(), "invalid_phone") from None
        lead = await leads.update(
            effects.db,
            effects.sealer,
            lead_id,
            wanted,
            expected_version=_version(if_match),
            now=effects.now,
        )
        if lead.version != before.version:
            await _told(effects, lead.id, "lead.changed", fields=sorted(wanted))
        return _shown(lead, 200)

    return await call.change(change)


async def remove_lead(lead_id: LeadIdPath, call: Caller) -> Response:
    """Remove a lead; it is purged for good after the time that the operator set.

    No source makes it again: whoever wants it back adds it by hand.
    """

    async def remove(effects: Effects) -> Answer:
        await suppressions.bar_lead(
            effects.db,
            effects.sealer,
            lead_id,
            reason=Reason.DELETED,
            source=effects.actor,
            now=effects.now,
        )
        await leads.remove(effects.db, lead_id, now=effects.now)
        await activities.record(effects.db, [_activity(effects, lead_id, "lead.removed")])
        return Answer(204)

    return await call.change(remove)


async def lead_timeline(
    lead_id: LeadIdPath, call: Caller, limit: Limit = 50, cursor: Cursor = None
) -> Timeline:
    """Tell what happened to a lead, newest first."""
    scope = ("timeline", lead_id)
    after = call.api.cursors.read(scope, cursor, Place) if cursor else None
    async with call.reading() as db:
        await leads.get(db, call.api.sealer, lead_id)
        page = await activities.timeline(db, lead_id, after=after, limit=limit)
    items = [_activity_out(each) for each in page.items]
    return Timeline(items=items, next=call.next_page(scope, page.next))


def etag(lead: Lead) -> str:
    """Return the tag of a lead as it is now."""
    return f'"{lead.version}"'


def _version(if_match: str | None) -> int | None:
    if if_match is None or if_match == "*":
        return None
    digits = re.sub(r"\D", "", if_match)
    return int(digits)


def _shown(lead: Lead, status: int) -> Answer:
    headers = {"ETag": etag(lead)}
    if status == 201:
        headers["Location"] = f"/api/leads/{lead.id}"
    return Answer(status, LeadOut.of(lead), headers)


async def _told(effects: Effects, lead_id: LeadId, kind: str, **details: object) -> None:
    await activities.record(effects.db, [_activity(effects, lead_id, kind, **details)])
    await effects.post("enricher", [LeadFound(lead_id)])


def _activity(effects: Effects, lead_id: UUID, kind: str, **details: object) -> Activity:
    return Activity(effects.now, lead_id, kind, effects.actor, details, effects.correlation_id)


def _activity_out(activity: Activity) -> ActivityOut:
    return ActivityOut(
        at=activity.at,
        kind=activity.kind,
        actor=activity.actor,
        details=dict(activity.details),
        correlation_id=activity.correlation_id,
    )
