"""What the status and the metrics say of the ledger: this day's accounts and this month's."""

from datetime import UTC, datetime

import pytest

from storage import figures, ledger
from storage.database import Database
from storage.ledger import Account

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.fixture
async def opened(database: Database) -> Database:
    names = (
        *("usd:vendors:2026-11-24", "usd:vendors:2026-11-25", "credits:uplead:2026-11"),
        *("credits:uplead:2026-10", "usd:search:01a2", "usd:search:01a3"),
    )
    async with database.transaction() as db:
        await ledger.open_accounts(db, [Account(name, "credits", None) for name in names])
    return database


async def test_a_month_is_told_until_it_is_over_and_a_search_with_the_search(
    opened: Database,
) -> None:
    async with opened.transaction() as db:
        told = [each.account for each in (await figures.counts(db, now=NOW)).spending]
    assert told == ["credits:uplead:2026-11", "usd:vendors:2026-11-25"]
