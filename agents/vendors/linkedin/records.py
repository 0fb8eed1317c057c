"""LinkedIn's forms and responses as our values."""

from collections.abc import Mapping
from typing import Any

from agents.vendors.linkedin import wire
from policies.countries import country_code
from policies.linkedin_forms import Answer, ConsentText, Form, Question, Response
from policies.linkedin_webhook import moment, owner_of
from policies.vendor_words import clean


def form_urn(form: wire.Form) -> str:
    """What a response calls the version of the form that it answers."""
    return f"urn:li:versionedLeadGenForm:(urn:li:leadGenForm:{form.id},{form.versionId})"


def form_of(form: wire.Form) -> Form:
    """Read one version of a form."""
    return Form(
        urn=form_urn(form),
        name=form.name,
        country=country_code(form.creationLocale.country),
        hidden={hidden.name: hidden.value for hidden in form.hiddenFields if hidden.name},
        questions=tuple(_question(question) for question in form.content.questions),
        consents=tuple(
            ConsentText(consent.id, consent.consent) for consent in form.content.legalInfo.consents
        ),
    )


def response_of(response: wire.Response) -> Response | None:
    """Read one response; None if it was submitted at no time that a calendar has."""
    submitted_at = moment(response.submittedAt)
    if submitted_at is None:
        return None
    answers = response.formResponse
    return Response(
        id=response.id,
        lead_type=response.leadType,
        test=response.testLead is True,
        submitted_at=submitted_at,
        owner=owner_of(response.owner),
        form_urn=response.versionedLeadGenFormUrn.replace(" ", "") or None,
        answers=tuple(_answer(answer) for answer in answers.answers),
        agreed={agreed.consentId: agreed.accepted for agreed in answers.consentResponses},
        origin={**_urns(response.leadMetadata), **_urns(response.associatedEntity)},
    )


def _question(question: wire.Question) -> Question:
    options = question.questionDetails.multipleChoiceQuestionDetails.options
    return Question(
        question.questionId,
        question.name or question.question or f"question {question.questionId}",
        question.predefinedField.upper() or None,
        {option.id: option.text or f"option {option.id}" for option in options},
    )


def _answer(answer: wire.Answer) -> Answer:
    details = answer.answerDetails
    return Answer(
        answer.questionId,
        details.textQuestionAnswer.answer,
        details.multipleChoiceAnswer.options,
    )


def _urns(told: Mapping[str, Any]) -> dict[str, str]:
    """URNs by their kind (campaign, creative), one level deep."""
    inner = [told, *(value for value in told.values() if isinstance(value, dict))]
    urns = (value for part in inner for value in part.values() if isinstance(value, str))
    parts = (clean(urn).split(":") for urn in urns if urn.startswith("urn:li:"))
    return {_KINDS[p[2]]: p[3] for p in parts if len(p) == _URN and p[2] in _KINDS}


_URN = 4
_KINDS = {
    "sponsoredCampaign": "campaign",
    "sponsoredCreative": "creative",
    "event": "event",
    "organization": "organization",
    "organizationProduct": "product",
}
