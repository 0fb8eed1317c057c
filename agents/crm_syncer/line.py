"""The line to the CRM: admitted by the governor, measured, and shut while that makes sense."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from agents.crm_syncer.ports import Crm
from agents.errors import VendorError
from agents.governor import Closed, Governor
from policies.crm_records import ApiUsage
from storage.database import Connection, Database

LONGEST_WAIT = timedelta(seconds=20)


class Later(Exception):
    """Nothing can be done before ``until`` (aware), and why; the message comes again then."""

    def __init__(self, until: datetime, reason: str) -> None:
        super().__init__(reason)
        self.until = until
        self.reason = reason


class Line:
    """Calls to one CRM.

    Args:
        clock: the time (aware UTC).
    """

    def __init__(self, crm: Crm, governor: Governor, clock: Callable[[], datetime]) -> None:
        self.crm = crm
        self.clock = clock
        self._governor = governor

    async def admit(self, db: Connection) -> timedelta:
        """Ask for a slot in the transaction that is open; return how long to wait for it.

        Raises:
            Later: if the CRM is away or the calls of the day are used up.
        """
        now = self.clock()
        if until := await self._governor.out_of_credit_until(db, now):
            raise Later(until, "the calls of the last 24 hours are used up")
        admitted = await self._governor.admit(db, [0], now)
        if isinstance(admitted, Closed):
            raise Later(admitted.until, "the CRM is away")
        if admitted.waits[0] > LONGEST_WAIT:
            raise Later(now + admitted.waits[0], "there are many calls ahead of this one")
        return admitted.waits[0]

    @asynccontextmanager
    async def admitted(self, operation: str, wait: timedelta) -> AsyncGenerator[Crm, None]:
        """Make a call whose slot was asked for."""
        if wait:
            await asyncio.sleep(wait.total_seconds())
        async with self._governor.calling(operation, clock=self.clock):
            yield self.crm

    @asynccontextmanager
    async def calling(self, database: Database, operation: str) -> AsyncGenerator[Crm, None]:
        """Ask for a slot and make a call.

        Raises:
            Later: as `admit` does.
            VendorError: as the call does.
        """
        async with database.transaction() as db:
            wait = await self.admit(db)
        async with self.admitted(operation, wait) as crm:
            yield crm

    async def usage(self) -> ApiUsage | None:
        """Return the calls that are counted, as far as the last answer told them."""
        try:
            return await self.crm.limits()
        except VendorError:
            return None
