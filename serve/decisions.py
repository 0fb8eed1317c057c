"""The book of decisions over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from serve.calls import Caller
from serve.paging import Cursor, Limit
from serve.scopes import Scope
from serve.shapes.common import NO_NUL
from serve.shapes.operations import BrokenOut, DecisionOut, DecisionPage, Verification
from serve.table import Routes
from storage import decisions
from storage.decisions import Filter, Place, Recorded

Word = Annotated[str | None, Query(max_length=100, pattern=NO_NUL)]


def add_routes(router: APIRouter) -> None:
    """Add what can be read of decisions."""
    routes = Routes(router, "decisions")
    scope = Scope.DECISIONS_READ
    routes.add("GET", "/api/decisions", list_decisions, scope, answer=DecisionPage)
    routes.add(
        "GET", "/api/decisions/verify", verify_decisions, scope, answer=Verification, costly=True
    )


async def list_decisions(
    call: Caller,
    subject: UUID | None = None,
    agent: Word = None,
    action: Word = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> DecisionPage:
    """List who decided what, why and by which rules, newest first."""
    scope = ("decisions", subject, agent, action)
    after = call.api.cursors.read(scope, cursor, Place) if cursor else None
    async with call.reading() as db:
        page = await decisions.page(db, Filter(subject, agent, action), after=after, limit=limit)
    items = [_shown(each) for each in page.items]
    return DecisionPage(items=items, next=call.next_page(scope, page.next))


async def verify_decisions(call: Caller) -> Verification:
    """Recompute every hash chain and tell where one does not hold."""
    async with call.reading() as db:
        broken = await decisions.verify(db)
    found = [BrokenOut(chain=each.chain, seq=each.seq, problem=each.problem) for each in broken]
    return Verification(sound=not found, broken=found)


def _shown(decision: Recorded) -> DecisionOut:
    return DecisionOut(
        made_at=decision.place.made_at,
        agent=decision.agent,
        action=decision.action,
        subject=decision.subject,
        verdict=decision.verdict,
        reasons=list(decision.reasons),
        policy=decision.policy,
        inputs=decision.inputs,
        correlation_id=decision.correlation_id,
        chain=decision.place.chain,
        seq=decision.place.seq,
        hash=decision.hash.hex(),
    )
