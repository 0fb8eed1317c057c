"""What a lead's own data tell, and what of it scoring may see."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from policies.countries import (
    country_code,
    country_of_phone,
    folded,
    zone_of_country,
    zone_of_phone,
)
from policies.country_names import NAMES
from policies.enrichment import FACTS, SOURCES, email_kind, enrich, size_of
from policies.industries import INDUSTRIES, industry_of
from policies.job_titles import FUNCTIONS, SENIORITIES, function_of, seniority_of
from policies.lead import Fact, Lead, LeadId, LeadStatus, Person
from policies.lead_features import lead_features

NOW = datetime(2026, 11, 24, tzinfo=UTC)
ANN = Lead(
    id=LeadId(UUID(int=1)),
    source="import",
    status=LeadStatus.NEW,
    person=Person("Ann", "Lee", "ann@acme.de", "+4930901820", {"hobby": "tea"}),
    external_id="7",
    company="Acme",
    domain=None,
    title="Head of Sales",
    industry="Maschinenbau",
    country=None,
    attributes={"Employees": "51-200", "visits": "3"},
    outcome=None,
    score=None,
    confidence=None,
    tier=None,
    tags=(),
    version=1,
    created_at=NOW,
    updated_at=NOW,
)


@pytest.mark.parametrize(
    ("title", "seniority", "function"),
    [
        ("CEO", "c_level", "executive"),
        ("Vice President of Sales", "vp", "sales"),
        ("Senior Vice President Marketing", "vp", "marketing"),
        ("Executive Assistant to the CEO", "entry", None),
        ("Co-Founder & CTO", "owner", "engineering"),
        ("Geschäftsführerin", "c_level", "executive"),
        ("Leiter Vertrieb", "head", "sales"),
        ("IT-Leiter", "head", "it"),
        ("Einkäuferin", None, "purchasing"),
        ("Werkstudent Marketing", "entry", "marketing"),
        ("Directeur des ventes", "director", "sales"),
        ("Responsable RH", "head", "hr"),
        ("Jefe de Compras", "head", "purchasing"),
        ("HR Business Partner", "specialist", "hr"),
        ("Product Owner", "manager", "product"),
        ("Senior Software Engineer", "senior", "engineering"),
        ("Sales Representative", "specialist", "sales"),
        ("Student", "student", "education"),
        ("Zauberer", None, None),
        ("", None, None),
    ],
)
def test_a_title_tells_rank_and_function(
    title: str, seniority: str | None, function: str | None
) -> None:
    assert (seniority_of(title), function_of(title)) == (seniority, function)
    assert seniority in (None, *SENIORITIES)
    assert function in (None, *FUNCTIONS)


@pytest.mark.parametrize(
    ("text", "industry"),
    [
        ("Computer Software", "software"),
        ("Insurance brokers", "insurance"),
        ("Hospital & Health Care", "healthcare"),
        ("Maschinenbau", "manufacturing"),
        ("agroalimentaire", "food"),
        ("IT", "it_services"),
        ("let it be", None),
        ("Select", None),
        *((name, name) for name in INDUSTRIES),
    ],
)
def test_industries_are_known_by_many_names(text: str, industry: str | None) -> None:
    assert industry_of(text) == industry


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Germany", "DE"),
        ("deu", "DE"),
        ("Österreich", "AT"),
        ("U.S.A.", "US"),
        ("UK", "GB"),
        ("Côte d'Ivoire", "CI"),
        ("ESPAÑA", "ES"),
        ("中国", "CN"),
        ("Korea, Republic of", "KR"),
        ("Asia/Pacific Region", None),
        ("unknown", None),
        ("", None),
    ],
)
def test_countries_are_known_by_code_and_name(text: str, code: str | None) -> None:
    assert country_code(text) == code


def test_no_name_means_two_countries() -> None:
    owners: dict[str, str] = {}
    for line in NAMES.replace("\n    ", " ").strip().splitlines():
        code, *names = line.split("|")
        assert country_code(code) == code.upper()
        for name in names:
            assert folded(name) == name
            assert owners.setdefault(name, code) == code
    assert len(set(owners.values())) == 250


def test_time_zones_come_from_the_number_or_the_country() -> None:
    assert country_of_phone("+14155552671") == "US"
    pacific = zone_of_phone("+14155552671")
    assert pacific is not None
    assert pacific.name == "America/Los_Angeles"
    most = zone_of_country("US")
    assert most is not None
    assert most.confidence < pacific.confidence
    india = zone_of_country("IN")
    assert india is not None
    assert india.name == "Asia/Kolkata"
    assert zone_of_country("XX") is None
    assert country_of_phone("nonsense") is None


@pytest.mark.parametrize(
    ("email", "kind"),
    [
        ("ann@acme.de", "work"),
        ("ann@gmail.com", "free"),
        ("info@acme.de", "role"),
        ("nobody", "none"),
        (None, "none"),
    ],
)
def test_kinds_of_address(email: str | None, kind: str) -> None:
    assert email_kind(email) == kind


def test_sizes_are_classes() -> None:
    assert [size_of(v) for v in (3, "51-200", "10,001+", "many", None, 0)] == [
        *("1-10", "51-200", "5001+", None, None, None)
    ]


def test_each_thing_found_has_its_source() -> None:
    found = enrich(ANN, now=NOW)
    assert (found.domain, found.country, found.industry) == ("acme.de", "DE", "manufacturing")
    assert {(f.field, f.source): f.value for f in found.facts} == {
        ("email_kind", "email"): "work",
        ("domain", "email"): "acme.de",
        ("seniority", "title"): "head",
        ("function", "title"): "sales",
        ("country", "phone"): "DE",
        ("country", "domain"): "DE",
        ("time_zone", "phone"): "Europe/Berlin",
        ("time_zone", "country"): "Europe/Berlin",
        ("industry", "record"): "manufacturing",
        ("company_size", "record"): "51-200",
    }
    assert {f.field for f in found.facts} <= set(FACTS)
    assert {f.source for f in found.facts} <= SOURCES


def test_what_the_source_told_is_not_replaced() -> None:
    found = enrich(replace(ANN, country="FR", domain="acme.com"), now=NOW)
    assert (found.country, found.domain) == (None, None)


def test_a_free_mailbox_names_no_company() -> None:
    person = Person(email="ann@gmail.com")
    found = enrich(replace(ANN, person=person), now=NOW)
    assert found.domain is None


def test_enriching_what_was_enriched_finds_the_same() -> None:
    first = enrich(ANN, now=NOW)
    kept = replace(ANN, country=first.country, domain=first.domain, industry=first.industry)
    again = enrich(kept, before=first.facts, now=NOW)
    assert again.facts == first.facts
    assert (again.country, again.domain, again.industry) == (None, None, None)


def test_what_is_said_no_more_is_withdrawn_but_not_a_vendors_word() -> None:
    vendor = Fact("seniority", "uplead", "vp", 0.9, NOW)
    first = enrich(ANN, now=NOW)
    again = enrich(replace(ANN, title=""), before=(*first.facts, vendor), now=NOW)
    withdrawn = {(f.field, f.source) for f in again.facts if f.value is None}
    assert withdrawn == {("seniority", "title"), ("function", "title")}


def test_features_are_attributes_and_what_we_know() -> None:
    facts = enrich(ANN, now=NOW).facts
    values = lead_features(replace(ANN, status=LeadStatus.ENRICHED), facts).values
    assert values == {
        "Employees": "51-200",
        "visits": "3",
        "title": "Head of Sales",
        "company": "Acme",
        "source": "import",
        "has_email": True,
        "has_phone": True,
        "seniority": "head",
        "function": "sales",
        "email_kind": "work",
        "country": "DE",
        "time_zone": "Europe/Berlin",
        "industry": "Maschinenbau",
        "company_size": "51-200",
    }


def test_features_hold_nothing_personal() -> None:
    facts = enrich(ANN, now=NOW).facts
    told = repr(lead_features(ANN, facts))
    assert not [each for each in ("Ann", "Lee", "ann@", "901820", "tea") if each in told]


def test_before_enrichment_a_feature_is_not_fetched_and_afterwards_empty() -> None:
    assert not lead_features(ANN, ()).fetched("seniority")
    enriched = lead_features(replace(ANN, status=LeadStatus.ENRICHED), ())
    assert enriched.fetched("seniority")
    assert enriched.values["seniority"] is None


def test_the_surest_fact_counts_then_the_newest() -> None:
    facts = [
        Fact("seniority", "title", "head", 0.8, NOW),
        Fact("seniority", "uplead", "vp", 0.9, NOW - timedelta(days=9)),
        Fact("function", "title", "sales", 0.7, NOW - timedelta(days=9)),
        Fact("function", "uplead", "it", 0.7, NOW),
    ]
    values = lead_features(ANN, facts).values
    assert (values["seniority"], values["function"]) == ("vp", "it")
