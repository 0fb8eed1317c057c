"""``leadengine up``, ``down``, ``status`` and ``doctor``."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scripts.client import Api, Json, connect
from scripts.commands.agents import agents_table
from scripts.output import ExitCode, Output, Problem, line, pairs
from scripts.verbs import verb

if TYPE_CHECKING:
    from rich.console import RenderableType

PANEL = "Run"
WATCH_SECONDS = 2.0

Port = Annotated[int | None, typer.Option(help="Where the API listens.", min=1, max=65535)]
DataDir = Annotated[Path | None, typer.Option(help="Where everything local is kept.")]


def add_to(app: typer.Typer) -> None:
    """Add the verbs."""
    verb(app, "up", up, "leadengine up", "leadengine up --detach --port 8080", panel=PANEL)
    verb(app, "down", down, "leadengine down", panel=PANEL)
    verb(app, "status", status, "leadengine status --watch", panel=PANEL)
    verb(app, "doctor", doctor, "leadengine doctor", "leadengine doctor --json", panel=PANEL)


def status(
    out: Output,
    *,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Keep showing it.")] = False,
) -> None:
    """Show leads, agents and queues. Ends with 3 if the engine is not ready."""
    with connect() as api:
        if watch and not out.as_json and out.results.is_terminal:
            _watch(out, api)
            return
        found = _state(api)
    out.result(found, *_shown(found))
    out.next(*_useful(found))


def _state(api: Api) -> Json:
    ready = api.get("/health/ready")
    return {
        "ready": ready.get("status", "ready"),
        "status": api.get("/api/status"),
        "agents": api.get("/api/agents")["items"],
    }


def _shown(found: Json) -> "list[RenderableType]":
    about: Json = found["status"]
    shown: list[RenderableType] = []
    if sandboxed := about.get("sandboxed"):
        shown.append(
            line(("Sandbox: ", "bold yellow"), f"{', '.join(sandboxed)}. Nothing real is asked.")
        )
    shown.append(pairs(_figures(about)))
    shown.append(agents_table(found["agents"]))
    return shown


def _figures(about: Json) -> "list[tuple[str, object]]":
    rows: list[tuple[str, object]] = []
    for name, value in about.items():
        if name == "sandboxed":
            continue
        if isinstance(value, dict):
            inner = ", ".join(f"{k} {v}" for k, v in value.items() if not isinstance(v, dict))
            rows.append((name.replace("_", " "), inner))
        elif isinstance(value, str | int | float):
            rows.append((name.replace("_", " "), value))
    return rows


def _useful(found: Json) -> tuple[str, ...]:
    agents: list[Json] = found["agents"]
    if any(agent.get("paused") for agent in agents):
        return ("leadengine agents resume all",)
    if any(agent.get("dead") for agent in agents):
        return ("leadengine dead-letters list",)
    return ("leadengine leads list --sort best",)


def _watch(out: Output, api: Api) -> None:
    from rich.console import Group
    from rich.live import Live

    with Live(console=out.results, refresh_per_second=4) as live:
        while True:
            try:
                live.update(Group(*_shown(_state(api))))
            except Problem as problem:
                if problem.code is not ExitCode.NOT_READY:
                    raise
                live.update(line(("Not ready: ", "yellow"), problem.what))
            time.sleep(WATCH_SECONDS)


def up(
    out: Output,
    *,
    port: Port = None,
    data_dir: DataDir = None,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Return once it runs.")] = False,
    no_sandbox: Annotated[
        bool, typer.Option("--no-sandbox", help="Vendors without credentials stay away.")
    ] = False,
) -> None:
    """Start the engine: database, agents, API, and a sandbox for vendors without credentials."""
    raise NotImplementedError


def down(out: Output, data_dir: DataDir = None) -> None:
    """Stop the engine. What is under way is finished, and nothing is lost."""
    raise NotImplementedError


def doctor(out: Output, data_dir: DataDir = None) -> None:
    """Check everything that the engine needs, and say how to repair what is wrong."""
    raise NotImplementedError
