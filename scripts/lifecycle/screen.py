"""What a person sees while the engine starts, when it runs, and while it stops."""

import shutil
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.status import Status
from rich.table import Table
from rich.text import Text

from cluster.settings import ROOT
from scripts.lifecycle.state import State

UNREAL = "nothing real is asked, nothing is paid"


class Screen:
    """Speaks to standard error; draws moving parts on a terminal only."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(file=sys.stderr, highlight=False)
        self._status: Status | None = None
        self._step = ""
        self._began = 0.0

    def step(self, text: str) -> None:
        """Show what is done now; the step before it is finished."""
        if text == self._step:
            return
        self.finished()
        self._step, self._began = text, time.monotonic()
        if self.console.is_terminal and text:
            self._status = self.console.status(f"{text} …", spinner="dots")
            self._status.start()

    def finished(self) -> None:
        """Tick the present step off."""
        if self._end_step():
            seconds = time.monotonic() - self._began
            line = Text.assemble(("✓ ", "green"), self._step, (f"  {seconds:.1f} s", "dim"))
            self.console.print(line)
        self._step = ""

    def failed(self, what: str, *hints: str) -> None:
        """Say what went wrong, and what to do."""
        if self._end_step():
            self.console.print(Text.assemble(("✗ ", "red"), self._step))
        self._step = ""
        self.console.print(Text.assemble(("Error: ", "bold red"), what))
        for hint in hints:
            self.console.print(Text(f"  {hint}"))

    def running(self, state: State, directory: Path, *, attached: bool) -> None:
        """The one screen that tells all there is to know."""
        self.finished()
        self.console.print()
        self.console.print(Text(f"Lead Engine {version('lead-engine')} runs.", style="bold green"))
        self.console.print()
        self.console.print(_facts(state, directory))
        self.console.print()
        command = command_name()
        if directory != ROOT / ".leadengine":
            self.console.print(
                Text.assemble(
                    ("First: ", "dim"), (f"export LEADENGINE_DATA_DIR={directory}", "cyan")
                ),
                soft_wrap=True,
            )
        nexts = [
            (f"{command} status --watch", "leads, agents and queues"),
            (f"{command} import FILE.csv --dry-run", "what would become of a file of leads"),
            (f"{command} doctor", "is everything as it should be?"),
        ]
        if not attached:
            nexts.append((f"{command} down", "stop everything"))
        self.console.print(_nexts(nexts), soft_wrap=True)
        if attached:
            self.console.print(Text("Ctrl-C stops everything.", style="dim"))

    def _end_step(self) -> bool:
        if self._status is not None:
            self._status.stop()
            self._status = None
        return bool(self._step)


class LiveLine:
    """One line of leads and queues that keeps up; nothing where there is no terminal."""

    def __init__(self, console: Console) -> None:
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._shown = console.is_terminal

    @property
    def is_shown(self) -> bool:
        """Whether there is a terminal to show it on."""
        return self._shown

    def __enter__(self) -> "LiveLine":
        if self._shown:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown:
            self._live.stop()

    def show(self, agents: list[dict[str, Any]], leads: dict[str, Any]) -> None:
        """Show the figures of this moment."""
        if self._shown:
            self._live.update(_figures(agents, leads), refresh=True)


def command_name() -> str:
    """How the command line is called from here."""
    if shutil.which("leadengine"):
        return "leadengine"
    command = Path(sys.executable).with_name("leadengine")
    return str(command.relative_to(ROOT)) if Path.cwd() == ROOT else str(command)


def _facts(state: State, directory: Path) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    table.add_row("  Address", Text(state.url, style="bold cyan"))
    table.add_row("  Operator key", f"{directory / 'operator.key'} (leadengine reads it itself)")
    table.add_row("  Data", f"{directory}")
    if state.sandboxed:
        names = ", ".join(state.sandboxed)
        table.add_row("  Sandbox", Text(f"{names}: {UNREAL}", style="yellow"))
        table.add_row(
            "",
            Text("set their keys and start again to use them for real (docs/vendors)", style="dim"),
        )
    if state.proxy and state.proxy != "HAProxy":
        table.add_row(
            "  Warning",
            Text("HAProxy is not used: Ray's own proxy is ten times slower", style="yellow"),
        )
    if state.log:
        table.add_row("  Log", state.log)
    return table


def _nexts(nexts: list[tuple[str, str]]) -> Text:
    longest = max(len(command) for command, _ in nexts)
    lines = Text()
    for number, (command, what) in enumerate(nexts):
        lines.append("Next:  " if number == 0 else "\n       ", "dim")
        lines.append(command.ljust(longest), "cyan")
        lines.append(f"  {what}", "dim")
    return lines


def _figures(agents: list[dict[str, Any]], leads: dict[str, Any]) -> Text:
    line = Text()
    for name, count in leads.items():
        line.append(f"{name} ", style="dim")
        line.append(f"{count:,}   ")
    for agent in agents:
        waiting = agent.get("waiting") or 0
        if waiting:
            line.append(f"{agent['role']} ", style="dim")
            line.append(f"{waiting:,} waiting   ")
    dead = sum(agent.get("dead") or 0 for agent in agents)
    if dead:
        line.append(f"{dead:,} dead letters", style="bold red")
    return line
