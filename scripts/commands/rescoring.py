"""``leadengine score leads``: score again, and wait until it is done."""

import time
from typing import Annotated

import typer

from scripts.client import POLL_SECONDS, Api, Json, connect
from scripts.commands.leads import find
from scripts.output import ExitCode, Output, Problem, line

SCORING_AGENTS = ("enricher", "scorer")


def rescore(
    out: Output,
    *,
    who: Annotated[list[str] | None, typer.Argument(metavar="[LEAD]…")] = None,
    everyone: Annotated[bool, typer.Option("--all", help="Every lead.")] = False,
    import_id: Annotated[str | None, typer.Option("--import", help="Of this import.")] = None,
    source: Annotated[str | None, typer.Option(help="Of this source.")] = None,
    status: Annotated[str | None, typer.Option(help="In this status.")] = None,
    wait: Annotated[bool, typer.Option(help="Until all are scored.")] = True,
) -> None:
    """Score leads again with the active algorithm."""
    chosen = {"import_id": import_id, "source": source, "status": status}
    chosen = {name: value for name, value in chosen.items() if value}
    if sum(map(bool, (who, everyone, chosen))) != 1:
        raise Problem(
            "Say which leads: some by name, --all, or a filter such as --import.",
            next_steps=("leadengine score leads --all",),
            code=ExitCode.USAGE,
        )
    with connect() as api:
        if who:
            body: Json = {"lead_ids": [find(api, one)["id"] for one in who]}
        else:
            body = {"filter": chosen}
        answer = api.post("/api/leads/score", body)
        if wait:
            _wait(out, api, int(answer["queued"]))
    words = "scored again" if wait else "queued"
    out.result(
        answer | {"waited": wait}, line(("✓ ", "green"), f"{answer['queued']} leads {words}.")
    )
    out.next("leadengine leads list --sort best")


def _wait(out: Output, api: Api, queued: int) -> None:
    with out.bars() as bars:
        step = bars.step("Scoring", queued or None)
        while waiting := backlog(api):
            step.update(max(0, queued - waiting), queued, f"{waiting} wait")
            time.sleep(POLL_SECONDS)
        step.finish(f"{queued} leads")


def backlog(api: Api, roles: tuple[str, ...] = SCORING_AGENTS) -> int:
    """How many messages wait or are being handled on the way to a score.

    Raises:
        Problem: if one of these agents is paused while messages wait for it.
    """
    agents = [one for one in api.patiently("/api/agents")["items"] if one["role"] in roles]
    for one in agents:
        if one.get("paused") and one.get("backlog"):
            raise Problem(
                f"The {one['role']} is paused, {one['backlog']} messages wait for it.",
                str(one.get("paused_reason") or ""),
                next_steps=(f"leadengine agents resume {one['role']}",),
                code=ExitCode.REFUSED,
            )
    return sum(int(one.get("backlog") or 0) for one in agents)
