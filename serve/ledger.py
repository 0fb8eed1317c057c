"""The ledger over HTTP: what is reserved, spent and left."""

from typing import Annotated

from fastapi import APIRouter, Query

from serve.calls import Caller
from serve.paging import Limit
from serve.scopes import Scope
from serve.shapes.common import NO_NUL
from serve.shapes.operations import AccountOut, Ledger
from serve.table import Routes
from storage import ledger
from storage.ledger import AccountState

Prefix = Annotated[
    str, Query(max_length=100, pattern=NO_NUL, description="how the account's id begins")
]


def add_routes(router: APIRouter) -> None:
    """Add what can be read of the ledger."""
    routes = Routes(router, "ledger")
    routes.add("GET", "/api/ledger", read_ledger, Scope.LEDGER_READ, answer=Ledger)


async def read_ledger(call: Caller, prefix: Prefix = "", limit: Limit = 100) -> Ledger:
    """List accounts, newest first: money in micro-dollars, tokens, credits, sends."""
    async with call.reading() as db:
        found = await ledger.accounts(db, prefix, limit=limit)
    return Ledger(items=[_shown(each) for each in found])


def _shown(state: AccountState) -> AccountOut:
    return AccountOut(
        id=state.account.id,
        unit=state.account.unit,
        limit=state.account.limit,
        held=state.held,
        spent=state.spent,
        left=state.left,
        opened_at=state.opened_at,
    )
