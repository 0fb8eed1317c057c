"""``leadengine dead-letters``: messages that could not be handled; read, replay or drop them."""

from typing import Annotated

import typer

from scripts.client import Json, connect
from scripts.commands.leads import confirm
from scripts.output import ExitCode, Output, Problem, line, moment, pairs, table
from scripts.verbs import group, verb

Ids = Annotated[list[str] | None, typer.Argument(metavar="[ID]…", help="Which ones.")]
Recipient = Annotated[str | None, typer.Option("--agent", help="All of this agent.")]


def app() -> typer.Typer:
    """Make the group."""
    letters = group("Messages that could not be handled: read, replay or drop them.")
    verb(letters, "list", list_letters, "leadengine dead-letters list --agent scorer")
    verb(letters, "show", show, "leadengine dead-letters show 4711")
    verb(
        letters,
        "replay",
        replay,
        "leadengine dead-letters replay 4711 4712",
        "leadengine dead-letters replay --agent scorer",
    )
    verb(letters, "drop", drop, "leadengine dead-letters drop 4711 --yes")
    return letters


def list_letters(
    out: Output,
    *,
    recipient: Recipient = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 20,
) -> None:
    """List the dead letters, newest first."""
    with connect() as api:
        items = list(api.items("/api/dead-letters", {"recipient": recipient}, limit))
    rows = [
        (
            one["id"],
            one["recipient"],
            one["kind"],
            one["attempts"],
            moment(one["dead_at"]),
            one["reason"],
        )
        for one in items
    ]
    headers = ("Id", "Agent", "Message", "Tries", "Died (UTC)", "Why")
    out.result({"items": items}, table(headers, rows, right=("Id", "Tries")))
    if items:
        agent = items[0]["recipient"]
        out.next(
            f"leadengine dead-letters show {items[0]['id']}",
            f"leadengine dead-letters replay --agent {agent}",
        )
    else:
        out.note("There is none: every message was handled or waits.")
        out.next("leadengine agents list")


def show(out: Output, letter: Annotated[int, typer.Argument(metavar="ID")]) -> None:
    """Show one dead letter: the message, its tries and the error that ended them."""
    with connect() as api:
        found = next(
            (one for one in api.items("/api/dead-letters") if int(one["id"]) == letter), None
        )
    if found is None:
        raise Problem(
            f"There is no dead letter {letter}.",
            "It may have been replayed or dropped.",
            next_steps=("leadengine dead-letters list",),
        )
    out.result(found, pairs((name.replace("_", " "), value) for name, value in found.items()))
    out.next(f"leadengine dead-letters replay {letter}", f"leadengine dead-letters drop {letter}")


def replay(out: Output, ids: Ids = None, recipient: Recipient = None) -> None:
    """Deliver dead letters again, from their first try."""
    with connect() as api:
        answer = api.post("/api/dead-letters/replay", _chosen(ids, recipient))
    out.result(answer, line("Delivered again: ", str(answer["replayed"])))
    out.next("leadengine agents list", "leadengine dead-letters list")


def drop(
    out: Output,
    *,
    ids: Ids = None,
    recipient: Recipient = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Drop dead letters for good."""
    chosen = _chosen(ids, recipient)
    if not yes:
        which = f"all of {recipient}" if recipient else ", ".join(ids or [])
        confirm(f"Drop {which}? Nobody will handle them any more.")
    with connect() as api:
        answer = api.post("/api/dead-letters/drop", chosen)
    out.result(answer, line("Dropped: ", str(answer["dropped"])))
    out.next("leadengine dead-letters list")


def _chosen(ids: list[str] | None, recipient: str | None) -> Json:
    if bool(ids) == bool(recipient):
        raise Problem(
            "Name the dead letters by id, or all of one agent by --agent.",
            next_steps=("leadengine dead-letters list",),
            code=ExitCode.USAGE,
        )
    if recipient:
        return {"recipient": recipient}
    bad = [one for one in ids or [] if not one.isdecimal()]
    if bad:
        raise Problem(f"{bad[0]!r} is no id.", "Ids are numbers.", code=ExitCode.USAGE)
    return {"ids": [int(one) for one in ids or []]}
