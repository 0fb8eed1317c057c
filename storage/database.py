"""Connections and transactions. Nothing else in storage opens either.

Sources:
    Why each timeout: a partitioned PostgreSQL connection hangs for ever without
    ``TCP_USER_TIMEOUT``, which asyncpg does not set; measured, ADR-0011.
"""

import socket
from asyncio import Transport
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeAlias

import asyncpg
import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

Connection: TypeAlias = AsyncConnection


@dataclass(frozen=True, slots=True)
class PoolOptions:
    """How a process keeps its connections.

    Attributes:
        size: connections held open, at most.
        name: shown in ``pg_stat_activity``.
        statement_timeout: the longest that one statement may run.
        idle_timeout: the longest that a transaction may sit idle.
        network_timeout: the longest wait for a network that does not answer.
        pgbouncer: whether a PgBouncer in transaction mode stands between.
    """

    size: int = 4
    name: str = "leadengine"
    statement_timeout: timedelta = timedelta(seconds=30)
    idle_timeout: timedelta = timedelta(seconds=60)
    network_timeout: timedelta = timedelta(seconds=10)
    pgbouncer: bool = False


class _GuardedConnection(asyncpg.Connection):
    """An asyncpg connection whose socket gives up when the network does."""

    network_timeout = timedelta(seconds=10)

    def __init__(self, protocol: Any, transport: Transport, *args: Any) -> None:  # noqa: ANN401
        super().__init__(protocol, transport, *args)
        peer = transport.get_extra_info("socket")
        if peer is not None and peer.family in (socket.AF_INET, socket.AF_INET6):
            wait = int(self.network_timeout.total_seconds() * 1000)
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, wait)


class Database:
    """Where the system's memory lives.

    Attributes:
        url: such as ``postgresql+asyncpg://user@host/name``.
    """

    def __init__(
        self, url: str, *, replica_url: str | None = None, options: PoolOptions | None = None
    ) -> None:
        self.url = url
        self.options = options or PoolOptions()
        self._engine = _engine(url, self.options)
        self._replica = _engine(replica_url, self.options) if replica_url else self._engine

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Connection, None]:
        """Open one transaction: committed on exit, rolled back on any exception."""
        async with self._engine.begin() as connection:
            if self.options.pgbouncer:
                await connection.execute(_LIMITS, _limits(self.options))
            yield connection

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator[Connection, None]:
        """Open one read-only transaction, on the replica if there is one.

        Never for what a decision rests on: a replica may lag behind.
        """
        async with self._replica.connect() as connection:
            await connection.execute(text("SET TRANSACTION READ ONLY"))
            yield connection

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()
        if self._replica is not self._engine:
            await self._replica.dispose()


async def driver(db: Connection) -> asyncpg.Connection:
    """Return the asyncpg connection under an open transaction, for COPY and hot paths.

    SQLAlchemy begins at its own first statement; without one, what is done here would
    not be part of the transaction.
    """
    raw = (await db.get_raw_connection()).driver_connection
    if raw is None:
        raise ConnectionError("the connection is closed")
    if not raw.is_in_transaction():
        await db.execute(text("SELECT 1"))
    return raw


async def count(connection: asyncpg.Connection, query: str, *arguments: object) -> int:
    """Run a query whose only value is a number."""
    value = await connection.fetchval(query, *arguments)
    return int(value or 0)


def _engine(url: str, options: PoolOptions) -> AsyncEngine:
    return create_async_engine(
        url,
        pool_size=options.size,
        max_overflow=0,
        pool_pre_ping=True,
        pool_recycle=1800,
        pool_timeout=30,
        json_serializer=lambda value: orjson.dumps(value).decode(),
        json_deserializer=orjson.loads,
        connect_args=_connect_args(options),
    )


def _connect_args(options: PoolOptions) -> dict[str, Any]:
    patience = options.statement_timeout.total_seconds() + 5
    args: dict[str, Any] = {
        "timeout": options.network_timeout.total_seconds(),
        "command_timeout": patience,
        "connection_class": _GuardedConnection,
    }
    if options.pgbouncer:
        return args | {
            "statement_cache_size": 0,
            "prepared_statement_cache_size": 0,
            "prepared_statement_name_func": lambda: "",
        }
    return args | {"server_settings": server_settings(options)}


def server_settings(options: PoolOptions) -> dict[str, str]:
    """The session settings of every connection that does not go through PgBouncer."""
    return {
        "application_name": options.name,
        "statement_timeout": _milliseconds(options.statement_timeout),
        "idle_in_transaction_session_timeout": _milliseconds(options.idle_timeout),
        "tcp_user_timeout": _milliseconds(options.network_timeout),
        "jit": "off",
    }


_LIMITS = text(
    "SELECT set_config('statement_timeout', :statement, true), "
    "set_config('idle_in_transaction_session_timeout', :idle, true)"
)


def _limits(options: PoolOptions) -> dict[str, str]:
    return {
        "statement": _milliseconds(options.statement_timeout),
        "idle": _milliseconds(options.idle_timeout),
    }


def _milliseconds(duration: timedelta) -> str:
    return str(int(duration.total_seconds() * 1000))
