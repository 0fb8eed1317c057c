"""The org: its records, users, sessions and open queries."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

import orjson

from scripts.sandbox.journal import Journal
from scripts.sandbox.salesforce import schema
from scripts.sandbox.salesforce.archive import Archive
from scripts.sandbox.salesforce.book import OrgBook
from scripts.sandbox.salesforce.conditions import INSTANCE, OrgConditions
from scripts.sandbox.salesforce.errors import Refused
from scripts.sandbox.salesforce.ids import made
from scripts.sandbox.salesforce.query import Query
from scripts.sandbox.salesforce.sessions import Sessions
from scripts.sandbox.salesforce.sobject import Schema
from scripts.sandbox.salesforce.store import Row, Store
from scripts.sandbox.salesforce.writes import INTEGRATION_USER, SALES_USER, How, Writer
from scripts.sandbox.server import Call

ORG_ID = made("Organization", 1_000_003)
NEWEST = 68
"""Winter '27."""
OLDEST = 31
"""Versions before it are retired."""
_MOST_CURSORS = 200


@dataclass(frozen=True, slots=True)
class Asked:
    """A call to the API, as its handler gets it.

    Attributes:
        params: what the names in its path stand for.
        query: of the address; of a repeated name the last.
        version: of the API, such as ``59.0``.
    """

    method: str
    params: dict[str, str]
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    version: str
    how: How

    @classmethod
    def of(cls, call: Call, params: dict[str, str], version: str) -> "Asked":
        """The call with what its path said."""
        rule = call.headers.get("sforce-duplicate-rule-header", "").replace(" ", "").lower()
        how = How(INTEGRATION_USER, version, "allowsave=true" in rule)
        headers = dict(call.headers)
        return cls(call.method, params, dict(call.query), headers, call.body, version, how)

    def json(self) -> Any:  # noqa: ANN401  (JSON)
        """The body.

        Raises:
            Refused: JSON_PARSER_ERROR if it is none.
        """
        try:
            return orjson.loads(self.body)
        except ValueError as error:
            raise parser_error(str(error)) from None

    def json_object(self) -> dict[str, Any]:
        """The body, which has to be an object.

        Raises:
            Refused: if it is not.
        """
        value = self.json()
        if not isinstance(value, dict):
            raise parser_error("Cannot deserialize: a JSON object is wanted at [line:1, column:1]")
        return value


def parser_error(told: str) -> Refused:
    """The body cannot be read."""
    return Refused.because("JSON_PARSER_ERROR", told, None)


@dataclass(slots=True)
class Cursor:
    """The rest of an answer that was too long for one page."""

    query: Query
    rows: list[Row]


class Org:
    """Everything that the org remembers.

    Args:
        conditions: how it behaves now.
        now: Unix seconds.
        seed: of its accidents.
        journal: what it remembers beyond a restart.
    """

    def __init__(
        self,
        conditions: Callable[[], OrgConditions],
        now: Callable[[], float],
        seed: int,
        journal: Journal,
    ) -> None:
        self.conditions, self.now = conditions, now
        self.chance = Random(seed)  # noqa: S311  (a rehearsal, not a secret)
        self.schema = Schema(schema.OBJECTS)
        self.store = Store(self.schema)
        self.book = OrgBook(self.store, journal)
        self.archive = Archive(journal, self.store, self.book)
        self.writer = Writer(self.store, self.book, conditions, now, self.chance)
        self.sessions = Sessions(conditions, now)
        self.cursors: OrderedDict[str, Cursor] = OrderedDict()
        self.used = 0
        self._furnish()

    def keep(self, cursor: Cursor) -> str:
        """Keep the rest of an answer; the id under which it is asked for."""
        name = self.store.ids.new("QueryCursor")
        self.cursors[name] = cursor
        if len(self.cursors) > _MOST_CURSORS:
            self.cursors.popitem(last=False)
        return name

    def limit_info(self) -> str:
        """``Sforce-Limit-Info``."""
        now = self.conditions()
        told = f"api-usage={self.used}/{now.daily_calls}"
        return f"{told}; api-bursts=1/750" if now.modern_limit_info else told

    def _furnish(self) -> None:
        people = [
            (INTEGRATION_USER, "Integration User", "integration"),
            (SALES_USER, "Sales Person", "sales"),
        ]
        for user, name, mailbox in people:
            address = f"{mailbox}@leadengine-sandbox.example"
            self._put("User", user, Username=address, Email=address, Name=name, IsActive=True)
        kind = {"OrganizationType": "Developer Edition", "InstanceName": "SBX"}
        self._put("Organization", ORG_ID, Name="Lead Engine Sandbox", IsSandbox=True, **kind)
        for place, status in enumerate(schema.LEAD_STATUSES, 1):
            marks = {"IsConverted": status == schema.CONVERTED, "IsDefault": place == 1}
            named = {"MasterLabel": status, "ApiName": status, "SortOrder": place}
            self._put("LeadStatus", made("LeadStatus", place), **named, **marks)

    def _put(self, sobject: str, record_id: str, **values: Any) -> None:  # noqa: ANN401
        row = {"Id": record_id, "IsDeleted": False, "SystemModstamp": int(self.now()), **values}
        self.store.table(sobject).put(row)


def instance_url() -> str:
    """The address that the org calls its own."""
    return f"https://{INSTANCE}"
