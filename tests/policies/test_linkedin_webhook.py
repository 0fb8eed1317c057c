"""LinkedIn's challenge, signature and notifications."""

import hashlib
import hmac
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.linkedin_webhook import (
    Action,
    NotificationError,
    challenge_answer,
    is_signed,
    parse_notification,
    response_id,
    signature,
)

SECRET = "sandbox-secret"
ID = "0f3b7c1e-1111-4222-8333-444455556666-3"
TOLD = {
    "type": "LEAD_ACTION",
    "leadAction": "CREATED",
    "leadType": "SPONSORED",
    "occurredAt": 1795299001000,
    "leadGenFormResponse": f"urn:li:leadGenFormResponse:{ID}",
    "leadGenForm": "urn:li:versionedLeadGenForm:(urn:li:leadGenForm:7001,2)",
    "owner": {"sponsoredAccount": "urn:li:sponsoredAccount:512345"},
    "associatedEntity": {"associatedCreative": "urn:li:sponsoredCreative:88"},
}


def body(**changed: object) -> bytes:
    return json.dumps({**TOLD, **changed}).encode()


def test_a_challenge_is_answered_with_its_hmac() -> None:
    code = "0f3b7c1e-1111-4222-8333-444455556666"

    answer = challenge_answer(code, SECRET)

    expected = hmac.new(SECRET.encode(), code.encode(), hashlib.sha256).hexdigest()
    assert answer == {"challengeCode": code, "challengeResponse": expected}


@pytest.mark.parametrize("code", ["", "a b", "<script>", "x" * 200, "é"])
def test_what_is_no_challenge_is_not_signed(code: str) -> None:
    with pytest.raises(NotificationError, match="no code"):
        challenge_answer(code, SECRET)


def test_the_signed_text_begins_with_a_prefix_that_the_header_lacks() -> None:
    told = body()
    expected = hmac.new(SECRET.encode(), b"hmacsha256=" + told, hashlib.sha256).hexdigest()

    assert signature(told, SECRET) == expected
    assert is_signed(told, expected, SECRET)
    assert is_signed(told, f" {expected.upper()} ", SECRET)
    assert not is_signed(told, f"hmacsha256={expected}", SECRET)
    assert not is_signed(told + b" ", expected, SECRET)
    assert not is_signed(told, expected, "other")
    assert not is_signed(told, hmac.new(SECRET.encode(), told, "sha256").hexdigest(), SECRET)
    assert not is_signed(told, "", SECRET)
    assert not is_signed(told, "é", SECRET)


def test_a_notification_names_the_response_and_what_happened() -> None:
    created = parse_notification(body())
    deleted = parse_notification(body(leadAction="DELETED"))

    assert created.action is Action.CREATED
    assert created.response_id == ID
    assert created.owner == "urn:li:sponsoredAccount:512345"
    assert created.occurred_at == datetime.fromtimestamp(1795299001, UTC)
    assert deleted.action is Action.DELETED
    assert parse_notification(body(owner=None, occurredAt=None, leadType="<x>")).owner is None


@pytest.mark.parametrize(
    "urn",
    [ID, f"urn:li:leadGenFormResponse:{ID}", f"urn:li:leadFormResponse:{ID}", f"urn:li:x:(y,{ID})"],
)
def test_the_prefix_of_a_response_does_not_matter(urn: str) -> None:
    assert response_id(urn) == ID


@pytest.mark.parametrize(
    "told",
    [
        b"",
        b"[]",
        b"{",
        body(type="SHARE_ACTION"),
        body(leadAction="CHANGED"),
        body(leadGenFormResponse="urn:li:leadGenFormResponse:"),
        body(leadGenFormResponse="../../etc/passwd"),
        body(leadGenFormResponse=7),
        b'"' + b"x" * 70_000 + b'"',
    ],
)
def test_what_is_no_notification_is_refused(told: bytes) -> None:
    with pytest.raises(NotificationError):
        parse_notification(told)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(st.dictionaries(st.sampled_from(sorted(TOLD)), json_values))
def test_nothing_odd_gets_past_or_breaks_it(changed: dict[str, object]) -> None:
    try:
        told = parse_notification(json.dumps({**TOLD, **changed}).encode())
    except NotificationError:
        return
    assert told.response_id.isascii()
