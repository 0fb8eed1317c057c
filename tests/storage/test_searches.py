"""Searches and profiles as they are kept."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from policies.profiles import STARTERS, Profile
from storage import profiles, searches, source_previews
from storage.database import Database
from storage.profiles import ProfileExists, ProfileNotFound
from storage.searches import (
    Answered,
    Candidate,
    Counts,
    NewSource,
    Question,
    Search,
    SearchClosed,
    SearchNotFound,
    SearchStatus,
)
from storage.source_previews import PreviewNotFound
from tests.scripted import START

COUNTS = Counts(10, 8, 5, 2, 1, 1, 1, 8, 4_000_000)


async def made(database: Database, *, wanted: int = 20) -> Search:
    async with database.transaction() as db:
        search = await searches.create(
            db,
            profile="fintech-eu",
            definition=STARTERS["fintech-eu"],
            wanted=wanted,
            budget_micro=10_000_000,
            created_by="key:ann",
            correlation_id="c",
            now=START,
        )
        source = NewSource("uplead", {"a": [1]}, ("the rank",), None, 500_000)
        other = NewSource("zoominfo", {}, (), "it knows no such thing", 800_000)
        await searches.begin(db, search.id, [other, source])
        await searches.begin(db, search.id, [source])
        return await searches.get(db, search.id)


async def test_a_search_keeps_the_profile_as_it_was(database: Database) -> None:
    search = await made(database)

    assert search.definition == STARTERS["fintech-eu"]
    assert (search.status, search.missing, search.spent_micro) == (SearchStatus.RUNNING, 20, 0)
    uplead, zoominfo = search.sources
    assert (uplead.criteria, uplead.unexpressed) == ({"a": [1]}, ("the rank",))
    assert (zoominfo.state, zoominfo.last_problem) == ("impossible", "it knows no such thing")


async def test_a_question_is_written_down_and_taken_off_with_its_answer(
    database: Database,
) -> None:
    search = await made(database)
    question = Question(0, "buy", 2, record_ids=("a", "b"))
    async with database.transaction() as db:
        await searches.ask(db, search.id, "uplead", question)
        await searches.rest(
            db, search.id, "uplead", until=START, problem="away", failed=True, now=START
        )
        asked = (await searches.get(db, search.id)).of("uplead")
        answer = Answered(COUNTS, "25", [Candidate("c", "00ff")], exhausted=False, total=400)
        await searches.answered(db, search.id, "uplead", answer, now=START)
        after = await searches.get(db, search.id)

    assert asked is not None
    assert (asked.pending, asked.failures, asked.failing_since) == (question, 1, START)
    part = after.of("uplead")
    assert part is not None
    assert (part.pending, part.questions, part.cursor, part.total) == (None, 1, "25", 400)
    assert (part.failures, part.failing_since, part.rests_until) == (0, None, None)
    assert part.candidates == (Candidate("c", "00ff"),)
    assert part.counts == COUNTS
    assert (after.found, after.missing, after.spent_micro) == (5, 15, 4_000_000)


async def test_answers_add_up(database: Database) -> None:
    search = await made(database)
    async with database.transaction() as db:
        for _ in range(3):
            answer = Answered(COUNTS, None, [], exhausted=True)
            await searches.answered(db, search.id, "uplead", answer, now=START)
        after = await searches.get(db, search.id)
        history = await searches.history(db, "fintech-eu", but=uuid4())

    part = after.of("uplead")
    assert part is not None
    assert (part.state, part.counts.billed, part.counts.cost_micro) == ("exhausted", 24, 12_000_000)
    assert history["uplead"] == (24, 15)


async def test_a_search_ends_once(database: Database) -> None:
    search = await made(database)
    async with database.transaction() as db:
        cancelled = await searches.cancel(db, search.id, by="key:ann", now=START)
        await searches.finish(db, search.id, SearchStatus.DONE, reason="late", now=START)
        after = await searches.get(db, search.id)
    assert cancelled == after
    assert (after.status, after.reason) == (SearchStatus.CANCELLED, "cancelled by key:ann")
    with pytest.raises(SearchClosed, match="cancelled already"):
        async with database.transaction() as db:
            await searches.cancel(db, search.id, by="key:bob", now=START)


async def test_what_is_not_there_is_not_found(database: Database) -> None:
    async with database.transaction() as db:
        with pytest.raises(SearchNotFound):
            await searches.get(db, uuid4())
        with pytest.raises(PreviewNotFound):
            await source_previews.get(db, uuid4())
        with pytest.raises(ProfileNotFound):
            await profiles.get(db, "nobody")
        with pytest.raises(ProfileNotFound):
            await profiles.delete(db, "fintech-eu")


async def test_a_kept_profile_stands_before_the_one_that_comes_with_the_engine(
    database: Database,
) -> None:
    ours = Profile(countries=("FR",))
    async with database.transaction() as db:
        first = await profiles.create(db, "fintech-eu", ours, created_by="ann", now=START)
        same = await profiles.put(db, "fintech-eu", ours, created_by="bob", now=START)
        with pytest.raises(ProfileExists):
            await profiles.create(db, "fintech-eu", ours, created_by="ann", now=START)
        names = [each.name for each in await profiles.all(db)]
        found = await profiles.get(db, "fintech-eu")
        await profiles.delete(db, "fintech-eu")
        again = await profiles.get(db, "fintech-eu")

    assert (first.version, same.version, found.profile) == (1, 1, ours)
    assert sorted(set(names)) == names
    assert again.starter


async def test_previews_are_forgotten_after_a_day(database: Database) -> None:
    async with database.transaction() as db:
        old = await source_previews.create(
            db, profile="x", definition=Profile(), now=START - timedelta(days=2)
        )
        new = await source_previews.create(db, profile="x", definition=Profile(), now=START)
        assert (await source_previews.get(db, new.id)).answers is None
        with pytest.raises(PreviewNotFound):
            await source_previews.get(db, old.id)


def test_a_search_counts_what_is_missing_never_below_none() -> None:
    search = Search(
        uuid4(), "x", Profile(), 5, None, SearchStatus.RUNNING, 7, None, None, None, "a",
        START, START, None,
    )  # fmt: skip
    assert search.missing == 0
    assert replace(search, found=3).missing == 2
