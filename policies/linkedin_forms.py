"""A response to one of our LinkedIn forms becomes a draft of a lead, with what was consented to.

Answers carry only the ids of questions and options, so they are read with the version of the form
that was answered; without it only what is plainly an address is understood.

Sources:
    learn.microsoft.com, LinkedIn Marketing, Lead Sync (readings of 2026-08-13).
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from policies.contact_points import normal_email, typed_email
from policies.features import Value
from policies.lead import LeadDraft
from policies.lead_drafts import FieldProblem, Typed, draft_of
from policies.linkedin_webhook import OWNER
from policies.personal import is_personal_name, may_be_personal
from policies.vendor_words import clean

SOURCE = "linkedin"
OVERLAP = timedelta(hours=1)
RETENTION = timedelta(days=90)
"""How long LinkedIn keeps responses at least, by the stricter of its two texts."""
LONGEST_ANSWER = 2_000
LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class Question:
    """A question of a form.

    Attributes:
        predefined: what LinkedIn fills in, such as ``WORK_EMAIL``; None for a question of ours.
        options: what can be chosen, by id.
    """

    id: int
    name: str
    predefined: str | None = None
    options: Mapping[int, str] = field(default_factory=dict[int, str])


@dataclass(frozen=True, slots=True)
class ConsentText:
    """What a form asks to agree to."""

    id: int
    text: str


@dataclass(frozen=True, slots=True)
class Form:
    """One version of a form; it never changes.

    Attributes:
        urn: of the version.
        country: ISO 3166-1 alpha-2 of its readers; None untold.
        hidden: what its owner attached to every response.
    """

    urn: str
    name: str = ""
    country: str | None = None
    hidden: Mapping[str, str] = field(default_factory=dict[str, str])
    questions: Sequence[Question] = ()
    consents: Sequence[ConsentText] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: a text, or the ids of what was chosen."""

    question_id: int
    text: str = ""
    options: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Response:
    """What somebody submitted.

    Attributes:
        test: sent by its owner to try the form; never a lead.
        submitted_at: aware UTC.
        owner: URN of the ad account or organisation.
        form_urn: of the version that was answered.
        agreed: whether each consent was given, by its id.
        origin: campaign and creative, by name.
    """

    id: str
    lead_type: str
    test: bool
    submitted_at: datetime
    owner: str | None
    form_urn: str | None
    answers: Sequence[Answer]
    agreed: Mapping[int, bool] = field(default_factory=dict[int, bool])
    origin: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Consent:
    """What somebody agreed to, or not, when they submitted a form.

    Attributes:
        text: as it stood there; empty if the version of the form is gone.
        text_hash: SHA-256 of the text, hexadecimal; empty without a text.
    """

    id: int
    given: bool
    text: str
    text_hash: str


@dataclass(frozen=True, slots=True)
class FormLead:
    """A response as a lead.

    Attributes:
        draft: None if nothing tells the person from others; ``problems`` say so.
    """

    response_id: str
    submitted_at: datetime
    lead_type: str
    owner: str | None
    form_urn: str | None
    draft: LeadDraft | None
    problems: Sequence[FieldProblem]
    consents: Sequence[Consent]


@dataclass(frozen=True, slots=True)
class FormPage:
    """Some of what was submitted in a stretch of time.

    Attributes:
        next: where the next page begins, opaque; None on the last one.
        tests: responses left out because their owner was trying the form.
        unreadable: responses that cannot be told apart, or have no time: left out.
    """

    leads: Sequence[FormLead]
    next: str | None = None
    tests: int = 0
    unreadable: int = 0


def poll_window(since: datetime | None, now: datetime) -> tuple[datetime, datetime]:
    """The stretch to ask for, from before the last one ended: a response may show up late.

    Args:
        since: when the last stretch ended; None at first, for all that LinkedIn still has.
    """
    oldest = now - RETENTION
    return (oldest if since is None else max(oldest, since - OVERLAP), now)


def owners_of(text: str) -> tuple[str, ...]:
    """Read ``LINKEDIN_OWNERS``.

    Raises:
        ValueError: if one is no URN of an ad account or an organisation.
    """
    owners = tuple(dict.fromkeys(part for each in text.split(",") if (part := each.strip())))
    if wrong := next((owner for owner in owners if not OWNER.fullmatch(owner)), None):
        raise ValueError(
            f"{wrong[:60]!r} owns no forms: write urn:li:sponsoredAccount:512345 or "
            "urn:li:organization:2414183"
        )
    return owners


def lead_types_of(owner: str) -> tuple[str, ...]:
    """What kinds of responses an owner has."""
    return _ACCOUNT_TYPES if ":sponsoredAccount:" in owner else _ORGANIZATION_TYPES


def lead_of(response: Response, form: Form | None) -> FormLead:
    """Join the answers to their questions, and read them as a lead.

    Args:
        form: the version that was answered; None if it cannot be had.
    """
    sorted_ = _Sorted(form)
    for answer in response.answers:
        sorted_.take(answer)
    sorted_.attach(response)
    typed = Typed(
        source=SOURCE,
        fields={**sorted_.fields, "external_id": response.id},
        called=sorted_.called,
        notes=sorted_.notes,
        attributes=sorted_.attributes,
        country=form.country if form else None,
    )
    drafted = draft_of(typed)
    gone = (FieldProblem("warning", None, _FORM_GONE),) if form is None else ()
    return FormLead(
        response.id,
        response.submitted_at,
        response.lead_type,
        response.owner,
        response.form_urn,
        drafted.draft,
        (*gone, *drafted.problems),
        tuple(_consents(response, form)),
    )


def _consents(response: Response, form: Form | None) -> Iterator[Consent]:
    """Every consent of the form, also those that nobody answered: not given."""
    texts = {each.id: each.text for each in form.consents} if form else {}
    for id_ in sorted(texts.keys() | response.agreed.keys()):
        text = texts.get(id_, "")
        digest = hashlib.sha256(text.encode()).hexdigest() if text else ""
        yield Consent(id_, response.agreed.get(id_, False), text, digest)


class _Sorted:
    """Answers by what becomes of them."""

    def __init__(self, form: Form | None) -> None:
        self.fields: dict[str, str] = {}
        self.called: dict[str, str] = {}
        self.notes: dict[str, str] = {}
        self.attributes: dict[str, Value] = {}
        self._rank: dict[str, int] = {}
        self._form = form
        self._questions = {question.id: question for question in form.questions} if form else {}

    def take(self, answer: Answer) -> None:
        question = self._questions.get(answer.question_id)
        if question is None:
            question = Question(answer.question_id, f"question {answer.question_id}")
        text = clean(answer.text, LONGEST_ANSWER) or self._chosen(question, answer)
        if not text:
            return
        name = clean(question.name, LONGEST_NAME) or f"question {question.id}"
        place = _FIELDS.get(question.predefined or "")
        if place is not None:
            self._fill(*place, question.predefined or "", text)
        elif question.predefined is None and self._is_first_address(text):
            self._fill("email", len(_FIELDS), name, text)
        else:
            self._keep(question.predefined or name, text)

    def attach(self, response: Response) -> None:
        if self._form is not None:
            for name, value in self._form.hidden.items():
                self._keep(clean(name, LONGEST_NAME), clean(value, LONGEST_ANSWER))
            self._keep("linkedin form", clean(self._form.name, LONGEST_NAME))
        for name, value in response.origin.items():
            self.attributes.setdefault(f"linkedin {name}", clean(value, LONGEST_NAME))

    def _chosen(self, question: Question, answer: Answer) -> str:
        chosen = (question.options.get(id_, f"option {id_}") for id_ in answer.options)
        return clean("; ".join(chosen), LONGEST_ANSWER)

    def _is_first_address(self, text: str) -> bool:
        return self._form is None and normal_email(typed_email(text)) is not None

    def _fill(self, name: str, rank: int, called: str, text: str) -> None:
        """Fill a field, unless a better answer has; the lesser one is a note."""
        if name in self.fields and self._rank[name] <= rank:
            self.notes.setdefault(_readable(called), text)
            return
        if name in self.fields:
            self.notes.setdefault(self.called[name], self.fields[name])
        self.fields[name], self._rank[name] = text, rank
        self.called[name] = _readable(called)

    def _keep(self, called: str, text: str) -> None:
        """Keep an answer: sealed if it may be personal, else as an attribute."""
        if not called or not text:
            return
        name = _NOTES.get(called) or _readable(called)
        personal = called in _PERSONAL or is_personal_name(name) or may_be_personal(text)
        if personal or self._form is None:
            self.notes.setdefault(name, text)
        else:
            self.attributes.setdefault(name, text)


def _readable(called: str) -> str:
    """A name of LinkedIn's in lower case; one that somebody typed as it is."""
    return called.replace("_", " ").lower() if called.isupper() else called


_ACCOUNT_TYPES = ("SPONSORED",)
_ORGANIZATION_TYPES = ("COMPANY", "EVENT", "ORGANIZATION_PRODUCT")
_FORM_GONE = (
    "The version of the form that was answered cannot be had: its answers are sealed as notes, "
    "and only an e-mail address is understood."
)
_FIELDS = {
    "FIRST_NAME": ("first_name", 0),
    "LAST_NAME": ("last_name", 0),
    "WORK_EMAIL": ("email", 0),
    "EMAIL": ("email", 1),
    "PHONE_NUMBER": ("phone", 1),
    "WORK_PHONE_NUMBER": ("phone", 0),
    "JOB_TITLE": ("title", 0),
    "COMPANY_NAME": ("company", 0),
    "COMPANY_WEBSITE": ("domain", 0),
    "INDUSTRY": ("industry", 0),
    "COUNTRY": ("country", 0),
}
"""Our field for what LinkedIn fills in, and which of two is preferred (the lower number)."""
_NOTES = {"LINKEDIN_PROFILE_LINK": "linkedin_url"}
"""Notes that others look for by name."""
_PERSONAL = frozenset(
    {
        *(*_NOTES, "GENDER", "CITY", "STATE", "POSTAL_CODE", "ZIP_CODE"),
        *("DEGREE", "FIELD_OF_STUDY", "SCHOOL", "START_DATE", "GRADUATION_DATE", "AGE"),
    }
)
