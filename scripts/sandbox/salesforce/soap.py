"""SOAP: ``login`` up to v64, and ``convertLead``.

Sources: the wire reference, sections 1, 3 and 10; the fault of a login that is gone [M].
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from scripts.sandbox.salesforce.conversion import Converted, Wish, convert
from scripts.sandbox.salesforce.errors import Problem, Refused
from scripts.sandbox.salesforce.org import ORG_ID, Org, instance_url
from scripts.sandbox.salesforce.schema import CONVERTED
from scripts.sandbox.salesforce.sessions import SANDBOX
from scripts.sandbox.salesforce.writes import INTEGRATION_USER, How
from scripts.sandbox.server import Answer, Call

LAST_LOGIN = 64.0
"""The last version with ``login``."""
MOST_CONVERSIONS = 100
_ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
_PARTNER = "urn:partner.soap.sforce.com"
_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"


@dataclass(frozen=True, slots=True)
class SoapRequest:
    """A SOAP call.

    Attributes:
        name: of the operation.
        session: of its header; "" for none.
    """

    name: str
    element: Element
    session: str
    version: str


class Soap:
    """The SOAP side of the org.

    Args:
        org: whose.
    """

    def __init__(self, org: Org) -> None:
        self._org = org

    def read(self, call: Call, parts: Sequence[str]) -> SoapRequest | Answer:
        """What is asked for, or the fault if it cannot be read."""
        version = parts[2].lower().removeprefix("v") if len(parts) > 2 else ""
        try:
            float(version)
            root = fromstring(call.body)
        except (ValueError, ParseError, DefusedXmlException) as error:
            return _fault("soapenv:Client", f"the request cannot be read: {error}")
        body = next((each for each in root if _local(each) == "Body"), None)
        asked = next(iter(body), None) if body is not None else None
        name = _local(asked) if asked is not None else ""
        gone = name == "login" and float(version) > LAST_LOGIN
        if asked is None or gone or name not in {"login", "convertLead"}:
            told = f"No operation available for request {{{_PARTNER}}}{name}"
            return _fault("soapenv:Client", told)
        return SoapRequest(name, asked, _text(root, "sessionId") or "", version)

    def answer(self, request: SoapRequest) -> Answer:
        """Do what is asked for."""
        return self._login(request) if request.name == "login" else self._convert(request)

    def fault(self, problem: Problem) -> Answer:
        """A problem as SOAP tells it: always 500, except when nobody is there."""
        kind = "LoginFault" if problem.code == "INVALID_LOGIN" else "UnexpectedErrorFault"
        code, told = escape(problem.code), escape(problem.message)
        detail = (
            f'<sf:{kind} xsi:type="sf:{kind}"><sf:exceptionCode>{code}</sf:exceptionCode>'
            f"<sf:exceptionMessage>{told}</sf:exceptionMessage></sf:{kind}>"
        )
        status = 503 if problem.status == 503 else 500
        return _fault(f"sf:{problem.code}", f"{problem.code}: {problem.message}", detail, status)

    def _login(self, request: SoapRequest) -> Answer:
        username, password = _text(request.element, "username"), _text(request.element, "password")
        if not username or not (password or "").startswith(SANDBOX):
            told = "Invalid username, password, security token; or user locked out."
            return self.fault(Problem("INVALID_LOGIN", told))
        self._org.book.logins += 1
        session = self._org.sessions.begin(ORG_ID)
        base = f"{instance_url()}/services/Soap"
        user = self._org.store.table("User").rows[INTEGRATION_USER]
        result = (
            f"<metadataServerUrl>{base}/m/{request.version}/{ORG_ID[:15]}</metadataServerUrl>"
            "<passwordExpired>false</passwordExpired><sandbox>true</sandbox>"
            f"<serverUrl>{base}/u/{request.version}/{ORG_ID[:15]}</serverUrl>"
            f"<sessionId>{escape(session)}</sessionId><userId>{INTEGRATION_USER}</userId>"
            f"<userInfo><organizationId>{ORG_ID}</organizationId>"
            f"<userFullName>{escape(user['Name'])}</userFullName>"
            f"<userId>{INTEGRATION_USER}</userId>"
            f"<userName>{escape(user['Username'])}</userName></userInfo>"
        )
        return _enveloped(f"<loginResponse><result>{result}</result></loginResponse>")

    def _convert(self, request: SoapRequest) -> Answer:
        wishes = [each for each in request.element if _local(each) == "leadConverts"]
        if len(wishes) > MOST_CONVERSIONS:
            told = f"{MOST_CONVERSIONS} leads can be converted in one call"
            return self.fault(Problem("EXCEEDED_ID_LIMIT", told))
        how = How(INTEGRATION_USER, request.version)
        results = "".join(self._result(each, how) for each in wishes)
        return _enveloped(f"<convertLeadResponse>{results}</convertLeadResponse>")

    def _result(self, element: Element, how: How) -> str:
        lead = _text(element, "leadId") or ""
        wish = Wish(
            lead_id=lead,
            status=_text(element, "convertedStatus") or CONVERTED,
            account_id=_text(element, "accountId"),
            contact_id=_text(element, "contactId"),
            opportunity=_text(element, "opportunityName"),
            no_opportunity=_text(element, "doNotCreateOpportunity") == "true",
        )
        try:
            return _success(convert(self._org, wish, how))
        except Refused as refused:
            return _failure(lead, refused.problem)


def _success(done: Converted) -> str:
    return (
        f"<result><accountId>{done.account_id}</accountId>"
        f"<contactId>{done.contact_id}</contactId><leadId>{done.lead_id}</leadId>"
        f"{_maybe('opportunityId', done.opportunity_id)}<success>true</success></result>"
    )


def _failure(lead: str, problem: Problem) -> str:
    fields = "".join(f"<fields>{escape(name)}</fields>" for name in problem.fields or ())
    return (
        f"<result>{_maybe('accountId', None)}{_maybe('contactId', None)}<errors>{fields}"
        f"<message>{escape(problem.message)}</message>"
        f"<statusCode>{escape(problem.code)}</statusCode></errors>"
        f"{_maybe('leadId', lead or None)}{_maybe('opportunityId', None)}"
        "<success>false</success></result>"
    )


def _maybe(name: str, value: str | None) -> str:
    return f'<{name} xsi:nil="true"/>' if value is None else f"<{name}>{escape(value)}</{name}>"


def _enveloped(body: str, status: int = 200, namespace: str = f'xmlns="{_PARTNER}"') -> Answer:
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<soapenv:Envelope xmlns:soapenv="{_ENVELOPE}" {namespace} xmlns:xsi="{_INSTANCE}">'
        f"<soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>"
    )
    return Answer(status, text.encode(), media_type="text/xml;charset=UTF-8")


def _fault(code: str, told: str, detail: str = "", status: int = 500) -> Answer:
    inside = f"<detail>{detail}</detail>" if detail else ""
    body = (
        f"<soapenv:Fault><faultcode>{escape(code)}</faultcode>"
        f"<faultstring>{escape(told)}</faultstring>{inside}</soapenv:Fault>"
    )
    return _enveloped(body, status, 'xmlns:sf="urn:fault.partner.soap.sforce.com"')


def _local(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _text(element: Element, name: str) -> str | None:
    found: Iterable[Element] = (each for each in element.iter() if _local(each) == name)
    return next((each.text for each in found if each.text), None)
