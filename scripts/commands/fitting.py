"""``leadengine score fit``: learn from outcomes, and see how well before anything changes."""

from typing import Annotated

import typer

from scripts.client import Api, Json, connect
from scripts.commands.report import NOT_PROMOTED, report, suspects
from scripts.commands.rescoring import looking
from scripts.output import ExitCode, Output, Problem, line

ALGORITHMS = "/api/scoring/algorithms"
_WORKING = frozenset({"draft", "fitting"})


def fit(  # noqa: PLR0913 - one option each
    out: Output,
    *,
    name: Annotated[str, typer.Option(help="What to call it; versions count up.")] = "learned",
    exclude: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN", help="Not a feature: it leaks, or is not wanted. Repeat it."
        ),
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="Learn from leads of this source only.")
    ] = None,
    import_id: Annotated[
        str | None, typer.Option("--import", help="Learn from leads of this import only.")
    ] = None,
    industry: Annotated[
        str, typer.Option(help="Whose template to start from (leadengine score templates).")
    ] = "general",
    trees: Annotated[
        bool, typer.Option("--trees", help="Boosted trees as the challenger.")
    ] = False,
    activate: Annotated[
        bool, typer.Option("--activate", help="Let it score, if nothing speaks against it.")
    ] = False,
    wait: Annotated[bool, typer.Option(help="Until it is fitted.")] = True,
) -> None:
    """Learn a scoring algorithm from the outcomes known so far.

    It is cross-validated: every figure is about leads that it had not seen. Columns that know the
    outcome already (filled in after the fact) are named, so that you can leave them out.
    """
    settings: Json = {
        "exclude": exclude or [],
        "source": source,
        "import_id": import_id,
        "industry": industry,
    }
    kind = "trees" if trees else "learned"
    with connect(timeout=300.0) as api:
        made = api.post(
            ALGORITHMS, {"name": name, "definition": {"kind": kind, "settings": settings}}
        )
        api.post(f"{ALGORITHMS}/{made['id']}/fit")
        if not wait:
            out.result(made, line(f"{made['name']}@{made['version']} is being fitted."))
            out.next(f"leadengine score show {made['name']}@{made['version']}")
            return
        fitted = _fitted(out, api, made)
        switched = _switched(api, fitted) if activate else None
    _tell(out, fitted, switched)


def _fitted(out: Output, api: Api, made: Json) -> Json:
    """Wait for the analyst.

    Raises:
        Problem: if it cannot be fitted.
    """
    with out.bars() as bars:
        step = bars.step("Fitting")
        found = made
        for _ in looking(api, "analyst"):
            found = api.patiently(f"{ALGORITHMS}/{made['id']}")
            if found["status"] not in _WORKING:
                break
        step.finish(f"{found['name']}@{found['version']}", ok=found["status"] != "failed")
    if found["status"] == "failed":
        raise Problem(
            f"{found['name']}@{found['version']} could not be fitted.",
            str(found.get("problem") or ""),
            next_steps=("leadengine import FILE --outcome COLUMN brings outcomes in",),
        )
    return found


def _switched(api: Api, fitted: Json) -> Json:
    """Activate; a refusal is told with the report, not instead of it."""
    body = {"reason": "leadengine score fit --activate", "force": False}
    try:
        return {"activated": True, **api.post(f"{ALGORITHMS}/{fitted['id']}/activate", body)}
    except Problem as problem:
        if problem.reason != NOT_PROMOTED:
            raise
        return {"activated": False, "why": problem.what}


def _tell(out: Output, fitted: Json, switched: Json | None) -> None:
    label = f"{fitted['name']}@{fitted['version']}"
    found: Json = fitted["report"] or {}
    shown = [line((label, "bold"), f"   {fitted['description']}"), *report(found)]
    if switched:
        mark = ("✓ ", "green") if switched["activated"] else ("✗ ", "red")
        words = "It scores from now on." if switched["activated"] else switched["why"]
        shown.append(line(mark, str(words)))
    out.result({"algorithm": fitted, "activation": switched}, *shown)
    out.next(*_advice(fitted, label, switched))
    if switched and not switched["activated"]:
        raise typer.Exit(ExitCode.REFUSED)


def _advice(fitted: Json, label: str, switched: Json | None) -> tuple[str, ...]:
    found: Json = fitted["report"] or {}
    compared: Json = found.get("comparison") or {}
    kept: list[str] = fitted["definition"].get("settings", {}).get("exclude") or []
    if everything := suspects(found, even_weak=True):
        likely = suspects(found, even_weak=False)
        ways = [likely, everything] if likely and likely != everything else [everything]
        return tuple(f"leadengine score fit {exclusions([*kept, *way])}" for way in ways)
    if switched and switched["activated"]:
        return ("leadengine score leads --all", "leadengine leads list --sort best")
    if compared.get("promote", True):
        return (f"leadengine score activate {label}", "leadengine score leads --all")
    return (f"leadengine score show {label}",)


def exclusions(columns: list[str]) -> str:
    """The options that leave these columns out, ready to be pasted into a shell."""
    import shlex

    return " ".join(f"--exclude {shlex.quote(column)}" for column in columns)
