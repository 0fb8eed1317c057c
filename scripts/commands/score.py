"""``leadengine score``: algorithms, learning from outcomes, scoring again."""

from typing import TYPE_CHECKING, Annotated

import typer

from scripts.client import Api, Json, connect
from scripts.commands.fitting import fit
from scripts.commands.report import NOT_PROMOTED, comparison, report
from scripts.commands.rescoring import rescore
from scripts.output import (
    ExitCode,
    Output,
    Problem,
    line,
    moment,
    pairs,
    percent,
    table,
)
from scripts.verbs import group, verb

if TYPE_CHECKING:
    from rich.console import RenderableType

ALGORITHMS = "/api/scoring/algorithms"

Which = Annotated[str, typer.Argument(metavar="ALGORITHM", help="Its id, name or name@version.")]


def app() -> typer.Typer:
    """Make the group."""
    score = group("Algorithms that score leads: learn, compare, switch, score again.")
    verb(
        score,
        "fit",
        fit,
        "leadengine score fit --exclude Tags --exclude 'Lead Quality'",
        "leadengine score fit --name q4 --industry education --activate",
    )
    verb(score, "list", list_algorithms, "leadengine score list")
    verb(score, "show", show, "leadengine score show q4")
    verb(score, "compare", compare, "leadengine score compare q4")
    verb(score, "activate", activate, "leadengine score activate q4 --reason 'better lift'")
    verb(
        score,
        "add",
        add,
        "leadengine score add ours --template fintech",
        "leadengine score add ours --file weights.json",
    )
    verb(score, "delete", delete, "leadengine score delete q4@1")
    verb(
        score,
        "test",
        try_out,
        "leadengine score test --feature title=CEO --feature country=DE",
        "leadengine score test q4 --file leads.json",
    )
    verb(score, "templates", templates, "leadengine score templates")
    verb(
        score,
        "leads",
        rescore,
        "leadengine score leads --all",
        "leadengine score leads --import IMPORT_ID",
        "leadengine score leads jane@example.com",
    )
    return score


def algorithms(api: Api) -> list[Json]:
    """Every version of every algorithm, newest first."""
    items: list[Json] = api.get(ALGORITHMS)["items"]
    return items


def find(api: Api, which: str) -> Json:
    """Get an algorithm by id, ``name`` (its newest version) or ``name@version``.

    Raises:
        Problem: if there is none.
    """
    known = algorithms(api)
    found = [one for one in known if which in (one["id"], f"{one['name']}@{one['version']}")]
    found = found or [one for one in known if one["name"] == which]
    if found:
        return max(found, key=lambda one: one["version"])
    from difflib import get_close_matches

    names = sorted({str(one["name"]) for one in known})
    near = get_close_matches(which, names)
    raise Problem(
        f"There is no algorithm {which!r}.",
        f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(names) or 'none'}.",
        next_steps=("leadengine score list",),
    )


def list_algorithms(out: Output) -> None:
    """List the algorithms; one of them is active and scores every lead."""
    with connect() as api:
        items = algorithms(api)
    rows = [_row(one) for one in items]
    headers = ("Algorithm", "State", "What it is", "Created (UTC)", "Id")
    out.result({"items": items}, table(headers, rows))
    out.next("leadengine score show NAME", "leadengine score fit")


def _row(one: Json) -> tuple[object, ...]:
    label = f"{one['name']}@{one['version']}"
    return label, one["status"], one["description"], moment(one["created_at"]), one["id"]


def show(out: Output, which: Which) -> None:
    """Show an algorithm: what it is, how it did on held-out outcomes, what it looks at."""
    with connect() as api:
        found = api.get(f"{ALGORITHMS}/{find(api, which)['id']}")
    shown: list[RenderableType] = [
        line(
            (f"{found['name']}@{found['version']}", "bold"),
            f"   {found['kind']}, {found['status']}",
        )
    ]
    if found.get("problem"):
        shown.append(line((f"Fitting failed: {found['problem']}", "red")))
    shown += [
        line(found["description"]),
        pairs([("id", found["id"]), ("made by", found["created_by"])]),
    ]
    if found.get("report"):
        shown += report(found["report"])
    out.result(found, *shown)
    if found["status"] == "active":
        out.next("leadengine score fit", "leadengine score leads --all")
    else:
        out.next(f"leadengine score compare {which}", f"leadengine score activate {which}")


def compare(
    out: Output,
    *,
    which: Which,
    against: Annotated[str | None, typer.Option("--with", help="Else the active one.")] = None,
) -> None:
    """Compare an algorithm with another on outcomes that neither has seen."""
    with connect(timeout=300.0) as api:
        one = find(api, which)
        query = {"with": find(api, against)["id"]} if against else {}
        answer = api.get(f"{ALGORITHMS}/{one['id']}/compare", query)
    out.result(answer, *comparison(answer))
    out.next(f"leadengine score activate {which}")


def activate(
    out: Output,
    *,
    which: Which,
    reason: Annotated[str, typer.Option(help="Why; it is kept with the decision.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Whatever speaks against it.")] = False,
) -> None:
    """Let an algorithm score from now on. Refused (4) if something speaks against it."""
    with connect(timeout=300.0) as api:
        one = find(api, which)
        answer = switch(api, one["id"], reason or "by the operator", force=force)
    out.result(answer, line(("✓ ", "green"), f"{one['name']}@{one['version']} scores from now on."))
    out.next("leadengine score leads --all", "leadengine leads list --sort best")


def switch(api: Api, algorithm_id: str, reason: str, *, force: bool) -> Json:
    """Activate an algorithm.

    Raises:
        Problem: with the code for a refusal, if it is not as good as the active one.
    """
    try:
        return api.post(f"{ALGORITHMS}/{algorithm_id}/activate", {"reason": reason, "force": force})
    except Problem as problem:
        if problem.reason != NOT_PROMOTED:
            raise
        raise Problem(
            problem.what,
            problem.why,
            next_steps=(
                f"leadengine score compare {algorithm_id}",
                f"leadengine score activate {algorithm_id} --force --reason '…'",
            ),
            code=ExitCode.REFUSED,
            reference=problem.reference,
            reason=problem.reason,
        ) from problem


def add(
    out: Output,
    *,
    name: Annotated[str, typer.Argument(help="What to call it.")],
    template: Annotated[str | None, typer.Option(help="An industry's template.")] = None,
    file: Annotated[str | None, typer.Option(help="A definition in JSON.")] = None,
    ensemble: Annotated[
        bool, typer.Option("--with-gpt4", help="GPT-4's rubric beside it.")
    ] = False,
) -> None:
    """Add an algorithm: an industry's template, or weights of your own from a file."""
    if bool(template) == bool(file):
        raise Problem(
            "Say what it is: --template INDUSTRY or --file FILE.json.",
            next_steps=("leadengine score templates",),
            code=ExitCode.USAGE,
        )
    definition = {"kind": "template", "industry": template} if template else read_json(str(file))
    if ensemble:
        definition = {"kind": "ensemble", "base": definition}
    with connect() as api:
        answer = api.post(ALGORITHMS, {"name": name, "definition": definition})
    label = f"{answer['name']}@{answer['version']}"
    out.result(answer, line(("✓ ", "green"), f"{label} is kept, as {answer['status']}."))
    out.next(
        f"leadengine score test {label} --feature title=CEO", f"leadengine score activate {label}"
    )


def delete(out: Output, which: Which) -> None:
    """Delete an algorithm that never scored."""
    with connect() as api:
        one = find(api, which)
        api.delete(f"{ALGORITHMS}/{one['id']}")
    out.result({"deleted": one["id"]}, line("Deleted ", f"{one['name']}@{one['version']}"))
    out.next("leadengine score list")


def try_out(
    out: Output,
    *,
    which: Annotated[
        str | None, typer.Argument(metavar="[ALGORITHM]", help="Else the active.")
    ] = None,
    feature: Annotated[list[str] | None, typer.Option(help="name=value; repeat it.")] = None,
    file: Annotated[str | None, typer.Option(help="A JSON list of leads' features.")] = None,
) -> None:
    """Score made-up leads without keeping anything."""
    leads = _sample(feature, file)
    with connect() as api:
        chosen = find(api, which) if which else _active(api)
        answer = api.post("/api/scoring/test", {"algorithm_id": chosen["id"], "leads": leads})
    shown: list[RenderableType] = []
    for score in answer["items"]:
        shown += [
            line(
                (f"{score['score']} {score['tier']}", "bold"),
                f"  ({score['low']} to {score['high']}, {percent(score['confidence'], 0)} sure)",
            ),
            line(score.get("reasoning") or ""),
        ]
    out.result(answer, *shown)
    out.next(f"leadengine score show {chosen['name']}")


def _sample(features: list[str] | None, file: str | None) -> list[Json]:
    if bool(features) == bool(file):
        raise Problem(
            "Say whom to score: --feature name=value, or --file FILE.json.", code=ExitCode.USAGE
        )
    if file:
        loaded = read_json(file)
        leads = loaded if isinstance(loaded, list) else [loaded]
        return [{"features": lead} for lead in leads]
    return [{"features": dict(_feature(one) for one in features or [])}]


def _feature(text: str) -> tuple[str, object]:
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise Problem(f"{text!r} is no feature.", "Write name=value.", code=ExitCode.USAGE)
    try:
        return name, float(value)
    except ValueError:
        return name, value


def _active(api: Api) -> Json:
    for one in algorithms(api):
        if one["status"] == "active":
            return one
    raise Problem(
        "No algorithm is active.",
        next_steps=("leadengine score list", "leadengine score activate NAME"),
        code=ExitCode.NOT_READY,
    )


def read_json(name: str) -> "Json":
    """Read a JSON file.

    Raises:
        Problem: if it cannot be read.
    """
    import json
    from pathlib import Path

    path = Path(name)
    try:
        return json.loads(path.read_text())
    except OSError as error:
        raise Problem(
            f"{path} cannot be read.", error.strerror or "", code=ExitCode.USAGE
        ) from error
    except ValueError as error:
        raise Problem(f"{path} is no JSON.", str(error), code=ExitCode.USAGE) from error


def templates(out: Output) -> None:
    """List the industry templates."""
    with connect() as api:
        answer = api.get("/api/scoring/templates")
    rows = [
        (one["industry"], one["words"], percent(one["base_rate"]), len(one["features"]))
        for one in answer["items"]
    ]
    headers = ("Template", "For", "Base rate", "Features")
    out.result(answer, table(headers, rows, right=("Base rate", "Features")))
    out.next("leadengine score add NAME --template fintech")
