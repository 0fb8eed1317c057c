"""Whom a profile means, and what is wrong with it."""

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from policies.industries import INDUSTRIES
from policies.job_titles import FUNCTIONS, SENIORITIES
from policies.lead import Person
from policies.profile_words import ALL_SIZES
from policies.profiles import STARTERS, Profile, countries_of, matches, usable, why_unusable
from policies.prospect import EmailStatus, Prospect
from policies.regions import REGIONS

MINA = Prospect(
    source="uplead",
    record_id="1",
    person=Person("Mina", "Okafor", "mina.okafor@acme.example", "+4930901820"),
    company="Acme",
    domain="acme.example",
    title="VP Operations",
    industry="financial_services",
    country="DE",
    email_status=EmailStatus.VALID,
    facts={"seniority": "vp", "function": "operations", "company_size": "51-200"},
)


def test_words_are_taken_as_people_write_them_and_kept_as_ours() -> None:
    profile = Profile(
        industries=("fintech", "Banking"),
        countries=("Germany", "dach", "uk"),
        seniorities=("C-Level", "Vice President", "VP"),
        functions=("Human Resources", "IT"),
        company_sizes=("1,001 - 5,000",),
        domains=("https://www.Example.com/about",),
    )

    assert profile.industries == ("financial_services",)
    assert profile.countries == ("DE", "DACH", "GB")
    assert profile.seniorities == ("c_level", "vp")
    assert profile.functions == ("hr", "it")
    assert profile.company_sizes == ("1001-5000",)
    assert profile.domains == ("example.com",)


@pytest.mark.parametrize(
    ("field", "word", "hint"),
    [
        ("industries", "fintec", "write financial_services"),
        ("countries", "Germny", "write DE"),
        ("countries", "EUU", "write EU"),
        ("seniorities", "managr", "write manager"),
        ("functions", "marketting", "write marketing"),
        ("company_sizes", "11-51", "write 11-50"),
        ("seniorities", "boss", "write one of c_level, director"),
        ("domains", "not a domain", "write it as example.com"),
        ("titles", " ", "a title is words"),
    ],
)
def test_a_wrong_word_is_told_what_is_near(field: str, word: str, hint: str) -> None:
    with pytest.raises(ValidationError, match=hint):
        Profile.model_validate({field: [word]})


def test_all_wrong_words_of_a_list_are_told_at_once() -> None:
    with pytest.raises(ValidationError, match=r"'managr' .*'directr' "):
        Profile(seniorities=("managr", "directr"))


def test_regions_are_taken_apart() -> None:
    assert countries_of(Profile(countries=("DACH", "DE", "US"))) == ("AT", "CH", "DE", "US")
    assert len(countries_of(Profile(countries=("EU",)))) == 27
    assert countries_of(Profile()) == ()


some = st.lists
words = st.builds(
    Profile,
    industries=some(st.sampled_from(sorted(INDUSTRIES)), max_size=5),
    countries=some(st.sampled_from([*REGIONS, "US", "JP"]), max_size=5),
    seniorities=some(st.sampled_from(SENIORITIES), max_size=5),
    functions=some(st.sampled_from(FUNCTIONS), max_size=5),
    company_sizes=some(st.sampled_from(ALL_SIZES), max_size=5),
)


@given(words)
def test_a_stored_profile_is_read_as_it_was(profile: Profile) -> None:
    assert Profile.model_validate_json(profile.model_dump_json()) == profile


@given(st.text(max_size=300))
def test_any_text_is_a_word_or_refused(text: str) -> None:
    for field in ("industries", "countries", "seniorities", "functions", "company_sizes"):
        with suppress(ValidationError):
            profile = Profile.model_validate({field: [text]})
            assert Profile.model_validate(profile.model_dump()) == profile


def test_who_fits_everything_is_usable() -> None:
    profile = Profile(
        industries=("fintech",),
        countries=("EU",),
        seniorities=("vp",),
        functions=("operations",),
        titles=("operations",),
        company_sizes=("51-200",),
        domains=("acme.example",),
    )

    assert matches(profile, MINA) == ()
    assert usable(profile, MINA)


@pytest.mark.parametrize(
    ("profile", "reason"),
    [
        (Profile(industries=("mining",)), "the industry is financial_services"),
        (Profile(countries=("US",)), "the country is DE"),
        (Profile(seniorities=("owner",)), "the seniority is vp"),
        (Profile(functions=("legal",)), "the function is operations"),
        (Profile(company_sizes=("5001+",)), "the company size is 51-200"),
        (Profile(titles=("operation",)), "the title holds none of the wanted words"),
        (Profile(domains=("rival.example",)), "the company is none of those wanted"),
        (Profile(excluded_domains=("acme.example",)), "the company is one to pass over"),
    ],
)
def test_what_does_not_fit_is_said(profile: Profile, reason: str) -> None:
    assert matches(profile, MINA) == (reason,)
    assert reason in why_unusable(profile, MINA)


def test_what_is_not_told_does_not_count_against_anybody() -> None:
    silent = Prospect("zoominfo", "2", company="Acme", title="Rainmaker", industry="Alchemy")
    profile = Profile(
        industries=("mining",),
        countries=("US",),
        seniorities=("vp",),
        functions=("sales",),
        company_sizes=("1-10",),
        domains=("acme.example",),
    )

    assert matches(profile, silent) == ()
    assert matches(Profile(titles=("CFO",)), replace(silent, title="")) == ("no title is told",)


def test_title_and_the_word_of_the_source_may_differ_if_one_of_them_fits() -> None:
    head = replace(MINA, title="Head of Operations", facts={"seniority": "director"})

    assert matches(Profile(seniorities=("director",)), head) == ()
    assert matches(Profile(seniorities=("head",)), head) == ()
    assert matches(Profile(seniorities=("vp",)), head) == ("the seniority is director or head",)


def test_companies_are_known_by_the_address_too_and_with_their_subdomains() -> None:
    customer = Profile(excluded_domains=("acme.example",))
    person = Person("Mina", "Okafor", "mina@mail.acme.example")

    assert not usable(customer, replace(MINA, domain=None, person=person))
    assert usable(customer, replace(MINA, domain="notacme.example", person=Person(email="a@b.de")))


@pytest.mark.parametrize(
    ("prospect", "reason"),
    [
        (replace(MINA, person=Person("Mina")), "no e-mail address is known"),
        (replace(MINA, person=Person(email="mina at acme")), "no e-mail address is known"),
        (replace(MINA, person=Person(email="info@acme.example")), "the address is a desk's"),
        (replace(MINA, email_status=EmailStatus.CATCH_ALL), "not sure enough: catch_all"),
        (replace(MINA, email_status=None), "not sure enough: not checked"),
        (replace(MINA, opted_out=True), "objected to being sold"),
    ],
)
def test_who_cannot_be_written_to_is_not_usable(prospect: Prospect, reason: str) -> None:
    assert any(reason in told for told in why_unusable(Profile(), prospect))


def test_a_profile_may_take_catch_all_addresses_but_no_worse() -> None:
    profile = Profile(email="catch_all")

    assert usable(profile, replace(MINA, email_status=EmailStatus.CATCH_ALL))
    assert not usable(profile, replace(MINA, email_status=EmailStatus.RISKY))


def test_the_starting_profiles_are_narrow_enough_to_mean_somebody() -> None:
    assert {"fintech-eu", "saas-us", "manufacturing-dach"} <= STARTERS.keys()
    for profile in STARTERS.values():
        assert profile.industries
        assert profile.seniorities
        assert countries_of(profile)
