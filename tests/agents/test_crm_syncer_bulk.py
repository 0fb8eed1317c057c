"""Bulk jobs: taken up at any step, their results joined, what is left of them sent otherwise."""

from datetime import timedelta

import pytest

from agents.crm_syncer import SyncOptions
from agents.messages import CheckCrm, FollowJob
from policies.crm_records import JobPhase, RowError
from storage import crm_jobs
from storage.crm_jobs import Job, Step
from storage.database import Database
from storage.sealing import Sealer
from tests.agents.crm_room import AWAY, KEY, Room

FEW = SyncOptions(bulk_from=10, bulk_rows=40)
LOCKED = RowError("UNABLE_TO_LOCK_ROW", "locked")


@pytest.fixture
async def room(database: Database, sealer: Sealer) -> Room:
    room = Room(database, sealer, options=FEW)
    await room.open()
    return room


async def jobs(room: Room) -> list[Job]:
    async with room.database.transaction() as db:
        return await crm_jobs.page(db)


async def test_many_go_by_a_bulk_job_that_takes_eight_calls(room: Room) -> None:
    ids = await room.scored(30)
    room.org.errors = {"Firm 7": (RowError("STRING_TOO_LONG", "too long"), 1)}
    await room.tick("crm.sync")

    assert {r.values[KEY] for r in room.org.live()} == {str(i) for i in ids} - {str(ids[7])}
    assert await room.states() == {"synced": 29, "quarantined": 1}
    (job,) = await jobs(room)
    assert (job.step, job.records, job.processed, job.failed) == (Step.DONE, 30, 30, 1)
    assert job.api_calls == 8
    assert "upsert" not in room.org.calls


async def test_more_than_a_job_takes_are_several_jobs(room: Room) -> None:
    await room.scored(100)
    await room.tick("crm.sync")

    assert sorted(job.records for job in await jobs(room)) == [20, 40, 40]
    assert len(room.org.live()) == 100


async def test_what_a_job_leaves_comes_by_collections(room: Room) -> None:
    room.org.unanswered = 5
    room.org.errors = {
        "Firm 1": (LOCKED, 1),
        "Firm 2": (RowError("DUPLICATES_DETECTED", "Use one of these?"), 1),
    }
    await room.scored(30)
    await room.tick("crm.sync")

    assert await room.states() == {"synced": 30}
    assert room.org.calls.count("upsert") <= 2
    assert set(room.org.created.values()) == {1}


async def test_a_lead_that_changes_under_way_is_sent_again(room: Room) -> None:
    ids = await room.scored(30)
    room.org.patience = 2

    async def changing() -> None:
        room.clock.pass_(timedelta(seconds=1))
        await room.rescored(ids[:1], 99)
        await room.remove(ids[1])

    room.org.meanwhile["close"] = changing
    await room.tick("crm.sync")

    assert room.org.of(ids[0]).values["Rating"] == 99
    assert len(room.org.live()) == 29
    assert await room.states() == {"synced": 29, "deleted": 1}


async def test_a_job_that_is_never_over_is_aborted_and_its_leads_come_otherwise(
    database: Database, sealer: Sealer
) -> None:
    options = SyncOptions(bulk_from=10, give_up=timedelta(minutes=30))
    room = Room(database, sealer, options=options)
    await room.open()
    room.org.patience = 10**6
    await room.scored(30)
    await room.tick("crm.sync")

    (job,) = await jobs(room)
    assert job.problem is not None
    assert "aborted" in job.problem
    assert [each.state for each in room.org.jobs.values()] == [JobPhase.ABORTED]
    assert len(room.org.live()) == 30
    assert job.polls <= 12


async def test_every_call_may_fail_before_or_after_it_is_done(room: Room) -> None:
    for failing in range(1, 16):
        room.clock.pass_(timedelta(hours=1))
        await room.scored(20, first=100 * failing)
        room.org.before = [*[None] * (failing % 8), AWAY]
        room.org.after = [*[None] * (failing // 2), AWAY]
        await room.tick("crm.sync")
        room.org.before, room.org.after = [], []

    assert len(room.org.live()) == 300
    assert set(room.org.created.values()) == {1}
    assert await room.states() == {"synced": 300}
    assert not [job for job in await jobs(room) if job.step is not Step.DONE]


async def test_a_job_of_which_nothing_is_heard_is_taken_up_again(room: Room) -> None:
    await room.scored(30)
    room.org.patience = 3
    await room.tick("crm.sync")
    await room.rows("UPDATE crm_jobs SET step = 'closed' RETURNING id")
    room.clock.pass_(timedelta(hours=3))
    await room.tick("crm.sync")

    assert [job.step for job in await jobs(room)] == [Step.DONE]


async def test_two_messages_for_a_job_do_no_more_than_one(room: Room) -> None:
    await room.scored(30)
    room.org.patience = 4
    fleet_calls = room.org.calls
    await room.tick("crm.sync")
    (job,) = await jobs(room)
    await room.tell(FollowJob(job.id), FollowJob(job.id))
    before = len(fleet_calls)
    await room.work()

    assert len(fleet_calls) == before


async def test_a_lead_that_changes_while_nobody_knows_what_was_uploaded_is_sent_again(
    room: Room,
) -> None:
    ids = await room.scored(30)

    async def changing() -> None:
        await room.rescored(ids[:1], 99)

    room.org.meanwhile["upload"] = changing
    await room.tell(CheckCrm())
    await room.work()
    room.org.after = [None, AWAY]
    await room.tick("crm.sync")

    assert room.org.calls.count("upload") == 2
    assert room.org.of(ids[0]).values["Rating"] == 99
    assert await room.states() == {"synced": 30}
