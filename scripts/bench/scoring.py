"""How many leads GPT-4 scores: against what latency and limits allow.

Real Ray actors, a real PostgreSQL and the sandbox's OpenAI over HTTP. With one second of latency
and n calls under way at most, no scorer can do better than n a second; under a limit of requests
a minute, none better than the limit. Leads are scored in the order in which they wait, so the rate
is counted from the results, between a moment when all actors work and one before the work ends.
"""

import asyncio
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from pydantic import SecretStr
from sqlalchemy import text

from agents.messages import LeadEnriched, encode
from cluster import ray_environment, roles
from cluster.first_run import prepare_storage
from cluster.postgres import EmbeddedPostgres
from cluster.settings import Settings
from policies.lead import LeadDraft
from scripts.bench.figures import Figure
from scripts.sandbox.process import KEY, SandboxProcess
from scripts.sandbox.settings import Conditions
from scripts.sandbox.settings import Settings as SandboxSettings
from storage import leads, mailbox
from storage.database import Database
from storage.mailbox import Letter
from storage.migrations import upgrade

LATENCY = 1.0
CALLS = 16
LIMIT = 600
PLENTY = 10_000_000
SETTLING = 4.0
DATABASE = "bench_scoring"
BATCH = 500
EMPTY = (
    "TRUNCATE leads, companies, messages, delayed_messages, scoring_results, judgements, "
    "activities, decisions, ledger_entries, ledger_accounts, vendor_states CASCADE"
)


def run(*, quick: bool = False) -> list[Figure]:
    """Measure 1, 2 and 4 scorer actors, then two under a limit of requests a minute."""
    seconds = 8.0 if quick else 20.0
    with _stage() as stage:
        figures = [_free(stage, actors, seconds) for actors in (1, 2, 4)]
        return figures + _limited(stage, max(seconds, 15.0))


@dataclass(frozen=True, slots=True)
class _Stage:
    settings: Settings
    sandbox: SandboxProcess

    def database(self) -> Database:
        return roles.open_database(self.settings, "bench", 2)


@contextmanager
def _stage() -> Generator[_Stage]:
    """A database, a sandbox and a Ray of our own."""
    with tempfile.TemporaryDirectory(prefix="le-bench-") as folder:
        postgres = EmbeddedPostgres(Path(folder) / "postgres")
        postgres.start()
        sandbox = SandboxProcess(SandboxSettings(conditions=Conditions(latency=LATENCY)))
        sandbox.start()
        try:
            yield _Stage(_prepared(postgres, sandbox, Path(folder)), sandbox)
        finally:
            _end_ray()
            sandbox.stop()
            postgres.stop("immediate")


def _prepared(postgres: EmbeddedPostgres, sandbox: SandboxProcess, folder: Path) -> Settings:
    postgres.ensure_database(DATABASE)
    upgrade(postgres.url(DATABASE))
    settings = Settings(
        data_dir=folder,
        log_dir=folder / "logs",
        database_url=postgres.url(DATABASE),
        openai_api_key=SecretStr(KEY),
        openai_base_url=sandbox.openai_url,
        openai_requests_per_minute=PLENTY,
        openai_tokens_per_minute=PLENTY * 1000,
        llm_usd_per_day=1e6,
        llm_tokens_per_day=10**12,
        scorer_calls=CALLS,
    )
    asyncio.run(_fill(settings))
    ray_environment.begin()
    return settings


async def _fill(settings: Settings) -> None:
    async with roles.opened(settings, "bench", 2) as kit:
        await prepare_storage(kit, roles.table(settings), datetime.now(UTC))


def _end_ray() -> None:
    import ray

    ray.shutdown()


def _free(stage: _Stage, actors: int, seconds: float) -> Figure:
    """Leads a second when only latency and concurrency bound them."""
    stage.sandbox.set(latency=LATENCY, rpm=PLENTY, tpm=PLENTY * 1000)
    most = actors * CALLS / LATENCY
    rate = _rate(stage, actors, seconds, leads_wanted=int(most * (seconds + 3 * SETTLING)))
    return Figure(
        f"{actors} scorer actor{'s' if actors > 1 else ''}, {CALLS} calls each",
        rate,
        "leads/s",
        baseline=most,
        against="calls under way / latency",
        target=0.9,
    )


def _limited(stage: _Stage, seconds: float) -> list[Figure]:
    """Leads a second under a limit of requests, and the share of calls turned away."""
    stage.sandbox.reset()
    stage.sandbox.set(latency=LATENCY, rpm=LIMIT, tpm=PLENTY * 1000, burst=1.0)
    limited = replace(
        stage, settings=stage.settings.model_copy(update={"openai_requests_per_minute": LIMIT})
    )
    wanted = int(LIMIT / 60 * (seconds + 3 * SETTLING))
    rate = _rate(limited, 2, seconds, leads_wanted=wanted)
    book = stage.sandbox.book(each=False)
    asked = book["calls"] + book["throttled"]
    return [
        Figure(
            f"2 scorer actors under {LIMIT} requests/min",
            rate * 60,
            "calls/min",
            baseline=float(LIMIT),
            against="the limit",
            target=0.95,
        ),
        Figure(
            "calls answered 429 under the limit",
            100 * book["throttled"] / max(asked, 1),
            "%",
            target=1.0,
            at_most=True,
        ),
    ]


def _rate(stage: _Stage, actors: int, seconds: float, *, leads_wanted: int) -> float:
    """Results a second between two moments at which everybody works."""
    asyncio.run(_post(stage, leads_wanted))
    role = roles.table(stage.settings)["scorer"]
    overrides = stage.settings.model_dump(exclude_none=True)
    names = _start(role, actors, overrides)
    try:
        return asyncio.run(_counted(stage, seconds))
    finally:
        _stop(names)


def _start(role: roles.Role, actors: int, overrides: dict[str, Any]) -> list[str]:
    from cluster import actors as hosts
    from cluster.worker_names import actor_name

    for number in range(actors):
        hosts.start(role, number, "bench", overrides)
    return [actor_name(role.name, number) for number in range(actors)]


def _stop(names: list[str]) -> None:
    import ray

    from cluster import actors as hosts

    for name in names:
        ray.kill(cast("Any", hosts.get(name)))


async def _post(stage: _Stage, wanted: int) -> None:
    """Empty the tables and let ``wanted`` distinct leads wait for the scorer."""
    async with roles.opened(stage.settings, "bench", 2) as kit:
        async with kit.database.transaction() as db:
            await db.execute(text(EMPTY))
        for start in range(0, wanted, BATCH):
            drafts = [_draft(n) for n in range(start, min(wanted, start + BATCH))]
            now = datetime.now(UTC)
            async with kit.database.transaction() as db:
                kept = await leads.keep(db, kit.sealer, drafts, now=now)
                messages = [LeadEnriched(one.id) for one in kept]
                await mailbox.post(db, [Letter("scorer", m.kind, encode(m)) for m in messages])


def _draft(number: int) -> LeadDraft:
    return LeadDraft(
        source="bench",
        external_id=str(number),
        company=f"Company {number}",
        title="Head of Operations",
        industry="software",
        country="DE",
        attributes={"visits": str(number % 17), "note": f"asked for offer {number}"},
    )


async def _counted(stage: _Stage, seconds: float) -> float:
    database = stage.database()
    try:
        await _until_some(database)
        await asyncio.sleep(SETTLING)
        before, began = await _results(database), time.perf_counter()
        await asyncio.sleep(seconds)
        after, ended = await _results(database), time.perf_counter()
        return (after - before) / (ended - began)
    finally:
        await database.close()


async def _until_some(database: Database) -> None:
    for _ in range(300):
        if await _results(database):
            return
        await asyncio.sleep(0.2)
    raise TimeoutError("no scorer scored a lead within a minute")


async def _results(database: Database) -> int:
    async with database.transaction() as db:
        return int((await db.execute(text("SELECT count(*) FROM scoring_results"))).scalar_one())


if __name__ == "__main__":
    for figure in run(quick=True):
        print(figure.as_json())
