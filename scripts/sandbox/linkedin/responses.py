"""What people of the market put into the forms, kept beyond a restart."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

from scripts.sandbox.common import RequestLog
from scripts.sandbox.linkedin.forms import ACCOUNT, COMMENT, FORMS, OWNERS, SIZE, SIZES, Form
from scripts.sandbox.market import names
from scripts.sandbox.market.world import Person, World

Response = dict[str, Any]
_LEAD_TYPES = {"sponsoredAccount": "SPONSORED", "organization": "COMPANY"}
_COMMENTS = ("How much is it?", "Bitte rufen Sie mich an.", "", "=1+1", "Tell me more 🙂")


class LeadBook(RequestLog):
    """The log, the subscriptions, and every response that was ever given.

    Attributes:
        hooks: subscriptions by id, as LinkedIn tells of them.
        responses: by id, as LinkedIn tells of them; deleted ones are gone.
        told: by id, whose it is (by their id in the market), whether it is a test, and whether it
            was deleted.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.hooks: dict[int, dict[str, Any]] = {}
        self.responses: dict[str, Response] = {}
        self.told: dict[str, dict[str, Any]] = {}
        super().__init__(path)

    def add(self, response: Response, person: int) -> None:
        """Keep one."""
        self.keep({"response": response, "person": person})

    def delete(self, response_id: str) -> Response | None:
        """Take one away, and return what it was; None if there is none."""
        gone = self.responses.get(response_id)
        if gone is not None:
            self.keep({"deleted": response_id})
        return gone

    def shown(self, *, each: bool = True) -> dict[str, Any]:
        """The account as JSON values; with every request and response if ``each``."""
        told = {**super().shown(each=each), "responses": len(self.told)}
        return {**told, "by_response": self.told} if each else told

    def reset(self) -> None:
        """Forget everything, in the file too."""
        super().reset()
        self.hooks.clear()
        self.responses.clear()
        self.told.clear()

    def _count(self, line: Mapping[str, Any]) -> None:
        super()._count(line)
        if response := line.get("response"):
            self.responses[response["id"]] = response
            test = response["testLead"]
            self.told[response["id"]] = {
                "person": line["person"],
                "test": test,
                "deleted": False,
            }
        if hook := line.get("hook"):
            self.hooks[hook["id"]] = hook
        if "unhooked" in line:
            self.hooks.pop(line["unhooked"], None)
        if gone := line.get("deleted"):
            del self.responses[gone]
            self.told[gone]["deleted"] = True


def form_of(form_id: int | None, version: int | None, owner: str, chance: Random) -> Form | None:
    """The form that is meant, or one by chance; the newest version mostly."""
    known = [
        form
        for form in FORMS
        if form.owner == owner and form_id in (None, form.id) and version in (None, form.version)
    ]
    if form_id is None and version is None and owner == ACCOUNT:
        return chance.choices(known, [1, 4, 1])[0]
    return known[-1] if known else None


def given(form: Form, world: World, number: int, *, test: bool, at: int) -> tuple[Response, Person]:
    """One response, and who gave it.

    Args:
        number: which response of the sandbox this is; decides who gives it, and what.
        at: epoch milliseconds.
    """
    chance = Random(f"{world.seed}:response:{number}")  # noqa: S311  (a rehearsal)
    person = chance.choice(world.people)
    answers = [_answer(n, what, person, chance) for n, what in enumerate(form.asks, 1)]
    consents = [
        {"consentId": consent, "accepted": must or chance.random() < 0.6}
        for consent, must in form.consents.items()
    ]
    kind = OWNERS[form.owner]
    response: Response = {
        "id": f"{UUID(int=chance.getrandbits(128), version=4)}-{number % 10}",
        "leadType": _LEAD_TYPES[kind],
        "testLead": test,
        "submittedAt": at,
        "owner": {kind: form.owner},
        "submitter": f"urn:li:person:{chance.getrandbits(40):010x}",
        "versionedLeadGenFormUrn": form.urn,
        "leadMetadata": {"sponsoredLeadMetadata": {"campaign": "urn:li:sponsoredCampaign:99"}},
        "associatedEntity": {"associatedCreative": "urn:li:sponsoredCreative:88"},
        "formResponse": {
            "answers": [one for one in answers if one is not None],
            "consentResponses": consents,
        },
    }
    if kind != "sponsoredAccount":
        del response["leadMetadata"]
        response["associatedEntity"] = {"associatedOrganization": form.owner}
    return response, person


def _answer(number: int, what: str, person: Person, chance: Random) -> dict[str, Any] | None:
    if what == SIZE:
        option = chance.randint(1, len(SIZES))
        return {
            "questionId": number,
            "answerDetails": {"multipleChoiceAnswer": {"options": [option]}},
        }
    text = _text(what, person, chance)
    if not text and what in {COMMENT, "PHONE_NUMBER"}:
        return None
    return {"questionId": number, "answerDetails": {"textQuestionAnswer": {"answer": text}}}


def _text(what: str, person: Person, chance: Random) -> str:
    """What they write; some of it as people do."""
    company = person.job.company
    match what:
        case "FIRST_NAME":
            return person.first_name.upper() if chance.random() < 0.05 else person.first_name
        case "LAST_NAME":
            return f" {person.last_name} " if chance.random() < 0.05 else person.last_name
        case "WORK_EMAIL":
            return person.email.title() if chance.random() < 0.1 else person.email
        case "EMAIL":
            local = names.letters(person.first_name + person.last_name)
            return f"{local}{person.id}@mailbox.example"
        case "JOB_TITLE":
            return person.job.title
        case "COMPANY_NAME":
            return company.name if chance.random() < 0.5 else company.legal_name
        case "PHONE_NUMBER":
            return person.mobile or person.phone or ""
        case "COUNTRY":
            return company.country.name
        case _:
            return chance.choice(_COMMENTS)


def within(responses: Sequence[Response], start: int | None, end: int | None) -> list[Response]:
    """Those that were submitted from ``start`` to ``end``, in epoch milliseconds; newest first."""
    chosen = [
        one
        for one in responses
        if (start is None or start <= one["submittedAt"])
        and (end is None or one["submittedAt"] <= end)
    ]
    return sorted(chosen, key=lambda one: (-one["submittedAt"], one["id"]))
