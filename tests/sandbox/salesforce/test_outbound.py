from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from defusedxml.ElementTree import fromstring

from scripts.sandbox.process import SandboxError
from scripts.sandbox.salesforce.steer import OrgControl
from tests.sandbox.salesforce.conftest import Upsert, lead

OUTBOUND = "{http://soap.sforce.com/2005/09/outbound}"
SOBJECT = "{urn:sobject.enterprise.soap.sforce.com}"
ACK = """<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>
<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>{}</Ack>
</notificationsResponse></soapenv:Body></soapenv:Envelope>"""


class _Patient(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


class Listener:
    """Somebody who is told; it acknowledges once it has refused ``refuses`` messages."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.refuses = 0
        told = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                told.messages.append(body)
                told.headers.append({k.lower(): v for k, v in self.headers.items()})
                good = len(told.messages) > told.refuses
                answer = ACK.format(str(good).lower()).encode()
                self.send_response(200)
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = _Patient(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/crm"

    def notes(self) -> list[tuple[str, str, str]]:
        """Of all messages: notification, external id and status."""
        found: list[tuple[str, str, str]] = []
        for message in self.messages:
            for note in fromstring(message).iter(f"{OUTBOUND}Notification"):
                record = note.find(f"{OUTBOUND}sObject")
                said = {each.tag.removeprefix(SOBJECT): each.text or "" for each in record}
                name = note.findtext(f"{OUTBOUND}Id") or ""
                found.append((name, said["LeadEngine_Id__c"], said["Status"]))
        return found

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def listener(org: OrgControl) -> Generator[Listener, None, None]:
    listener = Listener()
    yield listener
    org.tell_nobody()
    listener.close()


def until(happened: Callable[[], bool]) -> None:
    end = time.monotonic() + 5
    while not happened():
        assert time.monotonic() < end, "it does not happen"
        time.sleep(0.01)


def test_a_conversion_is_told_with_the_values_of_the_record(
    upsert: Upsert, org: OrgControl, listener: Listener
) -> None:
    upsert(lead(1, LastName="<Ito & Sons>"), lead(2))
    org.tell(listener.url, fields=["LeadEngine_Id__c", "Status", "LastName", "IsConverted"])
    org.act("convert", external_ids=["lead-1"])
    until(lambda: org.waiting() == 0)
    (message,) = listener.messages
    root = fromstring(message)
    notifications = root.find(f".//{OUTBOUND}notifications")
    assert notifications.findtext(f"{OUTBOUND}OrganizationId").startswith("00D")
    assert notifications.findtext(f"{OUTBOUND}ActionId").startswith("04k")
    assert notifications.findtext(f".//{SOBJECT}LastName") == "<Ito & Sons>"
    assert notifications.findtext(f".//{SOBJECT}IsConverted") == "true"
    ((note, external, status),) = listener.notes()
    assert (note[:3], external, status) == ("04l", "lead-1", "Closed - Converted")
    assert b'xsi:type="sf:Lead"' in message
    assert listener.headers[0]["content-type"] == "text/xml; charset=utf-8"


def test_only_what_was_ordered_is_told(
    crm: httpx.Client, upsert: Upsert, org: OrgControl, listener: Listener
) -> None:
    org.tell(listener.url)
    upsert(lead(1))
    upsert(lead(1, Title="CEO"))
    upsert(lead(1, Status="Working - Contacted"))
    until(lambda: bool(listener.messages) and org.waiting() == 0)
    assert [status for _, _, status in listener.notes()] == ["Working - Contacted"]


def test_what_is_not_acknowledged_is_told_again(
    upsert: Upsert, org: OrgControl, listener: Listener
) -> None:
    upsert(lead(1))
    listener.refuses = 2
    org.tell(listener.url, retry=0.02)
    org.act("status", count=1, to="Working - Contacted")
    until(lambda: org.waiting() == 0)
    assert len({note for note, _, _ in listener.notes()}) == 1
    assert len(listener.messages) == 3
    assert org.book()["outbound"] == {"sent": 3, "refused": 2, "acknowledged": 1}


def test_a_message_that_comes_late_tells_the_latest_values(
    upsert: Upsert, org: OrgControl, listener: Listener
) -> None:
    upsert(lead(1))
    org.tell(listener.url, delay=0.2)
    org.act("status", count=1, to="Working - Contacted")
    org.act("convert", count=1)
    until(lambda: bool(listener.messages) and org.waiting() == 0)
    assert {status for _, _, status in listener.notes()} == {"Closed - Converted"}
    assert len(listener.notes()) == 2


def test_messages_come_twice_and_in_another_order(
    upsert: Upsert, org: OrgControl, listener: Listener
) -> None:
    upsert(*(lead(number) for number in range(20)))
    org.tell(listener.url, most=1, duplicate=0.5, reorder=0.5)
    for number in range(20):
        org.act("status", external_ids=[f"lead-{number}"], to="Working - Contacted")
    until(lambda: org.waiting() == 0)
    notes = [note for note, _, _ in listener.notes()]
    assert len(set(notes)) == 20
    assert len(notes) > 20
    first = list(dict.fromkeys(notes))
    assert first != sorted(first)


def test_many_changes_go_in_one_message(
    upsert: Upsert, org: OrgControl, listener: Listener
) -> None:
    upsert(*(lead(number) for number in range(150)))
    org.tell(listener.url)
    org.act("convert", count=150)
    until(lambda: org.waiting() == 0)
    assert len(listener.notes()) == 150
    assert len(listener.messages) == 2


def test_nobody_outside_this_machine_is_told(org: OrgControl) -> None:
    with pytest.raises(SandboxError, match="this machine"):
        org.tell("http://crm.example/hook")
