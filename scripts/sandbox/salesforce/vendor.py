"""The sandbox's Salesforce, as the sandbox's server knows it."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

from pydantic import ValidationError

from scripts.sandbox.faults import Faults
from scripts.sandbox.journal import Journal
from scripts.sandbox.salesforce import mishaps
from scripts.sandbox.salesforce.book import OrgBook
from scripts.sandbox.salesforce.conditions import OrgConditions
from scripts.sandbox.salesforce.errors import Refused
from scripts.sandbox.salesforce.org import Org
from scripts.sandbox.salesforce.outbound import Outbound, Target
from scripts.sandbox.salesforce.people import Act, People
from scripts.sandbox.salesforce.rest import Services
from scripts.sandbox.server import Answer, Call, Route, as_json

LARGEST_BODY = 160 * 1024 * 1024


class SalesforceOrg:
    """A Salesforce org.

    Args:
        seed: of its accidents.
        wall: Unix seconds.
        conditions: how it behaves at first.
        path: file that keeps its records beyond a restart; None for passing ones.
    """

    name = "salesforce"
    modes = mishaps.TURNED_AWAY | mishaps.DONE

    def __init__(
        self,
        seed: int,
        wall: Callable[[], float] = time.time,
        conditions: OrgConditions | None = None,
        path: Path | None = None,
    ) -> None:
        self.faults = Faults(Random(seed), mishaps.ONCE)  # noqa: S311  (a rehearsal, not a secret)
        self._seed, self._wall = seed, wall
        self._conditions = conditions or OrgConditions()
        self._journal = Journal(path)
        self._begin()

    @property
    def book(self) -> OrgBook:
        """What it was asked and has written."""
        return self._org.book

    @property
    def conditions(self) -> OrgConditions:
        """How it behaves now."""
        return self._conditions.model_copy(update={"calls_used": self._org.used})

    def change(self, conditions: Mapping[str, Any]) -> None:
        """Behave otherwise from now on."""
        now = {**self.conditions.model_dump(), **conditions}
        self._conditions = OrgConditions.model_validate(now)
        self._org.used = self._conditions.calls_used

    def reset(self) -> None:
        """An org as new: no records, no tokens, no faults; its conditions stay."""
        self.faults.clear()
        self._outbound.tell(None)
        self._org.archive.end()
        self._journal.clear()
        self._begin()

    def base_url(self, root: str) -> str:
        """What stands for ``https://<domain>.salesforce.com``."""
        return f"{root}/salesforce"

    def routes(self) -> Sequence[Route]:
        """What it answers."""
        return [
            Route("*", "/salesforce/services/{rest*}", self._serve, LARGEST_BODY),
            Route("POST", "/_sandbox/salesforce/act", self._act),
            Route("GET", "/_sandbox/salesforce/outbound", self._told),
            Route("PUT", "/_sandbox/salesforce/outbound", self._tell),
            Route("DELETE", "/_sandbox/salesforce/outbound", self._tell_nobody),
        ]

    def _begin(self) -> None:
        self._org = Org(lambda: self._conditions, self._wall, self._seed, self._journal)
        self._services = Services(self._org, self.faults, self._seed)
        self._people = People(self._org)
        self._outbound = Outbound(self._org, self._org.chance)

    def _serve(self, call: Call) -> Answer:
        try:
            return self._services.answer(call)
        finally:
            self._org.archive.write()

    def _act(self, call: Call) -> Answer:
        try:
            order = Act.model_validate_json(call.body)
            return as_json(200, self._people.act(order))
        except ValidationError as error:
            return _invalid(error)
        except Refused as refused:
            return as_json(422, {"error": str(refused)})
        finally:
            self._org.archive.write()

    def _told(self, _: Call) -> Answer:
        return as_json(200, self._outbound.shown())

    def _tell(self, call: Call) -> Answer:
        try:
            self._outbound.tell(Target.model_validate_json(call.body))
        except ValidationError as error:
            return _invalid(error)
        return as_json(200, self._outbound.shown())

    def _tell_nobody(self, _: Call) -> Answer:
        self._outbound.tell(None)
        return as_json(200, self._outbound.shown())


def _invalid(error: ValidationError) -> Answer:
    told = (f"{'.'.join(map(str, e['loc'])) or 'body'}: {e['msg']}" for e in error.errors())
    return as_json(422, {"error": "; ".join(told)})
