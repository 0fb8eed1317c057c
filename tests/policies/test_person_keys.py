"""By what people are known again: spellings meet, different people do not."""

import pytest

from policies.person_keys import company_key, linkedin_key, person_keys


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("Zoë", "Müller"), ("ZOE", "Muller")),
        (("Jean-Luc", "O'Neil"), ("jean luc", "o'neil")),
    ],
)
def test_spellings_of_a_name_meet(one: tuple[str, str], other: tuple[str, str]) -> None:
    keys = [person_keys(*name, domain="Acme.com", company="ACME, Inc.") for name in (one, other)]

    assert keys[0] == keys[1]
    assert keys[0].name is not None


def test_a_name_alone_is_nobody() -> None:
    assert person_keys("Ann", "Lee", domain=None, company="").name is None
    assert person_keys("Ann", None, domain="acme.com", company="Acme") == person_keys(
        None, None, domain=None, company=""
    )


def test_the_same_name_elsewhere_is_somebody_else() -> None:
    one = person_keys("Ann", "Lee", domain="acme.com", company="Acme")
    other = person_keys("Ann", "Lee", domain="bolt.de", company="Bolt")

    assert one.name != other.name
    assert one.company != other.company


@pytest.mark.parametrize("name", ["Acme GmbH", "ACME", "Acme, Inc.", "The Acme Group Ltd"])
def test_legal_forms_tell_no_companies_apart(name: str) -> None:
    assert company_key(name) == "acme"


@pytest.mark.parametrize(
    "url",
    [
        "https://www.linkedin.com/in/Ann-Lee-1/",
        "http://de.linkedin.com/in/ann-lee-1?trk=x",
        "linkedin.com/in/ann-lee-1#about",
        "www.linkedin.com/in/ann%2Dlee-1",
    ],
)
def test_addresses_of_one_profile_meet(url: str) -> None:
    assert linkedin_key(url) == "ann-lee-1"


@pytest.mark.parametrize(
    "url", [None, "", "https://linkedin.com/company/acme", "https://evil.example/?linkedin", "x"]
)
def test_what_is_no_profile_tells_nobody(url: str | None) -> None:
    assert linkedin_key(url) is None
