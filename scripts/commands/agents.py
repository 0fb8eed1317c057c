"""``leadengine agents``: what the agents do, and stopping them for a while."""

from typing import TYPE_CHECKING, Annotated

import typer

from scripts.client import Json, connect
from scripts.output import UNKNOWN, Output, line, table
from scripts.verbs import group, verb

if TYPE_CHECKING:
    from rich.console import RenderableType

ALL = "all"

Role = Annotated[str, typer.Argument(metavar="AGENT", help="Its name, or all.")]


def app() -> typer.Typer:
    """Make the group."""
    agents = group("What the agents do; stop them for a while and let them go on.")
    verb(agents, "list", list_agents, "leadengine agents list --json")
    verb(agents, "pause", pause, "leadengine agents pause scorer --reason 'price check'")
    verb(agents, "resume", resume, "leadengine agents resume all")
    return agents


def list_agents(out: Output) -> None:
    """List the agents with their backlog and workers."""
    with connect() as api:
        answer = api.get("/api/agents")
    out.result(answer, agents_table(answer["items"]))
    dead = sum(agent["dead"] for agent in answer["items"])
    out.next("leadengine dead-letters list" if dead else "leadengine status --watch")


def agents_table(agents: list[Json]) -> "RenderableType":
    """One line an agent."""
    from rich.text import Text

    def state(agent: Json) -> Text:
        if agent["paused"]:
            return Text("● paused", style="yellow")
        if not agent["workers"]:
            return Text("● no worker", style="red")
        return Text("● running", style="green")

    rows = [
        (
            agent["role"],
            state(agent),
            len(agent["workers"]),
            agent["waiting"],
            agent["delayed"],
            _seconds(agent["oldest_seconds"]),
            agent["dead"],
            agent["paused_reason"] or "",
        )
        for agent in agents
    ]
    headers = ("Agent", "State", "Workers", "Waiting", "Later", "Oldest", "Dead", "")
    return table(headers, rows, right=("Workers", "Waiting", "Later", "Oldest", "Dead"))


def _seconds(value: object) -> str:
    if not isinstance(value, int | float):
        return UNKNOWN
    return f"{value:.0f} s" if value < 120 else f"{value / 60:.0f} min"


def _names(answer: Json) -> str:
    return ", ".join(agent["role"] for agent in answer["items"])


def pause(
    out: Output,
    *,
    role: Role,
    reason: Annotated[str, typer.Option(help="Why; it is shown and kept.")] = "",
) -> None:
    """Pause an agent. What it is doing is finished, nothing new is begun, nothing is lost."""
    with connect() as api:
        answer = api.post(f"/api/agents/{role}/pause", {"reason": reason or "by the operator"})
    out.result(answer, line("Paused: ", _names(answer)))
    out.next(f"leadengine agents resume {role}")


def resume(out: Output, role: Role) -> None:
    """Let a paused agent go on."""
    with connect() as api:
        answer = api.post(f"/api/agents/{role}/resume")
    out.result(answer, line("Running again: ", _names(answer)))
    out.next("leadengine agents list")
