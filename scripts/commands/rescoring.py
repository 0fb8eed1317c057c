"""``leadengine score leads``: score again, and wait until it is done."""

import time
from collections.abc import Iterator
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
        for waiting in pending(api):
            step.update(max(0, queued - waiting), queued, f"{waiting} wait")
        step.finish(f"{queued} leads")


def pending(api: Api, roles: tuple[str, ...] = SCORING_AGENTS) -> Iterator[int]:
    """Tell how many messages wait, again and again, until these agents have nothing to do.

    What a worker has taken no longer waits; so after the last message each worker must have
    reported once more, and at rest.

    Raises:
        Problem: if one of the agents is paused while messages wait for it.
    """
    seen: dict[str, str] = {}
    while True:
        agents = [one for one in api.patiently("/api/agents")["items"] if one["role"] in roles]
        waiting = sum(map(_waiting, agents))
        workers = [worker for agent in agents for worker in agent["workers"]]
        working = sum(int(worker["report"].get("working") or 0) for worker in workers)
        beats = {worker["name"]: worker["beat_at"] for worker in workers}
        if waiting or working:
            seen = {}
        elif not seen:
            seen = beats
        if not waiting and not working and all(seen.get(n) != beat for n, beat in beats.items()):
            return
        yield waiting + working
        time.sleep(POLL_SECONDS)


def _waiting(agent: Json) -> int:
    waiting = int(agent["waiting"]) + int(agent["delayed"])
    if agent["paused"] and waiting:
        raise Problem(
            f"The {agent['role']} is paused, {waiting} messages wait for it.",
            str(agent["paused_reason"] or ""),
            next_steps=(f"leadengine agents resume {agent['role']}",),
            code=ExitCode.REFUSED,
        )
    return waiting


def looking(api: Api, role: str) -> Iterator[None]:
    """Pause between two looks at what an agent makes, for as long as it can make it.

    Raises:
        Problem: if the agent is paused while messages wait for it, or gave one up meanwhile.
    """
    buried: int | None = None
    while True:
        found = next(one for one in api.patiently("/api/agents")["items"] if one["role"] == role)
        _waiting(found)
        if buried is not None and found["dead"] > buried:
            raise Problem(
                f"The {role} gave up a message while it was waited for.",
                next_steps=(f"leadengine dead-letters list --agent {role}",),
            )
        buried = found["dead"]
        yield
        time.sleep(POLL_SECONDS)
