"""``leadengine keys``: keys of the API, and the master key of personal data."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from scripts.client import Json, connect
from scripts.commands.leads import confirm
from scripts.commands.master_key import rotate_master
from scripts.output import ExitCode, Output, Problem, line, moment, table
from scripts.verbs import group, verb


def app() -> typer.Typer:
    """Make the group."""
    keys = group("Keys of the API, and the master key of personal data.")
    verb(
        keys,
        "create",
        create,
        "leadengine keys create website --scope leads:write",
        "leadengine keys create dashboard --role viewer --days 90",
    )
    verb(keys, "list", list_keys, "leadengine keys list")
    verb(keys, "revoke", revoke, "leadengine keys revoke ab3kd9x2")
    verb(keys, "rotate-master", rotate_master, "leadengine keys rotate-master")
    return keys


def create(
    out: Output,
    *,
    name: Annotated[str, typer.Argument(help="What it is for.")],
    scope: Annotated[
        list[str] | None, typer.Option(help="What it may do, such as leads:write; repeat it.")
    ] = None,
    role: Annotated[str | None, typer.Option(help="viewer, operator or admin.")] = None,
    days: Annotated[int | None, typer.Option(min=1, help="It ends after so many days.")] = None,
) -> None:
    """Create an API key. It is shown once and kept only as a hash."""
    if not scope and not role:
        raise Problem(
            "Say what the key may do: --role, or one --scope or more.",
            next_steps=(f"leadengine keys create {name} --role viewer",),
            code=ExitCode.USAGE,
        )
    ends = (datetime.now(UTC) + timedelta(days=days)).isoformat() if days else None
    asked = {"name": name, "scopes": scope, "role": role, "expires_at": ends}
    body: Json = {field: value for field, value in asked.items() if value}
    with connect() as api:
        answer = api.post("/api/keys", body)
    out.note(f"[dim]{name}: kept as a hash, this is the only time you see it.[/]")
    out.result(answer, line(str(answer["key"])))
    out.next("leadengine keys list")


def list_keys(out: Output) -> None:
    """List the API keys and what they may do."""
    with connect() as api:
        answer = api.get("/api/keys")
    rows = [
        (
            one["id"],
            one["name"],
            "revoked" if one.get("revoked_at") else "valid",
            moment(one.get("expires_at")),
            moment(one.get("last_used_at")),
            one.get("scopes") or [],
        )
        for one in answer["items"]
    ]
    out.result(answer, table(("Id", "Name", "State", "Ends", "Last used (UTC)", "May"), rows))
    out.next("leadengine keys create NAME --role viewer")


def revoke(
    out: Output,
    *,
    key: Annotated[str, typer.Argument(metavar="ID")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Revoke an API key; within half a minute it opens nothing more."""
    if not yes:
        confirm(f"Revoke {key}? Whoever uses it is shut out.")
    with connect() as api:
        api.delete(f"/api/keys/{key}")
    out.result({"revoked": key}, line("Revoked ", key))
    out.next("leadengine keys list")
