"""Tell an outage of the database, which passes, from a mistake of ours, which does not."""

import asyncpg
import sqlalchemy.exc

_PASSING = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.LockNotAvailableError,
    asyncpg.ReadOnlySQLTransactionError,
    sqlalchemy.exc.TimeoutError,
    OSError,
    TimeoutError,
)


def is_outage(error: BaseException) -> bool:
    """Say whether to try again later is the right answer to ``error``.

    True for a server that is away, starting, stopping or full, for every timeout (statement,
    lock, pool, network) and for deadlocks.
    """
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, _PASSING):
            # asyncpg's own ValueErrors are arguments that it cannot send.
            return not isinstance(seen, ValueError)
        if isinstance(seen, sqlalchemy.exc.DBAPIError) and seen.connection_invalidated:
            return True
        seen = seen.__cause__ or seen.__context__
    return False
