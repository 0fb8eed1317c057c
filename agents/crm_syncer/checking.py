"""Whether the CRM answers: who we are there, how its objects look, how many calls are left."""

from datetime import timedelta

from agents.agent import Done, Outcome, Turn
from agents.crm_syncer.line import Line
from agents.errors import VendorError
from policies.crm_checks import check
from policies.crm_document import CrmMapping
from policies.crm_records import Description
from storage import crm
from storage.crm import STARTER_VERSION, CrmState
from storage.crm_links import OPPORTUNITY

CHECKED_EVERY = timedelta(hours=24)
AFTER_FAILURE = timedelta(minutes=5)
"""Between two logins that the schedule asks for: too many wrong ones lock a user out."""


NOBODY_ASKED = (
    "no mapping was kept yet, so nothing is sent: see what would be (leadengine crm preview), then "
    "keep one (leadengine crm mapping set)"
)


class Checking:
    """Looks at the CRM as a whole.

    Args:
        unasked: whether leads go there before anybody has kept a mapping.
    """

    def __init__(self, line: Line, *, unasked: bool) -> None:
        self._line = line
        self._unasked = unasked

    async def check(self, turn: Turn) -> Outcome:
        """Look now and keep what was seen.

        Raises:
            Later, VendorError: if the CRM cannot be asked.
        """
        await self._look(turn)
        return Done()

    async def ready(self, turn: Turn) -> str | None:
        """Say what is wrong with the mapping, looking at the CRM if that was long ago.

        Raises:
            Later, VendorError: if the CRM cannot be asked.
        """
        async with turn.database.transaction() as db:
            state, kept = await crm.state(db), await crm.mapping(db)
        age = turn.now - state.checked_at if state.checked_at is not None else timedelta.max
        unknown = not state.connected or _objects(kept.mapping) - state.descriptions.keys()
        if age > CHECKED_EVERY or (unknown and age > AFTER_FAILURE):
            state = await self._look(turn)
        elif unknown and not state.connected:
            return state.problem or "the CRM was never reached"
        problem = mapping_problem(kept.mapping, state)
        if kept.version == STARTER_VERSION and not self._unasked:
            problem = NOBODY_ASKED
        if problem is not None:
            async with turn.database.transaction() as db:
                await crm.troubled(db, problem, now=turn.now)
        return problem

    async def _look(self, turn: Turn) -> CrmState:
        try:
            return await self._seen(turn)
        except VendorError as error:
            async with turn.database.transaction() as db:
                await crm.unreachable(db, str(error), now=turn.now)
            raise

    async def _seen(self, turn: Turn) -> CrmState:
        async with turn.database.transaction() as db:
            kept = await crm.mapping(db)
        async with self._line.calling(turn.database, "crm.who") as to:
            account = await to.who()
        descriptions: dict[str, Description] = {}
        for name in sorted(_objects(kept.mapping)):
            async with self._line.calling(turn.database, "crm.describe") as to:
                descriptions[name] = await to.describe(name)
        usage = await self._line.usage()
        async with turn.database.transaction() as db:
            await crm.heard(db, usage, now=turn.now)
            await crm.checked(db, account, descriptions, now=turn.now)
            return await crm.state(db)


def mapping_problem(mapping: CrmMapping, state: CrmState) -> str | None:
    """Say what keeps the mapping from working with the CRM as it is described; None if nothing."""
    description = state.descriptions.get(mapping.object)
    found = check(mapping, description) if description is not None else []
    fatal = [each for each in found if each.fatal]
    return f"mapping: {fatal[0].field}: {fatal[0].message}" if fatal else None


def _objects(mapping: CrmMapping) -> set[str]:
    return {mapping.object, *([OPPORTUNITY] if mapping.opportunity else [])}
