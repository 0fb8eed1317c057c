"""Answers to a form become a lead, sealed where they are personal, with what was consented to."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from policies.linkedin_forms import (
    Answer,
    ConsentText,
    Form,
    Question,
    Response,
    lead_of,
    lead_types_of,
    owners_of,
    poll_window,
)

NOW = datetime(2026, 11, 25, 1, 0, tzinfo=UTC)
URN = "urn:li:versionedLeadGenForm:(urn:li:leadGenForm:7001,2)"
FORM = Form(
    URN,
    "Demo request",
    "DE",
    {"campaign": "fall"},
    (
        Question(1, "work email", "WORK_EMAIL"),
        Question(2, "email", "EMAIL"),
        Question(3, "first", "FIRST_NAME"),
        Question(4, "last", "LAST_NAME"),
        Question(5, "phone", "PHONE_NUMBER"),
        Question(6, "title", "JOB_TITLE"),
        Question(7, "company", "COMPANY_NAME"),
        Question(8, "country", "COUNTRY"),
        Question(9, "Team size", None, {1: "1-10", 2: "11-50"}),
        Question(10, "What do you need?", None),
        Question(11, "profile", "LINKEDIN_PROFILE_LINK"),
    ),
    (ConsentText(9, "Contact me"), ConsentText(10, "Call me")),
)
RESPONSE = Response(
    "0f3b7c1e-3",
    "SPONSORED",
    False,
    NOW,
    "urn:li:sponsoredAccount:512345",
    URN,
    (
        Answer(1, "mina@acme.example"),
        Answer(3, "Mina"),
        Answer(4, "Okafor"),
        Answer(5, "030 901820"),
        Answer(6, "VP Operations"),
        Answer(7, "Acme"),
        Answer(8, "Deutschland"),
        Answer(9, options=(2,)),
        Answer(10, "Forty seats"),
        Answer(11, "https://www.linkedin.com/in/mina"),
    ),
    {9: True},
    {"campaign": "99"},
)


def test_answers_are_joined_to_their_questions() -> None:
    lead = lead_of(RESPONSE, FORM)

    draft = lead.draft
    assert draft is not None
    person = draft.person
    assert (person.first_name, person.last_name) == ("Mina", "Okafor")
    assert (person.email, person.phone) == ("mina@acme.example", "+4930901820")
    assert (draft.title, draft.company, draft.country) == ("VP Operations", "Acme", "DE")
    assert (draft.source, draft.external_id) == ("linkedin", "0f3b7c1e-3")
    assert draft.attributes == {
        "Team size": "11-50",
        "What do you need?": "Forty seats",
        "campaign": "fall",
        "linkedin form": "Demo request",
        "linkedin campaign": "99",
    }
    assert person.notes == {"linkedin_url": "https://www.linkedin.com/in/mina"}
    assert lead.problems == ()


def test_consents_are_kept_with_the_hash_of_their_text_and_silence_is_no_consent() -> None:
    given, silent = lead_of(RESPONSE, FORM).consents

    assert (given.id, given.given, given.text) == (9, True, "Contact me")
    assert given.text_hash == hashlib.sha256(b"Contact me").hexdigest()
    assert (silent.id, silent.given) == (10, False)


def test_the_address_at_work_is_preferred_and_the_other_kept() -> None:
    both = (Answer(2, "mina@home.example"), *RESPONSE.answers)
    for answers in (both, both[::-1]):
        draft = lead_of(replace(RESPONSE, answers=answers), FORM).draft
        assert draft is not None
        assert draft.person.email == "mina@acme.example"
        assert draft.person.notes["email"] == "mina@home.example"


def test_what_cannot_be_read_is_sealed_and_said_without_quoting_it() -> None:
    answers = (Answer(1, "mina at acme"), Answer(5, "12"), Answer(10, "call +49 30 901820"))

    lead = lead_of(replace(RESPONSE, answers=answers), FORM)

    assert lead.draft is not None  # its id tells it from others
    assert lead.draft.person.email is None
    assert set(lead.draft.person.notes) == {"work email", "phone number", "What do you need?"}
    assert len(lead.problems) == 2
    assert all("mina at acme" not in each.problem for each in lead.problems)


def test_without_the_version_of_the_form_only_an_address_is_understood_and_all_is_sealed() -> None:
    lead = lead_of(RESPONSE, None)

    assert lead.draft is not None
    assert lead.draft.person.email == "mina@acme.example"
    assert lead.draft.person.notes["question 3"] == "Mina"
    assert lead.draft.attributes == {"linkedin campaign": "99"}
    assert "cannot be had" in lead.problems[0].problem
    assert [(c.id, c.given, c.text, c.text_hash) for c in lead.consents] == [(9, True, "", "")]


def test_questions_and_options_that_the_form_lacks_do_not_break_it() -> None:
    answers = (Answer(1, "mina@acme.example"), Answer(99, "?"), Answer(9, options=(7,)))

    draft = lead_of(replace(RESPONSE, answers=answers), FORM).draft

    assert draft is not None
    assert draft.attributes["Team size"] == "option 7"
    assert draft.attributes["question 99"] == "?"


def test_hostile_texts_are_cut_and_cleaned() -> None:
    answers = (
        Answer(1, "mina@acme.example"),
        Answer(6, "VP\x00\u202e Operations"),
        Answer(10, "x" * 100_000),
    )

    draft = lead_of(replace(RESPONSE, answers=answers), FORM).draft

    assert draft is not None
    assert draft.title == "VP Operations"
    assert len(draft.person.notes["What do you need?"]) == 2_000


def test_polls_overlap_and_reach_no_further_back_than_linkedin_keeps() -> None:
    day = timedelta(days=1)

    assert poll_window(NOW - day, NOW) == (NOW - day - timedelta(hours=1), NOW)
    assert poll_window(None, NOW) == (NOW - 90 * day, NOW)
    assert poll_window(NOW - 400 * day, NOW) == (NOW - 90 * day, NOW)


def test_owners_are_accounts_and_organisations() -> None:
    account, page = "urn:li:sponsoredAccount:512345", "urn:li:organization:2414183"

    assert owners_of(f" {account} ,{page},, {account}") == (account, page)
    assert lead_types_of(account) == ("SPONSORED",)
    assert "COMPANY" in lead_types_of(page)
    with pytest.raises(ValueError, match="write urn:li:sponsoredAccount"):
        owners_of("512345")
