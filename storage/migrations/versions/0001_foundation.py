"""The tables of part 1: mailbox, ledger, decisions, leads."""

from storage.migrations.scripts import run_script

revision = "0001"
down_revision = None

PARTS = ("mailbox", "ledger", "decisions", "leads")


def upgrade() -> None:
    for part in PARTS:
        run_script(f"0001_{part}.sql")
