"""Every way in which Salesforce fails: what the adapter tells the agents, and what it costs."""

import asyncio
from datetime import timedelta

import pytest

from agents.errors import VendorError
from agents.vendors.salesforce import Salesforce
from agents.vendors.salesforce.failures import AWAY, LIMIT, REFUSED_AGAIN
from scripts.sandbox.process import SandboxProcess
from tests.vendors.salesforce.conftest import VENDOR, by_client
from tests.vendors.salesforce.test_calls import ALERT, KEY, lead

IMPATIENCE = timedelta(seconds=0.6)


async def failure(crm: Salesforce) -> VendorError:
    with pytest.raises(VendorError) as failed:
        await crm.upsert("Lead", KEY, [lead()])
    assert failed.value.vendor == VENDOR
    assert "Ito" not in str(failed.value)
    return failed.value


@pytest.mark.parametrize(
    ("mode", "in_doubt", "words"),
    [
        ("500", True, "status 500"),
        ("503", True, "SERVER_UNAVAILABLE"),
        ("html", True, "maintenance page"),
        ("wrong_shape", True, "no rows"),
        ("disconnect", True, "no connection"),
        ("truncated", True, "no connection"),
        ("cut_json", True, "no JSON"),
    ],
)
async def test_a_call_that_fails_says_how_and_is_made_once(
    crm: Salesforce, org: SandboxProcess, mode: str, in_doubt: bool, words: str
) -> None:
    org.arm(mode, vendor=VENDOR)
    error = await failure(crm)
    assert words in str(error)
    assert (error.in_doubt, error.throttled, error.out_of_credit) == (in_doubt, False, False)
    assert error.retry_after is not None
    assert timedelta(seconds=10) <= error.retry_after <= timedelta(minutes=1)
    assert org.book(VENDOR)["calls"]["collections"] == 1


@pytest.mark.parametrize("mode", ["slow", "drip", "act_then_timeout"])
async def test_no_call_outlives_its_deadline_however_its_answer_comes(
    org: SandboxProcess, mode: str
) -> None:
    hasty = Salesforce(by_client(), base_url=org.vendor_urls[VENDOR], timeout=IMPATIENCE)
    await hasty.who()
    org.arm(mode, vendor=VENDOR, delay=3.0)
    async with asyncio.timeout(2.5):
        error = await failure(hasty)
    assert error.in_doubt
    assert error.retry_after == AWAY
    await hasty.close_connections()


async def test_what_was_done_before_the_answer_was_lost_is_found_by_sending_it_again(
    org: SandboxProcess,
) -> None:
    hasty = Salesforce(by_client(), base_url=org.vendor_urls[VENDOR], timeout=IMPATIENCE)
    await hasty.who()
    org.arm("act_then_timeout", vendor=VENDOR, delay=2.0, count=1)
    one = lead()
    with pytest.raises(VendorError):
        await hasty.upsert("Lead", KEY, [one])
    [again] = await hasty.upsert("Lead", KEY, [one])
    assert (again.success, again.created) == (True, False)
    assert org.book(VENDOR)["records"]["Lead"] == 1
    await hasty.close_connections()


async def test_a_token_that_ran_out_is_renewed_once_and_the_call_is_made_again(
    crm: Salesforce, org: SandboxProcess
) -> None:
    await crm.describe("Lead")
    org.arm("token_expired", vendor=VENDOR)
    [result] = await crm.upsert("Lead", KEY, [lead()], save_duplicates=True)
    assert result.created
    book = org.book(VENDOR)
    assert (book["logins"], book["calls"]["collections"]) == (2, 2)


async def test_the_headers_of_a_call_survive_the_renewal_of_its_token(
    crm: Salesforce, org: SandboxProcess
) -> None:
    org.set(VENDOR, duplicate_rule=ALERT)
    await crm.upsert("Lead", KEY, [lead(Email="ann@acme.example")])
    org.arm("token_expired", vendor=VENDOR)
    twin = lead(Email="ann@acme.example")
    [result] = await crm.upsert("Lead", KEY, [twin], save_duplicates=True)
    assert result.created


async def test_a_token_that_is_refused_for_ever_costs_four_requests_and_no_more(
    crm: Salesforce, org: SandboxProcess
) -> None:
    org.arm("token_invalid", vendor=VENDOR)
    error = await failure(crm)
    assert error.retry_after == REFUSED_AGAIN
    assert "session settings" in str(error)
    assert org.book(VENDOR)["requests"] == 4
    with pytest.raises(VendorError):
        await crm.job("750000000000001AAA")
    assert org.book(VENDOR)["requests"] == 7


async def test_many_calls_with_a_dead_token_share_one_new_login(
    crm: Salesforce, org: SandboxProcess
) -> None:
    org.set(VENDOR, session_seconds=0.4)
    await crm.describe("Lead")
    await asyncio.sleep(0.5)
    org.set(VENDOR, session_seconds=60.0)
    org.arm("token_expired", vendor=VENDOR, count=4)
    await asyncio.gather(*(crm.describe("Lead") for _ in range(4)))
    assert org.book(VENDOR)["logins"] == 2


async def test_a_used_up_allowance_is_out_of_credit_for_an_hour(
    crm: Salesforce, org: SandboxProcess
) -> None:
    await crm.describe("Lead")
    org.set(VENDOR, daily_calls=100, calls_used=100)
    error = await failure(crm)
    assert error.out_of_credit
    assert not error.in_doubt
    assert error.retry_after == LIMIT
    usage = await crm.limits()
    assert (usage.used, usage.allowed) == (100, 100)


async def test_too_many_calls_at_once_only_slow_us_down(
    crm: Salesforce, org: SandboxProcess
) -> None:
    await crm.describe("Lead")
    org.arm("concurrent", vendor=VENDOR)
    error = await failure(crm)
    assert (error.throttled, error.out_of_credit) == (True, False)
    assert error.retry_after == AWAY


async def test_a_vendor_that_is_not_there_was_never_asked(org: SandboxProcess) -> None:
    nowhere = Salesforce(by_client(), base_url="http://127.0.0.1:9")
    error = await failure(nowhere)
    assert not error.in_doubt
    assert error.retry_after == AWAY
    await nowhere.close_connections()


async def test_each_page_of_a_query_is_a_call_that_can_fail(
    crm: Salesforce, org: SandboxProcess
) -> None:
    await crm.upsert("Lead", KEY, [lead() for _ in range(5)])
    org.set(VENDOR, page=2)
    records = crm.query("SELECT Id FROM Lead")
    assert (await anext(records))["Id"] != (await anext(records))["Id"]
    org.arm("500", vendor=VENDOR, operation="query_more")
    with pytest.raises(VendorError, match="status 500"):
        await anext(records)
