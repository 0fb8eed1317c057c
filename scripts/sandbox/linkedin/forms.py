"""The lead forms of the sandbox's owners.

The second version of the first form asks in another order under the same question ids: whoever
joins an answer with the wrong version takes a surname for a job title.
"""

from dataclasses import dataclass, field
from typing import Any

ACCOUNT = "urn:li:sponsoredAccount:512345"
ORGANISATION = "urn:li:organization:2414183"
OWNERS = {ACCOUNT: "sponsoredAccount", ORGANISATION: "organization"}
"""Whose forms there are, with the kind of each."""
SIZES = ("1-10", "11-50", "51-200", "201-500", "501+")
COMMENT, SIZE = "COMMENT", "SIZE"
"""Questions of the form's owner; all others are predefined ones."""
_TEXTS = {
    "FIRST_NAME": "First name",
    "LAST_NAME": "Last name",
    "EMAIL": "Email address",
    "WORK_EMAIL": "Work email",
    "JOB_TITLE": "Job title",
    "COMPANY_NAME": "Company name",
    "PHONE_NUMBER": "Phone number",
    "COUNTRY": "Country/Region",
    COMMENT: "What would you like to know?",
    SIZE: "Team size",
}


@dataclass(frozen=True, slots=True)
class Form:
    """One version of a form.

    Attributes:
        asks: predefined fields, or `COMMENT` or `SIZE`; ids are their places, from 1.
        consents: ids, and whether each must be given.
    """

    id: int
    version: int
    name: str
    owner: str
    asks: tuple[str, ...]
    state: str = "PUBLISHED"
    consents: dict[int, bool] = field(default_factory=lambda: {9: True, 10: False})

    @property
    def urn(self) -> str:
        """What responses and notifications call it."""
        return f"urn:li:versionedLeadGenForm:(urn:li:leadGenForm:{self.id},{self.version})"

    def shown(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "id": self.id,
            "versionId": self.version,
            "name": self.name,
            "state": self.state,
            "owner": {OWNERS[self.owner]: self.owner},
            "creationLocale": {"country": "US", "language": "en"},
            "hiddenFields": [{"name": "campaign", "value": "fall"}],
            "content": {
                "headline": _said("Talk to us"),
                "questions": [_question(n, what) for n, what in enumerate(self.asks, 1)],
                "legalInfo": {
                    "consents": [
                        {"id": number, "checkRequired": must, "consent": _said("Contact me")}
                        for number, must in self.consents.items()
                    ]
                },
            },
        }


def _said(text: str) -> dict[str, Any]:
    return {"localized": {"en_US": text}}


def _question(number: int, what: str) -> dict[str, Any]:
    told: dict[str, Any] = {
        "questionId": number,
        "name": what.lower(),
        "responseRequired": what not in {COMMENT, "PHONE_NUMBER"},
        "question": _said(_TEXTS[what]),
        "questionDetails": {"textQuestionDetails": {}},
    }
    if what == SIZE:
        options = [{"id": n, "text": _said(size)} for n, size in enumerate(SIZES, 1)]
        told["questionDetails"] = {"multipleChoiceQuestionDetails": {"options": options}}
    elif what != COMMENT:
        told["predefinedField"] = what
    return told


FORMS = (
    Form(
        7001,
        1,
        "Demo request",
        ACCOUNT,
        ("FIRST_NAME", "LAST_NAME", "WORK_EMAIL", "JOB_TITLE", "COMPANY_NAME"),
    ),
    Form(
        7001,
        2,
        "Demo request",
        ACCOUNT,
        (
            "WORK_EMAIL",
            "FIRST_NAME",
            "JOB_TITLE",
            "LAST_NAME",
            "COMPANY_NAME",
            "PHONE_NUMBER",
            "COUNTRY",
            SIZE,
            COMMENT,
        ),
    ),
    Form(7002, 1, "White paper", ACCOUNT, ("EMAIL", "FIRST_NAME", "LAST_NAME"), state="ARCHIVED"),
    Form(
        7101,
        1,
        "Newsletter",
        ORGANISATION,
        ("EMAIL", "FIRST_NAME", "LAST_NAME", "COMPANY_NAME", COMMENT),
    ),
)
