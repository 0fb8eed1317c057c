"""What the README and the docs tell people to type exists, and what they point at is there."""

import re
import shlex
from pathlib import Path

import pytest
from typer.main import get_command

from cluster.settings import Settings
from scripts.cli import build

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
README = (ROOT / "README.md").read_text()
_COMMAND = re.compile(r"(?:^|`| )(leadengine [a-z][^`\n#]*)", re.MULTILINE)
_LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")


def _commands() -> list[tuple[str, str]]:
    found = [
        (page.name, command.strip())
        for page in PAGES
        for command in _COMMAND.findall(page.read_text())
    ]
    return sorted({one for one in found if "…" not in one[1] and "|" not in one[1]})


@pytest.mark.parametrize(("page", "command"), _commands())
def test_every_command_that_is_shown_exists_with_its_options(page: str, command: str) -> None:
    words = shlex.split(command.partition("  ")[0].rstrip(".,:;"))[1:]
    here = get_command(build())
    while words and (inner := getattr(here, "commands", {})):
        assert words[0] in inner, f"{page}: leadengine {words[0]}"
        here = inner[words.pop(0)]
    options = {name for one in here.params for name in one.opts + one.secondary_opts}
    wanted = {word for word in words if word.startswith("--")}
    assert wanted <= options | {"--help"}, page


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    links = [link for link in _LINK.findall(page.read_text()) if "://" not in link]

    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_file_that_the_readme_walks_through_is_there() -> None:
    named = re.findall(r"`((?:agents|cluster|policies|scripts|serve|storage)/[\w/.]*)`", README)

    assert len(named) > 10
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_readme_names_settings_that_exist_and_their_defaults() -> None:
    rows = re.findall(r"^\| (`[A-Z].*?) \| (.*?) \|", README, re.MULTILINE)
    fields = Settings.model_fields

    for names, default in rows:
        for name in re.findall(r"`LEADENGINE_(\w+)`", names):
            if name in {"URL", "API_KEY"}:
                continue
            assert name.lower() in fields, name
        first = re.match(r"`LEADENGINE_(\w+)`", names)
        shown = re.match(r"`([\w.-]+)`", default)
        if first and shown and first[1] != "DATA_DIR":
            actual = fields[first[1].lower()].default
            assert float(shown[1]) == actual if shown[1].isdecimal() else True, first[1]


def test_the_readme_can_be_read_in_one_go() -> None:
    assert len(README.splitlines()) <= 250


def test_decisions_are_numbered_and_listed() -> None:
    folder = ROOT / "docs" / "adr"
    pages = sorted(page.name for page in folder.glob("[0-9]*.md"))
    listed = re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", (folder / "README.md").read_text())

    assert listed == pages
    assert [int(name[:4]) for name in pages] == list(range(1, len(pages) + 1))


def test_every_decision_that_code_cites_exists() -> None:
    cited: set[str] = set()
    for folder in ("agents", "cluster", "policies", "scripts", "serve", "storage"):
        for path in (ROOT / folder).rglob("*.py"):
            cited |= set(re.findall(r"ADR-(\d{4})", path.read_text()))
    kept = {page.name[:4] for page in (ROOT / "docs" / "adr").glob("[0-9]*.md")}

    assert cited <= kept
