"""How the org reads the addresses of its resources."""

import re
from collections.abc import Mapping, Sequence

_VERSION = re.compile(r"[vV](\d{1,3}(?:\.\d)?)")


def segments(path: str) -> list[str]:
    """The parts of a path, slashes at its end left aside."""
    parts = path.split("/")
    while parts and not parts[-1]:
        parts.pop()
    return parts


def matched(pattern: Sequence[str], path: Sequence[str]) -> dict[str, str] | None:
    """What the names of a pattern stand for; None if it is another path."""
    params: dict[str, str] = {}
    open_end = pattern[-1].endswith("*}")
    if len(path) < len(pattern) or (len(path) > len(pattern) and not open_end):
        return None
    for place, (wanted, said) in enumerate(zip(pattern, path, strict=False)):
        if wanted.endswith("*}"):
            params[wanted[1:-2]] = "/".join(path[place:])
        elif not wanted.startswith("{"):
            if wanted.lower() != said.lower():
                return None
        else:
            name, _, only = wanted[1:-1].partition(":")
            if only and only.lower() != said.lower():
                return None
            params[name] = said
    return params


def number(version: str) -> float | None:
    """The number in ``v59.0``; None if it is none."""
    match = _VERSION.fullmatch(version)
    return float(match[1]) if match else None


def version(number: int) -> Mapping[str, str]:
    """A version as the list of all versions tells it."""
    return {"label": f"v{number}", "url": f"/services/data/v{number}.0", "version": f"{number}.0"}


def resources(version: str) -> dict[str, str]:
    """What there is under a version."""
    names = ("composite", "jobs", "limits", "query", "queryAll", "sobjects")
    return {name: f"/services/data/v{version}/{name}" for name in names}
