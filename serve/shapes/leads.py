"""How leads look on the wire."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AfterValidator, Field, StrictBool, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from policies.contact_points import email_problem, normal_phone, phone_problem, typed_email
from policies.features import Value
from policies.lead import Lead, LeadDraft, LeadStatus, Person
from serve.shapes.common import BY_NAME, Asked, Attributes, FieldName, Name, Told, example, text
from storage.leads import LeadChange

SOURCE = "api"
NOTES_ENTRIES = 50


def _email(address: str) -> str:
    typed = typed_email(address)
    if problem := email_problem(typed):
        raise PydanticCustomError("invalid_email", "is no e-mail address: {why}", {"why": problem})
    return typed


Email = Annotated[
    str,
    StringConstraints(min_length=3, max_length=254),
    AfterValidator(_email),
    Field(json_schema_extra={"format": "email"}, examples=["ann@example.com"]),
]
Phone = Annotated[
    str,
    text(40, solid=True),
    Field(
        description="With its country code, or as dialled in the lead's country; kept as E.164.",
        examples=["+49 30 901820"],
    ),
]
Domain = Annotated[
    str,
    StringConstraints(
        max_length=253,
        pattern=r"^([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]{0,61}[A-Za-z0-9]$",
    ),
    AfterValidator(lambda domain: domain.lower().removeprefix("www.")),
    Field(examples=["example.com"]),
]
Country = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z]{2}$"),
    AfterValidator(str.upper),
    Field(description="ISO 3166-1 alpha-2", examples=["DE"]),
]
Note = Annotated[str, text(10_000)]


def _phone(number: str | None, country: str | None) -> str | None:
    if number is None:
        return None
    dialled = normal_phone(number, country)
    if dialled is None:
        why = phone_problem(number, country) or "it cannot be dialled"
        raise PydanticCustomError("invalid_phone", "phone: {why}", {"why": why})
    return dialled


class NewLead(Asked):
    """A lead to create, or to merge into the one with the same e-mail address or name."""

    model_config = example(
        {
            "first_name": "Ann",
            "last_name": "Example",
            "email": "ann@example.com",
            "company": "Example GmbH",
            "title": "Head of Procurement",
            "country": "DE",
            "attributes": {"Total Visits": 7},
        }
    )

    source: Name = Field(default=SOURCE, description="where it came from")
    external_id: Name | None = Field(default=None, description="its name there, unique at a source")
    first_name: Name | None = None
    last_name: Name | None = None
    email: Email | None = None
    phone: Phone | None = None
    notes: dict[FieldName, Note] = Field(
        default_factory=dict[str, str],
        max_length=NOTES_ENTRIES,
        json_schema_extra=BY_NAME,
        description="free personal notes by name, sealed at rest",
    )
    company: Annotated[str, text(300)] = ""
    domain: Domain | None = None
    title: Annotated[str, text(300)] = ""
    industry: Name | None = None
    country: Country | None = None
    attributes: Attributes = Field(
        default_factory=dict[str, Any], description="everything else that is not personal"
    )
    outcome: StrictBool | None = Field(default=None, description="whether it converted; null: open")

    @model_validator(mode="after")
    def _dialled(self) -> Self:
        _phone(self.phone, self.country)
        return self

    def draft(self) -> LeadDraft:
        """Return it as storage keeps it."""
        return LeadDraft(
            source=self.source,
            person=Person(
                self.first_name,
                self.last_name,
                self.email,
                _phone(self.phone, self.country),
                dict(self.notes),
            ),
            external_id=self.external_id,
            company=self.company,
            domain=self.domain,
            title=self.title,
            industry=self.industry,
            country=self.country,
            attributes=dict(self.attributes),
            outcome=self.outcome,
        )


class LeadPatch(Asked):
    """What to change: a field that is left out stays as it is, null empties it."""

    model_config = example({"title": "Director", "attributes": {"Visits": 9}})

    external_id: Name | None = None
    first_name: Name | None = None
    last_name: Name | None = None
    email: Email | None = None
    phone: Phone | None = None
    notes: dict[FieldName, Note | None] = Field(
        default_factory=dict[str, str | None],
        max_length=NOTES_ENTRIES,
        json_schema_extra=BY_NAME,
        description="merged by name; null removes one",
    )
    company: Annotated[str, text(300)] = ""
    domain: Domain | None = None
    title: Annotated[str, text(300)] = ""
    industry: Name | None = None
    country: Country | None = None
    attributes: Attributes = Field(
        default_factory=dict[str, Any], description="merged by name; null removes one"
    )
    outcome: StrictBool | None = None
    status: LeadStatus = Field(
        default=LeadStatus.NEW, description="only to where the lead may move from where it stands"
    )

    def change(self, country: str | None) -> LeadChange:
        """Return what was sent, as storage takes it.

        Args:
            country: of the lead as it is, where its phone number is dialled.

        Raises:
            PydanticCustomError: for a phone number that is none there.
        """
        sent = self.model_dump(include=self.model_fields_set)
        if "phone" in sent:
            sent["phone"] = _phone(self.phone, sent.get("country") or country)
        change: LeadChange = LeadChange(**sent)
        return change


class LeadOut(Told):
    """A lead as it is now."""

    id: UUID
    source: str
    external_id: str | None
    status: LeadStatus
    first_name: str | None
    last_name: str | None
    email: str | None
    phone: str | None
    notes: dict[str, str]
    company: str
    domain: str | None
    title: str
    industry: str | None
    country: str | None
    attributes: dict[str, Value]
    outcome: bool | None = Field(description="whether it converted; null while open")
    score: int | None = Field(ge=0, le=100, description="null until scored")
    confidence: float | None = Field(ge=0, le=1)
    tier: str | None
    tags: list[str]
    import_id: UUID | None
    version: int = Field(description="grows with every change; also the ETag")
    created_at: datetime
    updated_at: datetime
    scored_at: datetime | None

    @classmethod
    def of(cls, lead: Lead) -> Self:
        """Show a lead."""
        person = lead.person
        return cls(
            id=lead.id,
            source=lead.source,
            external_id=lead.external_id,
            status=lead.status,
            first_name=person.first_name,
            last_name=person.last_name,
            email=person.email,
            phone=person.phone,
            notes=dict(person.notes),
            company=lead.company,
            domain=lead.domain,
            title=lead.title,
            industry=lead.industry,
            country=lead.country,
            attributes=dict(lead.attributes),
            outcome=lead.outcome,
            score=lead.score,
            confidence=lead.confidence,
            tier=lead.tier,
            tags=list(lead.tags),
            import_id=lead.import_id,
            version=lead.version,
            created_at=lead.created_at,
            updated_at=lead.updated_at,
            scored_at=lead.scored_at,
        )


class LeadPage(Told):
    """Leads, and where the next page begins."""

    items: list[LeadOut]
    next: str | None = Field(description="cursor of the next page; null at the end")


class ActivityOut(Told):
    """Something that happened to a lead."""

    at: datetime
    kind: str = Field(examples=["lead.scored"])
    actor: str = Field(description="an agent, or the key that asked", examples=["scorer"])
    details: dict[str, Any] = Field(description="what it was, by name; no personal data")
    correlation_id: str | None


class Timeline(Told):
    """What happened, newest first."""

    items: list[ActivityOut]
    next: str | None
