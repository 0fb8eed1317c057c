"""The API over a real database, asked through its ASGI interface."""

import time
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from fastapi import FastAPI

from serve.app import build
from serve.dependencies import Dependencies, Limits
from serve.scopes import ROLES, Role
from storage import api_keys
from storage.agents import Bounds, ensure
from storage.database import Database
from storage.scoring import ensure_default
from storage.sealing import Sealer

SECRET = b"for tests only"
ROLES_OF_AGENTS = ("analyst", "enricher", "prospector", "scorer", "supervisor")


@dataclass
class Clock:
    """A clock that moves when told to."""

    now: datetime = field(default_factory=lambda: datetime.fromtimestamp(time.time(), UTC))

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass
class World:
    """The API, its database and who was woken."""

    app: FastAPI
    client: httpx.AsyncClient
    database: Database
    sealer: Sealer
    clock: Clock
    keys: dict[Role, str]
    woken: list[str]

    def as_role(self, role: Role | None) -> dict[str, str]:
        return {} if role is None else {"Authorization": f"Bearer {self.keys[role]}"}

    async def key(self, *scopes: str) -> dict[str, str]:
        async with self.database.transaction() as db:
            _, text = await api_keys.create(db, "special", scopes, now=self.clock())
        return {"Authorization": f"Bearer {text}"}


def sealer() -> Sealer:
    return Sealer({1: bytes(32)}, 1, bytes(range(32)))


def dependencies(database: Database, clock: Clock, woken: list[str]) -> Dependencies:
    @asynccontextmanager
    async def opened() -> AsyncGenerator[tuple[Database, Sealer], None]:
        yield database, sealer()

    def wake(roles: Iterable[str]) -> None:
        woken.extend(sorted(roles))

    return Dependencies(opened, wake, clock, "0.1.0", SECRET, sandboxed=("openai",))


async def prepare(database: Database, now: datetime) -> dict[Role, str]:
    keys: dict[Role, str] = {}
    async with database.transaction() as db:
        for role, scopes in ROLES.items():
            _, keys[role] = await api_keys.create(db, role.value, scopes, now=now)
        await ensure(db, {name: Bounds(0, 1) for name in ROLES_OF_AGENTS})
        template = {"kind": "template", "industry": "general", "base_rate": None}
        await ensure_default(db, name="general", definition=template, now=now)
    return keys


@asynccontextmanager
async def running(
    database: Database, given: Dependencies, clock: Clock, woken: list[str]
) -> AsyncGenerator[World, None]:
    keys = await prepare(database, clock.now)
    app = build(given)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://engine") as client,
    ):
        client.headers["Authorization"] = f"Bearer {keys[Role.ADMIN]}"
        yield World(app, client, database, sealer(), clock, keys, woken)


@pytest.fixture
async def world(database: Database) -> AsyncGenerator[World, None]:
    """The API with the admin's key."""
    clock, woken = Clock(), list[str]()
    async with running(database, dependencies(database, clock, woken), clock, woken) as world:
        yield world


@pytest.fixture
async def small_world(database: Database) -> AsyncGenerator[World, None]:
    """The API with limits that a test can reach."""
    clock, woken = Clock(), list[str]()
    limits = Limits(body=2_000, json_import=5_000, csv_import=3 * 2**20, requests=20, failed=3)
    given = replace(dependencies(database, clock, woken), limits=limits)
    async with running(database, given, clock, woken) as world:
        yield world
