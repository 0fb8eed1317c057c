"""UpLead's saved lists of contacts, which a search may leave out."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import orjson

from scripts.sandbox.server import Answer, Call, as_json
from scripts.sandbox.uplead import errors
from scripts.sandbox.uplead.search import BadRequest


@dataclass(slots=True)
class _List:
    name: str
    contacts: dict[str, None] = field(default_factory=dict[str, None])


class Lists:
    """All lists of the account. What their answers look like is not published; ours are plain."""

    def __init__(self) -> None:
        self._lists: dict[str, _List] = {}

    def contacts(self, names: Iterable[str]) -> frozenset[str]:
        """Whoever is on one of the lists with these names."""
        wanted = set(names)
        chosen = (one for one in self._lists.values() if one.name in wanted)
        return frozenset(contact for one in chosen for contact in one.contacts)

    def answer(self, call: Call) -> Answer:
        """Answer a call under ``/lists``.

        Raises:
            BadRequest: if it makes no sense.
        """
        path = [part for part in call.params.get("rest", "").split("/") if part]
        match call.method, path:
            case "GET", []:
                return as_json(200, {"data": [self._shown(key) for key in self._lists]})
            case "POST", []:
                return self._add(_said(call.body))
            case _, [key, *_] if key not in self._lists:
                return errors.not_found("List")
            case "GET", [key]:
                return as_json(200, {"data": self._shown(key)})
            case "DELETE", [key]:
                del self._lists[key]
                return as_json(200, {"data": {"id": key}})
            case "GET", [key, "contacts"]:
                contacts = [{"id": contact} for contact in self._lists[key].contacts]
                return as_json(200, {"data": {"results": contacts}})
            case "POST", [key, "contacts", "add" | "delete" as what]:
                return self._change(key, what, _said(call.body))
            case _:
                return errors.not_found("Path")

    def _add(self, said: dict[str, Any]) -> Answer:
        name = said.get("name")
        if not isinstance(name, str) or not name:
            raise BadRequest("name is required.")
        key = str(uuid4())
        self._lists[key] = _List(name)
        return as_json(201, {"data": self._shown(key)})

    def _change(self, key: str, what: str, said: dict[str, Any]) -> Answer:
        ids = said.get("contact_ids")
        if not isinstance(ids, list):
            raise BadRequest("contact_ids must be a list.")
        contacts = self._lists[key].contacts
        for one in map(str, ids):  # pyright: ignore[reportUnknownArgumentType]
            if what == "add":
                contacts[one] = None
            else:
                contacts.pop(one, None)
        return as_json(200, {"data": self._shown(key)})

    def _shown(self, key: str) -> dict[str, Any]:
        one = self._lists[key]
        return {"id": key, "name": one.name, "contacts_count": len(one.contacts)}


def _said(body: bytes) -> dict[str, Any]:
    try:
        said: Any = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError as error:
        raise BadRequest("The body is not valid JSON.") from error
    if not isinstance(said, dict):
        raise BadRequest("The body must be a JSON object.")
    return said  # pyright: ignore[reportUnknownVariableType]
