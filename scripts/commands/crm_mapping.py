"""``leadengine crm mapping`` and ``preview``: which of our values Salesforce gets."""

from typing import TYPE_CHECKING, Annotated

import typer

from scripts.client import Json, connect
from scripts.commands.leads import Who, find
from scripts.commands.score import read_json
from scripts.output import Output, line, moment, pairs, table, text_of
from scripts.verbs import group, verb

if TYPE_CHECKING:
    from rich.console import RenderableType

MAPPING = "/api/crm/mapping"


def app() -> typer.Typer:
    """Make the group."""
    mapping = group("Which of our values goes into which field of Salesforce.")
    verb(
        mapping,
        "show",
        show,
        "leadengine crm mapping show",
        "leadengine crm mapping show --json | jq .mapping > mapping.json",
    )
    verb(mapping, "set", put, "leadengine crm mapping set mapping.json")
    verb(mapping, "versions", versions, "leadengine crm mapping versions")
    return mapping


def show(
    out: Output,
    *,
    version: Annotated[int | None, typer.Option(min=0, help="An older one.")] = None,
) -> None:
    """Show the mapping in use, and what is wrong with it."""
    with connect() as api:
        kept = api.get(MAPPING, {"version": version})
    out.result(kept, *_shown(kept))
    out.next("leadengine crm mapping show --json | jq .mapping > mapping.json")


def put(
    out: Output, file: Annotated[str, typer.Argument(metavar="FILE", help="JSON of it.")]
) -> None:
    """Use another mapping; what cannot work with the fields of Salesforce is refused."""
    document = read_json(file)
    with connect() as api:
        kept = api.put(MAPPING, document.get("mapping", document))
    out.result(kept, line(("✓ ", "green"), f"Version {kept['version']} is in use."), *_shown(kept))
    out.next("leadengine crm preview LEAD", "leadengine crm status")


def versions(out: Output) -> None:
    """List the mappings that were kept, the newest first."""
    with connect() as api:
        answer = api.get(f"{MAPPING}/versions")
    rows = [
        (one["version"], one["created_by"], moment(one["created_at"])) for one in answer["items"]
    ]
    out.result(answer, table(("Version", "By", "Made (UTC)"), rows, right=("Version",)))
    if not rows:
        out.note("None was kept: the one that comes with the engine is in use.")
    out.next("leadengine crm mapping show")


def preview(
    out: Output,
    who: Who,
    *,
    mapping: Annotated[
        str | None, typer.Option(help="By the mapping in this file, which is not kept.")
    ] = None,
) -> None:
    """Show a lead's record exactly as Salesforce would get it; nothing is sent."""
    with connect() as api:
        body: Json = {"lead_id": find(api, who)["id"]}
        if mapping is not None:
            document = read_json(mapping)
            body["mapping"] = document.get("mapping", document)
        seen = api.post("/api/crm/preview", body)
    out.result(seen, *_previewed(seen))
    out.next(f"leadengine crm sync {body['lead_id']}" if seen["sent"] else "leadengine crm status")


def _shown(kept: Json) -> "list[RenderableType]":
    mapping: Json = kept["mapping"]
    rows = [
        (
            field["to"],
            field.get("from") or f"“{text_of(field.get('constant'))}”",
            " → ".join(one["name"] for one in field["transform"]),
            text_of(field["default"]) if field.get("default") is not None else "",
            field["when_empty"],
        )
        for field in mapping["fields"]
    ]
    headers = ("Field", "From", "Functions", "Else", "Empty")
    about = pairs(
        (
            ("Version", kept["version"]),
            ("External id", mapping["external_id"]),
            ("Duplicates", mapping["duplicates"].replace("_", " ")),
            ("Audience", _audience(mapping["audience"])),
            ("Opportunity", _opportunity(mapping.get("opportunity"))),
            ("Checked", "yes" if kept["checked"] else "no: Salesforce was not looked at yet"),
        )
    )
    return [about, table(headers, rows), *_problems(kept["problems"])]


def _audience(audience: Json) -> str:
    told = [
        f"{name} {', '.join(map(str, audience[name]))}"
        for name in ("statuses", "tiers", "sources")
        if audience[name]
    ]
    if audience.get("min_score") is not None:
        told.append(f"score {audience['min_score']} and more")
    return "; ".join(told) or "every lead"


def _opportunity(opportunity: Json | None) -> str:
    if opportunity is None:
        return "none is made"
    return f"{opportunity['stage']} when {opportunity['when_status']}: {opportunity['name']}"


def _previewed(seen: Json) -> "list[RenderableType]":
    shown = [pairs((name, _value(value)) for name, value in seen["record"].items())]
    if seen["opportunity"] is not None:
        shown.append(line(("Opportunity", "bold")))
        shown.append(pairs((name, _value(v)) for name, v in seen["opportunity"].items()))
    if not seen["sent"]:
        shown.append(line(("It is not sent: ", "yellow"), str(seen["why_not"])))
    return [*shown, *_problems(seen["problems"])]


def _value(value: object) -> str:
    return "(emptied)" if value is None else text_of(value)


def _problems(problems: list[Json]) -> "list[RenderableType]":
    return [
        line(
            ("✗ ", "red") if one["fatal"] else ("! ", "yellow"),
            f"{one['field']}: {one['message']}",
        )
        for one in problems
    ]
