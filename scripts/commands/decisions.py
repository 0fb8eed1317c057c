"""``leadengine decisions``: what was decided, and proof that nobody changed it since."""

from typing import Annotated

import typer

from scripts.client import connect
from scripts.output import ExitCode, Output, line, moment, table
from scripts.verbs import group, verb


def app() -> typer.Typer:
    """Make the group."""
    decisions = group("What was decided and why, and proof that nobody changed it since.")
    verb(decisions, "list", list_decisions, "leadengine decisions list --subject LEAD_ID")
    verb(decisions, "verify", verify, "leadengine decisions verify --json")
    return decisions


def list_decisions(
    out: Output,
    *,
    subject: Annotated[str | None, typer.Option(help="About this lead (its id).")] = None,
    agent: Annotated[str | None, typer.Option(help="By this agent.")] = None,
    action: Annotated[str | None, typer.Option(help="Of this kind, such as score.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 20,
) -> None:
    """List decisions, newest first."""
    query = {"subject": subject, "agent": agent, "action": action}
    with connect() as api:
        items = list(api.items("/api/decisions", query, limit))
    rows = [
        (
            moment(one.get("made_at")),
            one.get("agent"),
            one.get("action"),
            one.get("verdict"),
            one.get("policy"),
            "; ".join(one.get("reasons") or []),
        )
        for one in items
    ]
    headers = ("When (UTC)", "Agent", "Action", "Verdict", "By", "Because")
    out.result({"items": items}, table(headers, rows))
    out.next("leadengine decisions verify")


def verify(out: Output) -> None:
    """Check the hash chains of all decisions. Ends with 1 if a decision was changed or removed."""
    with connect(timeout=600.0) as api:
        answer = api.get("/api/decisions/verify")
    broken = answer["broken"]
    if answer["sound"]:
        out.result(answer, line(("✓ ", "green"), "All decisions are as they were made."))
        out.next("leadengine decisions list")
        return
    rows = [(one["chain"], one["seq"], one["problem"]) for one in broken]
    out.result(
        answer,
        line(("✗ ", "red"), f"{len(broken)} places where the book of decisions was changed"),
        table(("Chain", "Number", "Problem"), rows),
    )
    out.next("docs/runbooks/broken-decision-chain.md")
    raise typer.Exit(ExitCode.FAILED)
