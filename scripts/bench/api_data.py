"""A million plausible leads, their personal data really sealed, in about a minute.

Names and companies are as uneven as real ones: some words are in a tenth of all rows, most in a
few. Indexes are dropped meanwhile and made again; every row has been in all of them since.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any

import asyncpg

from storage.database import Database, driver
from storage.ids import new_ids
from storage.sealing import Sealer

BATCH = 10_000
START = datetime(2025, 1, 1, tzinfo=UTC)
SPAN = timedelta(days=690)
SYLLABLES = (
    *("al", "ber", "cor", "dan", "el", "fi", "gar", "ho", "in", "jo", "ka", "lor"),
    *("min", "no", "or", "pe", "ra", "sto", "tur", "vik", "wen", "zar"),
)
KINDS = ("Systems", "Consulting", "Labs", "Industries", "Group", "Partners", "Logistics", "Foods")
TITLES = ("Head of Sales", "CEO", "Engineer", "VP Marketing", "Buyer", "Office Manager", "Analyst")
STATUSES = ("scored", "new", "enriched", "qualified", "disqualified", "converted")
SOURCES = ("import", "web form", "API", "fair", "partner")
INDUSTRIES = ("software", "retail", "finance", "education", "health", "energy", "food", "media")
COUNTRIES = ("US", "DE", "GB", "FR", "IN", "ES", "IT", "NL", "PL", "SE", "BR", "JP", "AU", "CH")
TIERS = ("hot", "warm", "cold")
COLUMNS = (
    *("id", "source", "external_id", "status", "first_name", "last_name", "email", "phone"),
    *("notes", "email_key", "phone_key", "search_tokens", "company", "domain", "title"),
    *("industry", "country", "attributes", "outcome", "score", "confidence", "tier", "tags"),
    *("scored_at", "created_at", "updated_at"),
)
PERSONAL = ("first_name", "last_name", "email", "phone")


@dataclass(frozen=True)
class Words:
    """What to look for, the most frequent first."""

    first: Sequence[str]
    last: Sequence[str]
    companies: Sequence[str]


def words() -> Words:
    """Made-up names: 300 first names, 8,000 last names, 40,000 companies."""
    chance = random.Random(7)  # noqa: S311 (made-up data)
    return Words(
        _names(chance, 300, 2),
        _names(chance, 8_000, 3),
        [n + "co" for n in _names(chance, 40_000, 4)],
    )


async def fill(database: Database, sealer: Sealer, size: int) -> None:
    """Fill the empty table of leads."""
    async with database.transaction() as db:
        connection = await driver(db)
        indexes = await connection.fetch(_INDEXES)
        for index in indexes:
            await connection.execute(f"DROP INDEX {index['indexname']}")
        for batch in _batches(sealer, size):
            await connection.copy_records_to_table("leads", records=batch, columns=COLUMNS)
        await connection.execute("SET LOCAL statement_timeout = 0")
        for index in indexes:
            await connection.execute(index["indexdef"], timeout=600)
    raw = await asyncpg.connect(database.url.replace("+asyncpg", ""))
    await raw.execute("VACUUM ANALYZE leads", timeout=600)
    await raw.close()


def _batches(sealer: Sealer, size: int) -> Iterator[list[tuple[Any, ...]]]:
    chance, known = random.Random(11), words()  # noqa: S311 (made-up data)
    for start in range(0, size, BATCH):
        yield _batch(sealer, chance, known, range(start, min(start + BATCH, size)), size)


def _batch(
    sealer: Sealer, chance: random.Random, known: Words, numbers: range, size: int
) -> list[tuple[Any, ...]]:
    at, count = START + SPAN * (numbers.start / size), len(numbers)
    ids = new_ids(at, count)
    first = _uneven(chance, known.first, count)
    last = _uneven(chance, known.last, count)
    company = _uneven(chance, known.companies, count)
    emails = [
        f"{f}.{s}{n}@{c}.com".lower()
        for f, s, n, c in zip(first, last, numbers, company, strict=True)
    ]
    phones = [f"+4930{number:08d}" for number in numbers]
    texts = zip(PERSONAL, (first, last, emails, phones), strict=True)
    sealed = [sealer.seal_many(f"leads.{name}", ids, column) for name, column in texts]
    blind = sealer.blind_many("email", emails), sealer.blind_many("phone", phones)
    kinds, statuses = _uneven(chance, KINDS, count), _uneven(chance, STATUSES, count)
    sources, titles = _uneven(chance, SOURCES, count), _uneven(chance, TITLES, count)
    industries, countries = _uneven(chance, INDUSTRIES, count), _uneven(chance, COUNTRIES, count)
    firms = [f"{name} {kind}" for name, kind in zip(company, kinds, strict=True)]
    tokens = list(map(sealer.search_tokens, first, last, firms, titles))
    return [
        (
            *(ids[n], sources[n], str(numbers[n]), statuses[n]),
            *(column[n] for column in sealed),
            None,
            *(blind[0][n], blind[1][n], tokens[n]),
            *(firms[n], f"{company[n].lower()}.com", titles[n]),
            *(industries[n], countries[n]),
            f'{{"visits": {n % 30}, "channel": "{sources[n]}"}}',
            chance.choice((None, True, False)),
            *_score(chance, at),
            *(at, at),
        )
        for n in range(count)
    ]


def _score(chance: random.Random, at: datetime) -> tuple[Any, ...]:
    if chance.random() < 0.1:
        return (None, None, None, [], None)
    score = min(100, int(chance.betavariate(2, 4) * 101))
    tags = [tag for tag, share in (("pricing", 0.2), ("urgent", 0.001)) if chance.random() < share]
    return (score, 0.8, TIERS[0 if score > 70 else 1 if score > 40 else 2], tags, at)


def _uneven(chance: random.Random, values: Sequence[str], count: int) -> list[str]:
    """Draw so that the nth value is drawn in proportion to 1/n."""
    weights = list(accumulate(1 / n for n in range(1, len(values) + 1)))
    return chance.choices(values, cum_weights=weights, k=count)


def _names(chance: random.Random, count: int, syllables: int) -> list[str]:
    names: dict[str, None] = {}
    while len(names) < count:
        names["".join(chance.choices(SYLLABLES, k=syllables)).capitalize()] = None
    return list(names)


_INDEXES = """
SELECT indexname, indexdef FROM pg_indexes
WHERE tablename = 'leads' AND indexname <> 'leads_pkey'
"""
