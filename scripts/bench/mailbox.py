"""What the mailbox carries, beside the limits of PostgreSQL and beside two other queues.

Post, claim, handle (one row a message) and finish, through the product's own ``Worker`` and
``Turn``: what a turn writes and that its messages are done commit together; the rows of a turn go
in one statement, as our agents write them, while the rivals know one message at a time. Every
contestant is one process with equally many connections, on the same event loop, in the same run on
the same server, with fsync. *Raw* is the same rows in a table of the same shape, a hundred a
transaction: what PostgreSQL itself needs to insert and to delete them.
"""

import asyncio
import json
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from statistics import median
from time import perf_counter
from typing import ClassVar
from uuid import UUID

import asyncpg
import uvloop
from sqlalchemy import make_url

from agents.agent import Done, Outcome, Turn
from agents.messages import LeadFound, Message, encode
from agents.runtime import Worker, WorkerOptions
from scripts.bench import rivals
from scripts.bench.figures import Figure
from scripts.bench.rivals import CONNECTIONS, Count
from storage import mailbox
from storage.database import Database, PoolOptions, count, driver
from storage.mailbox import Letter, Mailbox
from storage.migrations import upgrade

DATABASE = "leadengine_bench"
ROLE = "bench"
KIND = "lead.found"
BODY = encode(LeadFound(UUID(int=1)))
TARGETS = {1: 1.0, 10: 2.5, 100: 4.0}
SHARES = {1: 20, 10: 5, 100: 2}
POST_TARGET, CONSUME_TARGET, FLAT = 0.5, 0.2, 1.25
AT_ONCE = 100
CLAIMED = 400
"""Messages that a busy worker takes at once, as the enricher's does: four turns."""
FEW, MANY = 1000, 1_000_000
CHURNED = 50_000
CLAIMS = 15


def run(url: str, *, messages: int = 20_000, quick: bool = False) -> list[Figure]:
    """Measure everything on the server at ``url``, in a database of its own.

    Args:
        messages: a round; half of them at batches of 100, fewer at smaller ones.
    """
    bench = uvloop.run(_fresh_database(url))
    upgrade(bench)
    rounds, waiting = (1, MANY // 10) if quick else (3, MANY)
    return uvloop.run(_run(bench, messages // (4 if quick else 1), rounds, waiting))


@dataclass(slots=True)
class _Rates:
    """What was measured, by name, in every round."""

    rounds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def figure(self, name: str, measured: str, against: str, target: float) -> Figure:
        value, baseline = median(self.rounds[measured]), median(self.rounds[against])
        return Figure(name, value, "messages/s", baseline, against, target)


EFFECTS = "INSERT INTO bench_effects SELECT unnest($1::bigint[])"


class Effects:
    """An agent that writes one row a message, and takes all that its worker claims in one turn."""

    role: ClassVar[str] = ROLE
    batches: ClassVar[Mapping[str, int]] = {KIND: max(TARGETS)}

    def __init__(self, handled: Count) -> None:
        self._handled = handled

    async def handle(self, messages: Sequence[Message], turn: Turn) -> Outcome:
        """Write one row for each message, all of a turn at once as our agents do, and finish."""
        rows = [envelope.id for envelope in turn.envelopes]
        async with turn.commit() as db:
            await (await driver(db)).execute(EFFECTS, rows)
        self._handled.add(len(messages))
        return Done()


async def _run(url: str, messages: int, rounds: int, waiting: int) -> list[Figure]:
    rates = _Rates()
    connection = await asyncpg.connect(_dsn(url))
    await connection.execute("CREATE TABLE bench_effects (id bigint)")
    await connection.execute("CREATE TABLE bench_raw (LIKE messages INCLUDING ALL)")
    for _ in range(rounds):
        await _round(url, connection, rates, messages)
    figures = [
        rates.figure("posting, 100 a transaction", "post", "raw insert", POST_TARGET),
        rates.figure("handling, turns of 100", "own", "raw delete", CONSUME_TARGET),
    ]
    for batch, target in TARGETS.items():
        for rival in ("pgqueuer", "procrastinate"):
            against = f"{rival} {batch}"
            name = f"handling, batches of {batch}"
            figures.append(rates.figure(name, f"own {batch}", against, target))
    figures += await _claims(url, connection, waiting)
    await connection.close()
    return figures


async def _round(url: str, connection: asyncpg.Connection, rates: _Rates, messages: int) -> None:
    dsn, seen = _dsn(url), rates.rounds
    await connection.execute("TRUNCATE messages, bench_raw, bench_effects; CHECKPOINT")
    seen["raw insert"].append(await _raw_insert(connection, messages))
    seen["post"].append(await _post(url, messages))
    await connection.execute("TRUNCATE messages")
    seen["raw delete"].append(await _raw_delete(connection))
    seen["own"].append(await _consume(url, messages, AT_ONCE, claim=CLAIMED))
    for batch, share in SHARES.items():
        seen[f"own {batch}"].append(await _consume(url, messages // share, batch))
        seen[f"pgqueuer {batch}"].append(await rivals.in_pgqueuer(dsn, messages // share, batch))
        seen[f"procrastinate {batch}"].append(
            await rivals.in_procrastinate(dsn, messages // share, batch)
        )


async def _post(url: str, messages: int) -> float:
    database = Database(url, options=PoolOptions(size=1))
    letters = [Letter(ROLE, KIND, BODY)] * AT_ONCE
    begun = perf_counter()
    for start in range(0, messages, AT_ONCE):
        async with database.transaction() as db:
            await mailbox.post(db, letters[: messages - start])
    rate = messages / (perf_counter() - begun)
    await database.close()
    return rate


async def _consume(url: str, messages: int, batch: int, *, claim: int | None = None) -> float:
    await _post(url, messages)
    database = Database(url, options=PoolOptions(size=CONNECTIONS - 1))
    await _connect_all(database)
    handled = Count(messages)
    worker = Worker(
        Effects(handled),
        database,
        Mailbox(url, ROLE, "bench-1"),
        clock=lambda: datetime.now(UTC),
        chance=random.random,
        options=WorkerOptions(claim=claim or batch),
    )
    begun = perf_counter()
    running = asyncio.create_task(worker.run())
    await handled.everything()
    worker.stop()
    await running
    await database.close()
    return messages / (handled.last - begun)


async def _connect_all(database: Database) -> None:
    """Open every connection of the pool before the time is taken, as the others do."""
    async with AsyncExitStack() as stack:
        for _ in range(database.options.size):
            await stack.enter_async_context(database.transaction())


async def _raw_insert(connection: asyncpg.Connection, messages: int) -> float:
    bodies = [json.dumps(BODY)] * AT_ONCE
    begun = perf_counter()
    for _ in range(messages // AT_ONCE):
        await connection.execute(
            "INSERT INTO bench_raw (recipient, lane, id, kind, body, created_at) "
            "SELECT $1, 1, 1, $2, b::jsonb, now() FROM unnest($3::text[]) b",
            ROLE,
            KIND,
            bodies,
        )
    return messages / (perf_counter() - begun)


async def _raw_delete(connection: asyncpg.Connection) -> float:
    rows = await connection.fetch("SELECT seq FROM bench_raw ORDER BY seq")
    seqs = [row["seq"] for row in rows]
    begun = perf_counter()
    for start in range(0, len(seqs), AT_ONCE):
        await connection.execute(
            "DELETE FROM bench_raw WHERE recipient = $1 AND lane = 1 AND seq = ANY ($2::bigint[])",
            ROLE,
            seqs[start : start + AT_ONCE],
        )
    return len(seqs) / (perf_counter() - begun)


async def _claims(url: str, connection: asyncpg.Connection, waiting: int) -> list[Figure]:
    """Buffers that a claim of ten touches: with few waiting, with many, with a snapshot held."""
    await connection.execute("TRUNCATE messages")
    await _fill(connection, FEW)
    few = await _buffers(connection)
    await _fill(connection, waiting)
    many = await _buffers(connection)
    reader = await asyncpg.connect(_dsn(url))
    async with reader.transaction(isolation="repeatable_read"):
        await reader.fetchval("SELECT count(*) FROM agents")
        floor = await count(connection, _CHURN, ROLE, CHURNED)
        held = await _buffers(connection, floor)
    await reader.close()
    against = f"{FEW:,} waiting"
    return [
        Figure(f"a claim, {waiting:,} waiting", many, "buffers", few, against, FLAT, at_most=True),
        Figure("a claim, old snapshot held", held, "buffers", few, against, FLAT, at_most=True),
    ]


async def _fill(connection: asyncpg.Connection, messages: int) -> None:
    await connection.execute(
        "INSERT INTO messages (recipient, lane, id, kind, body) "
        "SELECT $1, 1, n, $2, $3::jsonb FROM generate_series(1, $4::int) n",
        ROLE,
        KIND,
        json.dumps(BODY),
        messages,
        timeout=300,
    )


async def _buffers(connection: asyncpg.Connection, floor: int = 0) -> float:
    """The median over ``CLAIMS`` claims by a worker that has claimed up to ``floor``."""
    touched: list[int] = []
    for _ in range(CLAIMS):
        plan: str | None = await connection.fetchval(_EXPLAIN, ROLE, [floor] * 3)
        top = json.loads(plan or "")[0]["Plan"]
        touched.append(top["Shared Hit Blocks"] + top["Shared Read Blocks"])
    return median(touched)


async def _fresh_database(url: str) -> str:
    connection = await asyncpg.connect(_dsn(url))
    try:
        await connection.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        await connection.execute(f"CREATE DATABASE {DATABASE}")
    finally:
        await connection.close()
    return make_url(url).set(database=DATABASE).render_as_string(hide_password=False)


def _dsn(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


_CHURN = """
WITH gone AS (
  DELETE FROM messages WHERE seq IN (
    SELECT seq FROM messages WHERE recipient = $1 AND lane = 1 ORDER BY seq LIMIT $2)
  RETURNING seq)
SELECT max(seq) FROM gone
"""
_EXPLAIN = """
EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON)
SELECT * FROM mailbox_claim($1, 1, 10, '1 minute', $2::bigint[], NULL)
"""
