"""The enricher fills in what a lead lacks: for free what its own data tell, then what is worth it.

A lead that was found is looked at for free. If a source is likely to tell more than it costs, the
lead waits a moment for that (`agents.enricher.buying`); else it goes on to the scorer at once.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import ClassVar

from agents.agent import Done, Outcome, Refuse, Turn
from agents.enricher import free
from agents.enricher.buying import Buyer
from agents.enricher.free import Looked
from agents.enricher.sellers import Learned, Seller, candidates
from agents.messages import BuyFacts, LeadEnriched, LeadFound, Message, Tick
from policies.fact_rules import EMAIL_STATUS, RULES, known_of
from policies.lead import LeadId
from policies.waterfall import Case, Worth, anything_worth, weigh
from storage import enrichment
from storage.database import Connection
from storage.mailbox import Lane
from storage.sealing import Sealer

__all__ = ["Enricher", "Seller"]

RECHECKED = 200
"""Leads whose address is checked anew each time that the schedule comes round."""


class Enricher:
    """Finds out domain, kind of address, seniority, function, country, time zone and industry.

    Args:
        sealer: opens the people's addresses.
        sellers: whom to ask for what is missing; none asks nobody.
        worth: of each field.
        clock: the time (aware UTC); None takes that of each turn.
    """

    role: ClassVar[str] = "enricher"
    batches: ClassVar[Mapping[str, int]] = {"lead.found": 200, "facts.buy": 25}

    def __init__(
        self,
        sealer: Sealer,
        sellers: Sequence[Seller] = (),
        *,
        worth: Worth | None = None,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        self._sealer = sealer
        self._candidates = candidates(sellers)
        self._worth = worth or Worth()
        self._learned = Learned()
        self._buyer = Buyer(sealer, sellers, self._worth, self._learned, clock)

    async def handle(self, messages: Sequence[Message], turn: Turn) -> Outcome:
        """Enrich the leads of a batch."""
        found = [LeadId(m.lead_id) for m in messages if isinstance(m, LeadFound)]
        if len(found) == len(messages):
            return await self._found(found, turn)
        wanted = [m for m in messages if isinstance(m, BuyFacts)]
        if len(wanted) == len(messages):
            return await self._buyer.buy(wanted, turn)
        match messages[0]:
            case Tick(schedule="recheck"):
                return await self._recheck(turn)
            case other:
                return Refuse(f"the enricher does not read {other.kind}")

    async def _recheck(self, turn: Turn) -> Outcome:
        """Have the oldest addresses told anew."""
        before = turn.now - RULES[EMAIL_STATUS].again
        names = [each.name for each in self._candidates]
        async with turn.commit() as db:
            old = await enrichment.old_addresses(db, names, before=before, limit=RECHECKED)
            for lead_id in dict.fromkeys(old):
                key = f"recheck:{lead_id}:{turn.now:%Y-%m-%d}"
                turn.post(self.role, BuyFacts(lead_id, refresh=True), lane=Lane.BULK, key=key)
        return Done()

    async def _found(self, found: Sequence[LeadId], turn: Turn) -> Outcome:
        async with turn.commit() as db:
            ids = list(dict.fromkeys(found))
            looked = await free.look(db, self._sealer, ids, now=turn.now)
            worth = await self._worth_buying(db, looked, turn.now)
            for envelope, lead_id in zip(turn.envelopes, found, strict=True):
                if looked.pop(lead_id, None) is None:
                    continue
                lane = Lane(envelope.lane)
                if lead_id in worth:
                    turn.post(self.role, BuyFacts(lead_id), lane=lane)
                else:
                    turn.post("scorer", LeadEnriched(lead_id), lane=lane)
        return Done()

    async def _worth_buying(
        self, db: Connection, looked: Mapping[LeadId, Looked], now: datetime
    ) -> set[LeadId]:
        """The leads about which a source that was not asked yet would be worth asking."""
        if not self._candidates:
            return set()
        rates = await self._learned.rates(db, now)
        worth: set[LeadId] = set()
        for lead_id, each in looked.items():
            known = known_of(each.lead, each.facts, using={each.lead.source}, now=now)
            case = Case(each.lead, known, {})
            offers = weigh(case, self._candidates, rates, self._worth, now=now)
            if anything_worth(offers):
                worth.add(lead_id)
        return worth
