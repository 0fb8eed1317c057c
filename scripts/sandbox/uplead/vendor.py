"""The sandbox's UpLead: which call gets which answer, and what it costs."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Any, Literal

import orjson
from pydantic import Field

from scripts.sandbox.common import COMMON_MODES, BaseConditions, CreditBook, Front, Window, Words
from scripts.sandbox.faults import Faults
from scripts.sandbox.market.catalogue import Catalogue, Record
from scripts.sandbox.market.world import World
from scripts.sandbox.server import Answer, Call, Handler, Route, as_json
from scripts.sandbox.uplead import errors, finding, records, words
from scripts.sandbox.uplead.lists import Lists
from scripts.sandbox.uplead.search import (
    COMPANY,
    PERSON,
    PRO,
    PROSPECTOR,
    BadRequest,
    Filter,
    Page,
    Values,
    asked,
)

BASE = "/uplead/v2"
Ask = Callable[[Values], Answer]


class Conditions(BaseConditions):
    """How UpLead behaves when nothing is wrong.

    Attributes:
        credits: that the account has had in all, spent ones included.
        per_minute: requests that a key may make.
        no_credit_status: of an answer when the credits are spent; none is published.
        envelope: ``flat`` puts ``results`` and ``availableCredits`` at the top, as an older
            reading of the documentation has it.
    """

    credits: int = Field(default=100_000, ge=0)
    per_minute: int = Field(default=500, gt=0)
    no_credit_status: int = Field(default=403, ge=400, le=499)
    envelope: Literal["nested", "flat"] = "nested"


class UpLead:
    """UpLead as far as a lead engine needs it.

    Args:
        conditions: how it behaves.
        book: where it bills.
        world: the market that it knows a part of.
        clock: monotonic seconds.
        wall: Unix seconds.
    """

    name = "uplead"
    modes = COMMON_MODES | {"no_credit", "no_credit_402", "token_invalid", "token_expired"}

    def __init__(
        self,
        conditions: Conditions,
        book: CreditBook,
        world: World,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.book, self.world = book, world
        self.faults = Faults(Random(world.seed), once={"token_expired"})  # noqa: S311
        self._catalogue = Catalogue(world, self.name)
        self._conditions, self._wall = conditions, wall
        self._window = Window(conditions.per_minute, 60)
        self._lists = Lists()
        said = Words(self._too_fast, errors.broken)
        jitter = Random(world.seed + 1)  # noqa: S311
        self._front = Front(self.faults, book, said, lambda: self._conditions, jitter, clock, wall)

    @property
    def conditions(self) -> Conditions:
        """How it behaves now."""
        return self._conditions

    def change(self, conditions: Mapping[str, Any]) -> None:
        """Behave otherwise from now on; the allowance is full again."""
        now = self._conditions.model_dump()
        self._conditions = Conditions.model_validate({**now, **conditions})
        self._window = Window(self._conditions.per_minute, 60)

    def reset(self) -> None:
        """Forget all bills, lists and faults; the allowance is full again."""
        self.faults.clear()
        self.book.reset()
        self._lists = Lists()
        self._window = Window(self._conditions.per_minute, 60)

    def base_url(self, root: str) -> str:
        """``UPLEAD_BASE_URL``."""
        return root + BASE

    def routes(self) -> Sequence[Route]:
        """What it answers."""
        asks: dict[str, tuple[frozenset[str], Ask]] = {
            "credits": (frozenset(), self._credits),
            "person-search": (PERSON, self._person),
            "company-search": (COMPANY, self._company),
            "combined-search": (frozenset({"email"}), self._combined),
            "company-name-to-domain": (frozenset({"company_name"}), self._domain),
            "prospector-search": (PROSPECTOR, self._prospector),
            "prospector-pro-search": (PRO, self._prospector_pro),
            "quick-search": (frozenset({"type", "text"}), self._quick),
            "industries": (frozenset({"text"}), self._industries),
        }
        searches = [
            Route(method, f"{BASE}/{path}", self._known(path, self._asking(path, allowed, ask)))
            for path, (allowed, ask) in asks.items()
            for method in ("GET", "POST")
        ]
        lists = [
            Route("GET", f"{BASE}/lists", self._known("lists", self._listed)),
            Route("POST", f"{BASE}/lists", self._known("lists", self._listed)),
            Route("*", f"{BASE}/lists/{{rest*}}", self._known("lists", self._listed)),
        ]
        nothing = self._known("unknown", lambda _: errors.not_found("Path"))
        return [*searches, *lists, Route("*", f"{BASE}/{{rest*}}", nothing)]

    def _known(self, operation: str, handler: Handler) -> Handler:
        """``handler`` for callers with a sandbox's key and within the limit."""

        def work(call: Call, fault: str) -> Answer:
            if (wait := self._window.take(self._wall())) is not None:
                return self._too_fast(errors.after(wait))
            refused = errors.unauthorised(call.headers.get("authorization", ""))
            if refused is not None:
                return refused
            match fault:
                case "token_invalid" | "token_expired":
                    return errors.error(401, "unauthorized", "Invalid API key.")
                case "no_credit":
                    return errors.no_credit(self._conditions.no_credit_status)
                case "no_credit_402":
                    return errors.no_credit(402)
                case _:
                    return handler(call)

        faulty = self._front.faulty(operation, work)

        def answered(call: Call) -> Answer:
            answer = faulty(call)
            if answer.media_type != "application/json":
                return answer
            return replace(answer, headers={**self._limits(), **answer.headers})

        return answered

    def _limits(self) -> dict[str, str]:
        now = self._wall()
        return {
            "X-RateLimit-Limit": str(self._window.limit),
            "X-RateLimit-Remaining": str(self._window.left(now)),
            "X-RateLimit-Reset": str(int(self._window.ends(now))),
        }

    def _too_fast(self, header: str | None) -> Answer:
        return errors.too_fast(self._conditions.per_minute, header)

    def _asking(self, operation: str, allowed: frozenset[str], ask: Ask) -> Handler:
        def handler(call: Call) -> Answer:
            try:
                values = asked(call, allowed)
                answer = ask(values)
            except BadRequest as error:
                return errors.bad_request(str(error))
            missed = answer.status == 200 and answer.body.startswith(b'{"data":null')
            self.book.ask(f"{operation} {_fingerprint(values)}", int(missed))
            return answer

        return handler

    def _credits(self, _: Values) -> Answer:
        # An e-mail address and a number, "possibly under data".
        return as_json(
            200, {"data": {"email": "sandbox@lead-engine.example", "credits": self._left}}
        )

    @property
    def _left(self) -> int:
        return max(0, self._conditions.credits - self.book.credits)

    def _sold(self, data: Mapping[str, Any] | None, billed: Sequence[str]) -> Answer:
        """Bill what has not been billed before, and tell ``data``."""
        if len(self.book.new(billed)) > self._left:
            return errors.no_credit(self._conditions.no_credit_status)
        self.book.bill(billed)
        left = {"availableCredits": self._left}
        if data is not None and self._conditions.envelope == "flat":
            return as_json(200, {**data, **left})
        return as_json(200, {"data": data, "userInfo": left})

    def _person(self, values: Values) -> Answer:
        found = finding.person(self._catalogue, values)
        if found is None:
            return self._sold(None, ())
        return self._sold(records.person(found), _bill(found))

    def _combined(self, values: Values) -> Answer:
        if "email" not in values:
            raise BadRequest("email is required.")
        found = self._catalogue.by_email.get(values["email"][0].lower())
        if found is None:
            return self._sold(None, ())
        told = {**records.person(found), "company": records.company(found.employer)}
        return self._sold(told, _bill(found))

    def _company(self, values: Values) -> Answer:
        found = finding.company(self._catalogue, values)
        if found is None:
            return self._sold(None, ())
        return self._sold(records.company(found), [found.id])

    def _domain(self, values: Values) -> Answer:
        if "company_name" not in values:
            raise BadRequest("company_name is required.")
        found = finding.company_named(self._catalogue, values["company_name"][0])
        told = found and {"company_name": found.name, "domain": found.company.domain}
        return self._sold(told, ())

    def _prospector(self, values: Values) -> Answer:
        if "domain" not in values:
            raise BadRequest("domain is required.")
        return self._prospector_pro(values)

    def _prospector_pro(self, values: Values) -> Answer:
        page = Page.of(values)
        excluded = self._lists.contacts(values.get("exclusion_list_names", ()))
        takes = Filter(values, excluded).takes()
        question = _fingerprint(values, without={"page", "per_page", "count_only"})
        found = self._catalogue.matching(f"{question} {sorted(excluded)}", takes)
        if page.counting:
            return as_json(200, {"data": {"count": len(found)}})
        shown = found[page.start : page.start + page.size]
        results = [records.person(record) for record in shown]
        told = {"results": results, "meta": page.meta(len(found))}
        return self._sold(told, [one for record in shown for one in _bill(record)])

    def _quick(self, values: Values) -> Answer:
        return as_json(200, {"data": finding.quickly(self._catalogue, values)})

    def _industries(self, values: Values) -> Answer:
        text = values.get("text", ("",))[0].casefold()
        told = [
            {"id": number, "name": name}
            for number, name in enumerate(words.INDUSTRIES, 1)
            if text in name.casefold()
        ]
        return as_json(200, {"data": told})

    def _listed(self, call: Call) -> Answer:
        try:
            return self._lists.answer(call)
        except BadRequest as error:
            return errors.bad_request(str(error))


def _bill(record: Record) -> list[str]:
    return [record.id] if records.billed(record) else []


def _fingerprint(values: Values, without: Collection[str] = ()) -> str:
    return orjson.dumps({k: values[k] for k in sorted(values) if k not in without}).decode()
