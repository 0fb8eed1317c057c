"""Keyset pages: how many items, and from where on."""

import re
from typing import Annotated

from fastapi import Query
from pydantic import BeforeValidator, Field, JsonValue

_DIGITS = re.compile(r"-?[0-9]{1,18}", re.ASCII)


def plain_digits(value: object) -> object:
    """Refuse spellings of a number that only Python takes (``1_000``, ``+1``, ``1.0``).

    Raises:
        ValueError: for them.
    """
    if isinstance(value, str) and not _DIGITS.fullmatch(value):
        raise ValueError("must be a whole number")
    return value


PageSize = Annotated[int, Field(ge=1, le=200), BeforeValidator(plain_digits)]
Limit = Annotated[PageSize, Query(description="items on the page")]
CURSOR_LETTERS: dict[str, JsonValue] = {"pattern": "^[A-Za-z0-9_-]*$"}
"""Told in the description only: what breaks it is answered as any cursor that is not ours."""
Cursor = Annotated[
    str | None,
    Query(
        max_length=1_000,
        description="`next` of the page before; signed, and bound to the filter and the order",
        json_schema_extra=CURSOR_LETTERS,
    ),
]
