"""Outbound messages of Salesforce: which records it says have changed.

Each message is SOAP 1.1 with 1 to 100 notifications. They come at least once, in no order, and
bear no signature: only ids are taken from them, and the records are then looked at.

Sources:
    SOAP API guide, "Outbound Messaging" and "Outbound Messaging WSDL", read 2026-11-22.
    Entity bombs, external entities: OWASP XML External Entity Prevention Cheat Sheet.
"""

from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from policies.crm_records import full_id

NAMESPACE = "http://soap.sforce.com/2005/09/outbound"
LARGEST_MESSAGE = 4 * 2**20
"""Bytes: 100 notifications with every field of a record."""
MOST_NOTIFICATIONS = 100
_ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"

ACKNOWLEDGED = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    f'<soapenv:Envelope xmlns:soapenv="{_ENVELOPE}"><soapenv:Body>'
    f'<notificationsResponse xmlns="{NAMESPACE}"><Ack>true</Ack></notificationsResponse>'
    "</soapenv:Body></soapenv:Envelope>"
)
"""What Salesforce waits for; anything else is sent again for 24 hours."""


class OutboundError(ValueError):
    """A body that is no outbound message; the text says why and quotes nothing of it."""


@dataclass(frozen=True, slots=True)
class Notification:
    """A record that changed.

    Attributes:
        id: of the notification; it is the same when it is sent again.
        sobject: such as ``Lead``.
        record_id: 18 characters.
    """

    id: str
    sobject: str
    record_id: str


@dataclass(frozen=True, slots=True)
class OutboundMessage:
    """What Salesforce told.

    Attributes:
        organization_id: who says so, 18 characters.
        notifications: each once.
    """

    organization_id: str
    notifications: tuple[Notification, ...]


def parse_message(body: bytes) -> OutboundMessage:
    """Read an outbound message.

    Raises:
        OutboundError: if it is none, or has a document type or entities of its own.
    """
    if len(body) > LARGEST_MESSAGE:
        raise OutboundError("it is too large")
    try:
        root = fromstring(body, forbid_dtd=True, forbid_entities=True, forbid_external=True)
    except DefusedXmlException:
        raise OutboundError("it has a document type or entities, which are not read") from None
    except (ParseError, ValueError, LookupError):
        raise OutboundError("it is not well-formed XML") from None
    told = root.find(f"{{{_ENVELOPE}}}Body/{{{NAMESPACE}}}notifications")
    if root.tag != f"{{{_ENVELOPE}}}Envelope" or told is None:
        raise OutboundError("it holds no notifications")
    found = told.findall(f"{{{NAMESPACE}}}Notification")
    if not 1 <= len(found) <= MOST_NOTIFICATIONS:
        raise OutboundError(f"it holds {len(found)} notifications, not 1 to {MOST_NOTIFICATIONS}")
    organization = _id(_text(told, f"{{{NAMESPACE}}}OrganizationId"), "OrganizationId")
    by_id = {each.id: each for each in map(_notification, found)}
    return OutboundMessage(organization, tuple(by_id.values()))


def _notification(element: Element) -> Notification:
    record = element.find(f"{{{NAMESPACE}}}sObject")
    if record is None:
        raise OutboundError("a notification without a record")
    space, _, sobject = record.get(_TYPE, "").rpartition(":")
    if not sobject.isidentifier() or not space:
        raise OutboundError("a record without a type")
    stated = next((each.text for each in record if each.tag.rpartition("}")[2] == "Id"), None)
    own = _id(_text(element, f"{{{NAMESPACE}}}Id"), "Id of a notification")
    return Notification(own, sobject, _id(stated, "Id of a record"))


def _text(element: Element, name: str) -> str | None:
    found = element.find(name)
    return None if found is None else found.text


def _id(text: str | None, what: str) -> str:
    try:
        return full_id((text or "").strip())
    except ValueError:
        raise OutboundError(f"the {what} is no id of Salesforce") from None
