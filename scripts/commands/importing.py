"""``leadengine import``: a file of leads in, every lead scored.

The file is streamed, never whole in memory. After the upload the command watches the import and
then the agents until every lead of the file has its score; leaving it early loses nothing.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from scripts.client import Api, Json, connect
from scripts.commands.preview import previewed
from scripts.commands.rescoring import looking, pending
from scripts.output import Bars, ExitCode, Output, Problem, Step, line, table
from scripts.verbs import verb

if TYPE_CHECKING:
    from rich.console import RenderableType

IMPORTS = "/api/leads/import"
CHUNK_BYTES = 256 * 1024
PREVIEW_BYTES = 2**21
"""More than the engine looks at before it decides how to read a file."""
SHOWN_PROBLEMS = 10
STDIN = "-"
_ENDED = frozenset({"done", "failed"})


def add_to(app: typer.Typer) -> None:
    """Add the verb."""
    verb(
        app,
        "import",
        import_file,
        "leadengine import leads.csv",
        "leadengine import leads.csv --dry-run",
        "leadengine import crm.csv --map 'Prospect ID=external_id' --outcome Converted",
        panel="Data",
    )


@dataclass(frozen=True)
class Upload:
    """What is sent: the file and how it is to be read."""

    file: BinaryIO
    size: int | None
    query: Json


def import_file(  # noqa: PLR0913 - one option each
    out: Output,
    *,
    file: Annotated[str, typer.Argument(help="A CSV file; - reads standard input.")],
    mapping: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="COLUMN=FIELD", help="What a column holds; repeat it."),
    ] = None,
    outcome: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Says whether the lead converted.")
    ] = None,
    source: Annotated[str | None, typer.Option(help="Where the leads come from.")] = None,
    ignore: Annotated[
        list[str] | None, typer.Option(metavar="COLUMN", help="Leave it out; repeat it.")
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(help="row: leads without address and id are known by their line."),
    ] = None,
    country: Annotated[
        str | None, typer.Option(help="Of phone numbers in rows that name none, such as DE.")
    ] = None,
    delimiter: Annotated[str | None, typer.Option(help="Else found out.")] = None,
    encoding: Annotated[str | None, typer.Option(help="Else found out.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show how it would be read.")] = False,
    wait: Annotated[bool, typer.Option(help="Until every lead is scored.")] = True,
    problems_to: Annotated[
        Path | None, typer.Option(metavar="FILE.csv", help="Keep the rows that failed here.")
    ] = None,
) -> None:
    """Import leads from a CSV file and have them enriched and scored.

    Columns are recognised by their names; --dry-run shows how, --map says it where a name is not
    known. Leads are the same if their e-mail address or external id is: the file may be imported
    again. Ends with 1 if the import failed; rows with problems are told of, the others are kept.
    """
    query: Json = {
        "filename": "stdin.csv" if file == STDIN else Path(file).name,
        "source": source,
        "outcome": outcome,
        "map": _mappings(mapping),
        "ignore": ignore,
        "key": key,
        "country": country,
        "delimiter": delimiter,
        "encoding": encoding,
    }
    stream, size = _open(file)
    with stream, connect() as api, out.bars() as bars:
        upload = Upload(stream, size, query)
        if dry_run:
            _preview(out, api, upload, bars, file)
            return
        found = _send(api, upload, bars)
        if wait:
            found = _watch(api, found, bars)
    with connect() as api:
        _tell(out, api, found, problems_to, learn=outcome is not None)


def _mappings(given: list[str] | None) -> list[str] | None:
    for one in given or []:
        column, separator, field = one.rpartition("=")
        if not (column and separator and field):
            raise Problem(
                f"--map {one!r} is not COLUMN=FIELD.",
                next_steps=("leadengine import FILE --map 'Prospect ID=external_id' --dry-run",),
                code=ExitCode.USAGE,
            )
    return given


def _open(file: str) -> tuple[BinaryIO, int | None]:
    if file == STDIN:
        return sys.stdin.buffer, None
    path = Path(file)
    try:
        return path.open("rb"), path.stat().st_size
    except OSError as error:
        raise Problem(
            f"{file} cannot be read.", error.strerror or str(error), code=ExitCode.USAGE
        ) from error


def _send(api: Api, upload: Upload, bars: Bars) -> Json:
    step = bars.step("Upload", upload.size)
    content = _chunks(upload.file, step, upload.size)
    answer = api.upload(IMPORTS, content, upload.query, "text/csv")
    step.finish(_size(upload.file.tell()) if upload.size is not None else "")
    return answer


def _chunks(file: BinaryIO, step: Step, total: int | None) -> Iterator[bytes]:
    sent = 0
    while chunk := file.read(CHUNK_BYTES):
        yield chunk
        sent += len(chunk)
        step.update(sent, total, _size(sent))


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e5 else f"{count / 1e3:.1f} kB"


def _preview(out: Output, api: Api, upload: Upload, bars: Bars, file: str) -> None:
    """Send the beginning and show what would become of it."""
    head = Upload(BytesIO(upload.file.read(PREVIEW_BYTES)), None, upload.query)
    step = bars.step("Upload")
    content = _chunks(head.file, step, None)
    answer = api.upload(IMPORTS, content, upload.query | {"dry_run": True}, "text/csv")
    step.finish("the beginning of the file")
    out.result(answer, *previewed(answer))
    out.note("Nothing has been kept yet.")
    if not answer["outcome"]:
        out.next(f"leadengine import {file} --outcome COLUMN", f"leadengine import {file}")
    else:
        out.next(f"leadengine import {file} …  (the same without --dry-run)")


def _watch(api: Api, found: Json, bars: Bars) -> Json:
    found = _reading(api, found, bars)
    scored = found["status"] == "done" and _scoring(api, found, bars)
    return found | {"scored": scored}


def _reading(api: Api, found: Json, bars: Bars) -> Json:
    step = bars.step("Reading")
    for _ in looking(api, "prospector"):
        if found["status"] in _ENDED:
            break
        found = api.patiently(f"{IMPORTS}/{found['id']}")
        step.update(found["bytes_done"], found["bytes_total"] or None, _counts(found))
    step.finish(_counts(found), ok=found["status"] == "done")
    return found


def _counts(found: Json) -> str:
    parts = [f"{found['rows_read']} rows", f"{found['created']} created"]
    parts += [f"{found[name]} {name}" for name in ("merged", "failed") if found.get(name)]
    return ", ".join(parts)


def _scoring(api: Api, found: Json, bars: Bars) -> bool:
    """Wait for the agents; return whether every lead of the import has its score."""
    total = found["created"] + found["merged"]
    step = bars.step("Scoring", total or None)
    for waiting in pending(api):
        if not unscored(api, found["id"]):
            break
        done = max(0, total - waiting)
        step.update(done, total, f"{done} of {total} scored")
    scored = not unscored(api, found["id"])
    step.finish(f"{total} leads" if scored else "some leads have no score", ok=scored)
    return scored


def unscored(api: Api, import_id: str) -> bool:
    """Whether a lead of the import still waits for its score."""
    return any(
        api.patiently("/api/leads", {"import_id": import_id, "status": status, "limit": 1})["items"]
        for status in ("new", "enriched")
    )


def _tell(out: Output, api: Api, found: Json, problems_to: Path | None, *, learn: bool) -> None:
    problems = list(api.items(f"{IMPORTS}/{found['id']}/problems", None, SHOWN_PROBLEMS))
    if problems_to:
        _keep_problems(api, found["id"], problems_to)
    failed = found["status"] == "failed"
    out.result(found | {"problems": problems}, *_summary(found, problems))
    faults = found.get("failed", 0) + found.get("warnings", 0)
    if faults > len(problems) and not problems_to:
        out.note(f"[dim]{len(problems)} of {faults} problems shown; all:[/] --problems-to FILE.csv")
    if failed:
        out.next("leadengine import FILE --dry-run", "leadengine doctor")
        raise typer.Exit(ExitCode.FAILED)
    if found.get("scored") is False:
        out.note("[yellow]Some leads have no score:[/] an agent could not handle their messages.")
        out.next("leadengine dead-letters list", "leadengine status")
        raise typer.Exit(ExitCode.FAILED)
    best = f"leadengine leads list --import {found['id']} --sort best"
    out.next(best, *(["leadengine score fit"] if learn else []))


def _summary(found: Json, problems: list[Json]) -> "list[RenderableType]":
    failed = found["status"] == "failed"
    mark = ("✗ ", "red") if failed else ("✓ ", "green")
    shown: list[RenderableType] = [
        line(mark, f"{found['filename']}: {_counts(found)}", (f"   import {found['id']}", "dim"))
    ]
    if found.get("problem"):
        shown.append(line((found["problem"], "red")))
    if problems:
        rows = [
            (one.get("line"), one.get("severity"), one.get("column"), one["problem"])
            for one in problems
        ]
        shown.append(table(("Line", "", "Column", "Problem"), rows, right=("Line",)))
    return shown


def _keep_problems(api: Api, import_id: str, path: Path) -> None:
    query = {"format": "csv"}
    with (
        api.stream(f"{IMPORTS}/{import_id}/problems", query, "text/csv") as pieces,
        path.open("wb") as file,
    ):
        path.chmod(0o600)
        for piece in pieces:
            file.write(piece)
