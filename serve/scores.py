"""Scores over HTTP: ask for one or many, and read what was said.

A request posts messages; the scorer answers them. Asking twice within five minutes for the same
lead and algorithm queues it once, so that a double click costs nothing.
"""

from collections.abc import Sequence
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from agents.messages import Rescore
from policies.lead import LeadId
from serve.calls import Answer, Call, Caller, Effects
from serve.leads import LeadIdPath
from serve.paging import Limit
from serve.problems import Problem
from serve.scopes import Scope
from serve.shapes.scores import LeadsWhere, Queued, ResultList, ResultOut, TheseLeads
from serve.table import Routes
from storage import lead_search, leads, scoring
from storage.lead_search import LeadFilter
from storage.mailbox import Lane

AT_ONCE = 1_000
SAME_FOR = 300
"""Seconds within which asking again is the same request."""
Which = TheseLeads | LeadsWhere


def add_routes(router: APIRouter) -> None:
    """Add what can be asked about scores."""
    routes = Routes(router, "scores")
    routes.add(
        "POST",
        "/api/leads/score",
        score_leads,
        Scope.LEADS_WRITE,
        answer=Queued,
        status=202,
        problems=(409,),
        costly=True,
    )
    routes.add(
        "POST",
        "/api/leads/{id:uuid}/score",
        score_lead,
        Scope.LEADS_WRITE,
        answer=Queued,
        status=202,
        problems=(404, 409),
    )
    routes.add(
        "GET",
        "/api/leads/{id:uuid}/scores",
        lead_scores,
        Scope.LEADS_READ,
        answer=ResultList,
        problems=(404,),
    )


async def score_lead(lead_id: LeadIdPath, call: Caller) -> Response:
    """Score a lead now, before everything else that waits."""

    async def ask(effects: Effects) -> Answer:
        lead = await leads.get(effects.db, effects.sealer, lead_id)
        stem = f"{await _active(effects)}:v{lead.version}"
        return _accepted(await _post(effects, [lead.id], stem, Lane.URGENT))

    return await call.change(ask)


async def score_leads(body: Which, call: Caller) -> Response:
    """Score many leads again: those with these ids, or all that meet the criteria."""
    match body:
        case TheseLeads(lead_ids=lead_ids):
            work = _these(call, list(dict.fromkeys(lead_ids)))
        case LeadsWhere(filter=criteria):
            work = _where(call, criteria.filter())
    return _accepted(await call.api.to_its_end(work)).response()


async def lead_scores(lead_id: LeadIdPath, call: Caller, limit: Limit = 20) -> ResultList:
    """Tell how a lead was scored, newest first, and why."""
    async with call.reading() as db:
        await leads.get(db, call.api.sealer, lead_id)
        found = await scoring.of_lead(db, lead_id, limit=limit)
    return ResultList(items=[ResultOut.of(each) for each in found])


async def _these(call: Call, ids: Sequence[UUID]) -> int:
    queued = 0
    for start in range(0, len(ids), AT_ONCE):
        async with call.transaction() as effects:
            stem = str(await _active(effects))
            asked = ids[start : start + AT_ONCE]
            there = await leads.get_many(effects.db, effects.sealer, asked)
            queued += await _post(effects, [lead.id for lead in there], stem, Lane.NORMAL)
    return queued


async def _where(call: Call, wanted: LeadFilter) -> int:
    queued, after = 0, None
    while True:
        async with call.transaction() as effects:
            stem = str(await _active(effects))
            found = await lead_search.ids(
                effects.db, effects.sealer, wanted, after=after, limit=AT_ONCE
            )
            queued += await _post(effects, found, stem, Lane.BULK)
        if len(found) < AT_ONCE:
            return queued
        after = found[-1]


async def _active(effects: Effects) -> UUID:
    active = await scoring.active_id(effects.db)
    if active is None:
        raise Problem(409, "no_algorithm", "No scoring algorithm is active: activate one first.")
    return active


async def _post(effects: Effects, ids: Sequence[LeadId], stem: str, lane: Lane) -> int:
    slot = int(effects.now.timestamp()) // SAME_FOR
    keys = [f"rescore:{lead_id}:{stem}:{slot}" for lead_id in ids]
    return await effects.post("scorer", [Rescore(i) for i in ids], lane=lane, keys=keys)


def _accepted(queued: int) -> Answer:
    return Answer(202, Queued(queued=queued))
