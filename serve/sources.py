"""Lead sources over HTTP: how they are doing, previews, and searches for leads.

The API asks no vendor. It keeps what is wanted and posts a message; the prospector does the rest,
and what it last heard of each source is read from the database.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path
from starlette.responses import Response

from agents.messages import FindLeads, PreviewSearch
from serve.calls import Answer, Caller, Effects, IdempotencyKey
from serve.paging import Cursor, Limit
from serve.problems import Problem
from serve.scopes import Scope
from serve.shapes.sources import (
    MICRO,
    AskPreview,
    NewSearch,
    PreviewOut,
    SearchOut,
    SearchPage,
    SourceList,
    SourceOut,
)
from serve.table import Routes
from storage import ledger, profiles, searches, source_accounts, source_previews, vendor_states
from storage.ledger import AccountState
from storage.mailbox import Lane
from storage.searches import SearchClosed
from storage.source_accounts import SourceAccount

NAMES = ("uplead", "zoominfo", "linkedin")
STILL_THERE = timedelta(hours=1)
"""A source that no prospector had for so long is not connected any more."""
MANY = 100
"""From so many leads on a search goes behind everything else."""
SearchId = Annotated[UUID, Path(alias="id", description="of the search")]
PreviewId = Annotated[UUID, Path(alias="id", description="of the preview")]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a page of searches ends."""

    created_at: datetime
    id: UUID


def add_routes(router: APIRouter) -> None:
    """Add what can be done with lead sources."""
    routes = Routes(router, "sources")
    base, one = "/api/sources/searches", "/api/sources/searches/{id:uuid}"
    routes.add("GET", "/api/sources", list_sources, Scope.SOURCES_READ, answer=SourceList)
    routes.add(
        "POST",
        "/api/sources/preview",
        preview_search,
        Scope.SOURCES_READ,
        answer=PreviewOut,
        status=202,
        problems=(404,),
        headers={"Location": "address of the preview"},
    )
    routes.add(
        "GET",
        "/api/sources/previews/{id:uuid}",
        get_preview,
        Scope.SOURCES_READ,
        answer=PreviewOut,
        problems=(404,),
    )
    routes.add(
        "POST",
        "/api/sources/find",
        find_leads,
        Scope.SOURCES_WRITE,
        answer=SearchOut,
        status=202,
        problems=(404, 409),
        headers={"Location": "address of the search"},
    )
    routes.add("GET", base, list_searches, Scope.SOURCES_READ, answer=SearchPage)
    routes.add("GET", one, get_search, Scope.SOURCES_READ, answer=SearchOut, problems=(404,))
    routes.add(
        "POST",
        f"{one}/cancel",
        cancel_search,
        Scope.SOURCES_WRITE,
        answer=SearchOut,
        problems=(404, 409),
    )


async def list_sources(call: Caller) -> SourceList:
    """Tell of every lead source: connected or not, its breaker, credits and money."""
    today = call.now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    async with call.reading() as db:
        known = await source_accounts.all(db)
        states = await vendor_states.all(db)
        months = await ledger.accounts(db, "credits:", limit=200)
        days = await ledger.accounts(db, f"usd:vendors:{today:%Y-%m-%d}", limit=1)
        bought = await source_accounts.bought_since(db, today)
    month = {account.account.id: account for account in months}
    items = [
        _source(
            name,
            known.get(name),
            states.get(name, {}),
            month.get(f"credits:{name}:{today:%Y-%m}"),
            bought.get(name, 0),
            call,
        )
        for name in NAMES
    ]
    day = days[0] if days else None
    limit = day.account.limit if day is not None else None
    return SourceList(
        items=items,
        usd_today=day.spent / MICRO if day is not None else 0.0,
        usd_per_day=None if limit is None else limit / MICRO,
    )


async def preview_search(body: AskPreview, call: Caller) -> Response:
    """Ask what each source would find for a profile, and about what a lead would cost.

    Free of charge. The sources answer within seconds: read the preview at its `Location`.
    """

    async def ask(effects: Effects) -> Answer:
        named = await profiles.get(effects.db, body.profile)
        made = await source_previews.create(
            effects.db, profile=named.name, definition=named.profile, now=effects.now
        )
        await effects.post("prospector", [PreviewSearch(made.id)], lane=Lane.URGENT)
        location = {"Location": f"/api/sources/previews/{made.id}"}
        return Answer(202, PreviewOut.of(made), location)

    return await call.change(ask)


async def get_preview(preview_id: PreviewId, call: Caller) -> PreviewOut:
    """Read a preview; `sources` is null until they have answered."""
    async with call.reading() as db:
        return PreviewOut.of(await source_previews.get(db, preview_id))


async def find_leads(body: NewSearch, call: Caller, key: IdempotencyKey = None) -> Response:
    """Search for leads: as many distinct usable ones as wanted, within the budget.

    The sources are asked in the order of what a usable lead is expected to cost. Follow the search
    at its `Location`; its leads are enriched and scored like any others.
    """

    async def find(effects: Effects) -> Answer:
        named = await profiles.get(effects.db, body.profile)
        made = await searches.create(
            effects.db,
            profile=named.name,
            definition=named.profile,
            wanted=body.wanted,
            budget_micro=body.budget_micro,
            created_by=effects.actor,
            correlation_id=effects.correlation_id,
            now=effects.now,
        )
        lane = Lane.BULK if body.wanted > MANY else Lane.NORMAL
        await effects.post("prospector", [FindLeads(made.id)], lane=lane)
        location = {"Location": f"/api/sources/searches/{made.id}"}
        return Answer(202, SearchOut.of(made), location)

    return await call.once(key, find)


async def list_searches(call: Caller, limit: Limit = 50, cursor: Cursor = None) -> SearchPage:
    """List searches, newest first."""
    scope = ("searches",)
    after = call.api.cursors.read(scope, cursor, _Place) if cursor else None
    before = None if after is None else (after.created_at, after.id)
    async with call.reading() as db:
        found = await searches.page(db, before=before, limit=limit + 1)
    shown = found[:limit]
    more = _Place(shown[-1].created_at, shown[-1].id) if len(found) > limit else None
    return SearchPage(
        items=[SearchOut.of(each) for each in shown], next=call.next_page(scope, more)
    )


async def get_search(search_id: SearchId, call: Caller) -> SearchOut:
    """Tell how far a search is, and what each source came to."""
    async with call.reading() as db:
        return SearchOut.of(await searches.get(db, search_id))


async def cancel_search(search_id: SearchId, call: Caller) -> Response:
    """End a search. What was paid for is kept; nothing more is bought."""

    async def cancel(effects: Effects) -> Answer:
        try:
            found = await searches.cancel(effects.db, search_id, by=effects.actor, now=effects.now)
        except SearchClosed as error:
            detail = f"{str(error).capitalize()}."
            raise Problem(409, "invalid_status", detail, field="status") from None
        return Answer(200, SearchOut.of(found))

    return await call.change(cancel)


def _source(
    name: str,
    account: SourceAccount | None,
    state: dict[str, Any],
    month: AccountState | None,
    bought_today: int,
    call: Caller,
) -> SourceOut:
    there = account is not None and call.now - account.seen_at < STILL_THERE
    price = account.price_micro / MICRO if account is not None else 0.0
    breaker: dict[str, Any] = state.get("breaker") or {}
    away = _future(breaker.get("open_until"), call.now)
    credit = _future(state.get("no_credit_until"), call.now)
    spent = month.spent if month is not None else 0
    return SourceOut(
        name=name,
        configured=there,
        sandboxed=name in call.api.given.sandboxed,
        state=_state(there=there, away=away, credit=credit),
        away_until=away,
        failures=int(breaker.get("failures") or 0),
        usd_per_credit=price if account is not None and account.reveals is not None else None,
        credits_left=account.credits_left if account is not None else None,
        credits_used=account.credits_used if account is not None else None,
        limits=dict(account.limits) if account is not None else {},
        asked_at=account.asked_at if account is not None else None,
        credits_this_month=spent,
        credits_held=month.held if month is not None else 0,
        usd_this_month=spent * price,
        usd_today=bought_today * price,
        last_problem=account.last_problem if account is not None else None,
        last_problem_at=account.last_problem_at if account is not None else None,
    )


def _state(*, there: bool, away: datetime | None, credit: datetime | None) -> Any:  # noqa: ANN401
    if not there:
        return "not_configured"
    if away is not None:
        return "away"
    return "out_of_credit" if credit is not None else "ready"


def _future(text: object, now: datetime) -> datetime | None:
    """A moment as JSON tells it; None once it is over."""
    if not isinstance(text, str):
        return None
    moment = datetime.fromisoformat(text)
    return moment if moment > now else None
