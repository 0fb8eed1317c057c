"""Queries in the syntax of Rest.li 2.0, read as strictly as LinkedIn reads them.

``owner=(sponsoredAccount:urn%3Ali%3AsponsoredAccount%3A512345)``: what parts is bare, what is
inside is percent-encoded. A client that encodes it all, or nothing, is refused.
"""

from collections.abc import Collection, Mapping
from urllib.parse import unquote

from scripts.sandbox.linkedin.errors import Refused
from scripts.sandbox.server import Call

Value = str | dict[str, "Value"] | list["Value"]
Query = Mapping[str, Value]
_PARTS = "(),:'"
_INVALID = "Invalid query parameters passed to request"


def query_of(call: Call, allowed: Collection[str]) -> Query:
    """The parameters of a call, tunnelled through POST or not.

    Raises:
        Refused: if they are not encoded as they should be, or there is no such one.
    """
    raw = call.raw_query
    if call.method == "POST":
        if call.headers.get("x-http-method-override", "").upper() != "GET":
            raise Refused("A query by POST needs X-HTTP-Method-Override: GET")
        raw = call.body.decode("latin-1")
    found: dict[str, Value] = {}
    for part in filter(None, raw.split("&")):
        name, _, text = part.partition("=")
        if name not in allowed:
            raise Refused(f"Query parameter '{name}' is not allowed")
        if name in found:
            raise Refused(f"Query parameter '{name}' is given twice")
        found[name] = parsed(text)
    return found


def parsed(text: str) -> Value:
    """One value.

    Raises:
        Refused: if it is not encoded as it should be.
    """
    value, rest = _value(text)
    if rest:
        raise Refused(f"{_INVALID}: unexpected '{rest[0]}'; encode it if it is part of a value")
    return value


def text_of(query: Query, name: str, usual: str | None = None) -> str:
    """A parameter that is a text.

    Raises:
        Refused: if it is missing or none.
    """
    value = query.get(name, usual)
    if value is None:
        raise Refused(f"Query parameter '{name}' is required")
    if not isinstance(value, str):
        raise Refused(f"Query parameter '{name}' must be simple")
    return value


def fields_of(query: Query, name: str) -> dict[str, str]:
    """A parameter that is a record of texts, such as ``(start:1,end:2)``.

    Raises:
        Refused: if it is missing or none.
    """
    value = query.get(name)
    if value is None:
        raise Refused(f"Query parameter '{name}' is required")
    if not isinstance(value, dict):
        raise Refused(f"{_INVALID}: '{name}' must be a record in parentheses that are not encoded")
    told = {key: one for key, one in value.items() if isinstance(one, str)}
    if len(told) < len(value):
        raise Refused(f"{_INVALID}: '{name}' is nested too deep")
    return told


def number_of(query: Query, name: str, usual: int, least: int, most: int) -> int:
    """A parameter that is a whole number.

    Raises:
        Refused: if it is none, or out of range.
    """
    text = text_of(query, name, str(usual))
    if not text.isdecimal() or not least <= int(text) <= most:
        raise Refused(f"Query parameter '{name}' must be from {least} to {most}")
    return int(text)


def _value(text: str) -> tuple[Value, str]:
    if text.startswith("List("):
        return _items(text[5:])
    if text.startswith("("):
        return _record(text[1:])
    end = next((place for place, c in enumerate(text) if c in _PARTS), len(text))
    return unquote(text[:end]), text[end:]


def _record(text: str) -> tuple[dict[str, Value], str]:
    found: dict[str, Value] = {}
    while True:
        name, colon, text = text.partition(":")
        if not colon or not name.isalnum():
            raise Refused(f"{_INVALID}: a record is written (name:value)")
        found[name], text = _value(text)
        if text.startswith(")"):
            return found, text[1:]
        if not text.startswith(","):
            raise Refused(f"{_INVALID}: encode the colons of a URN inside a record as %3A")
        text = text[1:]


def _items(text: str) -> tuple[list[Value], str]:
    found: list[Value] = []
    if text.startswith(")"):
        return found, text[1:]
    while True:
        one, text = _value(text)
        found.append(one)
        if text.startswith(")"):
            return found, text[1:]
        if not text.startswith(","):
            raise Refused(f"{_INVALID}: encode the parts of a value inside a list")
        text = text[1:]
