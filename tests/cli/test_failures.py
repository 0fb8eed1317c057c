"""What the client makes of an engine that is away, refuses, or is something else."""

import socket
import stat
from pathlib import Path

import pytest

from tests.cli.conftest import Answer, Cli, SmallServer

LIST = "/api/leads"


def _problem(status: int, code: str, detail: str, reason: str, **more: object) -> Answer:
    error = {"field": "", "reason": reason, "message": detail}
    body = {"title": "T", "status": status, "code": code, "detail": detail, "errors": [error]}
    headers = {"Content-Type": "application/problem+json", "X-Request-ID": "req-7"}
    return Answer(status, body | more, headers)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_an_engine_that_does_not_run_is_not_ready_and_can_be_started() -> None:
    url = f"http://127.0.0.1:{_free_port()}"
    ran = Cli({"LEADENGINE_URL": url, "LEADENGINE_API_KEY": "k"})("leads", "list")

    assert ran.code == 3
    assert f"Nothing answers at {url}." in ran.err
    assert "leadengine up" in ran.err
    assert not ran.out


def test_without_a_key_the_command_says_where_it_looked(tmp_path: Path) -> None:
    ran = Cli({"LEADENGINE_DATA_DIR": str(tmp_path)})("leads", "list")

    assert ran.code == 3
    assert str(tmp_path / "operator.key") in ran.err.replace("\n", "")


def test_the_operators_key_is_read_from_the_data_directory(
    server: SmallServer, tmp_path: Path
) -> None:
    (tmp_path / "operator.key").write_text("lge_live_operator_secret\n")
    server.says(LIST, Answer(body={"items": [], "next": None}))
    port = server.url.rpartition(":")[2]
    ran = Cli({"LEADENGINE_DATA_DIR": str(tmp_path), "LEADENGINE_PORT": port})("leads", "list")

    assert ran.code == 0
    assert server.asked[0].headers["Authorization"] == "Bearer lge_live_operator_secret"


def test_the_operators_key_never_goes_to_another_machine(tmp_path: Path) -> None:
    (tmp_path / "operator.key").write_text("lge_live_operator_secret")
    elsewhere = {"LEADENGINE_URL": "http://engine.example", "LEADENGINE_DATA_DIR": str(tmp_path)}
    ran = Cli(elsewhere)("leads", "list")

    assert ran.code == 3
    assert "There is no API key for http://engine.example." in ran.err


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        (_problem(401, "AUTHENTICATION_ERROR", "This key is not valid.", "key"), 1, "not valid"),
        (_problem(403, "AUTHORIZATION_ERROR", "Lacks leads:read.", "scope"), 4, "leads:read"),
        (_problem(404, "NOT_FOUND", "There is no lead 7.", "not_found"), 1, "no lead 7"),
        (_problem(409, "CONFLICT", "It changed meanwhile.", "conflict"), 1, "changed"),
        (_problem(422, "VALIDATION_ERROR", "country: two letters.", "x"), 2, "two letters"),
        (_problem(503, "DATABASE_ERROR", "The database is away.", "away"), 3, "away"),
        (Answer(502, b"<html>bad gateway</html>", {"Content-Type": "text/html"}), 3, "not ready"),
        (Answer(404, b"<html>nginx</html>", {"Content-Type": "text/html"}), 3, "not a Lead Engine"),
        (Answer(200, b"<html>hello</html>", {"Content-Type": "text/html"}), 3, "not a Lead Engine"),
        (Answer(500, b"", {}), 1, "500"),
    ],
)
def test_every_refusal_has_its_exit_code_and_its_words(
    cli: Cli, server: SmallServer, answer: Answer, code: int, words: str
) -> None:
    server.says(LIST, answer)
    ran = cli("leads", "list")

    assert ran.code == code
    assert words in ran.err
    assert not ran.out


def test_an_error_names_the_request_for_the_logs(cli: Cli, server: SmallServer) -> None:
    server.says(LIST, _problem(500, "INTERNAL_ERROR", "The engine failed.", "internal"))

    assert "req-7" in cli("leads", "list").err


def test_a_busy_engine_says_when_to_come_back(cli: Cli, server: SmallServer) -> None:
    answer = _problem(429, "RATE_LIMIT_ERROR", "Asked too often.", "rate")
    answer.headers = {**answer.headers, "Retry-After": "17"}
    server.says(LIST, answer)

    assert "in 17 seconds" in cli("leads", "list").err


def test_with_json_an_error_is_json_too(cli: Cli, server: SmallServer) -> None:
    server.says(LIST, _problem(403, "AUTHORIZATION_ERROR", "Lacks leads:read.", "missing_scope"))
    ran = cli("leads", "list", "--json")

    assert ran.code == 4
    assert ran.data["error"] == {
        "what": "Lacks leads:read.",
        "why": "",
        "next": ["leadengine keys list shows what each key may do"],
        "exit_code": 4,
        "reason": "missing_scope",
        "reference": "req-7",
    }


def test_what_a_lead_is_called_can_neither_colour_nor_move_the_terminal(
    cli: Cli, server: SmallServer
) -> None:
    names = (
        *("external_id", "email", "company", "title", "country", "status", "score", "tier"),
        *("last_name",),
    )
    lead = dict.fromkeys(names) | {"id": "1", "first_name": "\x1b[31m[bold]Eve[/bold]\x07"}
    server.says(LIST, Answer(body={"items": [lead], "next": None}))
    ran = cli("leads", "list")

    assert ran.code == 0
    assert "·[31m[bold]Eve[/bold]·" in ran.out
    assert "\x1b" not in ran.out


def test_a_list_is_read_page_by_page_up_to_its_limit(cli: Cli, server: SmallServer) -> None:
    pages = [
        Answer(body={"items": [_decision(n) for n in range(200)], "next": "c1"}),
        Answer(body={"items": [_decision(n) for n in range(200, 250)], "next": "c2"}),
    ]
    server.says("/api/decisions", *pages)
    ran = cli("decisions", "list", "--limit", "250", "--json")

    assert [one["seq"] for one in ran.data["items"]] == list(range(250))
    assert "limit=200" in server.asked[0].path
    assert "limit=50" in server.asked[1].path
    assert "cursor=c1" in server.asked[1].path


def test_an_export_that_breaks_off_leaves_the_old_file_whole(
    cli: Cli, server: SmallServer, tmp_path: Path
) -> None:
    file = tmp_path / "leads.csv"
    file.write_text("old")
    server.says("/api/leads/export", _problem(503, "DATABASE_ERROR", "Away.", "away"))
    ran = cli("export", "--out", str(file), "--force")

    assert ran.code == 3
    assert file.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["leads.csv"]


def test_an_export_is_for_its_owner_alone(cli: Cli, server: SmallServer, tmp_path: Path) -> None:
    file = tmp_path / "leads.csv"
    server.says(
        "/api/leads/export", Answer(body=b"id\r\n1\r\n", headers={"Content-Type": "text/csv"})
    )
    ran = cli("export", "--out", str(file))

    assert ran.code == 0
    assert file.read_bytes() == b"id\r\n1\r\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_nothing_is_deleted_unasked(cli: Cli, server: SmallServer) -> None:
    ran = cli("keys", "revoke", "ab3kd9x2")

    assert ran.code == 2
    assert "--yes" in ran.err
    assert server.asked == []


def test_a_changed_book_of_decisions_ends_with_1(cli: Cli, server: SmallServer) -> None:
    broken = [{"chain": 3, "seq": 9, "problem": "its content was changed"}]
    server.says("/api/decisions/verify", Answer(body={"sound": False, "broken": broken}))
    ran = cli("decisions", "verify")

    assert ran.code == 1
    assert "its content was changed" in ran.out


def _decision(number: int) -> dict[str, object]:
    return {"seq": number, "reasons": ["because"]}
