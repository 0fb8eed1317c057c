import asyncio
import os
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from policies.lead import LeadDraft
from storage import leads, scoring
from storage.database import Database
from storage.scoring import (
    AlgorithmNotFound,
    AlgorithmStatus,
    AlgorithmStatusError,
    CachedJudgement,
    ScoringResult,
    StoredAlgorithm,
)
from storage.sealing import Sealer

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
SEALER = Sealer({1: os.urandom(32)}, 1, os.urandom(32))


async def made(database: Database, name: str = "general", *, ready: bool = True) -> StoredAlgorithm:
    async with database.transaction() as db:
        return await scoring.create(
            db,
            name=name,
            definition={"kind": "template"},
            ready=ready,
            created_by="test",
            now=NOW,
        )


async def activated(database: Database, algorithm_id: UUID) -> StoredAlgorithm | None:
    async with database.transaction() as db:
        return await scoring.activate(db, algorithm_id, now=LATER)


async def standing(database: Database) -> dict[UUID, AlgorithmStatus]:
    async with database.transaction() as db:
        return {each.id: each.status for each in await scoring.all_algorithms(db)}


async def test_versions_count_within_a_name(database: Database) -> None:
    versions = [(await made(database, name)).version for name in ("a", "a", "b", "a")]

    assert versions == [1, 2, 1, 3]
    async with database.transaction() as db:
        newest, first = await scoring.by_name(db, "a"), await scoring.by_name(db, "a", 1)
        assert await scoring.by_name(db, "c") is None
    assert newest is not None
    assert first is not None
    assert (newest.version, first.version) == (3, 1)


async def test_versions_made_at_once_have_numbers_of_their_own(database: Database) -> None:
    found = await asyncio.gather(*(made(database) for _ in range(4)))

    assert sorted(each.version for each in found) == [1, 2, 3, 4]


async def test_activating_retires_the_one_before_and_returns_it(database: Database) -> None:
    old, new = await made(database), await made(database)

    assert await activated(database, old.id) is None
    former = await activated(database, new.id)

    assert former is not None
    assert (former.id, former.status) == (old.id, AlgorithmStatus.RETIRED)
    assert await standing(database) == {old.id: "retired", new.id: "active"}
    async with database.transaction() as db:
        present = await scoring.active(db)
    assert present is not None
    assert (present.id, present.activated_at) == (new.id, LATER)


async def test_a_retired_one_can_come_back_and_an_active_one_stays(database: Database) -> None:
    old, new = await made(database), await made(database)
    for each in (old, new, old, old):
        await activated(database, each.id)

    assert await standing(database) == {old.id: "active", new.id: "retired"}


async def test_of_many_activated_at_once_exactly_one_is_active(database: Database) -> None:
    found = [await made(database) for _ in range(4)]

    await asyncio.gather(*(activated(database, each.id) for each in found))

    assert sorted((await standing(database)).values()) == [
        "active",
        "retired",
        "retired",
        "retired",
    ]


async def test_the_first_start_makes_a_default_once_whoever_comes_first(
    database: Database,
) -> None:
    async def start() -> StoredAlgorithm:
        async with database.transaction() as db:
            return await scoring.ensure_default(
                db, name="general", definition={"kind": "template"}, now=NOW
            )

    found = await asyncio.gather(*(start() for _ in range(3)))

    assert len({each.id for each in found}) == 1
    assert list((await standing(database)).values()) == ["active"]


async def test_a_learned_one_scores_only_once_it_is_fitted(database: Database) -> None:
    draft = await made(database, ready=False)
    with pytest.raises(AlgorithmStatusError, match="draft cannot score leads"):
        await activated(database, draft.id)

    async with database.transaction() as db:
        fitting = await scoring.set_fitting(db, draft.id)
        await scoring.set_fitting(db, draft.id)
        fitted = await scoring.set_fitted(
            db, draft.id, definition={"kind": "learned", "model": 1}, report={"auc": 0.9}
        )
        with pytest.raises(AlgorithmStatusError, match="challenger cannot be fitted"):
            await scoring.set_fitting(db, draft.id)

    assert (draft.status, fitting.status) == ("draft", "fitting")
    assert (fitted.status, fitted.report) == ("challenger", {"auc": 0.9})
    assert fitted.definition == {"kind": "learned", "model": 1}


async def test_a_failed_fit_says_why_and_can_be_tried_again(database: Database) -> None:
    draft = await made(database, ready=False)
    async with database.transaction() as db:
        await scoring.set_fitting(db, draft.id)
        failed = await scoring.set_failed(db, draft.id, "too few outcomes")
        again = await scoring.set_fitting(db, draft.id)

    assert (failed.status, failed.problem) == ("failed", "too few outcomes")
    assert (again.status, again.problem) == ("fitting", None)


async def test_only_what_never_scored_can_be_deleted(database: Database) -> None:
    draft, used = await made(database, ready=False), await made(database)
    await keep_result(database, used.id, 50)
    await activated(database, used.id)
    async with database.transaction() as db:
        await scoring.delete_draft(db, draft.id)
        with pytest.raises(AlgorithmStatusError, match="active cannot be deleted"):
            await scoring.delete_draft(db, used.id)
        with pytest.raises(AlgorithmNotFound):
            await scoring.get(db, draft.id)


async def keep_result(
    database: Database, algorithm_id: UUID, score: int, lead_id: leads.LeadId | None = None
) -> leads.LeadId:
    async with database.transaction() as db:
        lead_id = lead_id or (await leads.keep(db, SEALER, [LeadDraft("f")], now=NOW))[0].id
        at = NOW + timedelta(minutes=score)
        detail = {"reasoning": "a\x00b", "parts": [{"name": "x\x00"}]}
        result = ScoringResult(
            lead_id, algorithm_id, score, 0.5, 0.9, 40, 60, "hot", ("scorecard",), detail, at
        )
        gone = ScoringResult(
            leads.LeadId(uuid4()), algorithm_id, 1, 0.5, 0.9, 1, 1, "hot", (), {}, at
        )
        assert await scoring.keep_results(db, [result, gone]) == 1
    return lead_id


async def test_results_are_kept_newest_first_and_those_of_gone_leads_are_not(
    database: Database,
) -> None:
    algorithm = await made(database)
    lead_id = await keep_result(database, algorithm.id, 10)
    other = await keep_result(database, algorithm.id, 30)
    await keep_result(database, algorithm.id, 20, lead_id)

    async with database.transaction() as db:
        results = await scoring.of_lead(db, lead_id)
        newest = await scoring.latest(db, [lead_id, other, uuid4()])

    assert [each.score for each in results] == [20, 10]
    assert {lead: result.score for lead, result in newest.items()} == {lead_id: 20, other: 30}
    assert results[0].detail == {"reasoning": "ab", "parts": [{"name": "x"}]}
    assert (results[0].judges, results[0].confidence) == (("scorecard",), 0.9)


async def test_the_first_answer_to_a_question_is_remembered(database: Database) -> None:
    first, second = CachedJudgement("m", {"fit": 3}), CachedJudgement("m", {"fit": 1})
    async with database.transaction() as db:
        await scoring.keep_judgements(db, {b"a": first, b"b": second}, now=NOW)
        await scoring.keep_judgements(db, {b"a": second}, now=LATER)

        assert await scoring.judgements(db, [b"a", b"c"]) == {b"a": first}
