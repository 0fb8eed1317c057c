"""The sandbox's LinkedIn: which call gets which answer."""

import time
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson
from pydantic import Field

from scripts.sandbox.common import COMMON_MODES, BaseConditions, Front, Window, Words
from scripts.sandbox.faults import TOKEN, Faults
from scripts.sandbox.linkedin import errors, finders, restli
from scripts.sandbox.linkedin.control import Control
from scripts.sandbox.linkedin.errors import Refused
from scripts.sandbox.linkedin.forms import FORMS, OWNERS
from scripts.sandbox.linkedin.hooks import Hook, Hooks
from scripts.sandbox.linkedin.responses import LeadBook, within
from scripts.sandbox.market.world import World
from scripts.sandbox.server import Answer, Call, Handler, Route, as_json

BASE = "/linkedin"
SECRET = "sandbox-linkedin-secret"  # noqa: S105  (it guards nothing)
"""The app's client secret, unless the conditions name another."""
LEAD_TYPES = frozenset({"SPONSORED", "EVENT", "COMPANY", "ORGANIZATION_PRODUCT"})


class Conditions(BaseConditions):
    """How LinkedIn behaves when nothing is wrong.

    Attributes:
        per_day: requests that the app may make; LinkedIn does not publish how many.
        oldest_version: of the API that is still answered.
        client_secret: of the app; signs what is sent to its webhooks.
    """

    per_day: int = Field(default=100_000, gt=0)
    oldest_version: str = Field(default="202511", pattern=r"^\d{6}$")
    client_secret: str = Field(default=SECRET, min_length=1)


class LinkedIn:
    """LinkedIn as far as a lead engine needs it.

    Args:
        conditions: how it behaves.
        book: what it was asked, and the responses that it has.
        world: the market whose people fill in the forms.
        clock: monotonic seconds.
        wall: Unix seconds.
    """

    name = "linkedin"
    modes = COMMON_MODES | {"token_invalid", "token_expired", "client_invalid", "denied"}

    def __init__(
        self,
        conditions: Conditions,
        book: LeadBook,
        world: World,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.book, self._wall = book, wall
        chance = Random(world.seed)  # noqa: S311  (a rehearsal, not a secret)
        self.faults = Faults(chance, once={"token_expired"}, of_token={"client_invalid"})
        self._conditions = conditions
        self._window = Window(conditions.per_day, 86400)
        self._hooks = Hooks(lambda: self._conditions.client_secret)
        for hook in book.hooks.values():
            self._hooks.add(Hook.of(hook))
        self._control = Control(book, self._hooks, world, wall)
        said = Words(errors.too_fast, errors.broken)
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
        self._window = Window(self._conditions.per_day, 86400)

    def reset(self) -> None:
        """Forget all responses, hooks and faults; the allowance is full again."""
        self.faults.clear()
        self.book.reset()
        self._hooks.reset()
        self._window = Window(self._conditions.per_day, 86400)

    def base_url(self, root: str) -> str:
        """``LINKEDIN_BASE_URL``."""
        return f"{root}{BASE}/rest"

    def routes(self) -> Sequence[Route]:
        """What it answers."""
        rest = f"{BASE}/rest"
        handlers = (
            ("GET", "/leadForms", "leadForms", self._forms),
            ("POST", "/leadForms", "leadForms", self._forms),
            ("GET", "/leadForms/{id}", "leadForms.get", self._form),
            ("GET", "/leadFormResponses", "leadFormResponses", self._responses),
            ("POST", "/leadFormResponses", "leadFormResponses", self._responses),
            ("GET", "/leadFormResponses/{id}", "leadFormResponses.get", self._response),
            ("POST", "/leadNotifications", "leadNotifications.create", self._subscribe),
            ("GET", "/leadNotifications", "leadNotifications", self._subscriptions),
            ("GET", "/leadNotifications/{id}", "leadNotifications.get", self._subscription),
            ("DELETE", "/leadNotifications/{id}", "leadNotifications.delete", self._unsubscribe),
            ("*", "/{rest*}", "unknown", lambda call: errors.not_found(call.path)),
        )
        token = Route("POST", f"{BASE}/oauth/v2/accessToken", self._front.faulty(TOKEN, _token))
        known = [
            Route(method, rest + path, self._known(operation, handler))
            for method, path, operation, handler in handlers
        ]
        return [token, *known, *self._control.routes()]

    def _known(self, operation: str, handler: Handler) -> Handler:
        """``handler`` for callers with a token, a version and the protocol's header."""

        def work(call: Call, fault: str) -> Answer:
            refused = errors.unauthorised(call.headers.get("authorization", ""))
            if fault == "token_invalid":
                refused = refused or errors.revoked()
            if fault == "token_expired":
                refused = refused or errors.expired()
            refused = refused or self._version_problem(call)
            if refused is not None:
                return refused
            if self._window.take(self._wall()) is not None:
                return errors.too_fast(None)
            if fault == "denied":
                return errors.denied(f"GET {operation}")
            try:
                return handler(call)
            except Refused as why:
                return errors.bad_request(str(why))

        return self._front.faulty(operation, work)

    def _version_problem(self, call: Call) -> Answer | None:
        version = call.headers.get("linkedin-version", "")
        if not version:
            message = (
                "A version must be present. Please specify a version by adding the "
                "LinkedIn-Version header."
            )
            return errors.error(400, "VERSION_MISSING", message)
        if len(version) != 6 or not version.isdecimal():
            return errors.error(400, "INVALID_VERSION", "LinkedIn-Version is written YYYYMM")
        if version < self._conditions.oldest_version:
            return errors.error(426, "NONEXISTENT_VERSION", "Version Header is Deprecated")
        if call.headers.get("x-restli-protocol-version") != "2.0.0":
            return errors.bad_request("X-Restli-Protocol-Version must be 2.0.0")
        return None

    def _forms(self, call: Call) -> Answer:
        query = restli.query_of(call, {"q", "owner", "count", "start"})
        owner = finders.owner(query)
        if isinstance(owner, Answer):
            return owner
        found = [form.shown() for form in FORMS if form.owner == owner]
        return finders.paged(found, query, call)

    def _form(self, call: Call) -> Answer:
        # By its id alone it is the newest version; (id:7001,version:1) is our own reading.
        text = call.raw_path.rpartition("/")[2]
        key = restli.parsed(text)
        number, version = (
            (key.get("id"), key.get("version")) if isinstance(key, dict) else (key, None)
        )
        found = [
            form
            for form in FORMS
            if str(form.id) == number and version in (None, str(form.version))
        ]
        return as_json(200, found[-1].shown()) if found else errors.not_found(f"form {text}")

    def _responses(self, call: Call) -> Answer:
        query = restli.query_of(
            call,
            {"q", "owner", "leadType", "limitedToTestLeads", "submittedAtTimeRange"}
            | {"versionedLeadGenFormUrn", "count", "start"},
        )
        owner = finders.owner(query)
        if isinstance(owner, Answer):
            return owner
        lead_type = restli.fields_of(query, "leadType").get("leadType")
        if lead_type not in LEAD_TYPES:
            raise Refused(f"leadType must be one of {', '.join(sorted(LEAD_TYPES))}")
        tests = restli.text_of(query, "limitedToTestLeads", "false") == "true"
        form = restli.text_of(query, "versionedLeadGenFormUrn", "")
        found = [
            response
            for response in self.book.responses.values()
            if response["owner"] == {OWNERS[owner]: owner}
            and response["leadType"] == lead_type
            and (response["testLead"] or not tests)
            and form in ("", response["versionedLeadGenFormUrn"])
        ]
        return finders.paged(within(found, *finders.time_range(query)), query, call)

    def _response(self, call: Call) -> Answer:
        found = self.book.responses.get(call.params["id"])
        if found is None:
            return errors.not_found(f"lead form response {call.params['id']}")
        return as_json(200, found)

    def _subscribe(self, call: Call) -> Answer:
        said = _json(call.body)
        webhook, owner = said.get("webhook"), said.get("owner")
        if said.get("leadType") not in LEAD_TYPES:
            raise Refused(f"leadType must be one of {', '.join(sorted(LEAD_TYPES))}")
        if not isinstance(owner, dict) or len(owner) != 1:  # pyright: ignore[reportUnknownArgumentType]
            raise Refused("owner must name one sponsoredAccount or organization")
        whose: dict[str, str] = owner
        if any(OWNERS.get(urn) != kind for kind, urn in whose.items()):
            return errors.denied("POST leadNotifications")
        if not isinstance(webhook, str) or not _safe(webhook):
            raise Refused("webhook must be an https address")
        hook = self._hooks.subscribe(webhook, whose, str(said["leadType"]))
        self.book.keep({"hook": hook.shown()})
        return Answer(201, b"", {"X-RestLi-Id": str(hook.id)})

    def _subscriptions(self, call: Call) -> Answer:
        query = restli.query_of(call, {"q", "owner", "leadType", "count", "start"})
        shown = [hook.shown() for hook in self._hooks.all.values()]
        if "owner" in query:
            whose = restli.fields_of(query, "owner")
            shown = [one for one in shown if one["owner"] == whose]
        return finders.paged(shown, query, call)

    def _subscription(self, call: Call) -> Answer:
        key = call.params["id"]
        hook = self._hooks.all.get(int(key)) if key.isdecimal() else None
        return (
            errors.not_found(f"notification {key}") if hook is None else as_json(200, hook.shown())
        )

    def _unsubscribe(self, call: Call) -> Answer:
        key = call.params["id"]
        hook = self._hooks.all.pop(int(key), None) if key.isdecimal() else None
        if hook is None:
            return errors.not_found(f"notification {key}")
        self.book.keep({"unhooked": hook.id})
        return Answer(204, b"")


def _json(body: bytes) -> dict[str, Any]:
    try:
        said: Any = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refused("The body is not valid JSON") from error
    if not isinstance(said, dict):
        raise Refused("The body must be a JSON object")
    return said  # pyright: ignore[reportUnknownVariableType]


def _safe(webhook: str) -> bool:
    """Whether LinkedIn would send there: https only, but for this machine."""
    parts = urlsplit(webhook)
    here = parts.hostname in {"127.0.0.1", "localhost"}
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and here))


def _token(call: Call, fault: str) -> Answer:
    form = dict(parse_qsl(call.body.decode("latin-1")))
    client = form.get("client_id", ""), form.get("client_secret", "")
    if fault == "client_invalid" or not all(part.startswith("sandbox-") for part in client):
        told = {"error": "invalid_client", "error_description": "Client authentication failed"}
        return as_json(401, told)
    key = {"authorization_code": "code", "refresh_token": "refresh_token"}.get(
        form.get("grant_type", "")
    )
    if key is None or not form.get(key, "").startswith("sandbox-"):
        told = {
            "error": "invalid_request",
            "error_description": "Unable to retrieve access token: grant or code is invalid",
        }
        return as_json(400, told)
    return as_json(
        200,
        {
            "access_token": "sandbox-linkedin-access",
            "expires_in": 5_184_000,
            "refresh_token": "sandbox-linkedin-refresh",
            "refresh_token_expires_in": 31_536_000,
            "scope": "r_ads,r_marketing_leadgen_automation,r_organization_admin",
        },
    )
