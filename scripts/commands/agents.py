"""``leadengine agents``: what the agents do, and stopping them for a while."""

from typing import TYPE_CHECKING, Annotated

import typer

from scripts.client import Json, connect
from scripts.output import UNKNOWN, Output, line, table, text_of
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
    dead = sum(agent.get("dead") or 0 for agent in answer["items"])
    out.next("leadengine dead-letters list" if dead else "leadengine status --watch")


def agents_table(agents: list[Json]) -> "RenderableType":
    """One line an agent."""
    from rich.text import Text

    def state(agent: Json) -> Text:
        if agent.get("paused"):
            return Text("● paused", style="yellow")
        if not _workers(agent):
            return Text("● no worker", style="red")
        return Text("● running", style="green")

    rows = [
        (
            agent["role"],
            state(agent),
            _workers(agent),
            agent.get("backlog", 0),
            _seconds(agent.get("oldest_seconds")),
            agent.get("dead", 0),
            agent.get("paused_reason") or "",
        )
        for agent in agents
    ]
    headers = ("Agent", "State", "Workers", "Waiting", "Oldest", "Dead", "")
    return table(headers, rows, right=("Workers", "Waiting", "Oldest", "Dead"))


def _workers(agent: Json) -> int:
    workers = agent.get("workers")
    return len(workers) if isinstance(workers, list) else int(workers or 0)


def _seconds(value: object) -> str:
    if not isinstance(value, int | float):
        return UNKNOWN
    return f"{value:.0f} s" if value < 120 else f"{value / 60:.0f} min"


def pause(
    out: Output,
    *,
    role: Role,
    reason: Annotated[str, typer.Option(help="Why; it is shown and kept.")] = "",
) -> None:
    """Pause an agent. What it is doing is finished, nothing new is begun, nothing is lost."""
    with connect() as api:
        answer = api.post(f"/api/agents/{role}/pause", {"reason": reason or "by the operator"})
    out.result(answer, line("Paused: ", text_of(role)))
    out.next(f"leadengine agents resume {role}")


def resume(out: Output, role: Role) -> None:
    """Let a paused agent go on."""
    with connect() as api:
        answer = api.post(f"/api/agents/{role}/resume")
    out.result(answer, line("Running again: ", text_of(role)))
    out.next("leadengine agents list")
