"""How a learned algorithm did, in words, figures and a chart of text."""

from typing import TYPE_CHECKING

from scripts.client import Json
from scripts.output import line, number, percent, table, text_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

BAR = 30
SHOWN_DROPPED = 12
NOT_PROMOTED = "not_promoted"
"""What the API calls the refusal of an algorithm that something speaks against."""


def report(found: Json) -> "list[RenderableType]":
    """Everything about one fit: suspects, figures, calibration, lift, dropped columns."""
    figures: Json = found.get("cross_validated") or {}
    if not figures.get("n"):
        return [line("No outcome is known yet, so nothing can be said about its accuracy.")]
    shown = _suspects(found.get("leaks") or {})
    shown += [line(("\nCross-validated", "bold"), _basis(figures)), _figures(figures)]
    shown += _newest(found.get("newest"))
    shown += _lift(figures)
    shown += _calibration(figures)
    shown += _trees(found.get("trees"))
    shown += judged(found)
    shown += _used(found)
    return shown


def _basis(figures: Json) -> str:
    rate = percent(figures.get("base_rate"))
    return f"   {figures['n']} outcomes, {figures['positives']} conversions ({rate})"


def _figures(figures: Json) -> "RenderableType":
    low, high = figures.get("auc_low"), figures.get("auc_high")
    interval = f"{number(low)} to {number(high)}" if low is not None else ""
    rows = [
        ("ROC-AUC", number(figures.get("auc")), interval, "1 = every buyer above every other"),
        ("PR-AUC", number(figures.get("pr_auc")), "", "1 = nothing but buyers on top"),
        ("Brier", number(figures.get("brier")), _skill(figures), "0 = always right"),
        ("Calibration error", number(figures.get("ece")), "", "0 = 30 % means 30 of 100"),
    ]
    return table(("", "Value", "95 % interval", ""), rows, right=("Value",))


def _skill(figures: Json) -> str:
    skill = figures.get("skill")
    return f"{percent(skill, 0)} better than the base rate" if skill is not None else ""


def _lift(figures: Json) -> "list[RenderableType]":
    lift = figures.get("lift_10")
    if lift is None:
        return []
    rate = next((row["rate"] for row in figures.get("lifts") or [] if row["share"] == 0.1), None)
    converts = f" convert at {percent(rate)}," if rate is not None else " convert"
    words = f"The best tenth of the leads{converts} {number(lift, 2)} times the average."
    return [line("\n" + words)]


def _calibration(figures: Json) -> "list[RenderableType]":
    rows = figures.get("calibration") or []
    if not rows:
        return []
    shown = [
        (
            f"{row['low']:.0%} to {row['high']:.0%}",
            row["n"],
            percent(row["predicted"], 0),
            percent(row["observed"], 0),
            _bar(row["predicted"], row["observed"]),
        )
        for row in rows
    ]
    headers = ("Said", "Leads", "Mean", "Came", "█ what came, │ what was said")
    return [line(("\nCalibration", "bold")), table(headers, shown, right=("Leads", "Mean", "Came"))]


def _bar(said: float, came: float) -> str:
    """A bar of what came true with a mark where it was foretold."""
    filled, mark = round(came * BAR), min(round(said * BAR), BAR)
    cells = ["█" if cell < filled else " " for cell in range(BAR + 1)]
    cells[mark] = "│"
    return "".join(cells).rstrip()


def _newest(figures: Json | None) -> "list[RenderableType]":
    """Whether it holds for the leads that came last."""
    if not figures:
        return []
    words = f"ROC-AUC {number(figures['auc'])}, calibration error {number(figures['ece'])}"
    return [line("The newest fifth, foretold from the older leads: ", words)]


def _trees(beside: Json | None) -> "list[RenderableType]":
    """What boosted trees reach on the same leads."""
    figures: Json | None = (beside or {}).get("cross_validated")
    if not figures:
        return []
    words = f"Boosted trees reach ROC-AUC {number(figures['auc'])} on the same leads"
    return [line(words, (" (score fit --trees)", "dim"))]


def suspects(found: Json, *, even_weak: bool) -> list[str]:
    """The columns that seem to know the outcome already; weak suspicions only if asked for."""
    told = (found.get("leaks") or {}).get("suspicions") or []
    return [one["column"] for one in told if even_weak or one["strength"] != "possible"]


def _suspects(leaks: Json) -> "list[RenderableType]":
    rows: list[Json] = list(leaks.get("suspicions") or [])
    if not rows:
        return []
    told = [
        (one["column"], one["strength"], number(one["auc"]), "; ".join(one["reasons"]))
        for one in rows
    ]
    with_all, without = number(leaks["auc_with"]), number(leaks["auc_without"])
    return [
        line(
            ("\n! These columns may know the outcome already. ", "bold yellow"),
            f"ROC-AUC with them {with_all}, without {without}. If they are filled in after the "
            "fact, leave them out: the figures below are too good to be true.",
        ),
        table(("Column", "Suspicion", "Alone", "Why"), told, right=("Alone",)),
    ]


def _used(found: Json) -> "list[RenderableType]":
    shown = [line(("\nFeatures ", "dim"), text_of(found["features"]))]
    if found["pairs"]:
        shown.append(line(("Together ", "dim"), text_of(found["pairs"])))
    if found["unknown"]:
        words = f"--exclude named columns that no lead has: {text_of(found['unknown'])}"
        shown.append(line(("! ", "yellow"), words))
    dropped: dict[str, str] = dict(found["dropped"])
    if not dropped:
        return shown
    rows = list(dropped.items())[:SHOWN_DROPPED]
    shown += [line(("\nNot used", "bold")), table(("Column", "Why"), rows)]
    more = len(dropped) - len(rows)
    return [*shown, line((f"and {more} more", "dim"))] if more > 0 else shown


def judged(found: Json) -> "list[RenderableType]":
    """What the analyst found when it compared with the active algorithm on the same leads."""
    compared: Json | None = found.get("comparison")
    if not compared:
        return []
    sides = (compared["champion"], compared["challenger"])
    mark = ("✓ ", "green") if compared["promote"] else ("✗ ", "yellow")
    verdict = "It may take over." if compared["promote"] else "It should not take over."
    return [
        line(("\nBeside the active algorithm", "bold"), f"   the same {sides[1]['n']} leads"),
        _beside(("active", "this one"), sides),
        line(mark, verdict),
        *(line(f"  {reason}") for reason in compared["reasons"]),
    ]


def comparison(compared: Json) -> "list[RenderableType]":
    """What the API says of two algorithms."""
    reports = [(compared[f"{side}_report"] or {}).get("cross_validated") for side in _SIDES]
    names = [f"{compared[side]['name']}@{compared[side]['version']}" for side in _SIDES]
    shown: list[RenderableType] = []
    if all(reports):
        shown.append(_beside(names, [report or {} for report in reports]))
    mark = ("✗ ", "yellow") if compared["verdict"] == "objected" else ("✓ ", "green")
    shown.append(line(mark, _VERDICTS[compared["verdict"]]))
    return [*shown, *(line(f"  {reason}") for reason in compared["reasons"])]


def _beside(names: "Sequence[str]", sides: "Sequence[Json]") -> "RenderableType":
    rows = [(label, *(number(side.get(name)) for side in sides)) for label, name in _COMPARED]
    return table(("", *names), rows, right=names)


_SIDES = ("champion", "challenger")
_COMPARED = (
    ("ROC-AUC", "auc"),
    ("PR-AUC", "pr_auc"),
    ("Brier", "brier"),
    ("Calibration error", "ece"),
    ("Log loss", "log_loss"),
)
_VERDICTS = {
    "better": "It is better, so it may be promoted.",
    "no_worse": "It is not worse, so it may be promoted.",
    "objected": "Something speaks against it, so it may not be promoted.",
    "unknown": "They cannot be compared, so promoting it is up to you.",
}
