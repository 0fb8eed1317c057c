"""``leadengine sources profiles``: whom we look for, by name."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from scripts.client import Json, connect
from scripts.commands.score import read_json
from scripts.output import ExitCode, Output, Problem, line, moment, pairs, table
from scripts.verbs import group, verb

if TYPE_CHECKING:
    from rich.console import RenderableType

PROFILES = "/api/profiles"
_LISTS = (
    "industries",
    "countries",
    "seniorities",
    "functions",
    "titles",
    "company_sizes",
    "domains",
    "excluded_domains",
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Of the profile.")]
Many = list[str] | None


def app() -> typer.Typer:
    """Make the group."""
    profiles = group("Whom to look for, by name.")
    verb(profiles, "list", list_profiles, "leadengine sources profiles list")
    verb(profiles, "show", show, "leadengine sources profiles show fintech-eu")
    verb(
        profiles,
        "set",
        set_profile,
        "leadengine sources profiles set banks-dach --industry banking --country DACH "
        "--seniority c_level --function finance",
        "leadengine sources profiles set ours --file profile.json",
    )
    verb(profiles, "delete", delete, "leadengine sources profiles delete banks-dach")
    return profiles


def list_profiles(out: Output) -> None:
    """List every profile; those of version 0 come with the engine."""
    with connect() as api:
        answer = api.get(PROFILES)
    rows = [
        (one["name"], one["version"], _summary(one["definition"]), moment(one["updated_at"]))
        for one in answer["items"]
    ]
    headers = ("Profile", "Version", "Whom", "Changed (UTC)")
    out.result(answer, table(headers, rows, right=("Version",)))
    out.next("leadengine sources find --profile fintech-eu --wanted 50")


def show(out: Output, name: Name) -> None:
    """Show a profile."""
    with connect() as api:
        found = api.get(f"{PROFILES}/{name}")
    out.result(found, *shown(found))
    out.next(f"leadengine sources preview --profile {name}")


def shown(profile: Json) -> "list[RenderableType]":
    """A profile as people read it."""
    definition = profile["definition"]
    rows = [(field.replace("_", " "), definition[field]) for field in _LISTS]
    return [
        line((profile["name"], "bold"), f"   version {profile['version']}"),
        pairs([*rows, ("e-mail at least", definition["email"])]),
    ]


def set_profile(  # noqa: PLR0913 - one option each
    out: Output,
    *,
    name: Name,
    file: Annotated[str | None, typer.Option(help="The profile in JSON.")] = None,
    industry: Annotated[Many, typer.Option(help="Such as fintech; repeat it.")] = None,
    country: Annotated[Many, typer.Option(help="Or EU, DACH, NORDICS, …; repeat it.")] = None,
    seniority: Annotated[Many, typer.Option(help="Such as c_level; repeat it.")] = None,
    function: Annotated[Many, typer.Option(help="Such as finance; repeat it.")] = None,
    title: Annotated[Many, typer.Option(help="Words of a title; repeat it.")] = None,
    size: Annotated[Many, typer.Option(help="Employees, such as 51-200; repeat it.")] = None,
    domain: Annotated[Many, typer.Option(help="Only this company; repeat it.")] = None,
    exclude: Annotated[Many, typer.Option(help="Domain to pass over; repeat it.")] = None,
    catch_all: Annotated[
        bool, typer.Option("--catch-all", help="Take addresses that nobody can verify, too.")
    ] = False,
) -> None:
    """Keep a profile, new or in place of the one of that name. Words are taken as written."""
    given = (industry, country, seniority, function, title, size, domain, exclude)
    if bool(file) == any(given):
        raise Problem(
            "Say whom to look for: --industry, --country, … or --file FILE.json.",
            next_steps=("leadengine sources profiles set --help",),
            code=ExitCode.USAGE,
        )
    words = dict(zip(_LISTS, (list(each or ()) for each in given), strict=True))
    body: Any = read_json(file) if file else words
    if catch_all and isinstance(body, dict):
        body |= {"email": "catch_all"}
    with connect() as api:
        answer = api.put(f"{PROFILES}/{name}", body)
    out.result(answer, line(("✓ ", "green"), "Kept."), *shown(answer))
    out.next(f"leadengine sources preview --profile {name}")


def delete(out: Output, name: Name) -> None:
    """Forget a kept profile; one of its name that comes with the engine is there again."""
    with connect() as api:
        api.delete(f"{PROFILES}/{name}")
    out.result({"deleted": name}, line("Deleted ", name))
    out.next("leadengine sources profiles list")


def _summary(definition: Json) -> str:
    parts = [", ".join(definition[field][:3]) for field in _LISTS[:4] if definition[field]]
    return "; ".join(parts) or "anybody"
