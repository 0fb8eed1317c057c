"""A file of leads in, scores, reports and reasons out: commands against the real engine."""

import asyncio
import csv
import json
import logging
import random
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
import structlog

from storage.database import Database
from tests.cli.conftest import Cli, Ran
from tests.cli.engine import LocalEngine
from tests.conftest import empty_every_table

PEOPLE = 240
HEADER = ["Id", "Email", "Job Title", "Company", "Visits", "Call Result", "Won"]
THREE = "person3@firm3.example"


@pytest.fixture(scope="module")
def engine(
    server_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Generator[LocalEngine, None, None]:
    asyncio.run(_empty(server_url))
    quiet = structlog.make_filtering_bound_logger(logging.ERROR)
    structlog.configure(
        wrapper_class=quiet, logger_factory=structlog.PrintLoggerFactory(sys.stderr)
    )
    local = LocalEngine(server_url, tmp_path_factory.mktemp("engine"))
    local.start()
    yield local
    local.stop()
    structlog.reset_defaults()


async def _empty(url: str) -> None:
    database = Database(url)
    await empty_every_table(database)
    await database.close()


@pytest.fixture(scope="module")
def run(engine: LocalEngine) -> Cli:
    return Cli(engine.environment)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Leads whose outcome rests on their title, a column written after the fact, one bad row."""
    chance = random.Random(7)
    path = tmp_path_factory.mktemp("files") / "crm.csv"
    with path.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(HEADER)
        writer.writerows(_row(number, chance) for number in range(PEOPLE))
        writer.writerow(["C-bad", "not an address", "CEO", "Firm", "", "", "maybe"])
    return path


def _row(number: int, chance: random.Random) -> list[object]:
    chief = chance.random() < 0.5
    won = chance.random() < (0.75 if chief else 0.2)
    title = "CEO" if chief else "Assistant"
    visits, result = chance.randint(0, 9), "signed" if won else "no interest"
    mail = f"person{number}@firm{number}.example"
    return [f"C-{number}", mail, title, f"Firm {number}", visits, result, "yes" if won else "no"]


@pytest.fixture(scope="module")
def imported(run: Cli, file: Path) -> Ran:
    problems = file.with_name("problems.csv")
    return run("import", str(file), "--outcome", "Won", "--problems-to", str(problems), "--json")


def test_a_dry_run_shows_what_each_column_becomes_and_keeps_nothing(run: Cli, file: Path) -> None:
    before = run("status", "--json").data["total"]
    ran = run("import", str(file), "--outcome", "Won", "--dry-run")

    assert ran.code == 0
    assert "Job Title    title" in ran.out
    assert "Won          outcome" in ran.out
    assert run("status", "--json").data["total"] == before


def test_an_import_waits_until_every_lead_has_its_score(run: Cli, imported: Ran) -> None:
    found = imported.data

    assert imported.code == 0
    assert (found["status"], found["rows_read"], found["created"]) == ("done", 241, 241)
    assert found["scored"] is True
    leads = run("leads", "list", "--import", found["id"], "--limit", "300", "--json").data["items"]
    assert len(leads) == 241
    assert all(lead["status"] == "scored" and lead["score"] is not None for lead in leads)


def test_what_is_wrong_with_a_row_is_told_and_kept_by_line(imported: Ran, file: Path) -> None:
    kept = file.with_name("problems.csv")
    lines = list(csv.DictReader(kept.read_text().splitlines()))

    assert {one["line"] for one in imported.data["problems"]} == {242}
    assert {one["line"] for one in lines} == {"242"}
    assert kept.stat().st_mode & 0o077 == 0


def test_importing_again_doubles_nobody_and_says_what_comes_next(
    run: Cli, imported: Ran, file: Path
) -> None:
    ran = run("import", str(file), "--outcome", "Won")

    assert ran.code == 0
    assert "0 created, 241 merged" in ran.out
    assert "Upload" in ran.err
    assert "Scoring" in ran.err
    assert "leadengine score fit" in ran.err


def test_a_lead_is_found_by_its_address_and_its_score_explained(run: Cli, imported: Ran) -> None:
    shown = run("leads", "show", THREE, "--json").data
    ran = run("leads", "why", THREE)

    assert shown["email"] == THREE
    assert ran.code == 0
    assert f"{shown['score']} of 100" in ran.out
    assert "lead.created" in ran.out


def test_a_lead_is_found_by_the_name_it_has_at_its_source(run: Cli, imported: Ran) -> None:
    shown = run("leads", "show", "C-3", "--json").data

    assert shown["email"] == THREE
    assert run("leads", "show", shown["id"], "--json").data == shown


def test_nobody_is_a_lead_that_says_so(run: Cli, imported: Ran) -> None:
    ran = run("leads", "show", "nobody@nowhere.example")

    assert ran.code == 1
    assert "No lead is known as" in ran.err


def test_a_fit_names_leaking_columns_before_anyone_asks(run: Cli, imported: Ran) -> None:
    ran = run("score", "fit", "--name", "leaky")

    assert ran.code == 0
    assert "These columns may know the outcome already." in ran.out
    assert "Call Result" in ran.out
    assert "leadengine score fit --exclude 'Call Result'" in ran.err


def test_a_fit_reports_what_it_did_not_see_and_can_be_forced_into_force(
    run: Cli, imported: Ran
) -> None:
    fitted = run("score", "fit", "--name", "honest", "--exclude", "Call Result", "--json")
    report = fitted.data["algorithm"]["report"]

    assert fitted.code == 0
    assert report["cross_validated"]["n"] == PEOPLE
    assert 0.65 < report["cross_validated"]["auc"] < 0.9
    assert "Call Result" not in report["features"]
    compared = run("score", "compare", "honest")
    assert "ROC-AUC" in run("score", "show", "honest@1").out
    assert compared.code == 0
    forced = run("score", "activate", "honest", "--force", "--reason", "a test", "--json")
    assert forced.data["active"]["name"] == "honest"
    assert run("status", "--json").data["active_algorithm"]["name"] == "honest"
    again = run("score", "leads", "--all", "--json")
    assert again.code == 0
    assert again.data["queued"] == 241


def test_what_is_worse_than_the_active_algorithm_is_refused_by_4(run: Cli, imported: Ran) -> None:
    assert run("score", "fit", "--name", "clairvoyant", "--quiet").code == 0
    assert run("score", "activate", "clairvoyant", "--force", "--reason", "a test").code == 0
    fitted = run("score", "fit", "--name", "humble", "--exclude", "Call Result", "--activate")
    tried = run("score", "activate", "humble")
    back = run("score", "activate", "general", "--force", "--reason", "a test")

    assert fitted.code == 4
    assert "Cross-validated" in fitted.out
    assert "It should not take over." in fitted.out
    assert tried.code == 4
    assert "--force" in tried.err
    assert back.code == 0


def test_own_weights_can_be_added_and_deleted(run: Cli, imported: Ran, file: Path) -> None:
    weights = file.with_name("weights.json")
    rule = {"feature": "title", "levels": {"CEO": 1.0}}
    weights.write_text(json.dumps({"kind": "weighted", "features": [rule]}))
    added = run("score", "add", "ours", "--file", str(weights), "--json")

    assert added.code == 0
    assert added.data["kind"] == "weighted"
    assert run("score", "delete", "ours@1").code == 0
    assert run("score", "show", "ours").code == 1


def test_algorithms_can_be_tried_without_keeping_anything(run: Cli, imported: Ran) -> None:
    ran = run("score", "test", "general", "--feature", "seniority=c_level", "--json")

    assert ran.code == 0
    assert 0 <= ran.data["items"][0]["score"] <= 100
    assert len(run("score", "templates", "--json").data["items"]) >= 6


def test_an_unknown_algorithm_is_met_with_what_was_meant(run: Cli) -> None:
    ran = run("score", "show", "genral")

    assert ran.code == 1
    assert "Did you mean 'general'?" in ran.err


def test_waiting_for_a_paused_agent_is_refused_with_the_way_out(
    run: Cli, imported: Ran, file: Path
) -> None:
    assert run("agents", "pause", "scorer", "--reason", "a test").code == 0
    more = file.with_name("more.csv")
    more.write_text("Email\nnew@somewhere.example\n")
    ran = run("import", str(more))
    resumed = run("agents", "resume", "all")

    assert ran.code == 4
    assert "The scorer is paused" in ran.err
    assert "leadengine agents resume scorer" in ran.err
    assert resumed.code == 0


def test_a_key_is_shown_once_and_opens_only_what_it_may(
    run: Cli, engine: LocalEngine, imported: Ran
) -> None:
    made = run("keys", "create", "website", "--scope", "leads:read", "--json").data
    theirs = Cli({**engine.environment, "LEADENGINE_API_KEY": made["key"]})

    assert theirs("leads", "list").code == 0
    assert theirs("agents", "list").code == 4
    assert made["key"] not in run("keys", "list", "--json").out
    assert run("keys", "revoke", made["id"], "--yes").code == 0
    revoked = [one for one in run("keys", "list", "--json").data["items"] if one["revoked_at"]]
    assert made["id"] in [one["id"] for one in revoked]


def test_what_goes_out_can_come_in_again(run: Cli, imported: Ran, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    ran = run("export", "--format", "jsonl", "--import", imported.data["id"], "--out", str(out))
    leads = [json.loads(line) for line in out.read_text().splitlines()]

    assert ran.code == 0
    assert len(leads) == 241
    assert {"email", "score", "tier"} <= set(leads[0])


def test_the_book_of_decisions_holds(run: Cli, imported: Ran) -> None:
    ran = run("decisions", "verify", "--json")

    assert ran.code == 0
    assert ran.data == {"sound": True, "broken": []}
    assert run("decisions", "list", "--action", "score", "--limit", "5", "--json").data["items"]


def test_a_deleted_lead_is_gone(run: Cli, imported: Ran) -> None:
    assert run("leads", "delete", "person9@firm9.example", "--yes").code == 0
    assert run("leads", "show", "person9@firm9.example").code == 1


def test_status_says_who_scores_and_how_many(run: Cli, imported: Ran) -> None:
    ran = run("status")

    assert ran.code == 0
    assert "scored by" in ran.out
    assert "prospector  ● running" in ran.out
