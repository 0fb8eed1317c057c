"""``leadengine leads``: find leads, read them, ask why they scored as they did."""

from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote
from uuid import UUID

import typer

from scripts.client import Api, Json, connect
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
    text_of,
)
from scripts.verbs import group, verb

if TYPE_CHECKING:
    from rich.console import RenderableType

WHO = "The lead's id, external id or e-mail address."

Who = Annotated[str, typer.Argument(metavar="LEAD", help=WHO)]
Word = Annotated[str | None, typer.Option()]
Points = Annotated[int | None, typer.Option(min=0, max=100)]


def app() -> typer.Typer:
    """Make the group."""
    leads = group("Find leads, read them, ask why they scored as they did.")
    verb(
        leads,
        "list",
        list_leads,
        "leadengine leads list --sort best --limit 20",
        "leadengine leads list --tier hot --country DE",
        "leadengine leads list --q 'jane acme' --json | jq '.items\\[].id'",
    )
    verb(leads, "show", show, "leadengine leads show jane@example.com")
    verb(leads, "why", why, "leadengine leads why jane@example.com")
    verb(
        leads,
        "facts",
        facts,
        "leadengine leads facts jane@example.com",
        "leadengine leads facts jane@example.com --json | jq '.items\\[].field'",
    )
    verb(
        leads,
        "enrich",
        enrich,
        "leadengine leads enrich jane@example.com",
        "leadengine leads enrich jane@example.com --refresh",
    )
    verb(leads, "delete", delete, "leadengine leads delete jane@example.com --yes")
    return leads


def list_leads(  # noqa: PLR0913 - one option each
    out: Output,
    *,
    status: Annotated[str | None, typer.Option(help="new, enriched, scored, …")] = None,
    source: Word = None,
    country: Annotated[str | None, typer.Option(help="Two letters, such as DE.")] = None,
    industry: Word = None,
    tier: Word = None,
    tag: Word = None,
    min_score: Points = None,
    max_score: Points = None,
    outcome: Annotated[str | None, typer.Option(help="true or false, as it turned out.")] = None,
    import_id: Annotated[str | None, typer.Option("--import", help="Of this import.")] = None,
    q: Annotated[str | None, typer.Option(help="Words of name, company or title.")] = None,
    email: Annotated[str | None, typer.Option(help="The exact address.")] = None,
    phone: Annotated[str | None, typer.Option(help="The exact number.")] = None,
    sort: Annotated[str, typer.Option(help="newest or best.")] = "newest",
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 20,
    cursor: Annotated[str | None, typer.Option(help="Go on after this page.")] = None,
) -> None:
    """List leads, newest or best first."""
    query = {
        "status": status,
        "source": source,
        "country": country,
        "industry": industry,
        "tier": tier,
        "tag": tag,
        "min_score": min_score,
        "max_score": max_score,
        "outcome": outcome,
        "import_id": import_id,
        "q": q,
        "email": email,
        "phone": phone,
        "sort": sort,
        "cursor": cursor,
        "limit": min(limit, 200),
    }
    with connect() as api:
        page = api.get("/api/leads", query)
        items: list[Json] = list(page["items"])
        if limit > len(items) and page.get("next"):
            rest = {**query, "cursor": page["next"]}
            items += api.items("/api/leads", rest, limit - len(items))
            page = {"items": items, "next": None}
    out.result({"items": items, "next": page.get("next")}, _list(items))
    if not items:
        out.note("No lead is like that.")
        out.next("leadengine import FILE.csv")
        return
    if page.get("next"):
        out.note(f"[dim]{len(items)} shown, there are more:[/] --limit {10 * len(items)}")
    out.next(f"leadengine leads why {items[0]['id']}")


def _list(items: list[Json]) -> "RenderableType":
    rows = [
        (
            lead.get("score"),
            lead.get("tier"),
            name_of(lead),
            lead.get("company"),
            lead.get("title"),
            lead.get("country"),
            lead.get("status"),
            lead["id"],
        )
        for lead in items
    ]
    headers = ("Score", "Tier", "Name", "Company", "Title", "Country", "Status", "Id")
    return table(headers, rows, right=("Score",))


def name_of(lead: Json) -> str:
    """What to call a lead: its name, else address, else external id."""
    name = " ".join(part for key in ("first_name", "last_name") if (part := lead[key]))
    return name or lead["email"] or lead["external_id"] or UNKNOWN


def find(api: Api, who: str) -> Json:
    """Get a lead by id, e-mail address or external id.

    Raises:
        Problem: if there is none, or several have that external id.
    """
    if _is_uuid(who):
        try:
            return api.get(f"/api/leads/{who}")
        except Problem as problem:
            if problem.reason != "not_found":
                raise
    name = "email" if "@" in who else "external_id"
    found = list(api.items("/api/leads", {name: who}, 3))
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(str(lead["id"]) for lead in found)
        raise Problem(f"Several leads are called {who!r}.", f"Name one by its id: {ids}.")
    raise Problem(
        f"No lead is known as {who!r}.",
        "Asked for: " + ("its e-mail address." if name == "email" else "its external id."),
        next_steps=(f"leadengine leads list --q {quote(who.split('@')[0])}",),
    )


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def show(out: Output, who: Who) -> None:
    """Show everything that is kept about one lead."""
    with connect() as api:
        lead = find(api, who)
        lead = api.get(f"/api/leads/{lead['id']}")
    out.result(lead, *_lead(lead))
    out.next(f"leadengine leads why {lead['id']}")


def _lead(lead: Json) -> "list[RenderableType]":
    shown = [
        line((name_of(lead), "bold"), f"   {_score_words(lead)}"),
        pairs(
            (name.replace("_", " "), lead[name])
            for name in (
                *("id", "external_id", "source", "status", "email", "phone", "company", "domain"),
                *("title", "industry", "country", "outcome", "tags", "version", "import_id"),
            )
        ),
        pairs((name, moment(lead.get(name))) for name in ("created_at", "updated_at", "scored_at")),
    ]
    for title, values in (("From its source", "attributes"), ("Notes", "notes")):
        if lead[values]:
            shown += [line((f"\n{title}", "dim")), pairs(lead[values].items())]
    return shown


def _score_words(lead: Json) -> str:
    if lead.get("score") is None:
        return "not scored yet"
    return f"score {lead['score']}, {lead.get('tier')}, {percent(lead.get('confidence'), 0)} sure"


def why(out: Output, who: Who) -> None:
    """Explain a lead's score: the parts that made it, and what happened to the lead."""
    with connect() as api:
        lead = find(api, who)
        scores = api.get(f"/api/leads/{lead['id']}/scores")["items"]
        timeline = api.get(f"/api/leads/{lead['id']}/timeline")["items"]
    data = {"lead": lead, "scores": scores, "timeline": timeline}
    parts: list[RenderableType] = [line((name_of(lead), "bold"), f"   {_score_words(lead)}")]
    parts += _explained(scores[0]) if scores else [line("It has not been scored yet.")]
    parts += [line(("\nWhat happened", "dim")), _timeline(timeline)]
    out.result(data, *parts)
    out.next(f"leadengine score leads {lead['id']}", "leadengine decisions verify")


def _explained(score: Json) -> "list[RenderableType]":
    spoke = f"; by {text_of(score['judges'])}, {moment(score['scored_at'])} UTC"
    shown: list[RenderableType] = [
        line(f"Four in five such leads score {score['low']} to {score['high']}", spoke),
        line("\n", score["reasoning"]),
    ]
    if parts := score["parts"]:
        rows = [(f"{part['points']:+.2f}", part["name"], part["state"]) for part in parts]
        headers = ("Logits", "What", "How it is")
        shown += [line(""), table(headers, rows, right=("Logits",))]
    if tags := score["tags"]:
        shown.append(line(("\nTags ", "dim"), text_of(tags)))
    shown += [line(("Next   ", "dim"), advice) for advice in score["follow_ups"]]
    return shown


def _timeline(items: list[Json]) -> "RenderableType":
    rows = [
        (
            moment(item["at"]),
            item["actor"],
            item["kind"],
            ", ".join(f"{name} {text_of(value)}" for name, value in item["details"].items()),
        )
        for item in items
    ]
    return table(("When (UTC)", "Who", "What", ""), rows)


def facts(out: Output, who: Who) -> None:
    """Show what each source says of a lead, what it cost, and which word counts."""
    with connect() as api:
        lead = find(api, who)
        known = api.get(f"/api/leads/{lead['id']}/facts")
    rows = [
        (
            field["field"] if place == 0 else "",
            ("✓ " if told["wins"] else "  ") + text_of(told["value"]),
            told["source"],
            percent(told["sure"], 0),
            f"${told['cost_usd']:.2f}" if told["cost_usd"] else "",
            f"{told['age_days']} d",
        )
        for field in known["items"]
        for place, told in enumerate(sorted(field["told"], key=lambda each: not each["wins"]))
    ]
    headers = ("Field", "What", "Who says so", "Sure", "Cost", "Age")
    shown: list[RenderableType] = [
        line((name_of(lead), "bold"), f"   ${known['spent_usd']:.2f} spent on facts"),
        table(headers, rows, right=("Sure", "Cost", "Age")),
    ]
    for ask in known["asks"]:
        said = "knew the person" if ask["found"] else "did not know the person"
        when = "is being asked" if ask["answered_at"] is None else moment(ask["answered_at"])
        shown.append(line((f"{ask['source']} ", "dim"), when, f", {said}" if ask["asked"] else ""))
    out.result(known, *shown)
    out.next(f"leadengine leads enrich {lead['id']}")


def enrich(
    out: Output,
    *,
    who: Who,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Ask again for what is known but old.")
    ] = False,
) -> None:
    """Ask the sources about a lead, as far as that is worth its price."""
    with connect() as api:
        lead = find(api, who)
        answer = api.post(f"/api/leads/{lead['id']}/enrich", {"refresh": refresh})
    waits = "The sources are asked" if answer["queued"] else "It is in the queue already"
    out.result(answer, line(f"{waits}: ", name_of(lead)))
    out.next(f"leadengine leads facts {lead['id']}", f"leadengine leads why {lead['id']}")


def delete(
    out: Output,
    *,
    who: Who,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete a lead. It is purged for good some days later."""
    with connect() as api:
        lead = find(api, who)
        if not yes:
            confirm(f"Delete {name_of(lead)} ({lead['id']})?")
        api.delete(f"/api/leads/{lead['id']}")
    out.result({"deleted": lead["id"]}, line("Deleted ", str(lead["id"])))
    out.next("leadengine leads list")


def confirm(question: str) -> None:
    """Ask on standard error.

    Raises:
        Problem: if the answer is no, or nobody is there to ask.
    """
    import sys

    if not sys.stdin.isatty():
        raise Problem(
            "Nobody is there to confirm.", "Say --yes if you mean it.", code=ExitCode.USAGE
        )
    if not typer.confirm(question, err=True):
        raise Problem("Nothing was done.", "You said no.")
