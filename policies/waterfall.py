"""What to buy next about a lead, from whom, and when to stop.

The gain of asking source ``s`` is what its answer is expected to be worth::

    gain(s) = sum over fields f of  worth(f) * (1 - sure(f)) * P(s helps with f)
    cost(s) = P(s bills for the person and the record is not ours) * price(s) + effort

``1 - sure(f)`` is 1 for a field that nobody has told, and grows again with the age of one that
somebody has; so enrichment is bought when (1 - confidence) x value at stake exceeds the price of
the credit. A miss that is not billed costs nothing but the call itself: that a source bills is
another chance than that it helps (`policies.hit_rates`).

Who is asked next: of those whose gain exceeds their cost, the one with the least cost for each
unit of gain; after its answer everything is weighed again. For a single field this is the optimal
rule: a source that helps with chance p at cost c has the reservation value V - c/p (Weitzman), so
they are opened in the order of rising c/p and searching stops when no V - c/p is above zero. With
several fields in one answer it is a heuristic: it looks one call ahead.

Sources:
    M. Weitzman, "Optimal search for the best alternative", Econometrica 47 (1979), 641-654.
    W. Black, "Discrete sequential search", Information and Control 8 (1965), 159-162: p/c.
    Enrichment against confidence: measured in scoring, ADR on scoring.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from policies.decision import Decision
from policies.fact_rules import BOUGHT, EMAIL_STATUS, OPTED_OUT, Known
from policies.hit_rates import Mail, Rates, Segment, named_by, segment_of
from policies.lead import Lead, LeadId, LeadStatus
from policies.prospect import EmailStatus

Micro = Annotated[int, Field(ge=0, le=10**9)]
POLICY = "waterfall@1"
ASK_AGAIN = timedelta(days=90)
"""A source that was asked the same is not asked again before, unless a person wants it."""
ASK_AGAIN_WANTED = timedelta(hours=1)
MISSED = 0.5
"""How unsure the address must still be for the sources asked so far to have missed."""
NEVER_FOR = frozenset({LeadStatus.DISQUALIFIED, LeadStatus.CONVERTED})


class Worth(BaseModel):
    """What it is worth to know a field, in micro-dollars, and what a call costs beside its bill.

    The defaults are our own: a verified address is worth some four times its price, and what the
    operator's own address leaves open is not worth a record.

    Attributes:
        effort: of one call: time, and a place in the source's rate limit.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    email_status: Micro = 2_500_000
    phone_found: Micro = 200_000
    title: Micro = 100_000
    seniority: Micro = 50_000
    company_size: Micro = 60_000
    industry: Micro = 60_000
    country: Micro = 40_000
    effort: Micro = 1_000

    def of(self, field: str) -> int:
        """What `field` is worth; 0 for one that is never bought."""
        return getattr(self, field) if field in BOUGHT else 0


@dataclass(frozen=True, slots=True)
class Asked:
    """That a source was asked about a lead before.

    Attributes:
        same: whether we would ask the same again: the lead is named by the same words.
        at: when it answered (aware); None while it has not.
        found: whether it knew the person.
        record: its own name for the person.
        owned: whether that record is paid for: it is not billed again.
    """

    same: bool
    at: datetime | None
    found: bool = False
    record: str | None = None
    owned: bool = False


@dataclass(frozen=True, slots=True)
class Candidate:
    """A source that might be asked.

    Attributes:
        price: micro-dollars of one record.
        needs: by what it can be asked, of `policies.hit_rates.named_by`.
        away: why it cannot be asked now; None if it can.
    """

    name: str
    price: int
    needs: frozenset[str] = frozenset({"record", "email", "both", "domain", "company"})
    away: str | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """What asking one source about one lead promises, in micro-dollars.

    Attributes:
        chance: that the source has a verified address.
        insist: whether a record without one would not be worth its price: where the source lets
            us say so, we do, and are not billed for it.
        cannot: why it is out of the question; None if it is not.
    """

    source: str
    gain: float
    cost: float
    chance: float
    insist: bool = False
    cannot: str | None = None

    @property
    def net(self) -> float:
        """Gain less cost."""
        return self.gain - self.cost

    @property
    def worth_it(self) -> bool:
        """Whether it should be taken."""
        return self.cannot is None and self.net > 0

    def in_words(self) -> str:
        """What a salesperson is told."""
        if self.cannot is not None:
            return f"{self.source} is not asked: {self.cannot}."
        terms = (
            f"a helpful answer about the address is {self.chance:.0%} likely, worth "
            f"{usd(self.gain)} in all, for {usd(self.cost)} expected"
        )
        return f"{self.source} is {'worth' if self.worth_it else 'not worth'} asking: {terms}."


@dataclass(frozen=True, slots=True)
class Case:
    """One lead as the waterfall sees it.

    Attributes:
        asked: what was asked before, by source.
        again: whether a person wants it asked again, soon after the last time.
        refresh: fields to be told anew, whatever is known.
        takes_all: sources that say the company's mail server takes every address, which they
            cannot check then; None if nobody has said a word.
    """

    lead: Lead
    known: Known
    asked: Mapping[str, Asked]
    again: bool = False
    refresh: frozenset[str] = frozenset()
    takes_all: frozenset[str] | None = None

    def lacks(self, field: str) -> float:
        """How unsure a field is (0 to 1)."""
        return 1.0 if field in self.refresh else 1.0 - self.known.sure.get(field, 0.0)

    def segment(self, source: str) -> Segment:
        """To which segment the lead belongs when ``source`` is asked about it next."""
        others = [name for name, asked in self.asked.items() if name != source and asked.at]
        before = self.asked.get(source)
        record = before is not None and before.record is not None
        told = self.known.value(EMAIL_STATUS)
        status = None if told is None else EmailStatus(str(told))
        return segment_of(
            self.lead,
            self.known,
            missed=bool(others) and self.lacks(EMAIL_STATUS) > MISSED,
            named="record" if record else named_by(self.lead, status),
            mail=self._mail,
        )

    @property
    def _mail(self) -> Mail:
        if self.takes_all is None:
            return Mail.UNKNOWN
        return Mail.CATCH_ALL if self.takes_all else Mail.CHECKS


def weigh(
    case: Case, sources: Sequence[Candidate], rates: Rates, worth: Worth, *, now: datetime
) -> list[Offer]:
    """Return an offer for each source, the best first."""
    offers = [_offer(case, source, rates, worth, now) for source in sources]
    return sorted(offers, key=_index)


def best(offers: Sequence[Offer]) -> Offer | None:
    """Return the offer to take next; None if the waterfall ends here."""
    return next((offer for offer in offers if offer.worth_it), None)


def anything_worth(offers: Sequence[Offer]) -> bool:
    """Say whether any source is worth asking, now or once it is back."""
    return any(offer.net > 0 for offer in offers)


def usd(micro: float) -> str:
    """An amount in words."""
    return f"${micro / 1_000_000:.2f}"


def choice(lead_id: LeadId, source: str, offers: Sequence[Offer]) -> Decision:
    """Say why a source is asked, and not another; kept before it is asked."""
    first = [offer for offer in offers if offer.source == source]
    rest = [offer for offer in offers if offer.source != source]
    reasons = tuple(offer.in_words() for offer in (*first, *rest))
    return Decision("enrich", lead_id, f"ask {source}", reasons, POLICY, _inputs(offers))


def ended(
    lead_id: LeadId, bought: Sequence[str], offers: Sequence[Offer], *, later: datetime | None
) -> Decision:
    """Say why nothing more is asked about a lead.

    Args:
        bought: what was bought just before, in words.
        later: when it is tried again (aware); None if it is not.
    """
    reasons = (*bought, *(offer.in_words() for offer in offers))
    verdict = "stop" if later is None else "later"
    return Decision(
        "enrich",
        lead_id,
        verdict,
        reasons or ("No source is left to ask.",),
        POLICY,
        _inputs(offers),
    )


def _inputs(offers: Sequence[Offer]) -> dict[str, Any]:
    return {
        "offers": [
            {
                "source": offer.source,
                "gain_usd_micro": round(offer.gain),
                "cost_usd_micro": round(offer.cost),
                "chance": round(offer.chance, 4),
                "cannot": offer.cannot,
            }
            for offer in offers
        ]
    }


def _offer(case: Case, source: Candidate, rates: Rates, worth: Worth, now: datetime) -> Offer:
    before = case.asked.get(source.name)
    segment = case.segment(source.name)
    if problem := _impossible(case, source, segment.named_by, before, now):
        return Offer(source.name, 0.0, 0.0, 0.0, cannot=problem)
    chances = rates.of(source.name, segment)
    verified = 0.0 if source.name in (case.takes_all or ()) else chances.helps[EMAIL_STATUS]
    address = worth.email_status * case.lacks(EMAIL_STATUS)
    others = {field: worth.of(field) * case.lacks(field) for field in _OTHERS}
    gain = address * verified + sum(others[field] * chances.helps[field] for field in _OTHERS)
    owned = before is not None and before.owned
    cost = (0.0 if owned else chances.bills) * source.price + worth.effort
    rest = sum(others.values())
    insist = rest < source.price
    return Offer(source.name, gain, cost, verified, insist, source.away)


def _impossible(
    case: Case, source: Candidate, named_by: str, before: Asked | None, now: datetime
) -> str | None:
    if case.lead.status in NEVER_FOR:
        return f"the lead is {case.lead.status}"
    if case.known.value(OPTED_OUT):
        return "the person objected to being sold"
    if named_by not in source.needs:
        return "it needs a work address, or a name and a company"
    if before is None or before.at is None or not (before.same or before.found):
        return None
    pause = ASK_AGAIN_WANTED if case.again else ASK_AGAIN
    if now - before.at < pause:
        said = "knew this person" if before.found else "did not know this person"
        return f"it was asked on {before.at:%d %B %Y} and {said}"
    return None


def _index(offer: Offer) -> tuple[bool, float, str]:
    ratio = offer.cost / offer.gain if offer.gain > 0 else float("inf")
    return not offer.worth_it, ratio, offer.source


_OTHERS = tuple(field for field in BOUGHT if field != EMAIL_STATUS)
