"""``leadengine crm`` as people run it, against a small honest server."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from policies.crm_defaults import default_mapping
from tests.cli.conftest import Answer, Asked, Cli, SmallServer

LEAD = "01935f0e-7c1a-7b3e-8f21-9a4b5c6d7e8f"
STATE: dict[str, Any] = {
    "connected": True,
    "problem": None,
    "organization_id": "00D8d0000004C95EAE",
    "user": "api@acme.example",
    "instance": "https://acme.my.salesforce.com",
    "api": {"used": 1_200, "allowed": 100_000, "told_at": None},
    "breaker": {"open": False, "until": None, "failures": 0},
    "records": {"synced": 4_981, "quarantined": 2},
    "drift": {"changed_there": 3},
    "mapping_version": 4,
    "described_at": None,
    "checked_at": None,
    "polled_at": None,
    "polled_until": None,
}
MAPPING: dict[str, Any] = {
    "version": 4,
    "created_by": "key:operator",
    "created_at": None,
    "mapping": default_mapping().document(),
    "checked": True,
    "problems": [{"field": "Title", "message": "add truncate", "fatal": False}],
}
HELD: dict[str, Any] = {
    "lead_id": LEAD,
    "object": "Lead",
    "crm_id": None,
    "url": None,
    "state": "quarantined",
    "attempts": 5,
    "code": "INVALID_EMAIL_ADDRESS",
    "problem": "Email: invalid email address\x1b[2J",
    "fields": ["Email"],
    "crm_status": None,
    "lead_version": None,
    "synced_at": None,
    "updated_at": "2026-11-25T01:00:00Z",
}


@pytest.fixture
def run(server: SmallServer) -> Cli:
    return Cli({"LEADENGINE_URL": server.url, "LEADENGINE_API_KEY": "k"})


def sent(asked: Asked) -> Any:
    return json.loads(asked.body)


def test_the_status_names_what_needs_looking_at(server: SmallServer, run: Cli) -> None:
    server.says("/api/crm", Answer(body=STATE))

    ran = run("crm", "status")

    assert ran.code == 0
    assert "1,200 of 100,000 (1.2 %)" in ran.out
    assert "2 quarantined, 4,981 synced" in ran.out
    assert "crm quarantine list" in ran.err
    assert run("crm", "status", "--json").data == STATE


def test_a_connection_that_fails_is_a_failure_with_its_reason(
    server: SmallServer, run: Cli
) -> None:
    problem = "salesforce: login refused (invalid_client_id); check SALESFORCE_CONSUMER_KEY"
    state = {**STATE, "connected": False, "problem": problem}
    server.says("/api/crm/test", Answer(body={"answered": True, "crm": state}))

    ran = run("crm", "test")

    assert ran.code == 1
    assert "check SALESFORCE_CONSUMER_KEY" in " ".join(ran.err.split())


def test_a_syncer_that_is_busy_is_not_ready(server: SmallServer, run: Cli) -> None:
    server.says("/api/crm/test", Answer(body={"answered": False, "crm": STATE}))

    assert run("crm", "test").code == 3


def test_a_mapping_is_shown_edited_in_a_file_and_set(
    server: SmallServer, run: Cli, tmp_path: Path
) -> None:
    server.says("/api/crm/mapping", Answer(body=MAPPING))
    shown = run("crm", "mapping", "show")
    file = tmp_path / "mapping.json"
    file.write_text(json.dumps(run("crm", "mapping", "show", "--json").data))

    put = run("crm", "mapping", "set", str(file))

    assert "person.last_name" in shown.out
    assert "one_line → truncate" in shown.out
    assert "! Title: add truncate" in shown.out
    assert put.code == 0
    assert server.asked[-1].method == "PUT"
    assert sent(server.asked[-1]) == MAPPING["mapping"]
    assert "Version 4 is in use." in put.out


def test_a_preview_shows_what_is_emptied_and_why_a_lead_stays_out(
    server: SmallServer, run: Cli
) -> None:
    seen = {
        "mapping_version": 4,
        "sent": False,
        "why_not": "Its tier is cold; the CRM gets hot.",
        "record": {"LastName": "Ito", "Title": None},
        "opportunity": {"Name": "Acme"},
        "problems": [{"field": "LastName", "message": "too long", "fatal": True}],
    }
    server.says(f"/api/leads/{LEAD}", Answer(body={"id": LEAD}))
    server.says("/api/crm/preview", Answer(body=seen))

    ran = run("crm", "preview", LEAD)

    assert ran.code == 0
    assert "(emptied)" in ran.out
    assert "Its tier is cold" in ran.out
    assert "✗ LastName: too long" in ran.out
    assert sent(server.asked[-1]) == {"lead_id": LEAD}


def test_what_is_quarantined_is_listed_sent_again_and_left(server: SmallServer, run: Cli) -> None:
    server.says("/api/crm/quarantine", Answer(body={"items": [HELD], "next": None}))
    for verb in ("retry", "drop"):
        path = f"/api/crm/quarantine/{LEAD}/{verb}"
        server.says(path, Answer(body={"lead_id": LEAD, "state": verb}))

    listed = run("crm", "quarantine", "list")
    again = run("crm", "quarantine", "retry", "--all")
    asked = run("crm", "quarantine", "drop", LEAD)
    left = run("crm", "quarantine", "drop", LEAD, "--yes")

    assert "INVALID_EMAIL_ADDRESS" in listed.out
    assert "\x1b" not in listed.out
    assert (again.code, left.code) == (0, 0)
    assert asked.code == 2
    paths = [each.path for each in server.asked if each.method == "POST"]
    assert paths == [f"/api/crm/quarantine/{LEAD}/{verb}" for verb in ("retry", "drop")]


@pytest.mark.parametrize(
    ("arguments", "body"),
    [
        ((LEAD,), {"lead_ids": [LEAD]}),
        (("--all",), {"filter": {}}),
        (("--tier", "hot", "--min-score", "60"), {"filter": {"tier": "hot", "min_score": 60}}),
    ],
)
def test_leads_are_chosen_in_one_way(
    server: SmallServer, run: Cli, arguments: tuple[str, ...], body: dict[str, Any]
) -> None:
    server.says("/api/crm/sync", Answer(202, {"queued": 1_234}))

    ran = run("crm", "sync", *arguments)

    assert "1,234" in ran.out
    assert sent(server.asked[-1]) == body


@pytest.mark.parametrize(
    "arguments",
    [("sync",), ("sync", LEAD, "--all"), ("quarantine", "retry"), ("sync", "--all", "--tier", "x")],
)
def test_what_is_not_clear_is_not_done(
    server: SmallServer, run: Cli, arguments: tuple[str, ...]
) -> None:
    assert run("crm", *arguments).code == 2
    assert server.asked == []


def test_differences_are_told_in_words(server: SmallServer, run: Cli) -> None:
    item = {"lead_id": LEAD, "object": "Lead", "field": None, "why": "gone_there", "seen_at": None}
    page = {"compared_at": None, "counts": {"gone_there": 1}, "items": [item], "next": None}
    server.says("/api/crm/drift", Answer(body=page))

    ran = run("crm", "drift", "--why", "gone_there")

    assert "the record was deleted in Salesforce" in ran.out
    query = parse_qs(urlsplit(server.asked[-1].path).query)
    assert query == {"why": ["gone_there"], "limit": ["20"]}
