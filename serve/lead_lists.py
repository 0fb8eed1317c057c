"""Lists of leads over HTTP: filter, search, keyset pages."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query

from serve.calls import Caller
from serve.scopes import Scope
from serve.shapes.leads import LeadOut, LeadPage
from serve.shapes.selection import LeadListQuery
from serve.table import Routes
from storage import lead_search
from storage.lead_search import Cursor


def add_routes(router: APIRouter) -> None:
    """Add the list of leads."""
    routes = Routes(router, "leads")
    routes.add(
        "GET",
        "/api/leads",
        list_leads,
        Scope.LEADS_READ,
        answer=LeadPage,
        headers={"Link": "address of the next page (rel=next); absent at the end"},
    )


async def list_leads(call: Caller, wanted: Annotated[LeadListQuery, Query()]) -> LeadPage:
    """List leads that meet all criteria.

    A page neither skips nor repeats a lead when others are added meanwhile.
    """
    criteria = wanted.filter()
    scope = ("leads", wanted.sort, asdict(criteria))
    after = call.api.cursors.read(scope, wanted.cursor, Cursor) if wanted.cursor else None
    async with call.reading() as db:
        page = await lead_search.page(
            db,
            call.api.sealer,
            criteria,
            wanted.sort,
            after=after,
            limit=wanted.limit,
            bounds=call.api.bounds,
        )
    items = [LeadOut.of(lead) for lead in page.items]
    return LeadPage(items=items, next=call.next_page(scope, page.next))
