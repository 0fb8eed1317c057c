"""Outbound messages: which records they name, and what is not read at all."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.crm_outbound import Notification, OutboundError, parse_message

HEAD = (
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>'
    '<notifications xmlns="http://soap.sforce.com/2005/09/outbound">'
    "<OrganizationId>00D8d000000aaaaEAA</OrganizationId><ActionId>04k8d000000aaaa</ActionId>"
    '<SessionId xsi:nil="true"/>'
)
TAIL = "</notifications></soapenv:Body></soapenv:Envelope>"


def notification(number: int, record: str = "00Q8d000000aaaa", kind: str = "sf:Lead") -> str:
    return (
        f"<Notification><Id>04l8d0000{number:06d}</Id>"
        f'<sObject xsi:type="{kind}" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">'
        f"<sf:Id>{record}</sf:Id><sf:Email>a@b.example</sf:Email></sObject></Notification>"
    )


def message(*notifications: str) -> bytes:
    return (HEAD + "".join(notifications) + TAIL).encode()


def test_a_message_names_records_by_their_whole_ids_each_notification_once() -> None:
    told = parse_message(message(notification(1), notification(1), notification(2)))

    assert told.organization_id == "00D8d000000aaaaEAA"
    assert len(told.notifications) == 2
    assert told.notifications[0] == Notification("04l8d0000000001AAA", "Lead", "00Q8d000000aaaaEAA")


def test_a_hundred_notifications_are_read_and_no_more() -> None:
    assert len(parse_message(message(*map(notification, range(100)))).notifications) == 100
    with pytest.raises(OutboundError, match="101 notifications"):
        parse_message(message(*map(notification, range(101))))
    with pytest.raises(OutboundError, match="0 notifications"):
        parse_message(message())


@pytest.mark.parametrize(
    "prologue",
    [
        '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>',
        '<!DOCTYPE x [<!ENTITY file SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE x SYSTEM "http://127.0.0.1/x.dtd">',
        "<!DOCTYPE x>",
    ],
)
def test_document_types_and_entities_are_refused(prologue: str) -> None:
    with pytest.raises(OutboundError, match="document type"):
        parse_message(prologue.encode() + message(notification(1)))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"<a/>",
        b"\xff\xfe<",
        message(notification(1))[:-9],
        message(notification(1, record="no id")),
        message(notification(1, kind="Lead<")).replace(b"&lt;", b"<"),
        message(notification(1, kind="Lead")),
        message(notification(1)).replace(b"00D8d000000aaaaEAA", b"x"),
        message("<Notification><Id>04l8d0000000001</Id></Notification>"),
        b'<?xml version="1.0" encoding="nowhere"?>' + message(notification(1)),
        b" " * (4 * 2**20 + 1),
    ],
)
def test_what_is_no_outbound_message_is_said_to_be_none(body: bytes) -> None:
    with pytest.raises(OutboundError):
        parse_message(body)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    try:
        parse_message(body)
    except OutboundError:
        return


def test_bad_xml_of_the_corpus_is_refused(shared: Path) -> None:
    found = [path for path in (shared / "corpora").rglob("*.xml") if path.stat().st_size < 2**21]
    if not found:
        pytest.skip("no XML in the corpus")
    for path in found[:500]:
        with pytest.raises(OutboundError):
            parse_message(path.read_bytes())
