"""Which call goes where: everything under ``{root}/salesforce/services``.

A slash at the end and the case of what is not a value make no difference, as with the real one:
simple-salesforce writes some addresses with a slash, jsforce none.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from random import Random
from typing import Any

from scripts.sandbox.faults import TOKEN, FaultOrder, Faults
from scripts.sandbox.salesforce import addresses, errors, mishaps
from scripts.sandbox.salesforce.bulk import Ingest
from scripts.sandbox.salesforce.bulk_query import BulkQuery
from scripts.sandbox.salesforce.composite import Composite
from scripts.sandbox.salesforce.many import Many
from scripts.sandbox.salesforce.oauth import OAuth
from scripts.sandbox.salesforce.org import NEWEST, OLDEST, Asked, Org
from scripts.sandbox.salesforce.records import Records
from scripts.sandbox.salesforce.soap import Soap
from scripts.sandbox.server import Answer, Call, as_json

Handler = Callable[[Asked], Answer]
_LONGEST_ADDRESS = 16_384
_NO_SESSION = 401
_FREE = {"limits"}
"""Calls that do not count and are answered when nothing is left [M]."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A resource under ``/services/data/vXX.X/``.

    Attributes:
        segments: of its path: a word is itself in any case, ``{name}`` takes one segment,
            ``{name:word}`` that word, ``{name*}`` all that are left.
        name: of the call, in the log, the book and a fault's ``operation``.
    """

    method: str
    segments: tuple[str, ...]
    name: str
    handler: Handler


class Services:
    """The org's HTTP side.

    Args:
        org: what it serves.
        faults: what is armed.
        seed: of the variation of its latency.
    """

    def __init__(self, org: Org, faults: Faults, seed: int) -> None:
        self.org = org
        self._faults = faults
        self._jitter = Random(seed)  # noqa: S311  (a rehearsal, not a secret)
        self._oauth, self._soap = OAuth(org), Soap(org)
        self._ingest = Ingest(org)
        self._rules = self._all_rules()

    def answer(self, call: Call) -> Answer:
        """Answer one call."""
        self.org.book.requests += 1
        parts = addresses.segments(call.params["rest"])
        match [part.lower() for part in parts[:2]]:
            case ["oauth2", what]:
                return self._guarded(call, TOKEN, lambda: self._login(call, what))
            case ["soap", _]:
                return self._soapy(call, parts)
            case ["data"]:
                return as_json(200, [addresses.version(each) for each in range(OLDEST, NEWEST + 1)])
            case ["data", version]:
                return self._data(call, version, parts[2:])
            case _:
                return errors.refusal(errors.not_found().problem)

    def _login(self, call: Call, what: str) -> Answer:
        match what:
            case "token":
                return self._oauth.token(call)
            case "userinfo":
                return self._oauth.userinfo(call)
            case "revoke":
                return self._oauth.revoke(call)
            case _:
                return errors.refusal(errors.not_found().problem)

    def _soapy(self, call: Call, parts: Sequence[str]) -> Answer:
        request = self._soap.read(call, parts)
        if isinstance(request, Answer):
            return request
        if request.name == "login":
            return self._guarded(call, TOKEN, lambda: self._soap.answer(request))
        return self._counted(
            call,
            request.name,
            request.session,
            lambda: self._soap.answer(request),
            self._soap.fault,
        )

    def _data(self, call: Call, version: str, path: Sequence[str]) -> Answer:
        number = addresses.number(version)
        if number is None or number > NEWEST:
            return errors.refusal(errors.not_found().problem)
        if number < OLDEST:
            told = "This API version is retired."
            return errors.refusal(errors.Problem("UNSUPPORTED_API_VERSION", told, None, 410))
        if len(call.raw_path) + sum(len(k) + len(v) + 2 for k, v in call.query) > _LONGEST_ADDRESS:
            return Answer(414, b"URI Too Long", media_type="text/html;charset=UTF-8")
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        token = token if scheme.lower() in {"bearer", "oauth"} else ""
        name, run = self._resource(call, f"{number:.1f}", path)
        return self._counted(call, name, token, run, errors.refusal)

    def sub(self, call: Call) -> Answer:
        """Answer a part of a composite call: checked, but not counted."""
        words = [*addresses.segments(call.path), "", "", "", ""]
        number = addresses.number(words[3])
        if words[:3] != ["", "services", "data"] or number is None:
            return errors.refusal(errors.not_found().problem)
        return self._resource(call, f"{number:.1f}", addresses.segments("/".join(words[4:])))[1]()

    def _resource(
        self, call: Call, version: str, path: Sequence[str]
    ) -> tuple[str, Callable[[], Answer]]:
        if not path:
            return "resources", lambda: as_json(200, addresses.resources(version))
        allowed: list[str] = []
        for rule in self._rules:
            params = addresses.matched(rule.segments, path)
            if params is None:
                continue
            if rule.method == call.method:
                return rule.name, partial(_tried, rule.handler, Asked.of(call, params, version))
            allowed.append(rule.method)
        if allowed:
            refused = errors.not_allowed(call.method, ",".join(allowed))
        else:
            refused = errors.not_found()
        return "unknown", lambda: errors.refusal(refused.problem)

    def _counted(
        self,
        call: Call,
        name: str,
        token: str,
        run: Callable[[], Answer],
        refuse: Callable[[errors.Problem], Answer],
    ) -> Answer:
        """A call that needs a session and counts against the daily limit."""
        org = self.org
        order = self._drawn(name, token)
        answer = mishaps.instead(order) if order else None
        if isinstance(answer, errors.Problem):
            if order and order.mode in mishaps.THROTTLING:
                org.book.throttled += 1
            answer = refuse(answer)
        if answer is None and not org.sessions.holds(token):
            answer = refuse(errors.no_session())
        if answer is None and name not in _FREE:
            if org.used >= org.conditions().daily_calls:
                org.book.throttled += 1
                answer = refuse(errors.limit_exceeded())
            else:
                org.used += 1
                org.book.api_calls += 1
        if answer is None:
            answer = run()
        if answer.status != _NO_SESSION:
            info = {"Sforce-Limit-Info": org.limit_info()}
            answer = replace(answer, headers={**info, **answer.headers})
        return self._ended(call, name, order, answer)

    def _guarded(self, call: Call, name: str, run: Callable[[], Answer]) -> Answer:
        """A call that needs no session."""
        order = self._drawn(name, "")
        answer = mishaps.instead(order) if order else None
        if isinstance(answer, errors.Problem):
            answer = errors.refusal(answer)
        return self._ended(call, name, order, answer or run())

    def _drawn(self, name: str, token: str) -> FaultOrder | None:
        order = self._faults.draw(time.monotonic(), name)
        if order is not None and order.mode == "token_expired":
            self.org.sessions.end(token)
        return order

    def _ended(self, call: Call, name: str, order: FaultOrder | None, answer: Answer) -> Answer:
        book, now = self.org.book, self.org.conditions()
        book.calls[name] = book.calls.get(name, 0) + 1
        line: dict[str, Any] = {"at": self.org.now(), "operation": name, "method": call.method}
        if order is not None:
            line["fault"] = order.mode
        wait = now.latency * (1 + now.jitter * self._jitter.uniform(-1, 1)) if now.latency else 0.0
        answer = replace(answer, wait=answer.wait + wait)
        answer = mishaps.spoilt(answer, order) if order else answer
        book.log.append({**line, "status": 0 if answer.dropped else answer.status})
        return answer

    def _all_rules(self) -> list[Rule]:
        records, many, ingest = Records(self.org), Many(self.org), self._ingest
        query, composite = BulkQuery(self.org), Composite(self.org, self.sub)
        one, external = "sobjects/{object}/{id}", "sobjects/{object}/{field}/{value*}"
        table: Sequence[tuple[str, str, str, Handler]] = [
            ("GET", "limits", "limits", records.limits),
            ("GET", "query/{cursor}", "query_more", records.query_more),
            ("GET", "queryAll/{cursor}", "query_more", records.query_more),
            ("GET", "{what:query}", "query", records.query),
            ("GET", "{what:queryAll}", "query", records.query),
            ("POST", "composite", "composite", composite.all),
            ("POST", "composite/batch", "composite", composite.batch),
            ("POST", "composite/tree/{object}", "composite", composite.tree),
            ("POST", "composite/sobjects", "collections", many.create),
            ("PATCH", "composite/sobjects", "collections", many.update),
            ("DELETE", "composite/sobjects", "collections", many.delete),
            ("GET", "composite/sobjects/{object}", "retrieve", many.retrieve),
            ("POST", "composite/sobjects/{object}", "retrieve", many.retrieve),
            ("PATCH", "composite/sobjects/{object}/{field}", "collections", many.upsert),
            ("GET", "sobjects", "describe", records.objects),
            ("GET", "sobjects/{object}", "describe", records.metadata),
            ("POST", "sobjects/{object}", "record_create", records.create),
            ("GET", "sobjects/{object}/describe", "describe", records.describe),
            ("GET", "sobjects/{object}/{what:updated}", "changed", records.changed),
            ("GET", "sobjects/{object}/{what:deleted}", "changed", records.changed),
            ("GET", one, "record", records.get),
            ("PATCH", one, "record_update", records.update),
            ("DELETE", one, "record_delete", records.delete),
            ("GET", external, "record", records.get_external),
            ("PATCH", external, "record_upsert", records.upsert),
            ("DELETE", external, "record_delete", records.delete_external),
            ("POST", "jobs/ingest", "job_create", ingest.create),
            ("GET", "jobs/ingest", "job_list", ingest.listed),
            ("GET", "jobs/ingest/{id}", "job_poll", ingest.poll),
            ("PATCH", "jobs/ingest/{id}", "job_close", ingest.close),
            ("DELETE", "jobs/ingest/{id}", "job_delete", ingest.delete),
            ("PUT", "jobs/ingest/{id}/batches", "job_upload", ingest.upload),
            ("GET", "jobs/ingest/{id}/{results}", "job_results", ingest.results),
            ("POST", "jobs/query", "query_job_create", query.create),
            ("GET", "jobs/query/{id}", "query_job_poll", query.poll),
            ("PATCH", "jobs/query/{id}", "query_job_abort", query.abort),
            ("DELETE", "jobs/query/{id}", "query_job_delete", query.delete),
            ("GET", "jobs/query/{id}/results", "query_job_results", query.results),
        ]
        return [Rule(how, tuple(path.split("/")), name, run) for how, path, name, run in table]


NAMES = frozenset(
    {"token", "convertLead", "limits", "query", "query_more", "composite", "collections"}
    | {"retrieve", "describe", "changed", "record", "record_create", "record_update"}
    | {"record_upsert", "record_delete", "job_create", "job_list", "job_poll", "job_close"}
    | {"job_delete", "job_upload", "job_results", "query_job_create", "query_job_poll"}
    | {"query_job_abort", "query_job_delete", "query_job_results", "resources", "unknown"}
)
"""The calls that faults may be confined to."""


def _tried(handler: Handler, asked: Asked) -> Answer:
    try:
        return handler(asked)
    except errors.Refused as refused:
        return errors.refusal(refused.problem)
