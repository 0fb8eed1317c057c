"""``leadengine crm``: how Salesforce stands, what it gets, what it refuses, what differs."""

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from scripts.client import Api, Json, Query, connect
from scripts.commands import crm_mapping
from scripts.commands.leads import confirm, find
from scripts.output import (
    UNKNOWN,
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

MOST_SYNCED = 10_000
Some = Annotated[int, typer.Option(min=1, help="How many at most.")]
Whom = Annotated[
    list[str] | None,
    typer.Argument(metavar="[LEAD]…", help="By id, external id or e-mail address."),
]


def app() -> typer.Typer:
    """Make the group."""
    crm = group("How Salesforce stands, what it gets, what it refuses, what differs.")
    verb(crm, "status", status, "leadengine crm status")
    verb(crm, "test", test, "leadengine crm test")
    crm.add_typer(crm_mapping.app(), name="mapping")
    verb(
        crm,
        "preview",
        crm_mapping.preview,
        "leadengine crm preview jane@example.com",
        "leadengine crm preview jane@example.com --mapping mapping.json",
    )
    verb(
        crm,
        "sync",
        sync,
        "leadengine crm sync jane@example.com",
        "leadengine crm sync --tier hot",
        "leadengine crm sync --all",
    )
    verb(crm, "links", links, "leadengine crm links --state retry")
    crm.add_typer(_quarantine(), name="quarantine")
    verb(crm, "drift", drift, "leadengine crm drift --why changed_there")
    return crm


def _quarantine() -> typer.Typer:
    held = group("Records that Salesforce refuses for good: read, try again, leave.")
    verb(held, "list", list_held, "leadengine crm quarantine list")
    verb(
        held,
        "retry",
        retry,
        "leadengine crm quarantine retry jane@example.com",
        "leadengine crm quarantine retry --all",
    )
    verb(held, "drop", drop, "leadengine crm quarantine drop jane@example.com --yes")
    return held


def status(out: Output) -> None:
    """Show the connection, the calls used, and our leads by the state of their records."""
    with connect() as api:
        seen = api.get("/api/crm")
    out.result(seen, overview(seen))
    _advise(out, seen)


def test(out: Output) -> None:
    """Log in to Salesforce, ask who we are, look at the fields of Lead again."""
    with connect() as api:
        answer = api.post("/api/crm/test")
    seen: Json = answer["crm"]
    out.result(answer, overview(seen))
    if not answer["answered"]:
        raise Problem(
            "The CRM syncer is busy; it has not looked yet.",
            "What is shown is what it knew before.",
            next_steps=("leadengine crm status",),
            code=ExitCode.NOT_READY,
        )
    if not seen["connected"]:
        raise Problem(
            "Salesforce does not take our credentials, or does not answer.",
            str(seen["problem"] or ""),
            next_steps=("leadengine doctor",),
        )
    _advise(out, seen)


def overview(seen: Json) -> "RenderableType":
    """The CRM in a few lines."""
    api, breaker = seen["api"], seen["breaker"]
    return pairs(
        (
            ("State", _state(seen)),
            ("Problem", seen["problem"]),
            ("User", seen["user"]),
            ("Instance", seen["instance"]),
            ("Organisation", seen["organization_id"]),
            ("API calls, 24 h", _calls(api) if api else None),
            ("Not called until", moment(breaker["until"]) if breaker["open"] else None),
            ("Records", _counted(seen["records"])),
            ("Differences", _counted(seen["drift"])),
            ("Mapping", f"version {seen['mapping_version']}"),
            ("Fields seen", moment(seen["described_at"])),
            ("Changes read", moment(seen["polled_at"])),
        )
    )


def _state(seen: Json) -> str:
    if seen["connected"] is None:
        return "never asked"
    return "connected" if seen["connected"] else "not connected"


def _calls(api: Json) -> str:
    share = percent(api["used"] / api["allowed"] if api["allowed"] else None)
    return f"{api['used']:,} of {api['allowed']:,} ({share})"


def _counted(counts: Json) -> str:
    told = (f"{n:,} {name.replace('_', ' ')}" for name, n in sorted(counts.items()))
    return ", ".join(told)


def _advise(out: Output, seen: Json) -> None:
    steps: list[str] = []
    if not seen["connected"]:
        steps.append("leadengine crm test")
    if seen["records"].get("quarantined"):
        steps.append("leadengine crm quarantine list")
    if seen["drift"]:
        steps.append("leadengine crm drift")
    out.next(*(steps or ["leadengine crm links"]))


def sync(  # noqa: PLR0913 - one option each
    out: Output,
    *,
    leads: Whom = None,
    tier: Annotated[str | None, typer.Option(help="hot, warm, cool or cold.")] = None,
    status: Annotated[str | None, typer.Option(help="new, enriched, scored, …")] = None,
    source: Annotated[str | None, typer.Option(help="Of this source.")] = None,
    min_score: Annotated[int | None, typer.Option(min=0, max=100)] = None,
    import_id: Annotated[str | None, typer.Option("--import", help="Of this import.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All leads.")] = False,
) -> None:
    """Look at leads again and send Salesforce what differs from what it got.

    It happens by itself after every change; this is for the impatient.
    """
    given = {
        "tier": tier,
        "status": status,
        "source": source,
        "min_score": min_score,
        "import_id": import_id,
    }
    criteria = {name: value for name, value in given.items() if value is not None}
    if bool(leads) + bool(criteria) + every != 1:
        raise Problem(
            "Name leads, or choose them by an option, or say --all.",
            next_steps=("leadengine crm sync --tier hot",),
            code=ExitCode.USAGE,
        )
    with connect() as api:
        if leads:
            ids = [_lead_id(api, one) for one in leads]
            answer = api.post("/api/crm/sync", {"lead_ids": ids})
        else:
            answer = api.post("/api/crm/sync", {"filter": criteria})
    out.result(answer, line("Leads to look at: ", f"{answer['queued']:,}"))
    out.next("leadengine crm status")


def links(
    out: Output,
    *,
    state: Annotated[str | None, typer.Option(help="pending, synced, retry, …")] = None,
    limit: Some = 20,
) -> None:
    """List what Salesforce has of our leads, the last changed first."""
    items = _listed("/api/crm/links", {"state": state}, limit)
    rows = [
        (
            one["lead_id"],
            one["crm_id"] or UNKNOWN,
            one["state"],
            one["crm_status"] or UNKNOWN,
            moment(one["synced_at"]),
            one["code"] or "",
        )
        for one in items
    ]
    headers = ("Lead", "Record", "State", "Status there", "Sent (UTC)", "Refused with")
    out.result({"items": items}, table(headers, rows))
    if not items:
        out.note("There is none.")
    out.next("leadengine crm status")


def list_held(out: Output, *, limit: Some = 20) -> None:
    """List what Salesforce refuses for good, in its own words."""
    items = _listed("/api/crm/quarantine", {}, limit)
    rows = [
        (
            one["lead_id"],
            one["attempts"],
            moment(one["updated_at"]),
            one["code"],
            ", ".join(one["fields"]),
            one["problem"] or "",
        )
        for one in items
    ]
    headers = ("Lead", "Tries", "Since (UTC)", "Code", "Fields", "What Salesforce says")
    out.result({"items": items}, table(headers, rows, right=("Tries",)))
    if not items:
        out.note("There is none: Salesforce takes everything, or will be asked again.")
        out.next("leadengine crm status")
        return
    first = items[0]["lead_id"]
    out.next(
        f"leadengine crm preview {first}",
        f"leadengine crm quarantine retry {first}",
        f"leadengine crm quarantine drop {first}",
    )


def retry(
    out: Output,
    *,
    leads: Whom = None,
    every: Annotated[bool, typer.Option("--all", help="All that are quarantined.")] = False,
) -> None:
    """Send quarantined records again, all tries ahead of them."""
    if bool(leads) == every:
        raise Problem(
            "Name the leads, or say --all.",
            next_steps=("leadengine crm quarantine list",),
            code=ExitCode.USAGE,
        )
    with connect() as api:
        if leads:
            ids = [_lead_id(api, one) for one in leads]
        else:
            ids = [one["lead_id"] for one in api.items("/api/crm/quarantine", {}, MOST_SYNCED)]
        answers = [api.post(f"/api/crm/quarantine/{one}/retry") for one in ids]
    out.result({"items": answers}, line("Sent again: ", str(len(answers))))
    out.next("leadengine crm quarantine list")


def drop(
    out: Output,
    *,
    leads: Annotated[list[str], typer.Argument(metavar="LEAD…")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Leave quarantined records as they are; what Salesforce has of the leads stays there."""
    if not yes:
        confirm(f"Leave {len(leads)} out of Salesforce for good?")
    with connect() as api:
        ids = [_lead_id(api, one) for one in leads]
        answers = [api.post(f"/api/crm/quarantine/{one}/drop") for one in ids]
    out.result({"items": answers}, line("Left alone: ", str(len(answers))))
    out.next("leadengine crm quarantine list")


def drift(
    out: Output,
    *,
    why: Annotated[
        str | None,
        typer.Option(help="changed_there, not_sent_yet, gone_there or unknown_here."),
    ] = None,
    limit: Some = 20,
) -> None:
    """List what differs between us and Salesforce, and why; values are not shown."""
    with connect() as api:
        head = api.get("/api/crm/drift", {"why": why, "limit": 1})
        items = list(api.items("/api/crm/drift", {"why": why}, limit))
    rows = [
        (one["lead_id"], one["field"] or "the record", _WHY.get(one["why"], one["why"]))
        for one in items
    ]
    seen = {**head, "items": items}
    out.result(seen, table(("Lead", "Field", "Why"), rows))
    compared = moment(head["compared_at"])
    out.note(f"[dim]Last comparison (UTC):[/] {compared}; {_counted(head['counts']) or 'none'}")
    out.next(f"leadengine crm sync {items[0]['lead_id']}" if items else "leadengine crm status")


_WHY = {
    "changed_there": "somebody changed it in Salesforce",
    "not_sent_yet": "our change is not sent yet",
    "gone_there": "the record was deleted in Salesforce",
    "unknown_here": "Salesforce has a record of a lead that we do not know",
}


def _lead_id(api: Api, who: str) -> str:
    """The id of a lead; one that was removed has no other name."""
    try:
        return str(UUID(who))
    except ValueError:
        return str(find(api, who)["id"])


def _listed(path: str, query: Query, limit: int) -> list[Json]:
    with connect() as api:
        return list(api.items(path, query, limit))
