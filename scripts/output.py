"""What the command line says: results to standard output, everything else to standard error.

Results are tables for people and one JSON document for programs (``--json``). Progress, hints and
errors go to standard error, so that a pipe carries results only. Progress bars are drawn on a
terminal; anywhere else each step leaves one finished line.

Text that came from outside (lead data, server answers) is printed without control characters and
never read as markup.
"""

import re
import sys
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import IntEnum
from time import monotonic
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.progress import Progress, TaskID

PIPED_WIDTH = 160
UNKNOWN = "\N{EN DASH}"
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class ExitCode(IntEnum):
    """How a command ended."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NOT_READY = 3
    REFUSED = 4


class Problem(Exception):
    """Why a command cannot go on: what happened, why, and what to run next.

    Attributes:
        what: one sentence.
        why: the cause as far as it is known; may be empty.
        next_steps: commands, or sentences that say what to do.
        code: the exit code.
        reference: the request's correlation id, to be found in logs and decisions.
        reason: the stable word of the API for it, such as ``worse``.
    """

    def __init__(
        self,
        what: str,
        why: str = "",
        *,
        next_steps: Sequence[str] = (),
        code: ExitCode = ExitCode.FAILED,
        reference: str | None = None,
        reason: str | None = None,
    ) -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.next_steps = tuple(next_steps)
        self.code = code
        self.reference = reference
        self.reason = reason

    def as_json(self) -> dict[str, Any]:
        """The error as programs read it."""
        return {
            "error": {
                "what": self.what,
                "why": self.why,
                "next": list(self.next_steps),
                "exit_code": int(self.code),
                "reason": self.reason,
                "reference": self.reference,
            }
        }


def clean(value: object) -> str:
    """``value`` as text without control characters; a terminal obeys those."""
    return _CONTROL.sub("·", str(value))


@dataclass
class Output:
    """Where one command speaks.

    Attributes:
        as_json: one JSON document instead of tables.
        quiet: neither progress nor hints.
        debug: show where an error came from.
    """

    as_json: bool = False
    quiet: bool = False
    debug: bool = False
    results: "Console" = field(default_factory=lambda: _console(sys.stdout))
    notes: "Console" = field(default_factory=lambda: _console(sys.stderr))

    def result(self, data: object, *shown: "RenderableType") -> None:
        """Print ``data`` as JSON, or what is ``shown`` to people."""
        if self.as_json:
            print_json(data)
            return
        for part in shown:
            self.results.print(part)

    def note(self, text: str) -> None:
        """Say something beside the result; ``text`` may hold markup, so clean and escape values."""
        if not self.quiet and not self.as_json:
            self.notes.print(text)

    def next(self, *commands: str) -> None:
        """End with what is useful now."""
        if self.quiet or self.as_json:
            return
        from rich.text import Text

        from scripts.lifecycle.screen import command_name

        label, name = "Next: ", command_name()
        for command in commands:
            told = f"{name} {command[11:]}" if command.startswith("leadengine ") else command
            self.notes.print(Text.assemble((label, "dim"), (clean(told), "cyan")))
            label = "      "

    def problem(self, problem: Problem) -> None:
        """Tell of an error: what, why, next."""
        if self.as_json:
            print_json(problem.as_json())
            return
        from rich.text import Text

        self.notes.print(Text.assemble(("Error: ", "bold red"), clean(problem.what)))
        if problem.why:
            self.notes.print(Text(f"  {clean(problem.why)}"))
        if problem.reference:
            self.notes.print(Text(f"  Reference {clean(problem.reference)}", style="dim"))
        self.next(*problem.next_steps)

    @contextmanager
    def bars(self) -> Generator["Bars", None, None]:
        """Show progress while the block runs."""
        silent = self.quiet or self.as_json
        if silent or not self.notes.is_terminal:
            yield Bars(None if silent else self.notes, None)
            return
        with _progress(self.notes) as progress:
            yield Bars(self.notes, progress)


@dataclass(frozen=True)
class Bars:
    """Several steps under way; each is drawn live, or told in one line once finished."""

    console: "Console | None"
    live: "Progress | None"

    def step(self, name: str, total: float | None = None) -> "Step":
        """Begin a step; ``total`` is None while unknown."""
        task = self.live.add_task(name, total=total, note="") if self.live else None
        return Step(self, name, task, monotonic())


@dataclass(frozen=True)
class Step:
    """One step of something that takes long."""

    bars: Bars
    name: str
    task: "TaskID | None"
    began: float

    def update(self, done: float, total: float | None = None, note: str = "") -> None:
        """Move the bar."""
        if self.bars.live and self.task is not None:
            self.bars.live.update(self.task, completed=done, total=total, note=note)

    def finish(self, note: str = "", *, ok: bool = True) -> None:
        """The step is over; say how it went."""
        if self.bars.live and self.task is not None:
            total = self.bars.live.tasks[self.task].total or 1
            self.bars.live.update(self.task, completed=total, total=total, note=note)
        elif self.bars.console:
            from rich.text import Text

            mark = ("✓ ", "green") if ok else ("✗ ", "red")
            took = f"  {monotonic() - self.began:.1f} s"
            self.bars.console.print(
                Text.assemble(mark, f"{self.name:<14} ", (clean(note), "dim"), (took, "dim"))
            )


def _progress(console: "Console") -> "Progress":
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    return Progress(
        SpinnerColumn(finished_text="[green]✓"),
        TextColumn("{task.description:<14}"),
        BarColumn(bar_width=24),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("[dim]{task.fields[note]}", markup=True),
        TimeElapsedColumn(),
        console=console,
    )


def _console(stream: TextIO) -> "Console":
    from rich.console import Console

    width = None if stream.isatty() else PIPED_WIDTH
    return Console(file=stream, width=width, highlight=False, soft_wrap=False)


def print_json(data: object) -> None:
    """Write one JSON document to standard output."""
    import json

    json.dump(data, sys.stdout, indent=2, ensure_ascii=False, default=str)
    sys.stdout.write("\n")


def table(
    headers: Sequence[str], rows: Iterable[Sequence[object]], *, right: Iterable[str] = ()
) -> "RenderableType":
    """Make a table without rules; ``right`` names the headers of the figures."""
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=None, pad_edge=False, header_style="dim")
    figures = set(right)
    for header in headers:
        shown.add_column(
            header, justify="right" if header in figures else "left", no_wrap=header in figures
        )
    for row in rows:
        shown.add_row(*(cell if isinstance(cell, Text) else Text(text_of(cell)) for cell in row))
    return shown


def pairs(rows: Iterable[tuple[str, object]]) -> "RenderableType":
    """Make a list of names and values; rows without a value are left out."""
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=None, pad_edge=False, show_header=False)
    for name, value in rows:
        if value not in (None, "", [], ()):
            cell = value if isinstance(value, Text) else Text(text_of(value))
            shown.add_row(Text(name, style="dim"), cell)
    return shown


def line(*parts: "str | tuple[str, str]") -> "RenderableType":
    """One line of text; a part with a style is a pair."""
    from rich.text import Text

    cleaned = [
        clean(part) if isinstance(part, str) else (clean(part[0]), part[1]) for part in parts
    ]
    return Text.assemble(*cleaned)


def text_of(value: object) -> str:
    """``value`` as a cell shows it."""
    if value is None:
        return UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(text_of(item) for item in value)  # pyright: ignore[reportUnknownVariableType]
    return clean(value)


def moment(value: object) -> str:
    """An ISO time as a cell shows it: the minute, in UTC."""
    text = clean(value) if value else UNKNOWN
    return text[:16].replace("T", " ")


def percent(value: object, digits: int = 1) -> str:
    """A share as per cent; a dash where it is not known."""
    return f"{float(value) * 100:.{digits}f} %" if isinstance(value, int | float) else UNKNOWN


def number(value: object, digits: int = 3) -> str:
    """A figure; a dash where it is not known."""
    return f"{float(value):.{digits}f}" if isinstance(value, int | float) else UNKNOWN
