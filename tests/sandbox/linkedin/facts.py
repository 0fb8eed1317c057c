"""What LinkedIn's answers are made of, after the wire reference; nothing else is there."""

from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

FormUrn = Annotated[
    str, Field(pattern=r"^urn:li:versionedLeadGenForm:\(urn:li:leadGenForm:\d+,\d+\)$")
]
Millis = Annotated[int, Field(gt=1_500_000_000_000)]
LeadType = Literal["SPONSORED", "EVENT", "COMPANY", "ORGANIZATION_PRODUCT"]
_Element = TypeVar("_Element")


class Fact(BaseModel):
    """A JSON object with exactly these members."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Paging(Fact):
    start: int
    count: int
    total: int
    links: list[dict[str, str]]


class Collection(Fact, Generic[_Element]):
    paging: Paging
    elements: list[_Element]


class Text(Fact):
    localized: dict[str, str]


class Owner(Fact):
    sponsoredAccount: str | None = None
    organization: str | None = None


class Locale(Fact):
    country: str
    language: str


class Hidden(Fact):
    name: str
    value: str


class Option(Fact):
    id: int
    text: Text


class Options(Fact):
    options: list[Option]


class Details(Fact):
    textQuestionDetails: dict[str, Any] | None = None
    multipleChoiceQuestionDetails: Options | None = None


class Question(Fact):
    questionId: int
    name: str
    predefinedField: str | None = None
    responseRequired: bool
    question: Text
    questionDetails: Details


class Consent(Fact):
    id: int
    checkRequired: bool
    consent: Text


class Legal(Fact):
    consents: list[Consent]


class Content(Fact):
    headline: Text
    questions: list[Question]
    legalInfo: Legal


class Form(Fact):
    id: int
    versionId: int
    name: str
    state: Literal["PUBLISHED", "ARCHIVED"]
    owner: Owner
    creationLocale: Locale
    hiddenFields: list[Hidden]
    content: Content


class TextAnswer(Fact):
    answer: str


class ChoiceAnswer(Fact):
    options: list[int]


class AnswerDetails(Fact):
    textQuestionAnswer: TextAnswer | None = None
    multipleChoiceAnswer: ChoiceAnswer | None = None


class FormAnswer(Fact):
    """By its question's id alone."""

    questionId: int
    answerDetails: AnswerDetails


class ConsentResponse(Fact):
    consentId: int
    accepted: bool


class FormResponse(Fact):
    answers: list[FormAnswer]
    consentResponses: list[ConsentResponse]


class Response(Fact):
    id: str
    leadType: LeadType
    testLead: bool
    submittedAt: Millis
    owner: Owner
    submitter: Annotated[str, Field(pattern=r"^urn:li:person:")]
    versionedLeadGenFormUrn: FormUrn
    leadMetadata: dict[str, dict[str, str]] | None = None
    associatedEntity: dict[str, str]
    formResponse: FormResponse


class Notification(Fact):
    """Without any answer."""

    type: Literal["LEAD_ACTION"]
    leadAction: Literal["CREATED", "DELETED"]
    leadType: LeadType
    occurredAt: Millis
    leadGenFormResponse: Annotated[str, Field(pattern=r"^urn:li:leadGenFormResponse:[0-9a-f-]+$")]
    leadGenForm: FormUrn
    owner: Owner
    associatedEntity: dict[str, str]


class Error(Fact):
    status: int
    code: str
    message: str
    serviceErrorCode: int | None = None
