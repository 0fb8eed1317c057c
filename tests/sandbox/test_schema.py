"""A schema that OpenAI would refuse is refused here, in its words."""

from random import Random
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.vendors.openai import _response_format
from policies.rubric import RubricAnswer
from scripts.sandbox.openai import schema
from scripts.sandbox.openai.answers import fitting


def an_object(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


TEXT = {"type": "string"}
TREE = an_object(tree={"$ref": "#/$defs/node"}) | {
    "$defs": {
        "node": an_object(name=TEXT, next={"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]})
    }
}


def test_the_schema_of_the_rubric_is_accepted() -> None:
    form = _response_format(RubricAnswer)["json_schema"]

    assert schema.fault(form["name"], dict(form.get("schema", {})), strict=True) is None


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"type": "array", "items": TEXT}, "'type: \"object\"', got 'type: \"array\"'"),
        (an_object(a=TEXT) | {"additionalProperties": True}, "'additionalProperties' is required"),
        (an_object(a=TEXT, b=TEXT) | {"required": ["a"]}, "Missing 'b'"),
        (an_object(a=TEXT) | {"required": ["a", "b"]}, "Extra required key 'b'"),
        (an_object(a={"type": "string", "default": "x"}), "'default' is not permitted"),
        (an_object(a={"type": "string", "maxLength": 3}), "'maxLength' is not permitted"),
        (an_object(a={"oneOf": [TEXT]}), "'oneOf' is not permitted"),
        (an_object(a={}), "must have a 'type' key"),
        (an_object(a={"type": "text"}), "'text' is not a valid type"),
        (an_object(a={"type": "array"}), "array schema missing items"),
        (an_object(a={"$ref": "#/$defs/none"}), "reference to component"),
        (an_object(a={"$ref": "#", "description": "again"}), "$ref cannot have keywords"),
        (an_object(a={"type": "object"}), "'additionalProperties' is required"),
        (an_object(a=TEXT) | {"properties": ["a"]}, "not a valid JSON Schema"),
    ],
)
def test_what_strict_output_forbids_is_refused(wrong: dict[str, Any], words: str) -> None:
    problem = schema.fault("Answer", wrong, strict=True)

    assert problem is not None
    assert problem.startswith("Invalid schema for response_format 'Answer': ")
    assert words in problem


def test_a_schema_nested_too_deeply_is_refused() -> None:
    deep: dict[str, Any] = TEXT
    for _ in range(12):
        deep = an_object(a=deep)

    assert "nesting depth" in (schema.fault("Deep", deep, strict=True) or "")


def test_a_name_with_a_space_is_refused_and_a_loose_schema_is_not() -> None:
    assert "does not match pattern" in (schema.fault("my answer", an_object(), strict=True) or "")
    assert schema.fault("loose", {"type": "array"}, strict=False) is None


_LEAVES = st.sampled_from(
    [
        TEXT,
        {"type": "boolean"},
        {"type": "integer"},
        {"type": "integer", "minimum": 3, "maximum": 4},
        {"type": "integer", "exclusiveMinimum": -2, "exclusiveMaximum": 0, "multipleOf": 1},
        {"type": "integer", "multipleOf": 7, "minimum": 8},
        {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
        {"type": "number", "maximum": -5},
        {"type": ["string", "null"]},
        {"type": "string", "enum": ["a", "b"]},
        {"const": 4},
        {"type": "string", "format": "date"},
    ]
)
_SCHEMAS = st.recursive(
    _LEAVES,
    lambda inner: (
        st.dictionaries(st.text(min_size=1, max_size=5), inner, max_size=4).map(
            lambda parts: an_object(**parts)
        )
        | inner.map(lambda part: {"type": "array", "items": part})
        | inner.map(lambda part: {"type": "array", "items": part, "minItems": 2, "maxItems": 3})
        | st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"anyOf": parts})
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.text(min_size=1, max_size=5), _SCHEMAS, max_size=4), st.integers())
def test_any_strict_schema_is_answered_as_it_asks(parts: dict[str, Any], seed: int) -> None:
    wanted = an_object(**parts)

    jsonschema.validate(fitting(wanted, Random(seed)), wanted)


@given(st.integers())
def test_a_schema_that_holds_itself_is_answered_too(seed: int) -> None:
    assert schema.fault("Tree", TREE, strict=True) is None

    jsonschema.validate(fitting(TREE, Random(seed)), TREE)


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["type", "properties", "items", "anyOf", "$ref", "required", "enum"]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_no_schema_is_too_odd_to_be_refused(odd: Any) -> None:
    schema.fault("Odd", {"type": "object", "properties": odd}, strict=True)
