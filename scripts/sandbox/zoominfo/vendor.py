"""The sandbox's ZoomInfo: which call gets which answer, and what it costs."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from random import Random
from typing import Any, Literal

import orjson
from pydantic import Field

from scripts.sandbox.common import COMMON_MODES, BaseConditions, CreditBook, Front, Window, Words
from scripts.sandbox.faults import TOKEN, Faults
from scripts.sandbox.market.catalogue import Catalogue
from scripts.sandbox.market.world import World
from scripts.sandbox.server import Answer, Call, Handler, Route
from scripts.sandbox.zoominfo import enrich, errors, lookups, records
from scripts.sandbox.zoominfo.errors import MEDIA, Refused, document
from scripts.sandbox.zoominfo.search import Attributes, Filter, Found, Page, asked, path_of
from scripts.sandbox.zoominfo.tokens import Tokens

BASE = "/zoominfo"
PREFIXES = ("/gtm/data/v1", "/data/v1")
BUCKETS = {"Second": 1.0, "Hour": 3600.0, "Day": 86400.0}


class Conditions(BaseConditions):
    """How ZoomInfo behaves when nothing is wrong; the limits are those of its Standard tier.

    Attributes:
        credits: that the account has had in all, spent ones included.
        token_seconds: that a token lives.
        no_credit_as: what happens beyond the credits: rows of their own, or an error.
        strict_media: whether a body must be called JSON:API.
    """

    credits: int = Field(default=100_000, ge=0)
    per_second: int = Field(default=25, gt=0)
    per_hour: int = Field(default=54_000, gt=0)
    per_day: int = Field(default=648_000, gt=0)
    token_seconds: float = Field(default=3600.0, gt=0)
    no_credit_as: Literal["row", "error"] = "row"
    strict_media: bool = True


class ZoomInfo:
    """ZoomInfo as far as a lead engine needs it.

    Args:
        conditions: how it behaves.
        book: where it bills.
        world: the market that it knows a part of.
        clock: monotonic seconds.
        wall: Unix seconds.
    """

    name = "zoominfo"
    modes = COMMON_MODES | {
        *("no_credit", "no_credit_row", "token_invalid", "token_expired", "client_invalid"),
    }

    def __init__(
        self,
        conditions: Conditions,
        book: CreditBook,
        world: World,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.book, self.world = book, world
        chance = Random(world.seed)  # noqa: S311  (a rehearsal, not a secret)
        self.faults = Faults(chance, once={"token_expired"}, of_token={"client_invalid"})
        self._catalogue = Catalogue(world, self.name)
        self._conditions, self._wall = conditions, wall
        self._order = Random(world.seed + 2)  # noqa: S311
        self._tokens = Tokens(lambda: self._conditions.token_seconds, wall)
        self._windows = self._allowances()
        said = Words(self._too_fast, errors.broken)
        jitter = Random(world.seed + 1)  # noqa: S311
        self._front = Front(self.faults, book, said, lambda: self._conditions, jitter, clock, wall)

    @property
    def conditions(self) -> Conditions:
        """How it behaves now."""
        return self._conditions

    def change(self, conditions: Mapping[str, Any]) -> None:
        """Behave otherwise from now on; the allowances are full again."""
        now = self._conditions.model_dump()
        self._conditions = Conditions.model_validate({**now, **conditions})
        self._windows = self._allowances()

    def reset(self) -> None:
        """Forget all bills and faults, not the tokens; the allowances are full again."""
        self.faults.clear()
        self.book.reset()
        self._windows = self._allowances()

    def base_url(self, root: str) -> str:
        """``ZOOMINFO_BASE_URL``."""
        return f"{root}{BASE}/gtm"

    def routes(self) -> Sequence[Route]:
        """What it answers, under both prefixes."""
        handlers = (
            ("POST", "/contacts/search", "contacts.search", self._contacts),
            ("POST", "/contacts/enrich", "contacts.enrich", self._enrich_contacts),
            ("POST", "/companies/search", "companies.search", self._companies),
            ("POST", "/companies/enrich", "companies.enrich", self._enrich_companies),
            ("GET", "/lookup/{field}", "lookup", self._lookup),
            ("GET", "/users/usage", "usage", self._usage),
            ("*", "/{rest*}", "unknown", _not_there),
        )
        token = self._front.faulty(TOKEN, self._token)
        return [
            Route("POST", f"{BASE}/oauth2/default/v1/token", token),
            *(
                Route(method, f"{BASE}{prefix}{path}", self._known(operation, handler))
                for prefix in PREFIXES
                for method, path, operation, handler in handlers
            ),
        ]

    def _token(self, call: Call, fault: str) -> Answer:
        if fault == "client_invalid":
            return errors.oauth(401, "invalid_client", "Client authentication failed.")
        return self._tokens.grant(call)

    def _known(self, operation: str, handler: Callable[[Call, str], Answer]) -> Handler:
        """``handler`` for callers with a token and within the limits."""

        def work(call: Call, fault: str) -> Answer:
            authorisation = call.headers.get("authorization", "")
            if fault == "token_expired":
                self._tokens.expire(authorisation.partition(" ")[2])
            problem = self._tokens.problem(authorisation)
            if problem or fault == "token_invalid":
                return errors.no_token(problem or "The access token is invalid or has expired.")
            if (slow := self._throttled()) is not None:
                return slow
            if missing := self._missing(operation, authorisation):
                return errors.error(403, "ZI0002", f"The token lacks the scope {missing}.")
            media = call.headers.get("content-type", "")
            strict = self._conditions.strict_media and call.method == "POST"
            if strict and not media.startswith(MEDIA):
                return errors.error(415, "PFAPI0010", f"The Content-Type must be {MEDIA}.")
            return self._tried(handler, call, fault)

        faulty = self._front.faulty(operation, work)

        def answered(call: Call) -> Answer:
            answer = faulty(call)
            if answer.media_type != MEDIA:
                return answer
            return replace(answer, headers={**self._limits(), **answer.headers})

        return answered

    def _missing(self, operation: str, authorisation: str) -> str | None:
        kind = {"contacts": "contact", "companies": "company"}.get(operation.partition(".")[0])
        scope = f"api:data:{kind}"
        return scope if kind and scope not in self._tokens.scopes(authorisation) else None

    def _tried(self, handler: Callable[[Call, str], Answer], call: Call, fault: str) -> Answer:
        try:
            return handler(call, fault)
        except Refused as why:
            return errors.refused(why)
        except enrich.CreditLimit:
            return errors.no_credit()

    def _allowances(self) -> dict[str, Window]:
        now = self._conditions
        limits = (now.per_second, now.per_hour, now.per_day)
        pairs = zip(BUCKETS.items(), limits, strict=True)
        return {name: Window(limit, seconds) for (name, seconds), limit in pairs}

    def _throttled(self) -> Answer | None:
        now = self._wall()
        for name, window in self._windows.items():
            if (wait := window.take(now)) is not None:
                header = str(max(1, math.ceil(wait)))
                return errors.too_fast(name.lower(), header, window.ends(now))
        return None

    def _too_fast(self, header: str | None) -> Answer:
        return errors.too_fast("second", header, math.ceil(self._wall()))

    def _limits(self) -> dict[str, str]:
        """Headers of every answer; what is left of the day ZoomInfo does not tell us."""
        now, told = self._wall(), dict[str, str]()
        for name, window in self._windows.items():
            told[f"X-RateLimit-Limit-{name}"] = str(window.limit)
            left = -1 if name == "Day" else window.left(now)
            told[f"X-RateLimit-Remaining-{name}"] = str(left)
        return told

    @property
    def _today(self) -> date:
        return datetime.fromtimestamp(self._wall(), UTC).date()

    def _contacts(self, call: Call, _: str) -> Answer:
        attributes, page = asked(call, "ContactSearch"), Page.of(call)
        takes = Filter(attributes).takes()
        found = Found(self._catalogue.matching(_said(attributes), takes))
        today = self._today
        told = found.document(page, path_of(call), lambda record: records.found(record, today))
        self._count("contacts.search", attributes, page)
        return document(told)

    def _companies(self, call: Call, _: str) -> Answer:
        attributes, page = asked(call, "CompanySearch"), Page.of(call)
        takes = Filter(attributes).takes_company()
        found = Found([one for one in self._catalogue.companies.values() if takes(one)])
        told = found.document(page, path_of(call), records.found_company)
        self._count("companies.search", attributes, page)
        return document(told)

    def _enrich_contacts(self, call: Call, fault: str) -> Answer:
        attributes = asked(call, "ContactEnrich")
        fields = records.OUTPUT_FIELDS
        wanted = enrich.Wanted.of(attributes, "matchPersonInput", enrich.CONTACT_INPUT, fields)
        rows = enrich.contacts(wanted, self._catalogue, self._purse(fault), self._today)
        return self._shuffled("contacts.enrich", attributes, rows)

    def _enrich_companies(self, call: Call, fault: str) -> Answer:
        attributes = asked(call, "CompanyEnrich")
        fields = records.COMPANY_FIELDS
        wanted = enrich.Wanted.of(attributes, "matchCompanyInput", enrich.COMPANY_INPUT, fields)
        rows = enrich.companies(wanted, self._catalogue, self._purse(fault))
        return self._shuffled("companies.enrich", attributes, rows)

    def _purse(self, fault: str) -> enrich.Purse:
        if fault == "no_credit":
            raise enrich.CreditLimit
        left = max(0, self._conditions.credits - self.book.credits)
        rows = self._conditions.no_credit_as == "row" or fault == "no_credit_row"
        return enrich.Purse(self.book, 0 if fault == "no_credit_row" else left, rows)

    def _shuffled(self, operation: str, attributes: Attributes, rows: list[enrich.Row]) -> Answer:
        nulls = sum(row["meta"]["matchStatus"] == "NO_MATCH" for row in rows)
        self._count(operation, attributes, nulls=nulls)
        self._order.shuffle(rows)
        return document({"data": rows})

    def _count(
        self, operation: str, attributes: Attributes, page: Page | None = None, nulls: int = 0
    ) -> None:
        where = "" if page is None else f" {page.number}/{page.size}"
        self.book.ask(f"{operation} {_said(attributes)}{where}", nulls)

    def _lookup(self, call: Call, _: str) -> Answer:
        return document({"data": lookups.values(call)})

    def _usage(self, _: Call, __: str) -> Answer:
        now = self._conditions
        used = {
            "uniqueIdLimit": ("Unique records", now.credits, self.book.credits),
            "requestLimit": ("Requests a day", now.per_day, self.book.requests),
        }
        return document({"data": [lookups.usage(used)]})


def _said(attributes: Attributes) -> str:
    return orjson.dumps(attributes, option=orjson.OPT_SORT_KEYS).decode()


def _not_there(call: Call, _: str) -> Answer:
    return errors.error(404, "PFAPI0009", f"No such address: {call.path}")
