"""The engine at a glance, for the status screen and the command line."""

from fastapi import APIRouter

from serve.agents import shown
from serve.calls import Caller
from serve.scopes import Scope
from serve.shapes.operations import ActiveAlgorithm, SpendingOut, Status
from serve.table import Routes
from storage import agents, figures, scoring
from storage.figures import Spending
from storage.scoring import StoredAlgorithm


def add_routes(router: APIRouter) -> None:
    """Add the status."""
    Routes(router, "status").add(
        "GET", "/api/status", read_status, Scope.AGENTS_READ, answer=Status
    )


async def read_status(call: Caller) -> Status:
    """Tell how many leads stand where, what scores, what waits and what was spent today."""
    async with call.reading() as db:
        counts = await figures.counts(db, now=call.now)
        active = await scoring.active(db)
        crew = await agents.overview(db, now=call.now)
    return Status(
        version=call.api.given.version,
        now=call.now,
        leads=counts.leads,
        total=counts.total,
        scored=counts.scored,
        average_score=counts.average_score,
        imports_open=counts.imports_open,
        unknown_calls=counts.unknown_calls,
        active_algorithm=None if active is None else _algorithm(active),
        sandboxed=list(call.api.given.sandboxed),
        agents=[shown(agent) for agent in crew],
        spending=[_account(each) for each in counts.spending],
    )


def _algorithm(stored: StoredAlgorithm) -> ActiveAlgorithm:
    return ActiveAlgorithm(id=stored.id, name=stored.name, version=stored.version, kind=stored.kind)


def _account(each: Spending) -> SpendingOut:
    left = None if each.limit is None else max(0, each.limit - each.held - each.spent)
    return SpendingOut(
        id=each.account,
        unit=each.unit,
        limit=each.limit,
        held=each.held,
        spent=each.spent,
        left=left,
    )
