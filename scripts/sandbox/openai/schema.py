"""The rules that OpenAI's strict structured output sets for a JSON schema.

Sources:
    https://platform.openai.com/docs/guides/structured-outputs (supported schemas, 2026-11-22).
"""

from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]
_FORBIDDEN = ("default", "oneOf", "allOf", "not", "if", "then", "else", "patternProperties")


def fault(schema: Schema) -> str | None:
    """What is wrong with ``schema`` in OpenAI's words, or None."""
    if schema.get("type") != "object":
        return (
            f"schema must be a JSON Schema of 'type: \"object\"', got 'type: "
            f'"{schema.get("type")}"\'.'
        )
    return next(_faults(schema, ()), None)


def _faults(schema: Schema, context: tuple[str, ...]) -> Iterator[str]:
    for keyword in _FORBIDDEN:
        if keyword in schema:
            yield f"In context={context}, '{keyword}' is not permitted."
    if "properties" in schema:
        yield from _object_faults(schema, context)
    for path, part in _parts(schema):
        yield from _faults(part, (*context, *path))


def _object_faults(schema: Schema, context: tuple[str, ...]) -> Iterator[str]:
    if schema.get("additionalProperties") is not False:
        yield (
            f"In context={context}, 'additionalProperties' is required to be supplied and to be "
            "false."
        )
    missing = [name for name in schema["properties"] if name not in schema.get("required", ())]
    if missing:
        yield (
            f"In context={context}, 'required' is required to be supplied and to be an array "
            f"including every key in properties. Missing '{missing[0]}'."
        )


def _parts(schema: Schema) -> Iterator[tuple[tuple[str, ...], Schema]]:
    for keyword in ("properties", "$defs", "definitions"):
        for name, part in schema.get(keyword, {}).items():
            yield (keyword, name), part
    if isinstance(schema.get("items"), dict):
        yield ("items",), schema["items"]
    for place, part in enumerate(schema.get("anyOf", ())):
        yield ("anyOf", str(place)), part
