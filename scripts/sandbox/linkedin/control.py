"""What a session may make happen at LinkedIn: people submit and delete, webhooks are called."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from scripts.sandbox.linkedin.forms import ACCOUNT, OWNERS
from scripts.sandbox.linkedin.hooks import Hooks, Signature
from scripts.sandbox.linkedin.responses import LeadBook, Response, form_of, given
from scripts.sandbox.market.world import World
from scripts.sandbox.server import Answer, Call, Route, as_json

PREFIX = "/_sandbox/linkedin"
_APART = 250
"""Milliseconds between two responses of one order."""


class Submit(BaseModel):
    """An order of responses.

    Attributes:
        count: real ones.
        tests: test leads beside them.
        form: its id; None for any of the owner's.
        notify: tell the webhooks.
        signature: how the notifications are signed.
        times: how often each is sent.
        shuffled: send them out of order.
        deleted: delete the responses before anybody can fetch them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    count: int = Field(default=1, ge=0, le=10_000)
    tests: int = Field(default=0, ge=0, le=10_000)
    owner: str = ACCOUNT
    form: int | None = None
    version: int | None = None
    notify: bool = True
    signature: Signature = "signed"
    times: int = Field(default=1, ge=1, le=10)
    shuffled: bool = False
    deleted: bool = False


class Delete(BaseModel):
    """An order to delete responses, and to tell the webhooks so."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ids: list[str]
    notify: bool = True
    signature: Signature = "signed"


class Control:
    """The addresses under ``/_sandbox/linkedin`` that no other vendor has.

    Args:
        book: where responses are kept.
        hooks: who is told.
        world: the market whose people respond.
        wall: Unix seconds.
    """

    def __init__(
        self, book: LeadBook, hooks: Hooks, world: World, wall: Callable[[], float]
    ) -> None:
        self._book, self._hooks, self._world, self._wall = book, hooks, world, wall

    def routes(self) -> Sequence[Route]:
        """What it answers."""
        return [
            Route("POST", f"{PREFIX}/submit", self._submit),
            Route("POST", f"{PREFIX}/delete", self._delete),
            Route("POST", f"{PREFIX}/challenge", self._challenge),
            Route("GET", f"{PREFIX}/hooks", lambda _: as_json(200, self._hooks.shown())),
        ]

    def _submit(self, call: Call) -> Answer:
        try:
            order = Submit.model_validate_json(call.body or b"{}")
        except ValidationError as error:
            return _invalid(error)
        if order.owner not in OWNERS:
            return as_json(422, {"error": f"owner: there are {', '.join(OWNERS)}"})
        made = self._made(order)
        if made is None:
            return as_json(422, {"error": "there is no such form, or not in that version"})
        if order.deleted:
            for response in made:
                self._book.delete(response["id"])
        if order.notify:
            self._tell(made, "CREATED", order.signature, order.times, shuffled=order.shuffled)
        told = self._book.told
        shown = [{"id": one["id"], **told[one["id"]]} for one in made]
        return as_json(200, {"responses": shown})

    def _made(self, order: Submit) -> list[Response] | None:
        made: list[Response] = []
        now = int(self._wall() * 1000)
        total = order.count + order.tests
        for place in range(total):
            number = len(self._book.told)
            chance = Random(f"{self._world.seed}:form:{number}")  # noqa: S311  (a rehearsal)
            form = form_of(order.form, order.version, order.owner, chance)
            if form is None:
                return None
            at = now - (total - 1 - place) * _APART
            test = place >= order.count
            response, person = given(form, self._world, number, test=test, at=at)
            self._book.add(response, person.id)
            made.append(response)
        return made

    def _delete(self, call: Call) -> Answer:
        try:
            order = Delete.model_validate_json(call.body)
        except ValidationError as error:
            return _invalid(error)
        gone = [one for name in order.ids if (one := self._book.delete(name)) is not None]
        if order.notify:
            self._tell(gone, "DELETED", order.signature)
        return as_json(200, {"deleted": [one["id"] for one in gone]})

    def _challenge(self, _: Call) -> Answer:
        self._hooks.challenge()
        return as_json(200, self._hooks.shown())

    def _tell(
        self,
        responses: Sequence[Response],
        action: str,
        how: Signature,
        times: int = 1,
        *,
        shuffled: bool = False,
    ) -> None:
        notes = [_note(one, action) for one in responses for _ in range(times)]
        if shuffled:
            Random(f"{self._world.seed}:{len(self._book.told)}").shuffle(notes)  # noqa: S311
        for note in notes:
            self._hooks.notify(note, how)


def _note(response: Response, action: str) -> dict[str, Any]:
    return {
        "type": "LEAD_ACTION",
        "leadAction": action,
        "leadType": response["leadType"],
        "occurredAt": response["submittedAt"] + 1,
        "leadGenFormResponse": f"urn:li:leadGenFormResponse:{response['id']}",
        "leadGenForm": response["versionedLeadGenFormUrn"],
        "owner": response["owner"],
        "associatedEntity": response["associatedEntity"],
    }


def _invalid(error: ValidationError) -> Answer:
    faults = (f"{'.'.join(map(str, e['loc'])) or 'body'}: {e['msg']}" for e in error.errors())
    return as_json(422, {"error": "; ".join(faults)})
