"""An answer to any strict schema: the same for the same seed and document."""

from random import Random

from scripts.sandbox.openai.schema import Schema, resolved

_DEEP = 12
"""Depth from which an answer takes the shortest way out of a recursive schema."""
_WORDS = ("steady", "clear", "open", "useful", "recent", "likely", "local", "early")
_FORMATS = {
    "date": "2026-11-22",
    "date-time": "2026-11-22T09:00:00Z",
    "time": "09:00:00Z",
    "duration": "P1D",
    "email": "someone@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


def fitting(schema: Schema, chance: Random) -> object:
    """A value that ``schema`` (strict, see `schema.fault`) describes."""
    return _value(schema, schema, chance, 0)


def _value(schema: Schema, root: Schema, chance: Random, depth: int) -> object:
    if "$ref" in schema:
        return _value(resolved(schema["$ref"], root) or {}, root, chance, depth + 1)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return chance.choice(schema["enum"])
    if "anyOf" in schema:
        branches = schema["anyOf"]
        chosen = _shallowest(branches) if depth >= _DEEP else chance.choice(branches)
        return _value(chosen, root, chance, depth + 1)
    return _of_kind(_kind(schema, chance, depth), schema, root, chance, depth)


def _of_kind(kind: str, schema: Schema, root: Schema, chance: Random, depth: int) -> object:
    match kind:
        case "object":
            parts = schema.get("properties", {})
            return {name: _value(part, root, chance, depth + 1) for name, part in parts.items()}
        case "array":
            least = int(schema.get("minItems", 0))
            most = min(int(schema.get("maxItems", least + 2)), least + 2)
            length = least if depth >= _DEEP else chance.randint(least, max(least, most))
            return [_value(schema["items"], root, chance, depth + 1) for _ in range(length)]
        case "string":
            return _FORMATS.get(schema.get("format", ""), chance.choice(_WORDS))
        case "integer":
            return _whole(schema, chance)
        case "number":
            low, high = _bounds(schema)
            return round(chance.uniform(low, high), 3) if high - low > 1 else (low + high) / 2
        case "boolean":
            return chance.random() < 1 / 2
        case _:
            return None


def _kind(schema: Schema, chance: Random, depth: int) -> str:
    kinds = schema.get("type", "object" if "properties" in schema else "string")
    if isinstance(kinds, str):
        return kinds
    return "null" if depth >= _DEEP and "null" in kinds else chance.choice(kinds)


def _shallowest(branches: list[Schema]) -> Schema:
    def depth(branch: Schema) -> int:
        if branch.get("type") == "null":
            return 0
        return 2 if "$ref" in branch or branch.get("type") in {"object", "array"} else 1

    return min(branches, key=depth)


def _whole(schema: Schema, chance: Random) -> int:
    low, high = _bounds(schema)
    step = int(schema.get("multipleOf", 1)) or 1
    first = -(-int(-(-low // 1)) // step)
    return step * chance.randint(first, max(first, int(high) // step))


def _bounds(schema: Schema) -> tuple[float, float]:
    """The range of a number, strictly inside exclusive limits."""
    whole = schema.get("type") == "integer"
    nudge = 1 if whole else 1e-6
    lows = [schema[k] + n for k, n in (("minimum", 0), ("exclusiveMinimum", nudge)) if k in schema]
    highs = [schema[k] - n for k, n in (("maximum", 0), ("exclusiveMaximum", nudge)) if k in schema]
    low = max(lows) if lows else (min(0, *highs) if highs else 0)
    return low, min(highs) if highs else low + 100
