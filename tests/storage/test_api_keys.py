"""API keys: shown once, kept as hashes, checked before the database is asked."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage import api_keys
from storage.api_keys import ApiKey
from storage.database import Connection, Database, driver

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY = timedelta(days=1)


async def create(db: Connection, expires_at: datetime | None = None) -> tuple[ApiKey, str]:
    return await api_keys.create(
        db, "ada's laptop", ["leads:read", "leads:write"], expires_at=expires_at, now=NOW
    )


async def test_a_key_opens_what_it_was_made_for(database: Database) -> None:
    async with database.transaction() as db:
        key, text = await create(db)
        found = await api_keys.verify(db, text, now=NOW)

    assert found == key
    assert key.scopes == {"leads:read", "leads:write"}
    assert text.startswith(f"lge_live_{key.id}_")
    assert len(text) == len("lge_live_") + 8 + 1 + 43 + 6


async def test_the_database_holds_nothing_that_opens(database: Database) -> None:
    async with database.transaction() as db:
        _, text = await create(db)
        row = await (await driver(db)).fetchval("SELECT api_keys::text FROM api_keys")

    assert text[18:61] not in row


async def test_no_two_keys_are_alike(database: Database) -> None:
    async with database.transaction() as db:
        texts = {(await create(db))[1] for _ in range(20)}
        assert len(texts) == 20
        assert len(await api_keys.list_keys(db)) == 20


async def test_a_revoked_key_opens_nothing_and_stays_revoked(database: Database) -> None:
    async with database.transaction() as db:
        key, text = await create(db)
        assert await api_keys.revoke(db, key.id, now=NOW + DAY)
        assert await api_keys.revoke(db, key.id, now=NOW + 2 * DAY)
        assert not await api_keys.revoke(db, "nosuchid", now=NOW)
        assert await api_keys.verify(db, text, now=NOW) is None
        assert [found.revoked_at for found in await api_keys.list_keys(db)] == [NOW + DAY]


async def test_a_key_opens_until_it_expires(database: Database) -> None:
    async with database.transaction() as db:
        _, text = await create(db, expires_at=NOW + DAY)
        assert await api_keys.verify(db, text, now=NOW + DAY - timedelta(seconds=1))
        assert await api_keys.verify(db, text, now=NOW + DAY) is None


async def test_the_right_id_with_another_keys_secret_opens_nothing(database: Database) -> None:
    async with database.transaction() as db:
        (mine, text), (_, other) = await create(db), await create(db)
        body = f"lge_live_{mine.id}_{other[18:61]}"
        forged = body + api_keys.checksum(body)

        assert api_keys.parse(forged) is not None
        assert await api_keys.verify(db, forged, now=NOW) is None
        assert await api_keys.verify(db, text, now=NOW) == mine


async def test_a_mistyped_key_never_reaches_the_database(database: Database) -> None:
    async with database.transaction() as db:
        _, text = await create(db)
    for place in range(len(text)):
        wrong = text[:place] + ("a" if text[place] != "a" else "b") + text[place + 1 :]
        assert api_keys.parse(wrong) is None
        assert await api_keys.verify(db, wrong, now=NOW) is None  # its transaction is over


@given(st.text() | st.from_regex(r"lge_live_[a-z0-9]{8}_[A-Za-z0-9_-]{43}[0-9A-Za-z]{6}"))
def test_what_is_no_key_is_not_parsed(text: str) -> None:
    presented = api_keys.parse(text)

    assert presented is None or text.endswith(api_keys.checksum(text[:-6]))


@pytest.mark.parametrize("text", ["", "lge_live_", "Bearer x", "lge_live_abcdefgh_" + "é" * 49])
def test_nonsense_is_not_parsed(text: str) -> None:
    assert api_keys.parse(text) is None


async def test_use_is_remembered_once_a_minute(database: Database) -> None:
    async with database.transaction() as db:
        key, text = await create(db)
        used: list[datetime | None] = []
        for seconds in (0, 30, 59, 60, 100):
            now = NOW + timedelta(seconds=seconds)
            found = await api_keys.verify(db, text, now=now)
            assert found is not None
            await api_keys.touch(db, found, now=now)
            await api_keys.touch(db, key, now=now)  # knows only that it was never used
            used.append((await api_keys.list_keys(db))[0].last_used_at)

    assert used == [NOW] * 3 + [NOW + timedelta(seconds=60)] * 2
