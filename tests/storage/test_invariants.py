"""Every invariant finds what breaks it, and nothing else."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from policies.decision import Decision
from storage import decisions, invariants, ledger
from storage.database import Database, driver
from storage.ledger import Account, Entry

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
LEAD, ALGORITHM, IMPORT = uuid4(), uuid4(), uuid4()

SOUND = f"""
INSERT INTO leads (id, source, status, email_key, score, confidence, tier, scored_at, created_at, updated_at)
  VALUES ('{LEAD}', 'test', 'scored', '\\x01', 82, 0.9, 'A', now(), now(), now());
INSERT INTO scoring_algorithms (id, name, version, kind, definition, status, created_by, created_at)
  VALUES ('{ALGORITHM}', 'general', 1, 'template', '{{}}', 'active', 'ada', now());
INSERT INTO scoring_results (id, lead_id, algorithm_id, score, probability, confidence, low, high, tier,
    judges, detail, scored_at)
  VALUES (gen_random_uuid(), '{LEAD}', '{ALGORITHM}', 82, 0.82, 0.9, 70, 90, 'A', '{{scorecard}}', '{{}}', now());
INSERT INTO imports (id, filename, source, status, plan, rows_read, created, merged, failed, created_at)
  VALUES ('{IMPORT}', 'a.csv', 'import', 'done', '{{}}', 10, 7, 2, 1, now());
INSERT INTO messages (recipient, lane, id, kind, body) VALUES ('scorer', 1, 1, 'test', '{{}}');
"""  # noqa: E501


async def execute(database: Database, statement: str) -> None:
    async with database.transaction() as db:
        await (await driver(db)).execute(statement)


async def broken(database: Database) -> list[str]:
    async with database.transaction() as db:
        return [violation.name for violation in await invariants.run(db)]


@pytest.fixture
async def sound(database: Database) -> Database:
    """A lead that was scored, and paid for."""
    await execute(database, SOUND)
    async with database.transaction() as db:
        await ledger.open_accounts(db, [Account("usd", "usd_micro", 100)])
        calls = [Entry(uuid4(), [30], LEAD) for _ in range(3)]
        soon = NOW + timedelta(minutes=1)
        await ledger.reserve(
            db, ["usd"], calls, vendor="openai", purpose="rubric", expires_at=soon, now=NOW
        )
        await ledger.settle(db, {calls[0].id: [12]}, now=NOW)
        await ledger.release(db, [calls[1].id], now=NOW)
        made = Decision("score", LEAD, "82", (), "general@1", {})
        await decisions.keep(db, "scorer", [made], correlation_id=None, now=NOW)
    return database


async def test_a_sound_database_breaks_none(sound: Database) -> None:
    assert await broken(sound) == []


async def test_an_empty_database_breaks_none(database: Database) -> None:
    assert await broken(database) == []


@pytest.mark.parametrize(
    ("damage", "name"),
    [
        (
            "UPDATE ledger_accounts SET limit_amount = 41",
            "no account holds and spends more than its limit",
        ),
        (
            "UPDATE ledger_accounts SET held = held - 1",
            "what an account holds and spent is the sum of its entries",
        ),
        (
            "UPDATE ledger_accounts SET spent = spent + 1",
            "what an account holds and spent is the sum of its entries",
        ),
        (
            "DELETE FROM ledger_entries WHERE state = 'held'",
            "what an account holds and spent is the sum of its entries",
        ),
        (
            "INSERT INTO ledger_entries SELECT gen_random_uuid(), '{credits:uplead:2026-11}', "
            "'{2}', '{2}', 'committed', 'uplead', 'search', NULL, NULL, now(), now(), now()",
            "what a purchase cost is the records that it bought",
        ),
        (
            "INSERT INTO lead_searches SELECT gen_random_uuid(), 'x', '{}', 5, NULL, 'running', 0, "
            "NULL, NULL, NULL, 'ada', now(), now(), NULL; "
            "INSERT INTO lead_search_sources (search_id, source, criteria, price_micro, cost_micro)"
            " SELECT id, 'uplead', '{}', 5, 5 FROM lead_searches",
            "what a search cost is what its purchases cost",
        ),
        (
            "INSERT INTO dead_letters SELECT id, recipient, lane, kind, body, NULL, NULL, 1, 8, "
            "'', now(), now() FROM messages",
            "a message is in one place",
        ),
        ("UPDATE leads SET score = 83", "a lead has its score from a scoring result"),
        ("UPDATE leads SET score = NULL", "a lead that counts as scored has a score"),
        (
            "INSERT INTO scoring_results SELECT gen_random_uuid(), lead_id, algorithm_id, score, "
            "probability, confidence, low, high, tier, judges, detail, scored_at "
            "FROM scoring_results",
            "no lead was scored twice at one moment by one algorithm",
        ),
        ("UPDATE decisions SET subject = NULL", "every scoring result has its decision"),
        ("UPDATE decisions SET verdict = '99'", "the chains of decisions are whole"),
        ("UPDATE imports SET merged = 3", "an import that is done accounts for every row"),
    ],
)
async def test_damage_is_found(sound: Database, damage: str, name: str) -> None:
    await execute(sound, damage)

    assert name in await broken(sound)


async def test_a_violation_shows_where_but_not_everything(sound: Database) -> None:
    many = invariants.MOST_ROWS + 5
    await execute(
        sound,
        "INSERT INTO leads (id, source, status, created_at, updated_at) "
        f"SELECT gen_random_uuid(), 'test', 'scored', now(), now() FROM generate_series(1, {many})",
    )
    async with sound.transaction() as db:
        (violation,) = await invariants.run(db)

    assert len(violation.rows) == invariants.MOST_ROWS
    assert set(violation.rows[0]) == {"id", "status"}


async def test_a_lead_that_was_deleted_is_nobodys_business(sound: Database) -> None:
    await execute(sound, "UPDATE leads SET deleted_at = now(), score = 3")

    assert await broken(sound) == []
