"""Connections and transactions. Nothing else in storage opens either.

A transaction costs two round trips, its BEGIN and its COMMIT: the pool hands out connections that
commit by themselves, and the transaction is opened on the driver's connection, so that COPY and the
hot paths, which bypass SQLAlchemy, are always inside it.

Sources:
    Why each timeout: a partitioned PostgreSQL connection hangs for ever without
    ``TCP_USER_TIMEOUT``, which asyncpg does not set; measured, ADR-0011.
"""

import socket
import time
from asyncio import Transport
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeAlias

import asyncpg
import orjson
from sqlalchemy import event, text
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

Connection: TypeAlias = AsyncConnection

TRUSTED = 1.0
"""Seconds for which an idle connection is handed out without asking whether it still lives."""


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
        async with self._opened(self._engine, readonly=False) as connection:
            yield connection

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator[Connection, None]:
        """Open one read-only transaction, on the replica if there is one.

        Never for what a decision rests on: a replica may lag behind.
        """
        async with self._opened(self._replica, readonly=True) as connection:
            yield connection

    @asynccontextmanager
    async def _opened(
        self, engine: AsyncEngine, *, readonly: bool
    ) -> AsyncGenerator[Connection, None]:
        async with engine.connect() as connection:
            raw = _raw(connection)
            async with _transaction(raw, readonly=readonly):
                if self.options.pgbouncer:
                    await connection.execute(_LIMITS, _limits(self.options))
                yield connection

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()
        if self._replica is not self._engine:
            await self._replica.dispose()


@asynccontextmanager
async def _transaction(raw: asyncpg.Connection, *, readonly: bool) -> AsyncGenerator[None, None]:
    """As asyncpg's own, but what went wrong inside is raised, whatever the rollback says."""
    transaction = raw.transaction(readonly=readonly)
    try:
        await transaction.start()
        yield
    except BaseException:
        if not raw.is_closed():
            with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                await transaction.rollback()
        raise
    else:
        await transaction.commit()
    finally:
        if not raw.is_closed() and raw.is_in_transaction():  # cancelled while it was ending
            raw.terminate()


async def driver(db: Connection) -> asyncpg.Connection:
    """Return the asyncpg connection under an open transaction, for COPY and hot paths.

    Raises:
        ConnectionError: if there is no connection or no transaction on it.
    """
    raw = _raw(db)
    if raw.is_closed() or not raw.is_in_transaction():
        raise ConnectionError("the transaction is over, or its connection was lost")
    return raw


def _raw(db: Connection) -> asyncpg.Connection:
    held = db.sync_connection
    raw = None if held is None or held.closed else held.connection.driver_connection
    if raw is None:
        raise ConnectionError("the connection is closed")
    return raw


async def count(connection: asyncpg.Connection, query: str, *arguments: object) -> int:
    """Run a query whose only value is a number."""
    value = await connection.fetchval(query, *arguments)
    return int(value or 0)


def _engine(url: str, options: PoolOptions) -> AsyncEngine:
    engine = create_async_engine(
        url,
        pool_size=options.size,
        max_overflow=0,
        pool_recycle=1800,
        pool_timeout=30,
        pool_reset_on_return=None,  # `_transaction` ends each, or the connection
        isolation_level="AUTOCOMMIT",
        json_serializer=lambda value: orjson.dumps(value).decode(),
        json_deserializer=orjson.loads,
        connect_args=_connect_args(options),
    )
    _check_on_checkout(engine)
    return engine


def _check_on_checkout(engine: AsyncEngine) -> None:
    """Replace dead connections before use; ask only those that were idle for a while.

    SQLAlchemy's own pre-ping asks every time, which is a fifth of a short transaction.
    """
    dialect = engine.sync_engine.dialect

    def returned(_: Any, record: Any) -> None:  # noqa: ANN401 - as the pool calls it
        record.info["idle_since"] = time.monotonic()

    def handed_out(adapted: Any, record: Any, _: Any) -> None:  # noqa: ANN401
        if adapted.driver_connection.is_closed():
            raise DisconnectionError("the connection was lost")
        if time.monotonic() - record.info.get("idle_since", time.monotonic()) < TRUSTED:
            return
        try:
            dialect.do_ping(adapted)
        except Exception as error:
            raise DisconnectionError("the connection does not answer") from error

    event.listen(engine.sync_engine, "checkin", returned)
    event.listen(engine.sync_engine, "checkout", handed_out)


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
