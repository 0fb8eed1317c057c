"""Leads in the CRM: each once, whatever is refused, crossed, lost or used up."""

from datetime import timedelta
from uuid import UUID

import orjson
import pytest
from sqlalchemy import text

from agents.crm_syncer import SyncOptions
from agents.failpoints import Failpoints
from agents.messages import CheckCrm, SyncLead, WebhookReceived
from policies.crm_records import ApiUsage, RowError
from storage import crm, crm_links, inbound
from storage.crm_links import LinkState
from storage.database import Database
from storage.inbound import Event
from storage.sealing import Sealer
from tests.agents.crm_room import AWAY, KEY, Room, refused

HOUR = timedelta(hours=1)
LOCKED = RowError("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access")
TOO_LONG = RowError("STRING_TOO_LONG", "Last Name: too large: Byron0 of ada0@x.example", ("Title",))


@pytest.fixture
async def room(database: Database, sealer: Sealer) -> Room:
    room = Room(database, sealer)
    await room.open()
    return room


async def test_leads_are_brought_once_and_only_changes_after_that(room: Room) -> None:
    ids = await room.scored(3)
    await room.tick("crm.sync")

    assert {r.values[KEY] for r in room.org.live()} == {str(each) for each in ids}
    assert await room.states() == {"synced": 3}
    assert room.org.calls.count("upsert") == 1
    assert await room.timeline(ids[0]) == ["crm.created"]

    await room.tick("crm.sync")
    await room.tell(SyncLead(ids[0]))
    await room.work()
    assert room.org.calls.count("upsert") == 1, "nothing changed, so nothing was sent"

    room.clock.pass_(HOUR)
    await room.rescored(ids[:1], 99)
    await room.tick("crm.sync")
    assert room.org.calls.count("upsert") == 2
    assert room.org.of(ids[0]).values["Rating"] == 99
    assert len(room.org.live()) == 3


async def test_a_lead_whose_transaction_ended_late_is_found_behind_the_walk(room: Room) -> None:
    await room.scored(1)
    await room.tick("crm.sync")
    late = await room.scored(1, first=1)
    query = "UPDATE leads SET updated_at = updated_at - interval '5 minutes' WHERE id = :id"
    await room.rows(f"{query} RETURNING id", id=late[0])
    await room.tick("crm.sync")

    assert len(room.org.live()) == 2


async def test_who_is_not_of_the_audience_stays_here(room: Room) -> None:
    await room.open(audience={"min_score": 80})
    ids = await room.scored(2)
    await room.rescored(ids[:1], 90)
    await room.tell(*(SyncLead(each) for each in ids))
    await room.tick("crm.sync")

    assert [r.values[KEY] for r in room.org.live()] == [str(ids[0])]
    assert set(await room.links()) == {ids[0]}


async def test_a_new_mapping_is_applied_to_all_without_a_message(room: Room) -> None:
    ids = await room.scored(2)
    await room.tick("crm.sync")
    fields = [
        {"to": "LastName", "from": "person.last_name", "default": "?"},
        {"to": "Company", "constant": "Somewhere"},
    ]
    await room.open(fields=fields)
    await room.tick("crm.sync")

    assert [room.org.of(each).values["Company"] for each in ids] == ["Somewhere"] * 2


async def test_an_answer_that_never_came_is_asked_for_again_and_creates_nothing_twice(
    room: Room,
) -> None:
    await room.scored(3)
    await room.tick("crm.sync")
    more = await room.scored(3, first=10)
    room.org.after = [AWAY]
    await room.tick("crm.sync")

    assert len(room.org.live()) == 6
    assert set(room.org.created.values()) == {1}
    assert (await room.links())[more[0]].state is LinkState.SYNCED


async def test_of_two_workers_that_cross_the_newer_record_stays(room: Room) -> None:
    ids = await room.scored(2)

    async def cross() -> None:
        await room.rescored(ids[:1], 99)
        await room.tell(SyncLead(ids[0]))
        await room.another_works()
        assert room.org.of(ids[0]).values["Rating"] == 99

    room.org.meanwhile["upsert"] = cross
    await room.tick("crm.sync")

    assert room.org.of(ids[0]).values["Rating"] == 99, "the older one came last, and was corrected"
    assert await room.states() == {"synced": 2}
    assert [kind for kind in await room.timeline(ids[0]) if kind == "crm.created"] == [
        "crm.created"
    ]


async def test_a_locked_row_is_tried_again_and_holds_up_nobody(room: Room) -> None:
    room.org.errors["Firm 1"] = (LOCKED, 3)
    ids = await room.scored(3)
    await room.tick("crm.sync")

    assert await room.states() == {"synced": 3}
    assert room.org.calls.count("upsert") == 4
    link = (await room.links())[ids[1]]
    assert (link.attempts, link.code) == (0, None)


async def test_a_poison_row_is_put_aside_with_the_crms_own_words_but_no_personal_ones(
    room: Room,
) -> None:
    room.org.errors["Firm 0"] = (TOO_LONG, 99)
    ids = await room.scored(3)
    await room.tick("crm.sync")

    assert await room.states() == {"synced": 2, "quarantined": 1}
    link = (await room.links())[ids[0]]
    assert (link.code, link.problem_fields) == ("STRING_TOO_LONG", ("Title",))
    assert link.problem is not None
    assert link.problem.startswith("Last Name: too large:")
    assert "byron" not in link.problem.lower()
    assert "ada0@" not in link.problem

    room.clock.pass_(HOUR)
    await room.rescored(ids, 80)
    calls = room.org.calls.count("upsert")
    await room.tick("crm.sync")
    assert room.org.errors["Firm 0"][1] == 98, "it is never pushed again by itself"
    assert room.org.calls.count("upsert") == calls + 1

    room.org.errors.clear()
    async with room.database.transaction() as db:
        assert await crm_links.retry(db, [ids[0]], now=room.clock()) == [ids[0]]
    await room.tell(SyncLead(ids[0]))
    await room.work()
    assert await room.states() == {"synced": 3}


async def test_a_reason_that_we_do_not_know_is_tried_three_times(room: Room) -> None:
    room.org.errors["Firm 0"] = (RowError("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "trigger"), 99)
    await room.scored(1)
    await room.tick("crm.sync")

    assert await room.states() == {"quarantined": 1}
    assert room.org.errors["Firm 0"][1] == 96


async def test_a_record_for_which_the_whole_call_is_refused_is_found(room: Room) -> None:
    room.org.whole_call = "Firm 137"
    ids = await room.scored(150)
    await room.tick("crm.sync")

    assert await room.states() == {"synced": 149, "quarantined": 1}
    assert (await room.links())[ids[137]].code == "REQUEST_REFUSED"
    assert len(room.org.calls) < 25


async def test_a_wrong_right_quarantines_nobody(room: Room) -> None:
    no_right = RowError("INSUFFICIENT_ACCESS_OR_READONLY", "no")
    room.org.errors["Firm"] = (no_right, 4)
    await room.scored(2)
    await room.tick("crm.sync")

    assert await room.states() == {"synced": 2}, "and once the right is given they go through"


async def test_a_duplicate_is_merged_unless_the_record_is_another_leads(room: Room) -> None:
    theirs = room.org.add("Lead", LastName="Byron0", Company="Firm 0")
    ids = await room.scored(1)
    match = RowError("DUPLICATES_DETECTED", "Use one of these records?", (), (theirs,))
    room.org.errors["Firm 0"] = (match, 1)
    await room.tick("crm.sync")

    assert room.org.of(ids[0]).id == theirs
    assert (await room.links())[ids[0]].crm_id == theirs
    assert len(room.org.live()) == 1

    room.org.errors["Firm 1"] = (match, 1)
    others = await room.scored(1, first=1)
    await room.tick("crm.sync")
    link = (await room.links())[others[0]]
    assert link.state is LinkState.QUARANTINED
    assert "another lead" in (link.problem or "")


@pytest.mark.parametrize(
    ("rule", "state"), [("save_anyway", "synced"), ("quarantine", "quarantined")]
)
async def test_a_duplicate_is_dealt_with_by_rule(room: Room, rule: str, state: str) -> None:
    await room.open(duplicates=rule)
    match = RowError("DUPLICATES_DETECTED", "Use one of these?", (), ("00Q000000000001AAA",))
    room.org.errors["Firm 0"] = (match, 9)
    await room.scored(1)
    await room.tick("crm.sync")

    assert await room.states() == {state: 1}


async def test_a_converted_lead_is_left_alone_and_its_outcome_taken_back(room: Room) -> None:
    ids = await room.scored(2)
    await room.tick("crm.sync")
    opportunity = room.org.add("Opportunity", Name="By conversion")
    room.clock.pass_(HOUR)
    room.org.change(
        room.org.of(ids[0]).id,
        IsConverted=True,
        Status="Closed - Converted",
        ConvertedOpportunityId=opportunity,
    )
    await room.tick("crm.poll")

    found = await room.rows("SELECT id, outcome, status FROM leads WHERE outcome")
    assert [(row["id"], row["status"]) for row in found] == [(ids[0], "converted")]
    assert await room.states() == {"converted": 1, "synced": 1}
    assert await room.timeline(ids[0]) == ["crm.created", "crm.converted"]
    assert (await room.links("Opportunity"))[ids[0]].crm_id == opportunity

    await room.tick("crm.poll")
    room.clock.pass_(HOUR)
    await room.rescored(ids, 5)
    await room.tick("crm.sync")
    assert room.org.of(ids[0]).values["Rating"] == 70, "it is read-only there"
    assert await room.timeline(ids[0]) == ["crm.created", "crm.converted"]


async def test_a_lead_that_was_converted_before_we_knew_is_told_by_the_refusal(
    room: Room,
) -> None:
    ids = await room.scored(1)
    await room.tick("crm.sync")
    room.clock.pass_(HOUR)
    room.org.change(room.org.of(ids[0]).id, IsConverted=True)
    await room.rescored(ids, 90)
    await room.tick("crm.sync")

    assert await room.states() == {"converted": 1}
    assert (await room.rows("SELECT outcome FROM leads"))[0]["outcome"] is True


async def test_an_outbound_message_is_a_hint_to_look_at_the_record(room: Room) -> None:
    ids = await room.scored(2)
    await room.tick("crm.sync")
    told = [room.org.of(each).id for each in ids]
    room.clock.pass_(HOUR)
    room.org.change(told[0], IsConverted=True, Status="Closed - Converted")
    async with room.database.transaction() as db:
        events = [
            Event("salesforce", f"04l{n}", orjson.dumps(payload).decode())
            for n, payload in enumerate(
                [
                    {"type": "Lead", "id": told[0]},
                    {"type": "Lead", "id": told[1], "IsConverted": True},
                    {"type": "Contact", "id": told[1]},
                    {"type": "Lead", "id": "' OR Id != null"},
                    [],
                ]
            )
        ]
        kept = [await inbound.add(db, room.sealer, each, now=room.clock()) for each in events]
    await room.tell(*(WebhookReceived("salesforce", each) for each in kept if each is not None))
    calls = len(room.org.calls)
    await room.work()

    assert await room.states() == {"converted": 1, "synced": 1}
    assert len(room.org.calls) == calls + 1


async def test_another_status_is_told_on_the_timeline(room: Room) -> None:
    ids = await room.scored(1)
    await room.tick("crm.sync")
    await room.tick("crm.poll")
    room.clock.pass_(HOUR)
    room.org.change(room.org.of(ids[0]).id, Status="Working")
    await room.tick("crm.poll")
    await room.tick("crm.poll")

    found = await room.rows("SELECT details FROM activities WHERE kind = 'crm.status'")
    assert [(row["details"]["from"], row["details"]["to"]) for row in found] == [
        ("Open", "Working")
    ]


async def test_what_somebody_deleted_there_stays_deleted(room: Room) -> None:
    ids = await room.scored(2)
    await room.tick("crm.sync")
    room.clock.pass_(HOUR)
    for each in ids:
        room.org.change(room.org.of(each).id, deleted=True)
    await room.rescored(ids[:1], 90)
    await room.tick("crm.sync")
    assert room.org.live() == [], "made anew before the poll could know: taken back"
    await room.tick("crm.poll")

    assert await room.states() == {"gone": 2}
    drift = await room.rows("SELECT why FROM crm_drift")
    assert {row["why"] for row in drift} == {"gone_there"}
    await room.rescored(ids, 95)
    await room.tick("crm.sync")
    assert room.org.live() == []

    link = (await room.links())[ids[1]]
    room.clock.pass_(HOUR)
    room.org.change(str(link.crm_id), deleted=False)
    await room.tick("crm.poll")
    assert room.org.of(ids[1]).values["Rating"] == 95, "somebody took it out of the bin"


async def test_what_was_deleted_there_is_made_anew_once_for_who_asks_for_that(room: Room) -> None:
    ids = await room.scored(1)
    await room.tick("crm.sync")
    room.org.change(room.org.of(ids[0]).id, deleted=True)
    room.clock.pass_(HOUR)
    await room.tick("crm.poll")
    async with room.database.transaction() as db:
        assert await crm_links.retry(db, ids, now=room.clock()) == ids
    await room.tell(SyncLead(ids[0]))
    await room.work()
    await room.tick("crm.poll")
    await room.tick("crm.sync")

    assert await room.states() == {"synced": 1}
    assert [record.values[KEY] for record in room.org.live()] == [str(ids[0])]


async def test_by_rule_what_somebody_deleted_there_is_made_again(
    database: Database, sealer: Sealer
) -> None:
    room = Room(database, sealer, options=SyncOptions(recreate=True))
    await room.open()
    ids = await room.scored(1)
    await room.tick("crm.sync")
    first = room.org.of(ids[0]).id
    room.clock.pass_(HOUR)
    room.org.change(first, deleted=True)
    await room.tick("crm.poll")

    again = room.org.of(ids[0]).id
    assert again != first
    assert (await room.links())[ids[0]].crm_id == again


async def test_a_persons_deletion_reaches_the_crm(room: Room) -> None:
    ids = await room.scored(3)
    await room.tick("crm.sync")
    room.clock.pass_(HOUR)
    await room.remove(ids[0])
    room.org.after = [AWAY]
    await room.tick("crm.sync")

    assert {r.values[KEY] for r in room.org.live()} == {str(each) for each in ids[1:]}
    assert await room.states() == {"synced": 2, "deleted": 1}
    assert (await room.timeline(ids[0]))[-1] == "crm.deleted"

    await room.remove(ids[1])
    await room.rows("DELETE FROM leads WHERE deleted_at IS NOT NULL RETURNING id")
    room.clock.pass_(timedelta(days=2))
    await room.tick("crm.sync")
    assert len(room.org.live()) == 1, "also of one that was purged before we came"


async def test_a_record_that_was_never_confirmed_is_deleted_too(room: Room) -> None:
    ids = await room.scored(1)
    await room.tick("crm.sync")
    room.clock.pass_(HOUR)
    await room.rows("UPDATE crm_links SET crm_id = NULL, state = 'pending' RETURNING lead_id")
    await room.remove(ids[0])
    await room.tick("crm.sync")

    assert room.org.live() == []


async def test_an_opportunity_is_made_once(room: Room) -> None:
    await room.open(opportunity={"when_status": "qualified", "name": "{company}: deal"})
    ids = await room.scored(2)
    await room.tick("crm.sync")
    assert room.org.live("Opportunity") == []

    room.clock.pass_(HOUR)
    await room.qualified(ids[0])
    room.org.after = [None, AWAY]
    await room.tick("crm.sync")
    await room.tick("crm.sync")
    (made,) = room.org.live("Opportunity")
    assert (made.values["Name"], made.values[KEY]) == ("Firm 0: deal", str(ids[0]))

    made.values["Name"] = "Changed by a sales person"
    room.clock.pass_(HOUR)
    await room.rescored(ids, 90)
    await room.tick("crm.sync")
    assert made.values["Name"] == "Changed by a sales person"


async def test_when_few_calls_are_left_they_are_left_to_others(room: Room) -> None:
    await room.scored(1)
    await room.tick("crm.sync")
    room.org.usage = ApiUsage(85_000, 100_000)
    await room.tell(CheckCrm())
    await room.work()
    calls = len(room.org.calls)
    room.clock.pass_(timedelta(minutes=1))
    await room.scored(1, first=1)
    await room.tick("crm.sync")
    assert (len(room.org.live()), len(room.org.calls)) == (1, calls)

    await room.scored(250, first=2)
    await room.tick("crm.sync")
    assert "start_job" in room.org.calls, "a bulk job costs little"
    assert len(room.org.live()) == 252


async def test_used_up_calls_are_waited_for_and_shown(room: Room) -> None:
    await room.scored(1)
    await room.tick("crm.sync")
    room.clock.pass_(HOUR)
    await room.scored(1, first=1)
    used_up = type(AWAY)(
        "salesforce", "REQUEST_LIMIT_EXCEEDED", retry_after=HOUR, out_of_credit=True
    )
    room.org.before = [used_up]
    await room.tell(
        SyncLead((await room.rows("SELECT id FROM leads ORDER BY created_at"))[1]["id"])
    )
    fleet_began = room.clock()
    await room.work()

    assert room.clock() - fleet_began >= HOUR
    assert len(room.org.live()) == 2


async def test_a_check_tells_who_we_are_or_why_not(room: Room) -> None:
    await room.tell(CheckCrm())
    await room.work()
    async with room.database.transaction() as db:
        state = await crm.state(db)
    assert state.connected
    assert state.account
    assert state.account.user == "us@example.com"
    assert state.descriptions["Lead"].field(KEY)

    room.org.before = [refused("wrong password")]
    await room.tell(CheckCrm())
    await room.work()
    async with room.database.transaction() as db:
        state = await crm.state(db)
    assert (state.connected, state.problem) == (False, "salesforce: wrong password")


async def test_a_mapping_that_cannot_work_sends_nothing(room: Room) -> None:
    await room.open(fields=[{"to": "Nowhere__c", "from": "company"}])
    await room.scored(1)
    await room.tick("crm.sync")

    assert room.org.calls == ["who", "describe"]
    await room.tick("crm.sync")
    assert room.org.calls == ["who", "describe"]
    async with room.database.transaction() as db:
        assert "Nowhere__c" in ((await crm.state(db)).problem or "")


async def test_a_real_crm_gets_nothing_before_somebody_has_kept_a_mapping(room: Room) -> None:
    async with room.database.transaction() as db:
        await db.execute(text("DELETE FROM crm_mappings"))
    room.options = SyncOptions(unasked=False)
    ids = await room.scored(1)
    await room.tick("crm.sync")
    assert room.org.calls == ["who", "describe"]
    await room.tick("crm.sync")
    assert room.org.calls == ["who", "describe"]
    async with room.database.transaction() as db:
        assert "crm mapping set" in ((await crm.state(db)).problem or "")

    await room.tell(SyncLead(ids[0]))
    await room.work()
    assert "upsert" in room.org.calls, "who asks for a lead to be sent gets that"


async def test_the_drift_report_says_what_differs_and_why(room: Room) -> None:
    ids = await room.scored(5)
    await room.tick("crm.sync")
    assert await _drift(room) == {}

    room.clock.pass_(HOUR)
    room.org.change(room.org.of(ids[0]).id, Company="Renamed")
    room.org.change(room.org.of(ids[1]).id, deleted=True)
    await room.rescored(ids[2:3], 11)
    stranger = UUID(int=2**127)
    room.org.add("Lead", **{KEY: str(stranger), "Company": "Unknown"})
    assert await _drift(room) == {
        (ids[0], "Company"): "changed_there",
        (ids[1], ""): "gone_there",
        (ids[2], "Rating"): "not_sent_yet",
        (stranger, ""): "unknown_here",
    }


async def _drift(room: Room) -> dict[tuple[UUID, str], str]:
    await room.tick("crm.drift")
    found = await room.rows("SELECT lead_id, field, why FROM crm_drift")
    return {(row["lead_id"], row["field"]): row["why"] for row in found}


async def test_a_batch_whose_worker_died_costs_one_more_call_not_one_a_lead(room: Room) -> None:
    await room.scored(60)
    fleet = await room.tick("crm.sync", failpoints=Failpoints.parse("crm.after:crash:1"))

    assert fleet.crashes == 1
    assert await room.states() == {"synced": 60}
    assert room.org.calls.count("upsert") == 2
