"""How a learned algorithm did, in words, figures and a chart of text."""

from typing import TYPE_CHECKING, Any

from scripts.client import Json
from scripts.output import line, number, percent, table

if TYPE_CHECKING:
    from rich.console import RenderableType

BAR = 30
SHOWN_DROPPED = 12


def report(found: Json) -> "list[RenderableType]":
    """Everything about one fit: figures, calibration, lift, suspects, dropped columns."""
    figures: Json = found.get("accuracy") or found
    if not figures.get("n"):
        return [line("No outcome is known yet, so nothing can be said about its accuracy.")]
    shown = _suspects(found)
    shown += [line(("\nCross-validated", "bold"), _basis(figures)), _figures(figures)]
    shown += _lift(figures)
    shown += _calibration(figures)
    shown += _dropped(found)
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


def suspects(found: Json) -> list[str]:
    """The columns that seem to know the outcome already."""
    return [str(one.get("column") or one.get("name")) for one in found.get("suspects") or []]


def _suspects(found: Json) -> "list[RenderableType]":
    rows: list[Json] = list(found.get("suspects") or [])
    if not rows:
        return []
    told = [(one.get("column") or one.get("name"), one.get("reason")) for one in rows]
    return [
        line(
            ("\n! These columns may know the outcome already. ", "bold yellow"),
            "If they are filled in after the fact, the figures below are too good to be true.",
        ),
        table(("Column", "Why"), told),
    ]


def _dropped(found: Json) -> "list[RenderableType]":
    dropped: dict[str, Any] = dict(found.get("dropped") or {})
    if not dropped:
        return []
    rows = list(dropped.items())[:SHOWN_DROPPED]
    more = len(dropped) - len(rows)
    shown = [line(("\nNot used", "bold")), table(("Column", "Why"), rows)]
    return [*shown, line((f"and {more} more", "dim"))] if more > 0 else shown


def verdict(compared: Json) -> bool:
    """Whether it may be promoted."""
    return bool(compared.get("may_promote", compared.get("promote")))


def comparison(compared: Json) -> "list[RenderableType]":
    """An algorithm beside another on the same held-out outcomes."""
    rows = [
        (
            label,
            *(number((compared.get(side) or {}).get(name)) for side in ("champion", "challenger")),
        )
        for label, name in (
            ("ROC-AUC", "auc"),
            ("PR-AUC", "pr_auc"),
            ("Brier", "brier"),
            ("Calibration error", "ece"),
            ("Log loss", "log_loss"),
        )
    ]
    may = verdict(compared)
    mark = ("✓ ", "green") if may else ("✗ ", "yellow")
    reasons = compared.get("reasons") or []
    return [
        line(("Beside the active algorithm", "bold")),
        table(("", "Active", "This one"), rows, right=("Active", "This one")),
        line(mark, "May be promoted." if may else "May not be promoted."),
        *(line(f"  {reason}") for reason in reasons),
    ]
