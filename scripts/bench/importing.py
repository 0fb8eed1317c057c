"""How fast a file of people becomes leads, beside COPY of the very same rows.

The product's own path: the prospector opens the sealed parts, reads the rows, seals, blinds and
tokenises the people, merges by their keys, writes the timeline, and posts a message for each lead.
The baseline copies the rows that came of it, sealed already, into the same table with the same
indexes. Memory is what the process takes on top while it reads a file ten or a hundred times
as long.
"""

import asyncio
import os
import random
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from io import BytesIO
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter
from uuid import UUID

import asyncpg
from sqlalchemy import make_url

from agents.messages import ImportLeads, encode
from agents.prospector import Prospector
from agents.runtime import Worker
from cluster import memory
from policies.csv_layout import HEAD_BYTES
from policies.import_plan import ImportOptions, plan_file
from scripts.bench.figures import Figure
from storage import imports, mailbox
from storage.database import Database
from storage.imports import ImportStatus
from storage.mailbox import Letter, Mailbox
from storage.migrations import upgrade
from storage.sealing import Sealer

DATABASE = "leadengine_bench_import"
ROWS = (10_000, 100_000)
MILLION = 1_000_000
PART = 2**20
LEAST_OF_COPY = 0.25
MOST_GROWTH_MB = 48.0
HEADER = (
    "First Name,Last Name,Email,Phone,Company,Title,Industry,Country,Lead Source,Visits,"
    "Minutes,City,Product,Campaign\n"
)
_FIRST = ("Anna", "Ben", "Chloé", "David", "Elif", "Felix", "Grace", "Hugo", "Inés", "Jörg")
_LAST = (
    "Müller",
    "Smith",
    "García",
    "Rossi",
    "Kowalski",
    "Nguyen",
    "Haddad",
    "Okafor",
    "Lindqvist",
)
_TITLES = (
    "CEO",
    "Head of Sales",
    "Marketing Manager",
    "Einkäuferin",
    "Software Engineer",
    "VP Finance",
)
_INDUSTRIES = ("Computer Software", "Maschinenbau", "Banking", "Retail", "Hospital & Health Care")
_COUNTRIES = (
    ("Germany", "+4930", 1000000),
    ("USA", "+1415555", 1000),
    ("France", "+3312", 1000000),
)
_SOURCES = ("Web", "Event", "Referral", "Google", "Cold call")


def run(url: str, *, quick: bool = False, million: bool = False) -> list[Figure]:
    """Measure on the server at ``url``, in a database of its own.

    Args:
        million: whether a file of a million rows is read too (some minutes).
    """
    counts = (ROWS[0] // 5, ROWS[0]) if quick else (*ROWS, *((MILLION,) if million else ()))
    return asyncio.run(_run(url, counts))


async def _run(url: str, counts: tuple[int, ...]) -> list[Figure]:
    """Measure each count; the baseline runs elsewhere, so that its rows are not our memory."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as elsewhere:
        return await _measured(url, counts, elsewhere)


def _copied_elsewhere(url: str) -> float:
    return asyncio.run(_copied(url))


async def _measured(
    url: str, counts: tuple[int, ...], elsewhere: ProcessPoolExecutor
) -> list[Figure]:
    figures: list[Figure] = []
    peaks: list[float] = []
    await _imported(await _fresh(url), 2 * counts[0])  # modules loaded, caches full
    memory.settle()  # as every actor does
    for count in counts:
        bench = await _fresh(url)
        seconds, peak = await _imported(bench, count)
        peaks.append(peak)
        copied = await asyncio.get_running_loop().run_in_executor(
            elsewhere, _copied_elsewhere, bench
        )
        name = f"import of {count:,} rows, encrypted"
        rate, baseline = count / seconds, count / copied
        figures.append(Figure(name, rate, "rows/s", baseline, "raw COPY", LEAST_OF_COPY))
    growth = max(peaks[1:]) - peaks[0]
    name = f"memory for {counts[-1]:,} rows more than for {counts[0]:,}"
    figures.append(Figure(name, growth, "MB", target=MOST_GROWTH_MB, at_most=True))
    return figures


async def _imported(url: str, count: int) -> tuple[float, float]:
    """Import ``count`` people; return seconds and the most memory seen (MB)."""
    database = Database(url)
    sealer = Sealer({1: os.urandom(32)}, 1, os.urandom(32))
    import_id = await _uploaded(database, sealer, count)
    worker = Worker(
        Prospector(sealer),
        database,
        Mailbox(url, Prospector.role, "bench"),
        clock=lambda: datetime.now(UTC),
        chance=random.random,
    )
    await worker.mailbox.open(datetime.now(UTC))
    peak, begun = _memory(), perf_counter()
    while await worker.step():
        peak = max(peak, _memory())
    seconds = perf_counter() - begun
    await worker.mailbox.close()
    async with database.transaction() as db:
        done = await imports.get(db, import_id)
    await database.close()
    if (done.status, done.created) != (ImportStatus.DONE, count):
        raise RuntimeError(f"only {done.created} of {count} rows were imported: {done.problem}")
    return seconds, peak


async def _uploaded(database: Database, sealer: Sealer, count: int) -> UUID:
    """Keep a file part by part, never the whole of it at once."""
    now, size = datetime.now(UTC), 0
    head = next(_parts(count))[:HEAD_BYTES]
    plan = plan_file(head, whole=False, options=ImportOptions("people.csv", source="bench"))
    async with database.transaction() as db:
        made = await imports.create(
            db,
            filename=plan.filename,
            source=plan.source,
            plan=plan.model_dump(mode="json"),
            correlation_id=None,
            now=now,
        )
        for number, part in enumerate(_parts(count)):
            await imports.add_part(db, sealer, made.id, number, part)
            size += len(part)
        await imports.close_receiving(db, made.id, bytes_total=size, now=now)
        message = ImportLeads(made.id)
        await mailbox.post(db, [Letter(Prospector.role, message.kind, encode(message))])
    return made.id


def _parts(count: int) -> Iterator[bytes]:
    chance, buffer = random.Random(7), [HEADER]  # noqa: S311 - figures, not keys
    held = 0
    for number in range(count):
        line = _person(number, chance)
        buffer.append(line)
        held += len(line)
        if held >= PART:
            yield "".join(buffer).encode()
            buffer, held = [], 0
    yield "".join(buffer).encode()


def _person(number: int, chance: random.Random) -> str:
    first, last = chance.choice(_FIRST), f"{chance.choice(_LAST)}{number % 997:x}"
    country, prefix, span = chance.choice(_COUNTRIES)
    phone = f"{prefix}{span + number % (9 * span)}"
    firm = number % 5000
    return (
        f'{first},{last},{first[0]}.{last}.{number}@firm{firm}.com,{phone},"Firm {firm}, Inc.",'
        f"{chance.choice(_TITLES)},{chance.choice(_INDUSTRIES)},{country},"
        f"{chance.choice(_SOURCES)},{chance.randrange(20)},{chance.random() * 100:.2f},"
        f"City {number % 300},P{number % 9},C{number % 40}\n"
    )


async def _copied(url: str) -> float:
    """Copy the rows that are there out, and into the emptied table again; return seconds."""
    connection = await asyncpg.connect(_dsn(url))
    try:
        rows = BytesIO()
        await connection.copy_from_table("leads", output=rows, format="binary")
        await connection.execute("TRUNCATE leads CASCADE")
        rows.seek(0)
        begun = perf_counter()
        await connection.copy_to_table("leads", source=rows, format="binary")
        return perf_counter() - begun
    finally:
        await connection.close()


async def _fresh(url: str) -> str:
    connection = await asyncpg.connect(_dsn(url))
    try:
        await connection.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        await connection.execute(f"CREATE DATABASE {DATABASE}")
    finally:
        await connection.close()
    fresh = make_url(url).set(database=DATABASE).render_as_string(hide_password=False)
    await asyncio.to_thread(upgrade, fresh)
    return fresh


def _dsn(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def _memory() -> float:
    """What the process holds now, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
