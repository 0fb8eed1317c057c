"""What is kept of the CRM: links, tries that cross, the walk through changed leads, jobs."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from policies.crm_defaults import default_mapping
from policies.crm_document import Audience, parse
from policies.crm_records import Account, ApiUsage, Description, Field
from policies.lead import LeadDraft, LeadId, Person
from storage import crm, crm_drift, crm_jobs, crm_links, crm_scan, crm_tries, leads
from storage.crm_drift import Difference, Why
from storage.crm_jobs import Progress, Step
from storage.crm_links import LinkState
from storage.crm_scan import Due
from storage.crm_tries import Result, Try
from storage.database import Database
from storage.leads import Scored
from storage.sealing import Sealer
from tests.scripted import START

ALL = Audience(statuses=())
HOUR = timedelta(hours=1)


async def people(database: Database, sealer: Sealer, count: int) -> list[LeadId]:
    """Keep ``count`` leads."""
    drafts = [
        LeadDraft("test", Person(email=f"p{n}@firm{n}.example"), company=f"Firm {n}")
        for n in range(count)
    ]
    async with database.transaction() as db:
        return [one.id for one in await leads.keep(db, sealer, drafts, now=START)]


async def sent(
    database: Database, ids: Sequence[LeadId], results: Sequence[Result] | None = None
) -> set[LeadId]:
    """Try records and settle them, as taken if nothing else is said."""
    attempt = uuid4()
    async with database.transaction() as db:
        await crm_tries.intend(
            db, [Try(each, b"hash", 1) for each in ids], attempt=attempt, now=START
        )
        taken = [Result(each, LinkState.SYNCED, f"00Q{each.hex[-12:]}AAA") for each in ids]
        return await crm_tries.settle(
            db, results or taken, attempt=attempt, mapping_version=0, now=START
        )


async def due(database: Database, audience: Audience = ALL, mapping_version: int = 0) -> list[Due]:
    """Walk through all leads."""
    async with database.transaction() as db:
        found = await crm_scan.stretch(
            db, audience, mapping_version=mapping_version, after=None, now=START
        )
    return found.due


async def test_what_was_taken_is_no_longer_due_until_its_lead_or_the_mapping_changes(
    database: Database, sealer: Sealer
) -> None:
    first, second = await people(database, sealer, 2)
    assert {each.lead_id for each in await due(database)} == {first, second}

    await sent(database, [first, second])

    assert await due(database) == []
    assert len(await due(database, mapping_version=1)) == 2
    async with database.transaction() as db:
        await leads.set_scores(db, [Scored(first, 80, 0.9, "hot")], now=START + HOUR)
    assert [each.lead_id for each in await due(database)] == [first]


async def test_the_walk_keeps_to_the_audience(database: Database, sealer: Sealer) -> None:
    first, second, third = await people(database, sealer, 3)
    rows = [Scored(first, 80, 0.9, "hot"), Scored(second, 20, 0.9, "cold")]
    async with database.transaction() as db:
        await leads.set_scores(db, rows, now=START)

    assert [d.lead_id for d in await due(database, Audience(min_score=50))] == [first]
    assert [d.lead_id for d in await due(database, Audience(tiers=("cold",)))] == [second]
    assert third not in {d.lead_id for d in await due(database, Audience())}
    assert await due(database, Audience(sources=("elsewhere",), statuses=())) == []


async def test_what_is_queued_is_given_on_again_only_when_it_was_lost_or_changed(
    database: Database, sealer: Sealer
) -> None:
    await people(database, sealer, 1)
    found = await due(database)
    async with database.transaction() as db:
        await crm_scan.queue(db, found, now=START)
    assert await due(database) == []

    async with database.transaction() as db:
        later = START + 2 * HOUR
        lost = await crm_scan.stretch(db, ALL, mapping_version=0, after=None, now=later)
    assert len(lost.due) == 1


async def test_the_walk_goes_in_stretches_and_says_how_far_it_came(
    database: Database, sealer: Sealer
) -> None:
    ids = await people(database, sealer, 5)
    await sent(database, ids[:2])
    seen: list[LeadId] = []
    after, more = None, True
    while more:
        async with database.transaction() as db:
            found = await crm_scan.stretch(
                db, ALL, mapping_version=0, after=after, now=START, looked_at=2
            )
        seen += [each.lead_id for each in found.due]
        after, more = found.reached or after, found.more

    assert sorted(seen) == sorted(ids[2:])


async def test_a_deleted_lead_is_due_until_its_record_is_deleted(
    database: Database, sealer: Sealer
) -> None:
    first, second = await people(database, sealer, 2)
    await sent(database, [first])
    async with database.transaction() as db:
        await leads.remove(db, first, now=START + HOUR)
        await leads.remove(db, second, now=START + HOUR)
    assert await due(database) == [Due(first, 2, gone=True)]

    async with database.transaction() as db:
        await db.execute(text("DELETE FROM leads"))
        assert await crm_scan.orphans(db, now=START) == [first]
        await crm_tries.removed(db, [first], now=START)
        assert await crm_scan.orphans(db, now=START) == []


async def test_tries_that_cross_are_both_unsure_so_the_record_is_sent_again(
    database: Database, sealer: Sealer
) -> None:
    (lead,) = await people(database, sealer, 1)
    mine, theirs = uuid4(), uuid4()

    async def try_it(attempt: UUID, version: int) -> None:
        async with database.transaction() as db:
            tries = [Try(lead, b"%d" % version, version)]
            assert await crm_tries.intend(db, tries, attempt=attempt, now=START) == {lead}

    async def settled(attempt: UUID) -> set[LeadId]:
        async with database.transaction() as db:
            result = [Result(lead, LinkState.SYNCED, "00Q000000000001AAA")]
            return await crm_tries.settle(db, result, attempt=attempt, mapping_version=0, now=START)

    await try_it(mine, 1)
    await try_it(theirs, 2)
    assert await settled(mine) == {lead}
    assert await settled(theirs) == {lead}, "it may have been overwritten by the first"
    last = uuid4()
    await try_it(last, 2)
    assert await settled(last) == set()
    async with database.transaction() as db:
        link = (await crm_links.get_many(db, [lead]))[lead]
    assert (link.state, link.again, link.lead_version) == (LinkState.SYNCED, False, 2)


async def test_quarantine_is_left_alone_until_a_person_lets_it_be_tried_again(
    database: Database, sealer: Sealer
) -> None:
    first, second = await people(database, sealer, 2)
    refused = [
        Result(each, LinkState.QUARANTINED, None, "STRING_TOO_LONG", "too long", ("Title", "City"))
        for each in (first, second)
    ]
    await sent(database, [first, second], refused)
    assert await due(database) == []

    async with database.transaction() as db:
        shown = await crm_links.page(db, states=[LinkState.QUARANTINED], limit=1)
        rest = await crm_links.page(
            db,
            states=[LinkState.QUARANTINED],
            before=(shown[0].updated_at, shown[0].lead_id),
        )
        assert {shown[0].lead_id, rest[0].lead_id} == {first, second}
        assert shown[0].problem_fields == ("Title", "City")
        assert await crm_links.codes(db) == {"STRING_TOO_LONG": 2}
        assert await crm_tries.intend(db, [Try(first, b"", 1)], attempt=uuid4(), now=START) == set()
        assert await crm_links.drop(db, [second], now=START) == [second]
        assert await crm_links.retry(db, None, now=START) == [first]
        assert await crm_links.retry(db, [second], now=START) == [second]
        counted = await crm_links.counts(db)
        assert await crm_tries.intend(db, [Try(first, b"", 1)], attempt=uuid4(), now=START) == {
            first
        }
    assert counted[LinkState.RETRY] == 2


async def test_a_job_carries_records_that_nobody_else_may_send(
    database: Database, sealer: Sealer
) -> None:
    ids = await people(database, sealer, 3)
    async with database.transaction() as db:
        job = await crm_jobs.create(db, [(each, 1) for each in ids], mapping_version=0, now=START)
        second = await crm_jobs.create(db, [(ids[0], 1)], mapping_version=0, now=START)
        assert (job.records, second.records) == (3, 0)
        assert (
            await crm_tries.intend(db, [Try(ids[0], b"", 1)], attempt=uuid4(), now=START) == set()
        )
    assert await due(database) == []

    async with database.transaction() as db:
        tries = [Try(each, b"a", 1) for each in ids]
        await crm_jobs.handing_over(db, job.id, tries, START)
        tries[0] = Try(ids[0], b"b", 1)
        await crm_jobs.handing_over(db, job.id, tries, START)
        results = [Result(each, LinkState.SYNCED, f"00Q{each.hex[-12:]}AAA") for each in ids[:2]]
        await crm_tries.settle(db, results, attempt=job.id, mapping_version=0, now=START)
        assert await crm_jobs.behind(db, ids[:2]) == [ids[0]], "it may have been either of the two"
        assert await crm_jobs.release(db, job.id, None, now=START) == [ids[2]]


async def test_a_step_is_taken_once(database: Database, sealer: Sealer) -> None:
    ids = await people(database, sealer, 1)
    async with database.transaction() as db:
        job = await crm_jobs.create(db, [(ids[0], 1)], mapping_version=0, now=START)
        created = Progress(Step.CREATED, crm_job_id="750x")
        assert await crm_jobs.advance(db, job, created, now=START)
        assert not await crm_jobs.advance(db, job, created, now=START)
        kept = await crm_jobs.get(db, job.id)
        assert (kept.step, kept.api_calls, kept.crm_job_id) == (Step.CREATED, 1, "750x")
        assert [each.id for each in await crm_jobs.unfinished(db)] == [job.id]
        assert await crm_jobs.lost(db, before=START, now=START) == []
        assert await crm_jobs.lost(db, before=START + HOUR, now=START + HOUR) == [job.id]
        with pytest.raises(crm_jobs.JobNotFound):
            await crm_jobs.get(db, uuid4())


async def test_the_state_of_the_crm_is_added_to_bit_by_bit(database: Database) -> None:
    description = Description("Lead", (Field("Status", "picklist", picklist=("Open",)),))
    account = Account("00D000000000001EAA", "us@example.com", "https://acme.example")
    async with database.transaction() as db:
        assert await crm.state(db) == crm.CrmState()
        await crm.heard(db, ApiUsage(5, 100), now=START)
        await crm.checked(db, account, {"Lead": description}, now=START)
        await crm.polled(db, START, now=START)
        await crm.polled(db, None, now=START + HOUR)
        await crm.troubled(db, "the calls are used up", now=START)
        await crm.scanned(db, (START, uuid4()), 3, swept_at=START)
        await crm.scanned(db, None, 3)
        state = await crm.state(db)
    assert (state.usage, state.account, state.connected) == (ApiUsage(5, 100), account, True)
    assert state.descriptions == {"Lead": description}
    assert (state.polled_until, state.polled_at) == (START, START + HOUR)
    assert (state.problem, state.swept_at) == ("the calls are used up", START)

    async with database.transaction() as db:
        await crm.heard(db, None, now=START)
        assert (await crm.state(db)).problem is None
        await crm.unreachable(db, "wrong password", now=START)
        assert (await crm.state(db)).connected is False


async def test_mappings_have_versions_and_the_same_one_is_not_kept_twice(
    database: Database,
) -> None:
    wanted = parse({"fields": [{"to": "Company", "from": "company"}]})
    async with database.transaction() as db:
        assert await crm.mapping(db) == crm.KeptMapping(0, default_mapping())
        first = await crm.put_mapping(db, wanted, created_by="ops", now=START)
        assert await crm.put_mapping(db, wanted, created_by="ops", now=START) == first
        second = await crm.put_mapping(db, default_mapping(), created_by="ops", now=START)
        assert second.version > first.version
        assert await crm.mapping(db) == second
        assert await crm.mapping_version(db, first.version) == first
        assert await crm.mappings(db, before=second.version) == [first]


async def test_drift_is_written_anew_between_two_leads(database: Database) -> None:
    low, middle, high = (UUID(int=n) for n in (1, 2, 3))
    async with database.transaction() as db:
        found = [Difference(each, "Title", Why.CHANGED_THERE) for each in (low, middle, high)]
        await crm_drift.keep(db, (None, None), found, now=START)
        again = [Difference(middle, "", Why.GONE_THERE)]
        await crm_drift.keep(db, (low, middle), again, now=START)
        shown = await crm_drift.page(db)
        rest = await crm_drift.page(db, after=(low, "Title"), limit=1)
        counted = await crm_drift.counts(db)
    assert [(d.lead_id, d.why) for d in shown] == [
        (low, Why.CHANGED_THERE),
        (middle, Why.GONE_THERE),
        (high, Why.CHANGED_THERE),
    ]
    assert rest == shown[1:2]
    assert (counted[Why.CHANGED_THERE], counted[Why.UNKNOWN_HERE]) == (2, 0)
