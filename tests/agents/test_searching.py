"""Searches for leads end to end over scripted sources: nobody twice, nothing paid twice."""

import asyncio
from datetime import timedelta
from itertools import count

import pytest

from agents.errors import VendorError
from agents.failpoints import Failpoints
from agents.messages import PreviewSearch, Tick, encode
from policies.lead import Person
from policies.prospect import EmailStatus, Prospect
from storage import leads, mailbox, searches, source_accounts, source_previews, suppressions
from storage.database import Database
from storage.mailbox import Letter
from storage.searches import SearchStatus
from storage.suppressions import Reason
from tests.agents.source_room import PROFILE, SEALER, FakeSource, SourceRoom, person
from tests.conftest import empty_every_table
from tests.scripted import START

PLACES = (
    "claim.after",
    "intent.before",
    "intent.after",
    "source.before",
    "source.after",
    "commit.before",
    "commit.after",
)


def uplead(people: int = 300, first: int = 0) -> FakeSource:
    """Every third address is not valid, and not billed."""
    statuses = (EmailStatus.VALID, EmailStatus.VALID, EmailStatus.INVALID)
    told = [person(n, "uplead", status=statuses[n % 3]) for n in range(first, first + people)]
    return FakeSource("uplead", told)


def zoominfo(people: int = 300, first: int = 0) -> FakeSource:
    told = [person(n, "zoominfo") for n in range(first, first + people)]
    return FakeSource("zoominfo", told, reveals=False)


async def test_exactly_as_many_as_wanted_are_found_and_each_is_another_person(
    database: Database,
) -> None:
    room = SourceRoom(database, [uplead(), zoominfo()])
    search_id = await room.find(120)

    await room.work()

    found = await room.search(search_id)
    assert (found.status, found.found) == (SearchStatus.DONE, 120)
    assert await room.count("leads") == 120
    (distinct,) = await room.rows("SELECT count(DISTINCT email_key) n FROM leads")
    assert distinct["n"] == 120
    await room.the_books_agree(search_id)
    assert await room.count("messages WHERE kind = 'lead.found'") == 120


async def test_a_search_costs_no_more_than_the_leads_where_every_record_is_usable(
    database: Database,
) -> None:
    room = SourceRoom(database, [zoominfo()])
    search_id = await room.find(57)

    await room.work()

    found = await room.search(search_id)
    assert (found.found, found.spent_micro) == (57, 57 * 800_000)
    assert len(room.sources[0].billed) == 57


@pytest.mark.parametrize("place", PLACES)
async def test_a_crash_anywhere_pays_for_nothing_twice_and_finds_as_many(
    database: Database, place: str
) -> None:
    for nth in count(1):
        await empty_every_table(database)
        room = SourceRoom(database, [uplead(70), zoominfo(60, first=40)])
        search_id = await room.find(60)
        failpoints = Failpoints.parse(f"{place}:crash:{nth}")

        fleet = await room.work(failpoints)

        found = await room.search(search_id)
        assert (found.status, found.found) == (SearchStatus.DONE, 60), (place, nth)
        assert await room.count("leads") == 60
        await room.the_books_agree(search_id)
        if failpoints.reached.get(place, 0) < nth:
            assert nth > 5, f"{place} is hardly ever reached"
            return
        assert fleet.crashes == 1


async def test_two_workers_with_the_same_search_ask_and_pay_once(database: Database) -> None:
    room = SourceRoom(database, [uplead(), zoominfo(first=100)])
    search_id = await room.find(100)
    await room.tell(search_id)
    await room.tell(search_id)

    from agents.runtime import Worker, drain
    from storage.mailbox import Mailbox

    workers = [
        Worker(
            room.prospector(),
            database,
            Mailbox(database.url, "prospector", f"prospector:{n}", virtual=True),
            room.clock,
            lambda: 0.5,
            virtual=True,
        )
        for n in range(3)
    ]
    for worker in workers:
        await worker.mailbox.open(room.clock())
    await asyncio.gather(*(drain([worker]) for worker in workers))
    await drain(workers)
    for worker in workers:
        await worker.mailbox.close()

    found = await room.search(search_id)
    assert (found.status, found.found) == (SearchStatus.DONE, 100)
    assert await room.count("leads") == 100
    await room.the_books_agree(search_id)


async def test_two_searches_at_once_share_what_they_both_find(database: Database) -> None:
    room = SourceRoom(database, [zoominfo(80)])
    one, other = await room.find(40), await room.find(40)

    await room.work()

    assert (await room.search(one)).found + (await room.search(other)).found == 80
    assert await room.count("leads") == 80
    await room.the_books_agree()


async def test_who_is_known_by_one_source_is_not_bought_from_another(database: Database) -> None:
    seller, other = zoominfo(30), FakeSource("uplead", [person(n, "uplead") for n in range(20)])
    room = SourceRoom(database, [other, seller])
    search_id = await room.find(30)

    await room.work()

    found = await room.search(search_id)
    assert found.found == 30
    assert len(seller.billed) == 10, "the 20 that UpLead showed are not paid for again"
    part = found.of("zoominfo")
    assert part is not None
    assert part.counts.duplicates == 20
    await room.the_books_agree(search_id)


async def test_the_same_person_under_another_address_is_merged_and_keeps_both_records(
    database: Database,
) -> None:
    same = person(
        3,
        "zoominfo",
        person=Person("First3", "Last3", "f.last3@firm3.eu", "+4930901820"),
        company="Firm 3",
        domain=None,
    )
    room = SourceRoom(
        database,
        [
            FakeSource("uplead", [person(3, "uplead")]),
            FakeSource("zoominfo", [same, person(4, "zoominfo")], reveals=True),
        ],
    )
    search_id = await room.find(5)

    await room.work()

    found = await room.search(search_id)
    assert (found.status, found.found) == (SearchStatus.EXHAUSTED, 2)
    assert found.reason == "the sources know nobody else who fits"
    rows = await room.rows("SELECT lead_id, count(*) n FROM lead_sources GROUP BY 1 ORDER BY 2")
    assert [row["n"] for row in rows] == [1, 2]
    async with database.transaction() as db:
        merged = await leads.get(db, SEALER, rows[1]["lead_id"])
    assert (merged.person.email, merged.person.phone) == (
        "first3.last3@firm3.eu",
        "+4930901820",
    )


async def test_two_people_of_one_name_at_one_firm_stay_two(database: Database) -> None:
    one = person(3, "uplead", linkedin_url="https://www.linkedin.com/in/one")
    other = person(
        3,
        "uplead",
        record_id="uplead-other",
        person=Person("First3", "Last3", "another@firm3.eu"),
        linkedin_url="https://www.linkedin.com/in/other/",
    )
    room = SourceRoom(database, [FakeSource("uplead", [one, other])])
    search_id = await room.find(5)

    await room.work()

    assert (await room.search(search_id)).found == 2


async def test_a_lead_that_was_imported_is_merged_by_its_address(database: Database) -> None:
    from policies.lead import LeadDraft

    room = SourceRoom(database, [FakeSource("uplead", [person(n, "uplead") for n in range(3)])])
    async with database.transaction() as db:
        draft = LeadDraft("import", Person(email="First1.Last1@firm1.eu"))
        await leads.keep(db, SEALER, [draft], now=START)
    search_id = await room.find(3)

    await room.work()

    found = await room.search(search_id)
    assert (found.found, found.status) == (2, SearchStatus.EXHAUSTED)
    assert await room.count("leads") == 3
    (merged,) = await room.rows("SELECT title, domain FROM leads WHERE source = 'import'")
    assert merged == {"title": "CFO", "domain": "firm1.eu"}


async def test_whoever_was_deleted_is_never_made_again(database: Database) -> None:
    room = SourceRoom(database, [FakeSource("uplead", [person(n, "uplead") for n in range(4)])])
    await room.find(4)
    await room.work()
    async with database.transaction() as db:
        (gone, *_) = [row[0] for row in await db.exec_driver_sql("SELECT id FROM leads LIMIT 1")]
        await suppressions.bar_lead(
            db, SEALER, gone, reason=Reason.DELETED, source="test", now=START
        )
        await leads.remove(db, gone, now=START)
        await leads.purge(db, before=START + timedelta(days=1), limit=10)
    told = [_elsewhere(prospect) for prospect in room.sources[0].people]
    room.sources.append(FakeSource("zoominfo", told, reveals=False))
    search_id = await room.find(4)

    await room.work()

    assert await room.count("leads") == 3
    found = await room.search(search_id)
    assert found.found == 0
    assert sum(part.counts.suppressed for part in found.sources) == 2
    assert not room.sources[1].billed, "nobody pays for whom nobody may write to"


def _elsewhere(prospect: Prospect) -> Prospect:
    number = int(prospect.record_id.rpartition("-")[2])
    return person(number, "zoominfo")


async def test_who_objected_at_the_source_is_suppressed(database: Database) -> None:
    told = [person(0, "zoominfo", opted_out=True), person(1, "zoominfo")]
    room = SourceRoom(database, [FakeSource("zoominfo", told, reveals=False)])
    search_id = await room.find(2)

    await room.work()

    found = await room.search(search_id)
    assert found.found == 1
    async with database.transaction() as db:
        barred = await suppressions.suppressed(db, SEALER, told)
    assert barred == {0: Reason.OPTED_OUT}


async def test_the_budget_is_never_overrun(database: Database) -> None:
    room = SourceRoom(database, [uplead(), zoominfo(first=300)])
    search_id = await room.find(200, budget=20.3)

    await room.work()

    found = await room.search(search_id)
    assert found.status is SearchStatus.OVER_BUDGET
    assert 19_800_000 <= found.spent_micro <= 20_300_000
    await room.the_books_agree(search_id)


async def test_the_day_is_over_when_its_money_is_spent_and_the_search_goes_on_tomorrow(
    database: Database,
) -> None:
    room = SourceRoom(database, [zoominfo(60)], usd_per_day=19.5)
    search_id = await room.find(50)
    began = room.clock()

    for _ in range(30):
        try:
            await room.work()
        except AssertionError:
            continue
        break

    found = await room.search(search_id)
    assert (found.status, found.found) == (SearchStatus.DONE, 50)
    assert room.clock() - began >= timedelta(hours=15)
    for row in await room.rows("SELECT spent FROM ledger_accounts WHERE id LIKE 'usd:vendors:%'"):
        assert row["spent"] <= 19_500_000
    assert len(await room.rows("SELECT 1 FROM ledger_accounts WHERE id LIKE 'usd:vendors:%'")) >= 3
    await room.the_books_agree(search_id)


def away(**more: bool) -> VendorError:
    return VendorError("uplead", "it is away", retry_after=timedelta(seconds=30), **more)


async def test_a_source_that_is_away_rests_while_others_go_on(database: Database) -> None:
    one, other = uplead(), zoominfo(first=200)
    one.failures = [away()] * 3
    room = SourceRoom(database, [one, other])
    search_id = await room.find(20)

    await room.work()

    found = await room.search(search_id)
    assert found.found == 20
    assert other.billed, "the other source went on meanwhile"
    await room.the_books_agree(search_id)


async def test_an_answer_that_was_lost_is_asked_for_again_and_paid_once(
    database: Database,
) -> None:
    one = uplead()
    one.failures, one.fail_after = [away(in_doubt=True), None, away(in_doubt=True)], True
    room = SourceRoom(database, [one])
    search_id = await room.find(40)

    await room.work()

    found = await room.search(search_id)
    assert (found.status, found.found) == (SearchStatus.DONE, 40)
    assert one.asked[0] == one.asked[1]
    assert max(one.billed.values()) == 2
    await room.the_books_agree(search_id)


async def test_what_may_have_been_billed_is_not_looked_for_elsewhere(database: Database) -> None:
    one, other = uplead(), zoominfo(first=300)
    one.failures, one.fail_after = [away(in_doubt=True)], True
    room = SourceRoom(database, [one, other])
    search_id = await room.find(30)

    await room.work()

    found = await room.search(search_id)
    assert (found.found, await room.count("leads")) == (30, 30)
    await room.the_books_agree(search_id)


async def test_a_source_without_credit_rests_and_the_others_go_on(database: Database) -> None:
    one, other = uplead(), zoominfo(first=300)
    one.failures = [
        None,
        VendorError("uplead", "no credit", retry_after=None, out_of_credit=True),
    ]
    room = SourceRoom(database, [one, other])
    search_id = await room.find(60)

    await room.work()

    found = await room.search(search_id)
    assert (found.status, found.found) == (SearchStatus.DONE, 60)
    assert other.billed
    await room.the_books_agree(search_id)


async def test_credit_that_runs_out_half_way_keeps_what_was_sold(database: Database) -> None:
    seller = zoominfo()
    seller.credits = 30
    room = SourceRoom(database, [seller])
    search_id = await room.find(60)

    await room.work()

    found = await room.search(search_id)
    assert (found.status, found.found) == (SearchStatus.EXHAUSTED, 30)
    assert found.reason == "the account is out of credit: zoominfo"
    await room.the_books_agree(search_id)


async def test_a_source_that_refuses_us_is_given_up_with_its_own_words(
    database: Database,
) -> None:
    one = uplead()
    one.failures = [VendorError("uplead", "the API key is wrong", retry_after=None)]
    room = SourceRoom(database, [one])
    search_id = await room.find(10)

    await room.work()

    found = await room.search(search_id)
    assert found.status is SearchStatus.EXHAUSTED
    part = found.of("uplead")
    assert part is not None
    assert (part.state, part.last_problem) == ("failed", "uplead: the API key is wrong")
    await room.the_books_agree(search_id)


async def test_a_source_that_cannot_serve_the_profile_says_why(database: Database) -> None:
    one = uplead()
    one.impossible = "UpLead cannot look by that"
    room = SourceRoom(database, [one])
    search_id = await room.find(10)

    await room.work()

    part = (await room.search(search_id)).of("uplead")
    assert part is not None
    assert (part.state, part.last_problem) == ("impossible", "UpLead cannot look by that")
    assert one.asked == []


async def test_without_a_source_a_search_fails_and_says_what_to_set(database: Database) -> None:
    room = SourceRoom(database, [])
    search_id = await room.find(10)

    await room.work()

    found = await room.search(search_id)
    assert found.status is SearchStatus.FAILED
    assert "UPLEAD_API_KEY" in str(found.reason)


async def test_a_cancelled_search_keeps_what_was_under_way_and_asks_nothing_more(
    database: Database,
) -> None:
    one = uplead()
    one.failures, one.fail_after = [away(in_doubt=True)], True
    room = SourceRoom(database, [one])
    search_id = await room.find(80)
    fleet = await _until_waiting(room)

    async with database.transaction() as db:
        await searches.cancel(db, search_id, by="key:test", now=room.clock())
    await fleet.finish()

    found = await room.search(search_id)
    assert (found.status, found.reason) == (SearchStatus.CANCELLED, "cancelled by key:test")
    assert found.found == len(one.billed) > 0
    assert len(one.asked) == 2
    await room.the_books_agree(search_id)


async def _until_waiting(room: SourceRoom):  # noqa: ANN202
    from tests.flows.harness import Fleet

    fleet = Fleet(room.database, room.agents(), room.clock)
    await fleet._drain()
    return fleet


async def test_facts_say_who_told_them_when_and_at_what_price(database: Database) -> None:
    seen = START - timedelta(days=40)
    room = SourceRoom(database, [FakeSource("uplead", [person(1, "uplead", observed_at=seen)])])
    await room.find(1)

    await room.work()

    (status,) = await room.rows(
        "SELECT value, source, observed_at FROM lead_facts WHERE field = 'email_status'"
    )
    assert status == {"value": "valid", "source": "uplead", "observed_at": seen}
    (cost,) = await room.rows("SELECT sum(cost_micro)::bigint n FROM lead_facts")
    assert cost["n"] == 500_000


async def test_nothing_personal_lies_open(database: Database) -> None:
    room = SourceRoom(database, [zoominfo(40)])
    await room.find(3)

    await room.work()

    for table in ("lead_search_sources", "lead_sources", "leads", "lead_facts", "activities"):
        for row in await room.rows(f"SELECT t::text AS line FROM {table} t"):
            assert "First" not in row["line"], table
            assert "@" not in row["line"], table


async def test_a_preview_says_what_each_source_would_find_and_buys_nothing(
    database: Database,
) -> None:
    one, other = uplead(), zoominfo(80)
    other.failures = [away()]
    room = SourceRoom(database, [one, other])
    async with database.transaction() as db:
        made = await source_previews.create(
            db, profile="fintech-eu", definition=PROFILE, now=room.clock()
        )
        message = PreviewSearch(made.id)
        letter = Letter("prospector", message.kind, encode(message))
        await mailbox.post(db, [letter], now=room.clock())

    await room.work()

    async with database.transaction() as db:
        answers = (await source_previews.get(db, made.id)).answers
    assert answers is not None
    first, second = answers
    assert (first.source, first.count, first.price_micro) == ("uplead", 300, 500_000)
    assert first.lead_micro == round(500_000 / 0.6)
    assert second.source == "zoominfo"
    assert not one.billed
    assert not other.billed


async def test_what_is_left_of_our_accounts_is_kept_and_so_is_why_it_is_not_known(
    database: Database,
) -> None:
    room = SourceRoom(database, [uplead(), zoominfo()])
    tick = Tick("sources.usage", START)
    async with database.transaction() as db:
        letter = Letter("prospector", tick.kind, encode(tick))
        await mailbox.post(db, [letter], now=room.clock())
    room.sources[1].usage_failure = VendorError(
        "zoominfo", "the client id is not valid", retry_after=None
    )

    await room.work()

    async with database.transaction() as db:
        known = await source_accounts.all(db)
    assert known["uplead"].credits_left == 1000
    assert known["zoominfo"].credits_left is None
    assert known["zoominfo"].last_problem == "zoominfo: the client id is not valid"
