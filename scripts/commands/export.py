"""``leadengine export``: leads out, as CSV or as one JSON object a line."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from scripts.client import connect
from scripts.output import ExitCode, Output, Problem, Step, line
from scripts.verbs import verb

FORMATS = ("csv", "jsonl")
STDOUT = "-"


def add_to(app: typer.Typer) -> None:
    """Add the verb."""
    verb(
        app,
        "export",
        export,
        "leadengine export --out leads.csv",
        "leadengine export --format jsonl --tier hot --out - | jq .score",
        panel="Data",
    )


def export(  # noqa: PLR0913 - one option each
    out: Output,
    *,
    to: Annotated[Path, typer.Option("--out", help="The file; - is standard output.")],
    form: Annotated[str, typer.Option("--format", help="csv or jsonl.")] = "csv",
    status: Annotated[str | None, typer.Option(help="In this status.")] = None,
    source: Annotated[str | None, typer.Option(help="Of this source.")] = None,
    country: Annotated[str | None, typer.Option(help="Two letters.")] = None,
    industry: Annotated[str | None, typer.Option(help="Of this industry.")] = None,
    tier: Annotated[str | None, typer.Option(help="Of this tier.")] = None,
    outcome: Annotated[str | None, typer.Option(help="true or false.")] = None,
    min_score: Annotated[int | None, typer.Option(min=0, max=100)] = None,
    import_id: Annotated[str | None, typer.Option("--import", help="Of this import.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file.")] = False,
) -> None:
    """Export leads with their scores. The file holds personal data: only you can read it."""
    if form not in FORMATS:
        raise Problem(f"--format is csv or jsonl, not {form!r}.", code=ExitCode.USAGE)
    to_stdout = str(to) == STDOUT
    if to.exists() and not force and not to_stdout:
        raise Problem(f"{to} exists already.", "Say --force to replace it.", code=ExitCode.USAGE)
    query = {
        "format": form,
        "status": status,
        "source": source,
        "country": country,
        "industry": industry,
        "tier": tier,
        "outcome": outcome,
        "min_score": min_score,
        "import_id": import_id,
    }
    with connect() as api, out.bars() as bars, api.stream("/api/leads/export", query) as pieces:
        step = bars.step("Export")
        if to_stdout:
            sys.stdout.buffer.writelines(_counted(pieces, step))
            sys.stdout.buffer.flush()
            step.finish()
            return
        written = _write(to, pieces, step)
        step.finish(f"{written / 1e6:.1f} MB")
    out.result({"file": str(to), "bytes": written}, line(("✓ ", "green"), f"{to}: {written} bytes"))
    out.next(f"leadengine import {to} --dry-run")


def _write(to: Path, pieces: Iterator[bytes], step: Step) -> int:
    """Write beside the file first, so that a broken answer never replaces a whole file."""
    part = to.with_name(f"{to.name}.part")
    written = 0
    part.touch(mode=0o600)
    try:
        with part.open("wb") as file:
            for piece in _counted(pieces, step):
                written += file.write(piece)
        part.replace(to)
    finally:
        part.unlink(missing_ok=True)
    return written


def _counted(pieces: Iterator[bytes], step: Step) -> Iterator[bytes]:
    seen = 0
    for piece in pieces:
        seen += len(piece)
        step.update(seen, None, f"{seen / 1e6:.1f} MB")
        yield piece
