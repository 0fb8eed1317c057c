"""The shapes that LinkedIn's Lead Sync sends, as far as we read them.

A form or a response that is odd is left out by itself; the others of its page are kept.

Sources: reference/linkedin.md (2026-11-22); how deep texts are nested is partly uncertain, so
``{"localized": {…}}`` is read wherever a text stands.
"""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field, field_validator

from agents.vendors.fields import Flag, Id, Part, Text, Whole, readable
from policies.vendor_words import clean

LONGEST = 4_000


def _localized(value: Any) -> str:  # noqa: ANN401 - JSON
    """A text in the language of the form: the first that is told."""
    for _ in range(3):
        if not isinstance(value, dict):
            break
        value = value.get("localized", value.get("text", next(iter(value.values()), None)))
    return clean(value, LONGEST)


def _long(value: object) -> str:
    return clean(value, LONGEST)


def _part(value: Any) -> Any:  # noqa: ANN401 - JSON
    return value if isinstance(value, dict) else {}


def _each(shape: type[BaseModel]) -> BeforeValidator:
    """The items of a list that are a ``shape``."""
    return BeforeValidator(lambda value: tuple(readable(shape, value)))


def _numbers(value: Any) -> tuple[int, ...]:  # noqa: ANN401 - JSON
    items: list[Any] = value if isinstance(value, list) else []
    return tuple(n for n in items if isinstance(n, int) and not isinstance(n, bool))


Localized = Annotated[str, BeforeValidator(_localized)]
LongText = Annotated[str, BeforeValidator(_long)]
Numbers = Annotated[tuple[int, ...], BeforeValidator(_numbers)]


class Paging(Part):
    """Where a page stands."""

    total: Whole = None


class Elements(Part):
    """A page; its elements are read one by one."""

    elements: list[Any] = Field(max_length=1000)
    paging: Annotated[Paging, BeforeValidator(_part)] = Paging()


class Option(Part):
    """What can be chosen."""

    id: int
    text: Localized = ""


class _Choices(Part):
    options: Annotated[tuple[Option, ...], _each(Option)] = ()


class _Details(Part):
    multipleChoiceQuestionDetails: Annotated[_Choices, BeforeValidator(_part)] = _Choices()


class Question(Part):
    """A question of a form."""

    questionId: int
    name: Text = ""
    predefinedField: Text = ""
    question: Localized = ""
    questionDetails: Annotated[_Details, BeforeValidator(_part)] = _Details()


class Consent(Part):
    """What a form asks to agree to."""

    id: int
    consent: Localized = ""


class _Legal(Part):
    consents: Annotated[tuple[Consent, ...], _each(Consent)] = ()


class _Content(Part):
    questions: Annotated[tuple[Question, ...], _each(Question)] = ()
    legalInfo: Annotated[_Legal, BeforeValidator(_part)] = _Legal()


class _Locale(Part):
    country: Text = ""


class Hidden(Part):
    """What the owner of a form attached to it."""

    name: Text = ""
    value: Text = ""


class Form(Part):
    """One version of a form."""

    id: int
    versionId: int
    name: Text = ""
    creationLocale: Annotated[_Locale, BeforeValidator(_part)] = _Locale()
    hiddenFields: Annotated[tuple[Hidden, ...], _each(Hidden)] = ()
    content: Annotated[_Content, BeforeValidator(_part)] = _Content()


class _TextAnswer(Part):
    answer: LongText = ""


class _Chosen(Part):
    options: Numbers = ()


class _AnswerDetails(Part):
    textQuestionAnswer: Annotated[_TextAnswer, BeforeValidator(_part)] = _TextAnswer()
    multipleChoiceAnswer: Annotated[_Chosen, BeforeValidator(_part)] = _Chosen()


class Answer(Part):
    """An answer to one question."""

    questionId: int
    answerDetails: Annotated[_AnswerDetails, BeforeValidator(_part)] = _AnswerDetails()


class Agreed(Part):
    """Whether a consent was given."""

    consentId: int
    accepted: bool


class _FormResponse(Part):
    answers: Annotated[tuple[Answer, ...], _each(Answer)] = ()
    consentResponses: Annotated[tuple[Agreed, ...], _each(Agreed)] = ()


class Response(Part):
    """What somebody submitted."""

    id: Id
    submittedAt: int
    leadType: Text = ""
    testLead: Flag = None
    owner: Annotated[dict[str, Any], BeforeValidator(_part)] = Field(default_factory=dict[str, Any])
    versionedLeadGenFormUrn: Text = ""
    leadMetadata: Annotated[dict[str, Any], BeforeValidator(_part)] = Field(
        default_factory=dict[str, Any]
    )
    associatedEntity: Annotated[dict[str, Any], BeforeValidator(_part)] = Field(
        default_factory=dict[str, Any]
    )
    formResponse: Annotated[_FormResponse, BeforeValidator(_part)] = _FormResponse()

    @field_validator("id")
    @classmethod
    def _is_one_word(cls, value: str) -> str:
        if not value.replace("-", "").replace("_", "").isalnum() or not value.isascii():
            raise ValueError("an id is letters, digits and hyphens")
        return value
