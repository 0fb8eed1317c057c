"""``leadengine``: everything an operator does, from a terminal.

Started with nothing but the command line library: what a verb needs (HTTP, Ray, SQL) it imports
itself, so that ``leadengine --help`` answers at once.
"""

import typer

from scripts.commands import (
    agents,
    bench,
    crm,
    dead_letters,
    decisions,
    export,
    importing,
    keys,
    leads,
    lifecycle,
    score,
    sources,
)
from scripts.verbs import group

ABOUT = """Lead Engine: agents that find out about your leads, score them and say why.

Results go to standard output, progress and hints to standard error; --json on every verb.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not ready, 4 refused by a rule.
"""


def build() -> typer.Typer:
    """Make the command with all its verbs."""
    app = group(ABOUT)
    lifecycle.add_to(app)
    importing.add_to(app)
    export.add_to(app)
    for name, verbs, panel in (
        ("leads", leads.app(), "Data"),
        ("sources", sources.app(), "Data"),
        ("crm", crm.app(), "Data"),
        ("score", score.app(), "Scoring"),
        ("agents", agents.app(), "Operation"),
        ("dead-letters", dead_letters.app(), "Operation"),
        ("decisions", decisions.app(), "Operation"),
        ("keys", keys.app(), "Operation"),
        ("bench", bench.app(), "Operation"),
    ):
        app.add_typer(verbs, name=name, rich_help_panel=panel)
    return app


def main() -> None:
    """Run the command line."""
    build()(prog_name="leadengine")


if __name__ == "__main__":
    main()
