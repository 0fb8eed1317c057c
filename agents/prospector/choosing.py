"""What a search does next: a question whose answer was lost comes first, then the best source."""

from collections.abc import Mapping
from datetime import datetime

from agents.prospector.sources import Source, Sources
from policies.sourcing import Ask, Evidence, Standing, Stop, Wait, next_step
from storage.searches import Question, Search, SourceProgress

Step = tuple[SourceProgress, Question] | Wait | Stop
History = Mapping[str, tuple[int, int]]
"""Records billed and usable leads by source, of earlier searches for the same profile."""


def budget_account(search: Search) -> tuple[str, int] | None:
    """Return the account of a search's own budget, and its limit in micro-dollars."""
    if search.budget_micro is None:
        return None
    return f"usd:search:{search.id}", search.budget_micro


def choose(
    search: Search, sources: Sources, history: History, left: int | None, now: datetime
) -> Step:
    """Say what to do next.

    A question that may have been billed is asked again as soon as its source can be asked, also
    when the search was cancelled: what was paid for is kept. Until then as many people as it may
    bring are not looked for elsewhere.

    Args:
        left: micro-dollars of the budget; None without limit.
    """
    lost = [part for part in search.sources if part.pending is not None and part.source in sources]
    ready = [part for part in lost if not _rests(part, now)]
    if ready and ready[0].pending is not None:
        return ready[0], ready[0].pending
    if not search.running:
        return _until(lost, now) or Stop("done", "")
    reserved = sum(part.pending.most for part in lost if part.pending is not None)
    parts = [part for part in search.sources if part not in lost]
    standings = [_standing(part, sources.get(part.source), history) for part in parts]
    missing = search.missing - reserved
    if lost and missing <= 0:
        return _until(lost, now) or Stop("done", "")
    step = next_step(standings, missing=missing, left=left, now=now)
    if isinstance(step, Ask):
        return _question(search, step)
    if isinstance(step, Stop) and (later := _until(lost, now)) is not None:
        return later
    if isinstance(step, Wait) and (later := _until(lost, now)) is not None:
        return min(step, later, key=lambda wait: wait.until)
    return step


def _until(lost: list[SourceProgress], now: datetime) -> Wait | None:
    """When the first of the questions whose answers were lost can be asked again."""
    moments = [_ready_at(part, now) for part in lost]
    return Wait(min(moments)) if moments else None


def _ready_at(part: SourceProgress, now: datetime) -> datetime:
    return max(part.rests_until or now, part.out_of_credit_until or now)


def _rests(part: SourceProgress, now: datetime) -> bool:
    return _ready_at(part, now) > now


def _question(search: Search, ask: Ask) -> tuple[SourceProgress, Question]:
    part = search.of(ask.source)
    if part is None:
        raise LookupError(f"{ask.source} takes no part in search {search.id}")
    if ask.how == "search":
        return part, Question(part.questions, "search", ask.most, cursor=part.cursor)
    ids = tuple(candidate.record_id for candidate in part.candidates[: ask.most])
    return part, Question(part.questions, "buy", ask.most, record_ids=ids)


def _standing(part: SourceProgress, source: Source | None, history: History) -> Standing:
    billed, usable = history.get(part.source, (0, 0))
    counts = part.counts
    return Standing(
        name=part.source,
        price=part.price_micro,
        reveals=source is not None and source.adapter.reveals,
        page_size=source.adapter.page_size if source is not None else 1,
        most_at_once=source.adapter.most_at_once if source is not None else 1,
        candidates=len(part.candidates),
        more=part.state == "ready",
        rests_until=part.rests_until,
        out_of_credit_until=part.out_of_credit_until,
        failed=part.state in {"failed", "impossible"} or source is None,
        now=Evidence(counts.billed, counts.usable),
        before=Evidence(billed, usable),
    )
