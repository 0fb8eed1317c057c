"""``leadengine up``, ``down``, ``status`` and ``doctor``."""

import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scripts.client import Api, Json, connect
from scripts.commands.agents import agents_table
from scripts.output import ExitCode, Output, Problem, line, pairs, table
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
    api.get("/health/ready")
    return api.get("/api/status")


def _shown(found: Json) -> "list[RenderableType]":
    shown: list[RenderableType] = []
    if sandboxed := found["sandboxed"]:
        shown.append(
            line(("Sandbox: ", "bold yellow"), f"{', '.join(sandboxed)}. Nothing real is asked.")
        )
    shown.append(pairs(_figures(found)))
    shown.append(agents_table(found["agents"]))
    return shown


def _figures(about: Json) -> "list[tuple[str, object]]":
    active = about["active_algorithm"]
    unknown = about["unknown_calls"]
    return [
        ("version", about["version"]),
        ("leads", _leads(about)),
        ("imports", f"{about['imports_open']} under way" if about["imports_open"] else None),
        (
            "scored by",
            f"{active['name']}@{active['version']}" if active else "nothing: none active",
        ),
        ("spent", _spent(about["spending"])),
        ("in doubt", f"{unknown} paid calls, counted as spent" if unknown else None),
    ]


def _leads(about: Json) -> str:
    average = about["average_score"]
    stages = [f"{count} {stage}" for stage, count in about["leads"].items() if count]
    mean = f", score {average:.0f} on average" if average is not None else ""
    return f"{about['total']}" + (f" ({', '.join(stages)}{mean})" if stages else "")


def _spent(accounts: list[Json]) -> str:
    """What each vendor came to, today or, where the cap is by the month, this month."""
    by_name: dict[str, list[str]] = {}
    for account in accounts:
        name = str(account["id"]).split(":")[1]
        by_name.setdefault(_ACCOUNTS.get(name, name), []).append(_account(account))
    return "; ".join(f"{name} {', '.join(spent)}" for name, spent in by_name.items())


_ACCOUNTS = {"vendors": "all lead sources"}


def _account(account: Json) -> str:
    """An account of the ledger: what is spent or held, of how much."""
    used = account["spent"] + account["held"]
    if account["unit"] == "usd_micro":
        limit = f" of {account['limit'] / 1e6:,.2f}" if account["limit"] is not None else ""
        return f"{used / 1e6:,.2f}{limit} USD"
    limit = f" of {account['limit']:,}" if account["limit"] is not None else ""
    return f"{used:,}{limit} {account['unit']}"


def _useful(found: Json) -> tuple[str, ...]:
    agents: list[Json] = found["agents"]
    if any(agent["paused"] for agent in agents):
        return ("leadengine agents resume all",)
    if any(agent["dead"] for agent in agents):
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
    from scripts.lifecycle.options import UpOptions
    from scripts.lifecycle.up import up as start

    _ended(out, start(UpOptions(port, data_dir, detach, not no_sandbox)), data_dir)


def down(out: Output, *, data_dir: DataDir = None) -> None:
    """Stop the engine. What is under way is finished, and nothing is lost."""
    from scripts.lifecycle.down import down as stop
    from scripts.lifecycle.options import DownOptions

    _ended(out, stop(DownOptions(data_dir)), data_dir)


def _ended(out: Output, code: int, data_dir: Path | None) -> None:
    """Say in JSON what runs now, and end as the engine's own screen has told."""
    if out.as_json:
        from scripts.lifecycle import state
        from scripts.lifecycle.options import settings_for

        directory = settings_for(None, data_dir).directory
        found = state.running(directory)
        out.result({"engine": asdict(found) if found else None, "data_dir": str(directory)})
    raise typer.Exit(code)


def doctor(out: Output, *, port: Port = None, data_dir: DataDir = None) -> None:
    """Check everything that the engine needs, and say how to repair what is wrong."""
    from scripts.lifecycle.doctor import doctor as examine
    from scripts.lifecycle.doctor import worst
    from scripts.lifecycle.findings import Health
    from scripts.lifecycle.options import DoctorOptions

    findings = examine(DoctorOptions(port, data_dir))
    rows = [
        (_MARKS[one.health], one.about, one.says, one.remedy, f"{one.seconds:.1f} s")
        for one in findings
    ]
    health = worst(findings)
    data = {"health": health, "findings": [asdict(one) for one in findings]}
    out.result(data, table(("", "What", "How it is", "What to do", "Took"), rows))
    out.next("leadengine status")
    if health is Health.BAD:
        raise typer.Exit(ExitCode.NOT_READY)


_MARKS = {"good": "✓", "warning": "!", "bad": "✗"}
