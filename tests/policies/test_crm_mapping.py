"""Leads become records as the operator's mapping says, and as nobody else does."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.crm_defaults import default_mapping, score_fields
from policies.crm_document import CrmMapping, MappingError, parse
from policies.crm_mapping import fits, opportunity_of, records_of, why_not
from policies.crm_values import country_name, units
from policies.industries import INDUSTRIES
from policies.lead import Fact, Lead, LeadId, LeadStatus, Person

NOW = datetime(2026, 11, 25, 1, 10, tzinfo=UTC)
LEAD = Lead(
    id=LeadId(UUID(int=7)),
    source="uplead",
    status=LeadStatus.SCORED,
    person=Person("Ann", "Ito", "ann@acme.example", "+4930901820", {"message": "Call me"}),
    external_id=None,
    company="Acme GmbH",
    domain="acme.example",
    title="Head of\nPurchasing",
    industry="software",
    country="DE",
    attributes={"seats": "40", "newsletter": "yes", "plan": "n/a"},
    outcome=None,
    score=81,
    confidence=0.734,
    tier="hot",
    tags=("b2b", "dach"),
    version=3,
    created_at=NOW,
    updated_at=NOW,
    scored_at=None,
)


def mapping(*fields: dict[str, Any], **more: object) -> CrmMapping:
    return parse({"fields": list(fields), **more})


def sent(field: dict[str, Any], lead: Lead = LEAD, facts: Sequence[Fact] = ()) -> object:
    """The value that one field gets; ``...`` if the field is left as it is."""
    record = records_of(mapping({"to": "X", **field}), lead, facts, reasons="Fits.").record
    assert record["LeadEngine_Id__c"] == str(LEAD.id)
    assert set(record) <= {"LeadEngine_Id__c", "X"}
    return record.get("X", ...)


def test_the_default_mapping_fills_standard_fields_and_the_external_id() -> None:
    mapped = records_of(default_mapping(), LEAD)
    assert mapped.problems == ()
    assert mapped.record == {
        "LeadEngine_Id__c": "00000000-0000-0000-0000-000000000007",
        "LastName": "Ito",
        "FirstName": "Ann",
        "Company": "Acme GmbH",
        "Email": "ann@acme.example",
        "Phone": "+4930901820",
        "Title": "Head of Purchasing",
        "Website": "https://acme.example",
        "Country": "Germany",
        "Industry": "Technology",
        "LeadSource": "Lead Engine",
    }


def test_a_lead_of_whom_nothing_is_known_can_still_be_created() -> None:
    bare = replace(
        LEAD, person=Person(), company="", domain=None, title="", industry=None, country=None
    )
    record = records_of(default_mapping(), bare).record
    assert record == {
        "LeadEngine_Id__c": str(LEAD.id),
        "LastName": "Unknown",
        "Company": "Unknown",
        "LeadSource": "Lead Engine",
    }


def test_every_industry_of_ours_has_a_word_there() -> None:
    for industry in INDUSTRIES:
        assert "Industry" in records_of(default_mapping(), replace(LEAD, industry=industry)).record


def test_score_tier_confidence_and_reasons_can_be_shown() -> None:
    record = records_of(mapping(*score_fields()), LEAD, reasons="Fits.").record
    assert list(record.values())[1:] == [81, "Hot", 73, "Fits."]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ({"from": "person.full_name"}, "Ann Ito"),
        ({"from": "person.notes.message"}, "Call me"),
        ({"from": "person.notes.other"}, ...),
        ({"from": "attributes.seats"}, "40"),
        ({"from": "attributes.plan"}, ...),
        ({"from": "attributes.nothing", "default": "x"}, "x"),
        ({"from": "attributes.nothing", "when_empty": "clear"}, None),
        ({"from": "created_at"}, "2026-11-25T01:10:00.000Z"),
        ({"from": "scored_at", "when_empty": "clear"}, None),
        ({"from": "tags"}, "b2b;dach"),
        ({"from": "id"}, str(LEAD.id)),
        ({"from": "status"}, "scored"),
        ({"from": "outcome"}, ...),
        ({"from": "reasons"}, "Fits."),
        ({"constant": True}, True),
        ({"constant": 3}, 3),
        ({"constant": "  x\r\ny "}, "x\ny"),
        ({"constant": "#N/A"}, ...),
    ],
)
def test_a_field_is_filled_from_where_the_mapping_says(
    field: dict[str, Any], value: object
) -> None:
    assert sent(field) == value


@pytest.mark.parametrize(
    ("source", "functions", "value"),
    [
        ("person.email", [{"name": "truncate", "length": 3}], "ann"),
        ("company", [{"name": "upper"}], "ACME GMBH"),
        ("company", [{"name": "lower"}, {"name": "title"}], "Acme Gmbh"),
        ("title", [{"name": "one_line"}], "Head of Purchasing"),
        (
            "domain",
            [{"name": "affix", "prefix": "https://", "suffix": "/"}],
            "https://acme.example/",
        ),
        ("tier", [{"name": "map", "table": {" HOT ": "1 - now"}}], "1 - now"),
        ("tier", [{"name": "map", "table": {"cold": "4"}}], "?"),
        ("tier", [{"name": "map", "table": {"cold": "4"}, "otherwise": "keep"}], "hot"),
        ("score", [{"name": "map", "table": {"81": True}}], True),
        ("confidence", [{"name": "number", "factor": 100, "digits": 1}], 73.4),
        ("confidence", [{"name": "number", "factor": 100}], 73),
        ("attributes.seats", [{"name": "number"}], 40),
        ("attributes.newsletter", [{"name": "boolean"}], True),
        ("attributes.newsletter", [{"name": "boolean_word", "yes": "Opt-in"}], "Opt-in"),
        ("created_at", [{"name": "date"}], "2026-11-25"),
        ("created_at", [{"name": "date", "style": "dd.mm.yyyy"}], "25.11.2026"),
        ("created_at", [{"name": "date", "style": "datetime"}], "2026-11-25T01:10:00.000Z"),
        ("created_at", [{"name": "text"}], "2026-11-25T01:10:00+00:00"),
        ("tags", [{"name": "join", "separator": " + "}], "b2b + dach"),
        ("tags", [{"name": "multi_select", "table": {"DACH": "Europe; DACH"}}], "Europe, DACH"),
        ("company", [{"name": "split", "separator": " "}], "Acme;GmbH"),
        ("country", [{"name": "country_name"}], "Germany"),
        ("country", [{"name": "country_name"}, {"name": "country_code"}], "DE"),
        ("score", [{"name": "text"}], "81"),
        ("confidence", [{"name": "text"}], "0.734"),
    ],
)
def test_each_function_does_what_it_says(
    source: str, functions: list[dict[str, Any]], value: object
) -> None:
    assert sent({"from": source, "transform": functions, "default": "?"}) == value


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>Hello&nbsp;<b>Ann</b></p><p>Bye</p>", "Hello Ann\nBye"),
        ("a < b and c > d", "a < b and c > d"),
        ("<script>alert(1)</script>x<style>b{}</style>", "x"),
        ("x<br/>y<!-- secret -->", "x\ny"),
        ("&lt;b&gt;", "<b>"),
    ],
)
def test_html_is_taken_out_and_its_text_is_kept(html: str, text: str) -> None:
    lead = replace(LEAD, attributes={"page": html})
    assert sent({"from": "attributes.page", "transform": [{"name": "strip_html"}]}, lead) == text


@pytest.mark.parametrize(
    ("source", "function"),
    [
        ("company", {"name": "number"}),
        ("company", {"name": "date"}),
        ("company", {"name": "boolean"}),
        ("score", {"name": "upper"}),
    ],
)
def test_a_value_that_a_function_cannot_take_counts_as_empty_and_is_told_without_the_value(
    source: str, function: dict[str, Any]
) -> None:
    field = {"to": "X", "from": source, "transform": [function], "default": "?"}
    mapped = records_of(mapping(field), LEAD)
    assert mapped.record["X"] == "?"
    [problem] = mapped.problems
    assert (problem.field, problem.fatal) == ("X", False)
    assert "Acme" not in problem.message
    assert "81" not in problem.message


def test_of_several_facts_the_one_that_counts_is_sent() -> None:
    def fact(value: str | None, confidence: float, day: int) -> Fact:
        return Fact("seniority", "x", value, confidence, datetime(2026, 11, day, tzinfo=UTC))

    field = {"from": "fact.seniority"}
    assert sent(field, facts=[fact("vp", 0.5, 9), fact("head", 0.9, 1)]) == "head"
    assert sent(field, facts=[fact("vp", 0.9, 2), fact("head", 0.9, 1)]) == "vp"
    assert sent(field, facts=[fact(None, 0.9, 2), fact("head", 0.1, 1)]) == "head"
    assert sent(field, facts=[]) == ...


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        ({"fields": []}, "fields"),
        ({"fields": [{"to": "X", "from": "scroe"}]}, r"fields\.0\.from.*did you mean score"),
        ({"fields": [{"to": "X"}]}, "X: give either 'from' or 'constant'"),
        ({"fields": [{"to": "X", "from": "score", "constant": 1}]}, "give either"),
        ({"fields": [{"to": "X", "from": "id"}, {"to": "x", "from": "id"}]}, "x is filled twice"),
        ({"fields": [{"to": "LeadEngine_Id__c", "from": "id"}]}, "is filled twice"),
        ({"fields": [{"to": "X.Y", "from": "id"}]}, r"fields\.0\.to"),
        ({"fields": [{"to": "X", "from": "id", "transform": [{"name": "eval"}]}]}, "'truncate'"),
        (
            {"fields": [{"to": "X", "from": "id"}], "opportunity": {"name": "{lead.__class__}"}},
            "there is no {lead.__class__}",
        ),
        ("text", "mapping"),
        (
            {"fields": [{"to": "X", "constant": float("nan")}]},
            r"^fields\.0\.constant: it must be text, a number, true or false$",
        ),
        (None, "mapping"),
    ],
)
def test_a_document_that_is_no_mapping_says_where_it_is_wrong(
    document: object, complaint: str
) -> None:
    with pytest.raises(MappingError, match=complaint):
        parse(document)


def test_a_mapping_is_the_same_after_it_was_kept_as_json() -> None:
    every = mapping(
        *score_fields(),
        {"to": "X", "constant": False, "when_empty": "clear"},
        audience={"min_score": 10, "tiers": ["hot"], "statuses": []},
        opportunity={"name": "{company} - {person.last_name}"},
    )
    assert parse(every.document()) == every
    assert parse(default_mapping().document()) == default_mapping()


@pytest.mark.parametrize(
    ("audience", "reason"),
    [
        ({}, None),
        ({"min_score": 81, "tiers": ["hot", "warm"], "sources": ["uplead"]}, None),
        ({"min_score": 82}, "Its score is 81; the CRM gets 82 and more."),
        ({"tiers": ["warm"]}, "Its tier is hot; the CRM gets warm."),
        ({"statuses": ["qualified"]}, "It is scored; the CRM gets what is qualified."),
        ({"sources": ["import"]}, "Its source is uplead; the CRM gets import."),
    ],
)
def test_an_audience_says_why_a_lead_stays_out(
    audience: dict[str, Any], reason: str | None
) -> None:
    wanted = mapping({"to": "X", "from": "id"}, audience=audience).audience
    assert why_not(wanted, LEAD) == reason
    assert fits(wanted, LEAD) is (reason is None)
    unscored = replace(LEAD, score=None, tier=None)
    assert "min_score" not in audience or not fits(wanted, unscored)


def test_an_opportunity_is_made_for_the_status_that_was_chosen() -> None:
    wanted = mapping(
        {"to": "X", "from": "id"},
        opportunity={"name": "{company} - {person.last_name} {attributes.no}", "amount": 900},
    )
    assert opportunity_of(wanted, LEAD, today=date(2026, 11, 25)) is None
    lead = replace(LEAD, status=LeadStatus.QUALIFIED)
    made = opportunity_of(wanted, lead, today=date(2026, 11, 25))
    assert made is not None
    assert made.record == {
        "LeadEngine_Id__c": str(LEAD.id),
        "Name": "Acme GmbH - Ito",
        "StageName": "Prospecting",
        "CloseDate": "2027-02-23",
        "Amount": 900,
    }


@pytest.mark.parametrize(
    ("code", "name"), [("us", "United States"), ("CN", "China"), ("XX", None), ("x|y", None)]
)
def test_countries_have_names(code: str, name: str | None) -> None:
    assert country_name(code) == name


@given(st.text(max_size=300), st.integers(1, 100))
def test_cut_text_fits_and_begins_like_the_whole(text: str, length: int) -> None:
    lead = replace(LEAD, company=text)
    field = {"from": "company", "transform": [{"name": "truncate", "length": length}]}
    value = sent(field, lead)
    if value is not ...:
        assert isinstance(value, str)
        assert units(value) <= length
        assert value == value.strip()
        assert value
        value.encode()


_NAMES = ["truncate", "upper", "title", "one_line", "strip_html", "split", "multi_select"]
_FUNCTIONS = st.lists(
    st.sampled_from(
        [{"name": n, **({"length": 9} if n == "truncate" else {})} for n in _NAMES]
        + [{"name": n} for n in ("number", "date", "boolean", "boolean_word", "text", "join")]
        + [{"name": n} for n in ("country_name", "country_code", "affix", "lower")]
        + [{"name": "map", "table": {"x": "y"}, "otherwise": "keep"}]
    ),
    max_size=4,
)
_VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=60)


@given(_VALUES, _FUNCTIONS)
def test_whatever_a_lead_holds_and_a_mapping_asks_the_record_can_be_sent(
    value: str | float | bool | None, functions: list[dict[str, Any]]
) -> None:
    lead = replace(LEAD, attributes={"x": value})
    field = {"to": "X", "from": "attributes.x", "transform": functions, "when_empty": "clear"}
    found = records_of(mapping(field), lead).record["X"]
    assert found is None or isinstance(found, str | int | float | bool)
    if isinstance(found, str):
        found.encode()
        assert found == found.strip()
        assert found not in ("", "#N/A")
        assert not any(c in found for c in "\x00\x1b\r")
    if isinstance(found, float):
        assert abs(found) < float("inf")
