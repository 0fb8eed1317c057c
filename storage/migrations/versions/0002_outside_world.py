"""The tables of part 2: lead sources, enrichment, Salesforce; and one index."""

from storage.migrations.scripts import run_script

revision = "0002"
down_revision = "0001"

PARTS = ("leads", "vendor_calls", "sources", "suppressions", "enrichment", "crm")


def upgrade() -> None:
    for part in PARTS:
        run_script(f"0002_{part}.sql")
