"""What ZoomInfo tells of itself: the values of its fields, and what is left of the account."""

from collections.abc import Mapping
from typing import Any

from scripts.sandbox.server import Call
from scripts.sandbox.zoominfo import records, words
from scripts.sandbox.zoominfo.errors import Refused


def values(call: Call) -> list[dict[str, Any]]:
    """The rows of ``/lookup/{field}``: values of a field, or the fields of a search or enrichment.

    Raises:
        Refused: if there is no such field.
    """
    field = call.params["field"]
    if field in {"search", "enrich"}:
        return [_field(name) for name in sorted(_fields(dict(call.query), field))]
    if field not in words.LOOKUPS:
        known = ", ".join(sorted(words.LOOKUPS))
        raise Refused("PFAPI0005", f"Unknown lookup field. There are: {known}", "fieldName")
    kind, known_values = words.LOOKUPS[field]
    return [
        {"id": key, "type": kind, "attributes": {"name": name}}
        for key, name in known_values.items()
    ]


def usage(used: Mapping[str, tuple[str, int, int]]) -> dict[str, Any]:
    """The row of ``/users/usage``.

    Args:
        used: by the type of a limit, what it is, how much it allows and how much is used.
    """
    rows = [
        {
            "limitType": kind,
            "description": description,
            "totalLimit": most,
            "currentUsage": current,
            "usageRemaining": max(0, most - current),
        }
        for kind, (description, most, current) in used.items()
    ]
    return {"id": "1", "type": "Usage", "attributes": {"usage": rows}}


def _fields(query: Mapping[str, str], kind: str) -> frozenset[str]:
    of_contact = query.get("filter[entity]") == "contact"
    if kind == "search":
        return words.SEARCH_FIELDS
    if query.get("filter[fieldType]") == "input":
        return words.MATCH_FIELDS if of_contact else words.COMPANY_MATCH_FIELDS
    return records.CONTACT_FIELDS if of_contact else records.COMPANY_FIELDS


def _field(name: str) -> dict[str, Any]:
    told = {"fieldName": name, "description": "", "accessGranted": True}
    return {"id": name, "type": "LookupField", "attributes": told}
