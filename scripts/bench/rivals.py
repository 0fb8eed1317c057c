"""The same work in two other queues on PostgreSQL, as their manuals say it is done.

Each gets one process, handler connections of its own, and a handler that writes one row. Neither
finishes a message in the transaction of its handler's writes, so both may do a job twice.

The two come with ``requirements-bench.lock``; where they are not installed, nothing is known of
their types.

Sources:
    pgqueuer 1.6, docs "Benchmark" and "Drivers"; procrastinate 3.10, "How to: workers" (2026-11).
"""

# pyright: basic, reportMissingImports=false

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import asyncpg
import procrastinate
from pgqueuer import Job, PgQueuer
from pgqueuer.queries import Queries
from procrastinate.types import JSONDict

CONNECTIONS = 6
EFFECT = "INSERT INTO bench_effects (id) VALUES ($1)"
EFFECT_PSYCOPG = "INSERT INTO bench_effects (id) VALUES (%(id)s)"
AT_ONCE = 1000


@dataclass(slots=True)
class Count:
    """Counts what is handled, and when the last of it was.

    Attributes:
        wanted: how many there are to handle.
    """

    wanted: int
    done: int = 0
    last: float = 0.0
    _all: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, handled: int = 1) -> None:
        """Note that so many more are handled."""
        self.done += handled
        self.last = perf_counter()
        if self.done >= self.wanted:
            self._all.set()

    async def everything(self) -> None:
        """Wait until all are handled; two minutes at most."""
        async with asyncio.timeout(120):
            await self._all.wait()


async def in_pgqueuer(dsn: str, messages: int, batch: int) -> float:
    """Return how many messages a second pgqueuer handles, dequeuing ``batch`` at once."""
    logging.getLogger("pgqueuer").setLevel(logging.ERROR)
    count = Count(messages)
    async with asyncpg.create_pool(dsn, min_size=CONNECTIONS, max_size=CONNECTIONS) as pool:
        queries = Queries.from_asyncpg_pool(pool)
        with suppress(asyncpg.PostgresError):
            await queries.uninstall()
        await queries.install()
        for start in range(0, messages, AT_ONCE):
            payloads = [b"%d" % n for n in range(start, min(messages, start + AT_ONCE))]
            names = ["effect"] * len(payloads)
            await queries.enqueue(names, [*payloads], [0] * len(payloads))
        await pool.execute("ANALYZE")
        queuer = PgQueuer.from_asyncpg_pool(pool)

        @queuer.entrypoint("effect")
        async def effect(job: Job) -> None:
            await pool.execute(EFFECT, int(job.payload or b"0"))
            count.add()

        begun = perf_counter()
        run = asyncio.create_task(queuer.run(batch_size=batch))
        await count.everything()
        queuer.shutdown.set()
        await run
    return messages / (count.last - begun)


async def in_procrastinate(dsn: str, messages: int, batch: int) -> float:
    """Return how many messages a second procrastinate handles, ``batch`` jobs at once."""
    logging.getLogger("procrastinate").setLevel(logging.ERROR)
    count = Count(messages)
    connector = procrastinate.PsycopgConnector(
        conninfo=dsn, min_size=CONNECTIONS, max_size=CONNECTIONS
    )
    app = procrastinate.App(connector=connector)
    async with app.open_async():
        await _fresh_schema(app, dsn)

        @app.task(name="effect")
        async def effect(id: int) -> None:
            await connector.execute_query_async(EFFECT_PSYCOPG, id=id)
            count.add()

        for start in range(0, messages, AT_ONCE):
            numbers = range(start, min(messages, start + AT_ONCE))
            jobs: list[JSONDict] = [{"id": n} for n in numbers]
            await effect.batch_defer_async(*jobs)
        await connector.execute_query_async("ANALYZE procrastinate_jobs")
        begun = perf_counter()
        worker = asyncio.create_task(
            app.run_worker_async(concurrency=batch, install_signal_handlers=False)
        )
        await count.everything()
        worker.cancel()
        with suppress(asyncio.CancelledError):
            await worker
    return messages / (count.last - begun)


async def _fresh_schema(app: Any, dsn: str) -> None:  # noqa: ANN401 - the library is optional
    connection = await asyncpg.connect(dsn)
    try:
        exists = await connection.fetchval("SELECT to_regclass('procrastinate_jobs') IS NOT NULL")
        if exists:
            await connection.execute(
                "TRUNCATE procrastinate_jobs, procrastinate_events, "
                "procrastinate_periodic_defers RESTART IDENTITY CASCADE"
            )
    finally:
        await connection.close()
    if not exists:
        await app.schema_manager.apply_schema_async()
