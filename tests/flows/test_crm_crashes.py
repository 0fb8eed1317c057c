"""The syncer dies at every place where it can, and the CRM has each lead once all the same."""

from datetime import timedelta

import pytest

from agents.crm_syncer import SyncOptions
from agents.failpoints import Failpoints
from policies.crm_records import RowError
from storage.database import Database
from storage.sealing import Sealer
from tests.agents.crm_room import KEY, Room
from tests.conftest import empty_every_table

PLACES = (
    "claim.after",
    "intent.before",
    "intent.after",
    "crm.before",
    "crm.after",
    "commit.before",
    "commit.after",
)
OPPORTUNITY = {"when_status": "qualified", "name": "{company}"}


async def rehearse(room: Room, failpoints: Failpoints) -> int:
    """Bring leads there, change them, delete one, convert one; return the crashes."""
    await room.open(opportunity=OPPORTUNITY)
    room.org.errors = {
        "Firm 0": (RowError("STRING_TOO_LONG", "too long"), 10**6),
        "Firm 1": (RowError("UNABLE_TO_LOCK_ROW", "locked"), 1),
    }
    ids = await room.scored(24)
    fleet = await room.tick("crm.sync", failpoints=failpoints)
    crashes = fleet.crashes
    room.clock.pass_(timedelta(hours=1))
    room.org.change(room.org.of(ids[2]).id, IsConverted=True)
    fleet = await room.tick("crm.poll", failpoints=failpoints)
    crashes += fleet.crashes
    await room.rescored(ids, 90)
    await room.qualified(ids[3])
    await room.remove(ids[4])
    fleet = await room.tick("crm.sync", failpoints=failpoints)
    crashes += fleet.crashes
    assert await room.states() == {"synced": 21, "quarantined": 1, "converted": 1, "deleted": 1}
    live = room.org.live()
    gone = {str(ids[0]), str(ids[4])}
    assert sorted(str(r.values[KEY]) for r in live) == sorted({str(i) for i in ids} - gone)
    assert set(room.org.created.values()) == {1}
    ratings = {str(r.values["Rating"]) for r in live if not r.values.get("IsConverted")}
    assert ratings == {"90"}
    assert [r.values[KEY] for r in room.org.live("Opportunity")] == [str(ids[3])]
    stuck = await room.rows(
        "SELECT k.lead_id FROM crm_links k JOIN crm_jobs j ON j.id = k.job_id "
        "WHERE j.step IN ('done', 'failed', 'aborted')"
    )
    assert stuck == []
    kinds = [kind for each in ids for kind in await room.timeline(each)]
    assert kinds.count("crm.created") == 23
    assert kinds.count("crm.converted") == kinds.count("crm.deleted") == 1
    return crashes


@pytest.mark.parametrize(
    "bulk",
    [
        pytest.param(False, id="collections"),
        pytest.param(True, id="bulk", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("place", PLACES)
async def test_wherever_it_dies_every_lead_is_there_once(
    database: Database, sealer: Sealer, place: str, bulk: bool
) -> None:
    options = SyncOptions(bulk_from=22 if bulk else 2_000)
    nth = 1
    while True:
        room = Room(database, sealer, options=options)
        crashes = await rehearse(room, Failpoints.parse(f"{place}:crash:{nth}"))
        if not crashes:
            break
        await empty_every_table(database)
        nth += 1
    assert nth > 2, "it never came there twice"
