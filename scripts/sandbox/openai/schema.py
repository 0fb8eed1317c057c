"""The rules that OpenAI's strict structured output sets for a JSON schema.

Sources:
    https://platform.openai.com/docs/guides/structured-outputs (supported schemas, 2026-11-22).
"""

import re
from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]
_FORBIDDEN = (
    "default",
    "oneOf",
    "allOf",
    "not",
    "if",
    "then",
    "else",
    "patternProperties",
    "minLength",
    "maxLength",
    "uniqueItems",
    "contains",
    "propertyNames",
    "minProperties",
    "maxProperties",
    "dependentRequired",
    "dependentSchemas",
)
_KINDS = frozenset({"string", "number", "integer", "boolean", "object", "array", "null"})
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
DEEPEST = 10
"""Levels of objects and lists within one another, references not followed."""


def fault(name: str, schema: Schema, *, strict: bool) -> str | None:
    """What is wrong with the format ``name`` in OpenAI's words, or None."""
    if not _NAME.fullmatch(name):
        return (
            f"Invalid 'name': string does not match pattern. Expected a string that matches the "
            f"pattern '^[a-zA-Z0-9_-]+$', of at most 64 characters, but got '{name[:80]}'."
        )
    if not strict:
        return None
    if schema.get("type") != "object":
        problem = (
            f"schema must be a JSON Schema of 'type: \"object\"', got 'type: "
            f'"{schema.get("type")}"\'.'
        )
    else:
        problem = _first_fault(schema)
    return None if problem is None else f"Invalid schema for response_format '{name}': {problem}"


def _first_fault(schema: Schema) -> str | None:
    try:
        return next(_faults(schema, schema, (), 0), None)
    except (AttributeError, TypeError):
        return "schema is not a valid JSON Schema."


def resolved(reference: str, root: Schema) -> Schema | None:
    """The part of ``root`` that a ``#/…`` reference means, or None."""
    if not reference.startswith("#"):
        return None
    found: Any = root
    for step in reference.lstrip("#").strip("/").split("/"):
        if not step:
            continue
        if not isinstance(found, dict) or step not in found:
            return None
        found = found[step]
    return found if isinstance(found, dict) else None


def _faults(schema: Schema, root: Schema, context: tuple[str, ...], depth: int) -> Iterator[str]:
    if depth > DEEPEST:
        yield f"Invalid schema: the maximum nesting depth of {DEEPEST} is exceeded at {context}."
        return
    if "$ref" in schema:
        yield from _reference_faults(schema, root, context)
        return
    for keyword in _FORBIDDEN:
        if keyword in schema:
            yield f"In context={context}, '{keyword}' is not permitted."
    yield from _type_faults(schema, context)
    if "properties" in schema or schema.get("type") == "object":
        yield from _object_faults(schema, context)
    if schema.get("type") == "array" and not isinstance(schema.get("items"), dict):
        yield f"In context={context}, array schema missing items."
    for path, part in _parts(schema):
        deeper = depth + (path[0] in {"properties", "items"})
        yield from _faults(part, root, (*context, *path), deeper)


def _reference_faults(schema: Schema, root: Schema, context: tuple[str, ...]) -> Iterator[str]:
    beside = set(schema) - {"$ref"}
    if beside:
        yield f"context={context}, $ref cannot have keywords {beside}."
    if resolved(str(schema["$ref"]), root) is None:
        yield f"In context={context}, reference to component '{schema['$ref']}' was not found."


def _type_faults(schema: Schema, context: tuple[str, ...]) -> Iterator[str]:
    if not schema.keys() & {"type", "anyOf", "enum", "const"}:
        yield f"In context={context}, schema must have a 'type' key."
    kinds = schema.get("type", [])
    for kind in kinds if isinstance(kinds, list) else [kinds]:
        if kind not in _KINDS:
            yield f"In context={context}, '{kind}' is not a valid type."


def _object_faults(schema: Schema, context: tuple[str, ...]) -> Iterator[str]:
    if schema.get("additionalProperties") is not False:
        yield (
            f"In context={context}, 'additionalProperties' is required to be supplied and to be "
            "false."
        )
    required = schema.get("required", ())
    properties = schema.get("properties", {})
    missing = [name for name in properties if name not in required]
    if missing:
        yield (
            f"In context={context}, 'required' is required to be supplied and to be an array "
            f"including every key in properties. Missing '{missing[0]}'."
        )
    extra = [name for name in required if name not in properties]
    if extra:
        yield (
            f"In context={context}, 'required' is required to be supplied and to be an array "
            f"including every key in properties. Extra required key '{extra[0]}' supplied."
        )


def _parts(schema: Schema) -> Iterator[tuple[tuple[str, ...], Schema]]:
    for keyword in ("properties", "$defs", "definitions"):
        for name, part in schema.get(keyword, {}).items():
            yield (keyword, name), part
    if isinstance(schema.get("items"), dict):
        yield ("items",), schema["items"]
    for place, part in enumerate(schema.get("anyOf", ())):
        yield ("anyOf", str(place)), part
