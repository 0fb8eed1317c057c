"""A Lead becomes an Account, a Contact and, mostly, an Opportunity, and is read-only from then on.

Sources: SOAP API, ``convertLead``, read 2026-11-22; which fields are carried over is Salesforce's
standard mapping [M], with our own external id as an administrator would have mapped it.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from scripts.sandbox.salesforce.errors import Refused
from scripts.sandbox.salesforce.org import Org
from scripts.sandbox.salesforce.query import today
from scripts.sandbox.salesforce.schema import (
    ACCOUNT,
    CONTACT,
    CONVERTED,
    LEAD,
    OPPORTUNITY,
    STAGES,
)
from scripts.sandbox.salesforce.store import Row
from scripts.sandbox.salesforce.writes import How

_PERSON = (
    *("FirstName", "LastName", "Salutation", "Title", "Phone", "MobilePhone", "Fax", "Email"),
    *("Description", "LeadSource", "HasOptedOutOfEmail", "DoNotCall"),
)
_COMPANY = ("Website", "Phone", "Industry", "AnnualRevenue", "NumberOfEmployees", "Rating")
_PLACE = ("Street", "City", "State", "PostalCode", "Country")


@dataclass(frozen=True, slots=True)
class Wish:
    """How a Lead is to be converted.

    Attributes:
        account_id, contact_id: records that exist already; None makes new ones.
        opportunity: its name; None takes the company's.
    """

    lead_id: str
    status: str = CONVERTED
    account_id: str | None = None
    contact_id: str | None = None
    opportunity: str | None = None
    no_opportunity: bool = False


@dataclass(frozen=True, slots=True)
class Converted:
    """What a Lead became."""

    lead_id: str
    account_id: str
    contact_id: str
    opportunity_id: str | None


def convert(org: Org, wish: Wish, how: How) -> Converted:
    """Convert a Lead.

    Raises:
        Refused: if it cannot be; nothing has been done then.
    """
    lead = org.writer.live(LEAD, wish.lead_id)
    if lead.get("IsConverted"):
        raise Refused.because("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead", [])
    if wish.status != CONVERTED:
        raise Refused.because("INVALID_STATUS", f"invalid convertedStatus: {wish.status}", [])
    mark = org.store.begin()
    start = mark or 0
    try:
        return _converted(org, lead, wish, how)
    except Refused:
        org.store.rollback(start)
        raise
    finally:
        org.store.end(mark)


def _converted(org: Org, lead: Row, wish: Wish, how: How) -> Converted:
    write = How(how.user, how.version, allow_save=True)
    if wish.account_id is None:
        account = org.writer.insert(ACCOUNT, _account(lead), write)
    else:
        account = org.writer.live(ACCOUNT, wish.account_id)["Id"]
    if wish.contact_id is None:
        contact = org.writer.insert(CONTACT, {**_contact(lead), "AccountId": account}, write)
    else:
        contact = org.writer.live(CONTACT, wish.contact_id)["Id"]
    opportunity = None
    if not wish.no_opportunity:
        given = {**_opportunity(org, lead, wish), "AccountId": account, "ContactId": contact}
        opportunity = org.writer.insert(OPPORTUNITY, given, write)
    marks = {
        "Status": wish.status,
        "IsConverted": True,
        "ConvertedDate": today(org.now()).isoformat(),
        "ConvertedAccountId": account,
        "ConvertedContactId": contact,
        "ConvertedOpportunityId": opportunity,
    }
    known = {name: value for name, value in marks.items() if value is not None}
    org.writer.put(LEAD, lead, known, how)
    org.book.converted += 1
    return Converted(lead["Id"], account, contact, opportunity)


def _account(lead: Row) -> dict[str, Any]:
    company = {name: lead[name] for name in _COMPANY if name in lead}
    place = {f"Billing{name}": lead[name] for name in _PLACE if name in lead}
    return {"Name": lead["Company"], **company, **place}


def _contact(lead: Row) -> dict[str, Any]:
    person = {name: lead[name] for name in _PERSON if name in lead}
    place = {f"Mailing{name}": lead[name] for name in _PLACE if name in lead}
    return {**person, **place, "LeadEngine_Lead_Id__c": lead.get("LeadEngine_Id__c")}


def _opportunity(org: Org, lead: Row, wish: Wish) -> dict[str, Any]:
    given: dict[str, Any] = {
        "Name": wish.opportunity or f"{lead['Company']}-"[:120],
        "StageName": STAGES[0],
        "CloseDate": _quarter_end(today(org.now())).isoformat(),
        "LeadSource": lead.get("LeadSource"),
        "LeadEngine_Lead__c": lead["Id"],
        "LeadEngine_Score__c": lead.get("LeadEngine_Score__c"),
    }
    external = lead.get("LeadEngine_Id__c")
    taken = external and org.store.table("Opportunity").found("LeadEngine_Id__c", external)
    if external and not taken and org.conditions().convert_engine_id:
        given["LeadEngine_Id__c"] = external
    return given


def _quarter_end(day: date) -> date:
    first_after = date(day.year + day.month // 10, (day.month + 2) // 3 * 3 % 12 + 1, 1)
    return first_after - timedelta(days=1)
