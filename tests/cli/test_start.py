"""The command line starts fast, teaches, and says what is wrong with a command."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.main import get_command

from scripts.cli import build
from tests.cli.conftest import Cli

HEAVY = (
    *("ray", "sqlalchemy", "asyncpg", "openai", "scipy", "numpy", "sklearn", "lightgbm"),
    *("fastapi", "starlette", "pydantic", "httpx", "cryptography", "alembic"),
)
ROOT = Path(__file__).parents[2]


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "sys.argv = ['leadengine', '--help']\n"
        "from scripts.cli import main\n"
        "try:\n    main()\n"
        "finally:\n    print(*sys.modules, sep='\\n', file=sys.stderr)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = {name.partition(".")[0] for name in ran.stderr.split()}

    assert "typer" in loaded
    assert not loaded & set(HEAVY)


def test_help_lists_every_verb(cli: Cli) -> None:
    shown = cli("--help")

    assert shown.code == 0
    for verb in (
        *("up", "down", "status", "doctor", "import", "export", "leads", "score"),
        *("agents", "dead-letters", "decisions", "keys", "bench"),
    ):
        assert f"│ {verb} " in shown.out


def _verbs() -> list[tuple[str, ...]]:
    """Every verb, as its words."""
    return list(_verbs_of(get_command(build()), ()))


def _verbs_of(command: object, words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    inner: dict[str, object] = getattr(command, "commands", {})
    if not inner:
        yield words
    for name, each in inner.items():
        yield from _verbs_of(each, (*words, name))


@pytest.mark.parametrize("verb", _verbs(), ids=" ".join)
def test_every_verb_speaks_json_explains_itself_and_shows_an_example(
    cli: Cli, verb: tuple[str, ...]
) -> None:
    shown = cli(*verb, "--help")

    assert shown.code == 0
    assert "--json" in shown.out
    assert "--quiet" in shown.out
    assert "Examples:" in shown.out
    assert f"leadengine {' '.join(verb)}" in shown.out


@pytest.mark.parametrize(
    ("words", "meant"),
    [(("lead", "list"), "'leads'"), (("leads", "lst"), "'list'"), (("score", "fits"), "'fit'")],
)
def test_a_slip_of_the_pen_is_met_with_what_was_meant(
    cli: Cli, words: tuple[str, ...], meant: str
) -> None:
    ran = cli(*words)

    assert ran.code == 2
    assert f"Did you mean {meant}" in ran.err


@pytest.mark.parametrize(
    "words",
    [
        ("leads", "list", "--nonsense"),
        ("leads", "list", "--min-score", "101"),
        ("leads", "show"),
        ("import", "no-such-file.csv"),
        ("import", __file__, "--map", "no equals sign"),
        ("export", "--out", __file__),
        ("export", "--out", "x.xml", "--format", "xml"),
        ("keys", "create", "without-scopes"),
        ("dead-letters", "replay"),
        ("dead-letters", "replay", "seven"),
        ("dead-letters", "drop", "7", "--agent", "scorer"),
        ("score", "leads"),
        ("score", "leads", "--all", "--import", "x"),
        ("score", "test"),
        ("score", "test", "--feature", "no equals sign"),
        ("score", "add", "name"),
        ("score", "add", "name", "--file", "no-such-file.json"),
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_2_and_asks_nobody(
    cli: Cli, server: object, words: tuple[str, ...]
) -> None:
    ran = cli(*words)

    assert ran.code == 2
    assert not ran.out
    assert server.asked == []  # pyright: ignore[reportAttributeAccessIssue]
