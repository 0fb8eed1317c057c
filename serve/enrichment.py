"""Enrichment over HTTP: ask for it, and see which source said what at what price.

A request posts a message; the enricher buys what is worth its price. Asking twice within five
minutes for the same queues it once, so that a double click costs nothing.
"""

from collections.abc import Sequence

from fastapi import APIRouter
from starlette.responses import Response

from agents.messages import BuyFacts
from policies.contact_points import normal_email
from policies.fact_rules import Known, due, known_of
from policies.lead import Fact
from serve.calls import Answer, Caller, Effects
from serve.leads import LeadIdPath
from serve.scopes import Scope
from serve.shapes.enrichment import AskOut, EnrichmentQueued, FactOut, FieldOut, LeadFacts, Wanted
from serve.table import Routes
from storage import activities, enrichment, facts, leads
from storage.activities import Activity
from storage.mailbox import Lane

SAME_FOR = 300
"""Seconds within which asking again is the same request."""


def add_routes(router: APIRouter) -> None:
    """Add what can be asked about enrichment."""
    routes = Routes(router, "enrichment")
    routes.add(
        "POST",
        "/api/leads/{id:uuid}/enrich",
        enrich_lead,
        Scope.LEADS_WRITE,
        answer=EnrichmentQueued,
        status=202,
        problems=(404,),
    )
    routes.add(
        "GET",
        "/api/leads/{id:uuid}/facts",
        lead_facts,
        Scope.LEADS_READ,
        answer=LeadFacts,
        problems=(404,),
    )


async def enrich_lead(lead_id: LeadIdPath, call: Caller, body: Wanted | None = None) -> Response:
    """Ask the sources about a lead now, as far as that is worth its price."""
    refresh = body is not None and body.refresh

    async def ask(effects: Effects) -> Answer:
        lead = await leads.get(effects.db, effects.sealer, lead_id)
        slot = int(effects.now.timestamp()) // SAME_FOR
        key = f"buy:{lead.id}:v{lead.version}:{int(refresh)}:{slot}"
        message = BuyFacts(lead.id, refresh)
        queued = await effects.post("enricher", [message], lane=Lane.URGENT, keys=[key])
        if queued:
            await activities.record(effects.db, [_asked(effects, message)])
        return Answer(202, EnrichmentQueued(queued=queued > 0))

    return await call.change(ask)


async def lead_facts(lead_id: LeadIdPath, call: Caller) -> LeadFacts:
    """Tell field by field what each source says of a lead, what it cost, and which word counts."""
    sealer = call.api.sealer
    async with call.reading() as db:
        lead = await leads.get(db, sealer, lead_id)
        told = (await facts.of(db, [lead_id]))[lead.id]
        asks = (await enrichment.asks(db, sealer, [lead_id]))[lead.id]
    key = sealer.blind("email", normal_email(lead.person.email or ""))
    using = {name for name, ask in asks.items() if key is not None and ask.email_key == key}
    if lead.source not in asks:
        using.add(lead.source)
    known = known_of(lead, told, using=using, now=call.now)
    return LeadFacts(
        items=_fields(told, known, call),
        asks=[
            AskOut(
                source=name,
                asked=ask.answers,
                answered_at=ask.answered_at,
                found=ask.found,
                under_way=ask.call_id is not None,
            )
            for name, ask in sorted(asks.items())
        ],
        spent_usd=sum(fact.cost_micro for fact in told) / 1_000_000,
    )


def _fields(told: Sequence[Fact], known: Known, call: Caller) -> list[FieldOut]:
    old = due(told, call.now)
    return [
        FieldOut(
            field=field,
            value=known.value(field),
            due=field in old,
            told=[FactOut.of(fact, known, call.now) for fact in told if fact.field == field],
        )
        for field in sorted({fact.field for fact in told})
    ]


def _asked(effects: Effects, message: BuyFacts) -> Activity:
    return Activity(
        effects.now,
        message.lead_id,
        "lead.enrichment_asked",
        effects.actor,
        {"refresh": message.refresh},
        effects.correlation_id,
    )
