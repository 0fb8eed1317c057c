"""``leadengine sources``: what people see of sources, profiles and searches."""

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.cli.conftest import Answer, Cli, SmallServer

ID = "0199aaaa-0000-7000-8000-000000000001"
SEARCH = f"/api/sources/searches/{ID}"
AGENTS = {
    "items": [
        {
            "role": "prospector",
            "paused": False,
            "paused_reason": None,
            "dead": 0,
            "waiting": 1,
            "delayed": 0,
        }
    ]
}


def part(**more: Any) -> dict[str, Any]:
    told: dict[str, Any] = {
        "source": "uplead",
        "state": "ready",
        "problem": None,
        "seen": 120,
        "billed": 101,
        "usable": 90,
        "duplicates": 4,
        "unfit": 7,
        "suppressed": 1,
        "null_results": 0,
        "cost_usd": 58.58,
        "usd_per_lead": 0.65,
    }
    return told | more


def search(**more: Any) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": ID,
        "profile": "fintech-eu",
        "status": "running",
        "wanted": 200,
        "found": 0,
        "budget_usd": 150.0,
        "spent_usd": 0.0,
        "reason": None,
        "waits_until": None,
        "sources": [],
    }
    return told | more


def watched(server: SmallServer, *states: dict[str, Any]) -> None:
    server.says("/api/sources/find", Answer(202, search()))
    server.says("/api/agents", Answer(body=AGENTS))
    server.says(SEARCH, *(Answer(body=state) for state in states))


def test_a_search_is_begun_and_goes_on_by_itself(server: SmallServer, cli: Cli) -> None:
    watched(server, search())

    ran = cli("sources", "find", "--profile", "fintech-eu", "--wanted", "200", "--budget", "150")

    assert ran.code == 0
    assert "running: 0 of 200 found" in ran.out
    assert f"leadengine sources show {ID}" in ran.err.replace("\n", "")
    (asked,) = server.asked
    assert json.loads(asked.body) == {
        "profile": "fintech-eu",
        "wanted": 200,
        "budget_usd": 150.0,
    }
    assert asked.headers["Idempotency-Key"]


def test_a_search_is_watched_to_its_end_with_what_each_source_cost(
    server: SmallServer, cli: Cli
) -> None:
    done = search(status="done", found=200, spent_usd=116.58, sources=[part(usable=200)])
    watched(server, search(found=90, spent_usd=58.58, sources=[part()]), done)

    ran = cli("sources", "find", "--profile", "fintech-eu", "--wanted", "200", "--wait")

    assert ran.code == 0
    assert "200 of 200 found, 116.58 USD (uplead 200 for 58.58)" in ran.err
    assert "done: 200 of 200 found" in ran.out
    assert "58.58" in ran.out


def test_a_search_that_waits_for_tomorrow_is_left_with_the_reason(
    server: SmallServer, cli: Cli
) -> None:
    later = datetime.fromtimestamp(time.time(), UTC) + timedelta(hours=9)
    why = "uplead: what lead vendors may cost a day is spent"
    watched(server, search(found=30, reason=why, waits_until=later.isoformat()))

    ran = cli("sources", "find", "--profile", "fintech-eu", "--wanted", "200", "--wait")

    assert ran.code == 0
    assert why in ran.out
    assert "waits until" in ran.out


def test_a_search_that_fails_says_why(server: SmallServer, cli: Cli) -> None:
    watched(server, search(status="failed", reason="no source is connected: set UPLEAD_API_KEY"))

    ran = cli("sources", "find", "--profile", "fintech-eu", "--wanted", "200", "--wait")

    assert ran.code == 1
    assert "UPLEAD_API_KEY" in ran.out


def test_sources_show_credits_money_and_the_last_problem(server: SmallServer, cli: Cli) -> None:
    one = {
        "name": "uplead",
        "state": "out_of_credit",
        "sandboxed": True,
        "credits_left": 0,
        "credits_this_month": 4812,
        "usd_this_month": 2790.96,
        "usd_today": 19.72,
        "last_problem": "uplead: no credit",
    }
    server.says("/api/sources", Answer(body={"items": [one], "usd_today": 19.7, "usd_per_day": 20}))

    ran = cli("sources", "list")

    assert ran.code == 0
    for shown in ("out of credit (sandbox)", "4812", "2790.96", "no credit", "19.70 USD of 20.00"):
        assert shown in ran.out


def test_a_preview_waits_until_the_sources_have_answered(server: SmallServer, cli: Cli) -> None:
    asked = {"id": ID, "profile": "fintech-eu", "sources": None}
    said = {
        "source": "uplead",
        "impossible": None,
        "problem": None,
        "count": 431,
        "usd_per_record": 0.58,
        "usd_per_lead": 0.97,
        "unexpressed": ["seniority head: asked for as directors"],
    }
    server.says("/api/sources/preview", Answer(202, asked))
    server.says(
        f"/api/sources/previews/{ID}", Answer(body=asked), Answer(body=asked | {"sources": [said]})
    )

    ran = cli("sources", "preview", "--profile", "fintech-eu")

    assert ran.code == 0
    for shown in ("431", "0.58", "0.97", "asked for as directors"):
        assert shown in ran.out


def test_a_profile_is_kept_from_words(server: SmallServer, cli: Cli) -> None:
    words = (
        *("industries", "countries", "seniorities", "functions", "titles", "company_sizes"),
        *("domains", "excluded_domains"),
    )
    definition: dict[str, Any] = {word: [] for word in words} | {"email": "catch_all"}
    kept = {"name": "ours", "version": 1, "definition": definition | {"countries": ["DE"]}}
    server.says("/api/profiles/ours", Answer(body=kept))

    ran = cli("sources", "profiles", "set", "ours", "--country", "Germany", "--catch-all")

    assert ran.code == 0
    (asked,) = server.asked
    assert asked.method == "PUT"
    sent = json.loads(asked.body)
    assert (sent["countries"], sent["email"], sent["industries"]) == (["Germany"], "catch_all", [])


def test_a_profile_of_nothing_is_asked_for_in_words(cli: Cli) -> None:
    ran = cli("sources", "profiles", "set", "ours")

    assert ran.code == 2
    assert "--industry" in ran.err


def test_searches_are_listed_and_one_is_cancelled(server: SmallServer, cli: Cli) -> None:
    found = search(found=12, spent_usd=7.0, created_at="2026-11-24T09:00:00Z")
    server.says("/api/sources/searches", Answer(body={"items": [found], "next": None}))
    server.says(
        f"{SEARCH}/cancel", Answer(body=search(status="cancelled", reason="cancelled by a"))
    )

    listed, cancelled = cli("sources", "searches"), cli("sources", "cancel", ID)

    assert (listed.code, cancelled.code) == (0, 0)
    assert "12/200" in listed.out
    assert "cancelled by a" in cancelled.out
