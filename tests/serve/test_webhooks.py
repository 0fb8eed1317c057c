"""What LinkedIn tells us: challenged, signed, kept once, handed on."""

import hashlib
import hmac
import json
from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from policies.linkedin_webhook import SIGNATURE_HEADER
from storage import inbound
from storage.database import Database
from tests.serve.conftest import Clock, World, dependencies, running

SECRET = "linkedin-client-secret"
PATH = "/webhooks/linkedin"


@pytest.fixture
async def hooked(database: Database) -> AsyncGenerator[World, None]:
    clock, woken = Clock(), list[str]()
    given = replace(dependencies(database, clock, woken), webhook_secrets={"linkedin": SECRET})
    async with running(database, given, clock, woken) as world:
        world.client.headers.pop("Authorization")
        yield world


def notification(**more: Any) -> bytes:
    told = {
        "type": "LEAD_ACTION",
        "leadAction": "CREATED",
        "leadType": "SPONSORED",
        "occurredAt": 1795299001000,
        "leadGenFormResponse": "urn:li:leadGenFormResponse:0f3b7c1e-1111-4222-8333-444455556666-3",
        "owner": {"sponsoredAccount": "urn:li:sponsoredAccount:512345"},
    }
    return json.dumps(told | more).encode()


async def post(world: World, body: bytes, signature: str | None = None) -> Any:
    headers = {"Content-Type": b"application/json"}
    if signature is not None:
        headers[SIGNATURE_HEADER] = signature.encode()
    return await world.client.post(PATH, content=body, headers=headers)


def signed(body: bytes) -> str:
    return hmac.new(SECRET.encode(), b"hmacsha256=" + body, hashlib.sha256).hexdigest()


async def messages(world: World) -> list[dict[str, Any]]:
    async with world.database.transaction() as db:
        rows = await db.execute(text("SELECT body FROM messages WHERE recipient = 'prospector'"))
        return [row.body for row in rows]


async def test_the_challenge_is_answered_with_our_secret(hooked: World) -> None:
    code = "7c4b9a9e-55d7-4b55-9b0a-3f4a9b7a1c11"

    answer = await hooked.client.get(PATH, params={"challengeCode": code})

    expected = hmac.new(SECRET.encode(), code.encode(), hashlib.sha256).hexdigest()
    assert answer.status_code == 200
    assert answer.json() == {"challengeCode": code, "challengeResponse": expected}


async def test_without_a_secret_the_challenge_says_what_to_set(world: World) -> None:
    answer = await world.client.get(PATH, params={"challengeCode": "abc"})

    assert answer.status_code == 404
    assert "LINKEDIN_CLIENT_SECRET" in answer.json()["detail"]


async def test_a_notification_is_kept_sealed_once_and_handed_to_the_prospector(
    hooked: World,
) -> None:
    body = notification()

    answers = [await post(hooked, body, signed(body)) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [202] * 3
    (message,) = await messages(hooked)
    assert (message["kind"], message["source"]) == ("webhook.received", "linkedin")
    assert hooked.woken == ["prospector"]
    async with hooked.database.transaction() as db:
        event = await inbound.get(db, hooked.sealer, message["event_id"])
        (raw,) = [
            row.payload for row in await db.execute(text("SELECT payload FROM inbound_events"))
        ]
    assert event is not None
    assert event.payload.encode() == body
    assert b"LEAD_ACTION" not in raw


async def test_created_and_deleted_are_two_events(hooked: World) -> None:
    await post(hooked, notification())
    await post(hooked, notification(leadAction="DELETED"))

    assert len(await messages(hooked)) == 2


async def test_a_wrong_signature_is_refused(hooked: World) -> None:
    body = notification()

    for signature in (signed(body + b" "), "0" * 64, "ä", ""):
        answer = await post(hooked, body, signature)
        assert answer.status_code == 401, signature
    assert await messages(hooked) == []


async def test_one_without_a_signature_is_taken_for_linkedin_documents_none(
    hooked: World,
) -> None:
    assert (await post(hooked, notification())).status_code == 202


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"{", b"\xff\xfe", b'{"type": "LEAD_ACTION"}', notification(type="OTHER")],
)
async def test_what_is_no_notification_is_refused_and_not_kept(hooked: World, body: bytes) -> None:
    answer = await post(hooked, body)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["reason"] == "not_understood"
    assert await messages(hooked) == []


async def test_a_body_without_end_is_refused(hooked: World) -> None:
    assert (await post(hooked, b"x" * 70_000)).status_code == 413
