"""What costs nothing: everything that a lead's own data tell."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from policies.enrichment import Enrichment, enrich
from policies.lead import Fact, Lead, LeadId
from storage import facts, leads
from storage.database import Connection
from storage.leads import Enriched
from storage.sealing import Sealer


@dataclass(frozen=True, slots=True)
class Looked:
    """A lead after everything free was found out.

    Attributes:
        facts: all that are kept about it.
    """

    lead: Lead
    facts: Sequence[Fact]


async def look(
    db: Connection, sealer: Sealer, ids: Sequence[LeadId], *, now: datetime
) -> dict[LeadId, Looked]:
    """Find out and keep what leads' own data tell; leads that are gone are left out."""
    known = await leads.get_many(db, sealer, ids, lock=True)
    told = await facts.of(db, ids)
    results = {lead.id: enrich(lead, before=told.get(lead.id, ()), now=now) for lead in known}
    changes = [
        Enriched(lead_id, result.industry, result.country, result.domain)
        for lead_id, result in results.items()
    ]
    await leads.enrich(db, changes, now=now)
    await facts.keep(db, {lead_id: result.facts for lead_id, result in results.items()})
    return {lead.id: _looked(lead, told.get(lead.id, ()), results[lead.id]) for lead in known}


def _looked(lead: Lead, told: Sequence[Fact], found: Enrichment) -> Looked:
    after = replace(
        lead,
        industry=found.industry or lead.industry,
        country=found.country or lead.country,
        domain=found.domain or lead.domain,
    )
    facts = {(fact.field, fact.source): fact for fact in (*told, *found.facts)}
    return Looked(after, tuple(facts.values()))
