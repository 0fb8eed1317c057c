"""Fields of vendors' records, read leniently: one that is odd is as good as not told.

A record that was paid for must not be lost because one field of it is malformed. Only what a
record cannot do without (its id) is required.
"""

from contextlib import suppress
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from policies.contact_points import normal_email, normal_phone, typed_email
from policies.countries import country_code
from policies.lead_drafts import LONGEST
from policies.vendor_words import clean
from policies.web_domains import domain_of

LONGEST_URL = 300
_DIGITS = 16
P = TypeVar("P", bound=BaseModel)
_LARGEST = 10**15


class Part(BaseModel):
    """A part of an answer, of which we read what we know."""


def _text(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if abs(value) < _LARGEST else ""
    return clean(value)


def _whole(value: object) -> int | None:
    if isinstance(value, str):
        text = value.strip()
        return int(text) if text.isascii() and text.isdecimal() and len(text) < _DIGITS else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _LARGEST:
        return None
    return int(value) if value == int(value) else None


def _flag(value: object) -> bool | None:
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return {"yes": True, "true": True, "no": False, "false": False}.get(value.strip().lower())
    return None


def _texts(value: object) -> tuple[str, ...]:
    """A list of texts, or one text; names may stand in objects."""
    items: list[Any] = value if isinstance(value, list) else [value]
    names = (item.get("name") if isinstance(item, dict) else item for item in items[:100])
    return tuple(text for name in names if (text := clean(name)))


def readable(shape: type[P], value: object, most: int = 1000) -> list[P]:
    """The items of a list that are a ``shape``; the others are left out."""
    items: list[Any] = value if isinstance(value, list) else []
    found: list[P] = []
    for item in items[:most]:
        with suppress(ValidationError):
            found.append(shape.model_validate(item))
    return found


Text = Annotated[str, BeforeValidator(_text)]
"""A text on one line; empty for what is none."""
Id = Annotated[str, BeforeValidator(_text), Field(min_length=1, max_length=200)]
"""What a vendor calls a record; the only thing that must be there."""
Whole = Annotated[int | None, BeforeValidator(_whole)]
Flag = Annotated[bool | None, BeforeValidator(_flag)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_texts)]


def name(text: str) -> str | None:
    """A person's name; None without one."""
    return clean(text, LONGEST["first_name"]) or None


def email(text: str) -> str | None:
    """An address as it is written; None if it is none."""
    address = typed_email(text)
    return address if normal_email(address) is not None else None


def phone(country: str | None, *texts: str) -> str | None:
    """The first that can be dialled, as E.164."""
    numbers = (normal_phone(text, country) for text in texts if text)
    return next((number for number in numbers if number is not None), None)


def country(text: str) -> str | None:
    """The ISO code."""
    return country_code(text) if text else None


def domain(text: str) -> str | None:
    """The company's domain."""
    return domain_of(text) if text else None


def linkedin_url(*texts: str) -> str | None:
    """The first that is the address of a profile."""
    return next((t for t in texts if "linkedin.com/" in t.lower() and len(t) < LONGEST_URL), None)
