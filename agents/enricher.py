"""The enricher fills in what can be known about a lead without asking a vendor."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from agents.agent import Done, Outcome, Refuse, Turn
from agents.messages import LeadEnriched, LeadFound, Message
from policies.enrichment import enrich
from policies.lead import LeadId
from storage import facts, leads
from storage.leads import Enriched
from storage.mailbox import Lane
from storage.sealing import Sealer


class Enricher:
    """Finds out domain, kind of address, seniority, function, country, time zone and industry.

    Args:
        sealer: opens the people's addresses.
    """

    role: ClassVar[str] = "enricher"
    batches: ClassVar[Mapping[str, int]] = {"lead.found": 200}

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    async def handle(self, messages: Sequence[Message], turn: Turn) -> Outcome:
        """Enrich the leads of a batch."""
        found = [LeadId(m.lead_id) for m in messages if isinstance(m, LeadFound)]
        if len(found) != len(messages):
            return Refuse(f"the enricher does not read {messages[0].kind}")
        ids = list(dict.fromkeys(found))
        async with turn.commit() as db:
            known = await leads.get_many(db, self._sealer, ids, lock=True)
            told = await facts.of(db, ids)
            results = {
                lead.id: enrich(lead, before=told.get(lead.id, ()), now=turn.now) for lead in known
            }
            changes = [
                Enriched(lead_id, result.industry, result.country, result.domain)
                for lead_id, result in results.items()
            ]
            await leads.enrich(db, changes, now=turn.now)
            await facts.keep(db, {lead_id: result.facts for lead_id, result in results.items()})
            for envelope, lead_id in zip(turn.envelopes, found, strict=True):
                if results.pop(lead_id, None) is not None:
                    turn.post("scorer", LeadEnriched(lead_id), lane=Lane(envelope.lane))
        return Done()
