"""ZoomInfo's adapter against a server that fails in every way we know, and bills as it does."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from datetime import timedelta
from uuid import uuid4

import pytest

from agents.errors import AnswerError
from agents.vendors.refusals import NO_CREDIT
from agents.vendors.zoominfo import ZoomInfo
from policies.profiles import STARTERS, Profile
from policies.prospect import EmailStatus, MatchStatus, PersonQuery, Prospect
from scripts.sandbox.process import KEY, SandboxProcess
from tests.vendors.failing import IMPATIENCE, PATIENCE, TURNED_AWAY, failure

VENDOR = "zoominfo"
SAAS = STARTERS["saas-us"]
ANYBODY = Profile(countries=("US",))
NOBODY = PersonQuery(uuid4(), email="nobody@nowhere.example")
Method = Callable[[ZoomInfo], Awaitable[object]]
METHODS: dict[str, Method] = {
    "count": lambda zoominfo: zoominfo.count(zoominfo.criteria(ANYBODY)),
    "search": lambda zoominfo: zoominfo.search_contacts(zoominfo.criteria(SAAS), None, most=10),
    "import": lambda zoominfo: zoominfo.import_leads(ANYBODY, most=10),
    "enrich": lambda zoominfo: zoominfo.enrich_lead(NOBODY),
    "usage": lambda zoominfo: zoominfo.get_usage_stats(),
}
every_method = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)


@pytest.fixture(autouse=True)
def as_usual(sandbox: SandboxProcess) -> None:
    sandbox.set(
        VENDOR, per_second=100_000, per_hour=1_000_000, credits=100_000, token_seconds=3600.0
    )


def made(sandbox: SandboxProcess, timeout: timedelta = PATIENCE) -> ZoomInfo:
    token_url = f"{sandbox.url}/zoominfo/oauth2/default/v1/token"
    return ZoomInfo(
        KEY, KEY, base_url=sandbox.vendor_urls[VENDOR], token_url=token_url, timeout=timeout
    )


@pytest.fixture
async def zoominfo(sandbox: SandboxProcess) -> AsyncGenerator[ZoomInfo]:
    adapter = made(sandbox)
    yield adapter
    await adapter.close()


async def everybody(
    zoominfo: ZoomInfo, profile: Profile, most: int | None = None
) -> list[Prospect]:
    found: list[Prospect] = []
    cursor: str | None = None
    while True:
        page = await zoominfo.search_contacts(zoominfo.criteria(profile), cursor, most=most)
        found += page.prospects
        cursor = page.next
        if cursor is None:
            return found


def queries_for(people: Sequence[Prospect]) -> list[PersonQuery]:
    return [PersonQuery(uuid4(), record_id=person.record_id) for person in people]


async def test_a_search_is_free_and_brings_everybody_once_without_addresses(
    zoominfo: ZoomInfo, sandbox: SandboxProcess
) -> None:
    counted = await zoominfo.count(zoominfo.criteria(SAAS))

    people = await everybody(zoominfo, SAAS)
    parts = await everybody(zoominfo, SAAS, 7)

    ids = [person.record_id for person in people]
    assert counted == len(ids) == len(set(ids))
    assert len(ids) > 20
    assert [person.record_id for person in parts] == ids
    assert all(person.has_email and person.person.email is None for person in people)
    assert sandbox.book(VENDOR)["credits"] == 0


async def test_industries_are_asked_for_by_the_codes_that_it_lists(
    zoominfo: ZoomInfo, sandbox: SandboxProcess
) -> None:
    narrow = await zoominfo.count(zoominfo.criteria(Profile(industries=("insurance",))))
    everyone = await zoominfo.count(zoominfo.criteria(Profile()))

    assert narrow is not None
    assert everyone is not None
    assert 0 < narrow < everyone / 4
    operations = [entry["operation"] for entry in sandbox.book(VENDOR)["log"]]
    assert operations.count("lookup") == 1


async def test_every_starting_profile_can_be_asked_for(zoominfo: ZoomInfo) -> None:
    for profile in STARTERS.values():
        assert await zoominfo.count(zoominfo.criteria(profile)) is not None


async def test_addresses_are_bought_for_the_right_people_and_billed_as_the_server_bills(
    zoominfo: ZoomInfo, sandbox: SandboxProcess
) -> None:
    people = (await everybody(zoominfo, SAAS))[:24]
    queries = [*queries_for(people), NOBODY]

    answer = await zoominfo.enrich_leads(queries)

    by_key = {match.key: match for match in answer.matches}
    assert len(answer.matches) == len(by_key) == len(queries)
    for query, person in zip(queries, people, strict=False):
        match = by_key[query.key]
        if match.status is MatchStatus.FOUND:
            assert match.prospect is not None
            assert match.prospect.record_id == person.record_id
            assert match.prospect.person.email is not None
            assert match.prospect.person.last_name == person.person.last_name
            assert match.prospect.country == "US"
    assert by_key[NOBODY.key].status is MatchStatus.NOT_FOUND
    assert answer.billed == set(sandbox.book(VENDOR)["by_record"])
    assert len(answer.billed) > 10


async def test_the_same_person_asked_for_twice_answers_both_and_is_billed_once(
    zoominfo: ZoomInfo, sandbox: SandboxProcess
) -> None:
    person = (await everybody(zoominfo, SAAS))[0]
    queries = queries_for([person, person])

    answer = await zoominfo.enrich_leads(queries)
    again = await zoominfo.enrich_leads(queries)

    assert {match.key for match in answer.matches} == {query.key for query in queries}
    assert {match.status for match in answer.matches} == {MatchStatus.FOUND}
    assert again.billed == answer.billed
    assert sandbox.book(VENDOR)["credits"] == 1


async def test_who_objected_is_told_and_not_billed(
    zoominfo: ZoomInfo, sandbox: SandboxProcess
) -> None:
    people = await everybody(zoominfo, Profile())
    out = 0
    for start in range(0, min(len(people), 1500), 25):
        queries = queries_for(people[start : start + 25])
        answer = await zoominfo.enrich_leads(queries)
        for match in answer.matches:
            if match.status is MatchStatus.OPTED_OUT:
                out += 1
                assert match.prospect is not None
                assert match.prospect.opted_out
        if out:
            break

    assert out > 0
    assert sandbox.book(VENDOR)["credits"] == len(sandbox.book(VENDOR)["by_record"])


async def test_what_is_less_sure_than_wanted_is_held_back_and_not_billed(
    zoominfo: ZoomInfo, sandbox: SandboxProcess
) -> None:
    people = await everybody(zoominfo, ANYBODY)
    sure = [
        PersonQuery(uuid4(), record_id=person.record_id, least=EmailStatus.VALID)
        for person in people[:25]
    ]

    answer = await zoominfo.enrich_leads(sure)

    found = [match.prospect for match in answer.matches if match.prospect is not None]
    assert {person.email_status for person in found if not person.opted_out} == {EmailStatus.VALID}
    assert sandbox.book(VENDOR)["credits"] == len(answer.billed) > 0


async def test_who_cannot_be_identified_is_not_asked_about(
    zoominfo: ZoomInfo, sandbox: SandboxProcess
) -> None:
    answer = await zoominfo.enrich_leads([PersonQuery(uuid4(), last_name="Okafor")])

    assert [match.status for match in answer.matches] == [MatchStatus.REFUSED]
    assert sandbox.book(VENDOR)["requests"] == 0
    with pytest.raises(ValueError, match="25 people at most"):
        await zoominfo.enrich_leads([NOBODY] * 26)


async def test_usage_says_what_is_used_and_left(
    zoominfo: ZoomInfo, sandbox: SandboxProcess
) -> None:
    sandbox.set(VENDOR, credits=500, per_hour=54_000)
    people = await everybody(zoominfo, ANYBODY)
    await zoominfo.enrich_leads(queries_for(people[:5]))

    stats = await zoominfo.get_usage_stats()

    spent = sandbox.book(VENDOR)["credits"]
    assert (stats.credits_used, stats.credits_left) == (spent, 500 - spent)
    assert 0 < stats.limits["hour"] < 54_000
    assert "day" not in stats.limits  # -1 is unknown


@every_method
@pytest.mark.parametrize(("mode", "most", "throttled", "in_doubt"), TURNED_AWAY)
async def test_what_was_turned_away_costs_nothing_and_says_when_to_come_back(
    zoominfo: ZoomInfo,
    sandbox: SandboxProcess,
    method: Method,
    mode: str,
    most: timedelta,
    throttled: bool,
    in_doubt: bool,
) -> None:
    sandbox.arm(mode, vendor=VENDOR)

    error = await failure(method(zoominfo))

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
    adapter = made(sandbox, IMPATIENCE)

    error = await failure(method(adapter))

    assert error.in_doubt
    assert error.retry_after is not None
    await adapter.close()


async def test_an_enrichment_whose_answer_was_lost_is_bought_once(
    zoominfo: ZoomInfo, sandbox: SandboxProcess
) -> None:
    queries = queries_for((await everybody(zoominfo, ANYBODY))[:25])
    sandbox.arm("truncated", vendor=VENDOR, count=1)
    error = await failure(zoominfo.enrich_leads(queries))
    lost = sandbox.book(VENDOR)["credits"]

    answer = await zoominfo.enrich_leads(queries)

    assert error.in_doubt
    assert lost == len(answer.billed) == sandbox.book(VENDOR)["credits"] > 0


async def test_a_spent_account_is_out_of_credit_though_it_is_a_400(
    zoominfo: ZoomInfo, sandbox: SandboxProcess
) -> None:
    sandbox.arm("no_credit", vendor=VENDOR)

    error = await failure(zoominfo.enrich_leads([NOBODY]))

    assert (error.out_of_credit, error.retry_after) == (True, NO_CREDIT)
    assert not isinstance(error, AnswerError)


async def test_credit_that_ends_within_a_call_is_told_row_by_row(
    zoominfo: ZoomInfo, sandbox: SandboxProcess
) -> None:
    queries = queries_for((await everybody(zoominfo, SAAS))[:20])
    sandbox.set(VENDOR, credits=5)

    answer = await zoominfo.enrich_leads(queries)

    statuses = [match.status for match in answer.matches]
    assert statuses.count(MatchStatus.FOUND) == len(answer.billed) == 5
    assert MatchStatus.OUT_OF_CREDIT in statuses
    assert sandbox.book(VENDOR)["credits"] == 5


@every_method
async def test_a_token_that_ended_is_renewed_once_and_nobody_notices(
    zoominfo: ZoomInfo, sandbox: SandboxProcess, method: Method
) -> None:
    await zoominfo.get_usage_stats()
    sandbox.arm("token_expired", vendor=VENDOR)

    await method(zoominfo)

    operations = [entry["operation"] for entry in sandbox.book(VENDOR)["log"]]
    assert operations.count("token") == 2


@every_method
async def test_a_token_that_is_refused_for_ever_names_the_setting_and_is_not_asked_for_endlessly(
    zoominfo: ZoomInfo, sandbox: SandboxProcess, method: Method
) -> None:
    sandbox.arm("token_invalid", vendor=VENDOR)

    error = await failure(method(zoominfo))

    assert error.retry_after is None
    assert "check ZOOMINFO_CLIENT_ID" in str(error)
    assert sandbox.book(VENDOR)["requests"] <= 4


async def test_a_client_that_is_not_known_names_the_setting(
    zoominfo: ZoomInfo, sandbox: SandboxProcess
) -> None:
    sandbox.arm("client_invalid", vendor=VENDOR, operation="token")

    error = await failure(zoominfo.get_usage_stats())

    assert (error.retry_after, error.in_doubt) == (None, False)
    assert "check ZOOMINFO_CLIENT_ID and ZOOMINFO_CLIENT_SECRET" in str(error)
