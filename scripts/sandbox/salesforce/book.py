"""The org's own account of what it was asked and what it has written."""

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from scripts.sandbox.journal import Journal
from scripts.sandbox.salesforce.store import Store

LONGEST_LOG = 5_000
_IDENTITY = "LeadEngine_Id__c"


@dataclass
class OrgBook:
    """What the org was asked and has written.

    Attributes:
        store: its records.
        journal: the file that `close` closes; what stands in it is for `archive` to say.
        requests: everything that reached it, logins among them.
        api_calls: what counts against the daily limit.
        throttled: calls turned away because too much was asked.
        writes: rows written by the API.
        created_by: how often a record of an external id was created, by object and value.
        touched: object and external id of what was counted there since somebody emptied it.
    """

    store: Store
    journal: Journal = field(default_factory=lambda: Journal(None))
    requests: int = 0
    api_calls: int = 0
    throttled: int = 0
    logins: int = 0
    writes: int = 0
    converted: int = 0
    created_by: dict[str, dict[str, int]] = field(default_factory=dict[str, dict[str, int]])
    touched: dict[tuple[str, str], None] = field(default_factory=dict[tuple[str, str], None])
    calls: dict[str, int] = field(default_factory=dict[str, int])
    outbound: dict[str, int] = field(default_factory=dict[str, int])
    log: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=LONGEST_LOG))

    def created(self, sobject: str, row: dict[str, Any]) -> None:
        """Count a record that is new."""
        external = row.get(_IDENTITY)
        if external is None:
            return
        times = self.created_by.setdefault(sobject, {})
        times[external] = times.get(external, 0) + 1
        self.touched[sobject, external] = None
        self.store.remember(lambda: self._take_back(times, external))

    def wrote(self) -> None:
        """Count a row written."""
        self.writes += 1
        self.store.remember(self._unwrote)

    def _unwrote(self) -> None:
        self.writes -= 1

    def _take_back(self, times: dict[str, int], external: str) -> None:
        times[external] -= 1
        if not times[external]:
            del times[external]

    def shown(self, *, each: bool = True) -> dict[str, Any]:
        """The account as JSON values; with every external id and the log if ``each``."""
        tables = self.store.tables.values()
        account: dict[str, Any] = {
            "requests": self.requests,
            "api_calls": self.api_calls,
            "throttled": self.throttled,
            "logins": self.logins,
            "writes": self.writes,
            "converted": self.converted,
            "records": {t.sobject.name: t.live for t in tables if t.sobject.writable},
            "created_twice": sum(
                times > 1 for counted in self.created_by.values() for times in counted.values()
            ),
            "calls": dict(self.calls),
            "outbound": dict(self.outbound),
        }
        if each:
            account["by_external_id"] = dict(self.created_by.get("Lead", {}))
            account["by_external_id_of"] = {k: dict(v) for k, v in self.created_by.items()}
            account["log"] = list(self.log)
        return account

    def reset(self) -> None:
        """Nothing: the org is made anew with its book, see `vendor.SalesforceOrg.reset`."""

    def close(self) -> None:
        """Close its file."""
        self.journal.close()
