"""What is bought about leads, from whom, and that each record is paid for once."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from agents.enricher import Enricher
from agents.errors import VendorError
from agents.failpoints import Failpoints
from agents.messages import Tick
from policies.lead import LeadId, Person
from policies.prospect import EmailStatus
from policies.waterfall import Worth
from storage import enrichment, facts, leads
from storage.database import Database
from storage.leads import LeadChange
from storage.mailbox import Lane
from tests.agents.enrich_room import Room, fetch, prospect, uplead, zoominfo
from tests.agents.import_room import SEALER
from tests.conftest import empty_every_table
from tests.flows.harness import Fleet
from tests.flows.test_nothing_personal_at_rest import dump
from tests.scripted import START, Clock


async def handed_on(room: Room) -> int:
    """Leads that went on to the scorer."""
    [(count,)] = await fetch(
        room.database, "SELECT count(*) FROM messages WHERE recipient = 'scorer'"
    )
    return count


async def told(room: Room, lead_id: LeadId) -> dict[tuple[str, str], object]:
    async with room.database.transaction() as db:
        return {(f.field, f.source): f.value for f in (await facts.of(db, [lead_id]))[lead_id]}


async def change(room: Room, lead_id: LeadId, wanted: LeadChange) -> None:
    async with room.database.transaction() as db:
        await leads.update(db, SEALER, lead_id, wanted, expected_version=None, now=START)


async def waiting(room: Room) -> Sequence[Any]:
    return await fetch(room.database, "SELECT kind, due_at FROM delayed_messages")


async def test_what_is_missing_is_bought_and_kept_with_its_source(database: Database) -> None:
    room = Room(database, [uplead([prospect("uplead", 1, linkedin_url="https://x.test/p1")])])
    [ann] = await room.found(1)
    await room.work()
    lead = await room.lead(ann)
    assert (lead.person.email, lead.title, lead.industry) == (
        "p1@c1.de",
        "Head of Sales",
        "software",
    )
    assert lead.person.notes == {"linkedin_url": "https://x.test/p1"}
    known = await told(room, ann)
    assert known["email_status", "uplead"] == "valid"
    assert known["company_size", "uplead"] == "51-200"
    assert known["seniority", "title"] == "head"
    assert not any("@" in str(value) for value in known.values())
    [(cost,)] = await fetch(database, "SELECT sum(cost_micro) FROM lead_facts")
    assert cost == 580_000
    assert await room.books_agree()
    assert await handed_on(room) == 1


async def test_the_next_source_is_asked_only_for_whom_the_first_does_not_help(
    database: Database,
) -> None:
    cheap = uplead([prospect("uplead", n) for n in range(1, 5)])
    dear = zoominfo([prospect("zoominfo", n) for n in range(1, 9)])
    room = Room(database, [cheap, dear])
    await room.found(*range(1, 9))
    await room.work()
    assert sum(cheap.book.values()) == 4
    assert set(dear.book) == {f"zoominfo-{n}" for n in range(5, 9)}
    assert [len(call) for call in dear.asked] == [4]
    assert await room.books_agree()
    assert await handed_on(room) == 8


async def test_a_lead_that_no_source_can_name_reaches_no_vendor(database: Database) -> None:
    source = uplead()
    room = Room(database, [source])
    [ann] = await room.found(1)
    await change(room, ann, {"first_name": None})
    await room.work()
    assert source.asked == []
    assert await handed_on(room) == 1


async def test_without_sources_nothing_is_asked(database: Database) -> None:
    room = Room(database, [])
    await room.found(1)
    await room.work()
    kinds = await fetch(database, "SELECT recipient, kind FROM messages")
    assert kinds == [("scorer", "lead.enriched")]


async def test_the_lane_is_passed_on_through_a_purchase(database: Database) -> None:
    room = Room(database, [uplead()])
    await room.found(1, lane=Lane.URGENT)
    await room.work()
    assert await fetch(database, "SELECT recipient, lane FROM messages") == [("scorer", 0)]


async def test_a_source_that_did_not_know_somebody_is_not_asked_the_same_again(
    database: Database,
) -> None:
    source = uplead()
    room = Room(database, [source])
    [ann] = await room.found(1)
    await room.work()
    await room.buy(ann)
    await room.work()
    assert len(source.asked) == 1
    room.clock.pass_(timedelta(days=91))
    await room.buy(ann)
    await room.work()
    assert len(source.asked) == 2


async def test_what_is_known_is_asked_anew_when_old_and_owned_records_cost_nothing(
    database: Database,
) -> None:
    source = uplead([prospect("uplead", 1)])
    room = Room(database, [source])
    [ann] = await room.found(1)
    await room.work()
    room.clock.pass_(timedelta(days=100))
    source.people = [prospect("uplead", 1, status=EmailStatus.INVALID)]
    await room.buy(ann, refresh=True)
    await room.work()
    assert len(source.asked) == 2
    assert (await told(room, ann))["email_status", "uplead"] == "invalid"
    assert sum(source.book.values()) == 1
    assert await room.books_agree()


async def test_old_addresses_are_checked_anew_when_the_schedule_comes_round(
    database: Database,
) -> None:
    source = uplead([prospect("uplead", n) for n in (1, 2)])
    room = Room(database, [source])
    await room.found(1)
    await room.work()
    room.clock.pass_(timedelta(days=60))
    await room.found(2)
    await room.work()
    room.clock.pass_(timedelta(days=40))
    for _ in range(2):
        await room.post(Tick("recheck", room.clock()))
        await room.work()
    assert [call[0].record_id for call in source.asked] == [None, None, "uplead-1"]
    assert await room.books_agree()


async def test_leads_of_one_company_are_not_all_asked_about_when_its_server_takes_everything(
    database: Database,
) -> None:
    people = [
        prospect("uplead", n, status=EmailStatus.CATCH_ALL, domain="all.de", email=f"p{n}@all.de")
        for n in range(1, 7)
    ]
    checks, dear = uplead(people), zoominfo()
    room = Room(database, [checks, dear])
    await room.found(*range(1, 7), domain="all.de")
    await room.work()
    assert sum(checks.book.values()) == 1
    assert await room.books_agree()


async def test_who_wants_a_valid_address_says_so(database: Database) -> None:
    source = zoominfo()
    room = Room(database, [source])
    await room.found(1)
    await room.work()
    assert source.asked[0][0].least is EmailStatus.VALID
    rich = Worth(title=2_000_000)
    room = Room(database, [source], worth=rich)
    await room.found(2)
    await room.work()
    assert source.asked[1][0].least is None


async def test_an_invalid_address_is_no_hit_and_never_filled_in(database: Database) -> None:
    bad = uplead([prospect("uplead", 1, status=EmailStatus.INVALID, email="bad@c1.de")])
    good = zoominfo([prospect("zoominfo", 1)])
    room = Room(database, [bad, good])
    [ann] = await room.found(1)
    await room.work()
    assert (await room.lead(ann)).person.email == "p1@c1.de"
    known = await told(room, ann)
    assert (known["email_status", "uplead"], known["email_status", "zoominfo"]) == (
        "invalid",
        "valid",
    )


async def test_a_verified_address_takes_the_place_of_an_unsure_one(database: Database) -> None:
    unsure = uplead([prospect("uplead", 1, status=EmailStatus.CATCH_ALL, email="any@c1.de")])
    room = Room(database, [unsure])
    [ann] = await room.found(1)
    await room.work()
    assert (await room.lead(ann)).person.email == "any@c1.de"
    room.sources = [unsure, zoominfo([prospect("zoominfo", 1)])]
    await room.buy(ann)
    await room.work()
    lead = await room.lead(ann)
    assert lead.person.email == "p1@c1.de"
    assert lead.person.notes["former_email"] == "any@c1.de"


async def test_an_address_that_another_lead_has_is_not_taken(database: Database) -> None:
    source = zoominfo([prospect("zoominfo", 1), prospect("zoominfo", 2, email="p1@c1.de")])
    room = Room(database, [source])
    one, two = await room.found(1, 2)
    await room.work()
    owners = [(await room.lead(each)).person.email for each in (one, two)]
    assert sorted(owners, key=str) == [None, "p1@c1.de"]
    loser = two if owners[1] is None else one
    winner = one if loser is two else two
    assert (await told(room, loser))["duplicate_of", "zoominfo"] == str(winner)
    await room.buy(loser)
    await room.work()
    assert len(source.asked) == 1


async def test_who_objected_is_suppressed_and_nothing_more_is_bought(database: Database) -> None:
    out = zoominfo([prospect("zoominfo", 1, opted_out=True)])
    room = Room(database, [out])
    [ann] = await room.found(1)
    await room.work()
    assert await fetch(database, "SELECT DISTINCT reason, source FROM suppressions") == [
        ("opted_out", "zoominfo")
    ]
    cheap = uplead([prospect("uplead", 1)])
    room.sources = [cheap]
    await room.buy(ann)
    await room.work()
    assert cheap.asked == []


async def test_answers_are_counted_by_source_field_and_segment(database: Database) -> None:
    source = zoominfo([prospect("zoominfo", 1), prospect("zoominfo", 2, status=None)])
    room = Room(database, [source])
    await room.found(1, 2, 3)
    await room.work()
    async with database.transaction() as db:
        tallies = await enrichment.outcomes(db)
    by_field = {
        field: (tally.asked, tally.hits, tally.billed, tally.billed_hits, tally.credits)
        for (_, field, _), tally in tallies.items()
    }
    assert by_field["email_status"] == (3, 1, 2, 1, 2)
    assert by_field["title"] == (3, 2, 2, 2, 2)
    assert {segment for _, _, segment in tallies} == {"both/unknown/first/dach/unknown"}


async def test_a_source_that_is_away_holds_no_lead_back(database: Database) -> None:
    source = uplead([prospect("uplead", 1)])
    source.failures = [VendorError("uplead", "500", retry_after=timedelta(minutes=3))]
    room = Room(database, [source])
    [ann] = await room.found(1)
    await room.work()
    assert await handed_on(room) == 1
    assert await waiting(room) == [("facts.buy", START + timedelta(minutes=3))]
    assert await room.books_agree()
    room.clock.pass_(timedelta(minutes=3))
    await room.work()
    assert (await room.lead(ann)).person.email == "p1@c1.de"
    assert await waiting(room) == []
    assert await handed_on(room) == 2
    assert await room.books_agree()


async def test_others_go_on_when_one_source_has_no_credit_left(database: Database) -> None:
    dry = uplead([prospect("uplead", 1)])
    dry.failures = [
        VendorError("uplead", "402", retry_after=timedelta(hours=1), out_of_credit=True)
    ]
    room = Room(database, [dry, zoominfo([prospect("zoominfo", 1)])])
    [ann] = await room.found(1)
    await room.work()
    assert (await room.lead(ann)).person.email == "p1@c1.de"
    assert await waiting(room) == []
    assert await room.books_agree()


async def test_a_source_that_stays_away_is_given_up_in_the_end(database: Database) -> None:
    source = uplead()
    source.failures = [VendorError("uplead", "500", retry_after=timedelta())] * 1000
    room = Room(database, [source])
    await room.found(1)
    for _ in range(30):
        await room.work()
        room.clock.pass_(timedelta(hours=7))
    assert await waiting(room) == []
    assert len(source.asked) <= 11


async def test_an_answer_that_was_lost_is_asked_for_again_and_billed_once(
    database: Database,
) -> None:
    source = zoominfo([prospect("zoominfo", n) for n in (1, 2, 3)])
    source.lose_answers = True
    room = Room(database, [source])
    ids = await room.found(1, 2, 3)
    await room.work()
    assert await handed_on(room) == 3
    source.lose_answers = False
    source.people = source.people[:2]  # the third is forgotten, but the call is the same
    room.clock.pass_(timedelta(hours=1))
    await room.work()
    assert source.asked[0] == source.asked[1]
    assert (await room.lead(ids[0])).person.email == "p1@c1.de"
    rows = await fetch(database, "SELECT count(*) FROM enrichment_asks WHERE call_id IS NOT NULL")
    assert rows == [(0,)]


async def test_the_caps_of_day_and_month_hold(database: Database) -> None:
    source = zoominfo([prospect("zoominfo", n) for n in range(10)])
    room = Room(database, [source], usd_per_day=2.5)
    await room.found(*range(10))
    await room.work()
    assert sum(source.book.values()) <= 3
    assert sum(source.book.values()) >= 1
    assert await handed_on(room) == 10
    assert await room.books_agree()
    room.clock.pass_(timedelta(days=1))
    room.usd_per_day = 100.0
    await room.work()
    assert sum(source.book.values()) == 10
    assert await room.books_agree()


async def test_the_timeline_and_the_decisions_say_what_was_bought_and_why(
    database: Database,
) -> None:
    room = Room(database, [uplead([prospect("uplead", 1)])])
    await room.found(1)
    await room.work()
    [(details,)] = await fetch(database, "SELECT details FROM activities WHERE kind = 'lead.asked'")
    assert details["source"] == "uplead"
    assert details["spent_usd"] == pytest.approx(0.58)
    assert details["email_status"] == "valid"
    verdicts = await fetch(
        database, "SELECT verdict, reasons FROM decisions WHERE action = 'enrich' ORDER BY seq"
    )
    assert {verdict for verdict, _ in verdicts} == {"ask uplead", "stop"}
    everything = " ".join(" ".join(reasons) for _, reasons in verdicts)
    assert "for $0.58" in everything
    assert "First1" not in everything
    assert "@" not in everything


PLACES = (
    "claim.after",
    "intent.before",
    "intent.after",
    "buy.before",
    "buy.after",
    "commit.before",
    "commit.after",
)


def market() -> tuple[Any, Any]:
    statuses = [EmailStatus.VALID, EmailStatus.CATCH_ALL, EmailStatus.INVALID, None]
    cheap = uplead([prospect("uplead", n, status=statuses[n % 4]) for n in range(8)])
    dear = zoominfo([prospect("zoominfo", n, status=statuses[n % 3]) for n in range(2, 11)])
    return cheap, dear


async def end(database: Database, failpoints: Failpoints) -> tuple[Any, ...]:
    cheap, dear = market()
    room = Room(database, [cheap, dear], failpoints=failpoints)
    ids = await room.found(*range(12))
    await room.fleet().finish()
    assert await room.books_agree()
    asks = await fetch(
        database,
        "SELECT source, found, count(*) FROM enrichment_asks WHERE call_id IS NULL "
        "GROUP BY 1, 2 ORDER BY 1, 2",
    )
    known = await fetch(
        database,
        "SELECT field, source, value, cost_micro > 0 AS paid, count(*) FROM lead_facts "
        "GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, value::text, 4",
    )
    people = [(await room.lead(each)).person for each in ids]
    tallies = await fetch(
        database, "SELECT sum(asked), sum(hits), sum(billed) FROM enrichment_outcomes"
    )
    return dict(cheap.book), dict(dear.book), asks, known, people, tallies


@pytest.mark.parametrize("place", PLACES)
async def test_the_books_agree_wherever_it_crashes(database: Database, place: str) -> None:

    expected = await end(database, Failpoints())
    assert expected[0]
    assert expected[1]
    for nth in range(1, 30):
        await empty_every_table(database)
        failpoints = Failpoints.parse(f"{place}:crash:{nth}")
        assert await end(database, failpoints) == expected, f"after a crash at {place}, time {nth}"
        if failpoints.reached.get(place, 0) < nth:
            assert nth > 1, f"{place} is never reached"
            return
    raise AssertionError("there is no end of it")


async def test_a_dump_and_the_logs_hold_nobody_that_was_bought(
    database: Database, capfd: pytest.CaptureFixture[str]
) -> None:
    person = Person("Xiomara", "Quetzal", "xiomara.q@c1.de", "+4930901820")
    known = prospect("uplead", 1, email="xiomara.q@c1.de", linkedin_url="https://x.test/quetzal")
    room = Room(database, [uplead([replace(known, person=person)])])
    [ann] = await room.found(1)
    await change(room, ann, {"first_name": "Xiomara", "last_name": "Quetzal"})
    asked = room.sources[0]
    asked.lose_answers = True  # the question stays on record
    await room.work()
    during = dump(database.url, "plain")
    asked.lose_answers = False
    room.clock.pass_(timedelta(hours=1))
    await room.work()
    assert (await room.lead(ann)).person.email == "xiomara.q@c1.de"
    logged = "".join(capfd.readouterr())
    for told in (during, dump(database.url, "plain"), logged.encode()):
        for canary in (b"xiomara", b"quetzal", b"30901820"):
            assert canary not in told.lower()


async def test_two_workers_with_the_same_leads_buy_each_record_once(database: Database) -> None:
    cheap, dear = market()
    room = Room(database, [cheap, dear])
    ids = await room.found(*range(12))
    await room.buy(*ids)
    await room.buy(*reversed(ids))
    await asyncio.gather(*(room.work(name) for name in ("enricher:0", "enricher:1")))
    await room.work()
    assert await room.books_agree()
    assert await fetch(database, "SELECT count(*) FROM enrichment_asks WHERE answers > 1") == [(0,)]
    assert await waiting(room) == []


async def test_the_free_part_is_the_same_with_sources(database: Database) -> None:
    clock = Clock(START)
    room = Room(database, [uplead()], clock=clock)
    await room.found(1)
    await room.work()
    bought = await fetch(database, "SELECT field, source, value FROM lead_facts ORDER BY 1, 2")
    await Fleet(database, lambda: [Enricher(SEALER)], clock).finish()
    again = await fetch(database, "SELECT field, source, value FROM lead_facts ORDER BY 1, 2")
    assert bought == again
