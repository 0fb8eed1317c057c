"""Reading a vendor's good answer, which is untrusted input all the same."""

from datetime import timedelta
from functools import lru_cache
from typing import Any, TypeVar

import orjson
from pydantic import BaseModel, ValidationError

from agents.errors import VendorError
from agents.vendors.exchange import Raw

A = TypeVar("A", bound=BaseModel)
NOT_THE_VENDOR = timedelta(seconds=30)
_MOST_FAULTS = 5


def read(vendor: str, shape: type[A], raw: Raw) -> A:
    """Read the body of ``raw``; an empty one is ``{}``.

    Raises:
        VendorError: it is not JSON, or not a ``shape``; asked again later, somebody may have
            gone away who stood in between.
    """
    try:
        return shape.model_validate_json(raw.body.strip() or b"{}")
    except ValidationError as error:
        problem = f"status {raw.status}, but {_what(shape, raw.body, error)}"
    raise VendorError(vendor, problem, retry_after=NOT_THE_VENDOR, in_doubt=True)


def _what(shape: type[BaseModel], body: bytes, error: ValidationError) -> str:
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError:
        return "the answer is no JSON; is a proxy in between?"
    return f"the answer is no {shape.__name__.lstrip('_')}: {_faults(shape, error)}"


def _faults(shape: type[BaseModel], error: ValidationError) -> str:
    """What is wrong and where, in words of ours: keys and values of the answer may be personal."""
    known = _names(shape)
    faults = [
        ".".join([*(str(part) for part in fault["loc"] if part in known), fault["type"]])
        for fault in error.errors(include_input=False, include_context=False, include_url=False)
    ]
    return ", ".join(list(dict.fromkeys(faults))[:_MOST_FAULTS])


@lru_cache(maxsize=256)
def _names(shape: type[BaseModel]) -> frozenset[str]:
    return frozenset(_properties(shape.model_json_schema(mode="validation")))


def _properties(node: Any) -> list[str]:  # noqa: ANN401 - a JSON schema
    if isinstance(node, list):
        return [name for part in node for name in _properties(part)]
    if not isinstance(node, dict):
        return []
    names = [name for name in node.get("properties", {}) if isinstance(name, str)]
    return names + [name for part in node.values() for name in _properties(part)]
