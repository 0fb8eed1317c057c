"""What is an address, and when two spellings mean one mailbox."""

from pathlib import Path
from xml.etree import ElementTree as ET

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.contact_points import (
    email_problem,
    is_free_mail,
    is_role_address,
    normal_email,
    normal_phone,
    phone_problem,
    typed_email,
)

SOUND = {"ISEMAIL_VALID_CATEGORY", "ISEMAIL_DNSWARN"}


def test_isemail_is_accepted_where_its_syntax_is_sound_and_simple(shared: Path) -> None:
    root = ET.parse(shared / "corpora/isemail/tests.xml").getroot()
    told = {True: 0, False: 0}
    for case in root.iter("test"):
        text = case.findtext("address") or ""
        address = "".join(chr(ord(c) - 0x2400) if 0x2400 <= ord(c) <= 0x2421 else c for c in text)
        sound = case.findtext("category") in SOUND and address != "test@io"
        assert (normal_email(address) is not None) == sound, address
        assert (email_problem(address) is None) == sound, address
        told[sound] += 1
    assert told == {True: 21, False: 143}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ann@Example.COM", "ann@example.com"),
        ("ann@MÜNCHEN.de", "ann@xn--mnchen-3ya.de"),
        ("ann\uff20example.com", "ann@example.com"),
        ("jose\u0301@x.org", "jos\u00e9@x.org"),
    ],
)
def test_spellings_of_one_mailbox_share_a_normal_form(one: str, other: str) -> None:
    assert normal_email(one) == normal_email(other) is not None


def test_a_tag_makes_another_mailbox() -> None:
    assert normal_email("ann+news@x.org") != normal_email("ann@x.org")


@given(st.text(st.characters(codec="utf-8"), max_size=40) | st.emails())
def test_a_normal_form_is_its_own_normal_form(text: str) -> None:
    normal = normal_email(text)
    assert normal is None or normal_email(normal) == normal
    assert (normal is None) == (email_problem(text) is not None)


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        (" ann@x.org ", "ann@x.org"),
        ("Ann Lee <ann@x.org>", "ann@x.org"),
        ("mailto:ann@x.org", "ann@x.org"),
        ("\u200bann@x.org\ufeff", "ann@x.org"),
        ("<script>", "<script>"),
    ],
)
def test_what_is_pasted_around_an_address_is_taken_off(typed: str, address: str) -> None:
    assert typed_email(typed) == address


@pytest.mark.parametrize(
    ("text", "told"),
    [("ann", "no @"), ("@x.org", "before the @"), ("ann@x", "no dot"), ("a b@x.org", "a space")],
)
def test_what_is_wrong_is_said(text: str, told: str) -> None:
    assert told in (email_problem(text) or "")


@pytest.mark.parametrize(
    ("text", "country", "number"),
    [
        ("030 901820", "DE", "+4930901820"),
        ("+49 (0)30 / 90 18-20", None, "+4930901820"),
        ("0049 30 901820", None, "+4930901820"),
        ("(415) 555-2671", "US", "+14155552671"),
        ("+39 06 698 12345", None, "+390669812345"),
        ("030 901820", None, None),
        ("12", "DE", None),
        ("+49", None, None),
        ("9" * 300, "DE", None),
        ("call me", "DE", None),
    ],
)
def test_a_phone_number_is_brought_to_e164(
    text: str, country: str | None, number: str | None
) -> None:
    assert normal_phone(text, country) == number
    assert (phone_problem(text, country) is None) == (number is not None)


def test_the_fast_way_knows_the_numbers_of_every_country() -> None:
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        example = phonenumbers.example_number(region)
        assert example is not None
        e164 = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
        assert normal_phone(e164, None) == e164


@given(st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True))
def test_the_fast_way_agrees_with_the_parser(number: str) -> None:
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        parsed = None
    valid = parsed is not None and phonenumbers.is_valid_number(parsed)
    assert (normal_phone(number, None) is not None) == valid


def test_free_mail_and_desks_are_told_from_companies_and_people() -> None:
    assert is_free_mail("gmail.com")
    assert is_free_mail("yahoo.co.uk")
    assert not is_free_mail("acme.de")
    assert is_role_address("info")
    assert is_role_address("sales.emea")
    assert not is_role_address("ann.sales")
