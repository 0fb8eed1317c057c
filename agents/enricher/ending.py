"""The end of a turn of buying: leads go on to the scorer, what is left is asked for later."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from agents.enricher import cases, free
from agents.enricher.answers import ROLE
from agents.enricher.cases import Files
from agents.enricher.desk import Bar, Desk
from agents.messages import BuyFacts, LeadEnriched
from policies.lead import LeadId
from policies.waterfall import ended
from storage import activities, decisions, enrichment
from storage.activities import Activity
from storage.enrichment import Ask
from storage.mailbox import Lane
from storage.sealing import Sealer

FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=6)
MOST_POSTPONED = 10
"""Times in a row that a source may be away until a lead is no longer kept for it."""


@dataclass(frozen=True, slots=True)
class _Later:
    """A source that a lead is kept for, and until when it is away."""

    source: str
    bar: Bar
    due_at: datetime


class Ending:
    """Ends turns of buying, in their commit."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    async def commit(self, desk: Desk) -> None:
        """Look at the leads once more for free, say why it ends here, and hand them on."""
        turn, now = desk.turn, desk.turn.now
        async with turn.commit() as db:
            files = await cases.read(db, self._sealer, desk.ids, lock=True)
            await free.look(db, self._sealer, list(files.leads), now=now)
            later = {lead_id: _later(desk, files, lead_id, now) for lead_id in files.leads}
            lanes = _lanes(desk)
            for lead_id, waiting in later.items():
                if _unscored(files, lead_id):
                    turn.post("scorer", LeadEnriched(lead_id), lane=lanes[lead_id])
                if waiting:
                    due_at = min(each.due_at for each in waiting)
                    again = BuyFacts(lead_id, lead_id in desk.again)
                    turn.post(ROLE, again, lane=Lane.BULK, due_at=due_at)
            kept = [(lead_id, each.source) for lead_id, w in later.items() for each in w]
            await enrichment.postpone(db, kept)
            await activities.record(db, _timeline(desk, later))
            await decisions.keep(
                db,
                ROLE,
                [
                    ended(
                        lead_id,
                        desk.words.get(lead_id, ()),
                        desk.offers.get(lead_id, ()),
                        later=min((each.due_at for each in waiting), default=None),
                    )
                    for lead_id, waiting in later.items()
                ],
                correlation_id=turn.correlation_id,
                now=now,
            )


def _later(desk: Desk, files: Files, lead_id: LeadId, now: datetime) -> Sequence[_Later]:
    """The sources that are worth asking about a lead, once they are back."""
    worth = {offer.source for offer in desk.offers.get(lead_id, ()) if offer.net > 0}
    waiting: list[_Later] = []
    for (barred, source), bar in desk.bars.items():
        ask = files.asks[lead_id].get(source, Ask())
        kept = source in worth or ask.call_id is not None
        if barred == lead_id and kept and bar.until and ask.postponed < MOST_POSTPONED:
            pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2**ask.postponed)
            waiting.append(_Later(source, bar, max(bar.until, now + pause)))
    return waiting


def _unscored(files: Files, lead_id: LeadId) -> bool:
    """Whether a lead was never scored, or has changed or been told of since."""
    lead = files.leads[lead_id]
    if lead.scored_at is None or lead.updated_at > lead.scored_at:
        return True
    told = [ask.answered_at for ask in files.asks[lead_id].values() if ask.found]
    return any(at is not None and at > lead.scored_at for at in told)


def _lanes(desk: Desk) -> dict[LeadId, Lane]:
    """The most urgent lane in which each lead came."""
    lanes: dict[LeadId, Lane] = {}
    for envelope, lead_id in zip(desk.turn.envelopes, desk.asked, strict=True):
        lanes[lead_id] = min(lanes.get(lead_id, Lane.BULK), Lane(envelope.lane))
    return lanes


def _timeline(desk: Desk, later: dict[LeadId, Sequence[_Later]]) -> list[Activity]:
    """What the timeline tells of what could not be asked."""
    turn = desk.turn
    return [
        Activity(
            turn.now,
            lead_id,
            "lead.ask_later",
            ROLE,
            {
                "source": each.source,
                "why": each.bar.reason,
                "not_before": each.due_at.isoformat(timespec="seconds"),
            },
            turn.correlation_id,
        )
        for lead_id, waiting in later.items()
        for each in waiting
    ]
