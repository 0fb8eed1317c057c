"""``leadengine bench``: how fast it is here, beside a baseline measured in the same run."""

from typing import TYPE_CHECKING, Annotated

import typer

from scripts.output import Output
from scripts.verbs import group, verb

if TYPE_CHECKING:
    pass

BENCHES = ("mailbox", "import", "scoring", "api", "sealing")


def app() -> typer.Typer:
    """Make the group."""
    bench = group("How fast it is on this machine, beside a baseline of the same run.")
    for name, function in (
        ("mailbox", mailbox),
        ("import", importing),
        ("scoring", scoring),
        ("api", api),
        ("sealing", sealing),
    ):
        verb(bench, name, function, f"leadengine bench {name}", f"leadengine bench {name} --json")
    return bench


Quick = Annotated[bool, typer.Option("--quick", help="Smaller and rougher, in a minute or two.")]


def mailbox(out: Output, *, quick: Quick = False) -> None:
    """Messages: post, claim, handle, finish; against raw SQL, pgqueuer and procrastinate."""
    _run(out, "mailbox", quick=quick)


def importing(out: Output, *, quick: Quick = False) -> None:
    """Rows a second into the database, encrypted; against COPY of the same rows."""
    _run(out, "importing", quick=quick)


def scoring(out: Output, *, quick: Quick = False) -> None:
    """Leads a second: with GPT-4 in the sandbox under its limits, and by a learned scorecard."""
    _run(out, "scoring", quick=quick)
    _run(out, "learned", quick=quick)


def api(out: Output, *, quick: Quick = False) -> None:
    """List and search with many leads against few; p95 in milliseconds."""
    _run(out, "api", quick=quick)


def sealing(out: Output, *, quick: Quick = False) -> None:
    """Microseconds to seal, open and blind a value; against bare AES-256-GCM."""
    _run(out, "sealing", quick=quick)


def _run(out: Output, module: str, *, quick: bool) -> None:
    raise NotImplementedError
