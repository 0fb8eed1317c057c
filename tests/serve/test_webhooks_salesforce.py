"""What Salesforce tells us: by a secret address, from our organisation, kept once, acknowledged."""

from collections.abc import AsyncGenerator
from dataclasses import replace

import pytest
from sqlalchemy import text

from policies.crm_outbound import ACKNOWLEDGED
from policies.crm_records import Account
from storage import crm
from storage.database import Database
from tests.policies.test_crm_outbound import message, notification
from tests.serve.conftest import Clock, World, dependencies, running

SECRET = "sandbox-secret-of-the-address"
PATH = f"/webhooks/salesforce/{SECRET}"
OURS = Account("00D8d000000aaaaEAA", "us@example.com", "https://acme.example")


@pytest.fixture
async def hooked(database: Database) -> AsyncGenerator[World, None]:
    clock, woken = Clock(), list[str]()
    given = replace(dependencies(database, clock, woken), webhook_secrets={"salesforce": SECRET})
    async with running(database, given, clock, woken) as world:
        world.client.headers.pop("Authorization")
        yield world


async def connected(world: World, account: Account = OURS) -> None:
    async with world.database.transaction() as db:
        await crm.checked(db, account, {}, now=world.clock())


async def post(world: World, body: bytes, path: str = PATH) -> tuple[int, str]:
    headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""'}
    answer = await world.client.post(path, content=body, headers=headers)
    return answer.status_code, answer.text


async def posted(world: World) -> int:
    async with world.database.transaction() as db:
        rows = await db.execute(
            text("SELECT count(*) FROM messages WHERE recipient = 'crm_syncer'")
        )
        return int(rows.scalar_one())


async def test_a_message_is_acknowledged_and_each_notification_handed_on_once(
    hooked: World,
) -> None:
    await connected(hooked)
    body = message(notification(1), notification(2))

    assert await post(hooked, body) == (200, ACKNOWLEDGED)
    assert await post(hooked, body) == (200, ACKNOWLEDGED)
    assert await posted(hooked) == 2
    assert hooked.woken == ["crm_syncer"]


async def test_who_does_not_know_the_secret_finds_nothing_here(hooked: World) -> None:
    await connected(hooked)
    status, _ = await post(hooked, message(notification(1)), "/webhooks/salesforce/guess")
    assert (status, await posted(hooked)) == (404, 0)


async def test_another_organisation_is_refused(hooked: World) -> None:
    await connected(hooked, replace(OURS, organization_id="00D8d000000bbbbEAA"))
    assert (await post(hooked, message(notification(1))))[0] == 403
    assert await posted(hooked) == 0


async def test_before_we_know_who_we_are_salesforce_has_to_try_again(hooked: World) -> None:
    assert (await post(hooked, message(notification(1))))[0] == 503


async def test_what_is_no_outbound_message_is_refused(hooked: World) -> None:
    await connected(hooked)
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa">]>' + message(notification(1))
    assert (await post(hooked, bomb))[0] == 422
    assert (await post(hooked, b"x" * (5 * 2**20)))[0] == 413
    assert await posted(hooked) == 0
