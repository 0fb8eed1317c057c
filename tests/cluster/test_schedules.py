"""Ticks come once a moment, whoever posts them and however often."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from agents.messages import Tick, decode
from agents.runtime import Worker, drain
from agents.supervisor import Supervisor
from cluster.roles import table
from cluster.schedules import OF_VENDORS, SCHEDULES, Schedule, schedules, ticks
from cluster.settings import Settings
from storage import mailbox
from storage.database import Database
from storage.mailbox import Mailbox

NOW = datetime(2026, 3, 1, 12, 34, 56, tzinfo=UTC)
HOURLY = Schedule("purge", "supervisor", timedelta(hours=1))


def test_a_tick_stands_for_the_last_full_moment() -> None:
    letter = ticks([HOURLY], NOW)[0]
    assert decode(letter.body) == Tick("purge", datetime(2026, 3, 1, 12, tzinfo=UTC))
    assert letter.recipient == "supervisor"


async def test_every_tick_is_understood_by_whom_it_is_sent_to(database: Database) -> None:
    async with database.transaction() as db:
        await mailbox.post(db, ticks(SCHEDULES, NOW), now=NOW)

    box = Mailbox(database.url, "supervisor", "test", virtual=True)
    await box.open(NOW)
    worker = Worker(Supervisor(lambda: NOW), database, box, lambda: NOW, lambda: 0.5, virtual=True)
    await drain([worker])
    await box.close()

    async with database.transaction() as db:
        left = await db.execute(text("SELECT kind, reason FROM dead_letters"))
        assert [tuple(row) for row in left] == []
        waiting = await db.execute(
            text("SELECT body->>'schedule' FROM messages WHERE recipient = 'supervisor'")
        )
        assert [*waiting.scalars()] == []
    assert worker.tally.failed == 0


def test_every_schedule_has_a_name_of_its_own() -> None:
    everything = {*SCHEDULES, *(each for some in OF_VENDORS.values() for each in some)}
    assert len({s.name for s in everything}) == len(everything)


def test_a_vendor_that_is_not_connected_is_not_asked_by_the_clock() -> None:
    assert schedules(Settings(_env_file=None)) == [*SCHEDULES]
    bought = Settings(_env_file=None, uplead_api_key="a", zoominfo_client_id="b")
    assert {s.name for s in schedules(bought)} - {s.name for s in SCHEDULES} == {
        "sources.usage",
        "recheck",
    }


def test_who_is_told_of_a_schedule_has_a_role() -> None:
    connected = Settings(
        _env_file=None,
        uplead_api_key="a",
        linkedin_access_token="b",
        linkedin_owners="urn:li:organization:1",
        salesforce_domain="acme.my",
        salesforce_consumer_key="c",
        salesforce_consumer_secret="d",
    )
    assert {s.recipient for s in schedules(connected)} <= set(table(connected))


async def test_a_moment_is_posted_once_and_the_next_one_again(database: Database) -> None:
    async def post(at: datetime) -> int:
        async with database.transaction() as db:
            return await mailbox.post(db, ticks([HOURLY], at))

    first = [await post(NOW), await post(NOW), await post(NOW + timedelta(minutes=5))]
    assert first == [1, 0, 0]
    assert await post(NOW + timedelta(hours=1)) == 1
