"""Lists and searches with a million leads, beside the same ones with ten thousand.

Measured through the functions that the API calls, personal data opened; HTTP adds the same to both.
Every kind of question is asked many times with other words and other places, in turn at both sizes,
so that whatever else the machine does meets both alike.
"""

import asyncio
import json
import random
import secrets
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from statistics import median, quantiles
from time import perf_counter

import asyncpg
from sqlalchemy import make_url

from policies.lead import LeadStatus
from scripts.bench.api_data import COUNTRIES, INDUSTRIES, KINDS, Words, fill, words
from scripts.bench.figures import Figure
from storage import lead_search
from storage.database import Database, PoolOptions
from storage.lead_bounds import Bounds
from storage.lead_search import Cursor, LeadFilter, Sort
from storage.migrations import upgrade
from storage.sealing import Sealer

ASKED = 60
WARM = 10
DEEP = 20
TARGET = 2.0
SLOWEST = 19
"""Place of the 95th percentile among twentieths."""


@dataclass(frozen=True)
class Question:
    """One thing to ask: a page of leads."""

    wanted: LeadFilter
    sort: Sort = Sort.NEWEST
    deep: bool = False


Ask = Callable[[random.Random, Words], Question]


def run(
    url: str, *, small: int = 10_000, large: int = 1_000_000, quick: bool = False
) -> list[Figure]:
    """Fill two databases on the server at ``url``, measure, and drop them.

    Args:
        quick: whether a tenth of the leads will do.

    Returns:
        The 95th percentile of lists, of searches, and of each kind of them, in milliseconds with
        ``large`` leads, beside the same with ``small`` ones.
    """
    large = large // 10 if quick else large
    names = {size: f"leadengine_bench_{size}" for size in (small, large)}
    urls = {size: asyncio.run(_fresh_database(url, name)) for size, name in names.items()}
    for bench in urls.values():
        upgrade(bench)
    try:
        return asyncio.run(_run(urls, small, large))
    finally:
        for name in names.values():
            asyncio.run(_drop(url, name))


async def _run(urls: Mapping[int, str], small: int, large: int) -> list[Figure]:
    sealer = Sealer({1: secrets.token_bytes(32)}, 1, secrets.token_bytes(32))
    options = PoolOptions(size=1, statement_timeout=timedelta(minutes=10))
    databases = {size: Database(url, options=options) for size, url in urls.items()}
    for size, database in databases.items():
        await fill(database, sealer, size)
    bounds = {size: Bounds() for size in databases}
    groups = {"list": LISTS, "search": SEARCHES}
    timings = {
        group: {
            name: await _time(databases, bounds, sealer, ask) for name, ask in questions.items()
        }
        for group, questions in groups.items()
    }
    for database in databases.values():
        await database.close()
    return _figures(timings, small, large)


async def _time(
    databases: Mapping[int, Database], bounds: Mapping[int, Bounds], sealer: Sealer, ask: Ask
) -> dict[int, list[float]]:
    """Ask one kind of question at every size in turn; return milliseconds by size."""
    known, times = words(), {size: list[float]() for size in databases}
    chance = random.Random(3)  # noqa: S311 (made-up data)
    for number in range(WARM + ASKED):
        question = ask(chance, known)
        for size, database in databases.items():
            took = await _page(database, sealer, question, bounds[size])
            if number >= WARM:
                times[size].append(took)
    return times


async def _page(database: Database, sealer: Sealer, question: Question, bounds: Bounds) -> float:
    async with database.reading() as db:
        after: Cursor | None = None
        if question.deep:
            for _ in range(DEEP):
                page = await lead_search.page(
                    db, sealer, question.wanted, question.sort, after=after, limit=200
                )
                after = page.next
        start = perf_counter()
        await lead_search.page(
            db, sealer, question.wanted, question.sort, after=after, bounds=bounds
        )
        return (perf_counter() - start) * 1000


def _figures(
    timings: Mapping[str, Mapping[str, Mapping[int, list[float]]]], small: int, large: int
) -> list[Figure]:
    figures: list[Figure] = []
    for group, kinds in timings.items():
        every = {
            size: [took for times in kinds.values() for took in times[size]]
            for size in (small, large)
        }
        figures.append(_figure(f"{group}, p95", every, small, large, target=TARGET))
        figures += [_figure(f"  {name}, p95", t, small, large) for name, t in kinds.items()]
    return figures


def _figure(
    name: str,
    times: Mapping[int, list[float]],
    small: int,
    large: int,
    *,
    target: float | None = None,
) -> Figure:
    slow = {size: quantiles(times[size], n=20)[SLOWEST - 1] for size in (small, large)}
    return Figure(
        f"{name} (median {median(times[large]):.1f} ms)",
        slow[large],
        "ms",
        slow[small],
        f"{small:,} leads",
        target,
        at_most=True,
    )


def _uneven(chance: random.Random, values: tuple[str, ...] | list[str]) -> str:
    """Draw what people look for: as often as there is of it."""
    return values[min(int(len(values) ** chance.random()), len(values)) - 1]


LISTS: Mapping[str, Ask] = {
    "newest": lambda _c, _w: Question(LeadFilter()),
    "best": lambda _c, _w: Question(LeadFilter(), Sort.BEST),
    "newest, deep": lambda _c, _w: Question(LeadFilter(), deep=True),
    "best, deep": lambda _c, _w: Question(LeadFilter(), Sort.BEST, deep=True),
    "status": lambda c, _w: Question(LeadFilter(status=c.choice(list(LeadStatus)))),
    "tier, best": lambda c, _w: Question(LeadFilter(tier=c.choice(("hot", "warm"))), Sort.BEST),
    "industry and country": lambda c, _w: Question(
        LeadFilter(industry=c.choice(INDUSTRIES[:4]), country=c.choice(COUNTRIES[:4]))
    ),
    "at most a score": lambda c, _w: Question(LeadFilter(max_score=c.randint(20, 60)), Sort.BEST),
    "at least a score": lambda c, _w: Question(LeadFilter(min_score=c.randint(40, 70))),
    "rare tag": lambda _c, _w: Question(LeadFilter(tag="urgent")),
}
SEARCHES: Mapping[str, Ask] = {
    "first name": lambda c, w: Question(LeadFilter(q=_uneven(c, [*w.first]))),
    "last name": lambda c, w: Question(LeadFilter(q=_uneven(c, [*w.last]))),
    "both names": lambda c, w: Question(
        LeadFilter(q=f"{_uneven(c, [*w.first])} {_uneven(c, [*w.last])}")
    ),
    "three letters": lambda c, w: Question(LeadFilter(q=_uneven(c, [*w.last])[:3])),
    "common company word": lambda c, _w: Question(LeadFilter(q=c.choice(KINDS))),
    "company": lambda c, w: Question(LeadFilter(q=_uneven(c, [*w.companies]))),
    "company, best": lambda c, w: Question(LeadFilter(q=_uneven(c, [*w.companies])), Sort.BEST),
    "rare company": lambda c, w: Question(LeadFilter(q=c.choice(w.companies[20_000:]))),
    "nobody": lambda c, _w: Question(LeadFilter(q=f"qx{c.randrange(1000)}")),
    "e-mail": lambda c, _w: Question(LeadFilter(email=f"a{c.randrange(1000)}@b.com")),
}


async def _fresh_database(url: str, name: str) -> str:
    await _drop(url, name)
    admin = await asyncpg.connect(_plain(url))
    await admin.execute(f'CREATE DATABASE "{name}"')
    await admin.close()
    return make_url(url).set(database=name).render_as_string(hide_password=False)


async def _drop(url: str, name: str) -> None:
    admin = await asyncpg.connect(_plain(url))
    await admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    await admin.close()


def _plain(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


if __name__ == "__main__":
    print(json.dumps([figure.as_json() for figure in run(sys.argv[1])], indent=2))
