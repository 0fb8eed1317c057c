"""What a source's answer comes to, in the transaction that takes its question off."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from agents.agent import Turn
from agents.prospector.files import ROLE
from agents.prospector.people import Context, Taken, bar, known_as, take_in
from agents.purchases import Spent
from policies.profiles import matches
from policies.prospect import Match, Matches, MatchStatus, PersonQuery, Prospect, SearchPage
from storage import lead_sources, searches, suppressions
from storage.database import Connection
from storage.lead_sources import Keys
from storage.sealing import Sealer
from storage.searches import Answered, Candidate, Counts, Question, Search, SourceProgress
from storage.suppressions import Kind, Reason

OUT_OF_CREDIT = timedelta(hours=1)
"""How long a source rests when its account is used up."""
NOTHING = Taken((), (), 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Room:
    """Where an answer is taken in."""

    db: Connection
    sealer: Sealer
    search: Search
    part: SourceProgress
    turn: Turn
    now: datetime

    def context(self, spent: Spent, price: int) -> Context:
        """For what its people were looked for, and what each cost."""
        return Context(
            actor=ROLE,
            now=self.now,
            profile=self.search.definition,
            search_id=self.search.id,
            costs=dict.fromkeys(spent.new_records, price),
            correlation_id=self.turn.correlation_id,
        )


async def keep_page(room: Room, page: SearchPage, spent: Spent, price: int) -> Taken:
    """Make leads of a page of people whose addresses are shown."""
    taken = await take_in(room.db, room.sealer, page.prospects, room.context(spent, price))
    counts = _counts(taken, spent, seen=len(page.prospects))
    await _answered(room, counts, page.next, room.part.candidates, total=page.total)
    return taken


async def keep_candidates(room: Room, page: SearchPage) -> Taken:
    """Remember the people of a page that are worth buying; nothing was paid."""
    profile = room.search.definition
    fit = [p for p in page.prospects if p.has_email is not False and not matches(profile, p)]
    found = [_candidate(room.sealer, prospect) for prospect in fit]
    barred = await suppressions.suppressed(room.db, room.sealer, fit)
    allowed = [each for place, each in enumerate(found) if place not in barred]
    before = {candidate.record_id for candidate in room.part.candidates}
    new = [each for each in allowed if each.record_id not in before]
    fresh, duplicates, _ = await fresh_of(room.db, room.sealer, room.part.source, new)
    counts = Counts(
        seen=len(page.prospects),
        unfit=len(page.prospects) - len(fit),
        suppressed=len(barred),
        duplicates=duplicates + len(allowed) - len(new),
    )
    candidates = [*room.part.candidates, *fresh]
    await _answered(room, counts, page.next, candidates, total=page.total)
    return NOTHING


async def keep_bought(
    room: Room, matches: Matches, question: Question, spent: Spent, price: int
) -> Taken:
    """Make leads of the people who were bought."""
    by_key = {match.key: match for match in matches.matches}
    asked = {
        record: by_key.get(query_key(room.search.id, record)) for record in question.record_ids
    }
    unpaid = {r for r, match in asked.items() if _is(match, MatchStatus.OUT_OF_CREDIT)}
    found = [m.prospect for m in asked.values() if m and m.prospect and _is(m, MatchStatus.FOUND)]
    context = room.context(spent, price)
    taken = await take_in(room.db, room.sealer, found, context)
    objected = {r: match for r, match in asked.items() if _is(match, MatchStatus.OPTED_OUT)}
    await _bar(room, objected, context)
    left = [
        candidate
        for candidate in room.part.candidates
        if candidate.record_id in unpaid or candidate.record_id not in asked
    ]
    counts = _counts(taken, spent, seen=0)
    nothing = len(asked) - len(found) - len(unpaid) - len(objected)
    counts = replace(counts, null_results=nothing, suppressed=counts.suppressed + len(objected))
    await _answered(room, counts, room.part.cursor, left, out_of_credit=bool(unpaid))
    return taken


async def fresh_of(
    db: Connection, sealer: Sealer, source: str, candidates: Sequence[Candidate]
) -> tuple[list[Candidate], int, int]:
    """Return the candidates that nobody knows yet, and how many are leads or barred by now."""
    keys = [_keys(candidate) for candidate in candidates]
    records = [(source, candidate.record_id) for candidate in candidates]
    told = await lead_sources.known(db, records, keys)
    barred = await suppressions.find(
        db, {key for each in candidates for key in _bars(sealer, source, each)}
    )
    fresh: list[Candidate] = []
    duplicates = suppressed = 0
    for candidate, key in zip(candidates, keys, strict=True):
        if any(bar in barred for bar in _bars(sealer, source, candidate)):
            suppressed += 1
        elif known_as(told, source, candidate.record_id, key, None) is not None:
            duplicates += 1
        else:
            fresh.append(candidate)
    return fresh, duplicates, suppressed


def queries(search_id: UUID, question: Question) -> list[PersonQuery]:
    """Return whom a source is asked about."""
    return [PersonQuery(query_key(search_id, r), record_id=r) for r in question.record_ids]


def query_key(search_id: UUID, record_id: str) -> UUID:
    """Return our name for a record in a question, the same whenever it is asked."""
    return uuid5(search_id, record_id)


async def _answered(
    room: Room,
    counts: Counts,
    cursor: str | None,
    candidates: Sequence[Candidate],
    *,
    total: int | None = None,
    out_of_credit: bool = False,
) -> None:
    question = room.part.pending
    paged = question is not None and question.how == "search"
    exhausted = cursor is None if paged else room.part.state == "exhausted"
    until = room.now + OUT_OF_CREDIT if out_of_credit else None
    answer = Answered(counts, cursor, candidates, exhausted, total, until)
    await searches.answered(room.db, room.search.id, room.part.source, answer, now=room.now)


def _counts(taken: Taken, spent: Spent, *, seen: int) -> Counts:
    return Counts(
        seen=seen,
        billed=len(spent.new_records),
        usable=len(taken.created),
        duplicates=taken.duplicates,
        unfit=taken.unfit,
        suppressed=taken.suppressed,
        credits=spent.credits,
        cost_micro=spent.usd_micro,
    )


def _is(match: Match | None, status: MatchStatus) -> bool:
    return match is not None and match.status is status


async def _bar(room: Room, objected: dict[str, Match | None], context: Context) -> None:
    """Bar people who objected, by what their candidates tell where the answer tells nothing."""
    told = [m.prospect for m in objected.values() if m is not None and m.prospect is not None]
    await bar(room.db, room.sealer, told, context)
    source = room.part.source
    barred = [each for each in room.part.candidates if each.record_id in objected]
    keys = {key for candidate in barred for key in _bars(room.sealer, source, candidate)}
    keys |= {suppressions.record_key(room.sealer, source, record) for record in objected}
    await suppressions.add(room.db, keys, reason=Reason.OPTED_OUT, source=source, now=room.now)


def _candidate(sealer: Sealer, prospect: Prospect) -> Candidate:
    keys = lead_sources.keys_of(sealer, prospect)
    texts = [None if key is None else key.hex() for key in (keys.name, keys.company, keys.linkedin)]
    return Candidate(prospect.record_id, *texts)


def _keys(candidate: Candidate) -> Keys:
    told = (candidate.name, candidate.company, candidate.linkedin)
    return Keys(*(None if text is None else bytes.fromhex(text) for text in told))


def _bars(sealer: Sealer, source: str, candidate: Candidate) -> list[suppressions.Key]:
    """By what a candidate may be barred."""
    keys = _keys(candidate)
    found = [suppressions.record_key(sealer, source, candidate.record_id)]
    found += [(Kind.PERSON, key) for key in (keys.name, keys.company) if key is not None]
    return found if keys.linkedin is None else [*found, (Kind.LINKEDIN, keys.linkedin)]
