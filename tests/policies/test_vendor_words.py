"""What is said in a vendor's words comes back as ours, and what cannot be said is told."""

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies import uplead_words, zoominfo_words
from policies.countries import country_code
from policies.industries import INDUSTRIES
from policies.job_titles import FUNCTIONS, SENIORITIES
from policies.profile_words import ALL_SIZES
from policies.profiles import STARTERS, Profile
from policies.prospect import EmailStatus
from policies.vendor_words import COUNTRY_NAMES, clean, express


def test_every_country_has_a_name_that_is_read_as_it() -> None:
    assert [code for code, name in COUNTRY_NAMES.items() if country_code(name) != code] == []


@pytest.mark.parametrize("words", [uplead_words, zoominfo_words])
def test_every_industry_and_size_of_ours_can_be_said(words: object) -> None:
    assert set(vars(words)["INDUSTRIES"]) == set(INDUSTRIES)
    sizes: Mapping[str, object] = vars(words).get("SIZES") or vars(words)["EMPLOYEES"]
    assert tuple(sizes) == ALL_SIZES


@pytest.mark.parametrize(
    ("table", "ours"),
    [
        (uplead_words.SENIORITIES, SENIORITIES),
        (uplead_words.FUNCTIONS, FUNCTIONS),
        (zoominfo_words.SENIORITIES, SENIORITIES),
        (zoominfo_words.DEPARTMENTS, FUNCTIONS),
    ],
)
def test_nothing_is_said_that_is_not_ours(
    table: Mapping[str, Sequence[str]], ours: Sequence[str]
) -> None:
    assert set(table) <= set(ours)


def test_uplead_reads_what_it_says() -> None:
    for ours, names in uplead_words.INDUSTRIES.items():
        assert {uplead_words.industry_of_name(name) for name in names} == {ours}
    levels = {word for words in uplead_words.SENIORITIES.values() for word in words}
    assert all(uplead_words.seniority_of_level(level) in SENIORITIES for level in levels)
    jobs = {word for words in uplead_words.FUNCTIONS.values() for word in words}
    assert all(uplead_words.function_of_job(job) in FUNCTIONS for job in jobs)
    assert uplead_words.industry_of_name("Alchemy") == "Alchemy"
    assert uplead_words.email_status_of("accept_all") is EmailStatus.CATCH_ALL
    assert uplead_words.email_status_of("anything") is EmailStatus.UNKNOWN


def test_zoominfo_reads_what_it_says() -> None:
    assert zoominfo_words.seniority_of_levels(["Non Manager", "VP Level Exec"]) == "vp"
    assert zoominfo_words.seniority_of_levels(["C Level Exec", "Board Member"]) == "c_level"
    assert zoominfo_words.function_of_departments(["Engineering & Technical"]) == "engineering"
    assert zoominfo_words.industry_of_names(["Manufacturing", "Motor Vehicles"]) == "automotive"
    assert zoominfo_words.industry_of_names(["Manufacturing"]) == "manufacturing"
    assert zoominfo_words.industry_of_names(["Alchemy"]) == "Alchemy"


def test_a_word_of_zoominfo_that_may_mean_several_of_ours_tells_nothing() -> None:
    assert zoominfo_words.industry_of_names(["Business Services"]) is None
    told = zoominfo_words.industry_of_names(["Business Services", "Management Consulting"])
    assert told == "professional_services"


@pytest.mark.parametrize(
    ("score", "moved", "status"),
    [
        (95, False, EmailStatus.VALID),
        (85, False, EmailStatus.VALID),
        (84, False, EmailStatus.UNKNOWN),
        (60, False, EmailStatus.RISKY),
        (None, False, EmailStatus.UNKNOWN),
        (99, True, EmailStatus.RISKY),
    ],
)
def test_zoominfo_rates_the_contact_and_who_moved_is_risky(
    score: int | None, moved: bool, status: EmailStatus
) -> None:
    assert zoominfo_words.email_status_of(score, moved=moved) is status


def test_uplead_is_asked_in_its_own_filters() -> None:
    criteria = uplead_words.criteria_of(
        Profile(
            industries=("insurance",),
            countries=("BENELUX",),
            seniorities=("vp", "head"),
            functions=("hr",),
            titles=("People",),
            company_sizes=("201-1000",),
            excluded_domains=("acme.example",),
        )
    )

    assert criteria.values == {
        "industries": ["Insurance"],
        "countries": ["Belgium", "Luxembourg", "Netherlands"],
        "management_levels": ["VP", "D"],
        "job_functions": ["human resources"],
        "titles": ["People"],
        "title_search_mode": "include",
        "employees": ["201-500", "501-1000"],
        "email_status": "valid",
    }
    assert criteria.unexpressed == (
        "seniority head: asked for as directors",
        "companies to pass over: checked on the answers, each of which is paid for",
    )
    assert criteria.impossible is None


def test_zoominfo_is_asked_in_texts_parted_by_commas() -> None:
    criteria = zoominfo_words.criteria_of(
        Profile(
            countries=("US", "CA"),
            seniorities=("c_level",),
            functions=("finance", "legal"),
            titles=("CFO, Group",),
            company_sizes=("11-50", "1001-5000"),
        )
    )

    assert criteria.values == {
        "country": "Canada,United States",
        "managementLevel": "C Level Exec,Board Member",
        "department": "Finance,Legal",
        "jobTitle": "CFO  Group",
        "employeeRangeMin": "11",
        "employeeRangeMax": "5000",
        "requiredFields": "email",
        "contactAccuracyScoreMin": "85",
    }
    assert "company sizes with a gap" in criteria.unexpressed[0]
    largest = zoominfo_words.criteria_of(Profile(company_sizes=("5001+",)))
    assert largest.values["employeeRangeMin"] == "5001"
    assert "employeeRangeMax" not in largest.values


def test_zoominfo_is_asked_for_an_industry_by_its_closest_name_first() -> None:
    criteria = zoominfo_words.criteria_of(Profile(industries=("pharmaceuticals", "insurance")))

    assert criteria.values[zoominfo_words.INDUSTRY_NAMES] == [
        [["Pharmaceuticals", "Biotechnology"], ["Manufacturing", "Healthcare Services"]],
        [["Insurance"]],
    ]
    for ours, names in zoominfo_words.CLOSER.items():
        assert {zoominfo_words.industry_of_names([name]) for name in names} == {ours}


def test_what_cannot_be_asked_for_is_said() -> None:
    some = uplead_words.criteria_of(Profile(seniorities=("vp", "entry")))
    none = uplead_words.criteria_of(Profile(seniorities=("student",)))

    assert some.values["management_levels"] == ["VP"]
    assert some.unexpressed == ("seniority entry: not found here",)
    assert "management_levels" not in none.values
    assert none.unexpressed == ("seniority student: checked on the answers",)
    assert express((), {}, "industry").notes == ()


def test_every_starting_profile_can_be_said_to_both() -> None:
    for profile in STARTERS.values():
        for criteria in (
            uplead_words.criteria_of(profile),
            zoominfo_words.criteria_of(profile),
        ):
            assert len(criteria.values) >= 4


def test_a_strangers_text_shows_nothing_that_hides() -> None:
    assert clean("Mi\u200bna \u202eOkafor\x00\r\nVP\ud800") == "Mina Okafor VP"
    assert clean("Kshi\u200dti") == "Kshi\u200dti"
    assert clean(["Mina"]) == ""
    assert clean("x" * 1000, 10) == "x" * 10


@given(st.text(), st.integers(1, 50))
def test_clean_text_is_short_printable_and_stays_as_it_is(text: str, longest: int) -> None:
    cleaned = clean(text, longest)

    assert len(cleaned) <= longest
    assert clean(cleaned, longest) == cleaned
    assert all(c.isprintable() or c in "\u200c\u200d" for c in cleaned)
    cleaned.encode()
