"""``leadengine sources``: where leads are bought, and searches for them."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from scripts.client import PATIENCE_SECONDS, POLL_SECONDS, Api, Json, connect
from scripts.commands import profiles
from scripts.commands.rescoring import looking
from scripts.output import Bars, ExitCode, Output, Problem, line, moment, pairs, table
from scripts.verbs import group, verb

if TYPE_CHECKING:
    from rich.console import RenderableType

SOURCES = "/api/sources"
SEARCHES = f"{SOURCES}/searches"
LONG = timedelta(minutes=5)
"""A search that waits longer is not watched any more."""

Which = Annotated[str, typer.Argument(metavar="SEARCH", help="Its id.")]
Profile = Annotated[str, typer.Option(help="Whom to look for: a profile's name.")]


def app() -> typer.Typer:
    """Make the group."""
    sources = group("Where leads are bought: credits, profiles, searches.")
    verb(sources, "list", list_sources, "leadengine sources list")
    verb(sources, "preview", preview, "leadengine sources preview --profile fintech-eu")
    verb(
        sources,
        "find",
        find,
        "leadengine sources find --profile fintech-eu --wanted 200 --budget 150 --wait",
    )
    verb(sources, "searches", list_searches, "leadengine sources searches")
    verb(sources, "show", show, "leadengine sources show SEARCH")
    verb(sources, "cancel", cancel, "leadengine sources cancel SEARCH")
    sources.add_typer(profiles.app(), name="profiles")
    return sources


def list_sources(out: Output) -> None:
    """List the lead sources: connected or not, credits left, money spent."""
    with connect() as api:
        answer = api.get(SOURCES)
    rows = [
        (
            one["name"],
            one["state"].replace("_", " ") + (" (sandbox)" if one["sandboxed"] else ""),
            one["credits_left"],
            one["credits_this_month"],
            _usd(one["usd_this_month"]),
            _usd(one["usd_today"]),
            one["last_problem"] or "",
        )
        for one in answer["items"]
    ]
    headers = ("Source", "State", "Credits left", "This month", "USD", "Today", "Last problem")
    right = ("Credits left", "This month", "USD", "Today")
    limit = answer["usd_per_day"]
    day = f"Today: {_usd(answer['usd_today'])} USD" + (f" of {_usd(limit)}" if limit else "")
    out.result(answer, table(headers, rows, right=right), line((day, "dim")))
    out.next("leadengine sources preview --profile fintech-eu", "leadengine doctor")


def preview(out: Output, profile: Profile) -> None:
    """Show whom each source would find, and about what a lead would cost; free of charge."""
    with connect() as api, out.bars() as bars:
        asked = api.post(f"{SOURCES}/preview", {"profile": profile})
        step = bars.step("Asking")
        deadline = time.monotonic() + PATIENCE_SECONDS
        while asked["sources"] is None and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
            asked = api.patiently(f"{SOURCES}/previews/{asked['id']}")
        step.finish(ok=asked["sources"] is not None)
    if asked["sources"] is None:
        raise Problem(
            "The prospector has not answered yet.",
            next_steps=("leadengine agents list", "leadengine sources list"),
            code=ExitCode.NOT_READY,
        )
    out.result(asked, *_previewed(asked["sources"]))
    out.next(f"leadengine sources find --profile {profile} --wanted 50 --budget 30")


def _previewed(answers: list[Json]) -> "list[RenderableType]":
    if not answers:
        return [line(("No source is connected: ", "yellow"), "leadengine sources list")]
    rows = [
        (
            one["source"],
            one["impossible"] or one["problem"] or one["count"],
            _usd(one["usd_per_record"]),
            _usd(one["usd_per_lead"]),
            "; ".join(one["unexpressed"]),
        )
        for one in answers
    ]
    headers = ("Source", "People", "USD a record", "USD a lead", "Checked on what it finds")
    return [table(headers, rows, right=("USD a record", "USD a lead"))]


def find(
    out: Output,
    *,
    profile: Profile,
    wanted: Annotated[int, typer.Option(min=1, help="Usable leads that are not there yet.")],
    budget: Annotated[
        float | None, typer.Option(min=0, metavar="USD", help="Never overrun.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Watch it to its end.")] = False,
) -> None:
    """Search for leads. The search goes on without this command; --wait watches it."""
    body: Json = {"profile": profile, "wanted": wanted, "budget_usd": budget}
    with connect() as api:
        found = api.post(f"{SOURCES}/find", body)
        if wait:
            with out.bars() as bars:
                found = _watch(api, found, bars)
    _tell(out, found)


def list_searches(
    out: Output, limit: Annotated[int, typer.Option(min=1, help="At most.")] = 20
) -> None:
    """List searches, newest first."""
    with connect() as api:
        found = list(api.items(SEARCHES, None, limit))
    rows = [
        (
            one["id"],
            one["profile"],
            one["status"].replace("_", " "),
            f"{one['found']}/{one['wanted']}",
            _usd(one["spent_usd"]),
            moment(one["created_at"]),
            one["reason"] or "",
        )
        for one in found
    ]
    headers = ("Search", "Profile", "State", "Found", "USD", "Began (UTC)", "Why")
    out.result({"items": found}, table(headers, rows, right=("Found", "USD")))
    out.next("leadengine sources show SEARCH")


def show(out: Output, which: Which) -> None:
    """Show how far a search is, and what each source came to."""
    with connect() as api:
        found = api.get(f"{SEARCHES}/{which}")
    _tell(out, found, fail=False)


def cancel(out: Output, which: Which) -> None:
    """End a search; what was paid for is kept."""
    with connect() as api:
        found = api.post(f"{SEARCHES}/{which}/cancel")
    out.result(found, *_shown(found))
    out.next(f"leadengine sources show {which}")


def _watch(api: Api, found: Json, bars: Bars) -> Json:
    step = bars.step("Finding", found["wanted"])
    for _ in _looks(api):
        if found["status"] != "running" or _waits_long(found):
            break
        found = api.patiently(f"{SEARCHES}/{found['id']}")
        step.update(found["found"], found["wanted"], _note(found))
    step.finish(_note(found), ok=found["status"] == "done")
    return found


def _looks(api: Api) -> Iterator[None]:
    return looking(api, "prospector")


def _waits_long(found: Json) -> bool:
    if not found["waits_until"]:
        return False
    until = datetime.fromisoformat(found["waits_until"])
    return until - datetime.now(UTC) > LONG


def _note(found: Json) -> str:
    spent = f"{found['found']} of {found['wanted']} found, {_usd(found['spent_usd'])} USD"
    each = [
        f"{part['source']} {part['usable']} for {_usd(part['cost_usd'])}"
        for part in found["sources"]
        if part["seen"] or part["billed"] or part["usable"]
    ]
    return f"{spent} ({', '.join(each)})" if each else spent


def _tell(out: Output, found: Json, *, fail: bool = True) -> None:
    out.result(found, *_shown(found))
    if found["status"] == "running":
        out.next(f"leadengine sources show {found['id']}")
    else:
        out.next("leadengine leads list --sort newest", "leadengine sources list")
    if fail and found["status"] == "failed":
        raise typer.Exit(ExitCode.FAILED)


def _shown(found: Json) -> "list[RenderableType]":
    mark = {"done": ("✓ ", "green"), "failed": ("✗ ", "red")}.get(found["status"], ("● ", "yellow"))
    state = f"{found['status'].replace('_', ' ')}: {found['found']} of {found['wanted']} found"
    shown: list[RenderableType] = [
        line(mark, f"{found['profile']}, {state}", (f"   search {found['id']}", "dim")),
        pairs(
            [
                ("spent", f"{_usd(found['spent_usd'])} USD"),
                ("budget", _budget(found)),
                ("why", found["reason"]),
                ("waits until", found["waits_until"] and moment(found["waits_until"])),
            ]
        ),
    ]
    rows = [
        (
            part["source"],
            part["state"],
            part["usable"],
            part["billed"],
            _usd(part["cost_usd"]),
            _usd(part["usd_per_lead"]),
            part["duplicates"],
            part["unfit"],
            part["suppressed"],
            part["null_results"],
            part["problem"] or "",
        )
        for part in found["sources"]
    ]
    if rows:
        figures = ("Leads", "Paid", "USD", "A lead", "Known", "Unfit", "Barred", "Nothing")
        shown.append(table(("Source", "State", *figures, "Problem"), rows, right=figures))
    return shown


def _budget(found: Json) -> str | None:
    return None if found["budget_usd"] is None else f"{_usd(found['budget_usd'])} USD"


def _usd(value: object) -> str | None:
    return f"{value:.2f}" if isinstance(value, int | float) else None
