"""Monthly partitions of the tables that only grow.

A month's partition is made before the month begins. Rows that came earlier than their partition
wait in the default partition and are moved when it is made. Nothing is ever dropped here.
"""

from datetime import date, datetime

from sqlalchemy import text

from storage.database import Connection, driver

PARTITIONED = {"decisions": "made_at", "activities": "at"}
"""Tables and the column of time they are parted by."""

PARTITION_LOCK = 0x9A27
PATIENCE = "5s"
"""How long to wait for readers of the default partition; after that, try another time."""


async def keep_partitions(db: Connection, *, now: datetime, ahead: int = 3) -> list[str]:
    """Make the partitions of this month, of ``ahead`` more, and of what waits in the defaults.

    Safe to repeat, and from several processes at once: one works, the others wait for it.

    Returns:
        The names of those that were made.

    Raises:
        asyncpg.LockNotAvailableError: if a long reader is in the way; try again later.
    """
    await db.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": PARTITION_LOCK})
    await db.execute(text("SELECT set_config('lock_timeout', :wait, true)"), {"wait": PATIENCE})
    connection = await driver(db)
    wanted = [month_after(now.date(), months) for months in range(ahead + 1)]
    made: list[str] = []
    for table, column in PARTITIONED.items():
        rows = await connection.fetch(
            "SELECT * FROM keep_monthly_partitions($1, $2, $3)", table, column, wanted
        )
        made += [row[0] for row in rows]
    return made


def month_after(day: date, months: int) -> date:
    """Return the first day of the month that many months after the month of ``day``."""
    years, month = divmod(day.month - 1 + months, 12)
    return date(day.year + years, month + 1, 1)
