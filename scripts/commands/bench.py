"""``leadengine bench``: how fast it is here, beside a baseline measured in the same run."""

import inspect
import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scripts.output import ExitCode, Output, Problem, table
from scripts.verbs import group, verb

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

    from scripts.bench.figures import Figure


def app() -> typer.Typer:
    """Make the group."""
    bench = group("How fast it is on this machine, beside a baseline of the same run.")
    for name, function in (
        ("mailbox", mailbox),
        ("import", importing),
        ("scoring", scoring),
        ("api", api),
        ("sealing", sealing),
        ("sandbox", sandbox),
        ("waterfall", waterfall),
    ):
        verb(bench, name, function, f"leadengine bench {name}", f"leadengine bench {name} --json")
    return bench


Quick = Annotated[bool, typer.Option("--quick", help="Smaller and rougher, in a minute or two.")]


def mailbox(out: Output, *, quick: Quick = False) -> None:
    """Messages: post, claim, handle, finish; against raw SQL, pgqueuer and procrastinate."""
    _run(out, "mailbox", quick=quick)


def importing(
    out: Output,
    *,
    quick: Quick = False,
    million: Annotated[
        bool, typer.Option("--million", help="Memory at a million rows too.")
    ] = False,
) -> None:
    """Rows a second into the database, encrypted; against COPY of the same rows."""
    _run(out, "importing", quick=quick, million=million)


def scoring(out: Output, *, quick: Quick = False) -> None:
    """Leads a second: with GPT-4 in the sandbox under its limits, and by a learned scorecard."""
    _run(out, "scoring", "learned", quick=quick)


def api(out: Output, *, quick: Quick = False) -> None:
    """List and search with many leads against few; p95 in milliseconds."""
    _run(out, "api", quick=quick)


def sealing(out: Output, *, quick: Quick = False) -> None:
    """Microseconds to seal, open and blind a value; against bare AES-256-GCM."""
    _run(out, "sealing", quick=quick)


def sandbox(out: Output, *, quick: Quick = False) -> None:
    """Calls a second that the sandbox's OpenAI answers, and what each costs it."""
    _run(out, "sandbox", quick=quick)


def waterfall(out: Output, *, quick: Quick = False) -> None:
    """What a verified contact costs; against fixed waterfalls on the sandbox's market."""
    _run(out, "waterfall", quick=quick)


def _run(out: Output, *modules: str, **options: bool) -> None:
    out.note("[dim]Medians; read the ratios, they are of one run on one machine.[/]")
    figures: list[Figure] = []
    with out.bars() as bars:
        for module in modules:
            step = bars.step(module)
            figures += measure(module, **options)
            step.finish()
    missed = [one.name for one in figures if one.passed is False]
    out.result({"figures": [one.as_json() for one in figures]}, figures_table(figures))
    if missed:
        out.note(f"[yellow]{len(missed)} targets missed:[/] {', '.join(missed)}")
        raise typer.Exit(ExitCode.FAILED)


def measure(module: str, **options: bool) -> "list[Figure]":
    """Run ``scripts.bench.<module>``, on a PostgreSQL of its own if it wants one.

    Raises:
        Problem: if a package is missing that only benchmarks need.
    """
    try:
        run = import_module(f"scripts.bench.{module}").run
    except ModuleNotFoundError as error:
        raise Problem(
            f"The package {error.name} is not installed.",
            "Only this benchmark needs it.",
            next_steps=("pip install --require-hashes -r requirements-bench.lock",),
        ) from error
    takes = inspect.signature(run).parameters
    taken = {name: value for name, value in options.items() if name in takes}
    if "url" not in takes:
        return figures_of(run(**taken))
    with throw_away_server() as url:
        return figures_of(run(url, **taken))


@contextmanager
def throw_away_server() -> Generator[str, None, None]:
    """A PostgreSQL as ``leadengine up`` runs it, fsync on, gone afterwards."""
    from cluster.postgres import EmbeddedPostgres

    with tempfile.TemporaryDirectory(prefix="leadengine-bench-") as folder:
        server = EmbeddedPostgres(Path(folder) / "postgres")
        server.start()
        try:
            yield server.url("postgres")
        finally:
            server.stop("immediate")


def figures_of(measured: "Sequence[Figure] | Mapping[str, float]") -> "list[Figure]":
    """What a benchmark returned as figures; plain numbers are microseconds a value."""
    if not isinstance(measured, Mapping):
        return list(measured)
    return [_figure(name, value, measured) for name, value in measured.items()]


def _figure(name: str, value: float, measured: Mapping[str, float]) -> "Figure":
    from scripts.bench.figures import Figure

    for prefix, baseline, words in _BARE:
        if name.startswith(prefix) and baseline in measured:
            return Figure(name, value, "µs", measured[baseline], words)
    return Figure(name, value, "µs")


_BARE = (
    ("seal", "aes_gcm_alone", "AES-256-GCM alone"),
    ("open", "aes_gcm_alone", "AES-256-GCM alone"),
    ("blind", "hmac_sha256_alone", "HMAC-SHA-256 alone"),
)


def figures_table(figures: "list[Figure]") -> "RenderableType":
    """One line a figure: value, baseline, ratio, target, mark."""
    rows = [
        (
            _mark(one),
            one.name,
            f"{_amount(one.value)} {one.unit}",
            "" if one.baseline is None else f"{_amount(one.baseline)} {one.unit}",
            one.against,
            "" if one.ratio is None else f"{one.ratio:.2f}",
            "" if one.target is None else f"{'≤' if one.at_most else '≥'} {one.target:g}",
        )
        for one in figures
    ]
    headers = ("", "What", "Value", "Baseline", "of", "Ratio", "Target")
    return table(headers, rows, right=("Value", "Baseline", "Ratio", "Target"))


def _amount(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _mark(figure: "Figure") -> "Text":
    from rich.text import Text

    if figure.passed is None:
        return Text("")
    return Text("✓", style="green") if figure.passed else Text("✗", style="red")
