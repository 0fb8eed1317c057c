"""UpLead's adapter against a server that fails in every way we know, and bills as UpLead does."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import timedelta
from uuid import uuid4

import pytest

from agents.errors import VendorError
from agents.vendors.refusals import NO_CREDIT
from agents.vendors.uplead import UpLead
from policies.pacing import Allowance
from policies.profiles import STARTERS, Profile, matches
from policies.prospect import MatchStatus, PersonQuery, SearchPage
from scripts.sandbox.process import KEY, SandboxProcess
from tests.vendors.failing import IMPATIENCE, PATIENCE, TURNED_AWAY, failure

VENDOR = "uplead"
FINTECH = STARTERS["fintech-eu"]
ANYBODY = Profile(countries=("US",))
Method = Callable[[UpLead], Awaitable[object]]


def asked_about(email: str | None = None) -> PersonQuery:
    return PersonQuery(uuid4(), email=email)


METHODS: dict[str, Method] = {
    "count": lambda uplead: uplead.count(uplead.criteria(FINTECH)),
    "search": lambda uplead: uplead.search_contacts(uplead.criteria(FINTECH), None, most=10),
    "import": lambda uplead: uplead.import_leads(FINTECH, most=10),
    "enrich": lambda uplead: uplead.enrich_lead(asked_about("ann@example.com")),
    "usage": lambda uplead: uplead.get_usage_stats(),
}
every_method = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)


@pytest.fixture(autouse=True)
def as_usual(sandbox: SandboxProcess) -> None:
    sandbox.set(VENDOR, per_minute=1_000_000, no_credit_status=403, credits=100_000)


@pytest.fixture
async def uplead(sandbox: SandboxProcess) -> AsyncGenerator[UpLead]:
    adapter = UpLead(KEY, base_url=sandbox.vendor_urls[VENDOR], timeout=PATIENCE)
    yield adapter
    await adapter.close()


async def everybody(uplead: UpLead, profile: Profile, most: int | None) -> list[SearchPage]:
    pages: list[SearchPage] = []
    cursor: str | None = None
    while not pages or cursor is not None:
        page = await uplead.search_contacts(uplead.criteria(profile), cursor, most=most)
        pages.append(page)
        cursor = page.next
    return pages


async def test_pages_bring_everybody_once_and_bill_what_the_server_bills(
    uplead: UpLead, sandbox: SandboxProcess
) -> None:
    counted = await uplead.count(uplead.criteria(FINTECH))

    pages = await everybody(uplead, FINTECH, None)

    people = [prospect for page in pages for prospect in page.prospects]
    ids = [person.record_id for person in people]
    assert counted == len(ids) == len(set(ids)) == pages[0].total
    assert len(ids) > 20
    billed = frozenset[str]().union(*(page.billed for page in pages))
    assert billed == set(sandbox.book(VENDOR)["by_record"])
    assert all(person.person.email and person.has_email for person in people)
    assert [reason for person in people for reason in matches(FINTECH, person)] == []


async def test_small_pages_pass_nobody_over_and_ask_for_nobody_twice(
    uplead: UpLead, sandbox: SandboxProcess
) -> None:
    whole = await everybody(uplead, FINTECH, None)
    sandbox.reset()

    parts = await everybody(uplead, FINTECH, 37)

    def ids(pages: list[SearchPage]) -> list[str]:
        return [prospect.record_id for page in pages for prospect in page.prospects]

    assert ids(parts) == ids(whole)
    assert max(len(page.prospects) for page in parts) <= 37
    assert len(sandbox.book(VENDOR)["by_record"]) == sandbox.book(VENDOR)["credits"]


async def test_a_page_that_is_asked_for_again_is_billed_once(
    uplead: UpLead, sandbox: SandboxProcess
) -> None:
    criteria = uplead.criteria(ANYBODY)
    first = await uplead.search_contacts(criteria, None, most=25)

    again = await uplead.search_contacts(criteria, None, most=25)

    assert again == first
    assert sandbox.book(VENDOR)["credits"] == len(first.billed) > 0


async def test_people_are_found_by_id_by_address_and_by_name_and_domain(uplead: UpLead) -> None:
    page = await uplead.search_contacts(uplead.criteria(ANYBODY), None, most=1)
    told = page.prospects[0]
    queries = [
        PersonQuery(uuid4(), record_id=told.record_id),
        asked_about(told.person.email),
        PersonQuery(
            uuid4(),
            first_name=told.person.first_name,
            last_name=told.person.last_name,
            domain=told.domain,
        ),
    ]

    answers = [await uplead.enrich_lead(query) for query in queries]

    assert [answer.matches[0].key for answer in answers] == [query.key for query in queries]
    found = [answer.matches[0].prospect for answer in answers]
    assert [person and person.person.last_name for person in found] == [told.person.last_name] * 3
    assert found[0] == told
    assert answers[0].billed == page.billed


async def test_whom_it_does_not_know_costs_nothing(uplead: UpLead, sandbox: SandboxProcess) -> None:
    answer = await uplead.enrich_lead(asked_about("nobody@nowhere.example"))

    assert answer.matches[0].status is MatchStatus.NOT_FOUND
    assert answer.billed == frozenset()
    book = sandbox.book(VENDOR)
    assert (book["credits"], book["null_results"]) == (0, 1)


async def test_a_question_that_identifies_nobody_is_not_asked(
    uplead: UpLead, sandbox: SandboxProcess
) -> None:
    answer = await uplead.enrich_lead(PersonQuery(uuid4(), last_name="Okafor", company="Acme"))

    assert answer.matches[0].status is MatchStatus.REFUSED
    assert sandbox.book(VENDOR)["requests"] == 0


async def test_one_question_is_asked_at_a_time(uplead: UpLead) -> None:
    with pytest.raises(ValueError, match="one person at a time"):
        await uplead.enrich_leads([asked_about("a@x.org"), asked_about("b@x.org")])


async def test_usage_says_what_is_left(uplead: UpLead, sandbox: SandboxProcess) -> None:
    sandbox.set(VENDOR, credits=1_000, per_minute=400)
    await uplead.search_contacts(uplead.criteria(ANYBODY), None, most=10)

    stats = await uplead.get_usage_stats()

    assert stats.credits_left == 1_000 - sandbox.book(VENDOR)["credits"]
    assert 390 <= stats.limits["minute"] < 400


async def test_limits_are_handed_on(sandbox: SandboxProcess) -> None:
    heard: list[Allowance] = []
    url = sandbox.vendor_urls[VENDOR]
    adapter = UpLead(KEY, base_url=url, timeout=PATIENCE, heard=heard.append)

    await adapter.get_usage_stats()

    assert heard[0].windows[0].limit == 1_000_000
    await adapter.close()


@every_method
@pytest.mark.parametrize(("mode", "most", "throttled", "in_doubt"), TURNED_AWAY)
async def test_what_was_turned_away_costs_nothing_and_says_when_to_come_back(
    uplead: UpLead,
    sandbox: SandboxProcess,
    method: Method,
    mode: str,
    most: timedelta,
    throttled: bool,
    in_doubt: bool,
) -> None:
    sandbox.arm(mode, vendor=VENDOR)

    error = await failure(method(uplead))

    assert error.retry_after is not None
    assert timedelta() <= error.retry_after <= most
    assert (error.throttled, error.in_doubt, error.out_of_credit) == (throttled, in_doubt, False)
    assert sandbox.book(VENDOR)["credits"] == 0


@every_method
@pytest.mark.parametrize("mode", ["slow", "drip", "truncated", "cut_json", "act_then_timeout"])
async def test_what_may_have_been_done_is_in_doubt(
    sandbox: SandboxProcess, method: Method, mode: str
) -> None:
    sandbox.arm(mode, vendor=VENDOR, delay=1.0)
    adapter = UpLead(KEY, base_url=sandbox.vendor_urls[VENDOR], timeout=IMPATIENCE)

    error = await failure(method(adapter))

    assert error.in_doubt
    assert error.retry_after is not None
    assert sandbox.book(VENDOR)["requests"] == 1
    await adapter.close()


async def test_a_page_whose_answer_was_lost_is_bought_once(
    uplead: UpLead, sandbox: SandboxProcess
) -> None:
    sandbox.arm("truncated", vendor=VENDOR, count=1)
    error = await failure(METHODS["search"](uplead))
    lost = sandbox.book(VENDOR)["credits"]

    page = await uplead.search_contacts(uplead.criteria(FINTECH), None, most=10)

    assert error.in_doubt
    assert lost == len(page.billed) == sandbox.book(VENDOR)["credits"] > 0


@pytest.mark.parametrize("mode", ["no_credit", "no_credit_402"])
@pytest.mark.parametrize("name", ["count", "search", "enrich"])
async def test_a_spent_account_is_out_of_credit(
    uplead: UpLead, sandbox: SandboxProcess, mode: str, name: str
) -> None:
    sandbox.arm(mode, vendor=VENDOR)

    error = await failure(METHODS[name](uplead))

    assert (error.out_of_credit, error.retry_after) == (True, NO_CREDIT)
    assert not error.in_doubt


@pytest.mark.parametrize("status", [402, 403])
async def test_more_than_is_left_is_not_sold(
    uplead: UpLead, sandbox: SandboxProcess, status: int
) -> None:
    sandbox.set(VENDOR, credits=3, no_credit_status=status)

    error = await failure(METHODS["search"](uplead))

    assert error.out_of_credit
    assert sandbox.book(VENDOR)["credits"] == 0


@every_method
async def test_a_key_that_is_not_taken_names_its_setting(
    sandbox: SandboxProcess, method: Method
) -> None:
    adapter = UpLead("Bearer sandbox-key", base_url=sandbox.vendor_urls[VENDOR], timeout=PATIENCE)

    error = await failure(method(adapter))

    assert error.retry_after is None
    assert "check UPLEAD_API_KEY" in str(error)
    await adapter.close()


async def test_beyond_the_limit_it_is_throttled_as_long_as_the_server_says(
    uplead: UpLead, sandbox: SandboxProcess
) -> None:
    sandbox.set(VENDOR, per_minute=1)
    errors = await asyncio.gather(
        *(uplead.get_usage_stats() for _ in range(3)), return_exceptions=True
    )

    throttled = [error for error in errors if isinstance(error, VendorError)]
    assert throttled
    told = [entry["retry_after"] for entry in sandbox.book(VENDOR)["log"] if "retry_after" in entry]
    waits = [error.retry_after.total_seconds() for error in throttled if error.retry_after]
    assert waits == pytest.approx(told)
