"""What to ask next about the leads of a turn, and of whom."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID, uuid5

from agents.enricher import cases
from agents.enricher.cases import Files
from agents.enricher.desk import Call, Desk, Step
from agents.enricher.sellers import Learned, Seller
from policies.hit_rates import Rates, Segment
from policies.lead import LeadId
from policies.prospect import EmailStatus, PersonQuery
from policies.waterfall import Worth, best, weigh
from storage import enrichment
from storage.database import Connection
from storage.enrichment import Ask
from storage.sealing import Sealer

PROBING = 4
"""Steps in which only one lead of each company is asked about whose mail server is unknown."""
_CALLS = UUID("6a0f7a0e-7c0b-5d4f-9f53-3f1f6b0f5b1e")


class Planner:
    """Chooses the next step: first whatever was begun, then what is worth most for its price."""

    def __init__(
        self, sealer: Sealer, sellers: Sequence[Seller], worth: Worth, learned: Learned
    ) -> None:
        self._sealer = sealer
        self._sellers: Mapping[str, Seller] = {seller.name: seller for seller in sellers}
        self._worth = worth
        self._learned = learned

    async def next(self, desk: Desk, now: datetime) -> Step | None:
        """Weigh all leads; return what to ask now, None if nothing is worth asking."""
        async with desk.turn.database.transaction() as db:
            desk.files = await cases.read(db, self._sealer, desk.ids)
            rates = await self._learned.rates(db, now)
            if (begun := self._begun(desk)) is not None:
                return await self._again(db, *begun, now)
        wanted = self._wanted(desk, rates, now)
        if not wanted:
            return None
        name = max(wanted, key=lambda source: (len(wanted[source]), source))
        desk.rounds += 1
        return self._step(desk, self._sellers[name], _probes(desk, wanted[name]), now)

    def _wanted(self, desk: Desk, rates: Rates, now: datetime) -> Mapping[str, list[LeadId]]:
        """The leads about which each source should be asked next."""
        wanted: defaultdict[str, list[LeadId]] = defaultdict(list)
        for lead_id in desk.files.leads:
            sources = [
                seller.candidate(desk.reason(lead_id, name))
                for name, seller in self._sellers.items()
            ]
            case = desk.files.case(lead_id, again=lead_id in desk.again, now=now)
            desk.offers[lead_id] = weigh(case, sources, rates, self._worth, now=now)
            if offer := best(desk.offers[lead_id]):
                wanted[offer.source].append(lead_id)
        return wanted

    def _begun(self, desk: Desk) -> tuple[Seller, set[UUID]] | None:
        """Calls about these leads that were begun and have no answer, of one source."""
        calls: defaultdict[str, set[UUID]] = defaultdict(set)
        for lead_id, by_source in desk.files.asks.items():
            for name, ask in by_source.items():
                barred = (lead_id, name) in desk.bars or name not in self._sellers
                if ask.call_id is not None and not barred:
                    calls[name].add(ask.call_id)
        name = min(calls, default=None)
        return None if name is None else (self._sellers[name], calls[name])

    async def _again(
        self, db: Connection, seller: Seller, call_ids: set[UUID], now: datetime
    ) -> Step:
        """Make calls again just as they were, with all their leads, whoever else has those."""
        questions = await enrichment.under_way(db, self._sealer, sorted(call_ids))
        ids = [question.key for asked in questions.values() for question in asked]
        files = await cases.read(db, self._sealer, ids)
        calls = [Call(each, asked, len(asked), again=True) for each, asked in questions.items()]
        return Step(seller, calls, _segments(files, seller.name, list(files.leads), now))

    def _step(self, desk: Desk, seller: Seller, ids: Sequence[LeadId], now: datetime) -> Step:
        size = max(1, seller.source.most_at_once)
        questions = [
            desk.files.question(lead_id, seller.name, _least(desk, lead_id, seller.name))
            for lead_id in sorted(ids)
        ]
        calls = [
            new_call(desk.files, seller.name, questions[start : start + size])
            for start in range(0, len(questions), size)
        ]
        return Step(seller, calls, _segments(desk.files, seller.name, ids, now))


def new_call(files: Files, source: str, questions: Sequence[PersonQuery]) -> Call:
    """Return a call; its id is the same for the same leads until they are answered or put off."""
    asks = [files.asks[LeadId(each.key)].get(source, Ask()) for each in questions]
    named = [
        f"{question.key}:{ask.answers}:{ask.postponed}"
        for question, ask in zip(questions, asks, strict=True)
    ]
    credits = sum(not files.is_owned(question, source) for question in questions)
    return Call(uuid5(_CALLS, " ".join([source, *named])), questions, credits, again=False)


def _probes(desk: Desk, ids: Sequence[LeadId]) -> Sequence[LeadId]:
    """Leave for later who works where somebody else is asked about first.

    What is learned of one company's mail server may spare asking about the others there.
    """
    if desk.rounds > PROBING:
        return ids
    asked: list[LeadId] = []
    domains: set[str] = set()
    for lead_id in ids:
        domain = desk.files.leads[lead_id].domain
        if domain is None or domain in desk.files.mail or domain not in domains:
            asked.append(lead_id)
        if domain is not None:
            domains.add(domain)
    return asked


def _least(desk: Desk, lead_id: LeadId, source: str) -> EmailStatus | None:
    """How sure an address must be for its record to be wanted at all."""
    insist = any(offer.source == source and offer.insist for offer in desk.offers[lead_id])
    return EmailStatus.VALID if insist else None


def _segments(
    files: Files, source: str, ids: Sequence[LeadId], now: datetime
) -> dict[UUID, Segment]:
    return {lead_id: files.case(lead_id, again=False, now=now).segment(source) for lead_id in ids}
