"""Ticks come once a moment, whoever posts them and however often."""

from datetime import UTC, datetime, timedelta

from agents.messages import Tick, decode
from cluster.schedules import SCHEDULES, Schedule, ticks
from storage import mailbox
from storage.database import Database

NOW = datetime(2026, 3, 1, 12, 34, 56, tzinfo=UTC)
HOURLY = Schedule("purge", "supervisor", timedelta(hours=1))


def test_a_tick_stands_for_the_last_full_moment() -> None:
    letter = ticks([HOURLY], NOW)[0]
    assert decode(letter.body) == Tick("purge", datetime(2026, 3, 1, 12, tzinfo=UTC))
    assert letter.recipient == "supervisor"


def test_every_schedule_has_a_name_of_its_own() -> None:
    assert len({s.name for s in SCHEDULES}) == len(SCHEDULES)


async def test_a_moment_is_posted_once_and_the_next_one_again(database: Database) -> None:
    async def post(at: datetime) -> int:
        async with database.transaction() as db:
            return await mailbox.post(db, ticks([HOURLY], at))

    first = [await post(NOW), await post(NOW), await post(NOW + timedelta(minutes=5))]
    assert first == [1, 0, 0]
    assert await post(NOW + timedelta(hours=1)) == 1
