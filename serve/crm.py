"""The CRM over HTTP: how it stands, its records, the quarantine and what differs.

The API never calls the CRM: the syncer does, and keeps what it learned. A connection test is a
message to it, and a look at what it kept.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import TypeAdapter
from starlette.responses import Response

from agents.messages import CheckCrm, SyncLead
from policies.decision import Decision
from policies.failure import Breaker, may_call
from policies.lead import LeadId
from serve.calls import Answer, Call, Caller, Effects
from serve.leads import LeadIdPath
from serve.paging import Cursor, Limit
from serve.problems import Problem, not_found
from serve.scopes import Scope
from serve.shapes.crm import (
    CrmBreaker,
    CrmOut,
    CrmTest,
    DriftOut,
    DriftPage,
    LinkOut,
    LinkPage,
    Released,
    SyncQueued,
    shown_state,
)
from serve.shapes.scores import LeadsWhere, TheseLeads
from serve.table import Routes
from storage import agents, crm, crm_drift, crm_links, lead_search, leads, vendor_states
from storage.crm_drift import Why
from storage.crm_links import Link, LinkState
from storage.lead_search import LeadFilter
from storage.mailbox import Lane

SYNCER = "crm_syncer"
POLICY = "serve.crm"
PATIENCE = 10.0
"""Seconds that a connection test waits for the syncer."""
LOOK_EVERY = 0.1
AT_ONCE = 1_000
SAME_FOR = 300
"""Seconds within which asking again is the same request."""
_BREAKER = TypeAdapter(Breaker)
Which = TheseLeads | LeadsWhere
State = Annotated[LinkState | None, Query(description="only records in this state")]
Because = Annotated[Why | None, Query(description="only differences of this kind")]


def add_routes(router: APIRouter) -> None:
    """Add what can be done with the CRM."""
    routes, base = Routes(router, "crm"), "/api/crm"
    read, write = Scope.CRM_READ, Scope.CRM_WRITE
    held = f"{base}/quarantine/{{id:uuid}}"
    routes.add("GET", base, crm_overview, read, answer=CrmOut)
    routes.add("POST", f"{base}/test", check_crm, write, answer=CrmTest, problems=(409,))
    routes.add("GET", f"{base}/links", crm_links_page, read, answer=LinkPage)
    routes.add("GET", f"{base}/quarantine", crm_quarantine, read, answer=LinkPage)
    routes.add("POST", f"{held}/retry", retry_crm_record, write, answer=Released, problems=(404,))
    routes.add("POST", f"{held}/drop", drop_crm_record, write, answer=Released, problems=(404,))
    routes.add("GET", f"{base}/drift", crm_differences, read, answer=DriftPage)
    routes.add(
        "POST", f"{base}/sync", sync_leads, write, answer=SyncQueued, status=202, costly=True
    )


async def crm_overview(call: Caller) -> CrmOut:
    """Tell how the CRM stands: connection, allowance, records by state, the last look at it."""
    return await _overview(call)


async def check_crm(call: Caller) -> CrmTest:
    """Test the connection: log in, ask who we are, look at the fields of Lead again.

    The syncer does it; if it is busy the answer comes after ten seconds without its word.
    """
    async with call.reading() as db:
        every = await agents.overview(db, now=call.now)
    if not any(each.role == SYNCER and each.workers and not each.paused for each in every):
        raise Problem(
            409,
            "not_running",
            "No CRM syncer is at work: set the credentials (SALESFORCE_…) and start the engine, or "
            "resume the agent crm_syncer.",
        )

    async def ask(effects: Effects) -> None:
        await effects.post(SYNCER, [CheckCrm()], lane=Lane.URGENT)

    await call.write(ask)
    answered = await _looked_at(call, call.now)
    return CrmTest(answered=answered, crm=await _overview(call))


async def crm_links_page(
    call: Caller, state: State = None, limit: Limit = 50, cursor: Cursor = None
) -> LinkPage:
    """List what the CRM has of our leads, the last changed first."""
    return await _links(call, ("crm links", state), [state] if state else [], limit, cursor)


async def crm_quarantine(call: Caller, limit: Limit = 50, cursor: Cursor = None) -> LinkPage:
    """List the records that the CRM refuses for good, with its own words; nobody sends them."""
    wanted = [LinkState.QUARANTINED]
    return await _links(call, ("crm quarantine",), wanted, limit, cursor)


async def retry_crm_record(lead_id: LeadIdPath, call: Caller) -> Response:
    """Try a quarantined or dropped record again; make one anew that was deleted over there."""

    async def retry(effects: Effects) -> Answer:
        if not await crm_links.retry(effects.db, [lead_id], now=effects.now):
            raise not_found("quarantined record of lead", lead_id)
        await effects.post(SYNCER, [SyncLead(lead_id)], lane=Lane.URGENT)
        return await _released(effects, lead_id, LinkState.RETRY)

    return await call.change(retry)


async def drop_crm_record(lead_id: LeadIdPath, call: Caller) -> Response:
    """Leave a quarantined record as it is for good; what the CRM has of the lead stays there."""

    async def drop(effects: Effects) -> Answer:
        if not await crm_links.drop(effects.db, [lead_id], now=effects.now):
            raise not_found("quarantined record of lead", lead_id)
        return await _released(effects, lead_id, LinkState.DROPPED)

    return await call.change(drop)


async def crm_differences(
    call: Caller, why: Because = None, limit: Limit = 50, cursor: Cursor = None
) -> DriftPage:
    """List what differs between us and the CRM, as the last comparison found it."""
    scope = ("crm drift", why)
    after = call.api.cursors.read(scope, cursor, tuple[UUID, str]) if cursor else None
    async with call.reading() as db:
        found = await crm_drift.page(db, why=why, after=after, limit=limit + 1)
        counts = await crm_drift.counts(db)
        compared_at = (await crm.state(db)).compared_at
    items = [
        DriftOut(
            lead_id=each.lead_id,
            object=each.sobject,
            field=each.field or None,
            why=each.why,
            seen_at=each.seen_at,
        )
        for each in found[:limit]
    ]
    last = (items[-1].lead_id, items[-1].field or "") if len(found) > limit else None
    return DriftPage(
        compared_at=compared_at,
        counts={each.value: n for each, n in counts.items() if n},
        items=items,
        next=call.next_page(scope, last),
    )


async def sync_leads(body: Which, call: Caller) -> Response:
    """Bring records of leads up to date: those with these ids, or all that meet the criteria.

    Nothing is sent for a lead whose record is as it should be.
    """
    match body:
        case TheseLeads(lead_ids=lead_ids):
            work = _these(call, list(dict.fromkeys(lead_ids)))
        case LeadsWhere(filter=criteria):
            work = _where(call, criteria.filter())
    return Answer(202, SyncQueued(queued=await call.api.to_its_end(work))).response()


async def _overview(call: Call) -> CrmOut:
    async with call.reading() as db:
        state, kept = await crm.state(db), await crm.mapping(db)
        counts = await crm_links.counts(db)
        vendor = await vendor_states.of(db, crm.SALESFORCE)
        drift = await crm_drift.counts(db)
    return shown_state(
        state,
        _breaker(vendor, call.now),
        records={each.value: n for each, n in counts.items() if n},
        drift={each.value: n for each, n in drift.items() if n},
        mapping_version=kept.version,
    )


def _breaker(vendor: dict[str, object] | None, now: datetime) -> CrmBreaker:
    told = (vendor or {}).get("breaker")
    breaker = _BREAKER.validate_python(told or {})
    held = not may_call(breaker, now)
    return CrmBreaker(
        open=held, until=breaker.open_until if held else None, failures=breaker.failures
    )


async def _looked_at(call: Call, asked: datetime) -> bool:
    """Wait until the syncer has looked, for as long as a caller is patient."""
    for _ in range(round(PATIENCE / LOOK_EVERY)):
        async with call.api.database.transaction() as db:
            state = await crm.state(db)
        if state.checked_at is not None and state.checked_at >= asked:
            return True
        await asyncio.sleep(LOOK_EVERY)
    return False


async def _links(
    call: Call,
    scope: Sequence[object],
    states: Sequence[LinkState],
    limit: int,
    cursor: str | None,
) -> LinkPage:
    place = tuple[datetime, UUID]
    before = call.api.cursors.read(scope, cursor, place) if cursor else None
    async with call.reading() as db:
        found = await crm_links.page(db, states=states, before=before, limit=limit + 1)
        account = (await crm.state(db)).account
    items = found[:limit]
    last = (items[-1].updated_at, items[-1].lead_id) if len(found) > limit else None
    base = account.instance if account else None
    return LinkPage(items=[_link(each, base) for each in items], next=call.next_page(scope, last))


def _link(link: Link, base: str | None) -> LinkOut:
    known = link.crm_id is not None and base is not None
    return LinkOut(
        lead_id=link.lead_id,
        object=link.sobject,
        crm_id=link.crm_id,
        url=f"{base}/{link.crm_id}" if known else None,
        state=link.state,
        attempts=link.attempts,
        code=link.code,
        problem=link.problem,
        fields=list(link.problem_fields),
        crm_status=link.crm_status,
        lead_version=link.lead_version,
        synced_at=link.synced_at,
        updated_at=link.updated_at,
    )


async def _released(effects: Effects, lead_id: UUID, state: LinkState) -> Answer:
    reason = "An operator looked at it."
    decision = Decision(f"crm.{state}", lead_id, state.value, (reason,), POLICY, {})
    await effects.decide(decision)
    return Answer(200, Released(lead_id=lead_id, state=state.value))


async def _these(call: Call, ids: Sequence[UUID]) -> int:
    queued = 0
    for start in range(0, len(ids), AT_ONCE):
        async with call.transaction() as effects:
            asked = ids[start : start + AT_ONCE]
            there = await leads.get_many(effects.db, effects.sealer, asked)
            queued += await _post(effects, [lead.id for lead in there], Lane.NORMAL)
    return queued


async def _where(call: Call, wanted: LeadFilter) -> int:
    queued, after = 0, None
    while True:
        async with call.transaction() as effects:
            found = await lead_search.ids(
                effects.db, effects.sealer, wanted, after=after, limit=AT_ONCE
            )
            queued += await _post(effects, found, Lane.BULK)
        if len(found) < AT_ONCE:
            return queued
        after = found[-1]


async def _post(effects: Effects, ids: Sequence[LeadId], lane: Lane) -> int:
    slot = int(effects.now.timestamp()) // SAME_FOR
    keys = [f"crm.sync:{lead_id}:api:{slot}" for lead_id in ids]
    return await effects.post(SYNCER, [SyncLead(i) for i in ids], lane=lane, keys=keys)
