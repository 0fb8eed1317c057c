"""Which agents there are, how many workers each may have, and how each is built.

Builders import their agent when they are called: a worker then loads what it needs and no more
(the analyst alone brings SciPy and LightGBM, some 100 MB).
"""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from random import random
from typing import TYPE_CHECKING

from agents.agent import Agent
from agents.runtime import WorkerOptions
from cluster import outside
from cluster.clock import now
from cluster.settings import Settings, asyncpg_url
from cluster.shops import connected, governor, shops
from cluster.vendors import VENDORS
from storage import vault
from storage.database import Database, PoolOptions
from storage.keyring import KeyRing
from storage.sealing import Sealer

if TYPE_CHECKING:
    from agents.scorer.calls import RubricCalls

CRM_PATIENCE = timedelta(minutes=3)
"""How long one call of the CRM may take."""
SCORED_AT_ONCE = 16
"""Leads in one turn of the scorer."""


@dataclass(frozen=True, slots=True)
class Kit:
    """What an agent may be built from.

    Attributes:
        closing: told what to close when the worker ends.
    """

    settings: Settings
    database: Database
    sealer: Sealer
    closing: AsyncExitStack


@dataclass(frozen=True, slots=True)
class Role:
    """One kind of agent and its pool.

    Attributes:
        least: workers, at least.
        most: workers, at most.
        per_worker: waiting messages that justify one more worker.
        connections: database connections of one worker, beside the one it claims on.
    """

    name: str
    build: Callable[[Kit], Agent]
    least: int = 1
    most: int = 1
    per_worker: int = 200
    connections: int = 4
    options: WorkerOptions = field(default_factory=WorkerOptions)


def table(settings: Settings) -> Mapping[str, Role]:
    """Every role by its name."""
    roles = [
        Role("prospector", _prospector, options=WorkerOptions(concurrency=4, claim=8)),
        Role(
            "enricher",
            _enricher,
            most=settings.enrichers,
            per_worker=5000,
            options=WorkerOptions(concurrency=2, claim=400),
        ),
        Role(
            "scorer",
            _scorer,
            most=settings.scorers,
            per_worker=2 * settings.scorer_calls,
            options=_scorer_options(settings.scorer_calls),
        ),
        Role("analyst", _analyst, options=WorkerOptions(concurrency=1, claim=4)),
        Role(
            "supervisor",
            _supervisor,
            connections=2,
            options=WorkerOptions(concurrency=2, claim=8, poll=timedelta(seconds=2)),
        ),
    ]
    if VENDORS["salesforce"].is_ready(settings):
        roles.append(
            Role("crm_syncer", _crm_syncer, options=WorkerOptions(concurrency=2, claim=400))
        )
    return {role.name: role for role in roles}


def _scorer_options(calls: int) -> WorkerOptions:
    """As many turns as make that many calls, and one that is ready when another commits."""
    turns = max(1, -(-calls // SCORED_AT_ONCE)) + 1
    return WorkerOptions(concurrency=turns, claim=max(calls, SCORED_AT_ONCE))


@asynccontextmanager
async def opened(settings: Settings, name: str, connections: int) -> AsyncGenerator[Kit, None]:
    """Open the database and unlock the data keys for as long as the context lasts.

    Raises:
        ConnectionError: or whatever else the database raises, if it is away.
    """
    async with AsyncExitStack() as closing:
        database = open_database(settings, name, connections)
        closing.push_async_callback(database.close)
        sealer = await vault.open_sealer(database, key_ring(settings))
        yield Kit(settings, database, sealer, closing)


def open_database(settings: Settings, name: str, connections: int) -> Database:
    """The database of the settings, its connections named ``name``.

    Raises:
        ValueError: if there is no address.
    """
    if settings.database_url is None:
        raise ValueError("no database: the engine sets DATABASE_URL for its workers")
    replica = settings.database_replica_url
    return Database(
        asyncpg_url(settings.database_url),
        replica_url=asyncpg_url(replica) if replica else None,
        options=pool_options(settings, name, connections),
    )


def pool_options(settings: Settings, name: str, connections: int) -> PoolOptions:
    """How a process keeps its connections under these settings."""
    return PoolOptions(size=connections, name=name, pgbouncer=settings.pgbouncer)


def key_ring(settings: Settings) -> KeyRing:
    """The key ring of the settings, else the one kept in the data directory.

    Raises:
        storage.keyring.KeyRingError: if it is not usable.
    """
    if settings.keyring is not None:
        return KeyRing.parse(settings.keyring.get_secret_value())
    return KeyRing.at(settings.directory / "keyring.json")


def _prospector(kit: Kit) -> Agent:
    from agents.prospector import Forms, Prospector, Source

    linkedin = connected(kit.settings, kit.database, kit.closing, "linkedin", outside.linkedin)
    forms = None if linkedin is None else Forms(*linkedin)
    sources = [
        Source(shop.source, shop.governor, shop.purchases)
        for shop in shops(kit.settings, kit.database, kit.closing)
    ]
    return Prospector(kit.sealer, sources, forms=forms, clock=now, chance=random)


def _enricher(kit: Kit) -> Agent:
    from agents.enricher import Enricher, Seller

    sellers = [
        Seller(shop.source, shop.purchases)
        for shop in shops(kit.settings, kit.database, kit.closing)
    ]
    return Enricher(kit.sealer, sellers, clock=now)


def _scorer(kit: Kit) -> Agent:
    from agents.scorer import Scorer

    return Scorer(kit.sealer, _rubric_calls(kit), now)


def _rubric_calls(kit: Kit) -> "RubricCalls | None":
    """GPT-4 at the cluster's common pace and within its caps; None where no key is set."""
    from agents.governor import Governor
    from agents.scorer.calls import RubricCalls
    from agents.scorer.questions import Caps

    settings = kit.settings
    model = outside.openai(settings)
    if model is None:
        return None
    kit.closing.push_async_callback(model.close)
    governor = Governor(
        kit.database,
        "openai",
        requests_per_minute=settings.openai_requests_per_minute,
        tokens_per_minute=settings.openai_tokens_per_minute,
    )
    caps = Caps(round(settings.llm_usd_per_day * 1e6), settings.llm_tokens_per_day)
    return RubricCalls(
        model,
        governor,
        caps,
        clock=now,
        deadline=timedelta(seconds=settings.openai_timeout_seconds),
        most=settings.scorer_calls,
    )


def _crm_syncer(kit: Kit) -> Agent:
    """The CRM syncer; its role exists only where Salesforce is connected."""
    from agents.crm_syncer import CrmSyncer, SyncOptions

    crm = outside.salesforce(kit.settings)
    if crm is None:
        raise ValueError("Salesforce has no credentials: see docs/vendors/salesforce.md")
    kit.closing.push_async_callback(crm.close_connections)
    pace = governor(kit.settings, kit.database, "salesforce", patience=CRM_PATIENCE)
    kit.closing.push_async_callback(pace.close)
    # A real CRM is somebody's: nothing goes there before an operator has looked at the mapping.
    options = SyncOptions(unasked=VENDORS["salesforce"].is_sandbox(kit.settings))
    return CrmSyncer(kit.sealer, crm, pace, now, options)


def _analyst(kit: Kit) -> Agent:
    from agents.analyst import Analyst

    return Analyst(now)


def _supervisor(_kit: Kit) -> Agent:
    from agents.supervisor import Supervisor

    return Supervisor(now)
