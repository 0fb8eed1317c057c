"""LinkedIn's webhooks: validated first, then told of each response, in more ways than one."""

import hmac
import time
from hashlib import sha256

import httpx
import orjson
import pytest

from scripts.sandbox.process import SandboxProcess
from tests.sandbox.linkedin.conftest import ACCOUNT, SECRET, Receiver, proper, settled
from tests.sandbox.linkedin.facts import Error, Notification


def subscribe(linkedin: httpx.Client, url: str) -> httpx.Response:
    body = {"webhook": url, "owner": ACCOUNT, "leadType": "SPONSORED"}
    return linkedin.post("/leadNotifications", json=body)


def signed(body: bytes) -> str:
    return hmac.new(SECRET.encode(), b"hmacsha256=" + body, sha256).hexdigest()


def test_a_subscription_is_made_challenged_told_and_ended(
    linkedin: httpx.Client, sources: SandboxProcess, receiver: Receiver
) -> None:
    made = subscribe(linkedin, receiver.url)
    assert (made.status_code, made.content) == (201, b"")
    key = made.headers["X-RestLi-Id"]
    assert settled(sources)["hooks"][0]["validated"]

    (one,) = sources.tell("linkedin", "submit", count=1)["responses"]

    assert settled(sources)["sent"][0]["status"] == 202
    (note,) = [Notification.model_validate(note) for note in receiver.notes]
    assert note.leadGenFormResponse == f"urn:li:leadGenFormResponse:{one['id']}"
    assert b"answer" not in receiver.got[0][0]
    assert receiver.got[0][1] == signed(receiver.got[0][0])
    assert linkedin.get(f"/leadNotifications/{key}").json()["webhook"] == receiver.url
    assert linkedin.delete(f"/leadNotifications/{key}").status_code == 204
    sources.tell("linkedin", "submit", count=1)
    settled(sources)
    assert len(receiver.got) == 1


@pytest.mark.parametrize(
    ("status", "kind", "body"),
    [
        (500, "application/json", None),
        (200, "text/plain", None),
        (200, "application/json", b"no json"),
        (200, "application/json", b'{"challengeCode": "x", "challengeResponse": "x"}'),
    ],
)
def test_a_webhook_that_fails_its_challenge_gets_nothing(
    linkedin: httpx.Client,
    sources: SandboxProcess,
    receiver: Receiver,
    status: int,
    kind: str,
    body: bytes | None,
) -> None:
    receiver.answers = lambda code: (status, kind, proper(code)[2] if body is None else body)
    subscribe(linkedin, receiver.url)

    (hook,) = settled(sources)["hooks"]
    assert (hook["validated"], hook["blocked"]) == (False, False)
    assert hook["problem"]
    sources.tell("linkedin", "submit", count=1)
    assert settled(sources)["sent"][0]["problem"] == "the hook is not validated"
    for _ in range(2):
        sources.tell("linkedin", "challenge")
    assert settled(sources)["hooks"][0]["blocked"]
    receiver.answers = proper
    sources.tell("linkedin", "challenge")
    assert settled(sources)["hooks"][0]["validated"]
    assert receiver.got == []


def test_a_challenge_that_takes_more_than_three_seconds_fails(
    linkedin: httpx.Client, sources: SandboxProcess, receiver: Receiver
) -> None:
    def late(code: str) -> tuple[int, str, bytes]:
        time.sleep(3.3)
        return proper(code)

    receiver.answers = late
    subscribe(linkedin, receiver.url)

    assert settled(sources)["hooks"][0]["problem"] == "ReadTimeout within 3 s"


def test_notifications_may_be_doubled_out_of_order_unsigned_or_forged(
    linkedin: httpx.Client, sources: SandboxProcess, receiver: Receiver
) -> None:
    subscribe(linkedin, receiver.url)
    order = {"count": 6, "times": 2, "shuffled": True, "signature": "unsigned"}

    submitted = [one["id"] for one in sources.tell("linkedin", "submit", **order)["responses"]]

    settled(sources)
    told = [note["leadGenFormResponse"].rpartition(":")[2] for note in receiver.notes]
    assert sorted(told) == sorted(submitted * 2)
    assert told != sorted(told, key=submitted.index)
    assert {signature for _, signature in receiver.got} == {None}
    receiver.got.clear()
    sources.tell("linkedin", "submit", count=1, signature="wrong")
    settled(sources)
    assert receiver.got[0][1] not in (None, signed(receiver.got[0][0]))


def test_a_deletion_is_told(
    linkedin: httpx.Client, sources: SandboxProcess, receiver: Receiver
) -> None:
    subscribe(linkedin, receiver.url)
    (one,) = sources.tell("linkedin", "submit", count=1)["responses"]

    sources.tell("linkedin", "delete", ids=[one["id"]])

    settled(sources)
    assert [note["leadAction"] for note in receiver.notes] == ["CREATED", "DELETED"]


def test_a_webhook_that_is_away_is_noted(linkedin: httpx.Client, sources: SandboxProcess) -> None:
    subscribe(linkedin, "http://127.0.0.1:9/hook")

    assert settled(sources)["hooks"][0]["problem"].startswith("ConnectError")


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"webhook": "http://hooks.example/x"}, 400),
        ({"webhook": 5}, 400),
        ({"leadType": "ANY"}, 400),
        ({"owner": {}}, 400),
        ({"owner": {"sponsoredAccount": "urn:li:sponsoredAccount:1"}}, 403),
    ],
)
def test_a_subscription_that_makes_no_sense_is_refused(
    linkedin: httpx.Client, sources: SandboxProcess, changed: dict[str, object], status: int
) -> None:
    body = {"webhook": "https://hooks.example/x", "owner": ACCOUNT, "leadType": "SPONSORED"}

    answer = linkedin.post("/leadNotifications", content=orjson.dumps({**body, **changed}))

    assert answer.status_code == Error.model_validate(answer.json()).status == status
    assert sources.told("linkedin", "hooks")["hooks"] == []
