"""What LinkedIn's finders share: whose leads, from when, and which page of them."""

from collections.abc import Sequence
from typing import Any

from scripts.sandbox.linkedin import errors, restli
from scripts.sandbox.linkedin.errors import Refused
from scripts.sandbox.linkedin.forms import OWNERS
from scripts.sandbox.server import Answer, Call, as_json

PREFIX = "/linkedin"
_USUAL, _MOST = 10, 100
_FOREVER = 10**15


def owner(query: restli.Query) -> str | Answer:
    """Whose forms are meant; an error if they are not ours.

    Raises:
        Refused: if it is not said as it should be.
    """
    if restli.text_of(query, "q") != "owner":
        raise Refused("Query parameter 'q' must name the finder: owner")
    whose = restli.fields_of(query, "owner")
    if len(whose) != 1:
        raise Refused("owner must name one sponsoredAccount or organization")
    ((kind, urn),) = whose.items()
    return urn if OWNERS.get(urn) == kind else errors.denied(f"GET leads of {urn}")


def time_range(query: restli.Query) -> tuple[int | None, int | None]:
    """From when and until when, in epoch milliseconds; None for no bound.

    Raises:
        Refused: if it is not said as it should be.
    """
    if "submittedAtTimeRange" not in query:
        return None, None
    told = restli.fields_of(query, "submittedAtTimeRange")
    bounds = [told.get(name) for name in ("start", "end")]
    if any(bound is not None and not bound.isdecimal() for bound in bounds):
        raise Refused("submittedAtTimeRange is written in epoch milliseconds")
    start, end = (None if bound is None else int(bound) for bound in bounds)
    return start, end


def paged(found: Sequence[Any], query: restli.Query, call: Call) -> Answer:
    """The page that is asked for, with a link to the next.

    Raises:
        Refused: if it is out of range.
    """
    start = restli.number_of(query, "start", 0, 0, _FOREVER)
    count = restli.number_of(query, "count", _USUAL, 1, _MOST)
    links: list[dict[str, str]] = []
    if start + count < len(found):
        kept = [
            p for p in call.raw_query.split("&") if p.partition("=")[0] not in {"start", "count"}
        ]
        where = "&".join([*kept, f"start={start + count}", f"count={count}"])
        path = call.path.removeprefix(PREFIX)
        links.append({"type": "application/json", "rel": "next", "href": f"{path}?{where}"})
    paging = {"start": start, "count": count, "total": len(found), "links": links}
    return as_json(200, {"paging": paging, "elements": list(found[start : start + count])})
