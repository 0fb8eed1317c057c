"""A mapping is told what is wrong with it before anything is sent."""

import re
from typing import Any

import pytest

from policies.crm_checks import check, check_values
from policies.crm_document import parse
from policies.crm_records import Description, Field

KEY = Field("LeadEngine_Id__c", length=64, external_id=True, unique=True)
LEAD = Description(
    "Lead",
    (
        KEY,
        Field("Id", "id", length=18, createable=False, updateable=False, defaulted=True),
        Field("LastName", length=80, nillable=False),
        Field("Company", length=255, nillable=False),
        Field("Status", "picklist", picklist=("Open", "Working"), nillable=False, defaulted=True),
        Field("Name", length=121, compound=True, createable=False, updateable=False),
        Field("Email", "email", length=80),
        Field("Score__c", "double", digits=3),
        Field("Consent__c", "boolean", nillable=False, defaulted=True),
        Field("Seen__c", "datetime"),
        Field("Since__c", "date"),
        Field("Tier__c", "picklist", picklist=("Hot", "Cold"), restricted=True),
        Field("Topics__c", "multipicklist", picklist=("A", "B"), restricted=True),
        Field("Code__c", length=5),
        Field("CreatedById", "reference", createable=True, updateable=False),
    ),
)
REQUIRED = [
    {"to": "LastName", "constant": "x"},
    {"to": "Company", "constant": "y"},
]


def told(field: dict[str, Any]) -> list[tuple[bool, str]]:
    problems = check(parse({"fields": [*REQUIRED, field]}), LEAD)
    assert all(problem.field == field["to"] for problem in problems)
    return [(problem.fatal, problem.message) for problem in problems]


@pytest.mark.parametrize(
    ("field", "fatal", "words"),
    [
        ({"to": "Scroe__c", "from": "score"}, True, "did you mean Score__c"),
        ({"to": "Id", "from": "id"}, True, "cannot write it ever"),
        ({"to": "CreatedById", "constant": "x"}, True, "after it was created"),
        ({"to": "Name", "from": "person.full_name"}, True, "made of other fields"),
        ({"to": "Email", "from": "score"}, True, "takes a text.*value is a number.*function text"),
        ({"to": "Score__c", "from": "tier"}, True, "takes a number.*function number"),
        (
            {"to": "Score__c", "from": "attributes.x"},
            False,
            "may be anything.*number",
        ),
        ({"to": "Consent__c", "constant": "yes"}, True, "function boolean"),
        ({"to": "Seen__c", "from": "tier"}, True, "style datetime"),
        ({"to": "Since__c", "from": "created_at"}, True, "takes a date.*function date"),
        ({"to": "Code__c", "constant": "123456"}, True, "takes 5 characters"),
        ({"to": "Code__c", "from": "company"}, False, "longer than 5: add truncate"),
        ({"to": "Tier__c", "constant": "hot"}, True, "does not have 'hot'"),
        ({"to": "Status", "constant": "Opne"}, False, "did you mean 'Open'"),
        ({"to": "Tier__c", "from": "tier"}, False, "restricted.*add map"),
        (
            {
                "to": "Tier__c",
                "from": "tier",
                "transform": [{"name": "map", "table": {"hot": "Hot", "warm": "Warm"}}],
            },
            True,
            "does not have 'Warm'",
        ),
        (
            {
                "to": "Topics__c",
                "from": "tags",
                "transform": [{"name": "multi_select", "table": {"a": "C"}}],
            },
            True,
            "does not have 'C'",
        ),
        (
            {"to": "Score__c", "from": "score", "transform": [{"name": "upper"}]},
            True,
            "upper does not take a number",
        ),
        ({"to": "Consent__c", "from": "outcome", "when_empty": "clear"}, True, "cannot be emptied"),
    ],
)
def test_a_field_that_cannot_work_is_told_with_a_remedy(
    field: dict[str, Any], fatal: bool, words: str
) -> None:
    problems = told(field)
    assert any(f is fatal and re.search(words, message) for f, message in problems), problems


@pytest.mark.parametrize(
    "field",
    [
        {"to": "Email", "from": "person.email"},
        {"to": "score__C", "from": "score"},
        {"to": "Since__c", "from": "created_at", "transform": [{"name": "date"}]},
        {"to": "Seen__c", "from": "created_at"},
        {"to": "Consent__c", "from": "outcome"},
        {"to": "Code__c", "from": "company", "transform": [{"name": "truncate", "length": 5}]},
        {"to": "Tier__c", "from": "tier", "transform": [{"name": "map", "table": {"hot": "Hot"}}]},
        {
            "to": "Topics__c",
            "from": "tags",
            "transform": [{"name": "multi_select", "table": {"a": "A"}}],
        },
        {"to": "Tier__c", "constant": "Cold"},
    ],
)
def test_a_field_that_works_is_not_complained_of(field: dict[str, Any]) -> None:
    assert told(field) == []


def test_a_required_field_must_be_mapped_and_always_filled() -> None:
    problems = check(parse({"fields": [{"to": "lastname", "from": "person.last_name"}]}), LEAD)
    assert ("Company", True) in {(p.field, p.fatal) for p in problems}
    assert ("LastName", False) in {(p.field, p.fatal) for p in problems}
    filled = {"to": "LastName", "from": "person.last_name", "default": "?"}
    problems = check(parse({"fields": [filled, REQUIRED[1]]}), LEAD)
    assert not [p for p in problems if "required" in p.message]


@pytest.mark.parametrize(
    ("key", "fatal", "words"),
    [
        (None, True, "there is no such field"),
        (Field("LeadEngine_Id__c", length=64), True, "no external id"),
        (Field("LeadEngine_Id__c", length=20, external_id=True), True, "36 characters"),
        (Field("LeadEngine_Id__c", "double", external_id=True), True, "36 characters"),
        (
            Field("LeadEngine_Id__c", length=64, external_id=True, updateable=False),
            True,
            "may not write",
        ),
        (Field("LeadEngine_Id__c", length=64, external_id=True), False, "not marked unique"),
    ],
)
def test_the_external_id_must_be_one(key: Field | None, fatal: bool, words: str) -> None:
    fields = (*LEAD.fields[2:], *(() if key is None else (key,)))
    problems = check(parse({"fields": REQUIRED}), Description("Lead", fields))
    [problem] = [p for p in problems if p.field == "LeadEngine_Id__c"]
    assert (problem.fatal, words in problem.message) == (fatal, True)


def test_the_values_of_one_record_are_held_against_the_description() -> None:
    record = {
        "Code__c": "1234\U0001f600",
        "Tier__c": "Warm",
        "Topics__c": "A;C",
        "LastName": None,
        "Email": "ok@acme.example",
    }
    found = check_values(record, LEAD)
    assert [p.field for p in found] == ["Code__c", "Tier__c", "Topics__c", "LastName"]
    assert not any("Warm" in p.message or "1234" in p.message for p in found)
